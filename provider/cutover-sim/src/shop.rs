//! A shop in the simulated AWS whose payments are moved from old to new, and the program that moves them.
//!
//! A [`Site`] is a name with its records, or a rule of a load balancer, and the traffic that follows them. A [`Program`]
//! is what a person starts: it conducts a shift over the ports, within the budget of requests, and can be killed at any
//! call.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::check::check;
use cutover_core::shift::events::Event;
use cutover_core::shift::gates::{Gate, GateKind, Limit, Part, SeriesId, Side};
use cutover_core::shift::journal::RunId;
use cutover_core::shift::machine::{Orders, Shift};
use cutover_core::shift::notice::Gravity;
use cutover_core::shift::sources::{Metric, Sources};
use cutover_core::shift::spec::{
    Adopt, Alias, Policy, RecordType, RecordWish, RouterWish, RowsReturn, Spec, StepWish,
    TargetWish, Wish, ZeroMeans,
};
use cutover_driver::{
    Allowance, Budgeted, Clock, Conducted, Guard, Herald, Notify, Shifting, conduct,
};
use futures_util::future::{Either, select};

use crate::cloud::{
    Action, AliasTarget, Change, ChangeAction, DnsAnswer, Endpoint, Forward, ListenerRule,
    Measured, ResourceRecordSet, Rival, Routed, TargetGroup, TargetHealth, TrafficModel,
    WeightedGroup, What,
};
use crate::{Cloud, CloudConfig, CloudFault, PausedClock, SimTraffic};

/// The set identifiers of both sides.
pub const OLD: &str = "old-system";
/// The set identifier of new.
pub const NEW: &str = "new-system";

/// How long a shop has been open when a shift begins: ours, longer than the longest window of a gate.
const OPEN_FOR: Duration = Duration::from_mins(20);

/// The zone of the names of load balancers. Source: AWS General Reference, "Elastic Load Balancing endpoints".
const BALANCERS_ZONE: &str = "Z215JYRZR1TBD5";

/// A name, or a rule, and the traffic that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Names the shift.
    pub id: String,
    /// The hosted zone.
    pub zone_id: String,
    /// The name; A and AAAA move together.
    pub name: String,
    /// Where its metrics are.
    pub namespace: String,
    /// The ARN of the rule, when one directs traffic in place of the name.
    pub rule_arn: Option<String>,
    /// Whether the health of load balancers decides about answers.
    pub evaluates: bool,
}

/// The shares that a router had, each from its acceptance on: the weights of old and new, `None` without a record.
pub type Weights = (Timestamp, Option<u64>, Option<u64>);

impl Site {
    /// Returns the site of most tests: `pay.example.com`.
    pub fn pay() -> Self {
        Self {
            id: "pay-1".to_owned(),
            zone_id: "Z0PAY".to_owned(),
            name: "pay.example.com".to_owned(),
            namespace: "Shop".to_owned(),
            rule_arn: None,
            evaluates: false,
        }
    }

    /// Returns one of many sites; those with the same zone number share a zone.
    pub fn numbered(zone: usize, number: usize) -> Self {
        Self {
            id: format!("pay-{number}"),
            zone_id: format!("Z0PAY{zone}"),
            name: format!("pay{number}.example.com"),
            namespace: format!("Shop{number}"),
            rule_arn: None,
            evaluates: false,
        }
    }

    /// Returns the same site behind a rule of a load balancer.
    pub fn behind_a_rule() -> Self {
        let rule =
            "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/pay/1/2/3";
        Self {
            rule_arn: Some(rule.to_owned()),
            ..Self::pay()
        }
    }

    /// Returns the ARN of a side's target group.
    pub fn group_arn(side: Side) -> String {
        let name = side_name(side);
        format!("arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/1")
    }

    /// Returns the DNS name of a side's load balancer.
    pub fn balancer(&self, side: Side) -> String {
        let name = side_name(side);
        format!("{}-{name}.eu-central-1.elb.amazonaws.com", self.id)
    }

    /// Opens the site in a cloud: everything is on old, and traffic runs.
    ///
    /// # Panics
    /// When the cloud refuses its records: a mistake in the simulation.
    pub fn open(&self, cloud: &mut Cloud, now: Timestamp) {
        if cloud.records(&self.zone_id).is_empty() {
            cloud.put_hosted_zone(now, &self.zone_id, "example.com", false);
        }
        for (side, host) in [(Side::Old, 1), (Side::New, 2)] {
            let endpoint = Endpoint {
                addresses: vec![format!("192.0.2.{host}"), format!("2001:db8::{host}")],
                healthy: true,
                ttl: 60,
            };
            cloud.put_endpoint(now, &self.balancer(side), endpoint);
            cloud.put_target_group(target_group(side, 4, 4));
        }
        if let Some(arn) = &self.rule_arn {
            cloud.put_rule(now, a_rule(arn));
        } else {
            let records: Vec<_> = ["A", "AAAA"]
                .into_iter()
                .flat_map(|of| {
                    [
                        self.member(of, Side::Old, 100),
                        self.member(of, Side::New, 0),
                    ]
                })
                .collect();
            self.write(cloud, now, &records);
        }
        cloud.run_traffic(self.traffic(now));
    }

    /// Returns healthy traffic.
    pub fn traffic(&self, from: Timestamp) -> TrafficModel {
        let routed = match &self.rule_arn {
            Some(arn) => Routed::Rule {
                arn: arn.clone(),
                old: Self::group_arn(Side::Old),
                new: Self::group_arn(Side::New),
            },
            None => Routed::Record {
                zone_id: self.zone_id.clone(),
                name: self.name.clone(),
                record_type: "A".to_owned(),
                old: OLD.to_owned(),
                new: NEW.to_owned(),
            },
        };
        let mut model = TrafficModel::new(from, routed);
        model.measured = Measured::all(&self.namespace);
        for side in [&mut model.old, &mut model.new] {
            side.error_rate = 0.000_5;
            side.payment_failure_rate = 0.001;
        }
        model
    }

    /// Returns a weighted member.
    pub fn member(&self, record_type: &str, side: Side, weight: u64) -> ResourceRecordSet {
        ResourceRecordSet {
            name: self.name.clone(),
            record_type: record_type.to_owned(),
            set_identifier: Some(identifier(side).to_owned()),
            weight: Some(weight),
            alias: Some(AliasTarget {
                dns_name: self.balancer(side),
                hosted_zone_id: BALANCERS_ZONE.to_owned(),
                evaluate_target_health: self.evaluates,
            }),
            ..ResourceRecordSet::default()
        }
    }

    /// Writes record sets as somebody else, in one batch.
    ///
    /// # Panics
    /// When the cloud refuses them.
    pub fn write(&self, cloud: &mut Cloud, now: Timestamp, sets: &[ResourceRecordSet]) {
        self.change(cloud, now, ChangeAction::Upsert, sets);
    }

    /// Removes record sets as somebody else, in one batch.
    ///
    /// # Panics
    /// When the cloud refuses it.
    pub fn remove(&self, cloud: &mut Cloud, now: Timestamp, sets: &[ResourceRecordSet]) {
        self.change(cloud, now, ChangeAction::Delete, sets);
    }

    fn change(
        &self,
        cloud: &mut Cloud,
        now: Timestamp,
        action: ChangeAction,
        sets: &[ResourceRecordSet],
    ) {
        let changes: Vec<_> = sets
            .iter()
            .map(|set| Change {
                action,
                set: set.clone(),
            })
            .collect();
        let made = cloud
            .by_others(|cloud| cloud.change_resource_record_sets(now, &self.zone_id, &changes));
        if let Err(error) = made {
            panic!("the simulated shop writes what is right, but {error:?}");
        }
    }

    /// Writes other weights as somebody else.
    pub fn reweigh(&self, cloud: &mut Cloud, now: Timestamp, old: u64, new: u64) {
        let mut records = cloud.records(&self.zone_id);
        records.retain(|set| set.name.trim_end_matches('.') == self.name && set.weight.is_some());
        for set in &mut records {
            let is_new = set.set_identifier.as_deref() == Some(NEW);
            set.weight = Some(if is_new { new } else { old });
        }
        self.write(cloud, now, &records);
    }

    /// Returns the weights of a record type over time, from the opening on.
    pub fn weights_of(&self, cloud: &Cloud, record_type: &str) -> Vec<Weights> {
        let history = match &self.rule_arn {
            Some(arn) => cloud.rule_weights_over_time(arn),
            None => cloud.weights_over_time(&self.zone_id, &self.name, record_type),
        };
        let (old, new) = match &self.rule_arn {
            Some(_) => (Self::group_arn(Side::Old), Self::group_arn(Side::New)),
            None => (OLD.to_owned(), NEW.to_owned()),
        };
        let mut weights: Vec<Weights> = Vec::new();
        for (at, members) in history {
            let (old, new) = (members.get(&old).copied(), members.get(&new).copied());
            let is_news = weights
                .last()
                .is_none_or(|last| (last.1, last.2) != (old, new));
            if is_news && (old.is_some() || new.is_some()) {
                weights.push((at, old, new));
            }
        }
        weights
    }

    /// Returns the weights over time as pairs, without a record as `0`.
    pub fn pairs(&self, cloud: &Cloud) -> Vec<(u64, u64)> {
        let weights = self.weights_of(cloud, "A");
        let mut pairs: Vec<_> = weights
            .into_iter()
            .map(|(_, old, new)| (old.unwrap_or(0), new.unwrap_or(0)))
            .collect();
        pairs.dedup();
        pairs
    }

    /// Asks a name server so many times at a moment; returns how many answers named old, new, and neither.
    pub fn ask(&self, cloud: &mut Cloud, at: Timestamp, times: u64) -> (u32, u32, u32) {
        let (mut old, mut new, mut none) = (0, 0, 0);
        for draw in 0..times {
            for of in ["A", "AAAA"] {
                // An odd factor spreads draws over all numbers.
                let draw = draw.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                match cloud.answer(&self.zone_id, &self.name, of, at, draw) {
                    DnsAnswer::Values {
                        set_identifier,
                        values,
                        ..
                    } if !values.is_empty() => match set_identifier.as_deref() {
                        Some(NEW) => new += 1,
                        // A simple record is that of old.
                        Some(OLD) | None => old += 1,
                        Some(_) => none += 1,
                    },
                    _ => none += 1,
                }
            }
        }
        (old, new, none)
    }

    /// Returns a shift of this site in two steps with two gates: a valid and boring wish.
    pub fn wish(&self) -> Wish {
        let mut policy = Policy::new();
        policy.rollback.rows = RowsReturn::Shared;
        let target = |side: Side| TargetWish {
            set_identifier: identifier(side).to_owned(),
            alias: Some(Alias {
                dns_name: self.balancer(side),
                zone_id: BALANCERS_ZONE.to_owned(),
                evaluate_target_health: self.evaluates,
            }),
            value: None,
        };
        let router = match &self.rule_arn {
            Some(arn) => RouterWish::Alb {
                rule_arn: arn.clone(),
                old_arn: Self::group_arn(Side::Old),
                new_arn: Self::group_arn(Side::New),
            },
            None => RouterWish::Route53 {
                zone_id: self.zone_id.clone(),
                zone_name: Some("example.com".to_owned()),
                ttl_seconds: None,
                records: vec![RecordWish {
                    name: self.name.clone(),
                    types: vec![RecordType::A, RecordType::Aaaa],
                    old: target(Side::Old),
                    new: target(Side::New),
                }],
                zero_means: ZeroMeans::Standby,
                adopt: Adopt::Weighted,
            },
        };
        Wish {
            id: self.id.clone(),
            router,
            steps: steps(&[(10.0, 10), (100.0, 0)]),
            soak: Duration::from_mins(10),
            gates: vec![
                Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05)),
                Gate::new("paymentFailures", GateKind::Ratio, Limit::Max(0.02)),
            ],
            compare: Vec::new(),
            policy,
        }
    }

    /// Returns a metric of a side.
    pub fn metric(&self, name: &str, side: Side, stat: &str) -> Metric {
        Metric {
            namespace: self.namespace.clone(),
            name: name.to_owned(),
            dimensions: BTreeMap::from([("Side".to_owned(), side_name(side).to_owned())]),
            stat: stat.to_owned(),
        }
    }

    /// Returns where the gates of [`wish`](Self::wish), and those of the runbooks, read.
    pub fn sources(&self) -> Sources {
        let ratio = |gate: &str, bad: &str, total: &str| {
            [(Part::Bad, bad.to_owned()), (Part::Total, total.to_owned())]
                .map(|(part, name)| (gate.to_owned(), part, name, "Sum"))
        };
        let value = |gate: &str, part: Part, name: &str, stat: &'static str| {
            (gate.to_owned(), part, name.to_owned(), stat)
        };
        let read = [
            ratio("errorRate", "Errors", "Requests").to_vec(),
            ratio("paymentFailures", "FailedPayments", "Payments").to_vec(),
            ratio("availability", "Errors", "Requests").to_vec(),
            vec![
                value("latency", Part::Value, "Latency", "p95"),
                value("latency", Part::Total, "Requests", "Sum"),
                value(
                    "dbConnectionFailures",
                    Part::Value,
                    "ConnectionFailures",
                    "Sum",
                ),
                value("dataConsistency", Part::Value, "Mismatches", "Sum"),
            ],
        ];
        let mut sources = Sources::default();
        for (gate, part, name, stat) in read.into_iter().flatten() {
            for side in [Side::Old, Side::New] {
                let id = SeriesId {
                    gate: gate.clone(),
                    side,
                    part,
                };
                sources
                    .series
                    .insert(id, vec![self.metric(&name, side, stat)]);
            }
        }
        for side in [Side::Old, Side::New] {
            let counts = vec![self.metric("Requests", side, "Sum")];
            sources.requests.insert(side, counts);
        }
        sources
    }
}

/// Makes steps of shares and the minutes that they bake; the last has no bake.
pub fn steps(steps: &[(f64, u64)]) -> Vec<StepWish> {
    let last = steps.len().saturating_sub(1);
    let step = |(index, (share, minutes)): (usize, &(f64, u64))| StepWish {
        share: *share,
        bake: (index != last).then(|| Duration::from_mins(*minutes)),
        pause: false,
        name: None,
        entry_gates: Vec::new(),
        gates: None,
    };
    steps.iter().enumerate().map(step).collect()
}

/// Makes a side's target group with so many targets, of which so many are healthy.
pub fn target_group(side: Side, registered: u8, healthy: u8) -> TargetGroup {
    let target = |number: u8| TargetHealth {
        id: format!("10.0.0.{number}"),
        port: 8443,
        state: if number < healthy {
            "healthy"
        } else {
            "unhealthy"
        }
        .to_owned(),
    };
    TargetGroup {
        arn: Site::group_arn(side),
        name: side_name(side).to_owned(),
        load_balancer_arns: Vec::new(),
        targets: (0..registered).map(target).collect(),
    }
}

fn a_rule(arn: &str) -> ListenerRule {
    let group = |side, weight| WeightedGroup {
        arn: Site::group_arn(side),
        weight: Some(weight),
    };
    ListenerRule {
        arn: arn.to_owned(),
        priority: "10".to_owned(),
        conditions: vec![("path-pattern".to_owned(), vec!["/pay/*".to_owned()])],
        actions: vec![Action {
            kind: "forward".to_owned(),
            order: Some(1),
            forward: Some(Forward {
                groups: vec![group(Side::Old, 100), group(Side::New, 0)],
                stickiness: None,
            }),
            ..Action::default()
        }],
        is_default: false,
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Old => "old",
        Side::New => "new",
    }
}

fn identifier(side: Side) -> &'static str {
    match side {
        Side::Old => OLD,
        Side::New => NEW,
    }
}

/// A cloud with sites in it, on paused time.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The cloud behind the ports.
    pub sim: SimTraffic,
    /// The time.
    pub clock: PausedClock,
    /// When a shift begins at the earliest.
    pub start: Timestamp,
}

impl Shop {
    /// Opens a shop with one site.
    pub fn with(config: CloudConfig, site: &Site) -> Self {
        Self::with_all(config, std::slice::from_ref(site))
    }

    /// Opens a shop with many sites; it has been open for a while.
    pub fn with_all(config: CloudConfig, sites: &[Site]) -> Self {
        let opened = PausedClock::default().now();
        let start = opened.after(OPEN_FOR);
        let clock = PausedClock::starting_at(start);
        let mut cloud = Cloud::new(config);
        cloud.create_topic("pay");
        for site in sites {
            site.open(&mut cloud, opened);
        }
        let sim = SimTraffic::new(cloud, clock);
        Self { sim, clock, start }
    }

    /// Returns the moment so long after the start.
    pub fn at(&self, after: Duration) -> Timestamp {
        self.start.after(after)
    }

    /// Waits until so long after the start.
    pub async fn wait(&self, after: Duration) {
        self.clock.sleep_until(self.at(after)).await;
    }

    /// Waits until so long after the start, and then acts as somebody else. Resolves when that is done.
    pub async fn then(&self, after: Duration, act: impl FnOnce(&mut Cloud, Timestamp)) {
        self.wait(after).await;
        let now = self.clock.now();
        self.sim.cloud().by_others(|cloud| act(cloud, now));
    }

    /// Returns the calls of an operation: the seconds since the start, and the error.
    pub fn calls(&self, operation: &str) -> Vec<(f64, Option<&'static str>)> {
        let cloud = self.sim.cloud();
        let of = cloud.requests().iter();
        of.filter(|request| request.operation == operation)
            .map(|request| (request.at.since(self.start).as_secs_f64(), request.error))
            .collect()
    }
}

/// What a person starts to move a site.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it runs.
    pub shop: Shop,
    /// What it moves.
    pub wish: Wish,
    /// What it reads.
    pub sources: Sources,
    /// What acts when it is gone.
    pub guard: Option<Guard>,
    /// What is wished at the moment.
    pub orders: Orders,
    /// Whether people and metrics are told.
    pub tells: bool,
    /// The requests it may make; `None`: each run has its own, as a process does.
    pub allowance: Option<Arc<Allowance>>,
    /// The clock that it goes by, where that is not the world's.
    pub clock: Option<Arc<dyn Clock>>,
    death: Arc<tokio::sync::Notify>,
}

/// What became of a run.
#[derive(Debug)]
pub enum Life<S = std::convert::Infallible> {
    /// It came to its end.
    Ended(Box<Conducted<S>>),
    /// It was killed. Nothing of it is left but what it had written.
    Died,
}

impl<S: std::fmt::Debug> Life<S> {
    /// Returns what it has come to.
    ///
    /// # Panics
    /// When it was killed.
    pub fn ended(self) -> Conducted<S> {
        match self {
            Self::Ended(conducted) => *conducted,
            Self::Died => panic!("the run was killed"),
        }
    }

    /// Returns what happened, as text; nothing when it was killed.
    pub fn log(&self) -> Vec<String> {
        match self {
            Self::Ended(conducted) => log(conducted.shift.events()),
            Self::Died => Vec::new(),
        }
    }
}

/// Returns events as text.
pub fn log(events: &[Event]) -> Vec<String> {
    let line = |event: &Event| format!("{} {}", event.at.to_utc(), event.what);
    events.iter().map(line).collect()
}

impl Program {
    /// Makes the program that moves a site, with its boring wish.
    pub fn of(shop: &Shop, site: &Site) -> Self {
        Self {
            shop: shop.clone(),
            wish: site.wish(),
            sources: site.sources(),
            guard: None,
            orders: Orders::default(),
            tells: true,
            allowance: None,
            clock: None,
            death: Arc::default(),
        }
    }

    /// Returns the same program as another process: who kills one does not kill the other.
    #[must_use]
    pub fn with_its_own_life(self) -> Self {
        Self {
            death: Arc::default(),
            ..self
        }
    }

    /// Checks what is wished.
    ///
    /// # Panics
    /// When it is refused.
    pub fn spec(&self) -> Spec {
        let checked = check(&self.wish);
        checked
            .spec
            .unwrap_or_else(|| panic!("the wish of a test is valid, but {:#?}", checked.problems))
    }

    /// Returns a line of a script that kills the run when a call has been served, before anything else happens.
    pub fn killed_after(&self, operation: &'static str, occurrence: usize) -> CloudFault {
        let death = Arc::clone(&self.death);
        let kill = Rival::new(move |_, _| death.notify_one());
        CloudFault::nth(operation, occurrence, 1, What::Rival(kill))
    }

    /// Kills the run at a moment.
    pub async fn killed_at(&self, after: Duration) {
        self.shop.wait(after).await;
        self.death.notify_one();
    }

    /// Runs it to its end, or its death.
    pub async fn up(&self, run: &str) -> Life {
        self.up_until(run, pending()).await
    }

    /// Runs it until it is told to stop.
    pub async fn up_until<S: std::fmt::Debug>(
        &self,
        run: &str,
        stop: impl Future<Output = S>,
    ) -> Life<S> {
        let spec = self.spec();
        let clock: Arc<dyn Clock> = match &self.clock {
            Some(clock) => Arc::clone(clock),
            None => Arc::new(self.shop.clock),
        };
        let mut traffic = self.shop.sim.traffic();
        let allowance = match &self.allowance {
            Some(allowance) => Arc::clone(allowance),
            None => Arc::new(Allowance::new(Arc::clone(&clock))),
        };
        traffic.zones = Arc::new(Budgeted::new(traffic.zones, allowance));
        let topic = "arn:aws:sns:eu-central-1:123456789012:pay".to_owned();
        let notify = Notify {
            topic_arn: self.tells.then_some(topic),
            severity_min: Gravity::Info,
            events: Vec::new(),
            namespace: self.tells.then(|| "Cutover".to_owned()),
        };
        let (topics, metrics) = (Arc::clone(&traffic.topics), Arc::clone(&traffic.metrics));
        let herald = Herald::new(&spec.id, notify, topics, metrics, Arc::clone(&clock));
        let shift = Shift::new(
            spec.clone(),
            self.orders.clone(),
            RunId::new(run),
            clock.now(),
        );
        let shifting = Shifting::new(
            traffic,
            Arc::clone(&clock),
            spec,
            self.sources.clone(),
            self.guard.clone(),
        );
        let conducted = conduct(shift, &shifting, clock.as_ref(), &herald, stop, |_, _| ());
        // Whoever is killed does nothing more.
        match select(pin!(self.death.notified()), pin!(conducted)).await {
            Either::Left(_) => Life::Died,
            Either::Right((conducted, _)) => Life::Ended(Box::new(conducted)),
        }
    }
}
