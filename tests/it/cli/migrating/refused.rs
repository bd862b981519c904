//! What cannot be begun.

use cutover_core::validation::side::Side;
use serde_json::json;

use super::world::{NOWHERE, REPLICATION, World};

#[test]
fn a_wrong_password_is_told_by_its_side_and_nothing_is_written_anywhere() {
    const WRONG: &str = "not-the-word-at-all";
    let world = World::new();
    world.ask("replicating", json!({}));
    world.stack.secret("password", WRONG);
    let writes = world.writes();

    let run = world.stack.up().fails();

    run.says("CUT-213")
        .says("the source")
        .says("check user and password");
    assert_eq!(world.stack.finds(WRONG), NOWHERE);
    assert!(world.stack.state().find(REPLICATION).is_none());
    assert_eq!(world.writes(), writes);
    for side in Side::BOTH {
        assert!(!world.has_control(side), "{side}");
        assert!(world.lets_write(side), "{side}");
    }
}

#[test]
fn two_writers_are_refused_in_the_preview() {
    let world = World::new();
    world.ask("switched", json!({ "placement": "partitionedWriters" }));

    world.stack.preview().fails().says("CUT-301");
}
