//! The port of fences in tables.

use cutover_core::Failure;
use cutover_core::shift::locks::{Expected, KEY, LockItem, LockPut, no_table};
use cutover_driver::{Applied, Locks};

use super::super::{Attribute, AwsError, Condition, Item, PutItem};
use super::{Answered, SimTraffic};

/// The attribute that holds the entry.
const JOURNAL: &str = "journal";

impl Locks for SimTraffic {
    fn fetch<'a>(&'a self, table: &'a str, id: &'a str) -> Answered<'a, Option<LockItem>> {
        Box::pin(async move {
            let answer = self
                .call("GetItem", |cloud, now| cloud.get_item(now, table, &key(id)))
                .await;
            let item = answer.map_err(failed("dynamodb:GetItem", table))?;
            Ok(item.map(|item| LockItem {
                journal: text(item.get(JOURNAL)),
                members: match item.get("members") {
                    Some(Attribute::List(members)) => {
                        members.iter().map(|member| text(Some(member))).collect()
                    }
                    _ => Vec::new(),
                },
            }))
        })
    }

    fn put<'a>(&'a self, put: &'a LockPut) -> Answered<'a, Applied> {
        Box::pin(async move {
            let condition = match &put.expected {
                Expected::Anything => None,
                Expected::Nothing => Some(Condition::Lacks(KEY.to_owned())),
                Expected::Journal(text) => Some(is(text)),
            };
            let members = put.members.iter().cloned().map(Attribute::Text);
            let entry = &put.entry;
            let item = Item::from(
                [
                    (KEY, Attribute::Text(put.id.clone())),
                    (JOURNAL, Attribute::Text(entry.encode())),
                    ("seq", Attribute::Number(entry.seq.to_string())),
                    ("shift", Attribute::Text(entry.shift.clone())),
                    ("at", Attribute::Text(entry.at.to_utc())),
                    ("members", Attribute::List(members.collect())),
                ]
                .map(|(name, value)| (name.to_owned(), value)),
            );
            let input = PutItem {
                table: put.table.clone(),
                item,
                condition,
            };
            let answer = self
                .call("PutItem", |cloud, now| cloud.put_item(now, &input))
                .await;
            applied(answer, "dynamodb:PutItem", &put.table, &put.id)
        })
    }

    fn delete<'a>(
        &'a self,
        table: &'a str,
        id: &'a str,
        expected: &'a str,
    ) -> Answered<'a, Applied> {
        Box::pin(async move {
            let condition = Condition::Any(vec![Condition::Lacks(KEY.to_owned()), is(expected)]);
            let answer = self
                .call("DeleteItem", |cloud, now| {
                    cloud.delete_item(now, table, &key(id), Some(&condition))
                })
                .await;
            applied(answer, "dynamodb:DeleteItem", table, id)
        })
    }
}

fn key(id: &str) -> Item {
    Item::from([(KEY.to_owned(), Attribute::Text(id.to_owned()))])
}

fn is(journal: &str) -> Condition {
    Condition::Is(JOURNAL.to_owned(), Attribute::Text(journal.to_owned()))
}

fn text(value: Option<&Attribute>) -> String {
    match value {
        Some(Attribute::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn applied(
    answer: Result<(), AwsError>,
    action: &'static str,
    table: &str,
    id: &str,
) -> Result<Applied, Failure> {
    match answer {
        Ok(()) => Ok(Applied::Accepted { id: id.to_owned() }),
        Err(error) if error.code == "ConditionalCheckFailedException" => Ok(Applied::Conflict {
            message: error.message(),
        }),
        Err(error) => Err(failed(action, table)(error)),
    }
}

fn failed<'t>(action: &'static str, table: &'t str) -> impl Fn(AwsError) -> Failure + use<'t> {
    move |error| match error.code {
        "ResourceNotFoundException" => Failure::refused(action, no_table(table)),
        _ => error.into_failure(action),
    }
}
