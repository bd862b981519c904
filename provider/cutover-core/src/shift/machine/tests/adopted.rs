//! Weights that no journal explains, and that a person has taken over knowingly.

use std::time::Duration;

use super::super::super::facts::JournalRead;
use super::super::super::given::with_steps;
use super::super::super::journal::Mark;
use super::super::super::spec::Spec;
use super::super::{Desired, Orders, Outcome};
use super::world::{START, World, a_shift, a_short_spec, gates, log, run, run_until};
use crate::weights::Share;

fn standing_at(old: u16, new: u16) -> World {
    World {
        old: Some(old),
        new: Some(new),
        weights: vec![(START, old, new)],
        ..World::new()
    }
}

fn adopting(percent: f64) -> Orders {
    Orders {
        adopted: Share::from_percent(percent),
        ..Orders::default()
    }
}

/// The code and message with which a run is refused, after which nothing was written.
fn refusal(spec: Spec, orders: Orders, mut world: World) -> String {
    let mut shift = a_shift(spec, orders, "run-1", START);
    let outcome = run(&mut shift, &mut world);
    assert!(shift.is_untouched());
    assert_eq!(world.changes, []);
    match outcome {
        Outcome::Refused(problems) => format!("{}: {}", problems[0].code, problems[0].message),
        outcome => panic!("{outcome:?}"),
    }
}

/// F72
#[test]
fn a_split_that_was_imported_is_written_once_more_and_bakes_anew() {
    let mut world = standing_at(50, 50);
    let mut shift = a_shift(a_short_spec(), adopting(50.0), "run-1", START);

    run_until(&mut shift, &mut world, |_, world| world.minute() >= 5);
    let JournalRead::Entry(entry) = &world.journal else {
        panic!("it has a journal")
    };
    assert_eq!((entry.mark, entry.step), (Mark::Going, 0));

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert_eq!(world.shares(), ["50/50", "50/50", "0/100"]);
    let entered = world.weights[2].0.since(START);
    assert!(entered >= Duration::from_mins(12), "{entered:?}");
    assert!(
        log(&shift)
            .iter()
            .any(|line| line.contains("bake of step 1 begins")),
        "{:#?}",
        log(&shift)
    );
}

#[test]
fn other_weights_of_the_same_share_become_those_of_the_plan() {
    let mut world = standing_at(7, 7);
    let mut shift = a_shift(a_short_spec(), adopting(50.0), "run-1", START);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert_eq!(world.shares(), ["7/7", "50/50", "0/100"]);
}

#[test]
fn a_breach_after_an_import_goes_back() {
    let mut world = World {
        failures: vec![(6, 60, (30.0, 0.0))],
        ..standing_at(50, 50)
    };
    let mut shift = a_shift(a_short_spec(), adopting(50.0), "run-1", START);

    let outcome = run(&mut shift, &mut world);

    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(world.shares(), ["50/50", "50/50", "100/0"]);
}

#[test]
fn an_imported_split_is_sent_back_when_the_program_says_so() {
    let mut world = standing_at(50, 50);
    let orders = Orders {
        desired: Desired::Old,
        ..adopting(50.0)
    };

    let outcome = run(
        &mut a_shift(a_short_spec(), orders, "run-1", START),
        &mut world,
    );

    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(world.shares().last().map(String::as_str), Some("100/0"));
}

#[test]
fn past_the_point_of_no_return_an_imported_split_is_not_sent_back() {
    let steps = [(10.0, Some(10)), (50.0, Some(10)), (100.0, None)];
    let mut spec = with_steps(&steps, gates());
    spec.policy.commit_after = Some(0);
    let mut world = World {
        failures: vec![(6, 60, (30.0, 0.0))],
        ..standing_at(50, 50)
    };

    let outcome = run(
        &mut a_shift(spec, adopting(50.0), "run-1", START),
        &mut world,
    );

    assert!(matches!(outcome, Outcome::Paused(_)), "{outcome:?}");
    assert_eq!(world.shares().last().map(String::as_str), Some("50/50"));
}

#[test]
fn everything_on_new_is_complete_and_nothing_is_written() {
    let mut world = standing_at(0, 100);
    let mut shift = a_shift(a_short_spec(), adopting(100.0), "run-1", START);

    assert_eq!(run(&mut shift, &mut world), Outcome::Completed);
    assert_eq!(world.changes, []);
    assert_eq!(shift.share_requested(), Share::FULL);
}

#[test]
fn weights_that_nobody_has_taken_over_or_that_fit_nowhere_are_refused_with_advice() {
    let refused = [
        refusal(a_short_spec(), Orders::default(), standing_at(50, 50)),
        refusal(a_short_spec(), adopting(50.0), standing_at(30, 70)),
        refusal(a_short_spec(), adopting(70.0), standing_at(30, 70)),
        refusal(
            a_short_spec(),
            adopting(50.0),
            World {
                ttl_seconds: Some(300),
                ..standing_at(50, 50)
            },
        ),
    ];

    insta::assert_snapshot!(refused.join("\n"), @"
    CUT-116: new already gets 50 %, and no journal says why; send everything to old, or import the shift to go on from there
    CUT-116: new gets 70 %, and 50 % when the shift was imported; import it again
    CUT-116: new gets 70 %, which is the share of no step; give a step that share, or send everything to old
    CUT-116: the TTL is 300 s while new gets 50 %; set it to 60 s first, and wait as long as it was
    ");
}
