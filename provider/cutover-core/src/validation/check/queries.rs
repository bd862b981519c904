//! Checks what users write in SQL, and what names columns.

use std::collections::BTreeSet;

use super::super::spec::{Checks, Reference, Rule, Sums};
use super::super::sql::{Flaw, flaw_of_condition, flaw_of_statement};
use super::{Problems, Subject, first_twice, is_one_table, no_table};

impl Problems {
    pub(super) fn queries(&mut self, checks: &Checks) {
        for (index, sums) in checks.sums.iter().enumerate() {
            self.sums(&format!("checks.sums[{index}]"), sums);
        }
        let mut names = BTreeSet::new();
        for (index, rule) in checks.rules.iter().enumerate() {
            let path = format!("checks.rules[{index}]");
            self.name(&path, &rule.name, &mut names);
            self.user_rule(&path, rule);
        }
        let mut names = BTreeSet::new();
        for (index, invariant) in checks.invariants.iter().enumerate() {
            let path = format!("checks.invariants[{index}]");
            self.name(&path, &invariant.name, &mut names);
            self.query(&format!("{path}.query"), &invariant.query);
            if let Some(query) = &invariant.target_query {
                self.query(&format!("{path}.targetQuery"), query);
            }
        }
        for (index, reference) in checks.references.iter().enumerate() {
            self.reference(&format!("checks.references[{index}]"), reference);
        }
    }

    fn rule(&mut self, name: &'static str, path: String, message: impl Into<String>) {
        self.add(Subject::Rules, name, path, message);
    }

    fn name<'a>(&mut self, path: &str, name: &'a str, names: &mut BTreeSet<&'a str>) {
        let path = format!("{path}.name");
        if name.trim().is_empty() {
            self.rule("missing_name", path, "the report needs a name");
        } else if !names.insert(name) {
            self.rule(
                "duplicate_name",
                path,
                format!("another is called `{name}`"),
            );
        }
    }

    fn table(&mut self, path: String, table: &str) {
        if !is_one_table(table) {
            self.rule("malformed_table", path, no_table(table));
        }
    }

    fn sums(&mut self, path: &str, sums: &Sums) {
        self.table(format!("{path}.table"), &sums.table);
        if sums.sums.is_empty() && sums.latest.is_empty() {
            let message = "it names no column to sum up, and none whose latest value counts";
            self.rule("empty_sums", path.to_owned(), message);
        }
        for (property, columns) in [
            ("groupBy", &sums.group_by),
            ("sums", &sums.sums),
            ("latest", &sums.latest),
        ] {
            if let Some(twice) = first_twice(columns) {
                let message = format!("`{twice}` is there twice");
                self.rule("repeated_column", format!("{path}.{property}"), message);
            }
        }
    }

    fn user_rule(&mut self, path: &str, rule: &Rule) {
        match (&rule.condition, &rule.query) {
            (None, None) => {
                let message = "it needs a `condition` or a `query`";
                self.rule("empty_rule", path.to_owned(), message);
            }
            (Some(_), Some(_)) => {
                let message =
                    "it has both a `condition` and a `query`; two rules may have one each";
                self.rule("double_rule", path.to_owned(), message);
            }
            (Some(condition), None) => {
                let at = format!("{path}.condition");
                self.flaw(at, flaw_of_condition(condition), "a condition");
                match &rule.table {
                    Some(table) => self.table(format!("{path}.table"), table),
                    None => self.rule(
                        "missing_table",
                        format!("{path}.table"),
                        "a condition is one about rows of a table",
                    ),
                }
            }
            (None, Some(query)) => self.query(&format!("{path}.query"), query),
        }
        match &rule.target_query {
            Some(query) if rule.query.is_some() => {
                self.query(&format!("{path}.targetQuery"), query);
            }
            Some(_) => self.rule(
                "lonely_target_query",
                format!("{path}.targetQuery"),
                "it stands for `query` on the target, and there is none",
            ),
            None => (),
        }
    }

    fn query(&mut self, path: &str, query: &str) {
        self.flaw(path.to_owned(), flaw_of_statement(query), "a query");
    }

    fn flaw(&mut self, path: String, flaw: Option<Flaw>, what: &str) {
        let (name, message) = match flaw {
            None => return,
            Some(Flaw::Empty) => ("empty_sql", format!("{what} is not empty")),
            Some(Flaw::Unclosed) => ("unclosed_sql", "a quote or comment has no end".to_owned()),
            Some(Flaw::Several) => (
                "several_statements",
                format!("{what} is one statement at most; something follows after `;`"),
            ),
            Some(Flaw::Brackets) => ("unpaired_brackets", "brackets do not pair".to_owned()),
            Some(Flaw::OpenComment) => (
                "open_comment",
                "a comment to the end of the line would hide what follows; use `/* */`".to_owned(),
            ),
        };
        self.rule(name, path, message);
    }

    fn reference(&mut self, path: &str, reference: &Reference) {
        self.table(format!("{path}.table"), &reference.table);
        self.table(format!("{path}.referred"), &reference.referred);
        if reference.columns.is_empty() {
            let message = "a reference has a column at least";
            self.rule("empty_reference", format!("{path}.columns"), message);
        } else if reference.columns.len() != reference.referred_columns.len() {
            let message = format!(
                "{} columns cannot refer to {}",
                reference.columns.len(),
                reference.referred_columns.len()
            );
            self.rule(
                "uneven_reference",
                format!("{path}.referredColumns"),
                message,
            );
        }
    }
}
