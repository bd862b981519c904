//! Counters behind `AUTO_INCREMENT`, and MariaDB's sequences.

use std::fmt::Write as _;

use cutover_core::validation::catalog::{Kind, Made, Sequence, Table};

use super::{Asking, Found};
use crate::mysql::quote;

/// The step of all counters of a server.
const STEP: &str = "SELECT CAST(@@GLOBAL.auto_increment_increment AS CHAR)";

pub(super) async fn read(
    asking: &mut Asking<'_>,
    found: &Found,
) -> Result<Vec<Sequence>, sqlx::Error> {
    let step = match asking.rows(STEP).await?.first() {
        Some(row) => row.number(0)?.unwrap_or(1),
        None => 1,
    };
    let mut sequences = sequences(asking, found, step).await?;
    for (name, table) in &found.tables {
        let next = found.counters.get(name).copied().unwrap_or(1);
        sequences.extend(counter(table, next, step));
    }
    sequences.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(sequences)
}

fn counter(table: &Table, next: i128, increment: i64) -> Option<Sequence> {
    let identity = |made: &Made| matches!(made, Made::Identity { .. });
    let column = table.columns.iter().find(|column| identity(&column.made))?;
    Some(Sequence {
        name: table.name.clone(),
        owner: Some((table.name.clone(), column.name.clone())),
        next,
        increment,
        max: largest(&column.kind),
        cycles: false,
    })
}

/// The largest value of a column that counts. Other kinds than integers are deprecated for it, and as wide as the widest.
fn largest(kind: &Kind) -> i128 {
    match *kind {
        Kind::Integer { bits, unsigned } => {
            let bits = u32::from(bits) - u32::from(!unsigned);
            (1_i128 << bits) - 1
        }
        // `tinyint(1)` holds what any `tinyint` does.
        Kind::Boolean => i128::from(i8::MAX),
        _ => i128::from(i64::MAX),
    }
}

/// Sequences of MariaDB, each read as the one-row table that it is. The next value is the first that is not set aside for
/// some session, so that none at or above it was given.
async fn sequences(
    asking: &mut Asking<'_>,
    found: &Found,
    step: i64,
) -> Result<Vec<Sequence>, sqlx::Error> {
    if found.sequences.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = String::new();
    for (place, name) in found.sequences.iter().enumerate() {
        let union = if place == 0 { "" } else { " UNION ALL " };
        write!(
            statement,
            "{union}SELECT {place}, next_not_cached_value, increment, minimum_value, maximum_value, cycle_option FROM {}",
            quote::table(name)
        )
        .expect("a text takes what is written to it");
    }
    let mut sequences = Vec::new();
    for (row, name) in asking.rows(&statement).await?.iter().zip(&found.sequences) {
        // Without a step of its own it takes the server's.
        let increment = row.number(2)?.filter(|own| *own != 0).unwrap_or(step);
        let end = if increment < 0 { 3 } else { 4 };
        sequences.push(Sequence {
            name: name.clone(),
            owner: None,
            next: row.number(1)?.unwrap_or_default(),
            increment,
            max: row.number(end)?.unwrap_or_default(),
            cycles: row.text(5)? == "1",
        });
    }
    Ok(sequences)
}
