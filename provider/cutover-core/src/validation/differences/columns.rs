//! Columns: which there are, their types, nulls, defaults, collations, and how values are made.

use super::super::catalog::{Column, Engine, Kind, Made};
use super::super::expression::{COUNTED, default, expression};
use super::super::forms::form;
use super::super::key::unique_columns;
use super::super::report::Severity;
use super::super::side::{Both, Side};
use super::super::spec::{Follow, Mode};
use super::super::tables::left_out;
use super::types::differences;
use super::{Findings, Pair};

impl Findings {
    pub(super) fn columns(&mut self, pair: &Pair<'_>) {
        self.missing_columns(pair);
        self.extra_columns(pair);
        let columns = pair.columns();
        for column in &columns {
            let place = format!("{}.{}", pair.label, column.source.name);
            self.types(pair, column, &place);
            self.nulls(pair, column, &place);
            self.defaults(pair, column, &place);
            self.collations(pair, column, &place);
            self.made(pair, column, &place);
        }
        self.order(pair, &columns);
        self.values_without_counterpart(pair, &columns);
    }

    fn missing_columns(&mut self, pair: &Pair<'_>) {
        for column in &pair.tables.source.columns {
            let is_wished = left_out(pair.spec, pair.tables.source, &column.name).is_none();
            if is_wished && pair.twin(Side::Target, &column.name).is_none() {
                let place = format!("{}.{}", pair.label, column.name);
                let text = "the target does not have this column";
                self.add(Severity::Blocks, "missing_column", place, text);
            }
        }
    }

    fn extra_columns(&mut self, pair: &Pair<'_>) {
        for column in &pair.tables.target.columns {
            if left_out(pair.spec, pair.tables.source, &column.name).is_some()
                || pair.twin(Side::Source, &column.name).is_some()
            {
                continue;
            }
            let place = format!("{}.{}", pair.label, column.name);
            let has_value = column.nullable || column.default.is_some();
            let (severity, kind, text) = match column.made {
                Made::Generated { .. } => (
                    Severity::Informs,
                    "extra_column",
                    "the target makes it from other columns",
                ),
                Made::Given if !has_value => (
                    Severity::Blocks,
                    "extra_required_column",
                    "the source does not have this column, and without a value for it rows are refused",
                ),
                Made::Given | Made::Identity { .. } => (
                    Severity::Warns,
                    "extra_column",
                    "the source does not have this column",
                ),
            };
            self.add(severity, kind, place, text);
        }
    }

    fn types(&mut self, pair: &Pair<'_>, column: &Both<&Column>, place: &str) {
        if let Err(refusal) = form(column.source, column.target, &pair.engines) {
            self.add(Severity::Blocks, "unlike_types", place, refusal.to_string());
            return;
        }
        let names = column.map(|column| column.type_name.as_str());
        for (severity, kind, text) in differences(&column.source.kind, &column.target.kind) {
            let text = format!(
                "`{}` on the source is `{}` on the target: {text}",
                names.source, names.target
            );
            self.add(severity, kind, place, text);
        }
        if column.source.kind == (Kind::Numeric { size: None })
            && pair.spec.mode == Mode::PreMigration
            && pair.spec.follow != Follow::Native
        {
            let text =
                "AWS DMS carries decimals of any length with 28 digits, 6 of them after the point";
            self.add(Severity::Warns, "unbounded_numeric", place, text);
        }
    }

    fn nulls(&mut self, pair: &Pair<'_>, column: &Both<&Column>, place: &str) {
        match (column.source.nullable, column.target.nullable) {
            (true, false) => self.add(
                Severity::Blocks,
                "stricter_null",
                place,
                "the target refuses null, which the source allows",
            ),
            (false, true) => self.add(
                pair.tightened(),
                "lost_not_null",
                place,
                "the target allows null, which the source refuses",
            ),
            _ => (),
        }
    }

    fn defaults(&mut self, pair: &Pair<'_>, column: &Both<&Column>, place: &str) {
        match (
            is_counted(column.source, pair.engines.source),
            is_counted(column.target, pair.engines.target),
        ) {
            (true, false) => self.add(
                pair.tightened(),
                "lost_identity",
                place,
                "the source gives the next number to new rows, and the target does not",
            ),
            (false, true) => self.add(
                Severity::Informs,
                "extra_identity",
                place,
                "the target gives the next number to new rows, and the source does not",
            ),
            (true, true) => (),
            (false, false) => {
                let of = |side: Side| {
                    default(*pair.engines.get(side), column.get(side).default.as_deref())
                };
                if of(Side::Source) != of(Side::Target) {
                    let shown = column.map(|column| column.default.as_deref().unwrap_or("none"));
                    let text = format!(
                        "its default is {} on the source and {} on the target",
                        shown.source, shown.target
                    );
                    self.add(Severity::Warns, "default", place, text);
                }
            }
        }
    }

    fn collations(&mut self, pair: &Pair<'_>, column: &Both<&Column>, place: &str) {
        let (source, target) = (column.source, column.target);
        if source.deterministic && !target.deterministic {
            let is_unique = is_in_unique_index(pair, &target.name);
            let (severity, kind) = if is_unique {
                (Severity::Blocks, "folded_key")
            } else {
                (Severity::Warns, "collation_equality")
            };
            let text = "texts that differ on the source are equal on the target, such as those that differ in case";
            self.add(severity, kind, place, text);
        } else if !source.deterministic && target.deterministic {
            let text = "texts that are equal on the source differ on the target, such as those that differ in case";
            self.add(Severity::Warns, "collation_equality", place, text);
        } else if pair.is_kin() && source.collation != target.collation {
            let shown =
                column.map(|column| column.collation.as_deref().unwrap_or("its database's"));
            let text = format!(
                "its collation is {} on the source and {} on the target, so that rows are sorted differently",
                shown.source, shown.target
            );
            self.add(Severity::Warns, "collation", place, text);
        }
    }

    fn made(&mut self, pair: &Pair<'_>, column: &Both<&Column>, place: &str) {
        match (&column.source.made, &column.target.made) {
            (
                Made::Generated {
                    expression: one, ..
                },
                Made::Generated {
                    expression: other, ..
                },
            ) if pair.is_kin() && expression(one) != expression(other) => self.add(
                Severity::Warns,
                "generated_expression",
                place,
                format!("it is made by `{one}` on the source and by `{other}` on the target"),
            ),
            (Made::Generated { .. }, Made::Generated { .. }) => (),
            (Made::Generated { .. }, _) => self.add(
                Severity::Warns,
                "lost_generation",
                place,
                "the source makes it from other columns; on the target it will not follow them",
            ),
            (_, Made::Generated { .. }) => self.add(
                Severity::Blocks,
                "generated_on_target",
                place,
                "the target makes it from other columns, and refuses the values of the source",
            ),
            (_, Made::Identity { always: true }) => {
                // Native replication of PostgreSQL does not insert by statements.
                let severity = match pair.spec.follow {
                    Follow::Native => Severity::Informs,
                    Follow::None => Severity::Warns,
                    Follow::Marker { .. } | Follow::Delay { .. } => Severity::Blocks,
                };
                let text =
                    "the target gives its own numbers `ALWAYS`, and refuses those of the source";
                self.add(severity, "identity_always", place, text);
            }
            _ => (),
        }
    }

    fn order(&mut self, pair: &Pair<'_>, columns: &[Both<&Column>]) {
        let places: Vec<Option<usize>> = columns
            .iter()
            .map(|column| {
                let target = &pair.tables.target.columns;
                target
                    .iter()
                    .position(|other| other.name == column.target.name)
            })
            .collect();
        if !places.is_sorted() {
            let text = "columns are in another order on the target; they are compared by name";
            self.add(Severity::Informs, "column_order", &pair.label, text);
        }
    }

    /// Values that one engine has and the other has not. Catalogs do not tell whether there are any.
    fn values_without_counterpart(&mut self, pair: &Pair<'_>, columns: &[Both<&Column>]) {
        for (kind, severity, is_concerned, text) in WITHOUT_COUNTERPART {
            let named: Vec<&str> = columns
                .iter()
                .filter(|column| is_concerned(pair.engines, column))
                .map(|column| column.source.name.as_str())
                .collect();
            if !named.is_empty() {
                let text = format!("{text} (`{}`)", named.join("`, `"));
                self.add(*severity, kind, &pair.label, text);
            }
        }
    }
}

type Concerns = fn(Both<Engine>, &Both<&Column>) -> bool;

/// Values without a counterpart: the name of the finding, how bad it is, which columns it concerns, and what it means.
const WITHOUT_COUNTERPART: &[(&str, Severity, Concerns, &str)] = &[
    (
        "infinite_dates",
        Severity::Warns,
        |engines, column| leaves_postgres(engines) && is_date(&column.source.kind),
        "`infinity` has no counterpart on the target; such rows are refused, clamped, or reported as different",
    ),
    (
        "zero_dates",
        Severity::Warns,
        |engines, column| reaches_postgres(engines) && is_date(&column.source.kind),
        "`0000-00-00` has no counterpart on the target; AWS DMS makes null of it",
    ),
    (
        "nul_in_text",
        Severity::Informs,
        |engines, column| {
            reaches_postgres(engines) && matches!(column.source.kind, Kind::Text { .. })
        },
        "PostgreSQL holds no NUL character; AWS DMS makes a blank of it",
    ),
    (
        "tinyint_as_boolean",
        Severity::Informs,
        |engines, column| {
            reaches_postgres(engines)
                && column.source.kind == Kind::Boolean
                && column.target.kind == Kind::Boolean
        },
        "`tinyint(1)` holds other numbers than 0 and 1, which are reported as different",
    ),
];

fn leaves_postgres(engines: Both<Engine>) -> bool {
    engines.source == Engine::Postgres && engines.target != Engine::Postgres
}

fn reaches_postgres(engines: Both<Engine>) -> bool {
    engines.source != Engine::Postgres && engines.target == Engine::Postgres
}

fn is_date(kind: &Kind) -> bool {
    matches!(kind, Kind::Date | Kind::Timestamp { .. })
}

/// Tells whether new rows get the next number by themselves.
fn is_counted(column: &Column, engine: Engine) -> bool {
    matches!(column.made, Made::Identity { .. })
        || default(engine, column.default.as_deref()).as_deref() == Some(COUNTED)
}

fn is_in_unique_index(pair: &Pair<'_>, name: &str) -> bool {
    let target = pair.tables.target;
    let primary = target.primary_key.clone();
    primary
        .into_iter()
        .chain(target.indexes.iter().filter_map(unique_columns))
        .flatten()
        .any(|column| column == name)
}
