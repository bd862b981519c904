//! Create, Read, Update and Delete, and the previews of them.

use pulumi_testkit::{Harness, Lifecycle, Stored, map};
use pulumi_value::{PropertyMap, Value};
use tonic::Code;

use super::given::{Journal, NOTE, ROLLOUT, VAULT, a_note, a_specimen, number, odd, text};

/// Everything that a note can have, with secrets at every depth.
fn a_full_note() -> PropertyMap {
    map([
        ("title", "a".into()),
        ("body", Value::secret("hunter2 says")),
        ("priority", 3.into()),
        ("slot", "top".into()),
        ("password", "open sesame".into()),
        (
            "labels",
            Value::from([
                ("team", "pay".into()),
                ("owner", Value::secret("hidden owner")),
            ]),
        ),
        (
            "lines",
            vec![Value::from([
                ("text", Value::secret("a secret line")),
                ("weight", 0.5.into()),
            ])]
            .into(),
        ),
    ])
}

#[tokio::test]
async fn a_note_keeps_every_rule_from_its_check_to_its_end() {
    let specimen = a_specimen().await;
    let mut shorter = a_full_note();
    shorter.remove("labels");
    shorter.insert("body".to_owned(), "in the open now".into());

    let history = Lifecycle::of(&specimen.client, NOTE, "a", a_full_note())
        .updated(shorter)
        .run()
        .await;

    let [first, second] = history.as_slice() else {
        panic!("two versions: {history:?}")
    };
    assert!(
        first.inputs["password"].is_secret(),
        "secret by its type, though the program did not say so"
    );
    let labels = first.outputs["labels"].as_map().expect("an object");
    assert!(
        labels["owner"].is_secret() && !labels["team"].is_secret(),
        "no deeper and no wider than given"
    );
    assert_eq!(
        (
            number(&first.outputs, "revision"),
            number(&second.outputs, "revision")
        ),
        (1, 2)
    );
}

#[tokio::test]
async fn the_smallest_note_keeps_every_rule_too() {
    let specimen = a_specimen().await;

    Lifecycle::of(&specimen.client, NOTE, "a", a_note("a"))
        .run()
        .await;
}

#[tokio::test]
async fn a_rollout_keeps_every_rule_from_its_check_to_its_end() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());

    let life = Lifecycle::of(&specimen.client, ROLLOUT, "a", journal.rollout(2, 1));
    let history = life.updated(journal.rollout(4, 1)).run().await;

    assert_eq!(
        history
            .iter()
            .map(|stored| number(&stored.outputs, "done"))
            .collect::<Vec<_>>(),
        [2, 4]
    );
}

#[tokio::test]
async fn a_preview_changes_nothing() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");

    let promised = rollout
        .preview_create(&journal.rollout(3, 1))
        .await
        .expect("a preview");

    assert_eq!(number(&promised, "done"), 3);
    assert!(promised["operation"].is_unknown());
    assert!(
        std::fs::read_dir(journal.path())
            .expect("the folder is there")
            .next()
            .is_none()
    );
}

#[tokio::test]
async fn a_preview_with_an_unknown_promises_nothing_beyond_the_inputs() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let mut inputs = journal.rollout(3, 1);
    inputs.insert("target".to_owned(), Value::secret(Value::Unknown));

    let promised = rollout.preview_create(&inputs).await.expect("a preview");

    for key in ["operation", "rolled", "done", "total"] {
        assert!(promised[key].is_unknown(), "{key}");
    }
    assert_eq!(promised["steps"], 3.into());
    assert!(promised["target"].is_secret() && promised["target"].is_unknown());
}

#[tokio::test]
async fn what_is_declared_secret_is_so_even_where_it_is_unknown() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let inputs = vault
        .check(&PropertyMap::new())
        .await
        .expect("a check")
        .accepted();

    let promised = vault.preview_create(&inputs).await.expect("a preview");
    let stored = vault.create(&inputs).await.expect("a vault");

    assert!(promised["combination"].is_unknown() && promised["combination"].is_secret());
    assert!(stored.outputs["combination"].is_secret());
    assert!(!promised["address"].is_secret() && !stored.outputs["address"].is_secret());
}

#[tokio::test]
async fn a_secret_that_turns_up_again_in_an_output_is_a_secret_there() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let given = map([
        ("content", Value::secret("hunter2")),
        ("behaviour", "talks".into()),
    ]);
    let inputs = vault.check(&given).await.expect("a check").accepted();

    let promised = vault.preview_create(&inputs).await.expect("a preview");
    let stored = vault.create(&inputs).await.expect("a vault");

    assert_eq!(promised["copy"], Value::secret("hunter2"));
    assert_eq!(stored.outputs["copy"], Value::secret("hunter2"));
    assert!(
        stored.outputs["address"].is_secret(),
        "{:?}",
        stored.outputs
    );
}

#[tokio::test]
async fn a_secret_is_in_no_message_and_no_reason() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let inputs = async |behaviour: &str| {
        let given = map([
            ("content", Value::secret("hunter2")),
            ("behaviour", behaviour.into()),
        ]);
        vault.check(&given).await.expect("a check").accepted()
    };

    vault
        .preview_create(&inputs("well").await)
        .await
        .expect("a preview");
    let refused = vault
        .create(&inputs("fails").await)
        .await
        .expect_err("a vault that fails");
    assert_eq!(
        refused.message,
        "cannot keep `[secret]`\n  where: vault `[secret]`\n  next:  drop `[secret]`"
    );
    let stopped = vault
        .create(&inputs("stops").await)
        .await
        .expect_err("a vault that stops")
        .unfinished();
    assert_eq!(stopped.reasons, ["`[secret]` does not fit"]);

    let logs = odd.engine.logs();
    assert!(
        logs.iter().any(|line| line.message == "keeps `[secret]`"),
        "{logs:?}"
    );
    assert!(
        logs.iter().all(|line| !line.message.contains("hunter2")),
        "{logs:?}"
    );
}

#[tokio::test]
async fn a_panic_fails_one_call_and_quotes_nothing_that_the_program_passed_in() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let given = map([
        ("content", "in the open".into()),
        ("behaviour", "panics".into()),
    ]);
    let inputs = vault.check(&given).await.expect("a check").accepted();

    let failure = vault
        .create(&inputs)
        .await
        .expect_err("a vault that panics");

    assert_eq!(failure.code, Code::Internal);
    assert!(
        failure
            .message
            .starts_with("bug in the provider, please report it: at "),
        "{}",
        failure.message
    );
    assert!(failure.message.contains("given.rs:"), "{}", failure.message);
    assert!(
        !failure.message.contains("in the open"),
        "{}",
        failure.message
    );
    let inputs = vault
        .check(&PropertyMap::new())
        .await
        .expect("a check")
        .accepted();
    vault.create(&inputs).await.expect("the next one works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_panic_names_its_own_place_on_whatever_thread_it_happens() {
    let specimen = a_specimen().await;

    for round in 0..16 {
        let note = specimen.resource(NOTE, &format!("note-{round}"));
        let failure = note
            .create(&a_note("panic"))
            .await
            .expect_err("a note that panics");
        assert_eq!(failure.code, Code::Internal);
        assert!(
            failure.message.contains("a note that panics (at "),
            "{}",
            failure.message
        );
        assert!(failure.message.contains("note.rs:"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_resource_without_an_id_is_a_bug_and_not_a_resource() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let inputs = vault
        .check(&map([("behaviour", "nameless".into())]))
        .await
        .expect("a check")
        .accepted();

    let failure = vault.create(&inputs).await.expect_err("no id");

    assert_eq!(failure.code, Code::Internal);
    assert!(
        failure.message.contains("without an id"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_partial_state_of_two_hundred_kilobytes_arrives() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let inputs = vault
        .check(&map([("behaviour", "swells".into())]))
        .await
        .expect("a check")
        .accepted();

    let unfinished = vault
        .create(&inputs)
        .await
        .expect_err("too large")
        .unfinished();

    assert!(text(&unfinished.outputs, "address").len() > 200_000);
}

#[tokio::test]
async fn what_was_imported_by_its_id_needs_no_change() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    rollout
        .create(&journal.rollout(2, 10))
        .await
        .expect("a rollout");
    let note = specimen.resource(NOTE, "a");

    for (subject, id) in [(&note, "a".to_owned()), (&rollout, journal.id())] {
        let found = subject
            .import(&id)
            .await
            .expect("an import")
            .expect("it is there");
        assert_eq!(found.id, id);
        let checked = subject
            .check_again(&found.inputs, &found.inputs)
            .await
            .expect("a check")
            .accepted();
        assert_eq!(checked, found.inputs);
        assert!(
            subject
                .diff(&found, &checked)
                .await
                .expect("a difference")
                .is_none()
        );
        for (key, value) in &found.inputs {
            assert_eq!(found.outputs.get(key), Some(value));
        }
    }
}

#[tokio::test]
async fn what_is_gone_has_no_id_and_what_cannot_be_asked_is_an_error() {
    let specimen = a_specimen().await;
    let note = specimen.resource(NOTE, "a");
    let stored = note.create(&a_note("gone")).await.expect("a note");
    assert_eq!(note.read(&stored).await.expect("a refresh"), None);
    assert_eq!(note.import("gone").await.expect("an import"), None);

    let odd = Harness::configured(odd()).await;
    let refusal = odd
        .resource(VAULT, "a")
        .import("a")
        .await
        .expect_err("nobody answers");
    assert_eq!(refusal.code, Code::ResourceExhausted);
    assert!(refusal.message.contains("next:"), "{}", refusal.message);
}

#[tokio::test]
async fn drift_shows_on_what_the_program_set_and_nowhere_else() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let stored = rollout
        .create(&journal.rollout(2, 1))
        .await
        .expect("a rollout");
    let longer = rollout
        .update(&stored, &journal.rollout(3, 1))
        .await
        .expect("an update by somebody else");

    let found = rollout
        .read(&stored)
        .await
        .expect("a refresh")
        .expect("it is there");

    assert_eq!(found.inputs, stored.inputs);
    assert_eq!(found.outputs["total"], longer.outputs["total"]);
}

#[tokio::test]
async fn an_update_with_the_same_inputs_does_nothing_when_nothing_is_left_to_do() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let stored = rollout
        .create(&journal.rollout(2, 1))
        .await
        .expect("a rollout");
    let before = journal.events();

    let again = rollout
        .update(&stored, &stored.inputs)
        .await
        .expect("an update");

    assert_eq!(again, stored);
    assert_eq!(journal.events(), before);
}

#[tokio::test]
async fn what_is_gone_or_was_stored_only_in_part_can_be_deleted() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let partial = Stored {
        id: "a".to_owned(),
        inputs: map([("name", "a".into())]),
        outputs: PropertyMap::new(),
    };

    vault.delete(&partial).await.expect("the id suffices");
    vault.delete(&partial).await.expect("once more");

    assert!(
        odd.engine
            .logs()
            .iter()
            .any(|line| line.message == "`a` goes, by its id")
    );

    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let rollout = specimen.resource(ROLLOUT, "a");
    let stored = rollout
        .create(&journal.rollout(1, 1))
        .await
        .expect("a rollout");
    rollout.delete(&stored).await.expect("a deletion");
    rollout
        .delete(&stored)
        .await
        .expect("a deletion of what is gone");
    assert_eq!(rollout.read(&stored).await.expect("a refresh"), None);
}

#[tokio::test]
async fn a_change_of_what_is_not_known_is_refused() {
    let specimen = a_specimen().await;
    let note = specimen.resource(NOTE, "a");
    let stored = note.create(&a_note("a")).await.expect("a note");
    let unknown = map([("title", Value::Unknown)]);

    assert_eq!(
        note.create(&unknown).await.expect_err("no title").code,
        Code::Internal
    );
    assert_eq!(
        note.update(&stored, &unknown)
            .await
            .expect_err("no title")
            .code,
        Code::Internal
    );
}
