//! SNS.

use cutover_sim::cloud::{Cloud, PublishInput};
use serde::Serialize;

use super::{Call, Operation, Service};
use crate::answer::Answer;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

pub(super) const SERVICE: Service = Service {
    scope: "sns",
    protocol: Protocol::Query,
    namespace: NAMESPACE,
    version: "2010-03-31",
    operations: &[
        Operation {
            name: "Publish",
            serve: publish,
        },
        Operation {
            name: "GetTopicAttributes",
            serve: get_topic_attributes,
        },
    ],
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Published {
    message_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TopicAttributes {
    attributes: Attributes,
}

#[derive(Serialize)]
struct Attributes {
    entry: Vec<Attribute>,
}

#[derive(Serialize)]
struct Attribute {
    key: String,
    value: String,
}

fn publish(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let text = |name| call.parameters.text(name).map(str::to_owned);
    let input = PublishInput {
        topic_arn: call.parameters.required("TopicArn")?.to_owned(),
        subject: text("Subject"),
        message: call.parameters.required("Message")?.to_owned(),
        group_id: text("MessageGroupId"),
        deduplication_id: text("MessageDeduplicationId"),
    };
    let message_id = cloud.publish(call.now, &input)?;
    Ok(call.answer_query("Publish", NAMESPACE, &Published { message_id }))
}

fn get_topic_attributes(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let arn = call.parameters.required("TopicArn")?;
    let topic = cloud.get_topic_attributes(call.now, arn)?;
    let entry = topic
        .attributes
        .into_iter()
        .map(|(key, value)| Attribute { key, value })
        .collect();
    let attributes = TopicAttributes {
        attributes: Attributes { entry },
    };
    Ok(call.answer_query("GetTopicAttributes", NAMESPACE, &attributes))
}
