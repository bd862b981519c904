//! The rules of a change batch.

use std::collections::{BTreeMap, BTreeSet};

use super::super::AwsError;
use super::names::{Key, normal};
use super::{AliasTarget, Change, ChangeAction, HostedZone, Records, ResourceRecordSet, values};

/// The most record sets of a batch, an UPSERT counting twice: AWS's limit.
const ELEMENTS_MAX: usize = 1000;

/// The most characters of all values of a batch: AWS's limit.
const CHARACTERS_MAX: usize = 32_000;

/// The most members of a group: AWS's limit for weighted ones.
const MEMBERS_MAX: usize = 100;

/// The types that there are.
const TYPES: [&str; 17] = [
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV",
    "SSHFP", "SVCB", "TLSA", "TXT",
];

/// Makes all changes, or says everything that is wrong with them. Each change is checked against the state that those
/// before it leave.
pub(super) fn applied(
    zone: &HostedZone,
    before: &Records,
    protected: &BTreeMap<Key, String>,
    changes: &[Change],
    known_check: &dyn Fn(&str) -> bool,
) -> Result<Records, AwsError> {
    check_shape(changes)?;
    let changes: Vec<Change> = changes.iter().map(stored_form).collect();
    let missing = changes.iter().find_map(|change| {
        let check = change.set.health_check_id.as_deref();
        check.filter(|id| change.action != ChangeAction::Delete && !known_check(id))
    });
    if let Some(id) = missing {
        let message = format!("No health check exists with the specified ID: {id}");
        return Err(AwsError::new("NoSuchHealthCheck", 404, message));
    }
    let mut after = before.clone();
    let mut wrong = repeated(&changes);
    for change in &changes {
        let checked = match protected.get(&Key::of(&change.set)) {
            Some(why) => Err(format!("{} is protected: {why}", named(&change.set))),
            None => make(zone, &mut after, change),
        };
        wrong.extend(checked.err());
    }
    wrong.extend(uneven(&after, &changes));
    wrong.extend(apex_lost(zone, &after));
    if wrong.is_empty() {
        return Ok(after);
    }
    Err(AwsError {
        code: "InvalidChangeBatch",
        status: 400,
        messages: wrong,
    })
}

/// Makes one change.
fn make(zone: &HostedZone, records: &mut Records, change: &Change) -> Result<(), String> {
    let (set, key) = (&change.set, Key::of(&change.set));
    match change.action {
        ChangeAction::Delete => {
            let tried = format!("Tried to delete resource record set {}", named(set));
            match records.get(&key) {
                None => return Err(format!("{tried} but it was not found")),
                Some(stored) if stored != set => {
                    return Err(format!(
                        "{tried} but the values provided do not match the current values"
                    ));
                }
                Some(_) => records.remove(&key),
            };
            return Ok(());
        }
        ChangeAction::Create if records.contains_key(&key) => {
            return Err(format!(
                "Tried to create resource record set {} but it already exists",
                named(set)
            ));
        }
        ChangeAction::Create | ChangeAction::Upsert => {}
    }
    check_place(zone, records, set)?;
    check_group(records, set)?;
    set.alias
        .as_ref()
        .map_or(Ok(()), |alias| check_target(zone, records, set, alias))?;
    values::check(set)?;
    records.insert(key, set.clone());
    Ok(())
}

/// Checks what may stand at a name.
fn check_place(
    zone: &HostedZone,
    records: &Records,
    set: &ResourceRecordSet,
) -> Result<(), String> {
    let (name, record_type, apex) = (&set.name, &set.record_type, &zone.name);
    if name != apex && !name.ends_with(&format!(".{apex}")) {
        return Err(format!(
            "RRSet with DNS name {name} is not permitted in zone {apex}"
        ));
    }
    if record_type == "CNAME" && name == apex {
        return Err(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {apex}"
        ));
    }
    let excludes =
        |other: &&ResourceRecordSet| (other.record_type == "CNAME") != (record_type == "CNAME");
    if let Some(other) = Key::under(records, name).find(excludes) {
        return Err(format!(
            "RRSet of type {record_type} with DNS name {name} is not permitted because a conflicting RRSet of type {} \
             with the same DNS name already exists in zone {apex}",
            other.record_type
        ));
    }
    Ok(())
}

/// Checks a record set beside those of the same name and type.
fn check_group(records: &Records, set: &ResourceRecordSet) -> Result<(), String> {
    let others: Vec<_> = Key::range(records, &set.name, &set.record_type).collect();
    let policy = set.policy();
    if let Some(other) = others.iter().find(|other| other.policy() != policy) {
        // A simple record set may be replaced by a simple one alone.
        return Err(format!(
            "RRSet with DNS name {}, type {}, SetIdentifier {} cannot be created because a {} RRSet exists with the \
             same name and type",
            set.name,
            set.record_type,
            set.set_identifier.as_deref().unwrap_or("null"),
            other.policy()
        ));
    }
    let rest = others
        .iter()
        .filter(|other| other.set_identifier != set.set_identifier);
    if rest.count() >= MEMBERS_MAX {
        return Err(format!(
            "Number of records limit of {MEMBERS_MAX} for [Name: {}, Type: {}] exceeded",
            set.name, set.record_type
        ));
    }
    Ok(())
}

/// Checks an alias that leads to a name of the same zone.
fn check_target(
    zone: &HostedZone,
    records: &Records,
    set: &ResourceRecordSet,
    alias: &AliasTarget,
) -> Result<(), String> {
    let tried = format!(
        "Tried to create an alias that targets {}, type {} in zone {}, but",
        alias.dns_name, set.record_type, alias.hosted_zone_id
    );
    if matches!(set.record_type.as_str(), "NS" | "SOA") {
        return Err(format!("{tried} the type must not be NS or SOA"));
    }
    if alias.hosted_zone_id != zone.id {
        return Ok(());
    }
    if alias.dns_name == set.name {
        return Err(format!("{tried} the alias target is the record itself"));
    }
    let found = Key::range(records, &alias.dns_name, &set.record_type).next();
    found
        .map(|_| ())
        .ok_or_else(|| format!("{tried} that target was not found"))
}

/// Finds record sets that are changed more than once, except from one that goes to one that comes.
fn repeated(changes: &[Change]) -> Vec<String> {
    let mut actions: BTreeMap<Key, (&ResourceRecordSet, Vec<ChangeAction>)> = BTreeMap::new();
    for change in changes {
        let entry = actions.entry(Key::of(&change.set));
        entry
            .or_insert((&change.set, Vec::new()))
            .1
            .push(change.action);
    }
    let right = |actions: &[ChangeAction]| {
        matches!(
            actions,
            [_] | [
                ChangeAction::Delete,
                ChangeAction::Create | ChangeAction::Upsert
            ]
        )
    };
    let wrong = actions.into_values().filter(|(_, actions)| !right(actions));
    wrong
        .map(|(set, _)| {
            format!(
                "The request contains an invalid set of changes for a resource record set '{} {}'",
                set.record_type, set.name
            )
        })
        .collect()
}

/// Finds groups that were changed and whose members have more than one TTL.
fn uneven(after: &Records, changes: &[Change]) -> Vec<String> {
    let touched: BTreeSet<(&str, &str)> = changes
        .iter()
        .map(|change| (change.set.name.as_str(), change.set.record_type.as_str()))
        .collect();
    let ttls = |(name, record_type): &(&str, &str)| -> BTreeSet<u64> {
        let members = Key::range(after, name, record_type);
        members
            .filter(|set| set.weight.is_some())
            .filter_map(|set| set.ttl)
            .collect()
    };
    let wrong = touched.into_iter().filter(|group| ttls(group).len() > 1);
    wrong
        .map(|(name, record_type)| {
            format!(
                "All weighted RRSets with DNS name {name}, type {record_type} must have the same TTL"
            )
        })
        .collect()
}

fn apex_lost(zone: &HostedZone, after: &Records) -> Option<String> {
    let has = |record_type| Key::range(after, &zone.name, record_type).next().is_some();
    if !has("SOA") {
        return Some("A HostedZone must contain exactly one SOA record.".to_owned());
    }
    (!has("NS"))
        .then(|| "A HostedZone must contain at least one NS record for the zone itself.".to_owned())
}

fn named(set: &ResourceRecordSet) -> String {
    let (name, record_type) = (&set.name, &set.record_type);
    match &set.set_identifier {
        None => format!("[name='{name}', type='{record_type}']"),
        Some(id) => format!("[name='{name}', type='{record_type}', set identifier='{id}']"),
    }
}

/// Writes a change as it is stored.
fn stored_form(change: &Change) -> Change {
    let alias = change.set.alias.as_ref().map(|alias| AliasTarget {
        dns_name: normal(&alias.dns_name),
        ..alias.clone()
    });
    Change {
        action: change.action,
        set: ResourceRecordSet {
            name: normal(&change.set.name),
            alias,
            ..change.set.clone()
        },
    }
}

/// Checks what can be told without the zone.
fn check_shape(changes: &[Change]) -> Result<(), AwsError> {
    let counted = |change: &Change| {
        if change.action == ChangeAction::Upsert {
            2
        } else {
            1
        }
    };
    let elements: usize = changes
        .iter()
        .map(|change| counted(change) * change.set.values.len().max(1))
        .sum();
    let characters: usize = changes
        .iter()
        .map(|change| counted(change) * change.set.values.iter().map(String::len).sum::<usize>())
        .sum();
    let invalid = |message: String| Err(AwsError::bad("InvalidInput", message));
    if changes.is_empty() {
        return invalid("Invalid request: a change batch needs a change".to_owned());
    }
    if elements > ELEMENTS_MAX || characters > CHARACTERS_MAX {
        let message = format!(
            "Number of records limit of {ELEMENTS_MAX} or of {CHARACTERS_MAX} characters exceeded"
        );
        return Err(AwsError::bad("InvalidChangeBatch", message));
    }
    for (index, change) in changes.iter().enumerate() {
        if let Err(message) = shape_of(index + 1, &change.set) {
            return invalid(message);
        }
    }
    Ok(())
}

fn shape_of(place: usize, set: &ResourceRecordSet) -> Result<(), String> {
    let at =
        |member: &str| format!("changeBatch.changes.{place}.member.resourceRecordSet.{member}");
    let constraint = |value: &str, member: &str, must: &str| {
        Err(format!(
            "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must {must}",
            at(member)
        ))
    };
    let within = format!(
        "in Change with [Name={}, Type={}]",
        set.name, set.record_type
    );
    if !TYPES.contains(&set.record_type.as_str()) {
        return constraint(
            &set.record_type,
            "type",
            &format!("satisfy enum value set: {TYPES:?}"),
        );
    }
    if let Some(weight) = set.weight.filter(|weight| *weight > 255) {
        return constraint(
            &weight.to_string(),
            "weight",
            "have value less than or equal to 255",
        );
    }
    if let Some(ttl) = set.ttl.filter(|ttl| *ttl > 2_147_483_647) {
        return constraint(
            &ttl.to_string(),
            "ttl",
            "have value less than or equal to 2147483647",
        );
    }
    if let Some(id) = &set.set_identifier
        && !(1..=128).contains(&id.chars().count())
    {
        return constraint(id, "setIdentifier", "have length between 1 and 128");
    }
    let policies = set.policies();
    if policies.len() > 1 {
        return Err(format!(
            "Invalid request: Expected at most one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but \
             found more than one {within}"
        ));
    }
    match (policies.is_empty(), &set.set_identifier) {
        (false, None) => {
            return Err(format!(
                "Invalid request: Missing field 'SetIdentifier' {within}"
            ));
        }
        (true, Some(_)) => {
            return Err(format!(
                "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], \
                 but found none {within}"
            ));
        }
        _ => {}
    }
    match (&set.alias, set.ttl, set.values.is_empty()) {
        (Some(_), None, true) | (None, Some(_), false) => Ok(()),
        (None, None, false) => Err(format!("Invalid request: Missing field 'TTL' {within}")),
        (None, _, true) => Err(format!(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
             TrafficPolicyInstanceId], but found none {within}"
        )),
        (Some(_), _, _) => Err(format!(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
             TrafficPolicyInstanceId], but found more than one {within}"
        )),
    }
}
