//! Shifts that nothing happens to.

use cutover_core::shift::journal::Mark;
use serde_json::json;

use super::super::pulumi::{Run, text};
use super::world::{NAME, SHIFT, World, ZONE, a_zone, args, lines, two_steps};

/// Demands that a run has told each of these once, in this order.
#[track_caller]
fn tells_in_order(run: &Run, expected: &[&str]) {
    let lines = lines(run);
    let at = |wanted: &&str| {
        let found = lines.iter().filter(|line| line.contains(wanted)).count();
        assert_eq!(found, 1, "`{wanted}` in {lines:#?}");
        lines.iter().position(|line| line.contains(wanted))
    };
    let places: Vec<_> = expected.iter().map(at).collect();
    assert!(places.is_sorted(), "{lines:#?}");
}

#[test]
fn a_shift_walks_its_plan_in_one_up_and_the_records_answer_on_when_it_is_destroyed() {
    let world = World::of(&args(json!({})));

    let preview = world.stack.preview().succeeds();

    assert_eq!(world.writes(), (0, 0), "a preview must change nothing");
    assert_eq!(world.shares(), [0]);
    let preview = [
        "10 %",
        "50 %",
        "100 %",
        "calls of AWS",
        "a rollback takes up to 5 min",
    ]
    .into_iter()
    .fold(preview, |preview, part| preview.says(part));
    let foretold = preview.outputs(SHIFT);
    assert_eq!(foretold["plan"][1]["newWeight"], 50, "{foretold:#}");
    let way_back = text(&foretold["breakGlass"]);
    assert!(
        way_back.contains(ZONE) && way_back.contains(NAME),
        "{way_back}"
    );

    let up = world.stack.up().succeeds();

    assert_eq!(world.shares(), [0, 10, 50, 100]);
    tells_in_order(
        &up,
        &[
            "step 1 entered: 90/10",
            "step 2 entered: 50/50",
            "step 3 entered: 0/100",
            "everything is on new; a way back",
        ],
    );
    world.has_ended(Mark::Completed);
    let (batches, accepted) = world.writes();
    let journal = world
        .journal()
        .expect("it stays until the shift is destroyed");
    assert_eq!(batches, accepted, "none was refused");
    assert_eq!(
        journal.seq.to_string(),
        accepted.to_string(),
        "each was a step of the journal"
    );

    world.stack.up().changes_nothing();
    world
        .stack
        .pulumi(&["refresh", "--skip-preview", "--expect-no-changes"])
        .changes_nothing();
    assert_eq!(world.writes(), (batches, accepted));
    let destroy = world.stack.destroy().succeeds();

    destroy.says("the records stay and go on answering, with 100 % on new");
    assert_eq!(world.stack.state().resources().len(), 0);
    assert_eq!(world.journal(), None);
    assert_eq!(world.shares(), [0, 10, 50, 100]);
    let records = world.cloud().records(ZONE);
    assert!(
        records.iter().any(|set| set.weight == Some(100)),
        "{records:#?}"
    );
}

/// F72
#[test]
fn a_staged_shift_takes_a_step_with_each_up_and_waits_for_approval_and_cannot_be_destroyed() {
    let staged = |approved: Option<u32>| {
        args(json!({
            "mode": "staged",
            "gateTimeout": "2s",
            "steps": [
                { "share": 10, "bake": "6s" },
                { "share": 50, "bake": "6s", "pause": true },
                { "share": 100 },
            ],
            "approvedThrough": approved,
        }))
    };
    let world = World::of(&staged(None));

    let first = world.stack.up().succeeds();
    first.says("paused with 10 % on new: step 1 of 3 is done");
    let stored = world.stored();
    assert_eq!(text(&stored["phase"]), "Paused");
    assert_eq!(text(&stored["reason"]), "Staged:1");
    assert_eq!(stored["stepIndex"], 0);

    let writes = world.writes();
    world.stack.refresh().succeeds();
    let destroy = world.stack.destroy().fails();
    destroy
        .says("CUT-133")
        .says("10 % of traffic is on new")
        .says("set `onDestroy`");
    assert_eq!(world.writes(), writes);

    let waiting = world.stack.up().succeeds();
    waiting
        .says("step 2 of 3 waits for a person")
        .says("set `approvedThrough: 2`");
    assert_eq!(text(&world.stored()["reason"]), "Approval:2");
    assert_eq!(world.shares(), [0, 10]);

    world.ask(&staged(Some(2)));
    world.stack.up().succeeds().says("step 2 of 3 is done");
    assert_eq!(world.shares(), [0, 10, 50]);
    world.stack.up().succeeds().says("everything is on new");
    assert_eq!(world.shares(), [0, 10, 50, 100]);
    world.has_ended(Mark::Completed);
}

#[test]
fn keys_in_the_configuration_work_for_a_shift_and_are_written_nowhere() {
    let world =
        World::without_credentials(a_zone(100, 0, 1), &two_steps(json!({ "mode": "staged" })));
    // Everything that the plugin can be made to tell.
    let world = world.env("CUTOVER_LOG", "trace");
    let arguments = [
        "config",
        "set-all",
        "--secret",
        "cutover:accessKey=AKIASWORDFISH",
        "--secret",
        "cutover:secretKey=swordfish/of+the/seas",
        "--secret",
        "cutover:token=herring-of-the-session",
    ];
    world.stack.pulumi(&arguments).succeeds();

    world.stack.preview().succeeds();
    world.stack.up().succeeds();

    assert_eq!(world.shares(), [0, 50]);
    for secret in ["SWORDFISH", "swordfish", "herring-of"] {
        assert!(world.stack.finds(secret).is_empty(), "{secret}");
    }
    let breakdown = world.stored().to_string();
    assert!(!breakdown.contains("AKIA"), "{breakdown}");
}
