//! A provider over a simulated cloud in which traffic runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::gates::Side;
use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Both;
use cutover_driver::{Allowance, Budgeted, Clock, Traffic, Wait, World};
use cutover_resources::{App, provider};
use cutover_sim::cloud::{
    Action, Change, ChangeAction, Forward, Incident, ListenerRule, ResourceRecordSet, Routed,
    SideProfile, SimReplications, TargetGroup, TargetHealth, TrafficModel, WeightedGroup,
};
use cutover_sim::{
    Cloud, CloudConfig, PausedClock, SimClock, SimDatabases, SimIam, SimSecrets, SimServiceRoles,
    SimTraffic, SimWriters,
};
use pulumi_testkit::{Harness, Stored, Subject};
use pulumi_value::{PropertyMap, PropertyPath, Value, to_map};
use serde_json::{Value as Json, json};

pub(crate) const TOKEN: &str = "cutover:index:WeightedShift";
pub(crate) const ZONE: &str = "Z0AB";
pub(crate) const NAME: &str = "pay.example.com";

/// How long traffic has run before anything begins.
const BEFORE: Duration = Duration::from_hours(2);

/// The paused clock of the runtime, which advances only while somebody waits by it: otherwise everybody else would run
/// out of time over messages to the engine, which is on the other end of a socket.
#[derive(Clone, Debug)]
pub(crate) struct Unhurried {
    clock: PausedClock,
    hold: Arc<Mutex<Hold>>,
}

/// What keeps the clock still: the runtime does not advance it while a blocking task is under way.
#[derive(Debug, Default)]
struct Hold {
    waits: usize,
    release: Option<mpsc::Sender<()>>,
}

/// Real time that passes before each wait, in which the engine reads what it was told: ours; a message on the loopback
/// device takes less.
const MOMENT: Duration = Duration::from_micros(300);

#[expect(
    clippy::disallowed_methods,
    reason = "nothing says when the engine has read what it was told, and its runtime is on the real clock"
)]
fn rest() {
    std::thread::sleep(MOMENT);
}

/// A wait, for as long as it lasts.
struct Waiting(Arc<Mutex<Hold>>);

impl Waiting {
    fn begin(hold: &Arc<Mutex<Hold>>) -> Self {
        {
            let mut kept = hold.lock().expect("nobody panics over it");
            kept.waits += 1;
            kept.release = None;
        }
        Self(Arc::clone(hold))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut hold = self.0.lock().expect("nobody panics over it");
        hold.waits -= 1;
        if hold.waits == 0 {
            hold.keep();
        }
    }
}

impl Hold {
    fn keep(&mut self) {
        let (release, released) = mpsc::channel();
        self.release = Some(release);
        // It ends with an error, when the other end is dropped. Outside of a runtime there is no clock to be kept.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || released.recv());
        }
    }
}

impl Unhurried {
    fn new() -> Self {
        let hold = Arc::new(Mutex::new(Hold::default()));
        hold.lock().expect("it is new").keep();
        Self {
            clock: PausedClock::default(),
            hold,
        }
    }
}

impl Clock for Unhurried {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        let (clock, hold) = (self.clock, Arc::clone(&self.hold));
        Box::pin(async move {
            tokio::task::spawn_blocking(rest)
                .await
                .expect("a short rest");
            let _waiting = Waiting::begin(&hold);
            clock.sleep_until(at).await;
        })
    }
}

/// A provider and its world.
pub(crate) struct Given {
    pub(crate) harness: Harness<App>,
    pub(crate) sim: SimTraffic,
    pub(crate) clock: Unhurried,
    pub(crate) began_at: Timestamp,
}

fn member(side: &str, value: &str, weight: u64) -> ResourceRecordSet {
    ResourceRecordSet {
        name: NAME.to_owned(),
        record_type: "A".to_owned(),
        set_identifier: Some(side.to_owned()),
        weight: Some(weight),
        ttl: Some(60),
        values: vec![value.to_owned()],
        ..ResourceRecordSet::default()
    }
}

/// Serves a provider whose zone has two weighted members.
pub(crate) async fn given(old: u64, new: u64) -> Given {
    given_cloud(|cloud, from| {
        cloud.put_hosted_zone(from, ZONE, "example.com", false);
        let changes = [
            member("old", "192.0.2.1", old),
            member("new", "198.51.100.1", new),
        ];
        let changes = changes.map(|set| Change {
            action: ChangeAction::Create,
            set,
        });
        cloud
            .by_others(|cloud| cloud.change_resource_record_sets(from, ZONE, &changes))
            .expect("the members are made");
        Routed::Record {
            zone_id: ZONE.to_owned(),
            name: NAME.to_owned(),
            record_type: "A".to_owned(),
            old: "old".to_owned(),
            new: "new".to_owned(),
        }
    })
    .await
}

pub(crate) const RULE: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/pay/1/2/3";
pub(crate) const GROUP_OLD: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/old/1";
pub(crate) const GROUP_NEW: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/new/2";

/// Serves a provider whose listener rule forwards everything to one of two target groups.
pub(crate) async fn given_rule() -> Given {
    given_cloud(|cloud, from| {
        for (arn, name) in [(GROUP_OLD, "old"), (GROUP_NEW, "new")] {
            cloud.put_target_group(TargetGroup {
                arn: arn.to_owned(),
                name: name.to_owned(),
                load_balancer_arns: Vec::new(),
                targets: vec![TargetHealth {
                    id: format!("i-{name}"),
                    port: 443,
                    state: "healthy".to_owned(),
                }],
            });
        }
        let group = |arn: &str, weight| WeightedGroup {
            arn: arn.to_owned(),
            weight: Some(weight),
        };
        let forward = Action {
            kind: "forward".to_owned(),
            order: Some(1),
            target_group_arn: None,
            forward: Some(Forward {
                groups: vec![group(GROUP_OLD, 100), group(GROUP_NEW, 0)],
                stickiness: None,
            }),
            rest: BTreeMap::new(),
        };
        let rule = ListenerRule {
            arn: RULE.to_owned(),
            priority: "1".to_owned(),
            conditions: Vec::new(),
            actions: vec![forward],
            is_default: false,
        };
        cloud.put_rule(from, rule);
        Routed::Rule {
            arn: RULE.to_owned(),
            old: GROUP_OLD.to_owned(),
            new: GROUP_NEW.to_owned(),
        }
    })
    .await
}

async fn given_cloud(furnish: impl FnOnce(&mut Cloud, Timestamp) -> Routed) -> Given {
    let clock = Unhurried::new();
    let now = clock.now();
    let from = Timestamp::from_unix_millis(
        now.unix_millis() - i64::try_from(BEFORE.as_millis()).expect("two hours"),
    );
    let mut cloud = Cloud::new(CloudConfig::default());
    let routed = furnish(&mut cloud, from);
    cloud.run_traffic(TrafficModel::new(from, routed));
    let sim = SimTraffic::new(cloud, clock.clone());
    Given {
        harness: serve(&sim, &clock).await,
        sim,
        clock,
        began_at: now,
    }
}

/// Serves the provider over a world.
async fn serve(sim: &SimTraffic, clock: &Unhurried) -> Harness<App> {
    let roles = SimServiceRoles::new(SimIam::new("123456789012"), SimClock::default());
    let traffic = sim.traffic();
    // As in the plugin: Route 53 serves five requests a second.
    let allowance = Arc::new(Allowance::new(Arc::new(clock.clone())));
    let traffic = Traffic {
        zones: Arc::new(Budgeted::new(Arc::clone(&traffic.zones), allowance)),
        ..traffic
    };
    let world = World {
        clock: Arc::new(clock.clone()),
        service_roles: Arc::new(roles),
        traffic,
        databases: Arc::new(SimDatabases::default()),
        secrets: Arc::new(SimSecrets::default()),
        writers: Arc::new(SimWriters::new(
            Arc::new(SimClock::default()),
            &Both::of(|_| Engine::Postgres),
        )),
        replications: Arc::new(SimReplications::over(sim)),
    };
    Harness::configured(provider(|_| None, move |_| world.clone())).await
}

impl Given {
    /// Ends the provider and starts it anew, as the next `pulumi up` does.
    pub(crate) async fn restarted(mut self) -> Self {
        self.harness = serve(&self.sim, &self.clock).await;
        self
    }

    pub(crate) fn shift(&self) -> Subject {
        self.harness.resource(TOKEN, "pay")
    }

    /// Everything that was said, one line for each message.
    pub(crate) fn said(&self) -> Vec<String> {
        let logs = self.harness.engine.logs();
        logs.iter().map(|line| line.message.clone()).collect()
    }

    pub(crate) fn said_once(&self, text: &str) -> bool {
        self.said().iter().any(|line| line.contains(text))
    }

    /// The weights of old and new, one pair after the other.
    pub(crate) fn weights(&self) -> Vec<String> {
        let cloud = self.sim.cloud();
        let over_time = cloud.weights_over_time(ZONE, NAME, "A");
        let pair = |weights: &BTreeMap<String, u64>| {
            let of = |side: &str| weights.get(side).map_or("-".to_owned(), u64::to_string);
            format!("{}/{}", of("old"), of("new"))
        };
        // The zone is empty before its members are made.
        over_time
            .iter()
            .map(|(_, weights)| pair(weights))
            .filter(|pair| pair != "-/-")
            .collect()
    }

    /// How often the zone was changed.
    pub(crate) fn writes(&self) -> usize {
        let cloud = self.sim.cloud();
        let all = cloud.requests().iter();
        all.filter(|request| request.operation == "ChangeResourceRecordSets")
            .count()
    }

    pub(crate) fn journal(&self) -> Option<String> {
        let cloud = self.sim.cloud();
        let records = cloud.records(ZONE);
        let text = records.iter().find(|set| set.record_type == "TXT");
        text.and_then(|set| set.values.first().cloned())
    }

    /// Lets new fail so much of everything from some time after the beginning on.
    pub(crate) fn breaks_after(&self, after: Duration, error_rate: f64) {
        let profile = SideProfile {
            error_rate,
            payment_failure_rate: 0.01,
            latency_p95: Duration::from_millis(180),
        };
        let from = self.began_at.after(after);
        let incident = Incident {
            from,
            until: from.after(Duration::from_hours(1)),
            side: Side::New,
            profile,
        };
        self.sim.cloud().add_incident(self.clock.now(), incident);
    }
}

/// Inputs as Check completes them.
pub(crate) async fn checked(given: &Given, inputs: &Json) -> PropertyMap {
    let checked = given.shift().check(&map(inputs)).await.expect("an answer");
    assert_eq!(checked.failures, [], "{inputs}");
    checked.inputs
}

pub(crate) fn map(inputs: &Json) -> PropertyMap {
    to_map(inputs).expect("JSON can be said in values")
}

fn metric(name: &str, stat: &str) -> Json {
    json!({
        "namespace": "Shop",
        "name": name,
        "stat": stat,
        "oldDimensions": { "Side": "old" },
        "newDimensions": { "Side": "new" },
    })
}

/// A shift by 10 and 50 % with a gate on errors; `change` is laid over it.
pub(crate) fn inputs(change: Json) -> Json {
    let target = |side: &str, value: &str| json!({ "setIdentifier": side, "value": value });
    let mut inputs = json!({
        "router": { "route53": {
            "zoneId": ZONE,
            "records": [{
                "name": NAME,
                "old": target("old", "192.0.2.1"),
                "new": target("new", "198.51.100.1"),
            }],
            "adopt": "weighted",
            "zeroMeans": "standby",
        }},
        "steps": [
            { "share": 10, "bake": "30m" },
            { "share": 50, "bake": "1h" },
            { "share": 100 },
        ],
        "gates": [{
            "name": "errorRate",
            "kind": "ratio",
            "bad": [metric("Errors", "Sum")],
            "total": [metric("Requests", "Sum")],
            "max": 0.05,
            "for": "5m",
        }],
        "rollback": { "sharedDatabase": true },
    });
    let Json::Object(change) = change else {
        panic!("a change is an object")
    };
    for (key, value) in change {
        inputs[key] = value;
    }
    inputs
}

pub(crate) fn output(stored: &Stored, name: &str) -> Value {
    let path = PropertyPath::root().key(name);
    path.get(&stored.outputs).cloned().unwrap_or_default()
}

pub(crate) fn text(stored: &Stored, name: &str) -> String {
    let value = output(stored, name);
    value.as_str().unwrap_or_default().to_owned()
}

impl Given {
    /// Lets time pass.
    pub(crate) async fn pass(&self, duration: Duration) {
        self.clock
            .sleep_until(self.clock.now().after(duration))
            .await;
    }

    pub(crate) fn clock_since_beginning(&self) -> Duration {
        self.clock.now().since(self.began_at)
    }
}
