//! Sums and latest values, as far as they mean something.

use super::catalog::Kind;
use super::plan::{ColumnPlan, SumsPlan};
use super::side::Both;
use super::spec::Sums;
use super::tables::{PlannedTable, is_table};

/// What the columns are called that say in which currency an amount is.
const CURRENCIES: [&str; 3] = ["currency", "currency_code", "ccy"];

/// Plans the sums of one table, with its label.
///
/// # Errors
/// Why they would mean nothing, or cannot be made.
pub(super) fn sums(
    sums: &Sums,
    compared: &[PlannedTable<'_>],
) -> Result<(String, SumsPlan), String> {
    let named = &sums.table;
    let table = compared
        .iter()
        .find(|table| is_table(named, table.tables.source))
        .ok_or_else(|| {
            format!("sums of `{named}`: it is not among the tables that are compared")
        })?;
    let label = table.plan.label.clone();
    let find = |names: &[String], is_fit: fn(&Kind) -> bool, what: &str| {
        names
            .iter()
            .map(|name| find(table, name, is_fit, what))
            .collect::<Result<Vec<_>, _>>()
    };
    let plan = SumsPlan {
        group_by: find(&sums.group_by, is_groupable, "rows can be grouped by")?,
        sums: find(&sums.sums, is_exact, "can be summed up exactly")?,
        latest: find(
            &sums.latest,
            is_ordered,
            "has a latest value that both sides agree on",
        )?,
    };
    match mixed_currency(sums, table) {
        Some(currency) if !sums.sums.is_empty() => Err(format!(
            "sums of {label}: a sum over several currencies means nothing; group by `{currency}`"
        )),
        _ => Ok((label, plan)),
    }
}

/// Returns the column with the currency, if sums would mix several.
fn mixed_currency<'a>(sums: &Sums, table: &'a PlannedTable<'_>) -> Option<&'a str> {
    table
        .plan
        .columns
        .iter()
        .map(|column| column.names.source.as_str())
        .find(|name| CURRENCIES.contains(&name.to_lowercase().as_str()))
        .filter(|currency| !sums.group_by.iter().any(|column| column == currency))
}

fn find(
    table: &PlannedTable<'_>,
    name: &str,
    is_fit: fn(&Kind) -> bool,
    what: &str,
) -> Result<Both<String>, String> {
    let label = &table.plan.label;
    let is_named = |column: &&ColumnPlan| column.names.source == name;
    match table.plan.columns.iter().find(is_named) {
        None => Err(format!(
            "sums of {label}: `{name}` is not among the columns that are compared"
        )),
        Some(column) if is_fit(&column.kinds.source) && is_fit(&column.kinds.target) => {
            Ok(column.names.clone())
        }
        Some(_) => Err(format!(
            "sums of {label}: `{name}` is no column that {what}"
        )),
    }
}

/// Tells whether the order of rows makes no difference to their sum.
fn is_exact(kind: &Kind) -> bool {
    matches!(kind, Kind::Integer { .. } | Kind::Numeric { .. })
}

/// Tells whether all engines order the values alike. They do not do so with text.
fn is_ordered(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Integer { .. } | Kind::Numeric { .. } | Kind::Date | Kind::Timestamp { .. }
    )
}

fn is_groupable(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Integer { .. }
            | Kind::Boolean
            | Kind::Text { .. }
            | Kind::Enum { .. }
            | Kind::Date
            | Kind::Uuid
            | Kind::Year
    )
}

#[cfg(test)]
mod tests {
    use super::super::given_catalogs::{
        MOMENT, TEXT, a_column, a_spec, a_sum, a_table, numeric, owned, twice, two_postgres,
    };
    use super::super::tables::tables;
    use super::*;

    fn planned(sums: Sums) -> Result<(String, SumsPlan), String> {
        let payments = a_table("payments")
            .with(a_column("amount", numeric(12, 2)))
            .with(a_column("currency", TEXT))
            .with(a_column("score", Kind::Float { bits: 64 }))
            .with(a_column("created_at", MOMENT));
        let mut spec = a_spec();
        spec.checks.sums = vec![sums];
        let mut planned = tables(&spec, &twice([payments]), &two_postgres());
        planned.sums.pop().ok_or_else(|| planned.reasons.join("; "))
    }

    #[test]
    fn amounts_are_summed_up_for_each_currency() {
        let mut sum = a_sum("public.payments", &["currency"], &["amount"]);
        sum.latest = owned(&["created_at"]);

        let (label, plan) = planned(sum).expect("it can be planned");

        let same = |name: &str| Both::of(|_| name.to_owned());
        assert_eq!(label, "payments");
        assert_eq!(plan.group_by, [same("currency")]);
        assert_eq!(plan.sums, [same("amount")]);
        assert_eq!(plan.latest, [same("created_at")]);
    }

    #[test]
    fn a_sum_over_mixed_currencies_is_refused() {
        assert_eq!(
            planned(a_sum("payments", &[], &["amount"])),
            Err(
                "sums of payments: a sum over several currencies means nothing; group by `currency`"
                    .to_owned()
            )
        );
    }

    #[test]
    fn what_has_no_exact_sum_or_common_order_is_refused_by_name() {
        let reason = |sum| planned(sum).expect_err("it is refused");
        let mut latest = a_sum("payments", &[], &[]);
        latest.latest = owned(&["currency"]);

        assert_eq!(
            reason(a_sum("payments", &["currency"], &["score"])),
            "sums of payments: `score` is no column that can be summed up exactly"
        );
        assert_eq!(
            reason(latest),
            "sums of payments: `currency` is no column that has a latest value that both sides agree on"
        );
        assert_eq!(
            reason(a_sum("payments", &[], &["fee"])),
            "sums of payments: `fee` is not among the columns that are compared"
        );
        assert_eq!(
            reason(a_sum("payment", &[], &["amount"])),
            "sums of `payment`: it is not among the tables that are compared"
        );
    }
}
