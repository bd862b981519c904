use std::sync::Arc;
use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::shift::events::{Cause, What};
use cutover_core::shift::journal::RunId;
use cutover_core::shift::machine::Orders;
use cutover_core::shift::notice::Gravity;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::spec::{Interrupt, RouterWish, Wish};
use futures_util::future::{BoxFuture, join_all};
use tokio::time::sleep;

use super::super::given::{Mood, START, World, a_spec, some_sources, sources_from, the_sets};
use super::super::{Allowance, Budgeted, Notify, Shifting};
use super::*;
use crate::Traffic;

fn a_shift(world: &World, change: impl FnOnce(&mut Wish)) -> Shift {
    let run = RunId::new("run-1");
    Shift::new(a_spec("pay-1", change), Orders::default(), run, world.now())
}

fn a_herald(world: &Arc<World>) -> Herald {
    let notify = Notify {
        topic_arn: Some("arn:aws:sns:eu-central-1:123456789012:pay".to_owned()),
        severity_min: Gravity::Info,
        events: vec![],
        namespace: Some("Cutover".to_owned()),
    };
    Herald::new(
        "pay-1",
        notify,
        world.clone(),
        world.clone(),
        world.clock.clone(),
    )
}

fn performer(world: &Arc<World>) -> Shifting {
    let spec = a_spec("pay-1", |_| ());
    Shifting::new(
        world.traffic(),
        world.clock.clone(),
        spec,
        some_sources(),
        None,
    )
}

/// Conducts the boring shift.
async fn conducted(
    world: &Arc<World>,
    stop: impl Future<Output = &'static str>,
) -> Conducted<&'static str> {
    let (shift, herald) = (a_shift(world, |_| ()), a_herald(world));
    let performer = performer(world);
    conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        stop,
        |_, _| {},
    )
    .await
}

async fn stop_after(duration: Duration) -> &'static str {
    sleep(duration).await;
    "interrupted"
}

#[tokio::test(start_paused = true)]
async fn a_shift_goes_through_and_every_event_is_told_once_and_in_order() {
    let world = World::new();
    let (shift, herald) = (a_shift(&world, |_| ()), a_herald(&world));
    let (mut told, mut waits) = (vec![], 0);

    let conducted = conduct(
        shift,
        &performer(&world),
        world.clock.as_ref(),
        &herald,
        pending::<()>(),
        |_, tell| match tell {
            Tell::Event(event) => told.push(event.clone()),
            Tell::Waiting(_) => waits += 1,
        },
    )
    .await;

    assert_eq!(conducted.outcome, Some(Outcome::Completed));
    assert_eq!(told, conducted.shift.events());
    assert_eq!(world.weights(), (0, 100));
    assert!(waits > 100, "{waits}");
    let sent = world.with(|state| state.sent.clone());
    let names: Vec<_> = sent.iter().map(|message| message.key.clone()).collect();
    assert_eq!(names.len(), told.len(), "{names:?}");
    assert_eq!(names[0], "pay-1/1/Started");
    assert!(
        names.last().is_some_and(|key| key.ends_with("/Completed")),
        "{names:?}"
    );
    assert_eq!(conducted.undelivered, Undelivered::default());
    let beats = world.with(|state| {
        let beats = state.figures.iter();
        beats
            .filter(|figure| figure.metric.name == "Heartbeat")
            .count()
    });
    let minutes = usize::try_from(world.now().since(START).as_secs() / 60).unwrap();
    assert!(
        (minutes - 2..=minutes + 1).contains(&beats),
        "{beats} in {minutes} minutes"
    );
}

/// Lets new break in its first bake, with people and metrics in a mood; returns what came of it and when the way back
/// was submitted and everything was over.
async fn rolled_back(mood: Mood) -> (Conducted<&'static str>, f64, f64) {
    let world = World::new();
    world.mood("send", mood);
    world.mood("put", mood);
    world.with(|state| state.broken_from = Some(world.now().after(Duration::from_mins(10))));
    let mut over = None;
    let (shift, herald) = (a_shift(&world, |_| ()), a_herald(&world));
    let conducted = conduct(
        shift,
        &performer(&world),
        world.clock.as_ref(),
        &herald,
        pending(),
        |_, tell| {
            if let Tell::Event(Event {
                what: What::Returned,
                at,
            }) = tell
            {
                over = Some(*at);
            }
        },
    )
    .await;
    assert_eq!(world.weights(), (100, 0));
    let over = over.unwrap().since(START).as_secs_f64();
    (conducted, world.times_of("return")[0], over)
}

/// F57, F58
#[tokio::test(start_paused = true)]
async fn publishing_never_delays_a_rollback_and_what_did_not_arrive_is_listed() {
    let (well, submitted, over) = rolled_back(Mood::Well).await;
    assert_eq!(well.undelivered, Undelivered::default());
    assert!(matches!(
        &well.outcome,
        Some(Outcome::RolledBack { causes, .. }) if matches!(causes[0], Cause::Gate { .. })
    ));

    for mood in [Mood::Hangs, Mood::Fails(FailureClass::Denied)] {
        let (ill, submitted_then, over_then) = rolled_back(mood).await;

        assert_eq!(ill.outcome, well.outcome, "{mood:?}");
        assert_eq!((submitted_then, over_then), (submitted, over), "{mood:?}");
        let messages = &ill.undelivered.messages;
        assert_eq!(messages.len(), ill.shift.events().len(), "{messages:?}");
        assert!(
            messages.iter().any(|key| key.ends_with("/RollbackStarted")),
            "{messages:?}"
        );
        assert!(
            ill.undelivered.figures > 5,
            "{mood:?}: {:?}",
            ill.undelivered.figures
        );
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_rollback_the_record_of_an_isolated_new_is_gone_when_nobody_can_know_it_any_more() {
    let world = World::new();
    world.with(|state| state.broken_from = Some(world.now().after(Duration::from_mins(10))));

    let conducted = conducted(&world, pending()).await;

    let Some(Outcome::RolledBack { .. }) = conducted.outcome else {
        panic!("{:?}", conducted.outcome)
    };
    let names = world.with(|state| {
        let sets = state.sets.iter();
        sets.filter_map(|set| match &set.routing {
            Routing::Weighted { set_identifier, .. } => Some(set_identifier.clone()),
            Routing::Simple | Routing::Other { .. } => None,
        })
        .collect::<Vec<_>>()
    });
    assert_eq!(names, ["old-system"]);
    assert_eq!(world.weights(), (100, 0));
    let (returned, removed) = (world.times_of("return")[0], world.times_of("change"));
    // The TTL is a minute, and some keep an answer for as long again.
    assert!(removed.last().unwrap() - returned >= 120.0, "{removed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_is_tried_five_times() {
    let world = World::new();
    world.mood("send", Mood::Fails(FailureClass::Unavailable));
    let stop = stop_after(Duration::from_mins(3));
    let (shift, herald) = (a_shift(&world, |_| ()), a_herald(&world));
    let performer = performer(&world);
    conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        stop,
        |_, _| {},
    )
    .await;
    let attempts = world.with(|state| {
        let calls = state.calls.iter();
        calls
            .filter(|(action, about, _)| *action == "send" && about == "pay-1/1/Started")
            .count()
    });
    assert_eq!(attempts, 5);
}

#[tokio::test(start_paused = true)]
async fn a_shift_whose_metrics_cannot_be_read_does_not_begin() {
    let world = World::new();
    world.mood("series", Mood::Fails(FailureClass::Denied));

    let conducted = conducted(&world, pending()).await;

    assert!(
        matches!(conducted.outcome, Some(Outcome::Refused(_))),
        "{:?}",
        conducted.outcome
    );
    assert!(world.times_of("change").is_empty());
}

/// F12: a stop at every moment of a shift, from the first look to the soak.
#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_returns_within_ten_seconds_with_everything_on_old() {
    let moments = (0..400).step_by(3).chain((400..3_800).step_by(211));
    for seconds in moments {
        let world = World::new();
        let stop = stop_after(Duration::from_secs(seconds));

        let conducted = conducted(&world, stop).await;

        let took = world.now().since(START.after(Duration::from_secs(seconds)));
        assert!(took <= STOP_MAX, "stopped at {seconds} s: {took:?}");
        assert_eq!(conducted.stop, Some("interrupted"), "at {seconds} s");
        assert!(
            matches!(conducted.outcome, Some(Outcome::Interrupted { .. })),
            "at {seconds} s: {:?}",
            conducted.outcome
        );
        assert_eq!(world.weights(), (100, 0), "at {seconds} s");
        assert_eq!(
            conducted.undelivered,
            Undelivered::default(),
            "at {seconds} s"
        );
    }
}

/// F12: the same when from the stop on every call hangs.
#[tokio::test(start_paused = true)]
async fn a_stop_returns_within_ten_seconds_whatever_hangs() {
    for seconds in (0..400).step_by(13) {
        let world = World::new();
        let stop = async {
            sleep(Duration::from_secs(seconds)).await;
            for call in [
                "zone", "sets", "change", "return", "poll", "series", "alarms", "send", "put",
                "targets",
            ] {
                world.mood(call, Mood::Hangs);
            }
            "interrupted"
        };

        let conducted = conducted(&world, stop).await;

        let took = world.now().since(START.after(Duration::from_secs(seconds)));
        assert!(took <= STOP_MAX, "stopped at {seconds} s: {took:?}");
        assert_eq!(conducted.stop, Some("interrupted"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_hangs_is_cut_after_a_stop_and_the_way_back_is_written() {
    let world = World::new();
    let herald = a_herald(&world);
    let shift = a_shift(&world, |wish| {
        wish.policy.interrupt = Some(Interrupt::Rollback);
    });
    world.mood("change", Mood::Hangs);
    let stop = stop_after(Duration::from_secs(5));

    let performer = performer(&world);
    let conducted = conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        stop,
        |_, _| {},
    )
    .await;

    assert_eq!(conducted.outcome, Some(Outcome::Interrupted { back: true }));
    assert!((9.0..9.5).contains(&world.times_of("return")[0]));
    assert!(world.now().since(START) <= Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_weights_where_they_are_when_it_is_to_hold() {
    let world = World::new();
    let herald = a_herald(&world);
    let shift = a_shift(&world, |wish| wish.policy.interrupt = Some(Interrupt::Hold));
    let stop = stop_after(Duration::from_mins(20));

    let performer = performer(&world);
    let conducted = conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        stop,
        |_, _| {},
    )
    .await;

    assert_eq!(
        conducted.outcome,
        Some(Outcome::Interrupted { back: false })
    );
    assert_eq!(world.weights(), (90, 10));
}

/// F13
#[tokio::test(start_paused = true)]
async fn a_stop_while_the_way_back_is_being_submitted_lets_it_be_accepted_first() {
    let world = World::new();
    world.with(|state| state.broken_from = Some(world.now().after(Duration::from_mins(10))));
    world.mood("return", Mood::Fails(FailureClass::Throttled));
    let stop = async {
        while world.times_of("return").is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        let later = async {
            sleep(Duration::from_secs(2)).await;
            world.mood("return", Mood::Well);
        };
        (world.now(), later)
    };
    let stopped_at = std::cell::Cell::new(None);
    let (shift, herald) = (a_shift(&world, |_| ()), a_herald(&world));
    let performer = performer(&world);
    let (healed, heal) = tokio::sync::oneshot::channel();
    let stop = async {
        let (at, later) = stop.await;
        stopped_at.set(Some(at));
        healed.send(later).ok().unwrap();
        "interrupted"
    };

    let conduct = conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        stop,
        |_, _| {},
    );
    let (conducted, ()) = tokio::join!(conduct, async { heal.await.ok().unwrap().await });

    assert_eq!(conducted.outcome, Some(Outcome::Interrupted { back: true }));
    assert_eq!(world.weights(), (100, 0));
    assert!(world.now().since(stopped_at.get().unwrap()) <= Duration::from_secs(10));
}

/// Answers everything with what nobody asked for, after a good beginning.
struct Mistaken(Shifting);

impl Perform<Command, Fact> for Mistaken {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        match command {
            Command::Measure { .. } => Box::pin(std::future::ready(Fact::NewClosed)),
            _ => self.0.perform(command),
        }
    }

    fn only_looks(&self, command: &Command) -> bool {
        self.0.only_looks(command)
    }
}

#[tokio::test(start_paused = true)]
async fn a_mistake_of_an_adapter_ends_it_with_everything_that_is_known() {
    let world = World::new();
    let (shift, herald) = (a_shift(&world, |_| ()), a_herald(&world));
    let mistaken = Mistaken(performer(&world));

    let conducted = conduct(
        shift,
        &mistaken,
        world.clock.as_ref(),
        &herald,
        pending::<()>(),
        |_, _| {},
    )
    .await;

    let broken = conducted.broken.unwrap();
    assert_eq!(broken.fact, "NewClosed");
    assert_eq!(conducted.shift.status().step, Some(0));
    assert_eq!(conducted.shift.status().requested.to_string(), "10 %");
    assert_eq!(conducted.outcome, None);
    assert!(conducted.undelivered.messages.is_empty());
}

/// One of several shifts of a zone; the first is the one that breaks.
async fn one_of_many(world: &Arc<World>, zones: &Budgeted, number: usize) -> Conducted<()> {
    let name = format!("pay-{number}.example.com");
    world.with(|state| state.sets.extend(the_sets(&name)));
    let renamed = |wish: &mut Wish| {
        if let RouterWish::Route53 { records, .. } = &mut wish.router {
            records[0].name.clone_from(&name);
        }
    };
    let (shift, herald) = (a_shift(world, renamed), a_herald(world));
    let spec = a_spec("pay-1", renamed);
    let bad = if number == 0 { "newBad" } else { "calmBad" };
    let traffic = Traffic {
        zones: Arc::new(zones.clone()),
        ..world.traffic()
    };
    let clock = world.clock.clone();
    let performer = Shifting::new(traffic, clock, spec, sources_from(bad), None);
    conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        pending(),
        |_, _| {},
    )
    .await
}

/// F73
#[tokio::test(start_paused = true)]
async fn twenty_shifts_of_a_zone_go_through_side_by_side_and_one_goes_back_at_once() {
    let world = World::new();
    world.with(|state| state.broken_from = Some(world.now().after(Duration::from_mins(20))));
    let allowance = Arc::new(Allowance::new(world.clock.clone()));
    let zones = Budgeted::new(world.clone(), allowance);

    let all = join_all((0..20).map(|number| one_of_many(&world, &zones, number))).await;

    let (back, through) = all.split_first().unwrap();
    assert!(
        matches!(back.outcome, Some(Outcome::RolledBack { .. })),
        "{:?}",
        back.outcome
    );
    for conducted in through {
        assert_eq!(conducted.outcome, Some(Outcome::Completed));
    }
    let decided = back.shift.events().iter().find_map(|event| {
        matches!(event.what, What::ReturnBegan(_)).then_some(event.at.since(START))
    });
    let submitted = world.times_of("return")[0] - decided.unwrap().as_secs_f64();
    assert!((0.0..=0.1).contains(&submitted), "{submitted} s");
    world.check_flights();
    let mut all = ["zone", "sets", "change", "entry", "poll"]
        .map(|kind| world.times_of(kind))
        .concat();
    all.sort_by(f64::total_cmp);
    for three in all.windows(3) {
        assert!(three[2] - three[0] >= 0.999, "{three:?}");
    }
}

/// A future that moves between threads, as those of a server do.
fn is_send<T: Send>(future: T) -> T {
    future
}

#[tokio::test(start_paused = true)]
async fn a_shift_is_conducted_on_any_thread() {
    let world = World::new();
    let (shift, herald) = (a_shift(&world, |_| ()), a_herald(&world));
    let performer = performer(&world);
    let stop = std::future::ready("at once");

    let conducted = is_send(conduct(
        shift,
        &performer,
        world.clock.as_ref(),
        &herald,
        stop,
        |_, _| {},
    ))
    .await;

    assert_eq!(conducted.stop, Some("at once"));
    assert!(world.times_of("sets").is_empty());
}
