//! An account in which traffic runs, and a stack whose one resource is a shift of it.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::gates::Side;
use cutover_core::shift::journal::{Entry, Mark};
use cutover_driver::{Clock as _, SystemClock};
use cutover_local_aws::{LocalAws, Options};
use cutover_sim::cloud::{
    Change, ChangeAction, Cloud, CloudConfig, Incident, PutParameter, ResourceRecordSet, Routed,
    SideProfile, TrafficModel,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::super::pulumi::{Run, Running, Stack, text, until};
use super::names;

/// The zone, and the name that moves.
pub(super) const ZONE: &str = "Z0PAY";
pub(super) const NAME: &str = "pay.example.com";

/// The name of the resource in the program.
pub(super) const SHIFT: &str = "shift";

/// The parameter that an entry gate or the kill switch reads.
pub(super) const PARAMETER: &str = "/pay/shift";

/// The access key in the environment of every run; the local endpoints check no signature.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// How long traffic has run before anything begins: ours, more than a preflight asks for.
const BEFORE: Duration = Duration::from_mins(2);

/// Requests a second, so that a tenth of them are enough for a judgement of one second.
const LOAD: f64 = 400.0;

/// Longer than one of these shifts takes from one phase to another on a slow machine.
const PHASE_MAX: Duration = Duration::from_secs(100);

/// An account and a stack.
pub(super) struct World {
    pub(super) stack: Stack,
    aws: Arc<LocalAws>,
    // Last, since the account runs on it.
    _runtime: Runtime,
}

/// The arguments of a shift to 10, 50 and 100 %, with some of them changed.
pub(super) fn args(changes: Value) -> Value {
    let target = |side: &str, value: &str| json!({ "setIdentifier": side, "value": value });
    let mut args = json!({
        "router": { "route53": {
            "zoneId": ZONE,
            "ttl": 1,
            "adopt": "weighted",
            "records": [{
                "name": NAME,
                "types": ["A"],
                "old": target("old", "192.0.2.1"),
                "new": target("new", "198.51.100.1"),
            }],
        } },
        "steps": [
            { "share": 10, "bake": "6s" },
            { "share": 50, "bake": "6s" },
            { "share": 100 },
        ],
        "soak": "6s",
        "gates": [error_rate()],
        "settle": { "clientLag": "1s" },
        "gateTimeout": "30s",
        "rollback": { "sharedDatabase": true },
    });
    merge(&mut args, changes);
    args
}

/// Two steps instead of three, for shifts that are about something else than steps.
pub(super) fn two_steps(changes: Value) -> Value {
    let mut args = args(json!({
        "steps": [{ "share": 50, "bake": "6s" }, { "share": 100 }],
    }));
    merge(&mut args, changes);
    args
}

/// The gate of all of them: errors by requests, second by second.
pub(super) fn error_rate() -> Value {
    let metric = |name: &str| {
        json!({
            "namespace": "Shop",
            "name": name,
            "oldDimensions": { "Side": "old" },
            "newDimensions": { "Side": "new" },
        })
    };
    json!({
        "name": "errorRate",
        "kind": "ratio",
        "bad": [metric("Errors")],
        "total": [metric("Requests")],
        "max": 0.05,
        "period": "1s",
        "minSamples": 20,
        "lag": { "harm": "0s", "health": "1s" },
    })
}

fn merge(args: &mut Value, changes: Value) {
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            args[name] = value;
        }
    }
}

fn member(side: &str, value: &str, weight: u64, ttl: u64) -> ResourceRecordSet {
    ResourceRecordSet {
        name: NAME.to_owned(),
        record_type: "A".to_owned(),
        set_identifier: Some(side.to_owned()),
        weight: Some(weight),
        ttl: Some(ttl),
        values: vec![value.to_owned()],
        ..ResourceRecordSet::default()
    }
}

/// The beginning of traffic, on a whole second as the periods are.
fn long_ago() -> Timestamp {
    let before = i64::try_from(BEFORE.as_millis()).expect("it is minutes");
    let at = SystemClock.now().unix_millis() - before;
    Timestamp::from_unix_millis(at / 1000 * 1000)
}

/// An account whose zone has two members with these weights and this TTL.
pub(super) fn a_zone(old: u64, new: u64, ttl: u64) -> Cloud {
    let mut cloud = quick_cloud();
    let from = long_ago();
    cloud.put_hosted_zone(from, ZONE, "example.com", false);
    let members = [
        member("old", "192.0.2.1", old, ttl),
        member("new", "198.51.100.1", new, ttl),
    ];
    let changes = members.map(|set| Change {
        action: ChangeAction::Create,
        set,
    });
    cloud
        .by_others(|cloud| cloud.change_resource_record_sets(from, ZONE, &changes))
        .expect("the members are made");
    run_traffic(
        &mut cloud,
        Routed::Record {
            zone_id: ZONE.to_owned(),
            name: NAME.to_owned(),
            record_type: "A".to_owned(),
            old: "old".to_owned(),
            new: "new".to_owned(),
        },
    );
    cloud
}

/// An account whose name servers know of a change as soon as it is accepted.
pub(super) fn quick_cloud() -> Cloud {
    Cloud::new(CloudConfig {
        propagation: Duration::ZERO,
        insync: Some(Duration::ZERO),
        ..CloudConfig::default()
    })
}

/// Lets traffic run, of which every second is measured.
pub(super) fn run_traffic(cloud: &mut Cloud, routed: Routed) {
    let from = long_ago();
    let mut traffic = TrafficModel::new(from, routed);
    traffic.step = Duration::from_secs(1);
    traffic.load = vec![(from, LOAD)];
    traffic.resolvers.ttl = Duration::from_secs(1);
    cloud.run_traffic(traffic);
}

impl World {
    /// A name whose traffic is on old, and a stack that shifts it.
    pub(super) fn of(args: &Value) -> Self {
        Self::over(a_zone(100, 0, 1), args)
    }

    /// A stack that shifts traffic in an account, with credentials in the environment.
    pub(super) fn over(cloud: Cloud, args: &Value) -> Self {
        Self::without_credentials(cloud, args).with_credentials()
    }

    /// Puts keys into the environment of every run that follows.
    pub(super) fn with_credentials(self) -> Self {
        self.env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", "test")
    }

    /// Sets a variable for every run that follows.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.stack = self.stack.env(name, value);
        self
    }

    /// A stack that shifts traffic in an account to which it has no keys yet.
    pub(super) fn without_credentials(cloud: Cloud, args: &Value) -> Self {
        let world = Self::around(Stack::of_user("shift"), cloud);
        world.configure(&world.stack, &[("shift:args", &args.to_string())]);
        world
    }

    /// An account beside a stack.
    pub(super) fn around(stack: Stack, cloud: Cloud) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread can be started");
        let aws = LocalAws::start(cloud, Arc::new(SystemClock), Options::default());
        let aws = runtime.block_on(aws).expect("there is a free port");
        Self {
            stack,
            aws: Arc::new(aws),
            _runtime: runtime,
        }
    }

    /// Leads a stack's calls to the account, and sets what else it needs.
    pub(super) fn configure(&self, stack: &Stack, more: &[(&str, &str)]) {
        let names = names::serve(Arc::downgrade(&self.aws), ZONE).to_string();
        let url = self.aws.url();
        let services = [
            "cloudwatch",
            "databasemigration",
            "elasticloadbalancingv2",
            "route53",
            "sns",
            "ssm",
            "sts",
        ];
        let mut settings = vec![
            "cutover:region=eu-central-1".to_owned(),
            format!("cutover:endpoints.nameServer={names}"),
        ];
        settings.extend(services.map(|service| format!("cutover:endpoints.{service}={url}")));
        settings.extend(more.iter().map(|(key, value)| format!("{key}={value}")));
        let mut arguments = vec!["config", "set-all", "--path"];
        for setting in &settings {
            arguments.extend(["--plaintext", setting]);
        }
        stack.pulumi(&arguments).succeeds();
    }

    /// Changes what the program asks for.
    pub(super) fn ask(&self, args: &Value) {
        self.stack.config("args", &args.to_string());
    }

    /// The account.
    pub(super) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.aws.cloud()
    }

    /// Starts the shift and waits until its run tells something.
    #[track_caller]
    pub(super) fn under_way(&self, told: &str) -> Running {
        let running = self.stack.start(&["up", "--skip-preview"]);
        waits(&running, told);
        running
    }

    /// The percentages on new that the router was told, one after the other, and from when on.
    pub(super) fn shares_over_time(&self) -> Vec<(Timestamp, u64)> {
        let weights = self.cloud().weights_over_time(ZONE, NAME, "A");
        let mut shares: Vec<(Timestamp, u64)> = Vec::new();
        for (at, weights) in weights {
            let weight = |side: &str| weights.get(side).copied().unwrap_or(0);
            let (old, new) = (weight("old"), weight("new"));
            // The zone was empty before its members were made.
            if weights.is_empty() {
                continue;
            }
            assert!(old + new > 0, "both weights were 0: {weights:?}");
            let share = 100 * new / (old + new);
            if shares.last().is_none_or(|(_, last)| *last != share) {
                shares.push((at, share));
            }
        }
        shares
    }

    /// The percentages on new that the router was told, one after the other.
    pub(super) fn shares(&self) -> Vec<u64> {
        let shares = self.shares_over_time();
        shares.into_iter().map(|(_, share)| share).collect()
    }

    /// Waits until the router was told a percentage.
    #[track_caller]
    pub(super) fn reaches(&self, share: u64) {
        until(PHASE_MAX, &format!("{share} % on new"), || {
            (self.shares().last() == Some(&share)).then_some(())
        });
    }

    /// How many batches the zone was sent, and how many of them it has accepted.
    pub(super) fn writes(&self) -> (usize, usize) {
        let cloud = self.cloud();
        let all = cloud.requests().iter();
        let batches: Vec<_> = all
            .filter(|request| request.operation == "ChangeResourceRecordSets")
            .collect();
        let accepted = batches.iter().filter(|request| request.error.is_none());
        (batches.len(), accepted.count())
    }

    /// The entry of the journal.
    pub(super) fn journal(&self) -> Option<Entry> {
        let records = self.cloud().records(ZONE);
        let journal = records.iter().find(|set| set.record_type == "TXT")?;
        // Beside the entry there are strings that say which records belong together.
        let mut strings = journal.values.iter().flat_map(|value| value.split('"'));
        let text = strings.find(|string| string.starts_with("cutover"))?;
        Some(Entry::decode(text).expect("the journal can be read"))
    }

    /// Makes new fail from now on.
    pub(super) fn break_new(&self, error_rate: f64) {
        let now = SystemClock.now();
        let profile = SideProfile {
            error_rate,
            payment_failure_rate: 0.01,
            latency_p95: Duration::from_millis(180),
        };
        let incident = Incident {
            from: now,
            until: now.after(Duration::from_hours(1)),
            side: Side::New,
            profile,
        };
        self.cloud().add_incident(now, incident);
    }

    /// Ends everything that was broken.
    pub(super) fn mend(&self) {
        let now = SystemClock.now();
        self.cloud()
            .change_traffic(now, |traffic| traffic.incidents.clear());
    }

    /// Sets the parameter, and says when.
    pub(super) fn set_parameter(&self, value: &str) -> Timestamp {
        let now = SystemClock.now();
        set_parameter(&mut self.cloud(), value);
        now
    }

    /// Lets changes take so long to reach every name server, as far as the service says.
    pub(super) fn insync_after(&self, duration: Duration) {
        self.cloud().config.insync = Some(duration);
    }

    /// The outputs of the shift as they are stored.
    #[track_caller]
    pub(super) fn stored(&self) -> Value {
        self.stack.state().resource(SHIFT)["outputs"].clone()
    }

    /// Demands that journal and state agree about an end, and that nothing is left to do.
    #[track_caller]
    pub(super) fn has_ended(&self, mark: Mark) {
        let journal = self.journal().expect("there is a journal");
        assert_eq!(journal.mark, mark);
        let stored = self.stored();
        let (phase, share) = match mark {
            Mark::Completed => ("Completed", 100.0),
            Mark::RolledBack => ("RolledBack", 0.0),
            other => panic!("{other:?} is no end"),
        };
        assert_eq!(text(&stored["phase"]), phase, "{stored:#}");
        assert_eq!(stored["requestedShare"].as_f64(), Some(share), "{stored:#}");
        assert_eq!(text(&stored["shiftId"]), journal.shift);
        assert_eq!(
            stored["seq"].as_f64(),
            journal.seq.to_string().parse().ok(),
            "{stored:#}"
        );
    }
}

/// Sets the parameter in an account.
pub(super) fn set_parameter(cloud: &mut Cloud, value: &str) {
    let input = PutParameter {
        name: PARAMETER.to_owned(),
        kind: Some("String".to_owned()),
        value: value.to_owned(),
        overwrite: true,
    };
    cloud
        .by_others(|cloud| cloud.put_parameter(SystemClock.now(), &input))
        .expect("a parameter can be set");
}

/// The lines that a run has told to stay, without the status lines and what only developers see.
pub(super) fn lines(run: &Run) -> Vec<String> {
    let messages = run.messages().into_iter();
    messages
        .filter(|(severity, _, ephemeral)| !ephemeral && severity != "debug")
        .map(|(_, message, _)| message)
        .collect()
}

/// Waits until a run tells something.
#[track_caller]
pub(super) fn waits(running: &Running, told: &str) {
    until(PHASE_MAX, told, || running.has_said(told).then_some(()));
}
