//! What the program gets back.

use cutover_core::validation::facts::Position;
use cutover_core::validation::report::{ProofKind, Report, TableReport, Verdict};
use cutover_core::validation::side::Both;
use pulumi_value::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a validation came to. It stands for the moment at which it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataValidationState {
    /// The verdict over everything.
    pub verdict: ValidationVerdict,
    /// What kind of proof stands behind it.
    pub proof: ValidationProof,
    /// Rows.
    pub data_validation: ValidatedData,
    /// Schemas.
    pub schema_validation: ValidatedSchema,
    /// Rows of the target that refer to nothing.
    pub orphaned_records: ValidatedRules,
    /// Rows of the target that break a rule.
    pub invalid_records: ValidatedRules,
    /// Why the verdict is not `matched`, the worst first.
    pub reasons: Vec<String>,
    /// The report, as JSON with names in `snake_case`; empty when the run was stopped.
    pub report: String,
    /// The SHA-256 of `report`, in hexadecimal.
    pub report_digest: String,
    /// When it began: RFC 3339.
    pub began_at: Option<String>,
    /// When it ended: RFC 3339.
    pub ended_at: Option<String>,
    /// How far the source was at the last settlement: a place in its log, its transactions, or the number of a marker.
    pub position: Option<String>,
    /// What the run has proven, for the input `since` of a later one. Secret, since it may hold keys of rows.
    pub proof_state: Option<Secret<String>>,
}

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationVerdict {
    /// Everything that was asked for was looked at, and is as it should be.
    Matched,
    /// It could not be told.
    Inconclusive,
    /// Something is proven to be different or wrong.
    Mismatched,
    /// The run was stopped before there was one.
    Stopped,
}

/// What kind of proof stands behind a verdict of `matched`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValidationProof {
    /// Every row of both sides was read.
    Full,
    /// What changed since a full proof was read, and every key.
    Delta,
    /// Only a part was read.
    Sample,
    /// Rows were counted.
    Count,
    /// Rows were not looked at.
    None,
}

/// What was found about rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedData {
    /// Whether the rows of all tables are proven equal.
    pub is_valid: bool,
    /// The tables, in the order of their names.
    pub tables: Vec<ValidatedTable>,
}

/// What was found about the rows of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedTable {
    /// Its name on the source.
    pub table: String,
    /// Its verdict.
    pub verdict: ValidationVerdict,
    /// Rows on the source.
    pub rows_source: f64,
    /// Rows on the target.
    pub rows_target: f64,
    /// Rows of the source that are not on the target.
    pub missing: f64,
    /// Rows of the target that are not on the source.
    pub extra: f64,
    /// Rows whose columns differ.
    pub different: f64,
    /// Whether there are more of them than were counted.
    pub at_least: bool,
    /// Rows that changed each time they were looked at.
    pub hot: f64,
    /// The keys of the first rows that differ, as far as keys are shown.
    pub keys: Vec<String>,
    /// Why the verdict is not `matched`.
    pub reasons: Vec<String>,
}

/// What was found about schemas.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedSchema {
    /// Whether nothing was found that blocks.
    pub is_valid: bool,
    /// What was found, the worst first.
    pub findings: Vec<ValidationFinding>,
}

/// A difference between schemas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationFinding {
    /// How bad it is.
    pub severity: FindingSeverity,
    /// A stable name of the kind of finding, such as `missing_table`.
    pub kind: String,
    /// Where.
    pub place: String,
    /// What, in a sentence.
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FindingSeverity {
    /// The migration would lose or refuse data.
    Blocks,
    /// Something will be slower, or behave differently.
    Warns,
    /// Worth knowing.
    Informs,
}

/// What was found by rules.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedRules {
    /// Whether no row of the target breaks a rule.
    pub is_valid: bool,
    /// How many rows of the target do.
    pub count: f64,
}

impl DataValidationState {
    /// Before there is a verdict, and when there will be none.
    pub(super) fn stopped(reason: String, began_at: String) -> Self {
        Self {
            verdict: ValidationVerdict::Stopped,
            proof: ValidationProof::None,
            data_validation: ValidatedData::default(),
            schema_validation: ValidatedSchema::default(),
            orphaned_records: ValidatedRules::default(),
            invalid_records: ValidatedRules::default(),
            reasons: vec![reason],
            report: String::new(),
            report_digest: String::new(),
            began_at: Some(began_at),
            ended_at: None,
            position: None,
            proof_state: None,
        }
    }

    /// What a report comes to, with its JSON, the digest of that, and what was proven.
    pub(super) fn of(report: &Report, json: String, digest: String, proof: Option<String>) -> Self {
        let rules = |section: &cutover_core::validation::report::RuleSection| ValidatedRules {
            is_valid: section.is_valid,
            count: number(section.count),
        };
        Self {
            verdict: report.verdict.into(),
            proof: report.proof.into(),
            data_validation: ValidatedData {
                is_valid: report.data_validation.is_valid,
                tables: report
                    .data_validation
                    .tables
                    .iter()
                    .map(ValidatedTable::of)
                    .collect(),
            },
            schema_validation: schema(report),
            orphaned_records: rules(&report.orphaned_records),
            invalid_records: rules(&report.invalid_records),
            reasons: report.reasons.clone(),
            report: json,
            report_digest: digest,
            began_at: Some(report.began_at.clone()),
            ended_at: Some(report.ended_at.clone()),
            position: report.position.as_ref().map(|position| match position {
                Position::Lsn(text) | Position::Gtid(text) => text.clone(),
                Position::Marker(number) => number.to_string(),
            }),
            proof_state: proof.map(Secret::new),
        }
    }

    /// Tells whether it is what was asked for, so that nothing needs to run again.
    pub(super) fn is_accepted(&self, allow_inconclusive: bool) -> bool {
        match self.verdict {
            ValidationVerdict::Matched => true,
            ValidationVerdict::Inconclusive => allow_inconclusive,
            ValidationVerdict::Mismatched | ValidationVerdict::Stopped => false,
        }
    }
}

impl ValidatedTable {
    fn of(table: &TableReport) -> Self {
        let Both { source, target } = table.rows;
        let found = &table.differences;
        Self {
            table: table.table.clone(),
            verdict: table.verdict.into(),
            rows_source: number(source),
            rows_target: number(target),
            missing: number(found.missing),
            extra: number(found.extra),
            different: number(found.different),
            at_least: found.at_least,
            hot: number(table.hot),
            keys: found
                .rows
                .iter()
                .filter_map(|row| row.key.clone())
                .collect(),
            reasons: table.reasons.clone(),
        }
    }
}

fn schema(report: &Report) -> ValidatedSchema {
    use cutover_core::validation::report::Severity;
    let findings = report.schema_validation.findings.iter();
    ValidatedSchema {
        is_valid: report.schema_validation.is_valid,
        findings: findings
            .map(|finding| ValidationFinding {
                severity: match finding.severity {
                    Severity::Blocks => FindingSeverity::Blocks,
                    Severity::Warns => FindingSeverity::Warns,
                    Severity::Informs => FindingSeverity::Informs,
                },
                kind: finding.kind.clone(),
                place: finding.place.clone(),
                text: finding.text.clone(),
            })
            .collect(),
    }
}

/// A count as programs know numbers; exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "no table has 2^53 rows, and programs know no other numbers"
)]
fn number(count: u64) -> f64 {
    count as f64
}

impl From<Verdict> for ValidationVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Matched => Self::Matched,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Mismatched => Self::Mismatched,
        }
    }
}

impl From<ProofKind> for ValidationProof {
    fn from(kind: ProofKind) -> Self {
        match kind {
            ProofKind::Full => Self::Full,
            ProofKind::Delta => Self::Delta,
            ProofKind::Sample => Self::Sample,
            ProofKind::Count => Self::Count,
            ProofKind::None => Self::None,
        }
    }
}
