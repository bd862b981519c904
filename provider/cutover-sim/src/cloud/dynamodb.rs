//! `DynamoDB`: items of tables with a partition key that is a string, and the conditions that fences are made of.

use std::collections::BTreeMap;

use cutover_core::Timestamp;

use super::{AwsError, Cloud, Service};

/// An item: its attributes by their names.
pub type Item = BTreeMap<String, Attribute>;

/// A value of an attribute, of the types that are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A string.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// A list.
    List(Vec<Attribute>),
}

/// An item to be put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutItem {
    /// The table.
    pub table: String,
    /// The item.
    pub item: Item,
    /// What must hold of the item that is there.
    pub condition: Option<Condition>,
}

/// What must hold of the item that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It has no such attribute, or is not there at all.
    Lacks(String),
    /// Its attribute has this value.
    Is(String, Attribute),
    /// All of these.
    All(Vec<Condition>),
    /// Any of these.
    Any(Vec<Condition>),
}

#[derive(Clone, Debug)]
struct Table {
    key: String,
    items: BTreeMap<String, Item>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct DynamoDb {
    tables: BTreeMap<String, Table>,
}

/// The longest item, in bytes: AWS's limit.
const ITEM_MAX: usize = 400 * 1024;

/// The longest partition key, in bytes: AWS's limit.
const KEY_MAX: usize = 2048;

impl Condition {
    fn holds(&self, item: Option<&Item>) -> bool {
        let value = |name: &String| item.and_then(|item| item.get(name));
        match self {
            Self::Lacks(name) => value(name).is_none(),
            Self::Is(name, wanted) => value(name) == Some(wanted),
            Self::All(all) => all.iter().all(|one| one.holds(item)),
            Self::Any(any) => any.iter().any(|one| one.holds(item)),
        }
    }
}

impl Attribute {
    fn size(&self) -> usize {
        match self {
            Self::Text(text) | Self::Number(text) => text.len(),
            Self::List(values) => values.iter().map(|value| value.size() + 1).sum(),
        }
    }
}

impl DynamoDb {
    fn table(&mut self, name: &str) -> Result<&mut Table, AwsError> {
        self.tables.get_mut(name).ok_or_else(|| {
            AwsError::bad("ResourceNotFoundException", "Requested resource not found")
        })
    }
}

impl Table {
    /// Reads the key of a request, which has nothing else in it.
    fn key_of(&self, key: &Item) -> Result<String, AwsError> {
        match (key.get(&self.key), key.len()) {
            (Some(Attribute::Text(id)), 1) if (1..=KEY_MAX).contains(&id.len()) => Ok(id.clone()),
            _ => Err(AwsError::bad(
                "ValidationException",
                "The provided key element does not match the schema",
            )),
        }
    }

    fn checked(&self, item: &Item) -> Result<String, AwsError> {
        let Some(Attribute::Text(id)) = item.get(&self.key) else {
            let message = format!(
                "One or more parameter values were invalid: Missing the key {} in the item",
                self.key
            );
            return Err(AwsError::bad("ValidationException", message));
        };
        let size: usize = item
            .iter()
            .map(|(name, value)| name.len() + value.size())
            .sum();
        if size > ITEM_MAX {
            let message = "Item size has exceeded the maximum allowed size";
            return Err(AwsError::bad("ValidationException", message));
        }
        Ok(id.clone())
    }

    fn admits(&self, condition: Option<&Condition>, id: &str) -> Result<(), AwsError> {
        if condition.is_none_or(|condition| condition.holds(self.items.get(id))) {
            Ok(())
        } else {
            Err(AwsError::bad(
                "ConditionalCheckFailedException",
                "The conditional request failed",
            ))
        }
    }
}

impl Cloud {
    /// Makes a table whose partition key is a string of this name.
    pub fn create_table(&mut self, name: &str, key: &str) {
        let table = Table {
            key: key.to_owned(),
            items: BTreeMap::new(),
        };
        self.dynamodb.tables.insert(name.to_owned(), table);
    }

    /// Removes a table, with everything in it.
    pub fn delete_table(&mut self, name: &str) {
        self.dynamodb.tables.remove(name);
    }

    /// `DynamoDB`: reads an item as it is now.
    ///
    /// # Errors
    /// `ResourceNotFoundException` without the table, `ValidationException` for what is not its key.
    pub fn get_item(
        &mut self,
        now: Timestamp,
        table: &str,
        key: &Item,
    ) -> Result<Option<Item>, AwsError> {
        self.call(Service::Other, "GetItem", table, now, |cloud| {
            let table = cloud.dynamodb.table(table)?;
            let id = table.key_of(key)?;
            Ok(table.items.get(&id).cloned())
        })
    }

    /// `DynamoDB`: puts an item in the place of the one with its key.
    ///
    /// # Errors
    /// `ConditionalCheckFailedException` when the condition does not hold, and those of [`Cloud::get_item`].
    pub fn put_item(&mut self, now: Timestamp, input: &PutItem) -> Result<(), AwsError> {
        self.call(Service::Other, "PutItem", &input.table, now, |cloud| {
            let table = cloud.dynamodb.table(&input.table)?;
            let id = table.checked(&input.item)?;
            table.admits(input.condition.as_ref(), &id)?;
            table.items.insert(id, input.item.clone());
            Ok(())
        })
    }

    /// `DynamoDB`: removes an item; one that is not there is removed already.
    ///
    /// # Errors
    /// Those of [`Cloud::put_item`].
    pub fn delete_item(
        &mut self,
        now: Timestamp,
        table: &str,
        key: &Item,
        condition: Option<&Condition>,
    ) -> Result<(), AwsError> {
        self.call(Service::Other, "DeleteItem", table, now, |cloud| {
            let table = cloud.dynamodb.table(table)?;
            let id = table.key_of(key)?;
            table.admits(condition, &id)?;
            table.items.remove(&id);
            Ok(())
        })
    }
}
