//! What users read when something is wrong, and what is left behind.

use super::pulumi::{Run, Stack};

#[test]
fn one_run_lists_everything_that_is_wrong_with_a_resource() {
    let stack = Stack::of("problems");
    stack.config("kind", "types of a resource");

    let run = stack.up().fails().hides("swordfish");

    for path in ["boddy", "title", "priority", "password", "lines[1].text"] {
        assert!(has_word(&run, path), "`{path}` is missing:\n{run}");
    }
    assert!(run.output().contains("did you mean `body`?"), "{run}");
    assert_eq!(stack.state().names(), [""; 0]);
}

#[test]
fn one_run_lists_everything_that_is_wrong_with_a_component() {
    let stack = Stack::of("problems");
    stack.config("kind", "types of a component");

    let preview = stack.preview().fails().hides("swordfish");
    let run = stack.up().fails().hides("swordfish");

    for path in ["lable", "label", "broken", "password"] {
        assert!(has_word(&preview, path), "`{path}` is missing:\n{preview}");
        assert!(has_word(&run, path), "`{path}` is missing:\n{run}");
    }
    // Not even the component itself was registered.
    assert_eq!(stack.state().names(), [""; 0]);
}

#[test]
fn a_value_of_the_right_type_can_be_wrong_too_and_is_not_printed_if_secret() {
    let stack = Stack::of("problems");

    let run = stack.config("kind", "values").up().fails().hides("Øx");

    for reason in ["must not be empty", "is too short"] {
        assert!(
            run.output().contains(reason),
            "`{reason}` is missing:\n{run}"
        );
    }
    assert_eq!(stack.state().names(), [""; 0]);
}

/// Tells whether a path stands in the output, and not only as a part of something else.
fn has_word(run: &Run, path: &str) -> bool {
    let output = run.output();
    let mut words = output.split(|end: char| end.is_whitespace() || end == '`');
    words.any(|word| word == path)
}

#[test]
fn a_failing_child_is_reported_once_and_ends_the_update() {
    let stack = Stack::of("failing");

    let run = stack.up().fails().says("take another one");

    let errors = run
        .messages()
        .into_iter()
        .filter(|(severity, ..)| severity == "error");
    let about = errors.filter(|(_, message, _)| message.contains("the bolt broke"));
    assert_eq!(about.count(), 1, "{run}");
    let names = stack.state().names();
    assert!(!names.contains(&"cabinet-bolt".to_owned()), "{names:?}");
    assert_eq!(
        stack
            .config("broken", "false")
            .up()
            .succeeds()
            .step("cabinet-bolt"),
        "create"
    );
    stack.preview().changes_nothing();
}

#[test]
fn with_continue_on_error_a_failing_child_costs_only_what_depends_on_it() {
    let stack = Stack::of("failing");

    let run = stack
        .pulumi(&["up", "--skip-preview", "--continue-on-error"])
        .fails();

    assert!(run.output().contains("the bolt broke"), "{run}");
    let state = stack.state();
    assert_eq!(state.names(), ["cabinet", "independent"]);
    // What could not be known is left out instead of being written down as unknown.
    let outputs = &state.resource("cabinet")["outputs"];
    assert!(outputs["serial"].is_null(), "{outputs:#}");
    assert_eq!(outputs["stack"], "dev");
    assert!(!state.0.to_string().contains("04da6b54"), "{:#}", state.0);

    stack.config("broken", "false").up().succeeds();
    assert_eq!(
        stack.state().resource("cabinet")["outputs"]["serial"],
        "bolt-oak"
    );
    stack.preview().changes_nothing();
}
