//! `DynamoDB`: single items, with the conditions that fences are made of.
//!
//! Of condition expressions those are read that join `attribute_not_exists(#name)` and `#name = :value` by `AND` or by
//! `OR`. Anything else is refused, and never taken for a condition that holds.

use std::collections::BTreeMap;

use cutover_sim::cloud::{Attribute, Cloud, Condition, Item, PutItem};
use serde::{Deserialize, Serialize};

use super::{Call, Nothing, Operation, Service, answer_json};
use crate::answer::Answer;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

pub(super) const SERVICE: Service = Service {
    scope: "dynamodb",
    protocol: Protocol::Json10,
    namespace: "DynamoDB_20120810.",
    version: "2012-08-10",
    operations: &[
        Operation {
            name: "GetItem",
            serve: get_item,
        },
        Operation {
            name: "PutItem",
            serve: put_item,
        },
        Operation {
            name: "DeleteItem",
            serve: delete_item,
        },
    ],
};

/// A value as it is written: the type as the key.
#[derive(Deserialize, Serialize)]
enum Written {
    S(String),
    N(String),
    L(Vec<Written>),
}

type WrittenItem = BTreeMap<String, Written>;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    table_name: String,
    key: WrittenItem,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<WrittenItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    table_name: String,
    item: WrittenItem,
    #[serde(flatten)]
    conditioned: Conditioned,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    table_name: String,
    key: WrittenItem,
    #[serde(flatten)]
    conditioned: Conditioned,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Conditioned {
    condition_expression: Option<String>,
    #[serde(default)]
    expression_attribute_names: BTreeMap<String, String>,
    #[serde(default)]
    expression_attribute_values: WrittenItem,
}

fn get_item(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Get = call.json()?;
    let found = cloud.get_item(call.now, &input.table_name, &read_item(input.key))?;
    let item = found.map(|item| {
        let written = |(name, value)| (name, write(value));
        item.into_iter().map(written).collect()
    });
    Ok(answer_json(&Got { item }))
}

fn put_item(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Put = call.json()?;
    let put = PutItem {
        table: input.table_name,
        item: read_item(input.item),
        condition: input.conditioned.read()?,
    };
    cloud.put_item(call.now, &put)?;
    Ok(answer_json(&Nothing {}))
}

fn delete_item(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Delete = call.json()?;
    let condition = input.conditioned.read()?;
    let key = read_item(input.key);
    cloud.delete_item(call.now, &input.table_name, &key, condition.as_ref())?;
    Ok(answer_json(&Nothing {}))
}

impl Conditioned {
    fn read(self) -> Result<Option<Condition>, Refusal> {
        let Some(expression) = self.condition_expression.clone() else {
            return Ok(None);
        };
        let values: Item = read_item(self.expression_attribute_values);
        let names = self.expression_attribute_names;
        let term = |text: &str| read_term(text.trim(), &names, &values);
        let any: Vec<&str> = expression.split(" OR ").collect();
        let all: Vec<&str> = expression.split(" AND ").collect();
        let condition = match (any.as_slice(), all.as_slice()) {
            ([one], [_]) => term(one),
            (many, [_]) => many
                .iter()
                .map(|text| term(text))
                .collect::<Option<_>>()
                .map(Condition::Any),
            ([_], many) => many
                .iter()
                .map(|text| term(text))
                .collect::<Option<_>>()
                .map(Condition::All),
            // Both need a grammar.
            _ => None,
        };
        condition.map(Some).ok_or_else(|| {
            let message = format!("Invalid ConditionExpression here: {expression}");
            Refusal::sender("ValidationException", message)
        })
    }
}

fn read_term(text: &str, names: &BTreeMap<String, String>, values: &Item) -> Option<Condition> {
    let absent = text
        .strip_prefix("attribute_not_exists(")
        .and_then(|rest| rest.strip_suffix(')'));
    if let Some(name) = absent {
        return Some(Condition::Lacks(names.get(name)?.clone()));
    }
    let (name, value) = text.split_once(" = ")?;
    let (name, value) = (names.get(name)?, values.get(value)?);
    Some(Condition::Is(name.clone(), value.clone()))
}

fn read_item(item: WrittenItem) -> Item {
    let read = |(name, value)| (name, read(value));
    item.into_iter().map(read).collect()
}

fn read(value: Written) -> Attribute {
    match value {
        Written::S(text) => Attribute::Text(text),
        Written::N(number) => Attribute::Number(number),
        Written::L(values) => Attribute::List(values.into_iter().map(read).collect()),
    }
}

fn write(value: Attribute) -> Written {
    match value {
        Attribute::Text(text) => Written::S(text),
        Attribute::Number(number) => Written::N(number),
        Attribute::List(values) => Written::L(values.into_iter().map(write).collect()),
    }
}
