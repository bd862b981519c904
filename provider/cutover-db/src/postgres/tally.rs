//! Adding rows up by their buckets, and reading their prints.

use cutover_core::validation::digest::{Bucket, Tally};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::plan::{Chosen, Method, Strategy, TablePlan};
use cutover_driver::{Piece, Printed, Tallied};

use super::part::{Columns, Part, Reader};
use super::reading::{Reading, Unreadable, no_text, other};
use super::session::Postgres;
use super::sql::hashed::{self, Hashed};
use crate::canonical::{Printer, whole_row_key};

impl Postgres {
    /// Adds up rows.
    pub(super) async fn tally_rows(
        &self,
        plan: &TablePlan,
        method: &Method,
        piece: Piece<'_>,
    ) -> Result<Tallied, DbFailure> {
        let columns = Columns::of(plan, self.side);
        let printer = Printer::of_rows(plan, method.seed);
        self.tally_columns(plan, method, piece, columns, printer)
            .await
    }

    /// Adds up keys as if rows were nothing else.
    pub(super) async fn tally_keys(
        &self,
        plan: &TablePlan,
        method: &Method,
        piece: Piece<'_>,
    ) -> Result<Tallied, DbFailure> {
        let columns = Columns::of(plan, self.side).only_key();
        let printer = if columns.key.is_empty() {
            Printer::of_rows(plan, method.seed)
        } else {
            Printer::of_keys(plan, method.seed)
        };
        self.tally_columns(plan, method, piece, columns, printer)
            .await
    }

    async fn tally_columns(
        &self,
        plan: &TablePlan,
        method: &Method,
        piece: Piece<'_>,
        columns: Columns<'_>,
        printer: Printer,
    ) -> Result<Tallied, DbFailure> {
        let doing = format!("reading {}", plan.names.get(self.side));
        let mut reading = Reading::at(self, doing, piece.snapshot).await?;
        let part = Part::find(&mut reading, plan, &columns, piece, self.side).await?;
        let tally = match method.strategy {
            Strategy::Stream => {
                let reader = Reader::new(&columns.all, printer);
                tally_here(&mut reading, method, &columns, &part, reader).await?
            }
            Strategy::RecordHash | Strategy::TextDigest => {
                tally_there(&mut reading, method, &columns, &part).await?
            }
        };
        reading.finish().await?;
        Ok(Tallied {
            tally,
            last: part.last,
        })
    }

    /// Reads keys and prints of rows in some buckets.
    pub(super) async fn print_rows(
        &self,
        plan: &TablePlan,
        method: &Method,
        piece: Piece<'_>,
        chosen: &Chosen,
    ) -> Result<Printed, DbFailure> {
        let doing = format!("reading keys of {}", plan.names.get(self.side));
        let mut reading = Reading::at(self, doing, piece.snapshot).await?;
        let columns = Columns::of(plan, self.side);
        let part = Part::find(&mut reading, plan, &columns, piece, self.side).await?;
        let rows = match method.strategy {
            Strategy::Stream => {
                let reader = Reader::new(&columns.all, Printer::of_rows(plan, method.seed));
                prints_here(&mut reading, method, &columns, &part, reader, chosen).await?
            }
            Strategy::RecordHash | Strategy::TextDigest => {
                let reader = Reader::new(&columns.key, Printer::of_keys(plan, method.seed));
                prints_there(&mut reading, method, &columns, &part, reader, chosen).await?
            }
        };
        reading.finish().await?;
        Ok(Printed {
            rows,
            last: part.last,
        })
    }
}

type Prints = Vec<(cutover_core::validation::digest::Key, u128)>;

/// Adds up rows in the server.
async fn tally_there(
    reading: &mut Reading,
    method: &Method,
    columns: &Columns<'_>,
    part: &Part,
) -> Result<Tally, DbFailure> {
    let sql = hashed(method, columns, part)
        .tally()
        .map_err(no_text(reading.doing()))?;
    let mut tally = Tally::default();
    for row in reading.all(&sql).await? {
        let number: i32 = reading.get(&row, 0)?;
        let rows: i64 = reading.get(&row, 1)?;
        let digest = [digest(reading, &row, 2)?, digest(reading, &row, 3)?];
        let bucket = Bucket {
            rows: rows.unsigned_abs(),
            digest,
        };
        tally.0.insert(number.unsigned_abs(), bucket);
    }
    Ok(tally)
}

/// Reads a digest that was added up: a number with a sign, and above 64 bits where it is a sum.
fn digest(reading: &Reading, row: &sqlx::postgres::PgRow, place: usize) -> Result<u64, DbFailure> {
    let text: String = reading.get(row, place)?;
    let value: i128 = text.parse().map_err(|_| {
        other(
            reading.doing(),
            "the server sent a digest that is no number",
        )
    })?;
    let [low, _] = crate::canonical::halves(value.cast_unsigned());
    Ok(low)
}

/// Adds up rows that are streamed to us.
async fn tally_here(
    reading: &mut Reading,
    method: &Method,
    columns: &Columns<'_>,
    part: &Part,
    mut reader: Reader,
) -> Result<Tally, DbFailure> {
    let sql = streamed(reading, method, columns, part, None)?;
    let mut buckets = vec![Bucket::default(); index(method.buckets.count())];
    reading
        .copy(&sql, |mut fields| {
            reader.read(&mut fields)?;
            let number = reader.printer.bucket(&method.buckets);
            if method.reads(number) {
                let bucket = buckets.get_mut(index(number)).ok_or(Unreadable)?;
                reader.printer.add_to(bucket, method.mix);
            }
            Ok(())
        })
        .await?;
    let found = (0..).zip(buckets).filter(|(_, bucket)| bucket.rows > 0);
    Ok(Tally(found.collect()))
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("a machine with addresses of 32 bits at least")
}

async fn prints_here(
    reading: &mut Reading,
    method: &Method,
    columns: &Columns<'_>,
    part: &Part,
    mut reader: Reader,
    chosen: &Chosen,
) -> Result<Prints, DbFailure> {
    let sql = streamed(reading, method, columns, part, Some(chosen))?;
    let mut prints = Vec::new();
    reading
        .copy(&sql, |mut fields| {
            reader.read(&mut fields)?;
            let number = reader.printer.bucket(&method.buckets);
            if method.reads(number) && chosen.contains(&number) {
                prints.push((reader.printer.key(), reader.printer.print()));
            }
            Ok(())
        })
        .await?;
    Ok(prints)
}

async fn prints_there(
    reading: &mut Reading,
    method: &Method,
    columns: &Columns<'_>,
    part: &Part,
    mut reader: Reader,
    chosen: &Chosen,
) -> Result<Prints, DbFailure> {
    let sql = hashed(method, columns, part)
        .prints(chosen)
        .map_err(no_text(reading.doing()))?;
    let has_key = !columns.key.is_empty();
    let mut prints = Vec::new();
    reading
        .copy(&sql, |mut fields| {
            reader.read(&mut fields)?;
            let print = print(fields.take()?.ok_or(Unreadable)?)?;
            let key = if has_key {
                reader.printer.key()
            } else {
                whole_row_key(print)
            };
            prints.push((key, print));
            Ok(())
        })
        .await?;
    Ok(prints)
}

/// Reads a print of eight or sixteen bytes.
pub(super) fn print(bytes: &[u8]) -> Result<u128, Unreadable> {
    match bytes.len() {
        8 => Ok(u64::from_be_bytes(bytes.try_into().map_err(|_| Unreadable)?).into()),
        _ => Ok(u128::from_be_bytes(
            bytes.try_into().map_err(|_| Unreadable)?,
        )),
    }
}

fn hashed<'a>(method: &'a Method, columns: &'a Columns<'a>, part: &'a Part) -> Hashed<'a> {
    Hashed {
        method,
        columns: &columns.all,
        key: &columns.key,
        from: &part.from,
        conditions: &part.conditions,
    }
}

fn streamed(
    reading: &Reading,
    method: &Method,
    columns: &Columns<'_>,
    part: &Part,
    chosen: Option<&Chosen>,
) -> Result<String, DbFailure> {
    hashed::stream(
        method,
        &columns.all,
        &columns.key,
        (&part.from, &part.conditions),
        chosen,
    )
    .map_err(no_text(reading.doing()))
}
