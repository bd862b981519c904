//! From arguments to a wish, and to everything that is wrong with them.

mod connection;
mod reader;

use std::time::Duration;

use cutover_core::validation::plan::Strategy;
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{
    Checks, Expectation, Follow, Invariant, KeysShown as CoreKeys, Limits, Mode, Preset, Proof,
    Reference, RowCheck, Rule, Scope, Settling, Spec, Sums,
};
use pulumi_host::Problem;
use pulumi_value::PropertyPath;

use super::args::{
    DataValidationArgs, FollowMode, KeysShown, ValidationChecks, ValidationConnection,
    ValidationMode, ValidationPreset, ValidationRows, ValidationSideLimits, ValidationStrategy,
    ValidationTlsMode,
};
use super::judge;
use crate::code::Code;
pub(crate) use reader::Reader;

/// After how long a server cancels any other statement: ours; a sum over a hundred million rows takes minutes.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(30);

/// Stands in for a duration that cannot be read, so that it leads to no further problems.
const STAND_IN: Duration = Duration::from_mins(1);

/// What the arguments of a validation come to.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What can be carried out; `None` when it is refused.
    pub(crate) spec: Option<Spec>,
    /// After how long each server cancels a statement besides those of a pass.
    pub(crate) statement_timeouts: Both<Duration>,
    /// Everything that refuses it, in the order of the inputs.
    pub(crate) problems: Vec<Problem>,
}

/// Reads the arguments of a validation; `seed` is what makes its hashes differ from those of other runs.
pub(crate) fn ask(args: &DataValidationArgs, seed: u64) -> Asked {
    let mut reader = Reader::new(Code::ValidationMalformed);
    let sides = Both {
        source: &args.source,
        target: &args.target,
    };
    for side in Side::BOTH {
        reader.connection(&root().key(side_key(side)), sides.get(side));
    }
    let spec = reader.spec(args, sides, seed);
    let statement_timeouts = Both::of(|side| reader.statement_timeout(args, side));
    let mut problems = reader.problems;
    problems.extend(judge::problems_of(&spec));
    Asked {
        spec: problems.is_empty().then_some(spec),
        statement_timeouts,
        problems,
    }
}

/// The key of a side in the inputs.
pub(crate) const fn side_key(side: Side) -> &'static str {
    match side {
        Side::Source => "source",
        Side::Target => "target",
    }
}

fn root() -> PropertyPath {
    PropertyPath::root()
}

impl Reader {
    fn spec(
        &mut self,
        args: &DataValidationArgs,
        sides: Both<&ValidationConnection>,
        seed: u64,
    ) -> Spec {
        Spec {
            mode: match args.mode {
                ValidationMode::PreMigration => Mode::PreMigration,
                ValidationMode::Final => Mode::Final,
                ValidationMode::PostMigration => Mode::PostMigration,
            },
            scope: Scope {
                include: args.tables.clone(),
                exclude: args.exclude_tables.clone(),
                schemas: args.schemas.clone(),
                exclude_columns: args.exclude_columns.clone(),
                keys: args.keys.clone(),
            },
            checks: checks(args.checks.as_ref()),
            follow: self.follow(args),
            limits: Both::of(|side| self.limits(args, side)),
            settling: self.settling(args),
            strategy: args.strategy.map(|strategy| match strategy {
                ValidationStrategy::RecordHash => Strategy::RecordHash,
                ValidationStrategy::Stream => Strategy::Stream,
                ValidationStrategy::TextDigest => Strategy::TextDigest,
            }),
            require_tls: Side::BOTH.iter().all(|side| is_encrypted(sides.get(*side))),
            keys: match args.keys_shown {
                KeysShown::Plain => CoreKeys::Plain,
                KeysShown::Hashed => CoreKeys::Hashed,
                KeysShown::None => CoreKeys::None,
            },
            max_keys: usize::try_from(args.max_keys).unwrap_or(usize::MAX),
            since: self.since(args),
            seed,
        }
    }

    fn follow(&mut self, args: &DataValidationArgs) -> Follow {
        let Some(follow) = &args.follow else {
            return Follow::None;
        };
        let path = root().key("follow");
        let idle = |mode| format!("has an effect with `mode: \"{mode}\"` only");
        if follow.mode != FollowMode::Marker && follow.marker_table.is_some() {
            self.malformed(path.key("markerTable"), idle("marker"));
        }
        if follow.mode != FollowMode::Delay && follow.longest.is_some() {
            self.malformed(path.key("longest"), idle("delay"));
        }
        match follow.mode {
            FollowMode::None => Follow::None,
            FollowMode::Native => Follow::Native,
            FollowMode::Marker => {
                let table = follow.marker_table.clone().unwrap_or_else(|| {
                    self.malformed(path.key("markerTable"), "is required with `marker`");
                    "cutover_control.marker".to_owned()
                });
                Follow::Marker { table }
            }
            FollowMode::Delay => {
                let path = path.key("longest");
                if follow.longest.is_none() {
                    self.malformed(path.clone(), "is required with `delay`");
                }
                let longest = self.duration(&path, follow.longest.as_deref(), STAND_IN);
                Follow::Delay { longest }
            }
        }
    }

    fn limits(&mut self, args: &DataValidationArgs, side: Side) -> Limits {
        let given = side_limits(args, side);
        let path = root().key("limits").key(side_key(side));
        let default = Limits::of(side);
        let max_lag = given.max_lag.as_deref();
        Limits {
            connections: given.connections.unwrap_or(default.connections),
            unit_target: self.duration(
                &path.key("unitTarget"),
                given.unit_target.as_deref(),
                default.unit_target,
            ),
            unit_limit: self.duration(
                &path.key("unitLimit"),
                given.unit_limit.as_deref(),
                default.unit_limit,
            ),
            duty: given.duty.unwrap_or(default.duty),
            max_active_sessions: given.max_active_sessions,
            max_lag: max_lag.map(|text| self.duration(&path.key("maxLag"), Some(text), STAND_IN)),
        }
    }

    fn statement_timeout(&mut self, args: &DataValidationArgs, side: Side) -> Duration {
        let path = root()
            .key("limits")
            .key(side_key(side))
            .key("statementTimeout");
        let given = side_limits(args, side).statement_timeout;
        let timeout = self.duration(&path, given.as_deref(), STATEMENT_TIMEOUT);
        if timeout < Duration::from_secs(1) {
            self.refuse(Code::ValidationLimits, path, "must be at least `1s`");
        }
        timeout
    }

    fn settling(&mut self, args: &DataValidationArgs) -> Settling {
        let given = args.settling.clone().unwrap_or_default();
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let path = root().key("settling").key("maxWait");
        Settling {
            max_rounds: given.max_rounds,
            max_hot: count(given.max_hot),
            max_candidates: count(given.max_candidates),
            max_wait: self.duration(&path, Some(&given.max_wait), Duration::from_mins(5)),
        }
    }

    fn since(&mut self, args: &DataValidationArgs) -> Option<Proof> {
        // One that is not known yet leads to no problem, and to no run either.
        let text = args.since.as_ref()?.get()?.expose();
        let proof = serde_json::from_str(text);
        if proof.is_err() {
            let reason = "is not what a validation gave as `proofState`";
            self.malformed(root().key("since"), reason);
        }
        proof.ok()
    }
}

fn side_limits(args: &DataValidationArgs, side: Side) -> ValidationSideLimits {
    let given = args.limits.as_ref().and_then(|limits| match side {
        Side::Source => limits.source.clone(),
        Side::Target => limits.target.clone(),
    });
    given.unwrap_or_default()
}

/// Tells whether a connection is meant to be encrypted.
fn is_encrypted(connection: &ValidationConnection) -> bool {
    let tls = connection.tls.as_ref();
    tls.is_none_or(|tls| tls.mode != Some(ValidationTlsMode::Off))
}

fn checks(given: Option<&ValidationChecks>) -> Checks {
    let given = given.cloned().unwrap_or_default();
    Checks {
        rows: match given.rows {
            ValidationRows::Full => RowCheck::Full,
            ValidationRows::Sample => RowCheck::Sample {
                every: given.sample_every,
            },
            ValidationRows::Count => RowCheck::Count,
            ValidationRows::Skip => RowCheck::Skip,
        },
        schema: given.schema,
        orphans: given.orphans,
        declared_checks: given.declared_checks,
        sums: given.sums.into_iter().map(sums_of).collect(),
        rules: given.rules.into_iter().map(rule_of).collect(),
        invariants: given.invariants.into_iter().map(invariant_of).collect(),
        references: given.references.into_iter().map(reference_of).collect(),
        preset: given.preset.map(|preset| match preset {
            ValidationPreset::Payments => Preset::Payments,
        }),
    }
}

fn sums_of(given: super::ValidationSums) -> Sums {
    Sums {
        table: given.table,
        group_by: given.group_by,
        sums: given.sums,
        latest: given.latest,
    }
}

fn rule_of(given: super::ValidationRule) -> Rule {
    Rule {
        name: given.name,
        table: given.table,
        condition: given.condition,
        query: given.query,
        target_query: given.target_query,
    }
}

fn invariant_of(given: super::ValidationInvariant) -> Invariant {
    Invariant {
        name: given.name,
        query: given.query,
        target_query: given.target_query,
        expect: given.expect.map_or(Expectation::Equal, Expectation::Value),
    }
}

fn reference_of(given: super::ValidationReference) -> Reference {
    Reference {
        table: given.table,
        columns: given.columns,
        referred: given.referred,
        referred_columns: given.referred_columns,
    }
}
