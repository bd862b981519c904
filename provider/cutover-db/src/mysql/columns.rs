//! One side's part of a plan.

use cutover_core::validation::catalog::Kind;
use cutover_core::validation::plan::{Form, KeyPlan, TablePlan};
use cutover_core::validation::side::Side;

use super::quote;

/// A column as one side has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What kind of values it holds.
    pub(crate) kind: &'a Kind,
    /// The engine's name of the type.
    pub(crate) type_name: &'a str,
    /// The form that is compared.
    pub(crate) form: &'a Form,
    /// Whether it may be null.
    pub(crate) nullable: bool,
    /// Whether its text is known to be UTF-8 as it is kept, so that it need not be converted for a hash.
    pub(crate) is_utf8: bool,
}

impl Column<'_> {
    /// Writes its name within a statement.
    pub(crate) fn quoted(&self) -> String {
        quote::name(self.name)
    }

    /// Tells whether a number of it has no sign. Catalogs say so of `tinyint(1) unsigned` in the type's name alone.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.type_name.to_ascii_lowercase().contains("unsigned")
            || matches!(self.kind, Kind::Integer { unsigned: true, .. })
    }
}

/// Lists the columns that are compared, in the order of the plan.
pub(crate) fn columns(plan: &TablePlan, side: Side) -> Vec<Column<'_>> {
    plan.columns
        .iter()
        .map(|column| Column {
            name: column.names.get(side),
            kind: column.kinds.get(side),
            type_name: column.types.get(side),
            form: &column.form,
            nullable: *column.nullable.get(side),
            is_utf8: false,
        })
        .collect()
}

/// Lists the columns of the key, in the order of the key; none where the whole row is the key.
pub(crate) fn key_columns(plan: &TablePlan, side: Side) -> Vec<Column<'_>> {
    let all = columns(plan, side);
    match &plan.key {
        KeyPlan::Columns(places) => places
            .iter()
            .filter_map(|&place| all.get(place).copied())
            .collect(),
        KeyPlan::WholeRow => Vec::new(),
    }
}
