//! The provider's own configuration.

use pulumi_specimen::specimen;
use pulumi_testkit::{Checked, Client, Harness, map};
use pulumi_value::{PropertyMap, Value};
use tonic::Code;

use super::given::{NOTE, a_note};

async fn a_provider() -> Harness<pulumi_specimen::Config> {
    Harness::start(specimen(|_| None)).await
}

async fn check(client: &Client, news: PropertyMap) -> Checked {
    client
        .check_config(news)
        .await
        .expect("CheckConfig tells problems in its answer")
}

#[tokio::test]
async fn what_is_the_engines_own_comes_back_untouched() {
    let provider = a_provider().await;
    let news = map([
        ("version", "0.1.0".into()),
        ("pluginDownloadURL", "https://example.com".into()),
    ]);

    let checked = check(&provider.client, news.clone()).await.accepted();

    for (key, value) in news {
        assert_eq!(checked.get(&key), Some(&value));
    }
}

#[tokio::test]
async fn every_type_is_read_as_itself_and_as_text_and_comes_back_as_it_was_written() {
    let provider = a_provider().await;
    let natural = map([
        ("attempts", 3.into()),
        ("strict", true.into()),
        ("labels", Value::from([("team", "pay".into())])),
    ]);
    let texts = map([
        ("attempts", "3".into()),
        ("strict", "true".into()),
        ("labels", r#"{"team":"pay"}"#.into()),
    ]);

    for news in [natural.clone(), texts.clone()] {
        let checked = check(&provider.client, news.clone()).await.accepted();
        for (key, value) in &news {
            assert_eq!(checked.get(key), Some(value));
        }
        provider
            .client
            .configure(checked)
            .await
            .expect("a configuration that fits");
    }
    let difference = provider
        .client
        .diff_config(&natural, &texts)
        .await
        .expect("a difference");
    assert!(
        difference.is_none(),
        "the same in other words: {difference:?}"
    );
}

#[tokio::test]
async fn a_key_that_is_not_known_is_refused_with_the_one_that_was_meant() {
    let provider = a_provider().await;

    let checked = check(&provider.client, map([("regoin", "eu".into())])).await;

    assert_eq!(
        checked.failures,
        [(
            "regoin".to_owned(),
            "is not a known property; did you mean `region`?".to_owned()
        )]
    );
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let provider = a_provider().await;
    let news = map([
        ("attempts", "many".into()),
        ("region", "far away".into()),
        ("strict", 1.into()),
        ("colour", "red".into()),
    ]);

    let failures = check(&provider.client, news).await.failures;

    let paths: Vec<_> = failures.iter().map(|(path, _)| path.as_str()).collect();
    for path in ["attempts", "strict", "colour"] {
        assert!(paths.contains(&path), "{path} is missing in {failures:?}");
    }
}

#[tokio::test]
async fn what_is_unknown_in_a_preview_is_let_pass() {
    let provider = a_provider().await;
    let keys = [
        "region", "token", "account", "attempts", "strict", "labels", "lock", "owner",
    ];
    let news: PropertyMap = keys
        .iter()
        .map(|key| ((*key).to_owned(), Value::Unknown))
        .collect();

    let checked = check(&provider.client, news.clone()).await.accepted();

    for key in keys {
        assert!(checked[key].is_unknown(), "{key}");
    }
}

#[tokio::test]
async fn secrets_are_marked_wherever_they_are() {
    let provider = a_provider().await;
    let plain = map([
        ("token", "hunter2".into()),
        ("lock", Value::from([("combination", "left right".into())])),
    ]);
    let text = map([("lock", r#"{"combination":"left right"}"#.into())]);

    let checked = check(&provider.client, plain).await.accepted();
    assert!(checked["token"].is_secret());
    let lock = checked["lock"].as_map().expect("an object");
    assert!(lock["combination"].is_secret());

    // Of a text only the whole can be secret.
    let checked = check(&provider.client, text).await.accepted();
    assert!(checked["lock"].is_secret());
    provider
        .client
        .configure(checked)
        .await
        .expect("a configuration that fits");
}

#[tokio::test]
async fn a_problem_with_a_secret_does_not_show_it() {
    let provider = a_provider().await;
    let news = map([
        ("token", 4711.into()),
        ("lock", r#"{"combination": 4711}"#.into()),
    ]);

    let failures = check(&provider.client, news.clone()).await.failures;

    assert_eq!(failures.len(), 2, "{failures:?}");
    for (path, reason) in &failures {
        assert_eq!(path, "", "the CLI prints the value beside the path");
        assert!(!reason.contains("4711"), "{reason}");
    }
    let refusal = provider
        .client
        .configure(news)
        .await
        .expect_err("a configuration that does not fit");
    assert!(!refusal.message.contains("4711"), "{}", refusal.message);
}

#[tokio::test]
async fn what_is_not_given_is_taken_from_the_environment_and_kept() {
    let variable = |name: &str| (name == "SPECIMEN_REGION").then(|| "eu".to_owned());
    let provider = Harness::start(specimen(variable)).await;

    let checked = check(&provider.client, PropertyMap::new()).await.accepted();
    assert_eq!(checked["region"], Value::from("eu"));

    let checked = check(&provider.client, map([("region", "us".into())]))
        .await
        .accepted();
    assert_eq!(checked["region"], Value::from("us"), "what is given counts");
}

#[tokio::test]
async fn only_what_makes_old_resources_unreachable_replaces_the_provider() {
    let provider = a_provider().await;
    let olds = map([
        ("account", "1".into()),
        ("token", "hunter2".into()),
        ("region", "eu".into()),
    ]);
    let with = |key: &str, value: Value| {
        let mut news = olds.clone();
        news.insert(key.to_owned(), value);
        news
    };
    let replaces = async |news: PropertyMap| {
        let difference = provider
            .client
            .diff_config(&olds, &news)
            .await
            .expect("a difference");
        assert!(!difference.is_none());
        !difference.replaces.is_empty()
    };

    assert!(replaces(with("account", "2".into())).await);
    assert!(!replaces(with("token", "hunter3".into())).await);
    assert!(!replaces(with("region", "us".into())).await);
    assert!(
        !replaces(with("account", Value::Unknown)).await,
        "it may turn out to be the same"
    );
    assert!(
        provider
            .client
            .diff_config(&olds, &olds)
            .await
            .expect("a difference")
            .is_none()
    );
}

#[tokio::test]
async fn a_wrong_configuration_is_refused_with_every_problem() {
    let provider = a_provider().await;

    let refusal = provider
        .client
        .configure(map([("attempts", 11.into()), ("strict", "maybe".into())]))
        .await;

    let refusal = refusal.expect_err("a configuration that does not fit");
    assert_eq!(refusal.code, Code::InvalidArgument);
    assert!(
        refusal.message.contains("attempts") && refusal.message.contains("strict"),
        "{}",
        refusal.message
    );
}

#[tokio::test]
async fn resources_wait_for_the_configuration() {
    let provider = a_provider().await;

    let refusal = provider
        .client
        .resource(NOTE, "a")
        .create(&a_note("a"))
        .await
        .expect_err("not configured");

    assert_eq!(refusal.code, Code::FailedPrecondition);
    assert!(
        refusal.message.contains("not configured"),
        "{}",
        refusal.message
    );
}
