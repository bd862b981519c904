//! Refuses a wish that cannot be kept, with every problem at once and before a database is met.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::spec::{Back, Pause, Spec};
use crate::validation::side::Side;

/// The longest name of a migration: ours. A replication slot is named after it and the epoch, and PostgreSQL cuts names after
/// 63 bytes.
const MIGRATION_LETTERS_MAX: usize = 30;

/// Something wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable name of the kind of problem: `duplicate_table`.
    pub name: &'static str,
    /// Where it is, as a program writes it: `tables.source[0]`.
    pub path: String,
    /// What it is, for people.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

/// Finds everything in a wish that cannot be kept, in the order of the inputs. Paths are those of a program's inputs, where
/// names are written in camel case.
pub fn check(spec: &Spec) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    problems.migration(&spec.migration);
    problems.tables(spec);
    problems.pause(&spec.pause);
    problems.lag(spec);
    if spec.max_transaction_age.is_zero() {
        problems.add(
            "no_age",
            "maxTransactionAge",
            "every transaction is older than that: it is longer than nothing",
        );
    }
    if let Some(setting) = &spec.setting {
        problems.named("setting.name", &setting.name);
    }
    if let Some(drain) = &spec.drain {
        problems.named("drain.arn", &drain.arn);
    }
    if let Some(back) = &spec.back {
        problems.back(back);
    }
    problems.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, name: &'static str, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            name,
            path: path.into(),
            message: message.into(),
        });
    }

    fn migration(&mut self, name: &str) {
        let is_letter = |letter: char| letter.is_ascii_lowercase();
        let is_part = |letter: char| is_letter(letter) || letter.is_ascii_digit() || letter == '_';
        let is_well_formed = name.starts_with(is_letter) && name.chars().all(is_part);
        if !is_well_formed {
            let message = format!(
                "`{name}` is not made of small letters, digits and `_`, beginning with a letter"
            );
            self.add("malformed_migration", "migration", message);
        } else if name.len() > MIGRATION_LETTERS_MAX {
            let message =
                format!("`{name}` has more than {MIGRATION_LETTERS_MAX} letters and digits");
            self.add("long_migration", "migration", message);
        }
    }

    fn tables(&mut self, spec: &Spec) {
        for side in Side::BOTH {
            let tables = spec.tables.get(side);
            if tables.is_empty() {
                let message = "no table would be closed, so that nobody would be refused";
                self.add("no_tables", format!("tables.{side}"), message);
            }
            let mut seen = BTreeSet::new();
            for (index, table) in tables.iter().enumerate() {
                let path = format!("tables.{side}[{index}]");
                if table.schema.is_empty() || table.name.is_empty() {
                    self.add("nameless_table", path, "a table has a schema and a name");
                } else if !seen.insert(table) {
                    let message = format!("`{table}` is there already");
                    self.add("duplicate_table", path, message);
                }
            }
        }
        let (source, target) = (spec.tables.source.len(), spec.tables.target.len());
        if source != target {
            let message = format!(
                "{source} tables of the source are not {target} of the target: each has its counterpart"
            );
            self.add("uneven_tables", "tables", message);
        }
    }

    fn pause(&mut self, pause: &Pause) {
        if pause.lock.is_zero() {
            self.add(
                "no_lock_time",
                "pause.lock",
                "a fence waits for those who are writing: longer than nothing",
            );
        }
        if pause.reserve.is_zero() {
            self.add(
                "no_reserve",
                "pause.reserve",
                "the last two steps need time: longer than nothing",
            );
        }
        let used = pause.lock.saturating_add(pause.reserve);
        if used >= pause.max {
            let message = format!(
                "{} leave nothing to drain in after {} for locks and {} for the last two steps",
                text(pause.max),
                text(pause.lock),
                text(pause.reserve)
            );
            self.add("short_pause", "pause.max", message);
        }
        if pause.attempts == 0 {
            self.add(
                "no_attempts",
                "pause.attempts",
                "the fence is tried once at least",
            );
        }
        if pause.attempts > 1 && pause.spacing.is_zero() {
            self.add(
                "no_spacing",
                "pause.spacing",
                "applications are left alone between two attempts: longer than nothing",
            );
        }
    }

    fn lag(&mut self, spec: &Spec) {
        if spec.max_lag.is_zero() {
            self.add(
                "no_lag",
                "maxLag",
                "replication takes time: longer than nothing",
            );
            return;
        }
        let used = spec.pause.lock.saturating_add(spec.pause.reserve);
        let left = spec.pause.max.saturating_sub(used);
        if !left.is_zero() && spec.max_lag >= left {
            let message = format!(
                "with a lag of {} a pause of {} could not end well: {} of it are left to drain in",
                text(spec.max_lag),
                text(spec.pause.max),
                text(left)
            );
            self.add("long_lag", "maxLag", message);
        }
    }

    fn named(&mut self, path: &'static str, name: &str) {
        if name.trim().is_empty() {
            self.add("nameless", path, "it has a name");
        }
    }

    fn back(&mut self, back: &Back) {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let identifier = &back.identifier;
        let is_well_formed = identifier.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && identifier.chars().all(is_part)
            && !identifier.contains("--")
            && !identifier.ends_with('-');
        if !is_well_formed {
            let message = format!(
                "`{identifier}` is not made of letters, digits and single hyphens between them, beginning with a letter"
            );
            self.add("malformed_identifier", "back.identifier", message);
        }
        self.named("back.sourceEndpointArn", &back.source_endpoint_arn);
        self.named("back.targetEndpointArn", &back.target_endpoint_arn);
        if back.source_endpoint_arn == back.target_endpoint_arn {
            self.add(
                "same_endpoint",
                "back.targetEndpointArn",
                "it is the endpoint that is read",
            );
        }
        self.named("back.instanceArn", &back.instance_arn);
        if back.limit.is_zero() {
            self.add(
                "no_limit",
                "back.limit",
                "catching up takes time: longer than nothing",
            );
        }
    }
}

/// Writes a duration as this room's texts have it: `30 s`, `1.5 s`, `15 min`.
pub(super) fn text(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    if seconds > 60 && millis == 0 && seconds.is_multiple_of(60) {
        return format!("{} min", seconds.div_euclid(60));
    }
    if millis == 0 {
        return format!("{seconds} s");
    }
    let fraction = format!("{millis:03}");
    format!("{seconds}.{} s", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::super::machine::tests::a_spec;
    use super::*;
    use crate::validation::catalog::TableName;

    fn check_of(change: impl FnOnce(&mut Spec)) -> Vec<(&'static str, String)> {
        let mut spec = a_spec();
        change(&mut spec);
        check(&spec)
            .into_iter()
            .map(|problem| (problem.name, problem.path))
            .collect()
    }

    fn only(name: &'static str, path: &str) -> Vec<(&'static str, String)> {
        vec![(name, path.to_owned())]
    }

    #[test]
    fn a_common_wish_is_without_problems() {
        assert_eq!(check_of(|_| ()), []);
    }

    #[test]
    fn a_migration_is_named_so_that_a_slot_can_be_named_after_it() {
        for name in ["", "1pay", "Pay", "pay-one", "päy", "_pay"] {
            let found = check_of(|spec| spec.migration = name.to_owned());
            assert_eq!(found, only("malformed_migration", "migration"), "{name}");
        }
        let found = check_of(|spec| spec.migration = "p".repeat(31));
        assert_eq!(found, only("long_migration", "migration"));
        assert_eq!(check_of(|spec| spec.migration = "p".repeat(30)), []);
    }

    #[test]
    fn each_table_has_its_counterpart_once() {
        let found = check_of(|spec| spec.tables.target.clear());
        assert_eq!(
            found,
            [
                ("no_tables", "tables.target".to_owned()),
                ("uneven_tables", "tables".to_owned())
            ]
        );
        let found = check_of(|spec| {
            for side in Side::BOTH {
                let tables = spec.tables.get_mut(side);
                let first = tables[0].clone();
                tables.push(first);
            }
        });
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|(name, _)| *name == "duplicate_table"));
        let found = check_of(|spec| {
            spec.tables.source[0] = TableName {
                schema: String::new(),
                name: "payments".to_owned(),
            };
        });
        assert_eq!(found, only("nameless_table", "tables.source[0]"));
    }

    #[test]
    fn a_pause_has_time_for_everything_in_it() {
        let seconds = Duration::from_secs;
        let found = check_of(|spec| spec.pause.max = seconds(4));
        assert_eq!(found, only("short_pause", "pause.max"));
        let found = check_of(|spec| spec.pause.max = seconds(14));
        assert_eq!(found, only("long_lag", "maxLag"));
        assert_eq!(check_of(|spec| spec.pause.max = seconds(15)), []);
        let found = check_of(|spec| spec.pause.lock = Duration::ZERO);
        assert_eq!(found, only("no_lock_time", "pause.lock"));
        let found = check_of(|spec| spec.pause.reserve = Duration::ZERO);
        assert_eq!(found, only("no_reserve", "pause.reserve"));
        let found = check_of(|spec| spec.pause.attempts = 0);
        assert_eq!(found, only("no_attempts", "pause.attempts"));
        let found = check_of(|spec| spec.pause.spacing = Duration::ZERO);
        assert_eq!(found, only("no_spacing", "pause.spacing"));
        let found = check_of(|spec| {
            spec.pause.spacing = Duration::ZERO;
            spec.pause.attempts = 1;
        });
        assert_eq!(found, []);
    }

    #[test]
    fn limits_are_longer_than_nothing_and_names_are_there() {
        let found = check_of(|spec| {
            spec.max_lag = Duration::ZERO;
            spec.max_transaction_age = Duration::ZERO;
            spec.setting.as_mut().expect("one is set").name = " ".to_owned();
            spec.drain.as_mut().expect("one is set").arn.clear();
            let back = spec.back.as_mut().expect("one is set");
            back.identifier = "back--1".to_owned();
            back.target_endpoint_arn
                .clone_from(&back.source_endpoint_arn);
            back.limit = Duration::ZERO;
        });

        let names: Vec<_> = found.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(
            names,
            [
                "maxLag",
                "maxTransactionAge",
                "setting.name",
                "drain.arn",
                "back.identifier",
                "back.targetEndpointArn",
                "back.limit"
            ]
        );
    }

    #[test]
    fn a_problem_says_where_it_is() {
        let mut spec = a_spec();
        spec.pause.max = Duration::from_millis(3_500);

        let texts: Vec<_> = check(&spec).iter().map(ToString::to_string).collect();

        assert_eq!(
            texts,
            [
                "`pause.max`: 3.5 s leave nothing to drain in after 2 s for locks and 2 s for the last two steps"
            ]
        );
    }
}
