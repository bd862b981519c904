//! Check: what a program passed in, before anything happens.

use std::time::{Duration, Instant};

use pulumi_testkit::proto::check_request::AutonamingOptions;
use pulumi_testkit::proto::check_request::autonaming_options::Mode;
use pulumi_testkit::{Harness, map};
use pulumi_value::{PropertyMap, Value};

use super::given::{Journal, NOTE, ROLLOUT, VAULT, a_note, a_specimen, odd, text};

#[tokio::test]
async fn inputs_of_which_nothing_is_known_are_let_pass() {
    let specimen = a_specimen().await;
    let unknown = |keys: &[&str]| -> PropertyMap {
        keys.iter()
            .map(|key| ((*key).to_owned(), Value::Unknown))
            .collect()
    };
    let note = unknown(&[
        "title", "body", "priority", "slot", "password", "labels", "lines",
    ]);
    let rollout = unknown(&["target", "journal", "steps", "stepMilliseconds"]);

    for (token, inputs) in [(NOTE, note), (ROLLOUT, rollout)] {
        let checked = specimen
            .resource(token, "a")
            .check(&inputs)
            .await
            .expect("a check")
            .accepted();
        assert!(checked.values().all(Value::is_unknown), "{checked:?}");
        let outputs = specimen
            .resource(token, "a")
            .preview_create(&checked)
            .await
            .expect("a preview");
        assert!(outputs.values().all(Value::is_unknown), "{outputs:?}");
    }
}

#[tokio::test]
async fn a_check_takes_less_than_ten_milliseconds() {
    let specimen = a_specimen().await;
    let note = specimen.resource(NOTE, "a");
    note.check(&a_note("a"))
        .await
        .expect("the first one reads the types");
    let mut fastest = Duration::MAX;

    for _ in 0..10 {
        let began = Instant::now();
        note.check(&a_note("a")).await.expect("a check");
        fastest = fastest.min(began.elapsed());
    }

    assert!(fastest < Duration::from_millis(10), "{fastest:?}");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_with_its_place() {
    let specimen = a_specimen().await;
    let inputs = map([
        ("titel", "a".into()),
        ("priority", "high".into()),
        ("labels", Value::from([("a.b", 1.into())])),
        (
            "lines",
            vec![
                Value::from([("text", "x".into()), ("weigth", 1.into())]),
                Value::from([]),
            ]
            .into(),
        ),
    ]);

    let mut failures = specimen
        .resource(NOTE, "a")
        .check(&inputs)
        .await
        .expect("a check")
        .failures;
    failures.sort();

    let expected = [
        ("labels[\"a.b\"]", "must be a string, found a number"),
        (
            "lines[0].weigth",
            "is not a known property; did you mean `weight`?",
        ),
        ("lines[1].text", "is required but missing"),
        ("priority", "must be a whole number, found a string"),
        ("titel", "is not a known property; did you mean `title`?"),
        ("title", "is required but missing"),
    ];
    let expected = expected.map(|(path, reason)| (path.to_owned(), reason.to_owned()));
    assert_eq!(failures, expected);
}

#[tokio::test]
async fn what_the_types_cannot_say_is_checked_too() {
    let specimen = a_specimen().await;

    let failures = specimen
        .resource(NOTE, "a")
        .check(&a_note(""))
        .await
        .expect("a check")
        .failures;

    assert_eq!(
        failures,
        [("title".to_owned(), "must not be empty".to_owned())]
    );
}

#[tokio::test]
async fn a_problem_with_a_secret_does_not_show_it() {
    let specimen = a_specimen().await;
    let declared = map([("title", "a".into()), ("password", "pw1".into())]);
    let wrong_type = map([("title", "a".into()), ("password", 4711.into())]);
    let by_the_program = map([("title", "a".into()), ("priority", Value::secret("pw1"))]);
    let below = map([
        ("title", "a".into()),
        ("labels", Value::secret([("x", Value::from(4711))])),
    ]);

    for inputs in [declared, wrong_type, by_the_program, below] {
        let failures = specimen
            .resource(NOTE, "a")
            .check(&inputs)
            .await
            .expect("a check")
            .failures;
        let [(path, reason)] = failures.as_slice() else {
            panic!("one problem: {failures:?}")
        };
        assert_eq!(path, "", "the CLI prints the value beside the path");
        assert!(
            !reason.contains("pw1") && !reason.contains("4711"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn defaults_are_filled_in_and_everything_else_comes_back_as_it_was() {
    let (specimen, journal) = (a_specimen().await, Journal::empty());
    let mut given = journal.rollout(3, 1);
    given.remove("stepMilliseconds");
    given.insert("target".to_owned(), Value::secret("oak"));

    let checked = specimen
        .resource(ROLLOUT, "a")
        .check(&given)
        .await
        .expect("a check")
        .accepted();

    given.insert("stepMilliseconds".to_owned(), 10.into());
    assert_eq!(checked, given);
}

#[tokio::test]
async fn a_name_is_made_up_once_and_kept_until_the_resource_is_replaced() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a-vault-with-a-long-name");
    let nothing = PropertyMap::new();

    let first = vault.check(&nothing).await.expect("a check").accepted();
    let name = text(&first, "name");
    assert!(
        name.starts_with("a-vault-with-") && name.len() <= 20,
        "{name}"
    );

    let kept = vault
        .check_again(&map([("name", "kept".into())]), &nothing)
        .await
        .expect("a check")
        .accepted();
    assert_eq!(text(&kept, "name"), "kept");

    // A replacement comes without the old inputs.
    let fresh = vault
        .check_again(&nothing, &nothing)
        .await
        .expect("a check")
        .accepted();
    assert_ne!(text(&fresh, "name"), "kept");

    let hidden = vault
        .check_again(&map([("name", Value::secret("kept"))]), &nothing)
        .await;
    assert!(
        hidden.expect("a check").accepted()["name"].is_secret(),
        "a name that was secret stays so"
    );
}

#[tokio::test]
async fn the_projects_way_of_naming_is_followed() {
    let odd = Harness::configured(odd()).await;
    let vault = odd.resource(VAULT, "a");
    let check = async |given: &PropertyMap, mode: Mode| {
        let options = AutonamingOptions {
            proposed_name: "proposed".to_owned(),
            mode: mode.into(),
        };
        vault
            .check_named(&PropertyMap::new(), given, Some(options))
            .await
            .expect("a check")
    };

    for mode in [Mode::Propose, Mode::Enforce] {
        assert_eq!(
            text(&check(&PropertyMap::new(), mode).await.accepted(), "name"),
            "proposed"
        );
    }
    let failures = check(&PropertyMap::new(), Mode::Disable).await.failures;
    assert_eq!(failures[0].0, "name");
    assert_eq!(failures.len(), 1, "{failures:?}");
    let given = check(&map([("name", "mine".into())]), Mode::Disable)
        .await
        .accepted();
    assert_eq!(text(&given, "name"), "mine");
}

#[tokio::test]
async fn a_type_that_the_provider_does_not_have_is_refused() {
    let specimen = a_specimen().await;

    let refusal = specimen
        .resource("specimen:index:Nothing", "a")
        .check(&PropertyMap::new())
        .await;

    let refusal = refusal.expect_err("no such resource");
    assert!(
        refusal.message.contains("specimen:index:Nothing"),
        "{}",
        refusal.message
    );
}
