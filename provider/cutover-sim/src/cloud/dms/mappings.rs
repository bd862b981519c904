//! Which tables a task has, by its table mappings.

use serde_json::Value;

use super::{AwsError, invalid};

/// The tables of a task, each by schema and name, where `%` stands for any rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mappings {
    pub(super) include: Vec<(String, String)>,
    pub(super) exclude: Vec<(String, String)>,
}

impl Mappings {
    /// Reads table mappings.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for what is no JSON, or has no rule that includes a table.
    pub(super) fn parse(text: &str) -> Result<Self, AwsError> {
        let bad = |why: &str| invalid(format!("Invalid table mappings document. {why}"));
        let document: Value =
            serde_json::from_str(text).map_err(|error| bad(&error.to_string()))?;
        let rules = document.get("rules").and_then(Value::as_array);
        let rules = rules.ok_or_else(|| bad("There are no rules"))?;
        let mut mappings = Self::default();
        for rule in rules {
            let says = |member: &str| rule.get(member).and_then(Value::as_str);
            if says("rule-type") != Some("selection") {
                continue;
            }
            let locator = |member: &str| {
                let found = rule.pointer(&format!("/object-locator/{member}"));
                let found = found.and_then(Value::as_str).map(str::to_owned);
                found.ok_or_else(|| bad(&format!("A selection has no {member}")))
            };
            let table = (locator("schema-name")?, locator("table-name")?);
            match says("rule-action") {
                Some("include" | "explicit") => mappings.include.push(table),
                Some("exclude") => mappings.exclude.push(table),
                _ => return Err(bad("A rule-action must be include, exclude or explicit")),
            }
        }
        if mappings.include.is_empty() {
            return Err(bad("A valid selection rule must be included"));
        }
        Ok(mappings)
    }

    /// Returns the tables that are named in full, in their order. Which others there are only the database knows.
    pub(super) fn named(&self) -> Vec<(String, String)> {
        let mut named: Vec<_> = self
            .include
            .iter()
            .filter(|(schema, name)| !schema.contains('%') && !name.contains('%'))
            .filter(|table| !self.exclude.contains(table))
            .cloned()
            .collect();
        named.sort();
        named.dedup();
        named
    }
}
