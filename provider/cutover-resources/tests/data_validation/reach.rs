//! How databases are reached: secrets, variables, certificates, and what cannot be had.

use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::Side;
use serde_json::{Value as Json, json};

use crate::given::{Given, PASSWORD, given, inputs};

/// A certificate as far as anyone looks at it here.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/// Creates with another source, and returns the address that was opened for it.
async fn source_of(given: &Given, source: Json) -> String {
    let mut inputs = inputs(json!({}));
    inputs["source"] = source;
    given.checked_and_created(&inputs).await.expect("it runs");
    let opened = given.opened();
    let source = opened.iter().find(|line| line.starts_with("source "));
    source.expect("the source was opened").clone()
}

/// Creates with another source, and returns what it says when that fails with nothing left behind.
async fn refusal(given: &Given, source: Json) -> String {
    let mut inputs = inputs(json!({}));
    inputs["source"] = source;
    let failure = given
        .checked_and_created(&inputs)
        .await
        .expect_err("it fails");
    assert!(failure.init_failed.is_none(), "{failure:?}");
    failure.message
}

fn secret(text: &str) -> Json {
    json!({ "engine": "postgres", "secretArn": text })
}

#[tokio::test]
async fn a_secret_of_rds_is_a_whole_address() {
    let given = given().await;

    let opened = source_of(&given, secret("rds")).await;

    assert_eq!(opened, "source kept@db.internal:6432/shop kept-password 3");
}

#[tokio::test]
async fn what_the_program_gives_goes_before_the_secret() {
    let given = given().await;
    let mut source = secret("rds");
    source["host"] = json!("localhost");
    source["port"] = json!(15432);
    source["user"] = json!("me");
    source["password"] = json!("mine");

    let opened = source_of(&given, source).await;

    assert_eq!(opened, "source me@localhost:15432/shop mine 3");
}

#[tokio::test]
async fn a_password_comes_from_the_variable_that_the_program_names() {
    let given = given().await;
    let mut source = inputs(json!({}))["source"].clone();
    source["password"] = Json::Null;
    source["passwordEnv"] = json!("SHOP_PASSWORD");

    let opened = source_of(&given, source).await;

    assert_eq!(
        opened,
        "source reader@old.internal:5432/shop from-outside 3"
    );
}

#[tokio::test]
async fn what_a_connection_lacks_is_told_without_what_it_has() {
    let given = given().await;

    let missing = refusal(&given, secret("nobody")).await;
    assert!(
        missing.starts_with(
            "CUT-219: the secret of the source cannot be read: `secretsmanager:GetSecretValue`"
        ),
        "{missing}"
    );

    let plain = refusal(&given, secret("plain")).await;
    assert!(plain.contains("`plain` is not JSON"), "{plain}");
    assert!(!plain.contains("just-a-password"), "{plain}");

    let part = refusal(&given, secret("part")).await;
    assert!(part.contains("names the host"), "{part}");

    let mut source = inputs(json!({}))["source"].clone();
    source["password"] = Json::Null;
    source["passwordEnv"] = json!("NOT_SET");
    let unset = refusal(&given, source).await;
    assert!(unset.contains("CUT-219"), "{unset}");
    assert!(
        unset.contains("`NOT_SET` of `passwordEnv` is not set"),
        "{unset}"
    );
    assert_eq!(given.opened(), [] as [String; 0]);
}

#[tokio::test]
async fn certificates_are_read_from_a_file() {
    let given = given().await;
    let file = given.file("ca.pem");
    let mut source = inputs(json!({}))["source"].clone();
    source["tls"] = json!({ "caFile": file });

    let missing = refusal(&given, source.clone()).await;
    assert!(missing.contains("CUT-219"), "{missing}");
    assert!(missing.contains("cannot be read"), "{missing}");

    std::fs::write(&file, "nothing of the kind").expect("it is written");
    let other = refusal(&given, source.clone()).await;
    assert!(other.contains("holds no certificate"), "{other}");

    std::fs::write(&file, CERTIFICATE).expect("it is written");
    source_of(&given, source).await;
    assert_eq!(
        given.authorities(Side::Source).as_deref(),
        Some(CERTIFICATE)
    );
}

#[tokio::test]
async fn each_way_in_which_a_database_cannot_be_reached_has_its_code_and_advice() {
    for (class, code, advice) in [
        (DbFailureClass::Unreachable, "CUT-210", "security groups"),
        (DbFailureClass::Untrusted, "CUT-211", "tls.caFile"),
        (DbFailureClass::NoTls, "CUT-212", "tls.mode"),
        (DbFailureClass::Login, "CUT-213", "user and password"),
        (
            DbFailureClass::NoDatabase,
            "CUT-214",
            "name of the database",
        ),
        (DbFailureClass::Unsupported, "CUT-217", "versions"),
    ] {
        let given = given().await;
        given.refuses(Side::Target, class);

        let failure = given
            .checked_and_created(&inputs(json!({})))
            .await
            .expect_err("it fails");

        let message = &failure.message;
        assert!(
            message.starts_with(&format!("{code}: the target failed at")),
            "{message}"
        );
        assert!(message.contains(advice), "{message}");
        assert!(!message.contains(PASSWORD), "{message}");
        assert!(failure.init_failed.is_none(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told_before_anything_is_read() {
    let given = given().await;
    let path = given.file("nowhere/report.json");

    let failure = given
        .checked_and_created(&inputs(json!({ "reportFile": path })))
        .await
        .expect_err("it fails");

    assert!(failure.message.starts_with("CUT-233"), "{failure}");
    assert_eq!(given.opened(), [] as [String; 0]);
}

#[tokio::test]
async fn a_preview_reaches_nothing_and_says_what_would_be_read() {
    let given = given().await;
    let subject = given.validation();
    let inputs = given
        .checked(&inputs(json!({ "tables": ["payments"] })))
        .await;

    let outputs = subject.preview_create(&inputs).await.expect("a preview");

    assert_eq!(given.opened(), [] as [String; 0]);
    assert!(outputs["verdict"].contains_unknown(), "{outputs:?}");
    given.said(
        "compares PostgreSQL `shop` on `old.internal` with PostgreSQL `shop` on `new.internal`",
    );
    given.said("reads all rows of payments; looks at schemas, orphans, declared checks");
}
