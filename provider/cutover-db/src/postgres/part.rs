//! Pieces of tables as they stand behind `FROM` and `WHERE`, and rows as they are read.

use cutover_core::validation::catalog::{Kind, TableName};
use cutover_core::validation::digest::Key;
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::plan::{Span, TablePlan};
use cutover_core::validation::side::Side;
use cutover_driver::Piece;

use super::copy::Fields;
use super::quote;
use super::reading::{Reading, Unreadable, unsupported};
use super::sql::column::{self, Own};
use super::sql::hashed::wanting;
use super::sql::key::{self, Bound};
use super::wire::Wire;
use crate::canonical::Printer;

/// A piece of a table.
#[derive(Debug)]
pub(super) struct Part {
    /// What stands behind `FROM`.
    pub(super) from: String,
    /// What must hold of its rows.
    pub(super) conditions: Vec<String>,
    /// The key of its last row, where it is one of several that follow each other.
    pub(super) last: Option<Key>,
}

/// The columns of a table, of one side.
#[derive(Debug)]
pub(super) struct Columns<'p> {
    /// All that are compared.
    pub(super) all: Vec<Own<'p>>,
    /// Those of the key; none where the whole row is the key.
    pub(super) key: Vec<Own<'p>>,
}

impl<'p> Columns<'p> {
    pub(super) fn of(plan: &'p TablePlan, side: Side) -> Self {
        Self {
            all: Own::all(&plan.columns, side),
            key: Own::all(plan.key_columns(), side),
        }
    }

    /// Those of the key alone, as if there were no others; all, where the whole row is the key.
    pub(super) fn only_key(mut self) -> Self {
        if !self.key.is_empty() {
            self.all.clone_from(&self.key);
        }
        self
    }
}

/// Reads rows as they arrive into a printer.
#[derive(Debug)]
pub(super) struct Reader {
    wires: Vec<Wire>,
    scratch: Vec<u8>,
    pub(super) printer: Printer,
}

impl Reader {
    /// Makes a reader of columns, and a printer of the same.
    pub(super) fn new(columns: &[Own<'_>], printer: Printer) -> Self {
        Self {
            wires: columns.iter().map(Own::wire).collect(),
            scratch: Vec::new(),
            printer,
        }
    }

    /// Reads the columns of a row; what follows them is left.
    pub(super) fn read(&mut self, fields: &mut Fields<'_>) -> Result<(), Unreadable> {
        self.printer.begin();
        for wire in &self.wires {
            match fields.take()? {
                Some(value) => wire.push(value, &mut self.printer, &mut self.scratch)?,
                None => self.printer.null(),
            }
        }
        Ok(())
    }
}

impl Part {
    /// Finds out what a piece is. Of one that is so many rows after a key, the last row is looked for first, so that rows
    /// that come and go meanwhile belong to this piece or the next, and to one alone.
    pub(super) async fn find(
        reading: &mut Reading,
        plan: &TablePlan,
        columns: &Columns<'_>,
        piece: Piece<'_>,
        side: Side,
    ) -> Result<Self, DbFailure> {
        let table = plan.names.get(side);
        match piece.span {
            Span::Whole => Ok(Self::of(quote::table(table), Vec::new())),
            Span::Blocks {
                piece: number,
                from,
                until,
            } => match piece.layout.pieces.get(*number) {
                Some((part, _)) => Ok(Self::blocks(part, *from, *until)),
                None => Err(unsupported(
                    reading.doing(),
                    "the table has no such partition any more; read its layout again",
                )),
            },
            Span::Range { from, until } => {
                let Some(first) = columns.key.first() else {
                    return Err(without_key(reading));
                };
                Ok(Self::range(quote::table(table), *first, *from, *until))
            }
            Span::After { key, rows } => {
                let table = quote::table(table);
                Self::after(reading, plan, columns, table, key.as_ref(), *rows).await
            }
        }
    }

    fn of(from: String, conditions: Vec<String>) -> Self {
        Self {
            from,
            conditions,
            last: None,
        }
    }

    fn blocks(table: &TableName, from: u32, until: Option<u32>) -> Self {
        let mut conditions = vec![format!("ctid >= '({from},0)'::tid")];
        conditions.extend(until.map(|until| format!("ctid < '({until},0)'::tid")));
        Self::of(format!("ONLY {}", quote::table(table)), conditions)
    }

    fn range(table: String, first: Own<'_>, from: Option<i64>, until: Option<i64>) -> Self {
        let name = first.name();
        let type_name = match first.kind() {
            Kind::Integer { .. } => "bigint",
            _ => "numeric",
        };
        let above = from.map(|from| format!("{name} >= '{from}'::{type_name}"));
        let below = until.map(|until| format!("{name} < '{until}'::{type_name}"));
        Self::of(table, above.into_iter().chain(below).collect())
    }

    async fn after(
        reading: &mut Reading,
        plan: &TablePlan,
        columns: &Columns<'_>,
        table: String,
        key: Option<&Key>,
        rows: u32,
    ) -> Result<Self, DbFailure> {
        if columns.key.is_empty() {
            return Err(without_key(reading));
        }
        let unordered = |reading: &Reading| {
            unsupported(
                reading.doing(),
                "the server's order of this key is not that of the values that are compared; read the table by blocks",
            )
        };
        let mut conditions = Vec::new();
        if let Some(key) = key {
            let beyond = key::beyond(&columns.key, Bound::After, key);
            conditions.push(beyond.ok_or_else(|| unordered(reading))?);
        }
        let names: Vec<String> = columns.key.iter().map(Own::name).collect();
        let last = format!(
            "SELECT {} FROM {table}{} ORDER BY {} OFFSET {} LIMIT 1",
            column::selected(&columns.key),
            wanting(&conditions),
            names.join(", "),
            rows.saturating_sub(1)
        );
        let mut reader = Reader::new(&columns.key, Printer::of_keys(plan, 0));
        let mut found = None;
        reading
            .copy(&last, |mut fields| {
                reader.read(&mut fields)?;
                found = Some(reader.printer.key());
                Ok(())
            })
            .await?;
        if let Some(last) = &found {
            let up_to = key::beyond(&columns.key, Bound::UpTo, last);
            conditions.push(up_to.ok_or_else(|| unordered(reading))?);
        }
        Ok(Self {
            from: table,
            conditions,
            last: found,
        })
    }
}

fn without_key(reading: &Reading) -> DbFailure {
    unsupported(
        reading.doing(),
        "a table without a key has no order to be read in; read it by blocks or as a whole",
    )
}
