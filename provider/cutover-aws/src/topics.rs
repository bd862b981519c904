//! Topics of Amazon SNS.

#[cfg(test)]
mod tests;

use aws_sdk_sns::error::ProvideErrorMetadata as _;
use cutover_core::Failure;
use cutover_driver::{Answered, Message, Topics};

use crate::failure::classify;
use crate::sdk::{Client, Sdk};

/// How the names of topics that keep the order of their messages end. Source: docs/FIGURES.md, "SNS".
const ORDERED: &str = ".fifo";

/// The group whose messages stay in order on such a topic: ours; there is one, so that nothing overtakes.
const GROUP: &str = "cutover";

/// The topics of the configured region.
#[derive(Debug)]
pub struct AwsTopics {
    sns: Client<aws_sdk_sns::Client>,
}

impl AwsTopics {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            sns: Client::new(sdk, |to| to.sns.as_ref(), aws_sdk_sns::Client::new),
        }
    }

    async fn send(&self, topic_arn: &str, message: &Message) -> Result<(), Failure> {
        let action = "sns:Publish";
        let call = self.sns.get(action).await?.publish();
        let mut call = call
            .topic_arn(topic_arn)
            .subject(&message.subject)
            .message(&message.body);
        if topic_arn.ends_with(ORDERED) {
            call = call
                .message_group_id(GROUP)
                .message_deduplication_id(&message.key);
        }
        let answer = call.send().await;
        answer.map(|_| ()).map_err(|error| classify(action, &error))
    }

    /// Finds out whether the topic exists. Whether these credentials may send to it only sending would tell.
    async fn look(&self, topic_arn: &str) -> Result<bool, Failure> {
        let action = "sns:GetTopicAttributes";
        let call = self.sns.get(action).await?.get_topic_attributes();
        match call.topic_arn(topic_arn).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("NotFound") => Ok(false),
            Err(error) => Err(classify(action, &error)),
        }
    }
}

impl Topics for AwsTopics {
    fn publish<'a>(&'a self, topic_arn: &'a str, message: &'a Message) -> Answered<'a, ()> {
        Box::pin(self.send(topic_arn, message))
    }

    fn fetch<'a>(&'a self, topic_arn: &'a str) -> Answered<'a, bool> {
        Box::pin(self.look(topic_arn))
    }
}
