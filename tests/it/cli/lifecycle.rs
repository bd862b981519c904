//! The life of a program's resources, from the first preview to the end.

use serde_json::{Value, json};

use super::pulumi::{Run, Stack, text};

/// What stands for an unknown value wherever the engine carries one (Pulumi v3.245, `sdk/go/common/resource/plugin`).
const UNKNOWN: &str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

#[test]
fn a_program_lives_from_its_first_preview_to_its_end() {
    let stack = Stack::of("lifecycle");

    let preview = stack.preview().succeeds();
    for resource in ["cabinet", "cabinet-bolt", "cabinet-note", "note"] {
        assert_eq!(preview.step(resource), "create");
    }

    keeps_its_promises(&preview, &stack.up().succeeds());

    stack.preview().changes_nothing();
    stack.up().changes_nothing();
    stack
        .pulumi(&["refresh", "--skip-preview", "--expect-no-changes"])
        .changes_nothing();

    let preview = stack.config("body", "recounted").preview().succeeds();
    let update = stack.up().succeeds();
    keeps_its_promises(&preview, &update);
    assert_eq!(update.changes()["update"], 1);
    assert_eq!(update.step("note"), "update");
    // Nothing that the note needs was unknown any more.
    assert_eq!(preview.outputs("note")["revision"], 2);
    assert_eq!(preview.changed("note"), ["body"]);

    let replace = stack.config("slot", "bottom").up().succeeds();
    let note: Vec<_> = replace
        .steps()
        .into_iter()
        .filter(|(_, name)| name == "note")
        .collect();
    let operations: Vec<_> = note
        .iter()
        .map(|(operation, _)| operation.as_str())
        .collect();
    assert_eq!(
        operations,
        ["create-replacement", "replace", "delete-replaced"]
    );
    assert_eq!(stack.state().resource("note")["outputs"]["revision"], 1);
    stack.preview().changes_nothing();

    let destroy = stack.destroy().succeeds();
    let order: Vec<_> = destroy.steps().into_iter().map(|(_, name)| name).collect();
    let place = |name| order.iter().position(|step| step == name);
    assert!(place("note") < place("cabinet-bolt"), "{order:?}");
    assert!(place("cabinet-note") < place("cabinet-bolt"), "{order:?}");
    assert!(place("cabinet-bolt") < place("cabinet"), "{order:?}");
    assert_eq!(stack.state().resources().len(), 0);
}

/// Demands that every value that a preview has shown is the one that came of it.
fn keeps_its_promises(preview: &Run, run: &Run) {
    for resource in ["cabinet", "cabinet-bolt", "cabinet-note", "note"] {
        let (promised, real) = (preview.outputs(resource), run.outputs(resource));
        for (key, value) in promised.as_object().expect("outputs are an object") {
            // A reference to what does not exist yet has an empty id.
            let known = !value.to_string().contains(UNKNOWN) && value["id"] != "";
            if known {
                assert_eq!(
                    *value, real[key],
                    "`{key}` of `{resource}` was promised otherwise"
                );
            }
        }
    }
}

#[test]
fn the_state_says_what_a_component_offers_and_what_depends_on_what() {
    let stack = Stack::of("lifecycle");
    stack.up().succeeds();

    let state = stack.state();
    let (cabinet, bolt) = (state.resource("cabinet"), state.urn("cabinet-bolt"));

    let outputs = &cabinet["outputs"];
    assert_eq!(outputs["boltId"], "bolt-oak");
    assert_eq!(outputs["serial"], "bolt-oak");
    assert_eq!(outputs["stack"], "dev");
    assert_eq!(
        outputs["digest"],
        state.resource("cabinet-note")["outputs"]["digest"]
    );
    assert_eq!(outputs["bolt"]["urn"], bolt.as_str());
    assert_eq!(outputs["bolt"]["id"], "bolt-oak");
    // What the program sees of them: a reference has become a resource whose outputs the engine looked up.
    assert_eq!(state.outputs()["serial"], "bolt-oak");
    assert_eq!(state.outputs()["described"], "hello from cabinet");
    assert_eq!(state.outputs()["joined"], "a b");

    let child = state.resource("cabinet-note");
    assert_eq!(child["parent"], cabinet["urn"]);
    assert_eq!(child["dependencies"], json!([bolt]));
    assert_eq!(dependencies(child, "body"), [bolt.as_str()]);
    assert_eq!(dependencies(child, "title"), [""; 0]);
    // A resource of the program depends on the child that its input came from.
    let note = state.resource("note");
    assert!(dependencies(note, "body").contains(&bolt), "{note:#}");

    for child in ["cabinet-bolt", "cabinet-note"] {
        assert_eq!(state.resource(child)["custom"], true);
    }
    assert_eq!(state.provider("cabinet-note"), state.provider("note"));
    assert_eq!(state.providers("specimen").len(), 1);
    assert_eq!(state.providers("parts").len(), 1);
    let pinned = &state.providers("parts")[&state.provider("cabinet-bolt")];
    assert_eq!(pinned["version"], "0.1.0");
}

fn dependencies(resource: &Value, property: &str) -> Vec<String> {
    let urns = resource["propertyDependencies"][property].as_array();
    urns.into_iter().flatten().map(text).collect()
}

#[test]
fn a_preview_with_nothing_known_shows_every_child() {
    let stack = Stack::of("unknown");

    let preview = stack.preview().succeeds();

    for resource in [
        "first",
        "cabinet",
        "cabinet-bolt",
        "cabinet-note",
        "shelf-bolt-1",
        "last",
    ] {
        assert_eq!(preview.step(resource), "create");
    }
    stack.up().succeeds();
    stack.preview().changes_nothing();
    assert!(
        stack
            .finds(UNKNOWN)
            .iter()
            .all(|file| file.ends_with("events"))
    );
}

#[test]
fn what_exists_is_imported_by_its_id_without_a_difference() {
    let stack = Stack::of("imported");

    let import = stack.up().succeeds();
    assert_eq!(import.step("adopted"), "import");
    stack.preview().changes_nothing();

    stack
        .config("missing", "gone")
        .up()
        .fails()
        .says("does not exist");
    stack.pulumi(&["config", "rm", "missing"]).succeeds();

    let arguments = [
        "import",
        // The language host in use cannot generate programs.
        "--generate-code=false",
        "parts:index:Bolt",
        "found",
        "bolt-7",
        "--protect=false",
    ];
    stack.pulumi(&arguments).succeeds();
    assert_eq!(
        stack.state().resource("found")["outputs"]["serial"],
        "bolt-7"
    );
    stack.config("found", "true").preview().changes_nothing();
}
