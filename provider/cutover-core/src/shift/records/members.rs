//! The journal's TXT as it is stored: the entry, and beside it which members belong together.
//!
//! Whoever has the zone, the name and credentials finds there all that the way back needs. Each text is a string of the
//! TXT; one that is longer than a string can be goes on in the next ones, which begin with `+`. Readers of journals with
//! the entry alone find nothing else in them, and go on as before.

use std::fmt::Write;

use super::super::facts::JournalRead;
use super::super::journal::{Entry, NotAnEntry, STRING_CHARS_MAX};
use super::super::preflight::Routing;
use super::super::spec::{RecordType, Router};
use super::{JOURNAL_TTL_SECONDS, RecordChange, RecordSet, Verb, bare, changes, weight_of};
use crate::weights::WeightPair;

/// How an entry begins.
const ENTRY: &str = "cutover";

/// How the text about a name begins.
const MEMBER: &str = "m ";

/// How a string begins that goes on with the one before.
const MORE: char = '+';

/// The longest value of a TXT record, in characters. Source: Route 53 developer guide, "TXT record type".
const VALUE_CHARS_MAX: usize = 4_000;

/// A name that moves, and what its members are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name, in lower case, without the dot at its end.
    pub name: String,
    /// The record types that move.
    pub types: Vec<RecordType>,
    /// The set identifier of old.
    pub old: String,
    /// The set identifier of new.
    pub new: String,
}

/// Returns the members of a router, in the order of its records.
pub(super) fn members_of(router: &Router) -> Vec<Member> {
    let Router::Route53 { records, .. } = router else {
        return Vec::new();
    };
    let member = |record: &super::Record| Member {
        name: bare(&record.name),
        types: record.types.clone(),
        old: record.old.set_identifier.clone(),
        new: record.new.set_identifier.clone(),
    };
    records.iter().map(member).collect()
}

/// Reads from the journal's TXT which members belong together; `None` when it does not say so, or not wholly.
pub fn members(sets: &[RecordSet]) -> Option<Vec<Member>> {
    let mut texts: Vec<String> = Vec::new();
    for string in strings(sets.iter().find(|set| is_journal(set))?)? {
        match string.strip_prefix(MORE) {
            Some(more) => texts.last_mut()?.push_str(more),
            None => texts.push(string),
        }
    }
    let found: Vec<Member> = texts
        .iter()
        .filter_map(|text| text.strip_prefix(MEMBER))
        .map(read_member)
        .collect::<Option<_>>()?;
    Some(found).filter(|found| !found.is_empty())
}

/// Makes the batch that sends everything back to old, from what is stored and nothing else: UPSERT of old with a weight
/// of 100 and of new with 0 for every member that is there, and last of the journal.
///
/// A name and type without a record of old is left as it is, since a group of zeros answers with all of its members;
/// [`without_old`] names those.
pub fn return_batch(
    journal_name: &str,
    members: &[Member],
    entry: &Entry,
    sets: &[RecordSet],
) -> Vec<RecordChange> {
    let pair = WeightPair::ALL_OLD;
    let mut made = Vec::new();
    for (name, kind, member) in slots(members) {
        let weighed = |side: &str, weight: u16| {
            find(sets, name, kind, side).map(|set| RecordSet {
                routing: Routing::Weighted {
                    set_identifier: side.to_owned(),
                    weight,
                },
                ..set.clone()
            })
        };
        if let Some(old) = weighed(&member.old, pair.old().get()) {
            made.push(old);
            made.extend(weighed(&member.new, pair.new_side().get()));
        }
    }
    made.push(journal_set(journal_name, entry, members));
    changes(Verb::Upsert, made)
}

/// Names every name and type that has no record of old to go back to: `pay.example.com A`.
pub fn without_old(members: &[Member], sets: &[RecordSet]) -> Vec<String> {
    slots(members)
        .filter(|(name, kind, member)| find(sets, name, *kind, &member.old).is_none())
        .map(|(name, kind, _)| format!("{name} {}", kind.name()))
        .collect()
}

fn slots(members: &[Member]) -> impl Iterator<Item = (&str, RecordType, &Member)> {
    members.iter().flat_map(|member| {
        member
            .types
            .iter()
            .map(move |kind| (member.name.as_str(), *kind, member))
    })
}

fn find<'s>(
    sets: &'s [RecordSet],
    name: &str,
    kind: RecordType,
    side: &str,
) -> Option<&'s RecordSet> {
    sets.iter().find(|set| {
        set.name == name
            && set.record_type == kind.name()
            && weight_of(set).is_some()
            && matches!(&set.routing, Routing::Weighted { set_identifier, .. } if set_identifier == side)
    })
}

fn is_journal(set: &RecordSet) -> bool {
    set.record_type == "TXT"
        && strings(set)
            .is_some_and(|strings| strings.iter().any(|string| string.starts_with(ENTRY)))
}

/// Makes the journal's record set. Its values are as Route 53 stores them: strings in quotes, with spaces between.
pub(super) fn journal_set(name: &str, entry: &Entry, members: &[Member]) -> RecordSet {
    let mut strings = vec![entry.encode()];
    for member in members {
        strings.extend(cut(&write_member(member)));
    }
    let mut values: Vec<String> = Vec::new();
    for string in strings {
        let quoted = format!("\"{string}\"");
        match values.last_mut() {
            Some(value)
                if value.len().saturating_add(quoted.len()).saturating_add(1)
                    <= VALUE_CHARS_MAX =>
            {
                value.push(' ');
                value.push_str(&quoted);
            }
            _ => values.push(quoted),
        }
    }
    RecordSet {
        name: name.to_owned(),
        record_type: "TXT".to_owned(),
        routing: Routing::Simple,
        ttl_seconds: Some(JOURNAL_TTL_SECONDS),
        values,
        alias: None,
        health_check: None,
    }
}

/// Reads the entry out of every record set of type TXT under the journal's name.
pub fn read_journal(sets: &[&RecordSet]) -> JournalRead {
    let set = match sets {
        [] => return JournalRead::Absent,
        [set] => set,
        _ => return JournalRead::Unreadable(NotAnEntry::Damaged),
    };
    let strings = strings(set).unwrap_or_default();
    let entries: Vec<&String> = strings
        .iter()
        .filter(|string| string.starts_with(ENTRY))
        .collect();
    match entries.as_slice() {
        [entry] => match Entry::decode(entry) {
            Ok(entry) => JournalRead::Entry(entry),
            Err(reason) => JournalRead::Unreadable(reason),
        },
        _ => JournalRead::Unreadable(NotAnEntry::Damaged),
    }
}

/// Takes the strings of all values out of their quotes; `None` when they are not as Route 53 writes them.
fn strings(set: &RecordSet) -> Option<Vec<String>> {
    let mut strings = Vec::new();
    for value in &set.values {
        let mut chars = value.chars();
        loop {
            match chars.next() {
                None => break,
                Some(' ') => {}
                Some('"') => strings.push(unquote(&mut chars)?),
                Some(_) => return None,
            }
        }
    }
    Some(strings)
}

/// Reads up to the closing quote. `\"` and `\\` are themselves; `\101` is a byte in octal.
fn unquote(chars: &mut std::str::Chars<'_>) -> Option<String> {
    let mut string = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(string),
            '\\' => match chars.next()? {
                digit if digit.is_digit(8) => {
                    let code = [digit, chars.next()?, chars.next()?]
                        .iter()
                        .collect::<String>();
                    string.push(char::from(u8::from_str_radix(&code, 8).ok()?));
                }
                other => string.push(other),
            },
            other => string.push(other),
        }
    }
}

fn write_member(member: &Member) -> String {
    let types: Vec<&str> = member.types.iter().map(|kind| kind.name()).collect();
    format!(
        "{MEMBER}{} {} {} {}",
        encode(&member.name),
        types.join(","),
        encode(&member.old),
        encode(&member.new)
    )
}

fn read_member(text: &str) -> Option<Member> {
    let words: Vec<&str> = text.split(' ').collect();
    let [name, types, old, new] = words.as_slice() else {
        return None;
    };
    let kind = |word: &str| {
        [RecordType::A, RecordType::Aaaa, RecordType::Cname]
            .into_iter()
            .find(|kind| kind.name() == word)
    };
    Some(Member {
        name: decode(name)?,
        types: types.split(',').map(kind).collect::<Option<_>>()?,
        old: decode(old)?,
        new: decode(new)?,
    })
}

/// Cuts printable ASCII into strings of at most [`STRING_CHARS_MAX`].
fn cut(text: &str) -> Vec<String> {
    let mut strings: Vec<String> = vec![String::new()];
    for char in text.chars() {
        match strings.last_mut() {
            Some(last) if last.len() < STRING_CHARS_MAX => last.push(char),
            _ => strings.push(format!("{MORE}{char}")),
        }
    }
    strings
}

/// Writes everything but letters, digits and a few harmless characters as `%` and two digits, byte by byte.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~*@:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let code = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&code).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
