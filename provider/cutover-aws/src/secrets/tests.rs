use cutover_core::FailureClass;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, answering};

/// Something that must never be shown.
const SECRET: &str = r#"{"username":"reader","password":"open-sesame"}"#;

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pay-a1b2c3";

fn manager(status: u16, body: &Value) -> (AwsSecrets, Log) {
    let body = body.to_string().into_bytes();
    let (sdk, log) = answering(move |_| (status, body.clone()));
    (AwsSecrets::new(&sdk), log)
}

#[tokio::test]
async fn reads_the_text_of_a_secret_and_prints_it_nowhere() {
    let (secrets, log) = manager(200, &json!({ "ARN": ARN, "SecretString": SECRET }));

    let text = secrets.fetch(ARN).await.unwrap();

    assert_eq!(text.reveal(), SECRET);
    assert!(!format!("{text:?} {secrets:?}").contains("open-sesame"));
    let sent = &log.lock().unwrap()[0];
    assert_eq!(sent.operation, "GetSecretValue");
    assert_eq!(sent.json(), json!({ "SecretId": ARN }));
}

#[tokio::test]
async fn a_secret_that_is_missing_is_told_from_one_that_may_not_be_read() {
    for (code, class) in [
        ("ResourceNotFoundException", FailureClass::Refused),
        ("AccessDeniedException", FailureClass::Denied),
        ("DecryptionFailure", FailureClass::Refused),
        ("ThrottlingException", FailureClass::Throttled),
    ] {
        let (secrets, _) = manager(400, &json!({ "__type": code, "message": "no" }));

        let failure = secrets.fetch(ARN).await.unwrap_err();

        assert_eq!(failure.class, class, "{code}");
        assert_eq!(failure.action, "secretsmanager:GetSecretValue");
    }
}

#[tokio::test]
async fn a_secret_of_bytes_is_refused() {
    let (secrets, _) = manager(200, &json!({ "ARN": ARN, "SecretBinary": "b3Blbg==" }));

    let failure = secrets.fetch(ARN).await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_shows_nothing_of_the_secret() {
    let (sdk, _) = answering(|_| (200, b"{\"SecretString\":\"open-sesame".to_vec()));

    let failure = AwsSecrets::new(&sdk).fetch(ARN).await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Unknown);
    assert!(!failure.message.contains("open-sesame"), "{failure:?}");
}

#[tokio::test]
async fn sets_the_text_of_a_secret_and_prints_it_nowhere() {
    let (secrets, log) = manager(200, &json!({ "ARN": ARN, "VersionId": "v2" }));
    let text = Hidden::new(SECRET);

    assert_eq!(secrets.put(ARN, &text).await, Ok(()));

    assert!(!format!("{text:?} {secrets:?}").contains("open-sesame"));
    let sent = &log.lock().unwrap()[0];
    assert_eq!(sent.operation, "PutSecretValue");
    let mut asked = sent.json();
    // What makes the same call twice the same is made by the SDK.
    let token = asked.as_object_mut().unwrap().remove("ClientRequestToken");
    assert!(token.is_some());
    assert_eq!(asked, json!({ "SecretId": ARN, "SecretString": SECRET }));
}

#[tokio::test]
async fn a_secret_that_cannot_be_set_says_why_without_its_text() {
    for (code, class) in [
        ("ResourceNotFoundException", FailureClass::Refused),
        ("AccessDeniedException", FailureClass::Denied),
        ("EncryptionFailure", FailureClass::Refused),
        ("ThrottlingException", FailureClass::Throttled),
    ] {
        let (secrets, _) = manager(400, &json!({ "__type": code, "message": "no" }));

        let failure = secrets.put(ARN, &Hidden::new(SECRET)).await.unwrap_err();

        assert_eq!(failure.class, class, "{code}");
        assert_eq!(failure.action, "secretsmanager:PutSecretValue");
        assert!(!failure.message.contains("open-sesame"), "{failure:?}");
    }
}
