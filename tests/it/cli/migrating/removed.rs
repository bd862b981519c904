//! Stacks that are destroyed.

use cutover_core::validation::side::Side;
use serde_json::json;

use super::world::{SWITCH, World};

/// D48
#[test]
fn a_stack_that_is_destroyed_before_the_switch_leaves_nothing_behind() {
    let world = World::new();
    world.ask("switched", json!({ "switch": { "approved": false } }));
    world.stack.up().succeeds();
    assert_eq!(world.stored(SWITCH)["phase"], "held");
    world.takes_writes(Side::Source);

    world.stack.destroy().succeeds();

    for side in Side::BOTH {
        assert!(!world.has_control(side), "{side}");
        assert!(world.lets_write(side), "{side}");
    }
}

/// D48
#[test]
fn a_stack_is_not_destroyed_after_the_switch_until_the_migration_is_finalized() {
    let world = World::new();
    world.ask("switched", json!({}));
    world.stack.up().succeeds();
    world.takes_writes(Side::Target);

    world.stack.destroy().fails().says("CUT-316");

    assert!(world.stack.state().find(SWITCH).is_some());
    world.takes_writes(Side::Target);

    world.ask("finalized", json!({ "finalize": { "safetyPeriod": "0s" } }));
    world.stack.up().succeeds();
    world.stack.destroy().succeeds();

    assert_eq!(world.stack.state().names(), [""; 0]);
    world.takes_writes(Side::Target);
}
