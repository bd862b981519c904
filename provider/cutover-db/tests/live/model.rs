//! Tables and rows that are kept here, written to either engine, and compared by the plainest of means.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::report::RowDifferenceKind;

/// A value of a cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    /// Hundredths.
    Amount(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// Microseconds since the beginning of 2024.
    Moment(i64),
    Flag(bool),
    Uuid(u128),
    /// An object's members, in the order in which they are written. Their order means nothing.
    Json(Vec<(String, i64)>),
}

impl Cell {
    /// Writes it as a literal.
    pub(crate) fn sql(&self, engine: Engine) -> String {
        let postgres = engine == Engine::Postgres;
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Amount(hundredths) => {
                let sign = if *hundredths < 0 { "-" } else { "" };
                let size = hundredths.unsigned_abs();
                format!("{sign}{}.{:02}", size / 100, size % 100)
            }
            Self::Text(text) if postgres => format!("'{}'", text.replace('\'', "''")),
            Self::Text(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
            Self::Bytes(bytes) => {
                let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let hex = digits.concat();
                if postgres {
                    format!("'\\x{hex}'")
                } else {
                    format!("x'{hex}'")
                }
            }
            Self::Moment(micros) => {
                let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
                let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
                let (hours, minutes) = (of_day / 3_600, of_day / 60 % 60);
                // Days of January are enough here.
                format!(
                    "'2024-01-{:02} {hours:02}:{minutes:02}:{:02}.{rest:06}'",
                    days + 1,
                    of_day % 60
                )
            }
            Self::Flag(flag) => if *flag { "true" } else { "false" }.to_owned(),
            Self::Uuid(bits) => format!("'{}'", uuid(*bits)),
            Self::Json(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\": {value}"))
                    .collect();
                format!("'{{{}}}'", members.join(", "))
            }
        }
    }

    /// Gives it the form in which equal values are equal.
    fn meaning(&self) -> Self {
        match self {
            Self::Json(members) => {
                let members: BTreeMap<_, _> = members.iter().cloned().collect();
                Self::Json(members.into_iter().collect())
            }
            other => other.clone(),
        }
    }
}

/// Writes 128 bits as a UUID.
pub(crate) fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// A table: how it is made, and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Columns, with their types in PostgreSQL and in MariaDB.
    pub(crate) columns: &'static [(&'static str, &'static str, &'static str)],
    /// How many of the first columns are the key.
    pub(crate) key: usize,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// The statement that makes it.
    pub(crate) fn create(&self, engine: Engine) -> String {
        let mut parts: Vec<_> = self
            .columns
            .iter()
            .map(|(name, postgres, mariadb)| {
                let kind = if engine == Engine::Postgres {
                    postgres
                } else {
                    mariadb
                };
                format!("{name} {kind}")
            })
            .collect();
        if self.key > 0 {
            let key: Vec<_> = self.columns[..self.key]
                .iter()
                .map(|(name, ..)| *name)
                .collect();
            parts.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let tail = if engine == Engine::Postgres {
            ""
        } else {
            " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        };
        format!("CREATE TABLE {} ({}){tail}", self.name, parts.join(", "))
    }

    /// The statements that make it hold just these rows.
    pub(crate) fn fill(&self, engine: Engine) -> String {
        let mut script = vec![format!("DELETE FROM {};", self.name)];
        for rows in self.rows.chunks(200) {
            let rows: Vec<_> = rows
                .iter()
                .map(|row| {
                    let cells: Vec<_> = row.iter().map(|cell| cell.sql(engine)).collect();
                    format!("({})", cells.join(", "))
                })
                .collect();
            script.push(format!(
                "INSERT INTO {} VALUES {};",
                self.name,
                rows.join(", ")
            ));
        }
        script.concat()
    }

    /// The key of a row, as a report shows it.
    fn shown(&self, row: &[Cell]) -> String {
        let parts: Vec<_> = row[..self.key]
            .iter()
            .map(|cell| match cell {
                Cell::Integer(number) => number.to_string(),
                Cell::Text(text) => text.clone(),
                Cell::Uuid(bits) => uuid(*bits),
                other => panic!("{other:?} is in no key here"),
            })
            .collect();
        if parts.len() > 1 {
            format!("({})", parts.join(", "))
        } else {
            parts.concat()
        }
    }

    /// What differs between this table, as the source, and another. For a table without a key: how many rows are on one
    /// side only.
    pub(crate) fn against(
        &self,
        target: &Self,
    ) -> BTreeSet<(RowDifferenceKind, String, Vec<String>)> {
        let rows = |table: &Self| -> BTreeMap<Vec<Cell>, Vec<Cell>> {
            let meaning = |row: &Vec<Cell>| row.iter().map(Cell::meaning).collect::<Vec<_>>();
            let keyed = |row: Vec<Cell>| (row[..self.key].to_vec(), row);
            table.rows.iter().map(meaning).map(keyed).collect()
        };
        let (source, target) = (rows(self), rows(target));
        let keys: BTreeSet<_> = source.keys().chain(target.keys()).collect();
        keys.into_iter()
            .filter_map(|key| {
                let (kind, columns) = match (source.get(key), target.get(key)) {
                    (Some(_), None) => (RowDifferenceKind::Missing, Vec::new()),
                    (None, Some(_)) => (RowDifferenceKind::Extra, Vec::new()),
                    (Some(left), Some(right)) if left != right => {
                        let mut names: Vec<_> = self
                            .columns
                            .iter()
                            .zip(left.iter().zip(right))
                            .filter(|(_, (left, right))| left != right)
                            .map(|((name, ..), _)| (*name).to_owned())
                            .collect();
                        names.sort();
                        (RowDifferenceKind::Different, names)
                    }
                    _ => return None,
                };
                Some((kind, self.shown(key), columns))
            })
            .collect()
    }

    /// Of a table without a key: for each row that is not there as often on both sides, how often it is on each.
    pub(crate) fn copies_against(&self, target: &Self) -> Vec<(u64, u64)> {
        let mut copies: BTreeMap<Vec<Cell>, (u64, u64)> = BTreeMap::new();
        for row in &self.rows {
            let row = row.iter().map(Cell::meaning).collect();
            copies.entry(row).or_default().0 += 1;
        }
        for row in &target.rows {
            let row = row.iter().map(Cell::meaning).collect();
            copies.entry(row).or_default().1 += 1;
        }
        let mut differing: Vec<_> = copies
            .into_values()
            .filter(|(source, target)| source != target)
            .collect();
        differing.sort_unstable();
        differing
    }
}

/// A payment system with so many payments.
pub(crate) fn payments(count: i64) -> Vec<Table> {
    let text = |text: String| Cell::Text(text);
    let status = |i: i64| ["pending", "settled", "failed"][usize::try_from(i % 3).unwrap_or(0)];
    vec![
        Table {
            name: "payments",
            columns: &[
                ("id", "bigint", "bigint"),
                ("amount", "numeric(12,2)", "decimal(12,2)"),
                ("currency", "char(3)", "char(3)"),
                ("status", "varchar(20)", "varchar(20)"),
                ("note", "text", "text"),
                ("raw", "bytea", "blob"),
                ("refunded", "boolean", "boolean"),
                ("metadata", "jsonb", "json"),
                ("created_at", "timestamp(6)", "datetime(6)"),
            ],
            key: 1,
            rows: (1..=count)
                .map(|i| {
                    vec![
                        Cell::Integer(i),
                        Cell::Amount(i * 7_919 % 100_000 - 500),
                        text(["EUR", "USD"][usize::try_from(i % 2).unwrap_or(0)].to_owned()),
                        text(status(i).to_owned()),
                        match i % 4 {
                            0 => Cell::Null,
                            1 => text(String::new()),
                            _ => text(format!("Überweisung {i} 💶")),
                        },
                        Cell::Bytes(i.to_be_bytes().to_vec()),
                        Cell::Flag(i % 9 == 0),
                        Cell::Json(vec![("attempt".into(), i % 4), ("channel".into(), 7)]),
                        Cell::Moment(i * 1_000_123),
                    ]
                })
                .collect(),
        },
        Table {
            name: "transactions",
            columns: &[
                ("reference", "varchar(40)", "varchar(40)"),
                ("part", "integer", "integer"),
                ("amount", "numeric(12,2)", "decimal(12,2)"),
            ],
            key: 2,
            rows: (1..=count)
                .map(|i| {
                    vec![
                        text(format!(
                            "{}-{}",
                            ["ab", "Äb", "zz"][usize::try_from(i % 3).unwrap_or(0)],
                            i / 3
                        )),
                        Cell::Integer(i % 5),
                        Cell::Amount(i * 31),
                    ]
                })
                .collect(),
        },
        Table {
            name: "customers",
            columns: &[
                ("id", "uuid", "char(36)"),
                ("name", "varchar(80)", "varchar(80)"),
            ],
            key: 1,
            rows: (1..=count)
                .map(|i| {
                    let bits = u128::from(i.unsigned_abs())
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                    vec![Cell::Uuid(bits), text(format!("Customer {i}"))]
                })
                .collect(),
        },
        Table {
            name: "audit_log",
            columns: &[
                ("payment_id", "bigint", "bigint"),
                ("event", "varchar(20)", "varchar(20)"),
            ],
            key: 0,
            // Every third row is there twice.
            rows: (1..=count)
                .flat_map(|i| {
                    let row = vec![Cell::Integer(i), text(status(i).to_owned())];
                    std::iter::repeat_n(row, if i % 3 == 0 { 2 } else { 1 })
                })
                .collect(),
        },
    ]
}
