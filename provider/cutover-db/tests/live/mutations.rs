//! A copy is changed at random, and the finding compared with the change.

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::plan::Strategy as Hashing;
use cutover_core::validation::report::Verdict;
use cutover_core::validation::side::Side;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::given::{Pair, differences, rows_of_all_tables, table};
use crate::model::{Cell, Table, payments};

/// Rows of each table: enough for many buckets, few enough to be written anew for every case.
const ROWS: i64 = 400;

/// How many changed copies are looked at, for each pair of engines and each way of hashing: ours.
const CASES: u32 = 12;

/// A change of the target. Places count modulo what there is.
#[derive(Clone, Debug)]
enum Mutation {
    /// The smallest change of one cell: a bit, a cent, a microsecond.
    Flip {
        table: usize,
        row: usize,
        column: usize,
    },
    /// Empty text or null, whatever it was not.
    NullOrEmpty { row: usize },
    /// A row of the source is missing.
    Missing { table: usize, row: usize },
    /// A row more than the source has.
    Extra { table: usize, row: usize },
    /// Two rows exchange the values of a column.
    Exchange { table: usize, rows: (usize, usize) },
    /// A row without a key is there once more.
    Doubled { row: usize },
    /// Rows are written in another order: no difference.
    Reordered { table: usize },
    /// Members of JSON are written in another order: no difference.
    Rewritten { row: usize },
}

fn a_mutation() -> impl Strategy<Value = Mutation> {
    let (table, row) = (0..4_usize, any::<usize>());
    prop_oneof![
        4 => (table.clone(), row, any::<usize>())
            .prop_map(|(table, row, column)| Mutation::Flip { table, row, column }),
        1 => row.prop_map(|row| Mutation::NullOrEmpty { row }),
        2 => (table.clone(), row).prop_map(|(table, row)| Mutation::Missing { table, row }),
        2 => (table.clone(), row).prop_map(|(table, row)| Mutation::Extra { table, row }),
        2 => (table.clone(), any::<(usize, usize)>())
            .prop_map(|(table, rows)| Mutation::Exchange { table, rows }),
        1 => row.prop_map(|row| Mutation::Doubled { row }),
        1 => table.prop_map(|table| Mutation::Reordered { table }),
        1 => row.prop_map(|row| Mutation::Rewritten { row }),
    ]
}

fn flip(cell: &mut Cell) {
    match cell {
        Cell::Null => {}
        Cell::Integer(number) | Cell::Amount(number) | Cell::Moment(number) => *number ^= 1,
        // The lowest bit of the last ASCII letter or digit, which makes another of them or a sign.
        Cell::Text(text) => {
            let last = text.pop();
            text.push(match last {
                Some(last) if last.is_ascii_alphanumeric() => {
                    char::from_u32(u32::from(last) ^ 1).unwrap_or('x')
                }
                _ => 'x',
            });
        }
        Cell::Bytes(bytes) => {
            if let Some(byte) = bytes.last_mut() {
                *byte ^= 1;
            }
        }
        Cell::Flag(flag) => *flag = !*flag,
        Cell::Uuid(bits) => *bits ^= 1,
        Cell::Json(members) => members[0].1 ^= 1,
    }
}

fn apply(tables: &mut [Table], mutation: &Mutation) {
    match mutation {
        Mutation::Flip { table, row, column } => {
            let table = &mut tables[*table];
            let (rows, columns) = (table.rows.len(), table.columns.len() - table.key);
            // Keys stay: a changed one is a missing and an extra row.
            flip(&mut table.rows[row % rows][table.key + column % columns]);
        }
        Mutation::NullOrEmpty { row } => {
            let rows = tables[0].rows.len();
            let note = &mut tables[0].rows[row % rows][4];
            *note = match note {
                Cell::Null => Cell::Text(String::new()),
                _ => Cell::Null,
            };
        }
        Mutation::Missing { table, row } => {
            let rows = &mut tables[*table].rows;
            rows.remove(row % rows.len());
        }
        Mutation::Extra { table, row } => {
            let table = &mut tables[*table];
            let mut new = table.rows[row % table.rows.len()].clone();
            match &mut new[0] {
                Cell::Integer(number) => *number += 1_000_000,
                Cell::Text(text) => text.push('+'),
                Cell::Uuid(bits) => *bits = !*bits,
                other => panic!("{other:?} is no first column here"),
            }
            // Another mutation may have made the same.
            let key = table.key;
            if key == 0 || !table.rows.iter().any(|row| row[..key] == new[..key]) {
                table.rows.push(new);
            }
        }
        Mutation::Exchange { table, rows } => {
            let table = &mut tables[*table];
            let (count, column) = (table.rows.len(), table.columns.len() - 1);
            let (one, other) = (rows.0 % count, rows.1 % count);
            let kept = table.rows[one][column].clone();
            table.rows[one][column] = table.rows[other][column].clone();
            table.rows[other][column] = kept;
        }
        Mutation::Doubled { row } => {
            let rows = &mut tables[3].rows;
            rows.push(rows[row % rows.len()].clone());
        }
        Mutation::Reordered { table } => tables[*table].rows.reverse(),
        Mutation::Rewritten { row } => {
            let rows = tables[0].rows.len();
            if let Cell::Json(members) = &mut tables[0].rows[row % rows][7] {
                members.reverse();
            }
        }
    }
}

/// Whatever is changed in the target is found and named, and nothing else is.
fn check(source: Engine, target: Engine, strategy: Option<Hashing>) {
    let pair = Pair::new(source, target);
    let original = payments(ROWS);
    for side in Side::BOTH {
        for table in &original {
            pair.run(side, &table.create(pair.engine(side)));
            pair.run(side, &table.fill(pair.engine(side)));
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        // A case takes some tenths of a second.
        max_shrink_iters: 40,
        ..Config::default()
    });
    let property = |mutations: Vec<Mutation>| {
        let mut changed = original.clone();
        for mutation in &mutations {
            apply(&mut changed, mutation);
        }
        for table in &changed {
            pair.run(Side::Target, &table.fill(target));
        }
        let mut spec = rows_of_all_tables();
        spec.strategy = strategy;

        let report = runtime.block_on(pair.validate(spec));

        let mut any = false;
        for (before, after) in original.iter().zip(&changed) {
            let found = table(&report, before.name);
            if before.key == 0 {
                let mut copies: Vec<_> = found
                    .differences
                    .rows
                    .iter()
                    .filter_map(|row| row.copies.as_ref())
                    .map(|copies| (copies.source, copies.target))
                    .collect();
                copies.sort_unstable();
                let expected = before.copies_against(after);
                any |= !expected.is_empty();
                prop_assert_eq!(copies, expected, "{}", before.name);
            } else {
                let expected: Vec<_> = before.against(after).into_iter().collect();
                any |= !expected.is_empty();
                prop_assert_eq!(differences(found), expected, "{}", before.name);
            }
            prop_assert_eq!(
                found.rows.target,
                u64::try_from(after.rows.len()).unwrap_or(0)
            );
        }
        let expected = if any {
            Verdict::Mismatched
        } else {
            Verdict::Matched
        };
        prop_assert_eq!(report.verdict, expected, "{:?}", report.reasons);
        Ok(())
    };
    runner
        .run(&prop::collection::vec(a_mutation(), 0..6), property)
        .unwrap_or_else(|error| panic!("{error}"));
}

/// D22, D23, D30
#[test]
fn a_changed_copy_of_postgresql_is_found_out_by_record_hashes() {
    check(Engine::Postgres, Engine::Postgres, None);
}

/// D22, D23, D30
#[test]
fn a_changed_copy_of_postgresql_is_found_out_by_streams() {
    check(Engine::Postgres, Engine::Postgres, Some(Hashing::Stream));
}

/// D22, D23, D30
#[test]
fn a_changed_copy_of_mariadb_is_found_out() {
    check(Engine::Mariadb, Engine::Mariadb, None);
}

/// D22, D23, D30
#[test]
fn a_changed_copy_of_mariadb_in_postgresql_is_found_out() {
    check(Engine::Mariadb, Engine::Postgres, None);
}

/// D22, D23, D30
#[test]
fn a_changed_copy_of_postgresql_in_mariadb_is_found_out() {
    check(Engine::Postgres, Engine::Mariadb, None);
}
