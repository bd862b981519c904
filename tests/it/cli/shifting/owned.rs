//! Records that belong to somebody already: another stack, or nobody in particular.

use cutover_core::shift::journal::Mark;
use serde_json::json;

use super::super::pulumi::text;
use super::world::{NAME, SHIFT, World, ZONE, a_zone, two_steps};

/// F15, F16
#[test]
fn of_two_stacks_that_race_for_one_record_one_is_refused_before_it_writes() {
    let args = two_steps(json!({}));
    let world = World::of(&args);
    let rival = world.stack.sibling("rival");
    world.configure(&rival, &[("shift:args", &args.to_string())]);

    let first = world.stack.start(&["up", "--skip-preview"]);
    let second = rival.start(&["up", "--skip-preview"]);
    let runs = [first.finish(), second.finish()];

    let (won, lost): (Vec<_>, Vec<_>) = runs.into_iter().partition(crate::cli::pulumi::Run::worked);
    let [won, lost] = [won, lost].map(|mut runs| {
        assert_eq!(runs.len(), 1, "one wins: {runs:?}");
        runs.remove(0)
    });
    let journal = world.journal().expect("the winner's");
    // Whether it saw the fence, or was refused the batch by which it would have taken it.
    let said = lost.output();
    let seen =
        said.contains("CUT-153") && said.contains(&format!("held by shift `{}`", journal.shift));
    let refused = said.contains("CUT-164") && said.contains("another run");
    assert!(seen || refused, "{lost}");
    assert!(said.contains(journal.run.as_str()), "{lost}");
    won.says("everything is on new");
    assert_eq!(world.shares(), [0, 50, 100]);
    assert_eq!(journal.mark, Mark::Completed);
    let (_, accepted) = world.writes();
    assert_eq!(
        journal.seq.to_string(),
        accepted.to_string(),
        "only the winner has written"
    );
    let lives = [&world.stack, &rival].map(|stack| stack.state().find(SHIFT).is_some());
    assert_eq!(lives.iter().filter(|lives| **lives).count(), 1);
}

/// F72
#[test]
fn a_split_that_is_imported_stands_where_the_weights_are_and_nothing_is_written() {
    let world = World::over(a_zone(30, 70, 1), &two_steps(json!({})));
    let id = format!("{ZONE}/{NAME}/A/old/new");
    let arguments = [
        "import",
        // The language host in use cannot generate programs.
        "--generate-code=false",
        "cutover:index:WeightedShift",
        SHIFT,
        &id,
        "--protect=false",
    ];

    world.stack.pulumi(&arguments).succeeds();

    let state = world.stack.state();
    assert_eq!(state.resource(SHIFT)["id"], id);
    let stored = world.stored();
    assert_eq!(text(&stored["phase"]), "Paused", "{stored:#}");
    assert_eq!(stored["observedShare"].as_f64(), Some(70.0), "{stored:#}");
    assert_eq!(world.shares(), [70]);
    assert_eq!(world.writes(), (0, 0));
    world.stack.refresh().succeeds();
    assert_eq!(world.stored(), stored);
    assert_eq!(world.writes(), (0, 0));
}
