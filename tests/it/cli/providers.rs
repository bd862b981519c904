//! Where a component's children get their providers from, and how providers are configured.

use super::pulumi::Stack;

#[test]
fn explicit_providers_reach_every_child_whichever_way_they_are_given() {
    for way in ["list", "map", "single", "inherited"] {
        let stack = Stack::of("providers");
        stack
            .config("way", way)
            .config_path("pulumi:disable-default-providers[0]", "*");

        stack.up().succeeds();

        let state = stack.state();
        assert_eq!(state.provider("cabinet-bolt"), "my-parts", "{way}");
        assert_eq!(state.provider("cabinet-note"), "my-specimen", "{way}");
        // The children were made by providers with the given configuration, too.
        assert_eq!(state.outputs()["serial"], "acme-oak", "{way}");
        for package in ["specimen", "parts"] {
            assert_eq!(state.providers(package).len(), 1, "{way}");
        }
        stack.preview().changes_nothing();
    }
}

#[test]
fn without_a_provider_of_their_own_the_children_share_the_default_one_of_the_pinned_version() {
    let stack = Stack::of("providers");
    stack
        .config("way", "default")
        .config("specimen:attempts", "3")
        .config("specimen:strict", "true")
        .config_path("specimen:labels.team", "payments")
        .config("parts:maker", "acme");

    stack.up().succeeds();

    let state = stack.state();
    assert_eq!(state.provider("cabinet-note"), state.provider("note"));
    let specimen = &state.providers("specimen")[&state.provider("note")];
    assert_eq!(specimen["version"], "0.1.0");
    // The engine hands numbers and objects over as text; they stay as the user wrote them.
    assert_eq!(specimen["attempts"], "3");
    assert_eq!(specimen["labels"], r#"{"team":"payments"}"#);
    assert_eq!(
        state.providers("parts")[&state.provider("cabinet-bolt")]["version"],
        "0.1.0"
    );
    assert_eq!(state.outputs()["serial"], "acme-oak");
    stack.preview().changes_nothing();
}

#[test]
fn a_wrong_configuration_is_refused_in_the_preview_with_the_path_to_the_mistake() {
    let stack = Stack::of("providers");
    stack
        .config("way", "default")
        .config("specimen:attempts", "99")
        .config("specimen:strict", "perhaps")
        .config("specimen:regoin", "here")
        .config_path("specimen:lock.colour", "red");

    let preview = stack.preview().fails();

    for path in [
        "attempts",
        "strict",
        "regoin",
        "lock.combination",
        "lock.colour",
    ] {
        assert!(
            preview.output().contains(path),
            "`{path}` is missing:\n{preview}"
        );
    }
    assert_eq!(stack.state().names(), [""; 0]);

    let explicit = Stack::of("providers");
    explicit
        .config("way", "list")
        .config("attempts", "99")
        .preview()
        .fails()
        .says("attempts");
}

#[test]
fn missing_configuration_is_explained_with_the_command_that_sets_it() {
    let stack = Stack::of("providers").env("SPECIMEN_DEMANDS_OWNER", "1");
    stack.config("way", "default");

    stack
        .preview()
        .fails()
        .says("owner")
        .says("Who owns the specimens")
        .says("pulumi config set specimen:owner");
}
