//! The rules of values.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::ResourceRecordSet;

/// The longest character string of a TXT value, in bytes: RFC 1035.
const STRING_MAX: usize = 255;

/// Checks the values of a record set.
pub(super) fn check(set: &ResourceRecordSet) -> Result<(), String> {
    let distinct: BTreeSet<&String> = set.values.iter().collect();
    if distinct.len() != set.values.len() {
        return Err(format!(
            "Duplicate Resource Record in RRSet with DNS name {}, type {}",
            set.name, set.record_type
        ));
    }
    if set.values.len() > 1 && matches!(set.record_type.as_str(), "CNAME" | "SOA") {
        return Err(format!(
            "RRSet of type {} with DNS name {} must have exactly one Resource Record",
            set.record_type, set.name
        ));
    }
    for value in &set.values {
        of_type(&set.record_type, value).map_err(|problem| {
            format!(
                "Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
            )
        })?;
    }
    Ok(())
}

fn of_type(record_type: &str, value: &str) -> Result<(), &'static str> {
    match record_type {
        "A" => value
            .parse::<Ipv4Addr>()
            .map(|_| ())
            .map_err(|_| "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"),
        "AAAA" => value
            .parse::<Ipv6Addr>()
            .map(|_| ())
            .map_err(|_| "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"),
        "CNAME" | "NS" | "PTR" => domain(value),
        "TXT" | "SPF" => strings(value),
        _ if value.is_empty() => Err("UnexpectedEmptyValue (Value is empty)"),
        _ => Ok(()),
    }
}

fn domain(value: &str) -> Result<(), &'static str> {
    let name = value.strip_suffix('.').unwrap_or(value);
    if name.split('.').any(str::is_empty) {
        return Err("DomainLabelEmpty (Domain label is empty)");
    }
    if name.split('.').any(|label| label.len() > 63) || name.len() > 255 {
        return Err("DomainNameTooLong (Domain name is too long)");
    }
    Ok(())
}

/// Checks quoted strings with spaces between them.
fn strings(value: &str) -> Result<(), &'static str> {
    const UNQUOTED: &str = "InvalidCharacterString (Value should be enclosed in quotation marks)";
    let mut rest = value.trim_start();
    if rest.is_empty() {
        return Err(UNQUOTED);
    }
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').ok_or(UNQUOTED)?;
        let (length, after) = string_length(quoted).ok_or(UNQUOTED)?;
        if length > STRING_MAX {
            return Err("CharacterStringTooLong (Value is too long)");
        }
        if !after.is_empty() && !after.starts_with([' ', '\t', '"']) {
            return Err(UNQUOTED);
        }
        rest = after.trim_start();
    }
    Ok(())
}

/// Returns the length of a string up to its closing mark, in bytes on the wire, and what follows.
fn string_length(quoted: &str) -> Option<(usize, &str)> {
    let bytes = quoted.as_bytes();
    let (mut at, mut length) = (0, 0);
    loop {
        match bytes.get(at)? {
            b'"' => return Some((length, &quoted[at + 1..])),
            b'\\' => {
                let octal = bytes.get(at + 1..at + 4);
                let is_octal =
                    octal.is_some_and(|code| code.iter().all(|b| (b'0'..=b'7').contains(b)));
                at += if is_octal { 4 } else { 2 };
            }
            byte if !byte.is_ascii() => return None,
            _ => at += 1,
        }
        length += 1;
    }
}
