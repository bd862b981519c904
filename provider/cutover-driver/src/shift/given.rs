//! A small cloud in maps and a clock that follows the paused one of the runtime, for tests.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover_core::shift::budget::Kind;
use cutover_core::shift::check::check;
use cutover_core::shift::compare::Comparison;
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::gates::{
    AlarmReading, Gate, GateKind, Limit, Part, Point, Reading, SeriesId, Side,
};
use cutover_core::shift::locks::{Expected, LockItem, LockPut};
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordSet, Verb};
use cutover_core::shift::rules::{JOURNAL_TAG, Rule, RuleChange};
use cutover_core::shift::sources::{Metric, Query, Sources, Task};
use cutover_core::shift::spec::{
    Adopt, Policy, RecordType, RecordWish, RouterWish, RowsReturn, Spec, StepWish, TargetWish,
    Wish, ZeroMeans,
};
use cutover_core::{Failure, FailureClass, Timestamp};
use tokio::time::Instant;

use crate::{
    Answered, Applied, Batch, Clock, Credentials, HealthCheck, HostedZones, ListenerRules, Locks,
    Message, Metrics, NameServers, Parameters, Published, Question, ReplicationTasks, Sample,
    Targets, Topics, Traffic, Wait, Zone,
};

/// When every story begins: a whole minute.
pub(super) const START: Timestamp = Timestamp::from_unix_millis(1_700_000_040_000);

/// Wall time that follows the paused clock of the runtime.
#[derive(Debug)]
pub(crate) struct PausedClock(Instant);

impl PausedClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        START.after(self.0.elapsed())
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}

/// How a call behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mood {
    #[default]
    Well,
    Fails(FailureClass),
    Hangs,
}

/// Calls as they were made: what, about what, and when.
pub(super) type Calls = Vec<(&'static str, String, Timestamp)>;

/// The whole world.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Arc<PausedClock>,
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sets: Vec<RecordSet>,
    pub(super) moods: BTreeMap<&'static str, Mood>,
    pub(super) calls: Calls,
    /// When each change becomes INSYNC.
    pub(super) changes: BTreeMap<String, Timestamp>,
    /// What was accepted: by which call, when, and when it becomes INSYNC.
    pub(super) flights: Vec<(&'static str, Timestamp, Timestamp)>,
    pub(super) sent: Vec<Message>,
    pub(super) figures: Vec<Published>,
    /// New fails so much, as a fraction, from this moment on.
    pub(super) broken_from: Option<Timestamp>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) tasks: BTreeMap<String, Task>,
    pub(super) targets: BTreeMap<String, Targets>,
    pub(super) alarms: BTreeMap<String, AlarmReading>,
    pub(super) rule: Option<Rule>,
    /// Items of the table, by their keys.
    pub(super) items: BTreeMap<String, LockItem>,
    pub(super) samples: Sample,
    pub(super) questions: Vec<Question>,
    pub(super) health_checks: Vec<String>,
}

/// How long every call takes.
pub(super) const CALL: Duration = Duration::from_millis(50);

/// How long a change takes until it is INSYNC: at least this, and up to twice as long.
pub(super) const INSYNC: Duration = Duration::from_secs(30);

fn insync_of(number: usize) -> Duration {
    INSYNC + Duration::from_secs(number as u64 * 7 % 31)
}

impl World {
    pub(super) fn new() -> Arc<Self> {
        let clock = Arc::new(PausedClock::new());
        let state = State {
            sets: the_sets("pay.example.com"),
            ..State::default()
        };
        Arc::new(Self {
            clock,
            state: Mutex::new(state),
        })
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    pub(super) fn mood(&self, action: &'static str, mood: Mood) {
        self.with(|state| state.moods.insert(action, mood));
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns when calls of a kind were made, in seconds.
    pub(super) fn times_of(&self, action: &str) -> Vec<f64> {
        self.with(|state| {
            let calls = state.calls.iter().filter(|(name, _, _)| *name == action);
            calls
                .map(|(_, _, at)| at.since(START).as_secs_f64())
                .collect()
        })
    }

    /// Fails when a change of weights was accepted while an earlier one was still on its way, the way back apart.
    pub(super) fn check_flights(&self) {
        let flights = self.with(|state| state.flights.clone());
        let mut free_at = START;
        for (action, at, until) in flights {
            assert!(action != "change" || at >= free_at, "{action} at {at:?}");
            if action != "entry" {
                free_at = free_at.max(until);
            }
        }
    }

    /// Returns the weights of old and new as they are stored.
    pub(super) fn weights(&self) -> (u16, u16) {
        let weight_of = |name: &str| {
            self.with(|state| {
                let weights = state.sets.iter().filter_map(|set| match &set.routing {
                    Routing::Weighted {
                        set_identifier,
                        weight,
                    } if set_identifier == name => Some(*weight),
                    _ => None,
                });
                weights.sum()
            })
        };
        (weight_of("old-system"), weight_of("new-system"))
    }

    pub(super) fn traffic(self: &Arc<Self>) -> Traffic {
        Traffic {
            zones: self.clone(),
            name_servers: self.clone(),
            rules: self.clone(),
            locks: self.clone(),
            metrics: self.clone(),
            parameters: self.clone(),
            topics: self.clone(),
            tasks: self.clone(),
            credentials: self.clone(),
        }
    }

    /// Makes a call: it takes its time, and then serves as the mood is.
    fn call<'a, T: Send + 'a>(
        &'a self,
        action: &'static str,
        about: &str,
        serve: impl FnOnce(&mut State, Timestamp) -> T + Send + 'a,
    ) -> Answered<'a, T> {
        let at = self.now();
        let mood = self.with(|state| {
            state.calls.push((action, about.to_owned(), at));
            state.moods.get(action).copied().unwrap_or_default()
        });
        Box::pin(async move {
            if mood == Mood::Hangs {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(CALL).await;
            if let Mood::Fails(class) = mood {
                return Err(Failure {
                    class,
                    action,
                    message: "it is not to be".to_owned(),
                });
            }
            let now = self.now();
            Ok(self.with(|state| serve(state, now)))
        })
    }
}

/// The members of a name before a shift.
pub(super) fn the_sets(name: &str) -> Vec<RecordSet> {
    let members = [
        ("old-system", 100, "192.0.2.1"),
        ("new-system", 0, "198.51.100.1"),
    ];
    members
        .map(|(set_identifier, weight, value)| RecordSet {
            name: name.to_owned(),
            record_type: "A".to_owned(),
            routing: Routing::Weighted {
                set_identifier: set_identifier.to_owned(),
                weight,
            },
            ttl_seconds: Some(60),
            values: vec![value.to_owned()],
            alias: None,
            health_check: None,
        })
        .into()
}

fn is_same(one: &RecordSet, other: &RecordSet) -> bool {
    let member = |set: &RecordSet| match &set.routing {
        Routing::Weighted { set_identifier, .. } => set_identifier.clone(),
        _ => String::new(),
    };
    (&one.name, &one.record_type, member(one)) == (&other.name, &other.record_type, member(other))
}

/// How calls are named that apply a batch.
fn action_of(batch: &Batch) -> &'static str {
    match Kind::of_batch(&batch.zone_id, batch.urgent, &batch.changes) {
        Kind::Entry { .. } => "entry",
        Kind::Urgent { .. } => "return",
        Kind::Look | Kind::Change { .. } => "change",
    }
}

fn apply_batch(state: &mut State, batch: &Batch, now: Timestamp) -> Applied {
    let mut sets = state.sets.clone();
    for change in &batch.changes {
        let is_there = sets.iter().any(|set| is_same(set, &change.set));
        let fits = match change.verb {
            Verb::Delete => sets.contains(&change.set),
            Verb::Create => !is_there,
            Verb::Upsert => true,
        };
        if !fits {
            let message = format!("{:?} does not fit", change.verb);
            return Applied::Conflict { message };
        }
        sets.retain(|set| !is_same(set, &change.set));
        if change.verb != Verb::Delete {
            sets.push(change.set.clone());
        }
    }
    state.sets = sets;
    let number = state.changes.len();
    let (id, until) = (format!("C{}", number + 1), now.after(insync_of(number)));
    state.changes.insert(id.clone(), until);
    state.flights.push((action_of(batch), now, until));
    Applied::Accepted { id }
}

impl HostedZones for World {
    fn fetch_zone<'a>(&'a self, zone_id: &'a str) -> Answered<'a, Option<Zone>> {
        self.call("zone", zone_id, |_, _| {
            Some(Zone {
                name: "example.com".to_owned(),
                private: false,
                name_servers: vec!["ns-1.example".to_owned(), "ns-2.example".to_owned()],
            })
        })
    }

    fn fetch_record_sets<'a>(
        &'a self,
        zone_id: &'a str,
        names: &'a [String],
    ) -> Answered<'a, Vec<RecordSet>> {
        self.call("sets", zone_id, move |state, _| {
            let sets = state.sets.iter().filter(|set| names.contains(&set.name));
            sets.cloned().collect()
        })
    }

    fn apply<'a>(&'a self, batch: &'a Batch) -> Answered<'a, Applied> {
        self.call(action_of(batch), &batch.zone_id, move |state, now| {
            apply_batch(state, batch, now)
        })
    }

    fn fetch_change<'a>(&'a self, id: &'a str) -> Answered<'a, ChangeState> {
        self.call("poll", id, move |state, now| match state.changes.get(id) {
            None => ChangeState::Unknown,
            Some(at) if *at <= now => ChangeState::Insync,
            Some(_) => ChangeState::Pending,
        })
    }

    fn ensure_health_check<'a>(&'a self, check: &'a HealthCheck) -> Answered<'a, String> {
        self.call("ensure", &check.reference, move |state, _| {
            let id = format!("hc-{}", check.reference);
            if !state.health_checks.contains(&id) {
                state.health_checks.push(id.clone());
            }
            id
        })
    }

    fn delete_health_check<'a>(&'a self, id: &'a str) -> Answered<'a, ()> {
        self.call("unguard", id, move |state, _| {
            state.health_checks.retain(|known| known != id);
        })
    }
}

impl NameServers for World {
    fn sample<'a>(&'a self, question: &'a Question) -> Answered<'a, Sample> {
        self.call("sample", &question.name, move |state, _| {
            state.questions.push(question.clone());
            state.samples
        })
    }
}

impl ListenerRules for World {
    fn fetch_rule<'a>(&'a self, rule_arn: &'a str) -> Answered<'a, Option<Rule>> {
        self.call("rule", rule_arn, |state, _| state.rule.clone())
    }

    fn apply<'a>(&'a self, change: &'a RuleChange) -> Answered<'a, Applied> {
        self.call("modify", &change.rule_arn, move |state, _| {
            let rule = state.rule.as_mut().unwrap();
            if change
                .expected
                .as_ref()
                .is_some_and(|expected| *expected != rule.groups)
            {
                return Applied::Conflict {
                    message: "the groups are others".to_owned(),
                };
            }
            if let Some(groups) = &change.groups {
                rule.groups.clone_from(groups);
            }
            rule.tags.extend(change.tags.clone());
            Applied::Accepted {
                id: "rule".to_owned(),
            }
        })
    }

    fn remove_journal<'a>(&'a self, rule_arn: &'a str, expected: &'a str) -> Answered<'a, Applied> {
        self.call("forget", rule_arn, move |state, _| {
            let rule = state.rule.as_mut().unwrap();
            match rule.tags.get(JOURNAL_TAG) {
                Some(found) if found != expected => Applied::Conflict {
                    message: "the journal is another".to_owned(),
                },
                Some(_) | None => {
                    rule.tags.remove(JOURNAL_TAG);
                    Applied::Accepted {
                        id: "rule".to_owned(),
                    }
                }
            }
        })
    }

    fn fetch_targets<'a>(&'a self, group_arn: &'a str) -> Answered<'a, Targets> {
        self.call("targets", group_arn, move |state, _| {
            state.targets.get(group_arn).copied().unwrap_or_default()
        })
    }
}

fn is_as_expected(expected: &Expected, item: Option<&LockItem>) -> bool {
    match (expected, item) {
        (Expected::Anything, _) | (Expected::Nothing, None) => true,
        (Expected::Journal(text), Some(item)) => *text == item.journal,
        (Expected::Nothing, Some(_)) | (Expected::Journal(_), None) => false,
    }
}

impl Locks for World {
    fn fetch<'a>(&'a self, _: &'a str, id: &'a str) -> Answered<'a, Option<LockItem>> {
        self.call("item", id, move |state, _| state.items.get(id).cloned())
    }

    fn put<'a>(&'a self, put: &'a LockPut) -> Answered<'a, Applied> {
        self.call("lock", &put.id, move |state, _| {
            if !is_as_expected(&put.expected, state.items.get(&put.id)) {
                let message = "the item is another".to_owned();
                return Applied::Conflict { message };
            }
            let item = LockItem {
                journal: put.entry.encode(),
                members: put.members.clone(),
            };
            state.items.insert(put.id.clone(), item);
            Applied::Accepted {
                id: "item".to_owned(),
            }
        })
    }

    fn delete<'a>(&'a self, _: &'a str, id: &'a str, expected: &'a str) -> Answered<'a, Applied> {
        self.call("unlock", id, move |state, _| {
            let expected = Expected::Journal(expected.to_owned());
            let item = state.items.get(id);
            if item.is_some() && !is_as_expected(&expected, item) {
                let message = "the item is another".to_owned();
                return Applied::Conflict { message };
            }
            state.items.remove(id);
            Applied::Accepted {
                id: "item".to_owned(),
            }
        })
    }
}

/// What a metric tells: a thousand requests a minute on each side, of which so many fail.
fn series(query: &Query, state: &State, from: Timestamp, until: Timestamp) -> Reading {
    let minute = 60_000;
    let first = from.unix_millis().div_euclid(minute) * minute;
    let points = (0..)
        .map(|count| Timestamp::from_unix_millis(first + count * minute))
        .take_while(|start| *start < until)
        .map(|start| {
            let is_broken = state.broken_from.is_some_and(|from| start >= from);
            let value = match query.metric.name.as_str() {
                "newBad" if is_broken => 200.0,
                "newBad" | "calmBad" => 0.0,
                _ => 1_000.0,
            };
            Point { start, value }
        });
    Reading::Points(points.collect())
}

impl Metrics for World {
    fn fetch_series<'a>(
        &'a self,
        queries: &'a [Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Answered<'a, Vec<Reading>> {
        self.call("series", &queries.len().to_string(), move |state, _| {
            let read = queries
                .iter()
                .map(|query| series(query, state, from, until));
            read.collect()
        })
    }

    fn fetch_alarms<'a>(
        &'a self,
        names: &'a [String],
    ) -> Answered<'a, BTreeMap<String, AlarmReading>> {
        self.call("alarms", &names.join(","), move |state, _| {
            let mut alarms = state.alarms.clone();
            alarms.retain(|name, _| names.contains(name));
            alarms
        })
    }

    fn publish<'a>(&'a self, values: &'a [Published]) -> Answered<'a, ()> {
        self.call("put", &values.len().to_string(), move |state, _| {
            state.figures.extend_from_slice(values);
        })
    }
}

impl Parameters for World {
    fn fetch<'a>(&'a self, name: &'a str) -> Answered<'a, Option<String>> {
        self.call("parameter", name, move |state, _| {
            state.parameters.get(name).cloned()
        })
    }

    fn put<'a>(&'a self, name: &'a str, value: &'a str) -> Answered<'a, ()> {
        self.call("set", name, move |state, _| {
            state.parameters.insert(name.to_owned(), value.to_owned());
        })
    }
}

impl Topics for World {
    fn publish<'a>(&'a self, _: &'a str, message: &'a Message) -> Answered<'a, ()> {
        self.call("send", &message.key, move |state, _| {
            state.sent.push(message.clone());
        })
    }

    fn fetch<'a>(&'a self, _: &'a str) -> Answered<'a, bool> {
        Box::pin(ready(Ok(true)))
    }
}

impl ReplicationTasks for World {
    fn fetch<'a>(&'a self, arn: &'a str) -> Answered<'a, Option<Task>> {
        self.call("task", arn, move |state, _| state.tasks.get(arn).cloned())
    }
}

impl Credentials for World {
    fn fetch_end(&self) -> Answered<'_, Option<Timestamp>> {
        Box::pin(ready(Ok(None)))
    }
}

/// Returns a target with a value.
fn a_target(set_identifier: &str, value: &str) -> TargetWish {
    TargetWish {
        set_identifier: set_identifier.to_owned(),
        alias: None,
        value: Some(value.to_owned()),
    }
}

/// A shift in two steps with one gate; changed, then checked.
pub(super) fn a_spec(id: &str, change: impl FnOnce(&mut Wish)) -> Spec {
    let mut policy = Policy::new();
    policy.rollback.rows = RowsReturn::Shared;
    let step = |share, bake: Option<u64>| StepWish {
        share,
        bake: bake.map(Duration::from_mins),
        pause: false,
        name: None,
        entry_gates: Vec::new(),
        gates: None,
    };
    let mut wish = Wish {
        id: id.to_owned(),
        router: RouterWish::Route53 {
            zone_id: "Z1".to_owned(),
            zone_name: Some("example.com".to_owned()),
            ttl_seconds: Some(60),
            records: vec![RecordWish {
                name: "pay.example.com".to_owned(),
                types: vec![RecordType::A],
                old: a_target("old-system", "192.0.2.1"),
                new: a_target("new-system", "198.51.100.1"),
            }],
            zero_means: ZeroMeans::Isolated,
            adopt: Adopt::Weighted,
        },
        steps: vec![step(10.0, Some(30)), step(100.0, None)],
        soak: Duration::from_mins(30),
        gates: vec![Gate::new("failures", GateKind::Ratio, Limit::Max(0.02))],
        compare: Vec::<Comparison>::new(),
        policy,
    };
    change(&mut wish);
    let checked = check(&wish);
    checked
        .spec
        .unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

pub(super) fn a_metric(name: &str) -> Metric {
    Metric {
        namespace: "Pay".to_owned(),
        name: name.to_owned(),
        dimensions: BTreeMap::new(),
        stat: "Sum".to_owned(),
    }
}

/// Where the gate of [`a_spec`] reads; what goes wrong goes wrong there.
pub(super) fn some_sources() -> Sources {
    sources_from("newBad")
}

/// The same with the failures from another metric; `calmBad` has none ever.
pub(super) fn sources_from(bad: &str) -> Sources {
    let series = [(Part::Bad, bad), (Part::Total, "newAll")].map(|(part, name)| {
        let id = SeriesId {
            gate: "failures".to_owned(),
            side: Side::New,
            part,
        };
        (id, vec![a_metric(name)])
    });
    Sources {
        series: series.into(),
        ..Sources::default()
    }
}
