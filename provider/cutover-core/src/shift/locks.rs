//! The journal of a listener rule in a table of DynamoDB, where a condition protects it.
//!
//! Tags of a rule are set by calls without a condition, so that of two runs that begin in the same second both can find
//! no journal and both can write one. An item of a table is written only when it still is what was read: of two runs one
//! is refused, and has changed nothing. What the item says counts; the tag of the rule then only points at the table,
//! in words that a run without the table cannot read as an entry, so that it is refused as well (CUT-152).

use std::collections::BTreeMap;

use super::facts::{Act, Change, JournalRead, Live};
use super::journal::Entry;
use super::rules::{self, JOURNAL_TAG, Rule, RuleChange};
use super::spec::Router;

/// How the tag begins that points at a table. Table names have letters that tags take.
const POINTER: &str = "dynamodb ";

/// The partition key of the table, a string: the ARN of the rule.
pub const KEY: &str = "id";

/// The fewest and the most characters of a table's name. Source: Amazon DynamoDB developer guide, "Supported data types
/// and naming rules".
const TABLE_CHARS: std::ops::RangeInclusive<usize> = 3..=255;

/// What is read of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockItem {
    /// The entry as text; empty when the item has none.
    pub journal: String,
    /// What stands beside it for people.
    pub members: Vec<String>,
}

/// An item as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPut {
    /// The table.
    pub table: String,
    /// The ARN of the rule.
    pub id: String,
    /// The entry. Its number, its shift and its moment stand beside its text, for people and for queries.
    pub entry: Entry,
    /// What moves, for people.
    pub members: Vec<String>,
    /// What must be there for the item to be written.
    pub expected: Expected,
}

/// What must be there for an item to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is: the way back asks nobody.
    Anything,
    /// No item.
    Nothing,
    /// An item with this text as its entry, so with this number and of this run.
    Journal(String),
}

/// What was last read, so far as a change builds on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the journal was taken to be.
    pub journal: JournalRead,
    /// The entry's text in the table; `None`: no item was there.
    pub text: Option<String>,
    /// Whether the tag of the rule points at the table.
    pub points: bool,
}

/// A change of a rule whose journal is in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedChange {
    /// The item.
    pub put: LockPut,
    /// What becomes of the rule; `None`: nothing.
    pub rule: Option<RuleChange>,
    /// Whether the item is written before the rule is changed. A step forward is announced before it is made; the way
    /// back is made first and noted after.
    pub put_first: bool,
}

/// Tells whether a text can be the name of a table.
pub fn is_table_name(name: &str) -> bool {
    TABLE_CHARS.contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Says what to do about a table that is not there.
pub fn no_table(table: &str) -> String {
    format!(
        "there is no table `{table}`; make it with `aws dynamodb create-table --table-name {table} \
         --attribute-definitions AttributeName={KEY},AttributeType=S --key-schema AttributeName={KEY},KeyType=HASH \
         --billing-mode PAY_PER_REQUEST`"
    )
}

/// Returns the table that the tag of a rule points at.
pub fn table_of(rule: &Rule) -> Option<&str> {
    rule.tags.get(JOURNAL_TAG)?.strip_prefix(POINTER)
}

/// Returns what the tag of a rule says whose journal is in a table: where that is, and at the end the entry itself.
pub fn tag(table: &str, entry: &Entry) -> String {
    if entry.mark.is_over() {
        entry.encode()
    } else {
        format!("{POINTER}{table}")
    }
}

/// Reads the router out of a rule and the item of the table.
///
/// The item counts. A tag that points at another table cannot be read. A tag with an entry was written by a run without
/// a table: it counts where there is no item, and where it is live and later than the item.
pub fn read(router: &Router, rule: &Rule, table: &str, item: Option<&LockItem>) -> (Live, Seen) {
    let live = rules::read(router, rule);
    let points = table_of(rule) == Some(table);
    let in_table = item.map(|item| rules::read_journal(&item.journal));
    let journal = match (in_table, &live.journal) {
        (in_table, _) if points => in_table.unwrap_or(JournalRead::Absent),
        (_, JournalRead::Unreadable(reason)) => JournalRead::Unreadable(reason.clone()),
        (Some(JournalRead::Entry(item)), JournalRead::Entry(tag))
            if !tag.mark.is_over() && tag.seq > item.seq =>
        {
            JournalRead::Entry(tag.clone())
        }
        (Some(in_table), _) => in_table,
        (None, in_tag) => in_tag.clone(),
    };
    let seen = Seen {
        journal: journal.clone(),
        text: item.map(|item| item.journal.clone()),
        points,
    };
    (Live { journal, ..live }, seen)
}

/// Makes the change of a rule whose journal is in a table. `seen` is what was read last.
///
/// A renewal writes the item alone. The last entry is put into the tag as well, so that a rule is free for runs without
/// the table once the shift is over.
pub fn change(router: &Router, table: &str, change: &Change, seen: Option<&Seen>) -> LockedChange {
    let is_return = matches!(change.act, Act::Return(_));
    let expected = match change.expected.as_ref().map(|live| &live.journal) {
        None => Expected::Anything,
        Some(_) if is_return => Expected::Anything,
        Some(journal) => match (seen.filter(|seen| seen.journal == *journal), journal) {
            (Some(seen), _) => seen
                .text
                .clone()
                .map_or(Expected::Nothing, Expected::Journal),
            (None, JournalRead::Entry(entry)) => Expected::Journal(entry.encode()),
            // Nobody writes over what cannot be read, so an item must not be there in either case.
            (None, JournalRead::Absent | JournalRead::Unreadable(_)) => Expected::Nothing,
        },
    };
    let rule = rules::change(router, change);
    let put = LockPut {
        table: table.to_owned(),
        id: rule.rule_arn.clone(),
        entry: change.entry.clone(),
        members: members(router),
        expected,
    };
    let is_set = is_return || seen.is_some_and(|seen| seen.points);
    let tags: BTreeMap<String, String> = (!is_set || change.entry.mark.is_over())
        .then(|| (JOURNAL_TAG.to_owned(), tag(table, &change.entry)))
        .into_iter()
        .collect();
    let has_work = rule.groups.is_some() || !tags.is_empty();
    let rule = RuleChange {
        // The item is what others are kept away by.
        expected_tag: None,
        tags,
        ..rule
    };
    LockedChange {
        put,
        rule: has_work.then_some(rule),
        put_first: !is_return,
    }
}

fn members(router: &Router) -> Vec<String> {
    match router {
        Router::Alb {
            old_arn, new_arn, ..
        } => vec![format!("old {old_arn}"), format!("new {new_arn}")],
        Router::Route53 { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
