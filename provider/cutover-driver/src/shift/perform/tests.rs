use std::sync::Arc;
use std::time::Duration;

use cutover_core::shift::facts::EntryState;
use cutover_core::shift::gates::{Gate, GateKind, Limit, Side};
use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::shift::rules::GroupWeight;
use cutover_core::shift::sources::Task;
use cutover_core::shift::spec::{RouterWish, Wish};
use cutover_core::weights::Scale;

use super::super::given::{CALL, Mood, World, a_metric, a_spec, some_sources};
use super::*;
use crate::{Sample, Targets};

fn shifting(world: &Arc<World>, change: impl FnOnce(&mut Wish), sources: Sources) -> Shifting {
    let spec = a_spec("pay-1", change);
    Shifting::new(world.traffic(), world.clock.clone(), spec, sources, None)
}

fn boring(world: &Arc<World>) -> Shifting {
    shifting(world, |_| (), some_sources())
}

fn a_pair(old: u16, new: u16) -> WeightPair {
    WeightPair::new(old, new, Scale::Route53).unwrap()
}

fn an_entry(seq: u64, mark: Mark) -> Entry {
    Entry {
        shift: "pay-1".to_owned(),
        run: RunId::new("run-1"),
        seq,
        attempt: 1,
        mark,
        step: 0,
        at: Timestamp::from_unix_millis(1_700_000_000_000),
        exposed: Timestamp::from_unix_millis(1_700_000_000_000),
        bake: None,
        plan: 1,
        ttl_seconds: None,
    }
}

const RULE: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/pay/1/2/3";
const OLD_GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/old/1";
const NEW_GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/new/1";

fn on_a_rule(wish: &mut Wish) {
    wish.router = RouterWish::Alb {
        rule_arn: RULE.to_owned(),
        old_arn: OLD_GROUP.to_owned(),
        new_arn: NEW_GROUP.to_owned(),
    };
}

fn a_rule() -> Rule {
    let group = |(arn, weight): (&str, u16)| GroupWeight {
        arn: arn.to_owned(),
        weight,
    };
    Rule {
        groups: [(OLD_GROUP, 100), (NEW_GROUP, 0)].map(group).into(),
        stickiness: None,
        tags: BTreeMap::new(),
    }
}

async fn live(shifting: &Shifting) -> Live {
    match shifting.perform(&Command::FetchLive).await {
        Fact::Live(live) => live,
        other => panic!("{other:?}"),
    }
}

/// Applies an act that builds on what is there now.
async fn act(shifting: &Shifting, act: Act, seq: u64, mark: Mark) -> Fact {
    let expected = match act {
        Act::Return(_) => None,
        _ => Some(live(shifting).await),
    };
    let entry = an_entry(seq, mark);
    let change = Box::new(Change {
        act,
        entry,
        expected,
    });
    shifting.perform(&Command::Apply(change)).await
}

fn checks_on_new(world: &World) -> Vec<Option<String>> {
    world.with(|state| {
        let sets = state.sets.iter();
        sets.filter(|set| set.values == ["198.51.100.1"])
            .map(|set| set.health_check.clone())
            .collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_guard_is_there_before_anything_is_written_and_goes_after_the_end() {
    let world = World::new();
    let mut shifting = boring(&world);
    shifting.guard = Some(Guard {
        alarm: "pay-bell".to_owned(),
        region: None,
    });

    act(
        &shifting,
        Act::Prepare { ttl_seconds: None },
        1,
        Mark::Preparing,
    )
    .await;
    assert_eq!(
        world.with(|state| state.health_checks.clone()),
        ["hc-pay-1"]
    );
    assert!(world.times_of("ensure")[0] < world.times_of("change")[0]);
    let moved = act(&shifting, Act::Move(a_pair(90, 10)), 2, Mark::Going).await;
    assert!(matches!(moved, Fact::Accepted { .. }), "{moved:?}");
    assert_eq!(checks_on_new(&world), [Some("hc-pay-1".to_owned())]);
    let finish = Act::Finish {
        ttl_seconds: None,
        remove_new: false,
    };
    act(&shifting, finish, 3, Mark::Completed).await;

    assert_eq!(checks_on_new(&world), [None]);
    assert_eq!(world.with(|state| state.health_checks.len()), 0);
    assert_eq!(world.times_of("ensure").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_way_back_is_one_call_whatever_has_become_of_the_guard() {
    let world = World::new();
    let mut shifting = boring(&world);
    shifting.guard = Some(Guard {
        alarm: "pay-bell".to_owned(),
        region: None,
    });
    world.mood("ensure", Mood::Hangs);

    let fact = act(&shifting, Act::Return(WeightPair::ALL_OLD), 3, Mark::Back).await;

    assert!(matches!(fact, Fact::Accepted { .. }), "{fact:?}");
    assert_eq!(world.with(|state| state.calls.len()), 1);
    assert_eq!(world.times_of("return").len(), 1);
}

/// F21
#[tokio::test(start_paused = true)]
async fn a_change_that_does_not_build_on_what_is_there_is_a_conflict() {
    let world = World::new();
    let shifting = boring(&world);
    let expected = Some(live(&shifting).await);
    world.with(|state| state.sets[0].ttl_seconds = Some(30));
    let change = Box::new(Change {
        act: Act::Move(a_pair(90, 10)),
        entry: an_entry(1, Mark::Going),
        expected,
    });

    assert_eq!(
        shifting.perform(&Command::Apply(change)).await,
        Fact::Conflict
    );
    assert_eq!(world.weights(), (100, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_a_fact_with_its_class() {
    let world = World::new();
    world.mood("sets", Mood::Fails(FailureClass::Throttled));

    let fact = boring(&world).perform(&Command::FetchLive).await;

    assert!(matches!(
        fact,
        Fact::Failed(Failure {
            class: FailureClass::Throttled,
            ..
        })
    ));
}

#[tokio::test(start_paused = true)]
async fn readiness_is_read_at_once_and_own_records_are_no_news_once_begun() {
    let world = World::new();
    let none = |wish: &mut Wish| {
        if let RouterWish::Route53 { adopt, .. } = &mut wish.router {
            *adopt = cutover_core::shift::spec::Adopt::None;
        }
    };
    let shifting = shifting(&world, none, some_sources());
    let ready = Command::FetchReadiness { step: 0 };
    let codes = |fact: &Fact| match fact {
        Fact::Ready { problems, .. } => {
            let codes = problems.iter().map(|problem| problem.code.0);
            codes.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };

    let began = world.now();
    assert_eq!(codes(&shifting.perform(&ready).await), [116, 116]);
    assert_eq!(world.now().since(began), CALL);

    act(
        &shifting,
        Act::Prepare { ttl_seconds: None },
        1,
        Mark::Preparing,
    )
    .await;
    assert_eq!(codes(&shifting.perform(&ready).await), [0_u16; 0]);
}

/// F67
#[tokio::test(start_paused = true)]
async fn old_is_cold_when_targets_have_gone_since_the_start_or_none_is_healthy() {
    let world = World::new();
    let mut sources = some_sources();
    sources
        .target_groups
        .insert(Side::Old, vec!["arn:old".to_owned()]);
    let shifting = shifting(&world, |_| (), sources);
    for (registered, healthy, is_warm) in [(4, 4, true), (4, 1, true), (3, 3, false), (5, 0, false)]
    {
        let targets = Targets {
            registered,
            healthy,
            unchecked: 0,
        };
        world.with(|state| state.targets.insert("arn:old".to_owned(), targets));

        let fact = shifting.perform(&Command::FetchReadiness { step: 0 }).await;

        let Fact::Ready { old_is_warm, .. } = fact else {
            panic!("{fact:?}")
        };
        assert_eq!(old_is_warm, is_warm, "{targets:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn new_without_a_healthy_target_and_a_metric_without_a_source_are_told() {
    let world = World::new();
    let mut sources = some_sources();
    sources
        .target_groups
        .insert(Side::New, vec!["arn:new".to_owned()]);
    let fact = shifting(&world, |_| (), sources)
        .perform(&Command::FetchReadiness { step: 0 })
        .await;
    let Fact::Ready { problems, .. } = fact else {
        panic!("{fact:?}")
    };
    assert_eq!(problems[0].code.0, 121);

    let fact = shifting(&world, |_| (), Sources::default())
        .perform(&Command::FetchReadiness { step: 0 })
        .await;
    let Fact::Failed(failure) = fact else {
        panic!("{fact:?}")
    };
    assert_eq!(
        failure.message,
        "gate `failures`: no metric is named for it"
    );
}

#[tokio::test(start_paused = true)]
async fn targets_that_no_rule_sends_to_yet_are_waited_for_once_it_does() {
    let world = World::new();
    world.with(|state| {
        let targets = |healthy, unchecked| Targets {
            registered: 2,
            healthy,
            unchecked,
        };
        state.targets = [
            (OLD_GROUP.to_owned(), targets(2, 0)),
            (NEW_GROUP.to_owned(), targets(0, 2)),
        ]
        .into();
        state.rule = Some(a_rule());
    });
    let shifting = shifting(&world, on_a_rule, some_sources());
    let look = Command::FetchReadiness { step: 0 };

    let before = shifting.perform(&look).await;
    let prepare = Act::Prepare { ttl_seconds: None };
    act(&shifting, prepare, 1, Mark::Preparing).await;
    let after = shifting.perform(&look).await;

    assert!(
        matches!(&before, Fact::Ready { problems, .. } if problems.is_empty()),
        "{before:?}"
    );
    assert!(
        matches!(&after, Fact::Failed(failure) if failure.class == FailureClass::Unavailable),
        "{after:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn name_servers_are_asked_as_often_as_the_weights_need() {
    let world = World::new();
    let shifting = boring(&world);
    world.with(|state| {
        state.samples = Sample {
            old: 40,
            new: 4,
            other: 0,
        }
    });
    let pair = a_pair(90, 10);

    let fact = shifting.perform(&Command::SampleAnswers { pair }).await;

    assert_eq!(fact, Fact::Sampled(true));
    let asked = world.with(|state| state.questions[0].clone());
    assert_eq!((asked.servers.len(), asked.times), (2, 22));
    let pair = WeightPair::ALL_OLD;
    let fact = shifting.perform(&Command::SampleAnswers { pair }).await;
    assert_eq!(fact, Fact::Sampled(false));
    assert_eq!(world.times_of("zone").len(), 1);
}

/// F55
#[tokio::test(start_paused = true)]
async fn an_alarm_is_read_although_metrics_cannot_be() {
    let world = World::new();
    let with_bell = |wish: &mut Wish| {
        wish.gates
            .push(Gate::new("bell", GateKind::Alarm, Limit::Max(0.0)));
    };
    let mut sources = some_sources();
    sources
        .alarms
        .insert("bell".to_owned(), "pay-bell".to_owned());
    let shifting = shifting(&world, with_bell, sources);
    world.with(|state| {
        state
            .alarms
            .insert("pay-bell".to_owned(), AlarmReading::Quiet)
    });
    world.mood("series", Mood::Fails(FailureClass::Denied));
    let measure = Command::Measure {
        step: 0,
        from: world.now(),
        until: world.now(),
    };

    let fact = shifting.perform(&measure).await;
    let Fact::Measured(readings) = fact else {
        panic!("{fact:?}")
    };
    assert_eq!(readings.alarms["bell"], AlarmReading::Quiet);
    assert!(
        readings
            .series
            .values()
            .all(|reading| matches!(reading, Reading::Failed(_)))
    );

    world.mood("alarms", Mood::Fails(FailureClass::Denied));
    assert!(matches!(shifting.perform(&measure).await, Fact::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn everything_is_measured_in_one_call() {
    let world = World::new();
    let shifting = boring(&world);
    let until = world.now().after(Duration::from_mins(5));
    let measure = Command::Measure {
        step: 0,
        from: world.now(),
        until,
    };

    let fact = shifting.perform(&measure).await;

    let Fact::Measured(readings) = fact else {
        panic!("{fact:?}")
    };
    assert_eq!(readings.series.len(), 2);
    assert_eq!(world.times_of("series").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn requests_of_both_sides_are_counted_and_nothing_where_nothing_counts_them() {
    let world = World::new();
    let split = |world: &World| Command::FetchSplit {
        from: world.now(),
        until: world.now().after(Duration::from_mins(3)),
    };
    let nothing = boring(&world).perform(&split(&world)).await;
    assert_eq!(nothing, Fact::Split { old: 0.0, new: 0.0 });

    let mut sources = some_sources();
    sources.requests.insert(Side::Old, vec![a_metric("oldAll")]);
    sources.requests.insert(Side::New, vec![a_metric("newAll")]);
    let fact = shifting(&world, |_| (), sources)
        .perform(&split(&world))
        .await;

    assert!(
        matches!(fact, Fact::Split { old, new } if old >= 2_000.0 && new >= 2_000.0),
        "{fact:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn conditions_are_read_from_where_they_are() {
    let world = World::new();
    let with_conditions = |wish: &mut Wish| {
        wish.steps[0].entry_gates = vec!["db".to_owned(), "go".to_owned(), "what".to_owned()];
    };
    let mut sources = some_sources();
    let task = EntrySource::DmsTask {
        arn: "arn:task".to_owned(),
        lag_max: Duration::from_secs(5),
        validated: true,
    };
    let parameter = EntrySource::Parameter {
        name: "/pay/go".to_owned(),
        equals: "yes".to_owned(),
    };
    sources.entry_gates.insert("db".to_owned(), task);
    sources.entry_gates.insert("go".to_owned(), parameter);
    let shifting = shifting(&world, with_conditions, sources);
    world.with(|state| {
        state
            .tasks
            .insert("arn:task".to_owned(), a_task("running", Some(1)))
    });
    world.mood("parameter", Mood::Fails(FailureClass::Denied));

    let fact = shifting
        .perform(&Command::FetchEntryGates { step: 0 })
        .await;

    let Fact::EntryGates(gates) = fact else {
        panic!("{fact:?}")
    };
    let states: Vec<_> = gates
        .iter()
        .map(|gate| (&*gate.name, &gate.state))
        .collect();
    assert_eq!(states[0], ("db", &EntryState::Open));
    assert_eq!(
        states[1],
        ("go", &EntryState::Failed("it is not to be".to_owned()))
    );
    assert!(matches!(states[2], ("what", EntryState::Failed(_))));
}

fn a_task(status: &str, lag_seconds: Option<u64>) -> Task {
    Task {
        status: status.to_owned(),
        lag: lag_seconds.map(Duration::from_secs),
        tables_in_error: 0,
    }
}

/// F62
#[tokio::test(start_paused = true)]
async fn the_lag_of_a_task_that_does_not_run_is_not_known() {
    let world = World::new();
    let mut sources = some_sources();
    sources.reverse_task = Some("arn:back".to_owned());
    let shifting = shifting(&world, |_| (), sources);
    let mut lag_of = Vec::new();
    for task in [
        a_task("running", Some(3)),
        a_task("stopped", Some(0)),
        a_task("running", None),
    ] {
        world.with(|state| state.tasks.insert("arn:back".to_owned(), task));
        lag_of.push(match shifting.perform(&Command::FetchReverseLag).await {
            Fact::ReverseLag { lag, .. } => Some(lag.as_secs()),
            Fact::Failed(_) => None,
            other => panic!("{other:?}"),
        });
    }

    assert_eq!(lag_of, [Some(3), None, None]);
}

/// F59
#[tokio::test(start_paused = true)]
async fn the_kill_switch_is_read_and_a_missing_one_is_a_failure() {
    let world = World::new();
    let with_switch = |wish: &mut Wish| {
        wish.policy.control_parameter = Some("/pay/switch".to_owned());
        wish.policy.control_poll = Some(Duration::from_secs(10));
    };
    let shifting = shifting(&world, with_switch, some_sources());

    assert!(matches!(
        shifting.perform(&Command::FetchControl).await,
        Fact::Failed(_)
    ));
    world.with(|state| {
        let value = "rollback: too slow".to_owned();
        state.parameters.insert("/pay/switch".to_owned(), value)
    });
    assert_eq!(
        shifting.perform(&Command::FetchControl).await,
        Fact::Control(Control::Rollback("too slow".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn new_is_closed_by_a_parameter() {
    let world = World::new();
    let mut sources = some_sources();
    sources.write_fence_parameter = Some("/pay/new".to_owned());
    let shifting = shifting(&world, |_| (), sources);

    assert_eq!(shifting.perform(&Command::CloseNew).await, Fact::NewClosed);
    assert_eq!(
        world.with(|state| state.parameters["/pay/new"].clone()),
        "closed"
    );
    assert!(!shifting.only_looks(&Command::CloseNew));
    assert!(shifting.only_looks(&Command::FetchControl));
}

#[tokio::test(start_paused = true)]
async fn the_weights_of_a_rule_are_known_by_reading_it_again() {
    let world = World::new();
    world.with(|state| state.rule = Some(a_rule()));
    let shifting = shifting(&world, on_a_rule, some_sources());
    let pair = WeightPair::new(90, 10, Scale::Alb).unwrap();

    let fact = act(&shifting, Act::Move(pair), 1, Mark::Going).await;

    let Fact::Accepted { id } = fact else {
        panic!("{fact:?}")
    };
    assert_eq!(
        shifting.perform(&Command::FetchChange { id }).await,
        Fact::Change(ChangeState::Unknown)
    );
    assert_eq!(
        shifting.perform(&Command::SampleAnswers { pair }).await,
        Fact::Sampled(true)
    );
}
