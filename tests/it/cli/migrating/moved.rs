//! Migrations that go to their end, and back.

use cutover_core::validation::side::Side;
use serde_json::{Value, json};

use super::super::pulumi::{Run, text};
use super::world::{AFTER, BEFORE, NOWHERE, REPLICATION, SECRET, SHOP, SWITCH, World, lines};

/// The plan of the switch, as a preview shows it.
fn plan(preview: &Run) -> Vec<String> {
    let told = lines(preview);
    let plan = told
        .iter()
        .find(|message| message.contains("each step with who waits"))
        .expect("the plan is shown");
    plan.lines()
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

#[test]
fn a_shop_is_moved_while_people_pay_as_the_preview_has_said_and_back_without_losing_a_payment() {
    let world = World::new();
    world.ask("switched", json!({}));
    let cashiers = world.open_shop();
    world.payments(10);

    let writes = world.writes();

    let preview = world.stack.preview().succeeds();

    let plan = plan(&preview);
    assert!(plan.len() > 5, "{plan:?}");
    assert_eq!(world.writes(), writes, "a preview changes nothing");
    for side in Side::BOTH {
        assert!(!world.has_control(side), "{side}");
        assert!(world.lets_write(side), "{side}");
    }

    let up = world.stack.up().succeeds();

    world.payments(10);
    let state = world.stack.state();
    let expected = [SHOP, AFTER, BEFORE, REPLICATION, SWITCH];
    assert_eq!(state.names(), expected, "{up}");
    let shop = state.urn(SHOP);
    for child in [REPLICATION, BEFORE, SWITCH, AFTER] {
        assert_eq!(text(&state.resource(child)["parent"]), shop, "{child}");
    }
    let told = lines(&up).join("\n");
    for said in [
        "the target follows closely",
        "source refuses applications",
        "both sides are equal",
        "target writes, epoch 1",
        "the way back is ready",
    ] {
        assert!(told.contains(said), "`{said}` is missing in {told}");
    }
    let outputs = state.outputs();
    for (name, expected) in [
        ("phase", json!("switched")),
        ("writer", json!("target")),
        ("epoch", json!(1)),
        ("writePolicy", json!("any")),
        ("verdictBefore", json!("matched")),
        ("verdictFinal", json!("matched")),
        ("verdictAfter", json!("matched")),
        ("rollbackReady", json!(true)),
    ] {
        assert_eq!(outputs[name], expected, "{name} of {outputs:#}");
    }
    assert_eq!(texts(&world.stored(SWITCH)["steps"]), plan);
    world.takes_writes(Side::Target);

    world.stack.up().changes_nothing();

    world.ask("rolledBack", json!({}));
    world.stack.preview().succeeds().says("the source write");
    world.stack.up().succeeds();
    world.payments(10);
    world.close_shop(cashiers);

    let state = world.stack.state();
    assert_eq!(state.names(), [SHOP, REPLICATION, SWITCH]);
    let outputs = state.outputs();
    assert_eq!(outputs["phase"], "rolledBack", "{outputs:#}");
    assert_eq!(outputs["writer"], "source", "{outputs:#}");
    assert_eq!(outputs["epoch"], 2, "{outputs:#}");
    world.takes_writes(Side::Source);
    world.reckon(Side::Source);
    world.stack.up().changes_nothing();
    assert_eq!(world.stack.finds(SECRET), NOWHERE);
}

#[test]
fn a_goal_that_is_raised_step_by_step_is_reached_step_by_step() {
    let world = World::new();
    let placement = json!({ "placement": "drainAndSwitch" });
    world.ask("replicating", placement.clone());
    let mut cashiers = world.open_shop();

    world.stack.up().succeeds();
    assert_eq!(world.stack.state().names(), [SHOP, REPLICATION]);
    cashiers.push(world.stubborn(Side::Target));
    world.takes_writes(Side::Source);

    world.ask("validated", placement.clone());
    world.stack.up().succeeds();
    assert_eq!(world.stack.state().names(), [SHOP, BEFORE, REPLICATION]);
    assert_eq!(world.stack.state().outputs()["verdictBefore"], "matched");
    world.takes_writes(Side::Source);

    world.ask("switched", placement);
    world.stack.up().succeeds();
    world.payments(10);
    world.close_shop(cashiers);
    let state = world.stack.state();
    let outputs = state.outputs();
    assert_eq!(outputs["phase"], "switched", "{outputs:#}");
    assert_eq!(outputs["writePolicy"], "newOnly", "{outputs:#}");
    world.takes_writes(Side::Target);
    world.reckon(Side::Target);
}
