//! The plugin as a process.

use std::time::{Duration, Instant};

use pulumi_testkit::{FakeEngine, Plugin, PluginCommand, until};
use pulumi_value::PropertyMap;

use super::given::{Journal, NOTE, ROLLOUT, a_note};

fn a_plugin() -> PluginCommand {
    PluginCommand::new(env!("CARGO_BIN_EXE_pulumi-resource-specimen"))
}

async fn a_configured_plugin(engine: &FakeEngine) -> Plugin {
    let plugin = a_plugin().engine(engine).start().await;
    configure(&plugin, engine).await;
    plugin
}

async fn configure(plugin: &Plugin, engine: &FakeEngine) {
    plugin
        .client
        .handshake(engine.address())
        .await
        .expect("a handshake");
    plugin
        .client
        .configure(PropertyMap::new())
        .await
        .expect("a configuration");
}

#[tokio::test]
async fn its_port_is_all_that_it_writes_to_standard_output() {
    let engine = FakeEngine::start();
    let mut plugin = a_configured_plugin(&engine).await;
    let note = plugin.client.resource(NOTE, "a");
    note.create(&a_note("a")).await.expect("a note");
    note.create(&a_note("panic"))
        .await
        .expect_err("a note that panics");

    plugin.signal("TERM").await;
    assert!(plugin.ended(Duration::from_secs(5)).await.success());

    let port = plugin
        .address()
        .rsplit(':')
        .next()
        .expect("an address has a port")
        .to_owned();
    assert_eq!(plugin.stdout(), format!("{port}\n"));
}

#[tokio::test]
async fn it_is_ready_within_three_hundred_milliseconds() {
    let engine = FakeEngine::start();
    let mut fastest = Duration::MAX;
    // Other work on the machine may slow one start down, not all of them.
    for _ in 0..5 {
        let began = Instant::now();
        let plugin = a_plugin().engine(&engine).start().await;
        plugin
            .client
            .handshake(engine.address())
            .await
            .expect("a handshake");
        fastest = fastest.min(began.elapsed());
    }

    assert!(fastest < Duration::from_millis(300), "{fastest:?}");
}

#[tokio::test]
async fn flags_that_it_does_not_know_are_skipped() {
    let engine = FakeEngine::start();
    let plugin = a_plugin()
        .arg("--logtostderr")
        .arg("-v=9")
        .arg("--tracing")
        .arg("file:x")
        .arg("--brand-new=1");

    let plugin = plugin.engine(&engine).start().await;
    configure(&plugin, &engine).await;

    // The address was found behind them: what is said arrives.
    let journal = Journal::empty();
    plugin
        .client
        .resource(ROLLOUT, "a")
        .create(&journal.rollout(1, 1))
        .await
        .expect("a rollout");
    assert!(!engine.logs().is_empty());
}

#[tokio::test]
async fn a_handshake_and_a_configuration_promise_the_same() {
    let engine = FakeEngine::start();
    let plugin = a_plugin().engine(&engine).start().await;

    let early = plugin
        .client
        .handshake(engine.address())
        .await
        .expect("a handshake");
    let late = plugin
        .client
        .configure(PropertyMap::new())
        .await
        .expect("a configuration");

    assert!(early.accept_secrets && late.accept_secrets);
    assert!(early.accept_resources && late.accept_resources);
    assert!(early.accept_outputs && late.accept_outputs);
    assert!(early.supports_autonaming_configuration && late.supports_autonaming_configuration);
    assert!(
        late.supports_preview,
        "an engine takes it for granted after a handshake"
    );
}

#[tokio::test]
async fn a_cancel_is_answered_at_once_whenever_it_comes() {
    let engine = FakeEngine::start();
    let mut rounds = vec![];
    // Other work on the machine may slow one round down, not all of them.
    for _ in 0..3 {
        let plugin = a_plugin().engine(&engine).start().await;
        let twice = async || {
            let began = Instant::now();
            plugin.client.cancel().await.expect("a cancel");
            let first = began.elapsed();
            plugin.client.cancel().await.expect("another one");
            first.max(began.elapsed().saturating_sub(first))
        };
        let before = twice().await;
        configure(&plugin, &engine).await;
        rounds.push(before.max(twice().await));
    }

    assert!(
        rounds
            .iter()
            .any(|slowest| *slowest < Duration::from_millis(50)),
        "{rounds:?}"
    );
}

#[tokio::test]
async fn an_idle_process_ends_within_a_second_of_a_signal() {
    for signal in ["INT", "TERM"] {
        let engine = FakeEngine::start();
        let mut plugin = a_configured_plugin(&engine).await;
        plugin.client.cancel().await.expect("the end of every run");

        plugin.signal(signal).await;

        assert!(
            plugin.ended(Duration::from_secs(1)).await.success(),
            "{signal}"
        );
    }
}

#[tokio::test]
async fn a_process_that_is_told_to_end_answers_what_it_is_doing() {
    let (engine, journal) = (FakeEngine::start(), Journal::empty());
    let mut plugin = a_configured_plugin(&engine).await;
    let (rollout, inputs) = (
        plugin.client.resource(ROLLOUT, "a"),
        journal.rollout(1000, 5),
    );
    let creation = tokio::spawn(async move { rollout.create(&inputs).await });
    journal.reaches(2).await;

    plugin.signal("INT").await;

    let unfinished = creation
        .await
        .expect("the call does not panic")
        .expect_err("it was interrupted")
        .unfinished();
    assert_eq!(unfinished.id, journal.id());
    assert!(plugin.ended(Duration::from_secs(2)).await.success());
}

#[tokio::test]
async fn engines_attach_to_a_process_that_was_started_by_hand_one_after_another() {
    let plugin = a_plugin().start().await;
    let journal = Journal::empty();

    for run in 0..3 {
        let engine = FakeEngine::start();
        plugin.client.handshake("").await.expect("a handshake");
        plugin
            .client
            .attach(engine.address())
            .await
            .expect("an engine attaches");
        plugin
            .client
            .configure(PropertyMap::new())
            .await
            .expect("a configuration");
        let rollout = plugin.client.resource(ROLLOUT, "a");
        let inputs = journal.rollout(2, 1);
        if run == 0 {
            rollout.preview_create(&inputs).await.expect("a preview");
        } else {
            rollout
                .create(&inputs)
                .await
                .expect("a rollout, the second time adopted");
            assert!(
                !engine.logs().is_empty(),
                "the messages go to the engine of this run"
            );
        }
        plugin.client.cancel().await.expect("the end of the run");
    }
    assert_eq!(journal.begun(), 1);
}

#[tokio::test]
async fn an_operation_whose_engine_was_killed_comes_to_a_safe_point_and_the_process_ends() {
    let (engine, journal) = (FakeEngine::start(), Journal::empty());
    let mut plugin = a_configured_plugin(&engine).await;
    let engines_own = plugin.another_client().await;
    let (rollout, inputs) = (
        engines_own.resource(ROLLOUT, "a"),
        journal.rollout(1000, 20),
    );
    let creation = tokio::spawn(async move { rollout.create(&inputs).await });
    journal.reaches(2).await;

    // What the end of its process does: its ports close, its connections break, and so does the pipe.
    engine.vanish();
    creation.abort();
    drop(engines_own);
    plugin.close_stdin();

    assert!(plugin.ended(Duration::from_secs(15)).await.success());
    let done = journal.steps();
    assert!(done < 100, "it went on for {done} steps");
    assert_eq!(journal.done(), done, "the record and what was done agree");
    assert!(!plugin.stderr().contains("panicked"), "{}", plugin.stderr());
}

#[tokio::test]
async fn an_idle_process_ends_when_its_engine_has_gone() {
    let engine = FakeEngine::start();
    let mut plugin = a_configured_plugin(&engine).await;

    engine.vanish();
    plugin.close_stdin();

    assert!(plugin.ended(Duration::from_secs(15)).await.success());
}

#[tokio::test]
async fn the_end_of_standard_input_alone_ends_nothing_while_the_engine_answers() {
    let engine = FakeEngine::start();
    let mut plugin = a_configured_plugin(&engine).await;

    plugin.close_stdin();
    until("the plugin to ask whether its engine is there", || {
        (engine.health_checks() > 0).then_some(())
    })
    .await;

    plugin
        .client
        .resource(NOTE, "a")
        .create(&a_note("a"))
        .await
        .expect("it works as before");
    assert!(plugin.is_running());
}

#[tokio::test]
async fn a_creation_that_was_killed_is_adopted_by_the_next_one() {
    let (engine, journal) = (FakeEngine::start(), Journal::empty());
    let mut killed = a_configured_plugin(&engine).await;
    let (rollout, inputs) = (killed.client.resource(ROLLOUT, "a"), journal.rollout(40, 5));
    let doomed = inputs.clone();
    let creation = tokio::spawn(async move { rollout.create(&doomed).await });
    journal.reaches(3).await;
    killed.kill().await;
    let failure = creation
        .await
        .expect("the call does not panic")
        .expect_err("nobody is left to answer");
    assert!(
        failure.init_failed.is_none(),
        "the engine knows nothing of it"
    );

    let next = a_configured_plugin(&engine).await;
    let stored = next
        .client
        .resource(ROLLOUT, "a")
        .create(&inputs)
        .await
        .expect("the same rollout");

    assert_eq!(stored.id, journal.id());
    assert_eq!(
        (journal.begun(), journal.steps()),
        (1, 40),
        "nothing was done twice"
    );
}

#[tokio::test]
async fn configuration_that_it_cannot_do_without_is_named() {
    let engine = FakeEngine::start();
    let plugin = a_plugin()
        .env("SPECIMEN_DEMANDS_OWNER", "1")
        .engine(&engine)
        .start()
        .await;
    plugin
        .client
        .handshake(engine.address())
        .await
        .expect("a handshake");

    let failure = plugin
        .client
        .configure(PropertyMap::new())
        .await
        .expect_err("no owner is given");

    let keys: Vec<_> = failure
        .missing_keys
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(keys, ["specimen:owner"]);
    assert_eq!(failure.missing_keys[0].1, "Who owns the specimens.");
}

#[tokio::test]
async fn everything_that_needs_no_configuration_works_before_it() {
    let plugin = a_plugin().start().await;

    let version = plugin.client.plugin_version().await.expect("a version");
    let schema = plugin.client.schema().await.expect("a schema");

    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(schema["version"], version.as_str());
    plugin
        .client
        .check_config(PropertyMap::new())
        .await
        .expect("a check")
        .accepted();
    plugin
        .client
        .resource(NOTE, "a")
        .check(&a_note("a"))
        .await
        .expect("a check")
        .accepted();
    plugin.client.cancel().await.expect("a cancel");
}
