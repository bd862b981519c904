//! Rows with their hashes, and what adds those up.

use cutover_core::validation::digest::Mix;
use cutover_core::validation::plan::{Buckets, Chosen, Method, Strategy};

use super::bucket;
use super::column::{self, Own};
use super::record;
use super::text::{self, NoText};

/// Rows that are hashed by the server.
#[derive(Debug)]
pub(in crate::postgres) struct Hashed<'a> {
    pub(in crate::postgres) method: &'a Method,
    /// What is hashed.
    pub(in crate::postgres) columns: &'a [Own<'a>],
    /// What tells the bucket; empty if that is the hash.
    pub(in crate::postgres) key: &'a [Own<'a>],
    /// Where the rows are: `"public"."payments"`.
    pub(in crate::postgres) from: &'a str,
    /// What else must hold of them.
    pub(in crate::postgres) conditions: &'a [String],
}

impl Hashed<'_> {
    /// The statement that adds rows up by buckets: its number, how many rows, and two digests as text.
    pub(in crate::postgres) fn tally(&self) -> Result<String, NoText> {
        let rows = self.rows(None, false)?;
        let add = match self.method.mix {
            Mix::Xor => "bit_xor",
            Mix::Sum => "sum",
        };
        let [one, other] = self.digests();
        Ok(format!(
            "SELECT b, count(*), {add}({one})::text, {add}({other})::text FROM ({rows}) AS r GROUP BY b"
        ))
    }

    /// The statement that reads keys, if there are any, and the print of each row in these buckets: eight or sixteen bytes.
    pub(in crate::postgres) fn prints(&self, chosen: &Chosen) -> Result<String, NoText> {
        let rows = self.rows(Some(chosen), true)?;
        let print = self.print();
        Ok(if self.key.is_empty() {
            format!("SELECT {print} FROM ({rows}) AS r")
        } else {
            format!("SELECT {}, {print} FROM ({rows}) AS r", self.key_aliases())
        })
    }

    /// The statement that counts rows by their print, of those with one of these.
    pub(in crate::postgres) fn counts(&self, prints: &[u128]) -> Result<String, NoText> {
        let rows = self.rows(None, false)?;
        let wanted: Vec<String> = prints.iter().map(|print| self.literal(*print)).collect();
        let print = self.print();
        Ok(format!(
            "SELECT {print}, count(*) FROM ({rows}) AS r WHERE {print} = ANY (ARRAY[{}]::{}[]) GROUP BY 1",
            wanted.join(","),
            self.print_type()
        ))
    }

    fn key_aliases(&self) -> String {
        let all: Vec<String> = (0..self.key.len())
            .map(|place| format!("k{place}"))
            .collect();
        all.join(", ")
    }

    /// Rows as `b`, `h` and, if they are asked for, `k0`, `k1`, …
    ///
    /// `OFFSET 0` keeps the planner from looking into it. If it did, it would hash twice, and believe in a group for each
    /// row, and sort them on disk.
    fn rows(&self, chosen: Option<&Chosen>, with_key: bool) -> Result<String, NoText> {
        let hash = match self.method.strategy {
            Strategy::TextDigest => text::hash(self.columns, self.method.seed)?,
            Strategy::RecordHash | Strategy::Stream => {
                record::hash(self.columns, self.method.seed)?
            }
        };
        let mut conditions = self.conditions.to_vec();
        let Some(bucket) = bucket::of_key(self.method, self.key)? else {
            let inner = format!(
                "SELECT {hash} AS h FROM {}{} OFFSET 0",
                self.from,
                wanting(&conditions)
            );
            let bucket = bucket::of_hash(self.method, "h");
            let conditions = self.bucket_conditions(&bucket, chosen);
            return Ok(format!(
                "SELECT {bucket} AS b, h FROM ({inner}) AS i{}",
                wanting(&conditions)
            ));
        };
        conditions.extend(self.bucket_conditions(&bucket, chosen));
        let key = if with_key { self.key } else { &[] };
        let mut selected: Vec<String> = key
            .iter()
            .enumerate()
            .map(|(place, column)| format!("{} AS k{place}", column.selected()))
            .collect();
        selected.push(format!("{bucket} AS b, {hash} AS h"));
        Ok(format!(
            "SELECT {} FROM {}{} OFFSET 0",
            selected.join(", "),
            self.from,
            wanting(&conditions)
        ))
    }

    fn bucket_conditions(&self, bucket: &str, chosen: Option<&Chosen>) -> Vec<String> {
        let chosen = chosen.map(|chosen| {
            let ranges = self
                .key
                .first()
                .and_then(|first| bucket::as_ranges(&self.method.buckets, chosen, *first));
            ranges.unwrap_or_else(|| bucket::is_one_of(bucket, chosen))
        });
        let read = bucket::read_by(self.method, bucket);
        chosen.into_iter().chain(read).collect()
    }

    /// The two digests of `h`.
    ///
    /// A record's hash is linear in its columns' hashes. So it is added up by exclusive or alone, beside a hash of it, and
    /// not added at all: that would miss two rows that exchanged a value.
    fn digests(&self) -> [String; 2] {
        let seeds = bucket::digest_seeds(self.method.seed);
        match (self.method.strategy, self.method.mix) {
            (Strategy::TextDigest, _) => [text::eight_bytes("h", 1), text::eight_bytes("h", 9)],
            (_, Mix::Xor) => ["h".to_owned(), format!("hashint8extended(h, {})", seeds[1])],
            (_, Mix::Sum) => seeds.map(|seed| format!("hashtextextended(h::text, {seed})")),
        }
    }

    fn print(&self) -> &'static str {
        match self.method.strategy {
            Strategy::TextDigest => "substr(h, 1, 16)",
            Strategy::RecordHash | Strategy::Stream => "h",
        }
    }

    fn print_type(&self) -> &'static str {
        match self.method.strategy {
            Strategy::TextDigest => "bytea",
            Strategy::RecordHash | Strategy::Stream => "bigint",
        }
    }

    fn literal(&self, print: u128) -> String {
        match self.method.strategy {
            Strategy::TextDigest => format!("'\\x{print:032x}'"),
            Strategy::RecordHash | Strategy::Stream => {
                let [low, _] = crate::canonical::halves(print);
                record::number(low)
            }
        }
    }
}

/// The statement that reads these columns as they come, of the rows in these buckets as far as the server can tell them.
pub(in crate::postgres) fn stream(
    method: &Method,
    columns: &[Own<'_>],
    key: &[Own<'_>],
    (from, conditions): (&str, &[String]),
    chosen: Option<&Chosen>,
) -> Result<String, NoText> {
    let mut conditions = conditions.to_vec();
    if let (Buckets::Ranges { .. }, Some(first)) = (&method.buckets, key.first()) {
        let bucket = bucket::of_key(method, key)?.unwrap_or_else(|| "0".to_owned());
        conditions.extend(bucket::read_by(method, &bucket));
        conditions.extend(chosen.map(|chosen| {
            bucket::as_ranges(&method.buckets, chosen, *first)
                .unwrap_or_else(|| bucket::is_one_of(&bucket, chosen))
        }));
    }
    Ok(format!(
        "SELECT {} FROM {from}{}",
        column::selected(columns),
        wanting(&conditions)
    ))
}

/// Conditions behind `WHERE`, if there are any.
pub(in crate::postgres) fn wanting(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}
