use serde_json::{Value, json};

use super::*;
use crate::testing::{Log, Sent, answering};

/// Something that must never be shown.
const SECRET: &str = "open-sesame";

fn ssm(answer: impl Fn(&Value) -> (u16, Value) + Send + Sync + 'static) -> (AwsParameters, Log) {
    let (sdk, log) = answering(move |sent| {
        let (status, body) = answer(&sent.json());
        (status, body.to_string().into_bytes())
    });
    (AwsParameters::new(&sdk), log)
}

fn error(code: &str, message: &str) -> (u16, Value) {
    (400, json!({ "__type": code, "message": message }))
}

#[tokio::test]
async fn reads_a_parameter_and_has_it_decrypted() {
    let (parameters, log) = ssm(|_| {
        let parameter = json!({ "Name": "/p", "Type": "SecureString", "Value": SECRET });
        (200, json!({ "Parameter": parameter }))
    });

    assert_eq!(parameters.fetch("/p").await, Ok(Some(SECRET.to_owned())));
    let sent = &log.lock().unwrap()[0];
    assert_eq!(sent.operation, "GetParameter");
    assert_eq!(sent.json(), json!({ "Name": "/p", "WithDecryption": true }));
    assert!(!format!("{parameters:?}").contains(SECRET));
}

/// F59
#[tokio::test]
async fn a_missing_parameter_is_told_from_one_that_cannot_be_read() {
    let (missing, _) = ssm(|_| error("ParameterNotFound", ""));
    assert_eq!(missing.fetch("/p").await, Ok(None));

    let (denied, _) = ssm(|_| error("AccessDeniedException", "no"));
    let failure = denied.fetch("/p").await.unwrap_err();
    assert_eq!(
        (failure.class, failure.action),
        (FailureClass::Denied, "ssm:GetParameter")
    );

    let (empty, _) = ssm(|_| (200, json!({})));
    assert_eq!(
        empty.fetch("/p").await.unwrap_err().class,
        FailureClass::Refused
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_shows_no_value() {
    let (sdk, _) = answering(|_| {
        (
            200,
            format!("{{\"Parameter\":{{\"Value\":{SECRET}").into_bytes(),
        )
    });

    let failure = AwsParameters::new(&sdk).fetch("/p").await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Unknown);
    assert!(!failure.message.contains(SECRET), "{failure:?}");
}

#[tokio::test]
async fn a_parameter_that_is_there_keeps_its_type() {
    let (parameters, log) = ssm(|_| (200, json!({ "Version": 2 })));

    assert_eq!(parameters.put("/p", "closed").await, Ok(()));
    let sent: Vec<_> = log.lock().unwrap().iter().map(Sent::json).collect();
    assert_eq!(
        sent,
        [json!({ "Name": "/p", "Value": "closed", "Overwrite": true })]
    );
}

#[tokio::test]
async fn a_parameter_that_is_not_there_is_made_a_text() {
    let (parameters, log) = ssm(|sent| match sent.get("Type") {
        Some(_) => (200, json!({ "Version": 1 })),
        None => error(
            "ValidationException",
            "A parameter type is required when you create a parameter.",
        ),
    });

    assert_eq!(parameters.put("/p", "closed").await, Ok(()));
    let sent: Vec<_> = log
        .lock()
        .unwrap()
        .iter()
        .map(|sent| sent.json()["Type"].clone())
        .collect();
    assert_eq!(sent, [Value::Null, json!("String")]);
}

#[tokio::test]
async fn a_value_that_is_refused_is_not_repeated() {
    let (parameters, _) = ssm(|sent| match sent.get("Type") {
        Some(_) => error("HierarchyTypeMismatchException", "m"),
        None => error(
            "ValidationException",
            &format!("Value '{SECRET}' at 'value' is too long"),
        ),
    });

    let failure = parameters.put("/p", SECRET).await.unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
    assert_eq!(failure.message, "the value was refused");
}
