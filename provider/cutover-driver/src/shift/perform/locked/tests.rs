use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::Timestamp;
use cutover_core::shift::facts::{Act, Command, Fact, JournalRead};
use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::shift::locks::LockItem;
use cutover_core::shift::rules::{GroupWeight, JOURNAL_TAG, Rule};
use cutover_core::shift::spec::{RouterWish, Wish};
use cutover_core::weights::{Scale, WeightPair};

use super::super::super::given::{Mood, World, a_spec, some_sources};
use super::*;
use crate::Perform;

const RULE: &str = "arn:rule";
const OLD: &str = "arn:old";
const NEW: &str = "arn:new";

fn a_world() -> Arc<World> {
    let world = World::new();
    let group = |(arn, weight): (&str, u16)| GroupWeight {
        arn: arn.to_owned(),
        weight,
    };
    let rule = Rule {
        groups: [(OLD, 100), (NEW, 0)].map(group).into(),
        stickiness: None,
        tags: BTreeMap::new(),
    };
    world.with(|state| state.rule = Some(rule));
    world
}

fn a_performer(world: &Arc<World>) -> Shifting {
    let with_table = |wish: &mut Wish| {
        wish.router = RouterWish::Alb {
            rule_arn: RULE.to_owned(),
            old_arn: OLD.to_owned(),
            new_arn: NEW.to_owned(),
        };
        wish.policy.lock_table = Some("cutover-locks".to_owned());
    };
    let spec = a_spec("pay-1", with_table);
    let clock = world.clock.clone();
    Shifting::new(world.traffic(), clock, spec, some_sources(), None)
}

fn an_entry(run: &str, seq: u64, mark: Mark) -> Entry {
    Entry {
        shift: "pay-1".to_owned(),
        run: RunId::new(run),
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

async fn look(performer: &Shifting) -> Live {
    match performer.perform(&Command::FetchLive).await {
        Fact::Live(live) => live,
        other => panic!("{other:?}"),
    }
}

async fn apply(performer: &Shifting, act: Act, entry: Entry, expected: Option<Live>) -> Fact {
    let change = Box::new(Change {
        act,
        entry,
        expected,
    });
    performer.perform(&Command::Apply(change)).await
}

fn ten() -> Act {
    Act::Move(WeightPair::new(90, 10, Scale::Alb).unwrap())
}

fn weights(world: &World) -> Vec<u16> {
    world.with(|state| {
        let groups = state.rule.as_ref().unwrap().groups.iter();
        groups.map(|group| group.weight).collect()
    })
}

fn written(world: &World) -> Vec<&'static str> {
    world.with(|state| {
        let calls = state.calls.iter().map(|(name, _, _)| *name);
        calls
            .filter(|name| ["lock", "modify"].contains(name))
            .collect()
    })
}

#[tokio::test(start_paused = true)]
async fn of_two_that_saw_the_same_one_enters_and_the_other_has_written_nothing() {
    let world = a_world();
    let (one, other) = (a_performer(&world), a_performer(&world));
    let (seen_by_one, seen_by_other) = tokio::join!(look(&one), look(&other));

    let prepare = || Act::Prepare { ttl_seconds: None };
    let (first, second) = tokio::join!(
        apply(
            &one,
            prepare(),
            an_entry("one", 1, Mark::Preparing),
            Some(seen_by_one)
        ),
        apply(
            &other,
            prepare(),
            an_entry("other", 1, Mark::Preparing),
            Some(seen_by_other)
        ),
    );

    let (winner, lost) = match (&first, &second) {
        (Fact::Accepted { .. }, lost) => ("one", lost),
        (lost, _) => ("other", lost),
    };
    assert_eq!(*lost, Fact::Conflict);
    assert_eq!(written(&world), ["lock", "lock", "modify"]);
    let JournalRead::Entry(held) = look(&other).await.journal else {
        panic!("the fence is held")
    };
    assert_eq!(held.run.as_str(), winner);
}

#[tokio::test(start_paused = true)]
async fn a_stolen_fence_stops_the_next_step_before_any_weight_moves() {
    let world = a_world();
    let performer = a_performer(&world);
    let mine = an_entry("mine", 1, Mark::Preparing);
    let prepare = Act::Prepare { ttl_seconds: None };
    apply(&performer, prepare, mine, Some(look(&performer).await)).await;
    let live = look(&performer).await;
    let theirs = LockItem {
        journal: an_entry("theirs", 2, Mark::Preparing).encode(),
        members: Vec::new(),
    };
    world.with(|state| state.items.insert(RULE.to_owned(), theirs));

    let entry = an_entry("mine", 2, Mark::Going);
    let fact = apply(&performer, ten(), entry, Some(live)).await;

    assert_eq!(fact, Fact::Conflict);
    assert_eq!(weights(&world), [100, 0]);
}

/// F69
#[tokio::test(start_paused = true)]
async fn a_step_that_is_announced_and_not_made_is_of_unknown_effect_and_made_again() {
    let world = a_world();
    let performer = a_performer(&world);
    let live = look(&performer).await;
    world.mood("modify", Mood::Fails(FailureClass::Throttled));
    let entry = || an_entry("mine", 1, Mark::Going);

    let fact = apply(&performer, ten(), entry(), Some(live)).await;
    assert!(
        matches!(&fact, Fact::Failed(failure) if failure.class == FailureClass::Unknown),
        "{fact:?}"
    );
    world.mood("modify", Mood::Well);
    let live = look(&performer).await;
    assert_eq!(live.journal, JournalRead::Entry(entry()));
    let fact = apply(&performer, ten(), entry(), Some(live)).await;

    assert!(matches!(fact, Fact::Accepted { .. }), "{fact:?}");
    assert_eq!(weights(&world), [90, 10]);
}

/// F70
#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_has_rewritten_is_a_conflict_before_anything_is_announced() {
    let world = a_world();
    let performer = a_performer(&world);
    let live = look(&performer).await;
    world.with(|state| state.rule.as_mut().unwrap().groups[0].weight = 60);

    let entry = an_entry("mine", 1, Mark::Going);
    let fact = apply(&performer, ten(), entry, Some(live)).await;

    assert_eq!(fact, Fact::Conflict);
    assert_eq!(written(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn traffic_goes_back_although_the_table_cannot_be_reached() {
    let world = a_world();
    let performer = a_performer(&world);
    let entry = an_entry("mine", 1, Mark::Going);
    apply(&performer, ten(), entry, Some(look(&performer).await)).await;
    world.mood("lock", Mood::Fails(FailureClass::Unavailable));
    world.mood("item", Mood::Fails(FailureClass::Unavailable));

    let back = an_entry("mine", 2, Mark::Back);
    let fact = apply(&performer, Act::Return(WeightPair::ALL_OLD), back, None).await;

    assert!(matches!(fact, Fact::Accepted { .. }), "{fact:?}");
    assert_eq!(weights(&world), [100, 0]);
    assert_eq!(written(&world), ["lock", "modify", "modify", "lock"]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_one_call_and_the_end_frees_the_rule_for_everybody() {
    let world = a_world();
    let performer = a_performer(&world);
    let entry = an_entry("mine", 1, Mark::Going);
    apply(&performer, ten(), entry, Some(look(&performer).await)).await;
    let tag = || world.with(|state| state.rule.as_ref().unwrap().tags.get(JOURNAL_TAG).cloned());
    assert_eq!(tag().as_deref(), Some("dynamodb cutover-locks"));

    let renewed = an_entry("mine", 2, Mark::Going);
    apply(
        &performer,
        Act::Renew,
        renewed,
        Some(look(&performer).await),
    )
    .await;
    assert_eq!(written(&world), ["lock", "modify", "lock"]);
    let over = an_entry("mine", 3, Mark::Completed);
    let finish = Act::Finish {
        ttl_seconds: None,
        remove_new: false,
    };
    apply(
        &performer,
        finish,
        over.clone(),
        Some(look(&performer).await),
    )
    .await;

    assert_eq!(tag(), Some(over.encode()));
    let journal = world.with(|state| state.items[RULE].journal.clone());
    assert_eq!(journal, over.encode());
}
