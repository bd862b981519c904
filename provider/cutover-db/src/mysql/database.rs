//! The port, and which file keeps each of its promises.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Catalog, Kind, Server, TableName};
use cutover_core::validation::digest::{Key, RowPrint};
use cutover_core::validation::facts::{
    DbFailure, DbFailureClass, Figures, Horizon, Load, Position, Sought,
};
use cutover_core::validation::plan::{Chosen, Layout, Method, RulePlan, SumsPlan, TablePlan};
use cutover_driver::{Asked, Database, Piece, Printed, Snapshot, Tallied};
use futures_util::future::BoxFuture;

use super::read::Width;
use super::{Mysql, catalog, look};

impl Database for Mysql {
    fn look(&self) -> Asked<'_, Server> {
        Box::pin(look::look(self))
    }

    fn catalog<'a>(&'a self, schemas: &'a [String]) -> Asked<'a, Catalog> {
        Box::pin(catalog::catalog(self, schemas))
    }

    fn layout<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, Layout> {
        Box::pin(self.see_layout(plan))
    }

    /// There is no hash that another server could disagree about.
    fn calibrate<'a>(&'a self, _kinds: &'a [Kind], _seed: u64) -> Asked<'a, u64> {
        Box::pin(async {
            Err(DbFailure {
                class: DbFailureClass::Unsupported,
                doing: "calibrating".to_owned(),
                code: None,
                message: "only PostgreSQL hashes records by itself".to_owned(),
            })
        })
    }

    /// A snapshot is of one connection here, and other connections cannot join it.
    fn open_snapshot(&self) -> Asked<'_, Option<Snapshot>> {
        Box::pin(async { Ok(None) })
    }

    fn close_snapshot(&self, _snapshot: Snapshot) -> Asked<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied> {
        Box::pin(self.add_up(plan, method, piece, Width::Rows))
    }

    fn prints<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
        buckets: &'a Chosen,
    ) -> Asked<'a, Printed> {
        Box::pin(self.read_prints(plan, method, piece, buckets))
    }

    fn rows<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        keys: &'a [Key],
    ) -> Asked<'a, Vec<RowPrint>> {
        Box::pin(self.read_again(plan, method, keys))
    }

    fn count<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, u64> {
        Box::pin(self.count_rows(plan))
    }

    fn key_tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied> {
        Box::pin(self.add_up(plan, method, piece, Width::Keys))
    }

    /// Rows show no version here.
    fn horizon(&self) -> Asked<'_, Option<Horizon>> {
        Box::pin(async { Ok(None) })
    }

    fn touched<'a>(
        &'a self,
        _plan: &'a TablePlan,
        _since: &'a Horizon,
    ) -> Asked<'a, Option<Vec<Key>>> {
        Box::pin(async { Ok(None) })
    }

    fn sums<'a>(
        &'a self,
        plan: &'a TablePlan,
        sums: &'a SumsPlan,
    ) -> Asked<'a, BTreeMap<Vec<Option<String>>, Figures>> {
        Box::pin(self.sum_up(plan, sums))
    }

    fn seek<'a>(&'a self, rule: &'a RulePlan, limit: usize) -> Asked<'a, Sought> {
        Box::pin(self.seek_rows(rule, limit))
    }

    fn value<'a>(&'a self, query: &'a str) -> Asked<'a, Option<String>> {
        Box::pin(self.one_value(query))
    }

    fn load(&self) -> Asked<'_, Load> {
        Box::pin(self.see_load())
    }

    fn position<'a>(&'a self, marker: Option<&'a TableName>) -> Asked<'a, Position> {
        Box::pin(self.note_position(marker))
    }

    fn has_passed<'a>(
        &'a self,
        position: &'a Position,
        marker: Option<&'a TableName>,
    ) -> Asked<'a, bool> {
        Box::pin(self.see_passed(position, marker))
    }

    fn end_dropped(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.leaving.wait())
    }
}
