//! Ready sets of checks.
//!
//! The one for payments looks at `payments`, `transactions`, `customers` and `audit_log`, as far as these tables are
//! compared and have the columns:
//!
//! - every payment has its customer, every transaction and entry of the audit log its payment;
//! - no amount is below zero, but for transactions that take money back;
//! - every currency is one of ISO 4217;
//! - no more is refunded than was paid;
//! - no idempotency key is there twice;
//! - entries of the audit log follow each other in time for each payment, and none is there twice, as it would be if a
//!   trigger fired on both sides;
//! - amounts add up for each currency and status, and the latest payment is the same.

use super::catalog::{Engine, Kind};
use super::plan::{RulePlan, RuleQuery};
use super::quote;
use super::rules::{is_none_of, key_names};
use super::side::{Both, Side};
use super::spec::{Checks, Preset, Reference, Sums};
use super::tables::{PlannedTable, RuleKind, is_table};

/// The names that columns go by. The first that there is counts.
const AMOUNT: [&str; 2] = ["amount", "amount_minor"];
const CURRENCY: [&str; 2] = ["currency", "currency_code"];
const KIND: [&str; 2] = ["kind", "type"];
const ACTION: [&str; 4] = ["action", "event", "event_type", "operation"];
const AT: [&str; 2] = ["created_at", "occurred_at"];

/// Kinds of transactions that take money back, so that they may be kept as negative amounts.
const TAKES_BACK: &str = "'refund', 'reversal', 'chargeback', 'void', 'fee', 'adjustment'";

/// Codes of currencies and funds in use. Source: ISO 4217, list one ("current currency & funds code list").
const ISO_4217: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD \
    CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
    GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR \
    LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK \
    PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND \
    TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR \
    XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG";

/// Codes that were withdrawn since 2010, in which old payments are. Source: ISO 4217, list three ("historic denominations").
const WITHDRAWN: &str = "ANG BGN BYR CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL";

/// Adds references and sums of a preset to those of the wish.
pub(super) fn add(preset: Preset, compared: &[PlannedTable<'_>], checks: &mut Checks) {
    let Preset::Payments = preset;
    for (table, column, referred) in [
        ("payments", "customer_id", "customers"),
        ("transactions", "payment_id", "payments"),
        ("audit_log", "payment_id", "payments"),
    ] {
        if let (Some(from), Some(to)) = (find(compared, table), find(compared, referred))
            && from.has(column)
            && to.has("id")
        {
            checks.references.push(Reference {
                table: from.full_name(),
                columns: vec![column.to_owned()],
                referred: to.full_name(),
                referred_columns: vec!["id".to_owned()],
            });
        }
    }
    if let Some(payments) = find(compared, "payments") {
        checks.sums.extend(payments.sums(&checks.sums));
    }
}

/// Makes the rules of a preset.
pub(super) fn rules(
    preset: Preset,
    engines: Both<Engine>,
    compared: &[PlannedTable<'_>],
) -> Vec<(Side, RulePlan, RuleKind)> {
    let Preset::Payments = preset;
    let mut rules = Vec::new();
    for side in [Side::Target, Side::Source] {
        let on = |name| find(compared, name).map(|found| found.on(side, *engines.get(side)));
        let (payments, transactions, audit_log) =
            (on("payments"), on("transactions"), on("audit_log"));
        let tables = [payments, transactions, audit_log];
        let found = tables
            .into_iter()
            .flatten()
            .flat_map(|table| {
                [
                    table.negative(),
                    table.currency(),
                    table.copies(),
                    table.order(),
                ]
            })
            .chain([payments.and_then(|payments| payments.refunds(transactions?))]);
        rules.extend(found.flatten().map(|rule| (side, rule, RuleKind::Invalid)));
    }
    rules
}

/// A table that the preset knows.
#[derive(Clone, Copy)]
struct Found<'a>(&'a PlannedTable<'a>);

fn find<'a>(compared: &'a [PlannedTable<'a>], name: &str) -> Option<Found<'a>> {
    compared
        .iter()
        .find(|table| is_table(name, table.tables.source))
        .map(Found)
}

impl<'a> Found<'a> {
    fn has(self, name: &str) -> bool {
        self.kind(name).is_some()
    }

    fn kind(self, name: &str) -> Option<&'a Kind> {
        let columns = &self.0.plan.columns;
        let column = columns.iter().find(|column| column.names.source == name)?;
        Some(&column.kinds.source)
    }

    fn full_name(self) -> String {
        self.0.tables.source.name.to_string()
    }

    fn sums(self, wished: &[Sums]) -> Option<Sums> {
        let has = |names: &[&str]| -> Vec<String> {
            let here = names.iter().filter(|name| self.has(name));
            here.map(|name| (*name).to_owned()).collect()
        };
        let is_wished = wished
            .iter()
            .any(|sums| is_table(&sums.table, self.0.tables.source));
        let (mut sums, mut latest) = (has(&AMOUNT), has(&AT));
        sums.retain(|name| {
            let kind = self.kind(name);
            matches!(kind, Some(Kind::Integer { .. } | Kind::Numeric { .. }))
        });
        latest.retain(|name| matches!(self.kind(name), Some(Kind::Timestamp { .. })));
        let has_any = !sums.is_empty() || !latest.is_empty();
        (has_any && !is_wished).then(|| Sums {
            table: self.full_name(),
            group_by: has(&["currency", "currency_code", "status"]),
            sums,
            latest,
        })
    }

    fn on(self, side: Side, engine: Engine) -> OneSide<'a> {
        OneSide {
            table: self,
            side,
            engine,
        }
    }
}

/// A table of one side, in its engine's SQL.
#[derive(Clone, Copy)]
struct OneSide<'a> {
    table: Found<'a>,
    side: Side,
    engine: Engine,
}

impl OneSide<'_> {
    /// Quotes the first of some columns that there is.
    fn column(&self, names: &[&str]) -> Option<String> {
        let columns = &self.table.0.plan.columns;
        names.iter().find_map(|name| {
            let column = columns.iter().find(|column| column.names.source == *name)?;
            Some(quote::name(self.engine, column.names.get(self.side)))
        })
    }

    fn name(&self) -> String {
        quote::table(self.engine, &self.table.0.tables.get(self.side).name)
    }

    fn rule(&self, name: &str, condition: String) -> RulePlan {
        RulePlan {
            name: format!("{}: {name}", self.table.0.plan.label),
            query: RuleQuery::Where {
                table: self.table.0.tables.get(self.side).name.clone(),
                key: key_names(self.table.0, self.side),
                condition,
            },
        }
    }

    fn query(&self, name: &str, query: String) -> RulePlan {
        RulePlan {
            name: format!("{}: {name}", self.table.0.plan.label),
            query: RuleQuery::Custom(query),
        }
    }

    fn is(&self, name: &str) -> bool {
        self.table.0.tables.source.name.name == name
    }

    fn negative(&self) -> Option<RulePlan> {
        let amount = self.column(&AMOUNT)?;
        let condition = match self.column(&KIND) {
            Some(kind) => format!("{amount} < 0 AND {kind} NOT IN ({TAKES_BACK})"),
            None => format!("{amount} < 0"),
        };
        Some(self.rule("an amount is below zero", condition))
    }

    fn currency(&self) -> Option<RulePlan> {
        let column = CURRENCY.iter().find(|name| self.table.has(name))?;
        let columns = &self.table.0.plan.columns;
        let named = columns.iter().find(|plan| plan.names.source == **column)?;
        let codes = [ISO_4217, WITHDRAWN]
            .into_iter()
            .flat_map(str::split_whitespace);
        let codes: Vec<String> = codes.map(str::to_owned).collect();
        let condition = is_none_of(self.engine, named.names.get(self.side), &codes);
        Some(self.rule("a currency is not one of ISO 4217", condition))
    }

    fn refunds(&self, transactions: OneSide<'_>) -> Option<RulePlan> {
        let (id, paid) = (self.column(&["id"])?, self.column(&AMOUNT)?);
        let payment = transactions.column(&["payment_id"])?;
        let (amount, kind) = (transactions.column(&AMOUNT)?, transactions.column(&KIND)?);
        let query = format!(
            "SELECT p.{id} FROM {payments} p JOIN (SELECT {payment} AS payment, SUM(ABS({amount})) AS refunded \
             FROM {transactions} WHERE {kind} = 'refund' GROUP BY {payment}) r ON r.payment = p.{id} \
             WHERE r.refunded > p.{paid}",
            payments = self.name(),
            transactions = transactions.name(),
        );
        Some(self.query("more is refunded than was paid", query))
    }

    /// Rows that are there twice: payments by their idempotency key, entries of the audit log by all that they say.
    fn copies(&self) -> Option<RulePlan> {
        let id = self.column(&["id"])?;
        let (same, present) = if self.is("audit_log") {
            let parts = [
                self.column(&["payment_id"])?,
                self.column(&ACTION)?,
                self.column(&AT)?,
            ];
            (parts.join(", "), self.column(&["payment_id"])?)
        } else {
            let key = self.column(&["idempotency_key"])?;
            (key.clone(), key)
        };
        let query = format!(
            "SELECT {id} FROM (SELECT {id}, COUNT(*) OVER (PARTITION BY {same}) AS copies FROM {table} \
             WHERE {present} IS NOT NULL) c WHERE copies > 1",
            table = self.name(),
        );
        let name = if self.is("audit_log") {
            "an entry is there twice"
        } else {
            "an idempotency key is there twice"
        };
        Some(self.query(name, query))
    }

    fn order(&self) -> Option<RulePlan> {
        if !self.is("audit_log") {
            return None;
        }
        let (id, at) = (self.column(&["id"])?, self.column(&AT)?);
        let payment = self.column(&["payment_id"])?;
        if !matches!(self.table.kind("id"), Some(Kind::Integer { .. })) {
            return None;
        }
        let query = format!(
            "SELECT {id} FROM (SELECT {id}, {at} AS at_this, LAG({at}) OVER (PARTITION BY {payment} ORDER BY {id}) \
             AS at_last FROM {table}) o WHERE at_this < at_last",
            table = self.name(),
        );
        Some(self.query("an entry is older than the one before it", query))
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalog::Server;
    use super::super::given_catalogs::{
        BIGINT, MOMENT, TEXT, a_column, a_spec, a_table, numeric, servers, twice, two_postgres,
    };
    use super::super::tables::{Planned, tables};
    use super::*;
    use crate::validation::catalog::Table;

    fn shop() -> [Table; 4] {
        [
            a_table("audit_log")
                .with(a_column("payment_id", BIGINT))
                .with(a_column("action", TEXT))
                .with(a_column("created_at", MOMENT)),
            a_table("customers"),
            a_table("payments")
                .with(a_column("customer_id", BIGINT))
                .with(a_column("amount", numeric(12, 2)))
                .with(a_column("currency", TEXT))
                .with(a_column("status", TEXT))
                .with(a_column("idempotency_key", TEXT))
                .with(a_column("created_at", MOMENT)),
            a_table("transactions")
                .with(a_column("payment_id", BIGINT))
                .with(a_column("kind", TEXT))
                .with(a_column("amount", numeric(12, 2))),
        ]
    }

    fn planned(
        tables_given: impl IntoIterator<Item = Table>,
        servers: &Both<super::super::catalog::Server>,
    ) -> Planned {
        let mut spec = a_spec();
        spec.checks.preset = Some(Preset::Payments);
        tables(&spec, &twice(tables_given), servers)
    }

    /// The rules of the target as people read them, with what is asked; long lists of words are cut.
    fn read(planned: &Planned) -> String {
        let lines: Vec<String> = planned
            .rules
            .iter()
            .filter(|(side, ..)| *side == Side::Target)
            .map(|(_, rule, _)| match &rule.query {
                RuleQuery::Where { condition, .. } => {
                    let (shown, _) = condition.split_at(condition.len().min(90));
                    format!("{}\n  {shown}", rule.name)
                }
                RuleQuery::Custom(query) => format!("{}\n  {query}", rule.name),
                RuleQuery::Orphans { .. } => rule.name.clone(),
            })
            .collect();
        lines.join("\n")
    }

    #[test]
    fn a_payment_system_is_held_against_what_always_holds() {
        let planned = planned(shop(), &two_postgres());

        insta::assert_snapshot!(read(&planned));
        assert_eq!(planned.reasons, [""; 0]);
        assert_eq!(planned.sums.len(), 1);
        assert_eq!(planned.sums[0].1.group_by.len(), 2);
    }

    #[test]
    fn every_rule_is_asked_on_both_sides_in_the_words_of_each() {
        // The tables of the shop are in `public`.
        let servers = servers(Engine::Mariadb, Engine::Mariadb).map(|server| Server {
            database: "public".to_owned(),
            ..server
        });
        let both = planned(shop(), &servers);

        let names = |side: Side| -> Vec<&str> {
            both.rules
                .iter()
                .filter(|(of, ..)| *of == side)
                .map(|(_, rule, _)| rule.name.as_str())
                .collect()
        };
        assert_eq!(names(Side::Source), names(Side::Target));
        assert!(read(&both).contains("`amount` < 0"));
        assert!(!read(&both).contains('"'));
    }

    #[test]
    fn what_is_not_there_is_not_looked_at() {
        let nothing = planned([a_table("ledger")], &two_postgres());
        let little = planned(
            [a_table("payments").with(a_column("amount", BIGINT))],
            &two_postgres(),
        );

        assert_eq!(
            nothing,
            Planned {
                tables: nothing.tables.clone(),
                ..Planned::default()
            }
        );
        assert_eq!(
            read(&little),
            "payments: an amount is below zero\n  \"amount\" < 0"
        );
        assert_eq!(little.reasons, [""; 0]);
    }
}
