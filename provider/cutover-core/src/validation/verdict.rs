//! From what was found to a verdict.
//!
//! A verdict is **mismatched** as soon as one thing is proven to be different or wrong, **matched** when all that was asked
//! for was looked at and is as it should be, and **inconclusive** between them. *Matched* says no more than the
//! [`ProofKind`] beside it: a sample or a count without findings is matched too, and
//! [`DataSection::is_valid`] is not true for it, since rows are proven equal only by a full proof or by one of what
//! changed since.

mod table;

use super::catalog::Server;
use super::facts::{Position, Work};
use super::report::{
    DataSection, InvariantReport, InvariantSection, ProofKind, Report, RuleReport, RuleSection,
    SchemaFinding, SchemaSection, Severity, TableReport, TlsSection, VERSION, Verdict,
};
use super::side::{Both, Side};
use super::spec::{Follow, Mode, Spec};
use crate::Timestamp;
pub use table::TableFound;

/// Tells whether nobody should write while this validation runs.
pub fn stands_still(spec: &Spec) -> bool {
    spec.mode == Mode::Final || spec.follow == Follow::None
}

fn rows_of(rows: u64) -> String {
    if rows == 1 {
        "1 row".to_owned()
    } else {
        format!("{rows} rows")
    }
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// When it began and ended.
    pub times: (Timestamp, Timestamp),
    /// Both servers.
    pub servers: Both<Server>,
    /// How far the source was at last.
    pub position: Option<Position>,
    /// The tables, with the proof of each.
    pub tables: Vec<(TableReport, ProofKind)>,
    /// Differences between schemas.
    pub schema: Vec<SchemaFinding>,
    /// Why the verdict cannot be *matched*, besides what follows from the rest.
    pub reasons: Vec<String>,
    /// Rules about references.
    pub orphans: Vec<RuleReport>,
    /// Other rules.
    pub invalid: Vec<RuleReport>,
    /// Queries with one value.
    pub invariants: Vec<InvariantReport>,
}

/// Makes the report, with its verdict.
pub fn report(spec: &Spec, mut found: Found) -> Report {
    found.tables.sort_by(|(a, _), (b, _)| a.table.cmp(&b.table));
    found.schema.sort();
    let proof = proof(&found);
    let tls = tls(spec, &found.servers);
    let (mut wrongs, mut gaps) = (Vec::new(), std::mem::take(&mut found.reasons));
    let blocking = |finding: &&SchemaFinding| finding.severity == Severity::Blocks;
    for finding in found.schema.iter().filter(blocking) {
        wrongs.push(format!("{}: {}", finding.place, finding.text));
    }
    for (table, _) in &found.tables {
        let heap = match table.verdict {
            Verdict::Matched => continue,
            Verdict::Mismatched => &mut wrongs,
            Verdict::Inconclusive => &mut gaps,
        };
        let told: Vec<_> = table.reasons.iter().map(String::as_str).collect();
        heap.push(format!("{}: {}", table.table, told.join("; ")));
    }
    let rules = found.orphans.iter().map(|rule| (rule, "refer to nothing"));
    let rules = rules.chain(found.invalid.iter().map(|rule| (rule, "break the rule")));
    for (rule, what) in rules {
        match (&rule.failed, rule.count.target) {
            (Some(failed), _) => gaps.push(format!("rule `{}`: {failed}", rule.rule)),
            (None, Some(rows)) if rows > 0 && !rule.inherited => wrongs.push(format!(
                "rule `{}`: {} of the target {what}",
                rule.rule,
                rows_of(rows)
            )),
            (None, _) => {}
        }
    }
    for invariant in &found.invariants {
        match (&invariant.failed, invariant.holds) {
            (None, Some(true)) => {}
            (None, Some(false)) => {
                wrongs.push(format!("invariant `{}` does not hold", invariant.name));
            }
            (failed, _) => gaps.push(format!(
                "invariant `{}`: {}",
                invariant.name,
                failed.as_deref().unwrap_or("it was not asked")
            )),
        }
    }
    for side in &tls.without {
        gaps.push(format!(
            "the connection to the {side} has no verified TLS, which is required"
        ));
    }
    // A table that is missing is a finding about the schema, too.
    gaps.retain(|gap| !wrongs.contains(gap));
    let verdict = match (wrongs.is_empty(), gaps.is_empty()) {
        (false, _) => Verdict::Mismatched,
        (true, false) => Verdict::Inconclusive,
        (true, true) => Verdict::Matched,
    };
    let work = found
        .tables
        .iter()
        .fold(Both::default(), |sum, (table, _)| {
            Both::of(|side| add(sum_of(&sum, side), table.work.get(side)))
        });
    let (began_at, ended_at) = found.times;
    Report {
        version: VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        mode: spec.mode,
        verdict,
        proof,
        reasons: wrongs.into_iter().chain(gaps).collect(),
        began_at: began_at.to_utc(),
        ended_at: ended_at.to_utc(),
        seconds: ended_at.since(began_at).as_secs_f64(),
        servers: found.servers,
        position: found.position,
        data_validation: data(found.tables),
        schema_validation: SchemaSection {
            is_valid: !found
                .schema
                .iter()
                .any(|finding| finding.severity == Severity::Blocks),
            findings: found.schema,
        },
        orphaned_records: rules_section(found.orphans),
        invalid_records: rules_section(found.invalid),
        invariants: InvariantSection {
            is_valid: found
                .invariants
                .iter()
                .all(|invariant| invariant.holds == Some(true)),
            invariants: found.invariants,
        },
        tls,
        work,
    }
}

/// Returns the weakest proof among the tables.
fn proof(found: &Found) -> ProofKind {
    let weakest = [
        ProofKind::None,
        ProofKind::Count,
        ProofKind::Sample,
        ProofKind::Delta,
        ProofKind::Full,
    ];
    weakest
        .into_iter()
        .find(|kind| found.tables.iter().any(|(_, proof)| proof == kind))
        .unwrap_or(ProofKind::None)
}

fn data(tables: Vec<(TableReport, ProofKind)>) -> DataSection {
    let is_proven = |(table, proof): &(TableReport, ProofKind)| {
        table.verdict == Verdict::Matched && matches!(proof, ProofKind::Full | ProofKind::Delta)
    };
    DataSection {
        is_valid: !tables.is_empty() && tables.iter().all(is_proven),
        tables: tables.into_iter().map(|(table, _)| table).collect(),
    }
}

fn rules_section(rules: Vec<RuleReport>) -> RuleSection {
    let count = rules.iter().fold(0_u64, |sum, rule| {
        sum.saturating_add(rule.count.target.unwrap_or(0))
    });
    RuleSection {
        is_valid: count == 0 && rules.iter().all(|rule| rule.failed.is_none()),
        count,
        rules,
    }
}

/// Tells whether TLS is as required.
pub fn tls(spec: &Spec, servers: &Both<Server>) -> TlsSection {
    let is_verified = |server: &Server| server.tls.as_ref().is_some_and(|tls| tls.verified);
    let without: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|side| spec.require_tls && !is_verified(servers.get(*side)))
        .collect();
    TlsSection {
        is_valid: without.is_empty(),
        without,
    }
}

fn sum_of(sum: &Both<Work>, side: Side) -> Work {
    *sum.get(side)
}

/// Adds up what reading took, one after another.
pub fn add(one: Work, other: &Work) -> Work {
    Work {
        units: one.units.saturating_add(other.units),
        repeated: one.repeated.saturating_add(other.repeated),
        rows: one.rows.saturating_add(other.rows),
        seconds: one.seconds + other.seconds,
        busy_seconds: one.busy_seconds + other.busy_seconds,
        paused_seconds: one.paused_seconds + other.paused_seconds,
        pauses: one.pauses.saturating_add(other.pauses),
        connections: one.connections.max(other.connections),
    }
}
