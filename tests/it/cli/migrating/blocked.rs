//! Databases that are not the same.

use cutover_core::validation::side::Side;
use serde_json::json;

use super::world::{BEFORE, SWITCH, World};

#[test]
fn a_row_that_differs_keeps_the_writer_where_it_is_until_it_is_mended() {
    let world = World::new();
    world.ask("replicating", json!({}));
    world.stack.up().succeeds();
    world.meddle(
        Side::Target,
        "UPDATE payments SET amount = amount + 1 WHERE id = 77",
    );
    world.ask("switched", json!({}));

    let run = world.stack.up().fails();

    run.says("CUT-230").says("`payments`: 1 different rows");
    assert!(world.stack.state().find(SWITCH).is_none());
    assert_eq!(world.stored(BEFORE)["verdict"], "mismatched");
    world.takes_writes(Side::Source);

    world.meddle(
        Side::Target,
        "UPDATE payments SET amount = amount - 1 WHERE id = 77",
    );
    world.stack.up().succeeds();

    assert_eq!(world.stored(SWITCH)["phase"], "switched");
    world.takes_writes(Side::Target);
}
