//! Names as Route 53 stores and orders them.

use super::{ListRecordSets, Records, ResourceRecordSet};

/// Writes a name as Route 53 stores it: in lower case, with a dot at its end, other characters as octal codes.
pub(in super::super) fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len() + 1);
    for c in name.trim_end_matches('.').chars() {
        match c {
            'A'..='Z' => normal.push(c.to_ascii_lowercase()),
            'a'..='z' | '0'..='9' | '-' | '_' | '.' | '\\' => normal.push(c),
            other => {
                let mut bytes = [0; 4];
                for byte in other.encode_utf8(&mut bytes).bytes() {
                    normal.extend(['\\', digit(byte >> 6), digit(byte >> 3), digit(byte)]);
                }
            }
        }
    }
    normal.push('.');
    normal
}

/// The last octal digit of a number.
fn digit(number: u8) -> char {
    char::from(b'0' + (number & 7))
}

/// Writes a name as the domain has it: without the dot at its end.
pub(in super::super) fn plain(name: &str) -> String {
    normal(name).trim_end_matches('.').to_owned()
}

/// The labels of a name from the last to the first: what a zone is sorted by.
pub(in super::super) fn labels(name: &str) -> impl Iterator<Item = &str> {
    name.trim_end_matches('.').rsplit('.')
}

/// Where a record set stands in a listing: labels from the right, type, set identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    labels: Vec<String>,
    record_type: String,
    set_identifier: String,
}

impl Key {
    pub(super) fn new(name: &str, record_type: &str, set_identifier: &str) -> Self {
        Self {
            labels: labels(&normal(name)).map(str::to_owned).collect(),
            record_type: record_type.to_owned(),
            set_identifier: set_identifier.to_owned(),
        }
    }

    pub(super) fn of(set: &ResourceRecordSet) -> Self {
        let set_identifier = set.set_identifier.as_deref().unwrap_or("");
        Self::new(&set.name, &set.record_type, set_identifier)
    }

    /// The first key of a listing.
    pub(super) fn start(input: &ListRecordSets) -> Self {
        match &input.start_name {
            None => Self::default(),
            Some(name) => Self::new(
                name,
                input.start_type.as_deref().unwrap_or(""),
                input.start_identifier.as_deref().unwrap_or(""),
            ),
        }
    }

    /// The record sets of a name and type.
    pub(super) fn range<'r>(
        records: &'r Records,
        name: &str,
        record_type: &str,
    ) -> impl Iterator<Item = &'r ResourceRecordSet> {
        let first = Self::new(name, record_type, "");
        let (labels, record_type) = (first.labels.clone(), first.record_type.clone());
        records
            .range(first..)
            .take_while(move |(key, _)| key.labels == labels && key.record_type == record_type)
            .map(|(_, set)| set)
    }

    /// The record sets of a name, of all types.
    pub(super) fn under<'r>(
        records: &'r Records,
        name: &str,
    ) -> impl Iterator<Item = &'r ResourceRecordSet> {
        let first = Self::new(name, "", "");
        let labels = first.labels.clone();
        records
            .range(first..)
            .take_while(move |(key, _)| key.labels == labels)
            .map(|(_, set)| set)
    }

    /// Tells whether there is a name, be it only as the end of others.
    pub(super) fn begins(records: &Records, name: &str) -> bool {
        let first = Self::new(name, "", "");
        let labels = first.labels.clone();
        let next = records.range(first..).next();
        next.is_some_and(|(key, _)| key.labels.starts_with(&labels))
    }
}
