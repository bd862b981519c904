//! Rows by their keys, and rows that changed.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::validation::digest::{Key, KeyPart, RowPrint};
use cutover_core::validation::facts::{DbFailure, Horizon};
use cutover_core::validation::plan::{Method, Strategy, TablePlan};

use super::part::{Columns, Reader};
use super::quote;
use super::reading::{Reading, Unreadable, no_text};
use super::session::Postgres;
use super::sql::column;
use super::sql::hashed::Hashed;
use super::sql::key;
use super::tally::print;
use crate::canonical::{Printer, whole_row_key};

/// Half of the numbers that transactions have before they begin anew.
const HALF_OF_NUMBERS: u64 = 1 << 31;

impl Postgres {
    /// Reads rows by their keys, with a print of each column.
    pub(super) async fn rows_by_key(
        &self,
        plan: &TablePlan,
        method: &Method,
        keys: &[Key],
    ) -> Result<Vec<RowPrint>, DbFailure> {
        let columns = Columns::of(plan, self.side);
        if columns.key.is_empty() {
            return self.count_by_print(plan, method, &columns, keys).await;
        }
        let table = plan.names.get(self.side);
        let mut reading = Reading::now(self, format!("reading rows of {table} again")).await?;
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            column::selected(&columns.all),
            quote::table(table),
            key::is_one_of(&columns.key, keys)
        );
        let wanted: BTreeSet<&Key> = keys.iter().collect();
        let mut reader = Reader::new(&columns.all, Printer::of_rows(plan, method.seed));
        let mut found = Vec::new();
        reading
            .copy(&sql, |mut fields| {
                reader.read(&mut fields)?;
                let key = reader.printer.key();
                // The server's equality may be wider than ours: blanks at the end, collations.
                if wanted.contains(&key) {
                    let columns = reader.printer.columns();
                    found.push(RowPrint { key, columns });
                }
                Ok(())
            })
            .await?;
        reading.finish().await?;
        Ok(found)
    }

    /// Counts the rows that have one of these prints.
    async fn count_by_print(
        &self,
        plan: &TablePlan,
        method: &Method,
        columns: &Columns<'_>,
        keys: &[Key],
    ) -> Result<Vec<RowPrint>, DbFailure> {
        let wanted: BTreeSet<u128> = keys.iter().filter_map(print_of).collect();
        let table = plan.names.get(self.side);
        let mut reading = Reading::now(self, format!("counting rows of {table} again")).await?;
        let mut counts: BTreeMap<u128, u64> = BTreeMap::new();
        if method.strategy == Strategy::Stream {
            let sql = format!(
                "SELECT {} FROM {}",
                column::selected(&columns.all),
                quote::table(table)
            );
            let mut reader = Reader::new(&columns.all, Printer::of_rows(plan, method.seed));
            reading
                .copy(&sql, |mut fields| {
                    reader.read(&mut fields)?;
                    let print = reader.printer.print();
                    if wanted.contains(&print) {
                        *counts.entry(print).or_default() += 1;
                    }
                    Ok(())
                })
                .await?;
        } else {
            let wanted: Vec<u128> = wanted.into_iter().collect();
            let sql = Hashed {
                method,
                columns: &columns.all,
                key: &[],
                from: &quote::table(table),
                conditions: &[],
            }
            .counts(&wanted)
            .map_err(no_text(reading.doing()))?;
            reading
                .copy(&sql, |mut fields| {
                    let print = print(fields.take()?.ok_or(Unreadable)?)?;
                    let count = super::wire::integer(fields.take()?.ok_or(Unreadable)?)?;
                    counts.insert(print, count.unsigned_abs());
                    Ok(())
                })
                .await?;
        }
        reading.finish().await?;
        let found = counts.into_iter().map(|(print, count)| RowPrint {
            key: whole_row_key(print),
            columns: vec![count],
        });
        Ok(found.collect())
    }

    /// Counts the rows of a table.
    pub(super) async fn count_rows(&self, plan: &TablePlan) -> Result<u64, DbFailure> {
        let table = plan.names.get(self.side);
        let mut reading = Reading::now(self, format!("counting {table}")).await?;
        let sql = format!("SELECT count(*) FROM {}", quote::table(table));
        let row = reading.one(&sql).await?;
        let count: i64 = reading.get(&row, 0)?;
        reading.finish().await?;
        Ok(count.unsigned_abs())
    }

    /// Reads the transaction from which on rows count as changed: the oldest that still runs.
    pub(super) async fn read_horizon(&self) -> Result<Horizon, DbFailure> {
        let mut reading = Reading::now(self, "reading which transactions run".to_owned()).await?;
        let row = reading
            .one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            .await?;
        let oldest: i64 = reading.get(&row, 0)?;
        reading.finish().await?;
        Ok(Horizon::Transaction(oldest.unsigned_abs()))
    }

    /// Reads the keys of rows that a transaction wrote since; `None` where that cannot be told.
    pub(super) async fn touched_keys(
        &self,
        plan: &TablePlan,
        Horizon::Transaction(since): &Horizon,
    ) -> Result<Option<Vec<Key>>, DbFailure> {
        let columns = Columns::of(plan, self.side);
        let Horizon::Transaction(now) = self.read_horizon().await?;
        // Rows keep 32 bits of a transaction's number. From half of them on, later ones look earlier.
        if columns.key.is_empty() || now.saturating_sub(*since) >= HALF_OF_NUMBERS {
            return Ok(None);
        }
        let table = plan.names.get(self.side);
        let mut reading = Reading::now(self, format!("reading what changed in {table}")).await?;
        // Both ages are counted from the same number, so that they can be compared however far it went. A number that
        // belongs to no transaction is of the highest age, and then all rows count as changed.
        let sql = format!(
            "SELECT {} FROM {} WHERE age(xmin) <= (SELECT age('{}'::xid))",
            column::selected(&columns.key),
            quote::table(table),
            since % (2 * HALF_OF_NUMBERS)
        );
        let mut reader = Reader::new(&columns.key, Printer::of_keys(plan, 0));
        let mut keys = Vec::new();
        reading
            .copy(&sql, |mut fields| {
                reader.read(&mut fields)?;
                keys.push(reader.printer.key());
                Ok(())
            })
            .await?;
        reading.finish().await?;
        Ok(Some(keys))
    }
}

/// The print that a key of a table without one is.
fn print_of(key: &Key) -> Option<u128> {
    match key.0.as_slice() {
        [KeyPart::Bytes(bytes)] => Some(u128::from_be_bytes(bytes.as_slice().try_into().ok()?)),
        _ => None,
    }
}
