//! The port, method by method.

use std::collections::BTreeMap;

use cutover_core::validation::catalog::{Catalog, Kind, Server, TableName};
use cutover_core::validation::digest::{Key, RowPrint};
use cutover_core::validation::facts::{Figures, Horizon, Load, Position, Sought};
use cutover_core::validation::plan::{Chosen, Layout, Method, RulePlan, SumsPlan, TablePlan};
use cutover_driver::{Asked, Database, Piece, Printed, Snapshot, Tallied};

use super::session::Postgres;

impl Database for Postgres {
    fn look(&self) -> Asked<'_, Server> {
        Box::pin(super::look::look(self))
    }

    fn catalog<'a>(&'a self, schemas: &'a [String]) -> Asked<'a, Catalog> {
        Box::pin(super::catalog::catalog(self, schemas))
    }

    fn layout<'a>(&'a self, plan: &'a TablePlan) -> Asked<'a, Layout> {
        Box::pin(self.lay(plan))
    }

    fn calibrate<'a>(&'a self, kinds: &'a [Kind], seed: u64) -> Asked<'a, u64> {
        Box::pin(self.hash_literals(kinds, seed))
    }

    fn open_snapshot(&self) -> Asked<'_, Option<Snapshot>> {
        Box::pin(async { self.export_snapshot().await.map(Some) })
    }

    fn close_snapshot(&self, snapshot: Snapshot) -> Asked<'_, ()> {
        Box::pin(async move { self.forget_snapshot(&snapshot).await })
    }

    fn tally<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
    ) -> Asked<'a, Tallied> {
        Box::pin(self.tally_rows(plan, method, piece))
    }

    fn prints<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        piece: Piece<'a>,
        buckets: &'a Chosen,
    ) -> Asked<'a, Printed> {
        Box::pin(self.print_rows(plan, method, piece, buckets))
    }

    fn rows<'a>(
        &'a self,
        plan: &'a TablePlan,
        method: &'a Method,
        keys: &'a [Key],
    ) -> Asked<'a, Vec<RowPrint>> {
        Box::pin(self.rows_by_key(plan, method, keys))
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
        Box::pin(self.tally_keys(plan, method, piece))
    }

    fn horizon(&self) -> Asked<'_, Option<Horizon>> {
        Box::pin(async { self.read_horizon().await.map(Some) })
    }

    fn touched<'a>(
        &'a self,
        plan: &'a TablePlan,
        since: &'a Horizon,
    ) -> Asked<'a, Option<Vec<Key>>> {
        Box::pin(self.touched_keys(plan, since))
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
}
