//! Foreign keys, checks, triggers, partitions.

use std::collections::BTreeSet;

use super::super::catalog::{ForeignKey, TableName};
use super::super::expression::expression;
use super::super::report::Severity;
use super::super::side::Side;
use super::{Findings, Pair};

impl Findings {
    pub(super) fn constraints(&mut self, pair: &Pair<'_>) {
        self.foreign_keys(pair);
        self.checks(pair);
        self.triggers(pair);
        self.partitions(pair);
    }

    fn foreign_keys(&mut self, pair: &Pair<'_>) {
        let mut matched = BTreeSet::new();
        for key in &pair.tables.source.foreign_keys {
            let place = format!("{}.{}", pair.label, key.name);
            let twin = pair
                .tables
                .target
                .foreign_keys
                .iter()
                .find(|other| is_same_reference(pair, key, other));
            match twin {
                None => {
                    let text = format!(
                        "the target does not hold ({}) to refer to {}",
                        key.columns.join(", "),
                        key.referred
                    );
                    self.add(pair.tightened(), "missing_foreign_key", place, text);
                }
                Some(twin) => {
                    matched.insert(&twin.name);
                    self.foreign_key(pair, &place, key, twin);
                }
            }
        }
        for key in &pair.tables.target.foreign_keys {
            if !matched.contains(&key.name) {
                let place = format!("{}.{}", pair.label, key.name);
                let text = format!(
                    "only the target holds ({}) to refer to {}",
                    key.columns.join(", "),
                    key.referred
                );
                self.add(Severity::Warns, "extra_foreign_key", place, text);
            }
        }
    }

    fn foreign_key(&mut self, pair: &Pair<'_>, place: &str, key: &ForeignKey, twin: &ForeignKey) {
        let of = |key: &ForeignKey| [action(&key.actions.0), action(&key.actions.1)];
        if of(key) != of(twin) {
            let text = format!(
                "on delete and on update it does {} and {} on the source, {} and {} on the target",
                key.actions.0, key.actions.1, twin.actions.0, twin.actions.1
            );
            self.add(Severity::Warns, "foreign_key_actions", place, text);
        }
        if key.validated && !twin.validated {
            let text = format!(
                "rows of {} were never held against it on the target; orphans are looked for all the same",
                pair.label
            );
            self.add(Severity::Warns, "unvalidated_foreign_key", place, text);
        }
    }

    /// Expressions of different engines are not compared, since each prints them in its own way: names are.
    fn checks(&mut self, pair: &Pair<'_>) {
        let (source, target) = (&pair.tables.source.checks, &pair.tables.target.checks);
        for check in source {
            let is_same = |name: &str, text: &str| {
                if pair.is_kin() {
                    expression(text) == expression(&check.expression)
                } else {
                    name.eq_ignore_ascii_case(&check.name)
                }
            };
            let place = format!("{}.{}", pair.label, check.name);
            match target
                .iter()
                .find(|other| is_same(&other.name, &other.expression))
            {
                None if pair.is_kin() => {
                    let text = format!("the target does not check `{}`", check.expression);
                    self.add(pair.tightened(), "missing_check", place, text);
                }
                None => {
                    let text = format!(
                        "the target has no check of this name; the source checks `{}`",
                        check.expression
                    );
                    self.add(Severity::Warns, "missing_check", place, text);
                }
                Some(twin) if check.validated && !twin.validated => {
                    let text = "rows were never held against it on the target";
                    self.add(Severity::Warns, "unvalidated_check", place, text);
                }
                Some(_) => (),
            }
        }
        if pair.is_kin() {
            for check in target {
                let text = expression(&check.expression);
                if !source
                    .iter()
                    .any(|other| expression(&other.expression) == text)
                {
                    let place = format!("{}.{}", pair.label, check.name);
                    let text = format!(
                        "only the target checks `{}`, and refuses rows that the source allows",
                        check.expression
                    );
                    self.add(Severity::Warns, "extra_check", place, text);
                }
            }
        }
    }

    fn triggers(&mut self, pair: &Pair<'_>) {
        let (source, target) = (&pair.tables.source.triggers, &pair.tables.target.triggers);
        for trigger in target.iter().filter(|trigger| trigger.fires_on_apply) {
            let place = format!("{}.{}", pair.label, trigger.name);
            let text = format!(
                "it fires {} on the target for rows that replication applies, so that what it writes is there twice",
                trigger.fires
            );
            self.add(Severity::Warns, "trigger_fires_on_apply", place, text);
        }
        for trigger in source {
            let is_there = target.iter().any(|other| {
                other.name.eq_ignore_ascii_case(&trigger.name)
                    && other.fires.eq_ignore_ascii_case(&trigger.fires)
            });
            if !is_there {
                let place = format!("{}.{}", pair.label, trigger.name);
                let text = format!("the target has no trigger of this name {}", trigger.fires);
                self.add(Severity::Warns, "missing_trigger", place, text);
            }
        }
    }

    /// Rows are compared by the root, so that it makes no difference where they lie.
    fn partitions(&mut self, pair: &Pair<'_>) {
        let of = |side: Side| {
            let partitioning = pair.tables.get(side).partitioning.as_ref();
            partitioning.map(|cut| (expression(&cut.rule), names(&cut.partitions)))
        };
        if of(Side::Source) == of(Side::Target) {
            return;
        }
        let shown = |side: Side| match &pair.tables.get(side).partitioning {
            Some(cut) => format!("{} partitions by {}", cut.partitions.len(), cut.rule),
            None => "no partitions".to_owned(),
        };
        let text = format!(
            "{} on the source, {} on the target; rows are compared wherever they lie",
            shown(Side::Source),
            shown(Side::Target)
        );
        self.add(Severity::Informs, "partitioning", &pair.label, text);
    }
}

fn names(partitions: &[TableName]) -> BTreeSet<&str> {
    partitions.iter().map(|name| name.name.as_str()).collect()
}

/// Returns an action under one name. Within a transaction the engines tell `RESTRICT` from `NO ACTION` in details only.
fn action(action: &str) -> String {
    match action.to_uppercase().as_str() {
        "RESTRICT" | "" => "NO ACTION".to_owned(),
        other => other.to_owned(),
    }
}

fn is_same_reference(pair: &Pair<'_>, source: &ForeignKey, target: &ForeignKey) -> bool {
    let Some(referred) = pair.scoped.pair_of(Side::Source, &source.referred) else {
        return false;
    };
    let pairs_of = |key: &ForeignKey| -> BTreeSet<(String, String)> {
        let columns = key.columns.iter().cloned();
        columns.zip(key.referred_columns.iter().cloned()).collect()
    };
    let beyond = Pair {
        label: String::new(),
        tables: referred,
        ..*pair
    };
    let expected = pair
        .on_target(&source.columns)
        .zip(beyond.on_target(&source.referred_columns));
    let Some((columns, referred_columns)) = expected else {
        return false;
    };
    referred.target.name == target.referred
        && pairs_of(target) == columns.into_iter().zip(referred_columns).collect()
}
