//! Functions and methods.

use pulumi_testkit::{map, until, urn};
use pulumi_value::{ResourceReference, Value};
use tonic::Code;

use super::given::{a_specimen, text};

const JOIN: &str = "specimen:index:join";
const DESCRIBE: &str = "specimen:index:Cabinet/describe";

fn words(words: &[&str]) -> Value {
    words
        .iter()
        .map(|word| Value::from(*word))
        .collect::<Vec<_>>()
        .into()
}

#[tokio::test]
async fn a_function_answers_and_keeps_secrets() {
    let specimen = a_specimen().await;

    let answer = specimen
        .client
        .invoke(JOIN, &map([("words", words(&["a", "b"]))]), false)
        .await;
    let answer = answer.expect("an answer").answer.expect("a known one");
    assert_eq!(answer["text"], "a b".into());

    let secret = map([("words", vec![Value::from("a"), Value::secret("b")].into())]);
    let answer = specimen
        .client
        .invoke(JOIN, &secret, false)
        .await
        .expect("an answer")
        .answer
        .expect("a known one");
    assert_eq!(answer["text"], Value::secret("a b"));
}

#[tokio::test]
async fn wrong_arguments_are_told_in_the_answer() {
    let specimen = a_specimen().await;

    let empty = specimen
        .client
        .invoke(JOIN, &map([("words", words(&[]))]), false)
        .await
        .expect("an answer");
    assert_eq!(
        empty.failures,
        [("words".to_owned(), "must not be empty".to_owned())]
    );

    let wrong = map([("word", words(&["a"])), ("separator", 1.into())]);
    let wrong = specimen
        .client
        .invoke(JOIN, &wrong, true)
        .await
        .expect("an answer");
    assert_eq!(wrong.failures.len(), 3, "{wrong:?}");
}

#[tokio::test]
async fn an_argument_that_is_missing_in_a_preview_may_be_unknown() {
    let specimen = a_specimen().await;
    let incomplete = map([("separator", "-".into())]);

    let preview = specimen
        .client
        .invoke(JOIN, &incomplete, true)
        .await
        .expect("an answer");
    assert_eq!((preview.answer, preview.failures), (None, vec![]));

    let real = specimen
        .client
        .invoke(JOIN, &incomplete, false)
        .await
        .expect("an answer");
    assert_eq!(
        real.failures,
        [("words".to_owned(), "is required but missing".to_owned())]
    );
}

#[tokio::test]
async fn an_unknown_inside_an_argument_leaves_the_answer_open() {
    let specimen = a_specimen().await;
    let args = map([("words", vec![Value::from("a"), Value::Unknown].into())]);

    let answer = specimen
        .client
        .invoke(JOIN, &args, true)
        .await
        .expect("an answer");

    assert_eq!((answer.answer, answer.failures), (None, vec![]));
}

#[tokio::test]
async fn a_function_that_hangs_ends_with_the_run() {
    let specimen = a_specimen().await;
    let client = specimen.client.clone();
    let call =
        tokio::spawn(async move { client.invoke("specimen:index:stall", &map([]), false).await });
    // It hangs; others are answered meanwhile.
    specimen
        .client
        .invoke(JOIN, &map([("words", words(&["a"]))]), false)
        .await
        .expect("an answer");

    until("the function to end", || {
        let client = specimen.client.clone();
        // Cancelling again does nothing new, so it does not matter whether the function has been reached yet.
        tokio::spawn(async move { client.cancel().await });
        call.is_finished().then_some(())
    })
    .await;

    let refusal = call
        .await
        .expect("the call does not panic")
        .expect_err("it was cancelled");
    assert_eq!(refusal.code, Code::Cancelled);
}

#[tokio::test]
async fn a_function_or_method_that_there_is_not_is_refused() {
    let specimen = a_specimen().await;
    let this = ResourceReference {
        urn: urn("specimen:index:Cabinet", "a"),
        id: None,
        package_version: None,
    };

    let function = specimen
        .client
        .invoke("specimen:index:jion", &map([]), false)
        .await
        .expect_err("no function");
    let method = specimen
        .client
        .call("specimen:index:Cabinet/shout", &this, &map([]), &[], false)
        .await;

    assert!(
        function.message.contains("specimen:index:jion"),
        "{}",
        function.message
    );
    assert!(method.expect_err("no method").message.contains("shout"));
}

#[tokio::test]
async fn a_method_answers_with_what_its_arguments_carry() {
    let specimen = a_specimen().await;
    let this = ResourceReference {
        urn: urn("specimen:index:Cabinet", "oak"),
        id: None,
        package_version: None,
    };
    let (bolt, note) = (
        urn("parts:index:Bolt", "bolt"),
        urn("specimen:index:Note", "note"),
    );

    let plain = map([("greeting", "hello".into())]);
    let called = specimen
        .client
        .call(DESCRIBE, &this, &plain, &[("greeting", &bolt)], false)
        .await
        .expect("an answer");
    assert_eq!(text(&called.answer, "text"), "hello from oak");
    assert!(called.answer["text"].all_dependencies().contains(&bolt));
    assert!(!called.answer["text"].is_secret());

    let secret = Value::annotated("hello".into(), true, [note.clone()].into());
    let called = specimen
        .client
        .call(DESCRIBE, &this, &map([("greeting", secret)]), &[], false)
        .await;
    let answer = called.expect("an answer").answer;
    assert!(answer["text"].is_secret());
    assert!(answer["text"].all_dependencies().contains(&note));
}

#[tokio::test]
async fn a_method_leaves_open_what_depends_on_an_unknown() {
    let specimen = a_specimen().await;
    let this = ResourceReference {
        urn: urn("specimen:index:Cabinet", "oak"),
        id: None,
        package_version: None,
    };
    let bolt = urn("parts:index:Bolt", "bolt");
    let unknown = Value::annotated(Value::Unknown, false, [bolt.clone()].into());

    let called = specimen
        .client
        .call(DESCRIBE, &this, &map([("greeting", unknown)]), &[], true)
        .await;

    let answer = called.expect("an answer").answer;
    assert!(answer["text"].is_unknown());
    assert!(answer["text"].all_dependencies().contains(&bolt));
}

#[tokio::test]
async fn a_methods_wrong_arguments_are_told_in_the_answer() {
    let specimen = a_specimen().await;
    let this = ResourceReference {
        urn: urn("specimen:index:Cabinet", "oak"),
        id: None,
        package_version: None,
    };

    let called = specimen
        .client
        .call(DESCRIBE, &this, &map([("greting", "a".into())]), &[], false)
        .await;

    assert_eq!(called.expect("an answer").failures.len(), 2);
}
