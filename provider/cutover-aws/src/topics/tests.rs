use cutover_core::FailureClass;

use super::*;
use crate::testing::{Log, answering};

fn sns(status: u16, body: String) -> (AwsTopics, Log) {
    let (sdk, log) = answering(move |_| (status, body.clone().into_bytes()));
    (AwsTopics::new(&sdk), log)
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"
    )
}

fn message() -> Message {
    Message {
        subject: "Step 2".to_owned(),
        body: "{}".to_owned(),
        key: "k1".to_owned(),
    }
}

async fn sent_to(topic: &str) -> String {
    let body = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
    let (topics, log) = sns(200, body.to_owned());
    topics.publish(topic, &message()).await.unwrap();
    let sent = log.lock().unwrap();
    assert_eq!(sent.len(), 1);
    sent[0].text()
}

#[tokio::test]
async fn sends_subject_and_message() {
    assert_eq!(
        sent_to("arn:aws:sns:eu-central-1:123456789012:ops").await,
        "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A123456789012%3Aops\
         &Message=%7B%7D&Subject=Step%202"
    );
}

#[tokio::test]
async fn ordered_topics_get_a_group_and_a_key_against_repeats() {
    let sent = sent_to("arn:aws:sns:eu-central-1:123456789012:ops.fifo").await;

    assert!(
        sent.ends_with("&MessageDeduplicationId=k1&MessageGroupId=cutover"),
        "{sent}"
    );
}

/// F57
#[tokio::test]
async fn failures_to_send_are_told_apart() {
    for (status, code, class) in [
        (500, "InternalError", FailureClass::Unknown),
        (404, "NotFound", FailureClass::Refused),
        (400, "KMSAccessDenied", FailureClass::Denied),
        (403, "AuthorizationError", FailureClass::Denied),
        (400, "KMSThrottling", FailureClass::Throttled),
    ] {
        let (topics, _) = sns(status, error(code));

        let failure = topics.publish("arn:t", &message()).await.unwrap_err();

        assert_eq!(
            (failure.class, failure.action),
            (class, "sns:Publish"),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_topic_is_looked_at_without_sending() {
    let body =
        "<GetTopicAttributesResponse><GetTopicAttributesResult/></GetTopicAttributesResponse>";
    let (there, log) = sns(200, body.to_owned());
    assert_eq!(there.fetch("arn:t").await, Ok(true));
    assert!(
        log.lock().unwrap()[0]
            .text()
            .starts_with("Action=GetTopicAttributes&")
    );

    let (gone, _) = sns(404, error("NotFound"));
    assert_eq!(gone.fetch("arn:t").await, Ok(false));

    let (hidden, _) = sns(403, error("AuthorizationError"));
    assert_eq!(
        hidden.fetch("arn:t").await.unwrap_err().class,
        FailureClass::Denied
    );
}
