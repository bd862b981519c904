//! Tables of `DynamoDB` that hold the journals of listener rules.
//!
//! An item has the entry as text, and beside it, for people and for queries, its number, its shift, its moment and what
//! moves. What must be there for it to be written is a condition of the very call that writes it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client as Tables;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use cutover_core::Failure;
use cutover_core::shift::locks::{Expected, KEY, LockItem, LockPut, no_table};
use cutover_driver::{Answered, Applied, Locks};

use crate::failure::classify;
use crate::sdk::{Client, Sdk};

/// The attribute that holds the entry's text.
const JOURNAL: &str = "journal";

/// The attribute that holds what moves.
const MEMBERS: &str = "members";

/// The code of an error for a condition that does not hold.
const CONFLICT: &str = "ConditionalCheckFailedException";

/// The code of an error for a table that is not there.
const MISSING: &str = "ResourceNotFoundException";

/// The tables in the account and region of the configured credentials.
#[derive(Debug)]
pub struct AwsLocks {
    tables: Client<Tables>,
}

impl AwsLocks {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            tables: Client::new(sdk, |to| to.dynamodb.as_ref(), Tables::new),
        }
    }

    async fn get(&self, table: &str, id: &str) -> Result<Option<LockItem>, Failure> {
        let action = "dynamodb:GetItem";
        let call = self.tables.get(action).await?.get_item();
        let call = call.table_name(table).key(KEY, text(id));
        let answer = call.consistent_read(true).send().await;
        let answer = answer.map_err(|error| failed(action, table, &error))?;
        Ok(answer.item.as_ref().map(read))
    }

    async fn write(&self, put: &LockPut) -> Result<Applied, Failure> {
        let action = "dynamodb:PutItem";
        let call = self.tables.get(action).await?.put_item();
        let call = call.table_name(&put.table).set_item(Some(item(put)));
        let call = match &put.expected {
            Expected::Anything => call,
            Expected::Nothing => call
                .condition_expression("attribute_not_exists(#id)")
                .expression_attribute_names("#id", KEY),
            Expected::Journal(expected) => call
                .condition_expression("#journal = :journal")
                .expression_attribute_names("#journal", JOURNAL)
                .expression_attribute_values(":journal", text(expected)),
        };
        let answer = call.send().await;
        applied(action, &put.table, &put.id, answer.map(|_| ()))
    }

    async fn remove(&self, table: &str, id: &str, expected: &str) -> Result<Applied, Failure> {
        let action = "dynamodb:DeleteItem";
        let call = self.tables.get(action).await?.delete_item();
        let answer = call
            .table_name(table)
            .key(KEY, text(id))
            .condition_expression("attribute_not_exists(#id) OR #journal = :journal")
            .expression_attribute_names("#id", KEY)
            .expression_attribute_names("#journal", JOURNAL)
            .expression_attribute_values(":journal", text(expected))
            .send()
            .await;
        applied(action, table, id, answer.map(|_| ()))
    }
}

impl Locks for AwsLocks {
    fn fetch<'a>(&'a self, table: &'a str, id: &'a str) -> Answered<'a, Option<LockItem>> {
        Box::pin(self.get(table, id))
    }

    fn put<'a>(&'a self, put: &'a LockPut) -> Answered<'a, Applied> {
        Box::pin(self.write(put))
    }

    fn delete<'a>(
        &'a self,
        table: &'a str,
        id: &'a str,
        expected: &'a str,
    ) -> Answered<'a, Applied> {
        Box::pin(self.remove(table, id, expected))
    }
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn item(put: &LockPut) -> HashMap<String, AttributeValue> {
    let entry = &put.entry;
    let members = put.members.iter().map(text).collect();
    [
        (KEY, text(&put.id)),
        (JOURNAL, text(entry.encode())),
        ("seq", AttributeValue::N(entry.seq.to_string())),
        ("shift", text(&entry.shift)),
        ("at", text(entry.at.to_utc())),
        (MEMBERS, AttributeValue::L(members)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Reads an item. One without an entry has an empty one, which nobody takes for the absence of an item.
fn read(item: &HashMap<String, AttributeValue>) -> LockItem {
    let texts = |value: &AttributeValue| value.as_s().ok().cloned();
    let members = item.get(MEMBERS).and_then(|value| value.as_l().ok());
    LockItem {
        journal: item.get(JOURNAL).and_then(texts).unwrap_or_default(),
        members: members.into_iter().flatten().filter_map(texts).collect(),
    }
}

type Answer<E> = Result<(), SdkError<E, HttpResponse>>;

fn applied<E>(
    action: &'static str,
    table: &str,
    id: &str,
    answer: Answer<E>,
) -> Result<Applied, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(()) => Ok(Applied::Accepted { id: id.to_owned() }),
        Err(error) if error.code() == Some(CONFLICT) => Ok(Applied::Conflict {
            message: "the item is not as expected".to_owned(),
        }),
        Err(error) => Err(failed(action, table, &error)),
    }
}

fn failed<E>(action: &'static str, table: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if error.code() == Some(MISSING) {
        return Failure::refused(action, no_table(table));
    }
    classify(action, error)
}
