//! Filters and pages.

use super::{AwsError, invalid, not_found};

/// What is asked of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmsQuery {
    /// Filters, each with its name and the values of which one must be had; all must be met.
    pub filters: Vec<(String, Vec<String>)>,
    /// How many to tell of at once; the most when not given.
    pub max_records: Option<u32>,
    /// Where a former answer ended.
    pub marker: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmsPage<T> {
    /// What is told of.
    pub items: Vec<T>,
    /// Where it goes on.
    pub marker: Option<String>,
}

/// How the name of a filter is found in what is filtered.
pub(super) type Known<'k, T> = &'k [(&'k str, fn(&T) -> &str)];

/// The fewest records that can be asked for at once, and the most of most lists and of table statistics: AWS's limits.
const RECORDS_MIN: u32 = 20;
pub(super) const RECORDS_MAX: u32 = 100;
pub(super) const TABLES_MAX: u32 = 500;

impl DmsQuery {
    /// Asks for everything that has a value.
    pub fn only(filter: &str, value: &str) -> Self {
        Self {
            filters: vec![(filter.to_owned(), vec![value.to_owned()])],
            ..Self::default()
        }
    }

    /// Tells in short what is asked, for the record.
    pub(super) fn about(&self) -> String {
        let values = self.filters.iter().flat_map(|(_, values)| values);
        values.map(String::as_str).collect::<Vec<_>>().join(",")
    }

    /// Keeps what every filter lets through.
    pub(super) fn pick<T>(&self, all: Vec<T>, known: Known<'_, T>) -> Result<Vec<T>, AwsError> {
        let mut kept = all;
        for (name, values) in &self.filters {
            let of = known.iter().find(|(known, _)| known == name);
            let Some((_, of)) = of else {
                return Err(invalid(format!("Filter {name} is not supported")));
            };
            if values.is_empty() {
                return Err(invalid(format!("Filter {name} has no values")));
            }
            kept.retain(|item| values.iter().any(|value| value == of(item)));
        }
        Ok(kept)
    }

    /// Refuses to tell of nothing when something was asked for; `things` as AWS calls them.
    pub(super) fn some<T>(&self, found: Vec<T>, things: &str) -> Result<Vec<T>, AwsError> {
        if found.is_empty() && !self.filters.is_empty() {
            let message = format!("No {things} found matching provided filters");
            return Err(not_found(message));
        }
        Ok(found)
    }

    /// Cuts out the part that is asked for.
    pub(super) fn page<T>(&self, found: Vec<T>, most: u32) -> Result<DmsPage<T>, AwsError> {
        let records = self.max_records.unwrap_or(most.min(RECORDS_MAX));
        if !(RECORDS_MIN..=most).contains(&records) {
            return Err(invalid(format!(
                "MaxRecords must be from {RECORDS_MIN} to {most}, and not {records}"
            )));
        }
        let begin = match &self.marker {
            None => 0,
            Some(marker) => marker
                .parse::<usize>()
                .ok()
                .filter(|begin| *begin < found.len())
                .ok_or_else(|| invalid("The marker is not valid"))?,
        };
        let end = begin.saturating_add(usize::try_from(records).unwrap_or(usize::MAX));
        let marker = (end < found.len()).then(|| end.to_string());
        let items = found.into_iter().take(end).skip(begin).collect();
        Ok(DmsPage { items, marker })
    }
}
