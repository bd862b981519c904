//! A column of one side, and what it is selected as.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::{ColumnPlan, Form};
use cutover_core::validation::side::Side;

use crate::postgres::quote;
use crate::postgres::wire::Wire;

/// A column of one side.
#[derive(Clone, Copy, Debug)]
pub(in crate::postgres) struct Own<'p> {
    pub(in crate::postgres) plan: &'p ColumnPlan,
    pub(in crate::postgres) side: Side,
}

impl<'p> Own<'p> {
    pub(in crate::postgres) fn all(
        columns: impl IntoIterator<Item = &'p ColumnPlan>,
        side: Side,
    ) -> Vec<Self> {
        columns
            .into_iter()
            .map(|plan| Self { plan, side })
            .collect()
    }

    /// Its name, quoted.
    pub(in crate::postgres) fn name(&self) -> String {
        quote::name(self.plan.names.get(self.side))
    }

    pub(in crate::postgres) fn kind(&self) -> &'p Kind {
        self.plan.kinds.get(self.side)
    }

    pub(in crate::postgres) fn form(&self) -> &'p Form {
        &self.plan.form
    }

    /// The engine's own name of its type.
    pub(in crate::postgres) fn type_name(&self) -> &'p str {
        self.plan.types.get(self.side)
    }

    pub(in crate::postgres) fn is_nullable(&self) -> bool {
        *self.plan.nullable.get(self.side)
    }

    /// Whether it is text that finds `a` and `A` alike.
    pub(in crate::postgres) fn is_citext(&self) -> bool {
        self.type_name().ends_with("citext")
    }

    /// How its values come.
    pub(in crate::postgres) fn wire(&self) -> Wire {
        Wire::of(self.kind(), self.form())
    }

    /// What is selected for its values to come so.
    pub(in crate::postgres) fn selected(&self) -> String {
        let is_text = matches!(self.kind(), Kind::Text { .. });
        if self.wire() == Wire::Text && !is_text {
            format!("{}::text", self.name())
        } else {
            self.name()
        }
    }
}

/// Puts what columns are selected as into a list.
pub(in crate::postgres) fn selected(columns: &[Own<'_>]) -> String {
    let all: Vec<String> = columns.iter().map(Own::selected).collect();
    all.join(", ")
}
