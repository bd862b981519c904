//! SNS: topics, and what was sent to them.

use std::collections::BTreeMap;

use cutover_core::Timestamp;

use super::{AwsError, Cloud, Service};

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// Its attributes as AWS names them.
    pub attributes: BTreeMap<String, String>,
}

/// A message to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishInput {
    /// The topic's ARN.
    pub topic_arn: String,
    /// The subject.
    pub subject: Option<String>,
    /// The message.
    pub message: String,
    /// The group of a FIFO topic.
    pub group_id: Option<String>,
    /// What makes the same message sent twice count once, for a FIFO topic.
    pub deduplication_id: Option<String>,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub message_id: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub input: PublishInput,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sns {
    topics: BTreeMap<String, Topic>,
    sent: Vec<Sent>,
}

/// How the names of topics that keep order end.
const FIFO: &str = ".fifo";

/// The longest message, in bytes: AWS's limit.
const MESSAGE_MAX: usize = 262_144;

/// How long a FIFO topic knows a message again, in seconds: AWS's figure, five minutes.
const DEDUPLICATED_SECONDS: u64 = 300;

impl Cloud {
    /// SNS: makes a topic; returns its ARN. One whose name ends in `.fifo` keeps order.
    pub fn create_topic(&mut self, name: &str) -> String {
        let arn = format!(
            "arn:aws:sns:{}:{}:{name}",
            self.config.region, self.config.account
        );
        let fifo = name.ends_with(FIFO);
        let mut attributes = BTreeMap::from([
            ("TopicArn".to_owned(), arn.clone()),
            ("Owner".to_owned(), self.config.account.clone()),
        ]);
        if fifo {
            attributes.insert("FifoTopic".to_owned(), "true".to_owned());
        }
        let topic = Topic {
            arn: arn.clone(),
            attributes,
        };
        self.sns.topics.insert(arn.clone(), topic);
        arn
    }

    /// SNS: removes a topic.
    pub fn delete_topic(&mut self, arn: &str) {
        self.sns.topics.remove(arn);
    }

    /// SNS: reads a topic's attributes.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn get_topic_attributes(&mut self, now: Timestamp, arn: &str) -> Result<Topic, AwsError> {
        self.call(Service::Other, "GetTopicAttributes", arn, now, |cloud| {
            cloud.topic(arn).cloned()
        })
    }

    /// SNS: sends a message; returns its id.
    ///
    /// # Errors
    /// `NotFound` without the topic, `InvalidParameter` for a message that it does not take.
    pub fn publish(&mut self, now: Timestamp, input: &PublishInput) -> Result<String, AwsError> {
        self.call(Service::Other, "Publish", &input.topic_arn, now, |cloud| {
            let fifo = cloud.topic(&input.topic_arn)?.is_fifo();
            input.check(fifo)?;
            if let Some(sent) = cloud.sns.sent.iter().find(|sent| sent.is_again(input, now)) {
                return Ok(sent.message_id.clone());
            }
            let serial = cloud.next_serial();
            let message_id = format!("00000000-0000-4000-8000-{serial:012x}");
            cloud.sns.sent.push(Sent {
                message_id: message_id.clone(),
                at: now,
                input: input.clone(),
            });
            Ok(message_id)
        })
    }

    /// Returns everything that was sent, in its order.
    pub fn sent(&self) -> &[Sent] {
        &self.sns.sent
    }

    fn topic(&self, arn: &str) -> Result<&Topic, AwsError> {
        self.sns
            .topics
            .get(arn)
            .ok_or_else(|| AwsError::new("NotFound", 404, "Topic does not exist"))
    }
}

impl Topic {
    fn is_fifo(&self) -> bool {
        self.attributes
            .get("FifoTopic")
            .is_some_and(|fifo| fifo == "true")
    }
}

impl Sent {
    fn is_again(&self, input: &PublishInput, now: Timestamp) -> bool {
        input.deduplication_id.is_some()
            && self.input.topic_arn == input.topic_arn
            && self.input.deduplication_id == input.deduplication_id
            && now.since(self.at).as_secs() < DEDUPLICATED_SECONDS
    }
}

impl PublishInput {
    fn check(&self, fifo: bool) -> Result<(), AwsError> {
        let invalid = |what: &str| {
            let message = format!("Invalid parameter: {what}");
            Err(AwsError::bad("InvalidParameter", message))
        };
        if self.message.is_empty() {
            return invalid("Empty message");
        }
        if self.message.len() > MESSAGE_MAX {
            return invalid("Message too long");
        }
        if let Some(subject) = &self.subject {
            let printable = subject.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            if subject.is_empty() || subject.len() >= 100 || !printable {
                return invalid("Subject");
            }
        }
        match (fifo, &self.group_id, &self.deduplication_id) {
            (true, None, _) => invalid("The MessageGroupId parameter is required for FIFO topics"),
            (true, Some(_), None) => invalid(
                "The topic should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly",
            ),
            (false, _, Some(_)) => invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId \
                 parameter that is not valid for this topic type",
            ),
            _ => Ok(()),
        }
    }
}
