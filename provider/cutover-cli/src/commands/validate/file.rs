//! The file of a validation: the inputs of a `DataValidation`, of which no secret.
//!
//! The command may not know of Pulumi, nor the decisions of files; so names and defaults stand here once more than in the
//! schema of the resource. What the inputs *mean*, and what is wrong with them together, is in `cutover-core` alone.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::plan::Strategy;
use cutover_core::validation::side::Both;
use cutover_core::validation::spec::{
    KeysShown, Mode, Preset, Proof, Reference, Rule, Settling, Sums,
};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// Everything that can stand in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FileForm {
    pub(super) source: ConnectionForm,
    pub(super) target: ConnectionForm,
    pub(super) mode: Option<Mode>,
    pub(super) tables: Vec<String>,
    pub(super) exclude_tables: Vec<String>,
    pub(super) schemas: BTreeMap<String, String>,
    pub(super) exclude_columns: BTreeMap<String, String>,
    pub(super) keys: BTreeMap<String, Vec<String>>,
    pub(super) checks: ChecksForm,
    pub(super) follow: Option<FollowForm>,
    pub(super) limits: LimitsForm,
    pub(super) settling: SettlingForm,
    pub(super) strategy: Option<Strategy>,
    pub(super) keys_shown: Option<KeysShown>,
    pub(super) max_keys: Option<usize>,
    #[serde(deserialize_with = "proof")]
    pub(super) since: Option<Proof>,
    /// Of a program's; has no meaning here.
    #[serde(rename = "triggers")]
    _triggers: IgnoredAny,
    pub(super) report_file: Option<String>,
    pub(super) allow_inconclusive: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConnectionForm {
    pub(super) engine: Option<Engine>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    #[serde(rename = "password", deserialize_with = "no_password")]
    _password: (),
    pub(super) secret_arn: Option<String>,
    pub(super) password_env: Option<String>,
    pub(super) tls: TlsForm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TlsForm {
    pub(super) mode: TlsModeForm,
    pub(super) ca: Option<String>,
    pub(super) ca_file: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum TlsModeForm {
    #[default]
    VerifyFull,
    VerifyCa,
    Require,
    Off,
}

#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChecksForm {
    pub(super) rows: RowsForm,
    pub(super) sample_every: u32,
    pub(super) schema: bool,
    pub(super) orphans: bool,
    pub(super) declared_checks: bool,
    pub(super) sums: Vec<SumsForm>,
    pub(super) rules: Vec<RuleForm>,
    pub(super) invariants: Vec<InvariantForm>,
    pub(super) references: Vec<ReferenceForm>,
    pub(super) preset: Option<Preset>,
}

impl Default for ChecksForm {
    fn default() -> Self {
        Self {
            rows: RowsForm::Full,
            sample_every: 16,
            schema: true,
            orphans: true,
            declared_checks: true,
            sums: Vec::new(),
            rules: Vec::new(),
            invariants: Vec::new(),
            references: Vec::new(),
            preset: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum RowsForm {
    Full,
    Sample,
    Count,
    Skip,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SumsForm {
    table: String,
    #[serde(default)]
    group_by: Vec<String>,
    #[serde(default)]
    sums: Vec<String>,
    #[serde(default)]
    latest: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RuleForm {
    name: String,
    table: Option<String>,
    condition: Option<String>,
    query: Option<String>,
    target_query: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct InvariantForm {
    pub(super) name: String,
    pub(super) query: String,
    pub(super) target_query: Option<String>,
    pub(super) expect: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReferenceForm {
    table: String,
    columns: Vec<String>,
    referred: String,
    referred_columns: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FollowForm {
    pub(super) mode: FollowModeForm,
    pub(super) marker_table: Option<String>,
    #[serde(default, deserialize_with = "duration")]
    pub(super) longest: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum FollowModeForm {
    None,
    Native,
    Marker,
    Delay,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsForm {
    pub(super) source: SideLimitsForm,
    pub(super) target: SideLimitsForm,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SideLimitsForm {
    pub(super) connections: Option<u32>,
    #[serde(deserialize_with = "duration")]
    pub(super) unit_target: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(super) unit_limit: Option<Duration>,
    pub(super) duty: Option<u8>,
    pub(super) max_active_sessions: Option<u32>,
    #[serde(deserialize_with = "duration")]
    pub(super) max_lag: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    pub(super) statement_timeout: Option<Duration>,
}

#[expect(
    clippy::struct_field_names,
    reason = "they are named as the inputs of the resource are"
)]
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SettlingForm {
    max_rounds: Option<u32>,
    max_hot: Option<usize>,
    max_candidates: Option<usize>,
    #[serde(deserialize_with = "duration")]
    max_wait: Option<Duration>,
}

/// Reads a file. What is wrong is told with its place: `checks.rules[0].name: missing field …`.
pub(super) fn read(text: &str) -> Result<FileForm, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let form = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        if path == "." {
            cause.to_string()
        } else {
            format!("{path}: {cause}")
        }
    })?;
    json.end().map_err(|error| error.to_string())?;
    Ok(form)
}

impl LimitsForm {
    pub(super) fn both(&self) -> Both<SideLimitsForm> {
        Both {
            source: self.source,
            target: self.target,
        }
    }
}

impl SettlingForm {
    pub(super) fn settling(&self) -> Settling {
        let default = Settling::default();
        Settling {
            max_rounds: self.max_rounds.unwrap_or(default.max_rounds),
            max_hot: self.max_hot.unwrap_or(default.max_hot),
            max_candidates: self.max_candidates.unwrap_or(default.max_candidates),
            max_wait: self.max_wait.unwrap_or(default.max_wait),
        }
    }
}

impl From<SumsForm> for Sums {
    fn from(form: SumsForm) -> Self {
        Self {
            table: form.table,
            group_by: form.group_by,
            sums: form.sums,
            latest: form.latest,
        }
    }
}

impl From<RuleForm> for Rule {
    fn from(form: RuleForm) -> Self {
        Self {
            name: form.name,
            table: form.table,
            condition: form.condition,
            query: form.query,
            target_query: form.target_query,
        }
    }
}

impl From<ReferenceForm> for Reference {
    fn from(form: ReferenceForm) -> Self {
        Self {
            table: form.table,
            columns: form.columns,
            referred: form.referred,
            referred_columns: form.referred_columns,
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        humantime::parse_duration(&text).map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is not a duration; it should look like `700ms` or `1h30m`"
            ))
        })
    };
    text.map(read).transpose()
}

/// A password is refused without being kept or repeated.
fn no_password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(
        "a password does not belong in a file; give `passwordEnv` or `secretArn`",
    ))
}

fn proof<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Proof>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        serde_json::from_str(&text)
            .map_err(|_| D::Error::custom("is not what a validation gave as `proofState`"))
    };
    text.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_asks_for_everything_in_the_usual_way() {
        let form = read("{}").expect("is a file");

        assert_eq!(form.checks.rows, RowsForm::Full);
        assert!(form.checks.schema && form.checks.orphans && form.checks.declared_checks);
        assert_eq!(form.source.tls.mode, TlsModeForm::VerifyFull);
        assert_eq!(form.settling.settling().max_rounds, 12);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            (r#"{"tabels": []}"#, "tabels: unknown field `tabels`"),
            (
                r#"{"checks": {"rules": [{}]}}"#,
                "checks.rules[0]: missing field `name`",
            ),
            (
                r#"{"limits": {"source": {"unitTarget": "soon"}}}"#,
                "limits.source.unitTarget: `soon` is not a duration",
            ),
            (
                r#"{"source": {"port": 70000}}"#,
                "source.port: invalid value",
            ),
            (
                r#"{"since": "yesterday"}"#,
                "since: is not what a validation gave",
            ),
            ("{} {}", "trailing characters"),
            ("", "EOF"),
        ];
        for (text, expected) in cases {
            let problem = read(text).expect_err(text);
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn a_password_in_a_file_is_refused_and_not_repeated() {
        let problem = read(r#"{"source": {"password": "hunter2"}}"#).expect_err("is refused");

        assert!(problem.starts_with("source.password: "), "{problem}");
        assert!(!problem.contains("hunter2"), "{problem}");
    }

    #[test]
    fn the_inputs_of_a_program_can_be_pasted() {
        let form = read(
            r#"{"triggers": {"release": "41"}, "reportFile": "v.html", "allowInconclusive": true,
                "follow": {"mode": "marker", "markerTable": "cutover_control.marker"},
                "source": {"engine": "postgres", "secretArn": "arn:x", "tls": {"caFile": "rds.pem"}},
                "checks": {"preset": "payments", "rows": "sample", "sampleEvery": 4}}"#,
        )
        .expect("is a file");

        assert_eq!(form.report_file.as_deref(), Some("v.html"));
        assert_eq!(form.checks.sample_every, 4);
        assert_eq!(form.source.engine, Some(Engine::Postgres));
    }
}
