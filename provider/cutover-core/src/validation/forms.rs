//! In which form two columns are compared.
//!
//! One table for all engines: a pair that is not in it is refused, since a comparison that guesses proves nothing.
//!
//! How values come about makes no difference. Identities and counted columns are compared as any other. So are generated
//! columns: a stored one is there to be read, and a virtual one is computed by either engine when it is read, so that two
//! of them are compared by what they give and not by how their expressions are written.

use std::fmt;

use super::catalog::{Column, Engine, Kind};
use super::plan::Form;
use super::side::Both;

/// How many characters a UUID takes as text.
const UUID_CHARS: u64 = 36;

/// How many bytes a UUID takes.
const UUID_BYTES: u64 = 16;

/// Why two columns cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The engines' own names of the types.
    pub types: Both<String>,
    /// The engines.
    pub engines: Both<Engine>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no form in which `{}` of {} and `{}` of {} can be compared",
            self.types.source, self.engines.source, self.types.target, self.engines.target
        )
    }
}

/// Returns the form in which two columns are compared.
///
/// # Errors
/// When the pair of types is not in the table; the column is then left out, and the verdict cannot be *matched*.
pub fn form(source: &Column, target: &Column, engines: &Both<Engine>) -> Result<Form, Refusal> {
    let alike = Alike::of(*engines);
    listed(&source.kind, &target.kind, alike)
        .or_else(|| listed(&target.kind, &source.kind, alike))
        .ok_or_else(|| Refusal {
            types: Both {
                source: source.type_name.clone(),
                target: target.type_name.clone(),
            },
            engines: *engines,
        })
}

/// Which texts of values two servers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alike {
    /// Both are PostgreSQL: everything is printed alike.
    Postgres,
    /// Both are of MySQL's family.
    Mysql,
    /// One of each.
    Neither,
}

impl Alike {
    fn of(engines: Both<Engine>) -> Self {
        match (engines.source, engines.target) {
            (Engine::Postgres, Engine::Postgres) => Self::Postgres,
            (source, target) if source.is_kin(target) => Self::Mysql,
            _ => Self::Neither,
        }
    }
}

/// The table of pairs, each in one direction.
fn listed(one: &Kind, other: &Kind, alike: Alike) -> Option<Form> {
    of_numbers(one, other)
        .or_else(|| of_text(one, other))
        .or_else(|| of_time(one, other))
        .or_else(|| printed(one, other, alike))
}

fn of_numbers(one: &Kind, other: &Kind) -> Option<Form> {
    use Kind::{Bits, Boolean, Float, Integer, Numeric, Year};
    match (one, other) {
        (Integer { .. } | Boolean, Integer { .. } | Boolean)
        // What MySQL's tools write for a boolean.
        | (Bits { length: Some(1) }, Boolean)
        | (Year, Integer { .. }) => Some(Form::Integer),
        (Integer { .. } | Numeric { .. }, Numeric { .. }) => Some(Form::Numeric),
        (Float { .. }, Float { .. }) => Some(Form::Float),
        _ => None,
    }
}

fn of_text(one: &Kind, other: &Kind) -> Option<Form> {
    use Kind::{Bytes, Enum, Json, Set, Text, Uuid};
    match (one, other) {
        (Text { padded: one, .. }, Text { padded: other, .. }) => Some(Form::Text {
            padded: *one || *other,
        }),
        // A word is its own text with every engine.
        (Enum { .. } | Set { .. }, Text { padded, .. }) => Some(Form::Text { padded: *padded }),
        (Bytes { padded: one, .. }, Bytes { padded: other, .. }) => Some(Form::Bytes {
            padded: *one || *other,
        }),
        (Uuid, Uuid) => Some(Form::Uuid),
        (Uuid, Text { length, .. }) if length.is_none_or(|length| length >= UUID_CHARS) => {
            Some(Form::Uuid)
        }
        (Uuid, Bytes { length, .. }) if *length == Some(UUID_BYTES) => Some(Form::Uuid),
        // MariaDB keeps JSON as text.
        (Json { .. }, Json { .. } | Text { padded: false, .. }) => Some(Form::Json),
        _ => None,
    }
}

/// Of differing digits the fewer count. That the others are lost is a finding about the schema.
fn of_time(one: &Kind, other: &Kind) -> Option<Form> {
    use Kind::{Date, Time, Timestamp};
    match (one, other) {
        (Date, Date) => Some(Form::Date),
        (
            Time {
                digits: one,
                zoned: of_one,
            },
            Time {
                digits: other,
                zoned: of_other,
            },
        ) if of_one == of_other => Some(Form::Time {
            digits: *one.min(other),
        }),
        // A moment beside what a clock shows is what AWS DMS makes of MySQL's `TIMESTAMP`: it shows the clock in UTC.
        (Timestamp { digits: one, .. }, Timestamp { digits: other, .. }) => Some(Form::Timestamp {
            digits: *one.min(other),
        }),
        _ => None,
    }
}

/// What is compared by its text, where equal values have equal texts.
fn printed(one: &Kind, other: &Kind, alike: Alike) -> Option<Form> {
    use Kind::{Array, Bits, Enum, Inet, Interval, Other, Set, Year};
    let is_printed_alike = match (one, other) {
        (Enum { .. }, Enum { .. }) => true,
        (Set { .. }, Set { .. })
        | (Year, Year)
        | (Interval, Interval)
        | (Inet, Inet)
        | (Bits { .. }, Bits { .. }) => alike != Alike::Neither,
        (Array(one), Array(other)) => {
            alike == Alike::Postgres && are_elements_printed_alike(one, other)
        }
        // MySQL gives bytes for what it does not print, such as geometry.
        (Other { name: one }, Other { name: other }) => alike == Alike::Postgres && one == other,
        _ => false,
    };
    is_printed_alike.then_some(Form::Printed)
}

fn are_elements_printed_alike(one: &Kind, other: &Kind) -> bool {
    use Kind::{Integer, Text};
    match (one, other) {
        (Integer { .. }, Integer { .. })
        | (Text { padded: false, .. }, Text { padded: false, .. }) => true,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
