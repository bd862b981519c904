//! Weighted record sets in a hosted zone: what is read from them, and the one batch that changes them.

mod members;

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use super::facts::{Act, Change, Live};
use super::gates::Side;
use super::preflight::Routing;
use super::spec::{Adopt, Alias, Answer, Record, RecordType, Router, Target, ZeroMeans};
use crate::weights::{Share, WeightPair, share_answered};
pub use members::{Member, members, read_journal, return_batch, without_old};
use members::{journal_set, members_of};

/// A record set as Route 53 stores it, with everything that an exact DELETE must repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordSet {
    /// Its name, in lower case, without the dot at its end.
    pub name: String,
    /// Its type, as Route 53 writes it.
    pub record_type: String,
    /// How it is chosen.
    pub routing: Routing,
    /// How long answers may be kept, in seconds; `None` for an alias.
    pub ttl_seconds: Option<u32>,
    /// Its values as Route 53 writes them, in their order; empty for an alias.
    pub values: Vec<String>,
    /// The target of an alias.
    pub alias: Option<Alias>,
    /// The id of its health check.
    pub health_check: Option<String>,
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// What becomes of the record set.
    pub verb: Verb,
    /// The record set; for [`Verb::Delete`] exactly as it is stored.
    pub set: RecordSet,
}

/// What becomes of a record set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It goes; refused when it is not exactly so.
    Delete,
    /// It is made; refused when there is one.
    Create,
    /// It is made or replaced.
    Upsert,
}

/// How long the journal may be kept by resolvers, in seconds: ours; nobody but this program and people reads it.
const JOURNAL_TTL_SECONDS: u32 = 60;

/// Returns the name of the journal: `_cutover.` before the first record's name. The `*` of a wildcard becomes `_any`,
/// since it means something at the beginning of a name only. `None` for a listener rule, whose journal is a tag.
pub fn journal_name(router: &Router) -> Option<String> {
    let Router::Route53 { records, .. } = router else {
        return None;
    };
    records.first().map(|record| journal_name_of(&record.name))
}

/// Returns the name of the journal of a shift whose first record has this name.
pub fn journal_name_of(first: &str) -> String {
    let first = bare(first);
    let rest = match first.strip_prefix('*') {
        Some(rest) => format!("_any{rest}"),
        None => first,
    };
    format!("_cutover.{rest}")
}

/// Returns every name whose record sets must be read: those of the records, and the journal's. Sorted; none for a
/// listener rule.
pub fn names(router: &Router) -> Vec<String> {
    let Router::Route53 { records, .. } = router else {
        return Vec::new();
    };
    let names: BTreeSet<String> = records
        .iter()
        .map(|record| bare(&record.name))
        .chain(journal_name(router))
        .collect();
    names.into_iter().collect()
}

/// One name and type that moves.
struct Slot<'a> {
    name: String,
    kind: RecordType,
    record: &'a Record,
}

impl<'a> Slot<'a> {
    fn all(router: &'a Router) -> Vec<Self> {
        let Router::Route53 { records, .. } = router else {
            return Vec::new();
        };
        let mut slots: Vec<Self> = records
            .iter()
            .flat_map(|record| {
                record.types.iter().map(move |kind| Self {
                    name: bare(&record.name),
                    kind: *kind,
                    record,
                })
            })
            .collect();
        slots.sort_by(|one, other| (&one.name, one.kind).cmp(&(&other.name, other.kind)));
        slots.dedup_by(|one, other| (&one.name, one.kind) == (&other.name, other.kind));
        slots
    }

    const fn target(&self, side: Side) -> &Target {
        match side {
            Side::Old => &self.record.old,
            Side::New => &self.record.new,
        }
    }

    fn is_here(&self, set: &RecordSet) -> bool {
        set.name == self.name && set.record_type == self.kind.name()
    }

    /// Finds the member of a side among what is stored.
    fn member<'s>(&self, side: Side, sets: &'s [RecordSet]) -> Option<&'s RecordSet> {
        let wanted = &self.target(side).set_identifier;
        sets.iter().find(|set| {
            self.is_here(set)
                && matches!(&set.routing, Routing::Weighted { set_identifier, .. } if set_identifier == wanted)
        })
    }

    fn simple<'s>(&self, sets: &'s [RecordSet]) -> Option<&'s RecordSet> {
        sets.iter()
            .find(|set| self.is_here(set) && set.routing == Routing::Simple)
    }

    /// Makes the member of a side as it is declared.
    fn declared(&self, side: Side, weight: u16, ttl_seconds: u32) -> RecordSet {
        let target = self.target(side);
        let (ttl_seconds, values, alias) = match &target.answer {
            Answer::Alias(alias) => (None, Vec::new(), Some(alias.clone())),
            Answer::Value(value) => (Some(ttl_seconds), vec![value.clone()], None),
        };
        RecordSet {
            name: self.name.clone(),
            record_type: self.kind.name().to_owned(),
            routing: Routing::Weighted {
                set_identifier: target.set_identifier.clone(),
                weight,
            },
            ttl_seconds,
            values,
            alias,
            health_check: None,
        }
    }
}

/// Reads the router out of the record sets under [`names`], which may contain any others.
///
/// A simple record that may be converted counts as old with a weight of 100. Of names and types that differ, those are
/// reported that send most to new. A health check of new is only compared when one is given and new has a weight; old
/// must have none where a side without a share is isolated.
pub fn read(router: &Router, health_check: Option<&str>, sets: &[RecordSet]) -> Live {
    let slots = Slot::all(router);
    let may_convert = matches!(router, Router::Route53 { adopt, .. } if *adopt == Adopt::Simple);
    let is_isolated = is_isolated(router);
    let mut seen: Vec<(Option<u16>, Option<u16>)> = Vec::new();
    let mut kept: Vec<RecordSet> = Vec::new();
    let mut intact = true;
    for slot in &slots {
        let (old, new) = (slot.member(Side::Old, sets), slot.member(Side::New, sets));
        let simple = slot.simple(sets).filter(|_| may_convert);
        if let Some(set) = old.or(simple) {
            intact &=
                answers_alike(slot, Side::Old, set) && !(is_isolated && set.health_check.is_some());
        }
        if let Some(set) = new {
            let is_checked = health_check.is_none()
                || weight_of(set) == Some(0)
                || set.health_check.as_deref() == health_check;
            intact &= answers_alike(slot, Side::New, set) && is_checked;
        }
        let weight_of_old = old
            .and_then(weight_of)
            .or(simple.map(|_| WeightPair::ALL_OLD.old().get()));
        seen.push((weight_of_old, new.and_then(weight_of)));
        kept.extend([old, new, simple].into_iter().flatten().cloned());
    }
    let ttl_seconds = kept.iter().filter_map(|set| set.ttl_seconds).max();
    let journals: Vec<&RecordSet> = journal_name(router)
        .map(|name| {
            let is_journal = |set: &&RecordSet| set.name == name && set.record_type == "TXT";
            sets.iter().filter(is_journal).collect()
        })
        .unwrap_or_default();
    kept.extend(journals.iter().copied().cloned());
    kept.sort_by(|one, other| sorting(one).cmp(&sorting(other)));
    let weights = |(old, new): &(Option<u16>, Option<u16>)| (old.unwrap_or(0), new.unwrap_or(0));
    let even = seen
        .first()
        .is_none_or(|first| seen.iter().all(|pair| weights(pair) == weights(first)));
    let gravest = seen.iter().max_by_key(|pair| {
        let (old, new) = weights(pair);
        match pair {
            (_, None) => Share::ZERO,
            (_, Some(_)) => share_answered(old, new),
        }
    });
    let (old, new) = gravest.copied().unwrap_or_default();
    Live {
        old,
        new,
        even,
        intact,
        ttl_seconds,
        journal: read_journal(&journals),
        sets: kept,
        groups: Vec::new(),
    }
}

fn is_isolated(router: &Router) -> bool {
    matches!(router, Router::Route53 { zero_means, .. } if *zero_means == ZeroMeans::Isolated)
}

const fn weight_of(set: &RecordSet) -> Option<u16> {
    match &set.routing {
        Routing::Weighted { weight, .. } => Some(*weight),
        Routing::Simple | Routing::Other { .. } => None,
    }
}

fn sorting(set: &RecordSet) -> (&str, &str, &str) {
    let set_identifier = match &set.routing {
        Routing::Simple => "",
        Routing::Weighted { set_identifier, .. } | Routing::Other { set_identifier, .. } => {
            set_identifier
        }
    };
    (&set.name, &set.record_type, set_identifier)
}

/// Tells whether a stored set answers what its side is declared to answer.
fn answers_alike(slot: &Slot<'_>, side: Side, set: &RecordSet) -> bool {
    match (&slot.target(side).answer, &set.alias, set.values.as_slice()) {
        (Answer::Alias(declared), Some(stored), []) => {
            bare(&declared.dns_name) == bare(&stored.dns_name)
                && declared.zone_id == stored.zone_id
                && declared.evaluate_target_health == stored.evaluate_target_health
        }
        (Answer::Value(declared), None, [stored]) => same_value(slot.kind, declared, stored),
        _ => false,
    }
}

fn same_value(kind: RecordType, declared: &str, stored: &str) -> bool {
    let (declared, stored) = (declared.trim(), stored.trim());
    match kind {
        RecordType::A => declared == stored,
        // One address has many spellings.
        RecordType::Aaaa => match (declared.parse::<Ipv6Addr>(), stored.parse::<Ipv6Addr>()) {
            (Ok(declared), Ok(stored)) => declared == stored,
            _ => declared == stored,
        },
        RecordType::Cname => bare(declared) == bare(stored),
    }
}

/// Makes the batch of a change. All of it takes effect, or nothing.
///
/// The order of a change that builds on what was there is: DELETE of the journal as it was, DELETE of every member (or
/// of the simple record that is converted) exactly as it was, CREATE of the journal with the new entry, CREATE of every
/// member as it becomes. Whatever anybody has changed in the meantime, a DELETE or CREATE no longer fits, and the batch
/// is refused whole. [`Act::Renew`] has the journal's part alone. Members become what is declared, with two exceptions:
/// the TTL stays unless the act sets it, and so does a health check of old.
///
/// A change that builds on nothing has UPSERTs only: of old and then new, for every name and type as declared, and last
/// of the journal; of the journal alone for any act but [`Act::Return`], since what is not known cannot be taken away.
///
/// `health_check` is the guard of new: it is put on new by every act and taken off by [`Act::Finish`]. No batch makes
/// both members of a group zero: where the act would keep such weights, that group's members are left as they are.
pub fn batch(router: &Router, health_check: Option<&str>, change: &Change) -> Vec<RecordChange> {
    let Some(journal) = journal_name(router) else {
        return Vec::new();
    };
    let journal = journal_set(&journal, &change.entry, &members_of(router));
    match &change.expected {
        None => upserts(router, health_check, change, journal),
        Some(live) => replacements(router, health_check, change, live, &journal),
    }
}

fn upserts(
    router: &Router,
    health_check: Option<&str>,
    change: &Change,
    journal: RecordSet,
) -> Vec<RecordChange> {
    let ttl_seconds = declared_ttl(router);
    let mut sets = Vec::new();
    if let Act::Return(pair) = change.act {
        for slot in Slot::all(router) {
            sets.push(slot.declared(Side::Old, pair.old().get(), ttl_seconds));
            sets.push(RecordSet {
                health_check: health_check.map(str::to_owned),
                ..slot.declared(Side::New, pair.new_side().get(), ttl_seconds)
            });
        }
    }
    sets.push(journal);
    changes(Verb::Upsert, sets)
}

fn replacements(
    router: &Router,
    health_check: Option<&str>,
    change: &Change,
    live: &Live,
    journal: &RecordSet,
) -> Vec<RecordChange> {
    let is_journal =
        |set: &RecordSet| set.name == journal.name && set.record_type == journal.record_type;
    let (mut gone, mut made): (Vec<RecordSet>, Vec<RecordSet>) = (
        live.sets
            .iter()
            .filter(|set| is_journal(set))
            .cloned()
            .collect(),
        vec![journal.clone()],
    );
    if change.act != Act::Renew {
        for slot in Slot::all(router) {
            let stored = [
                slot.member(Side::Old, &live.sets),
                slot.member(Side::New, &live.sets),
                slot.simple(&live.sets),
            ];
            let becomes = becomes(router, health_check, change.act, &slot, stored);
            if becomes
                .iter()
                .filter_map(weight_of)
                .any(|weight| weight > 0)
            {
                gone.extend(stored.into_iter().flatten().cloned());
                made.extend(becomes);
            }
        }
    }
    let mut all = changes(Verb::Delete, gone);
    all.extend(changes(Verb::Create, made));
    all
}

/// What the members of a name and type become: those of old and new, and a simple record, as they are stored.
fn becomes(
    router: &Router,
    health_check: Option<&str>,
    act: Act,
    slot: &Slot<'_>,
    [old, new, simple]: [Option<&RecordSet>; 3],
) -> Vec<RecordSet> {
    let before = |set: Option<&RecordSet>| set.and_then(weight_of);
    let (ttl_set, weights) = match act {
        Act::Prepare { ttl_seconds } => (ttl_seconds, Some(WeightPair::ALL_OLD)),
        Act::Move(pair) | Act::Return(pair) => (None, Some(pair)),
        Act::Renew => (None, None),
        Act::Finish { ttl_seconds, .. } => (ttl_seconds, None),
    };
    let (weight_of_old, weight_of_new) = match weights {
        Some(pair) => (Some(pair.old().get()), Some(pair.new_side().get())),
        None => (before(old), before(new)),
    };
    let is_finish = matches!(act, Act::Finish { .. });
    let may_stay = match act {
        // Only what nobody is sent to goes.
        Act::Finish { remove_new, .. } => !remove_new || weight_of_new != Some(0),
        Act::Prepare { .. } | Act::Move(_) | Act::Return(_) | Act::Renew => {
            !is_isolated(router) || weight_of_new != Some(0)
        }
    };
    let stored_ttl = [old, simple, new]
        .into_iter()
        .flatten()
        .find_map(|set| set.ttl_seconds);
    let ttl_seconds = ttl_set
        .or(stored_ttl)
        .unwrap_or_else(|| declared_ttl(router));
    let old = weight_of_old.map(|weight| RecordSet {
        health_check: old.or(simple).and_then(|set| set.health_check.clone()),
        ..slot.declared(Side::Old, weight, ttl_seconds)
    });
    let new = weight_of_new.filter(|_| may_stay).map(|weight| {
        let own = new
            .and_then(|set| set.health_check.clone())
            .filter(|stored| !is_finish || health_check != Some(stored.as_str()));
        let guard = health_check.map(str::to_owned).filter(|_| !is_finish);
        RecordSet {
            health_check: guard.or(own),
            ..slot.declared(Side::New, weight, ttl_seconds)
        }
    });
    old.into_iter().chain(new).collect()
}

fn declared_ttl(router: &Router) -> u32 {
    match router {
        Router::Route53 { ttl_seconds, .. } => *ttl_seconds,
        Router::Alb { .. } => 0,
    }
}

fn changes(verb: Verb, sets: Vec<RecordSet>) -> Vec<RecordChange> {
    sets.into_iter()
        .map(|set| RecordChange { verb, set })
        .collect()
}

/// Makes the form in which names are compared: lower case, without the dot at the end.
fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests may overflow")]
mod tests;
