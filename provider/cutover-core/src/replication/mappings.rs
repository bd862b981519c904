//! Which tables a task replicates, and what they are called on the other side, as DMS wants to be told.
//!
//! Form: AWS DMS User Guide, "Selection rules and actions" and "Transformation rules and actions".

use std::collections::BTreeSet;

use serde::Serialize;

use crate::validation::catalog::TableName;
use crate::validation::side::{Both, Side};

/// The table of markers that are written on the source.
pub const FORWARD_MARKERS: &str = "marker_forward";

/// The table of markers that are written on the target.
pub const REVERSE_MARKERS: &str = "marker_reverse";

/// The table of the markers that are written on a side.
pub fn markers_of(side: Side) -> &'static str {
    match side {
        Side::Source => FORWARD_MARKERS,
        Side::Target => REVERSE_MARKERS,
    }
}

/// The table mappings of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableMappings {
    rules: Vec<Rule>,
}

/// What is replicated away from a side: the given tables, each as both sides name it, and the markers of that side in the
/// control schema. Nothing else of the control schema: what is ours on one side must not reach the other.
pub fn table_mappings(from: Side, tables: &[Both<TableName>], schema: &str) -> TableMappings {
    let markers = TableName {
        schema: schema.to_owned(),
        name: markers_of(from).to_owned(),
    };
    let selected = tables.iter().map(|table| table.get(from)).chain([&markers]);
    let mut rules = selected.map(selection).collect::<Vec<_>>();
    // A set: a rule for each schema, however many of its tables there are.
    let schemas = tables
        .iter()
        .map(|table| (table.get(from), table.get(from.other())))
        .filter(|(here, there)| here.schema != there.schema)
        .map(|(here, there)| (here.schema.as_str(), there.schema.as_str()))
        .collect::<BTreeSet<_>>();
    rules.extend(
        schemas
            .into_iter()
            .map(|(here, there)| rename_schema(here, there)),
    );
    let renamed = tables
        .iter()
        .map(|table| (table.get(from), table.get(from.other())))
        .filter(|(here, there)| here.name != there.name);
    rules.extend(renamed.map(|(here, there)| rename_table(here, &there.name)));
    for (number, rule) in (1_usize..).zip(&mut rules) {
        rule.id = number.to_string();
        rule.name.clone_from(&rule.id);
    }
    TableMappings { rules }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Rule {
    #[serde(rename = "rule-type")]
    kind: &'static str,
    #[serde(rename = "rule-id")]
    id: String,
    #[serde(rename = "rule-name")]
    name: String,
    #[serde(rename = "rule-target", skip_serializing_if = "Option::is_none")]
    target: Option<&'static str>,
    #[serde(rename = "object-locator")]
    locator: Locator,
    #[serde(rename = "rule-action")]
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct Locator {
    #[serde(rename = "schema-name")]
    schema: String,
    #[serde(rename = "table-name", skip_serializing_if = "Option::is_none")]
    table: Option<String>,
}

/// Names one table. `_` is a wildcard in names of tables unless the rule is `explicit`: `audit_log` would take `auditxlog` along.
fn selection(table: &TableName) -> Rule {
    Rule {
        kind: "selection",
        locator: locator(table),
        action: "explicit",
        ..Rule::default()
    }
}

fn rename_schema(here: &str, there: &str) -> Rule {
    Rule {
        kind: "transformation",
        target: Some("schema"),
        locator: Locator {
            schema: here.to_owned(),
            table: None,
        },
        action: "rename",
        value: Some(there.to_owned()),
        ..Rule::default()
    }
}

fn rename_table(here: &TableName, there: &str) -> Rule {
    Rule {
        kind: "transformation",
        target: Some("table"),
        locator: locator(here),
        action: "rename",
        value: Some(there.to_owned()),
        ..Rule::default()
    }
}

fn locator(table: &TableName) -> Locator {
    Locator {
        schema: table.schema.clone(),
        table: Some(table.name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn table(schema: &str, name: &str) -> TableName {
        TableName {
            schema: schema.to_owned(),
            name: name.to_owned(),
        }
    }

    fn both(source: (&str, &str), target: (&str, &str)) -> Both<TableName> {
        Both {
            source: table(source.0, source.1),
            target: table(target.0, target.1),
        }
    }

    fn check(from: Side, tables: &[Both<TableName>]) -> Vec<Value> {
        let mappings = table_mappings(from, tables, "cutover_control");
        let mut json = serde_json::to_value(&mappings).unwrap();
        let Value::Array(rules) = json["rules"].take() else {
            panic!("rules are a list")
        };
        rules
    }

    #[test]
    fn selects_each_table_by_its_very_name_and_the_markers_of_its_direction() {
        let tables = [
            both(("public", "audit_log"), ("public", "audit_log")),
            both(("public", "payments"), ("public", "payments")),
        ];

        let rules = check(Side::Target, &tables);

        let select = |id: &str, schema: &str, table: &str| {
            json!({
                "rule-type": "selection", "rule-id": id, "rule-name": id, "rule-action": "explicit",
                "object-locator": { "schema-name": schema, "table-name": table }
            })
        };
        assert_eq!(
            rules,
            [
                select("1", "public", "audit_log"),
                select("2", "public", "payments"),
                select("3", "cutover_control", "marker_reverse"),
            ]
        );
    }

    #[test]
    fn the_other_direction_carries_the_other_markers_and_no_one_elses() {
        let text = format!("{:?}", check(Side::Source, &[]));

        assert!(text.contains("marker_forward"), "{text}");
        assert!(!text.contains("marker_reverse"), "{text}");
    }

    #[test]
    fn schemas_are_renamed_once_and_tables_where_they_are_called_otherwise() {
        let tables = [
            both(("shop", "payments"), ("public", "payments")),
            both(("shop", "Customers"), ("public", "customers")),
        ];

        let forward = check(Side::Source, &tables);
        let back = check(Side::Target, &tables);

        let rename = |id: &str, target: &str, locator: Value, value: &str| {
            json!({
                "rule-type": "transformation", "rule-id": id, "rule-name": id, "rule-target": target,
                "object-locator": locator, "rule-action": "rename", "value": value
            })
        };
        assert_eq!(
            forward[3..],
            [
                rename("4", "schema", json!({ "schema-name": "shop" }), "public"),
                rename(
                    "5",
                    "table",
                    json!({ "schema-name": "shop", "table-name": "Customers" }),
                    "customers"
                ),
            ]
        );
        assert_eq!(
            back[3],
            rename("4", "schema", json!({ "schema-name": "public" }), "shop")
        );
        assert_eq!(back[4]["value"], "Customers");
    }
}
