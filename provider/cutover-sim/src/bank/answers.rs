//! What a simulated database answers.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::catalog::{
    Catalog, Column, Engine, Kind, Made, Server, Table, TableName, Tls,
};
use cutover_core::validation::digest::{Key, RowPrint};
use cutover_core::validation::facts::{DbFailureClass, Figures, Horizon, Position};
use cutover_core::validation::plan::{Chosen, KeyPlan, Method, SumsPlan, TablePlan};
use cutover_core::validation::side::Side;
use cutover_driver::{Piece, Printed, Snapshot, Tallied};

use super::database::Answer;
use super::rows::{SimTable, bucket};
use super::{BankState, Moment, SimServer};

impl SimServer {
    /// How long it takes to read so many rows: never nothing.
    pub(super) fn time_of(&self, rows: u64) -> Duration {
        let millis = rows.saturating_mul(1_000) / self.rows_per_second.max(1);
        Duration::from_millis(millis.max(1))
    }
}

pub(super) fn server(state: &BankState, side: Side) -> Server {
    let server = state.servers.get(side);
    let (version, version_number) = match server.engine {
        Engine::Postgres => ("15.18", 150_018),
        Engine::Mysql => ("8.0.40", 80_040),
        Engine::Mariadb => ("10.11.19", 101_119),
    };
    Server {
        engine: server.engine,
        version: version.to_owned(),
        version_number,
        identity: server.identity.clone(),
        // Tables are kept under the name of a schema, which is that of the database with MySQL.
        database: "public".to_owned(),
        is_replica: false,
        tls: Some(Tls {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            verified: true,
        }),
        can_write: false,
        max_packet: None,
    }
}

pub(super) fn catalog(state: &BankState, side: Side) -> Catalog {
    let tables = state.servers.get(side).tables.iter();
    Catalog {
        tables: tables.map(|(name, table)| described(name, table)).collect(),
        sequences: Vec::new(),
    }
}

fn described(name: &TableName, table: &SimTable) -> Table {
    let column = |column: &String| Column {
        name: column.clone(),
        kind: Kind::Integer {
            bits: 64,
            unsigned: false,
        },
        type_name: "bigint".to_owned(),
        nullable: false,
        default: None,
        made: Made::Given,
        collation: None,
        deterministic: true,
    };
    let rows = table.rows.len() as u64;
    Table {
        name: name.clone(),
        columns: table.columns.iter().map(column).collect(),
        primary_key: table.keyed.then(|| vec!["id".to_owned()]),
        indexes: Vec::new(),
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        triggers: Vec::new(),
        partitioning: None,
        estimated_rows: rows,
        bytes: rows * 100,
        readable: true,
        hides_rows: false,
    }
}

pub(super) fn table<'s>(
    state: &'s BankState,
    side: Side,
    plan: &TablePlan,
) -> Result<&'s SimTable, DbFailureClass> {
    let tables = &state.servers.get(side).tables;
    tables
        .get(plan.names.get(side))
        .ok_or(DbFailureClass::Missing)
}

pub(super) fn open_snapshot(state: &mut BankState, side: Side) -> Option<Snapshot> {
    // By the number of the statement, so that it ends with a statement whose answer nobody waits for.
    let name = format!("{side}-{}", state.next);
    let server = state.servers.get_mut(side);
    if server.engine != Engine::Postgres {
        return None;
    }
    let moment = Moment {
        tables: server.tables.clone(),
        closed: false,
    };
    server.snapshots.insert(name.clone(), moment);
    Some(Snapshot(name))
}

pub(super) fn close_snapshot(state: &mut BankState, side: Side, snapshot: &Snapshot) {
    let server = state.servers.get_mut(side);
    if let Some(moment) = server.snapshots.get_mut(&snapshot.0) {
        moment.closed = true;
        moment.tables.clear();
    }
}

/// Finds the table of a piece, as it is or as it was at the moment of a snapshot.
fn at_moment<'s>(
    state: &'s mut BankState,
    side: Side,
    plan: &TablePlan,
    piece: Piece<'_>,
) -> Result<&'s SimTable, DbFailureClass> {
    let Some(snapshot) = piece.snapshot else {
        return table(state, side, plan);
    };
    let moment = state.servers.get(side).snapshots.get(&snapshot.0);
    if moment.is_some_and(|moment| moment.closed) {
        let closed = format!("the snapshot {} is read after it was closed", snapshot.0);
        return Err(state.complain(closed));
    }
    // A restart has taken it away.
    let moment = state.servers.get(side).snapshots.get(&snapshot.0);
    let tables = &moment.ok_or(DbFailureClass::Missing)?.tables;
    tables
        .get(plan.names.get(side))
        .ok_or(DbFailureClass::Missing)
}

pub(super) fn tally(
    state: &mut BankState,
    side: Side,
    plan: &TablePlan,
    method: &Method,
    piece: Piece<'_>,
    keys_alone: bool,
) -> Answer<Tallied> {
    let table = at_moment(state, side, plan, piece)?;
    let (rows, last) = table.piece(piece.span);
    let tally = table.tally(plan, side, method, &rows, keys_alone);
    Ok((Tallied { tally, last }, rows.len() as u64))
}

pub(super) fn prints(
    state: &mut BankState,
    side: Side,
    plan: &TablePlan,
    method: &Method,
    piece: Piece<'_>,
    buckets: &Chosen,
) -> Answer<Printed> {
    let table = at_moment(state, side, plan, piece)?;
    let (rows, last) = table.piece(piece.span);
    let scanned = rows.len() as u64;
    let prints = rows.into_iter().filter_map(|(id, row)| {
        let (key, print) = table.print(plan, side, method.seed, (id, row));
        let chosen = buckets.contains(&bucket(method, id, &key));
        chosen.then_some((key, print))
    });
    let printed = Printed {
        rows: prints.collect(),
        last,
    };
    Ok((printed, scanned))
}

pub(super) fn rows(
    state: &BankState,
    side: Side,
    plan: &TablePlan,
    method: &Method,
    keys: &[Key],
) -> Answer<Vec<RowPrint>> {
    let table = table(state, side, plan)?;
    let wanted: std::collections::BTreeSet<&Key> = keys.iter().collect();
    let mut found: BTreeMap<Key, Vec<u64>> = BTreeMap::new();
    for (id, row) in &table.rows {
        let (key, _) = table.print(plan, side, method.seed, (*id, row));
        if !wanted.contains(&key) {
            continue;
        }
        match plan.key {
            KeyPlan::Columns(_) => {
                found.insert(key, table.columns(plan, side, *id, row));
            }
            KeyPlan::WholeRow => match found.entry(key).or_insert_with(|| vec![0]).first_mut() {
                Some(copies) => *copies += 1,
                None => unreachable!("one count was put in"),
            },
        }
    }
    let scanned = match plan.key {
        KeyPlan::Columns(_) => keys.len(),
        KeyPlan::WholeRow => table.rows.len(),
    };
    let prints = found
        .into_iter()
        .map(|(key, columns)| RowPrint { key, columns });
    Ok((prints.collect(), scanned as u64))
}

pub(super) fn horizon(state: &BankState, side: Side) -> Option<Horizon> {
    let server = state.servers.get(side);
    let can_tell = server.engine == Engine::Postgres;
    // What is written next counts as changed.
    can_tell.then_some(Horizon::Transaction(server.transaction + 1))
}

pub(super) fn sums(
    state: &BankState,
    side: Side,
    plan: &TablePlan,
    sums: &SumsPlan,
) -> Answer<BTreeMap<Vec<Option<String>>, Figures>> {
    let table = table(state, side, plan)?;
    let value = |values: &[i64], name: &str| {
        let at = table.columns.iter().position(|column| column == name)?;
        values
            .get(at.checked_sub(usize::from(table.keyed))?)
            .copied()
    };
    let mut groups: BTreeMap<Vec<Option<String>>, Vec<&[i64]>> = BTreeMap::new();
    for row in table.rows.values() {
        let group = sums.group_by.iter();
        let group = group.map(|column| value(&row.values, column.get(side)).map(|v| v.to_string()));
        groups.entry(group.collect()).or_default().push(&row.values);
    }
    let figures = |rows: Vec<&[i64]>| Figures {
        rows: rows.len() as u64,
        sums: (sums.sums.iter())
            .map(|column| {
                let values = rows.iter().filter_map(|row| value(row, column.get(side)));
                Some(values.map(i128::from).sum::<i128>().to_string())
            })
            .collect(),
        latest: (sums.latest.iter())
            .map(|column| {
                let values = rows.iter().filter_map(|row| value(row, column.get(side)));
                values.max().map(|latest| latest.to_string())
            })
            .collect(),
    };
    let groups = groups
        .into_iter()
        .map(|(group, rows)| (group, figures(rows)));
    Ok((groups.collect(), table.rows.len() as u64))
}

pub(super) fn position(
    state: &mut BankState,
    marker: Option<&TableName>,
    now: Timestamp,
) -> Position {
    match marker {
        Some(marker) => {
            // The marker takes its turn on the link behind everything that was written before.
            state.write(now, marker, 0, Some(vec![0]));
            Position::Marker(state.positions.source)
        }
        None => Position::Lsn(state.positions.source.to_string()),
    }
}

pub(super) fn has_passed(state: &BankState, position: &Position) -> bool {
    let wanted = match position {
        Position::Marker(number) => Some(*number),
        Position::Lsn(text) | Position::Gtid(text) => text.parse().ok(),
    };
    wanted.is_some_and(|wanted| state.positions.target >= wanted)
}
