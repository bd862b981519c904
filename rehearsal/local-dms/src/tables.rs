//! Which tables belong to a job, and how they are written in SQL.

use std::fmt;

use cutover_sim::cloud::Job;

/// A table; ordered by schema, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl Table {
    /// Makes one of its two names.
    pub(crate) fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
        }
    }

    /// As PostgreSQL reads it.
    pub(crate) fn in_postgres(&self) -> String {
        format!("{}.{}", quoted(&self.schema, '"'), quoted(&self.name, '"'))
    }

    /// As MariaDB reads it.
    pub(crate) fn in_mariadb(&self) -> String {
        format!("{}.{}", quoted(&self.schema, '`'), quoted(&self.name, '`'))
    }
}

/// Puts a name into quotes.
pub(crate) fn quoted(name: &str, quote: char) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// Tells whether a table belongs to a job: it is included, and not left out.
pub(crate) fn belongs(job: &Job, table: &Table) -> bool {
    let among = |patterns: &[(String, String)]| {
        patterns
            .iter()
            .any(|(schema, name)| fits(schema, &table.schema) && fits(name, &table.name))
    };
    among(&job.include) && !among(&job.exclude)
}

/// Tells whether a name fits a pattern, in which `%` stands for any text, none included.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('%') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| fits(after, &rest[at..]))
}

/// A number for a name, the same in every run: XXH3.
pub(crate) fn number(of: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(of.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{Table, fits};

    #[test]
    fn a_percent_sign_stands_for_any_text() {
        let cases = [
            ("%", "", true),
            ("%", "payments", true),
            ("pay%", "payments", true),
            ("pay%", "pay", true),
            ("%ment%", "payments", true),
            ("%s", "payments", true),
            ("a%b%c", "abc", true),
            ("a%b%c", "acb", false),
            ("pay%", "repay", false),
            ("payment", "payments", false),
            ("payment_", "payments", false),
            ("é%", "éé", true),
        ];

        for (pattern, name, expected) in cases {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn quotes_within_a_name_are_doubled() {
        let table = Table::new("a\"b", "c`d");

        assert_eq!(table.in_postgres(), "\"a\"\"b\".\"c`d\"");
        assert_eq!(table.in_mariadb(), "`a\"b`.`c``d`");
    }
}
