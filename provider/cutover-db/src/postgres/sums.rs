//! Sums and latest values of a table, by groups.

use std::collections::BTreeMap;

use cutover_core::validation::facts::{DbFailure, Figures};
use cutover_core::validation::plan::{SumsPlan, TablePlan};
use cutover_core::validation::side::Both;

use super::quote;
use super::reading::Reading;
use super::session::Postgres;
use super::sql::column::Own;
use super::sql::text;
use crate::canonical::write_decimal;

type Groups = BTreeMap<Vec<Option<String>>, Figures>;

impl Postgres {
    /// Sums up a table by groups.
    pub(super) async fn sum_up(
        &self,
        plan: &TablePlan,
        sums: &SumsPlan,
    ) -> Result<Groups, DbFailure> {
        let table = plan.names.get(self.side);
        let mut reading = Reading::now(self, format!("summing up {table}")).await?;
        let mut groups = Groups::new();
        for row in reading.all(&self.sums_sql(plan, sums)).await? {
            let mut texts = Vec::new();
            for place in 1..=sums.group_by.len() + sums.sums.len() + sums.latest.len() {
                texts.push(reading.get::<Option<String>>(&row, place)?);
            }
            let rows: i64 = reading.get(&row, 0)?;
            let latest = texts.split_off(sums.group_by.len() + sums.sums.len());
            let totals = texts.split_off(sums.group_by.len());
            let figures = Figures {
                rows: rows.unsigned_abs(),
                sums: totals
                    .into_iter()
                    .map(|total| total.map(|total| decimal(&total)))
                    .collect(),
                latest,
            };
            groups.insert(texts, figures);
        }
        reading.finish().await?;
        Ok(groups)
    }

    fn sums_sql(&self, plan: &TablePlan, sums: &SumsPlan) -> String {
        let mut selected = vec!["count(*)".to_owned()];
        let groups: Vec<String> = (2..)
            .take(sums.group_by.len())
            .map(|place: usize| place.to_string())
            .collect();
        for group in &sums.group_by {
            selected.push(self.printed(plan, group, |name| name));
        }
        for sum in &sums.sums {
            // As decimals, so that floating point is added exactly as it is printed, and in any order.
            selected.push(format!(
                "sum({}::numeric)::text",
                quote::name(sum.get(self.side))
            ));
        }
        for latest in &sums.latest {
            selected.push(self.printed(plan, latest, |name| format!("max({name})")));
        }
        let from = quote::table(plan.names.get(self.side));
        let by = if groups.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", groups.join(", "))
        };
        format!("SELECT {} FROM {from}{by}", selected.join(", "))
    }

    /// The canonical text of what is made of a column; of one that is not compared, what the server prints.
    fn printed(
        &self,
        plan: &TablePlan,
        names: &Both<String>,
        of: impl FnOnce(String) -> String,
    ) -> String {
        let expression = of(quote::name(names.get(self.side)));
        plan.columns
            .iter()
            .find(|column| column.names == *names)
            .and_then(|column| {
                let own = Own {
                    plan: column,
                    side: self.side,
                };
                text::value(&expression, own).ok()
            })
            .unwrap_or_else(|| format!("({expression})::text"))
    }
}

fn decimal(text: &str) -> String {
    let mut out = Vec::new();
    write_decimal(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}
