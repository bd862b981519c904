//! What the engine's options do to a component and its children.

use super::pulumi::Stack;

#[test]
fn a_component_can_be_moved_and_renamed_without_replacing_anything() {
    let stack = Stack::of("options");
    stack.up().succeeds();

    let moved = stack.config("story", "moved").up().succeeds();
    let created = moved
        .steps()
        .into_iter()
        .filter(|(operation, _)| operation == "create");
    assert_eq!(created.map(|(_, name)| name).collect::<Vec<_>>(), ["group"]);
    assert_eq!(moved.changes().get("replace"), None);
    assert_eq!(moved.changes().get("delete"), None);
    let state = stack.state();
    assert_eq!(
        state.resource("cabinet")["parent"],
        state.urn("group").as_str()
    );
    assert_eq!(
        state.resource("cabinet-bolt")["parent"],
        state.urn("cabinet").as_str()
    );

    let stack = Stack::of("options");
    stack.up().succeeds();
    stack.config("story", "renamed").up().changes_nothing();
    let names = stack.state().names();
    assert_eq!(
        names,
        ["after", "beside", "closet", "closet-bolt", "closet-note"]
    );
}

#[test]
fn protection_and_retention_of_a_component_hold_for_its_children() {
    let stack = Stack::of("options");
    stack.config("story", "protected").up().succeeds();

    let state = stack.state();
    for resource in ["cabinet", "cabinet-bolt", "cabinet-note"] {
        assert_eq!(state.resource(resource)["protect"], true, "{resource}");
        assert_eq!(
            state.resource(resource)["retainOnDelete"],
            true,
            "{resource}"
        );
    }
    assert!(state.resource("beside")["protect"].is_null());
    stack.destroy().fails().says("protected");
    assert_eq!(
        stack.state().names(),
        ["cabinet", "cabinet-bolt", "cabinet-note"]
    );

    stack.config("story", "plain").up().succeeds();
    stack.destroy().succeeds();
    assert_eq!(stack.state().names(), [""; 0]);
}

#[test]
fn a_targeted_update_leaves_the_rest_out_and_nothing_unknown_in_the_state() {
    let stack = Stack::of("options");
    let preview = stack.preview().succeeds();
    let urn = |name: &str| preview.urn(name);

    for target in ["beside", "cabinet"] {
        stack
            .pulumi(&["up", "--skip-preview", "--target", &urn(target)])
            .succeeds();
    }

    let state = stack.state();
    assert_eq!(state.names(), ["beside", "cabinet"]);
    assert!(!state.0.to_string().contains("04da6b54"), "{:#}", state.0);
    assert!(state.resource("cabinet")["outputs"]["serial"].is_null());
    stack.up().succeeds();
    assert_eq!(
        stack.state().resource("cabinet")["outputs"]["serial"],
        "bolt-oak"
    );
    stack.preview().changes_nothing();
}

#[test]
fn refresh_and_destroy_work_while_the_program_runs() {
    let stack = Stack::of("options");
    stack.up().succeeds();

    stack
        .pulumi(&["refresh", "--skip-preview", "--run-program"])
        .changes_nothing();
    assert_eq!(stack.state().names().len(), 5);
    stack
        .pulumi(&["destroy", "--skip-preview", "--run-program"])
        .succeeds();

    assert_eq!(stack.state().names(), [""; 0]);
}

#[test]
fn the_time_limits_of_a_component_reach_its_long_running_child() {
    let stack = Stack::of("options");
    let journal = stack.folder("journal");
    let journal = journal.to_str().expect("temporary paths are text");

    stack
        .config("story", "patient")
        .config("journal", journal)
        .up()
        .succeeds();

    let state = stack.state();
    for resource in ["cabinet", "cabinet-rollout"] {
        let timeouts = &state.resource(resource)["customTimeouts"];
        // In seconds.
        assert_eq!(timeouts["create"], 2700, "{resource}");
        assert_eq!(timeouts["update"], 5400, "{resource}");
    }
    // The note comes first although no input of the rollout says so.
    let note = state.urn("cabinet-note");
    let dependencies = &state.resource("cabinet-rollout")["dependencies"];
    assert!(dependencies.to_string().contains(&note), "{dependencies}");
    stack.preview().changes_nothing();
    stack.destroy().succeeds();
}

#[test]
fn the_transforms_of_a_component_change_it_and_its_children() {
    let stack = Stack::of("options");

    stack.config("story", "transformed").up().succeeds();

    let state = stack.state();
    assert_eq!(state.resource("cabinet-note")["inputs"]["priority"], 7);
    assert!(state.resource("beside")["inputs"]["priority"].is_null());
    assert_eq!(state.resource("cabinet")["inputs"]["label"], "walnut");
    assert_eq!(state.resource("cabinet-bolt")["inputs"]["label"], "walnut");
    stack.preview().changes_nothing();
}

#[test]
fn twenty_components_with_a_hundred_children_do_not_block_one_another() {
    let stack = Stack::of("shelves");

    let run = stack
        .pulumi(&["up", "--skip-preview", "--parallel", "4"])
        .succeeds();

    assert_eq!(run.changes()["create"], 121);
    assert_eq!(stack.state().outputs()["bolts"], 100);
}
