//! From what was typed, and a file, to a wish that can be carried out.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::PathBuf;
use std::time::Duration;

use cutover_core::validation::check::check;
use cutover_core::validation::plan::Strategy;
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{
    Checks, Expectation, Follow, Invariant, KeysShown, Limits, Mode, Preset, RowCheck, Scope, Spec,
};

use super::address;
use super::file::{
    self, ChecksForm, ConnectionForm, FileForm, FollowForm, FollowModeForm, InvariantForm,
    RowsForm, SideLimitsForm, TlsModeForm,
};
use crate::cli::{self, ValidateArgs};
use crate::problem::{Exit, Problem};

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) spec: Spec,
    pub(super) connections: Both<ConnectionForm>,
    /// After how long each server cancels a statement besides those of a pass.
    pub(super) statement_timeouts: Both<Duration>,
    /// Where the report is written.
    pub(super) reports: Vec<PathBuf>,
    /// Whether a verdict of *inconclusive* is good enough.
    pub(super) allow_inconclusive: bool,
}

/// Reads what is asked for. Neither database is reached.
///
/// # Errors
/// When the file cannot be read, or what is asked for cannot be carried out.
pub(super) fn read(args: &ValidateArgs) -> Result<Wish, Problem> {
    let mut form = match &args.spec {
        Some(path) => {
            let place = format!("`{}`", path.display());
            let unusable = |what: String| {
                Problem::new(194, Exit::Usage, what)
                    .at(place.clone())
                    .next("`docs/command.md` describes the file")
            };
            let text =
                std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
            file::read(&text).map_err(unusable)?
        }
        None => FileForm::default(),
    };
    overlay(args, &mut form)?;
    let reports = args.report.iter().cloned();
    let reports = reports.chain(form.report_file.take().map(PathBuf::from));
    let reports: Vec<_> = reports.collect();
    let wish = wish(form, reports)?;
    let problems = check(&wish.spec);
    if let Some(first) = problems.first() {
        let told: Vec<_> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path, problem.message))
            .collect();
        return Err(
            Problem::new(first.subject.code(), Exit::Usage, told.join("; "))
                .next("places are those of the file that `docs/command.md` describes; options are put there too"),
        );
    }
    Ok(wish)
}

/// Puts what was typed over what the file says.
fn overlay(args: &ValidateArgs, form: &mut FileForm) -> Result<(), Problem> {
    let typed = [
        (
            Side::Source,
            &args.source,
            &args.source_password_env,
            &args.source_secret,
        ),
        (
            Side::Target,
            &args.target,
            &args.target_password_env,
            &args.target_secret,
        ),
    ];
    for (side, url, variable, secret) in typed {
        let connection = match side {
            Side::Source => &mut form.source,
            Side::Target => &mut form.target,
        };
        if let Some(url) = url {
            address::read(side, url, connection)?;
        }
        connection.password_env = variable.clone().or(connection.password_env.take());
        connection.secret_arn = secret.clone().or(connection.secret_arn.take());
        if let Some(tls) = args.tls {
            connection.tls.mode = tls_mode(tls);
        }
        if let Some(path) = &args.ca_file {
            connection.tls.ca_file = Some(path.clone());
            connection.tls.ca = None;
        }
    }
    if let Some(connections) = args.connections {
        form.limits.source.connections = Some(connections.source);
        form.limits.target.connections = Some(connections.target);
    }
    for (typed, kept) in [
        (&args.tables, &mut form.tables),
        (&args.exclude, &mut form.exclude_tables),
    ] {
        if !typed.is_empty() {
            kept.clone_from(typed);
        }
    }
    if let Some(how) = &args.follow {
        form.follow = Some(follow_of(how)?);
    }
    form.mode = args.mode.map(mode).or(form.mode);
    form.strategy = args.strategy.map(strategy).or(form.strategy);
    form.keys_shown = args.keys.map(keys).or(form.keys_shown);
    form.checks.rows = args.rows.map_or(form.checks.rows, rows);
    form.checks.preset = args.preset.map(preset).or(form.checks.preset);
    Ok(())
}

fn wish(form: FileForm, reports: Vec<PathBuf>) -> Result<Wish, Problem> {
    let connections = Both {
        source: form.source,
        target: form.target,
    };
    let limits = form.limits.both();
    let spec = Spec {
        mode: form.mode.unwrap_or(Mode::PreMigration),
        scope: Scope {
            include: form.tables,
            exclude: form.exclude_tables,
            schemas: form.schemas,
            exclude_columns: form.exclude_columns,
            keys: form.keys,
        },
        checks: checks(form.checks),
        follow: form.follow.map_or(Ok(Follow::None), follow)?,
        limits: Both::of(|side| limits_of(side, limits.get(side))),
        settling: form.settling.settling(),
        strategy: form.strategy,
        require_tls: Side::BOTH
            .iter()
            .all(|side| connections.get(*side).tls.mode != TlsModeForm::Off),
        keys: form.keys_shown.unwrap_or(KeysShown::Plain),
        max_keys: form.max_keys.unwrap_or(100),
        since: form.since,
        // Where every run differs; nothing secret hangs on it.
        seed: RandomState::new().build_hasher().finish(),
    };
    Ok(Wish {
        spec,
        connections,
        statement_timeouts: limits
            .map(|limits| limits.statement_timeout.unwrap_or(Duration::from_mins(30))),
        reports,
        allow_inconclusive: form.allow_inconclusive,
    })
}

fn limits_of(side: Side, form: &SideLimitsForm) -> Limits {
    let default = Limits::of(side);
    Limits {
        connections: form.connections.unwrap_or(default.connections),
        unit_target: form.unit_target.unwrap_or(default.unit_target),
        unit_limit: form.unit_limit.unwrap_or(default.unit_limit),
        duty: form.duty.unwrap_or(default.duty),
        max_active_sessions: form.max_active_sessions,
        max_lag: form.max_lag,
    }
}

fn checks(form: ChecksForm) -> Checks {
    Checks {
        rows: match form.rows {
            RowsForm::Full => RowCheck::Full,
            RowsForm::Sample => RowCheck::Sample {
                every: form.sample_every,
            },
            RowsForm::Count => RowCheck::Count,
            RowsForm::Skip => RowCheck::Skip,
        },
        schema: form.schema,
        orphans: form.orphans,
        declared_checks: form.declared_checks,
        sums: form.sums.into_iter().map(Into::into).collect(),
        rules: form.rules.into_iter().map(Into::into).collect(),
        invariants: form.invariants.into_iter().map(invariant).collect(),
        references: form.references.into_iter().map(Into::into).collect(),
        preset: form.preset,
    }
}

fn invariant(form: InvariantForm) -> Invariant {
    Invariant {
        name: form.name,
        query: form.query,
        target_query: form.target_query,
        expect: form.expect.map_or(Expectation::Equal, Expectation::Value),
    }
}

fn follow(form: FollowForm) -> Result<Follow, Problem> {
    let malformed = |path: &str, what: &str| {
        Problem::new(194, Exit::Usage, format!("follow.{path}: {what}"))
            .next("`--follow` takes `none`, `native`, `marker=TABLE` or `delay=DURATION`")
    };
    match (form.mode, form.marker_table, form.longest) {
        (FollowModeForm::None, None, None) => Ok(Follow::None),
        (FollowModeForm::Native, None, None) => Ok(Follow::Native),
        (FollowModeForm::Marker, Some(table), None) => Ok(Follow::Marker { table }),
        (FollowModeForm::Delay, None, Some(longest)) => Ok(Follow::Delay { longest }),
        (FollowModeForm::Marker, None, _) => {
            Err(malformed("markerTable", "is required with `marker`"))
        }
        (FollowModeForm::Delay, _, None) => Err(malformed("longest", "is required with `delay`")),
        (_, Some(_), _) => Err(malformed("markerTable", "has an effect with `marker` only")),
        (_, _, Some(_)) => Err(malformed("longest", "has an effect with `delay` only")),
    }
}

/// Reads `native`, `marker=cutover_control.marker`, `delay=30s`.
fn follow_of(text: &str) -> Result<FollowForm, Problem> {
    let unusable = |what: String| {
        Problem::new(194, Exit::Usage, format!("`--follow` {what}"))
            .next("give `none`, `native`, `marker=TABLE` or `delay=DURATION`")
    };
    let (mode, value) = match text.split_once('=') {
        Some((mode, value)) => (mode, Some(value)),
        None => (text, None),
    };
    let plain = FollowForm {
        mode: FollowModeForm::None,
        marker_table: None,
        longest: None,
    };
    Ok(match (mode, value) {
        ("none", None) => plain,
        ("native", None) => FollowForm {
            mode: FollowModeForm::Native,
            ..plain
        },
        ("marker", Some(table)) => FollowForm {
            mode: FollowModeForm::Marker,
            marker_table: Some(table.to_owned()),
            ..plain
        },
        ("delay", Some(longest)) => FollowForm {
            mode: FollowModeForm::Delay,
            longest: Some(humantime::parse_duration(longest).map_err(|_| {
                unusable(format!(
                    "has `{longest}`, which is no duration such as `30s`"
                ))
            })?),
            ..plain
        },
        _ => return Err(unusable(format!("is `{text}`"))),
    })
}

fn tls_mode(typed: cli::TlsMode) -> TlsModeForm {
    match typed {
        cli::TlsMode::VerifyFull => TlsModeForm::VerifyFull,
        cli::TlsMode::VerifyCa => TlsModeForm::VerifyCa,
        cli::TlsMode::Require => TlsModeForm::Require,
        cli::TlsMode::Off => TlsModeForm::Off,
    }
}

fn mode(typed: cli::Mode) -> Mode {
    match typed {
        cli::Mode::PreMigration => Mode::PreMigration,
        cli::Mode::Final => Mode::Final,
        cli::Mode::PostMigration => Mode::PostMigration,
    }
}

fn rows(typed: cli::Rows) -> RowsForm {
    match typed {
        cli::Rows::Full => RowsForm::Full,
        cli::Rows::Sample => RowsForm::Sample,
        cli::Rows::Count => RowsForm::Count,
        cli::Rows::Skip => RowsForm::Skip,
    }
}

fn preset(typed: cli::Preset) -> Preset {
    match typed {
        cli::Preset::Payments => Preset::Payments,
    }
}

fn strategy(typed: cli::Strategy) -> Strategy {
    match typed {
        cli::Strategy::RecordHash => Strategy::RecordHash,
        cli::Strategy::Stream => Strategy::Stream,
        cli::Strategy::TextDigest => Strategy::TextDigest,
    }
}

fn keys(typed: cli::Keys) -> KeysShown {
    match typed {
        cli::Keys::Plain => KeysShown::Plain,
        cli::Keys::Hashed => KeysShown::Hashed,
        cli::Keys::None => KeysShown::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &ValidateArgs) -> Wish {
        read(args).unwrap_or_else(|problem| panic!("{problem}"))
    }

    #[test]
    fn without_anything_all_rows_of_all_tables_are_compared() {
        let wish = of(&ValidateArgs::default());

        assert_eq!(wish.spec.checks.rows, RowCheck::Full);
        assert!(wish.spec.scope.include.is_empty());
        assert!(wish.spec.require_tls);
        assert_eq!(wish.spec.limits.source.connections, 2);
        assert_eq!(wish.spec.limits.target.duty, 100);
        assert_ne!(wish.spec.seed, of(&ValidateArgs::default()).spec.seed);
    }

    #[test]
    fn what_was_typed_goes_before_the_file() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("validation.json");
        let text = r#"{"tables": ["a"], "mode": "final", "checks": {"rows": "count", "schema": false},
                       "limits": {"source": {"connections": 7}}, "source": {"host": "a", "user": "u"}}"#;
        std::fs::write(&path, text).expect("the folder is ours");

        let wish = of(&ValidateArgs {
            spec: Some(path),
            source: Some("postgres://b/shop".to_owned()),
            rows: Some(cli::Rows::Full),
            tls: Some(cli::TlsMode::Off),
            follow: Some("delay=30s".to_owned()),
            ..ValidateArgs::default()
        });

        assert_eq!(wish.spec.mode, Mode::Final);
        assert_eq!(wish.spec.checks.rows, RowCheck::Full);
        assert!(!wish.spec.checks.schema);
        assert_eq!(wish.spec.limits.source.connections, 7);
        assert_eq!(wish.connections.source.host.as_deref(), Some("b"));
        assert_eq!(wish.connections.source.user.as_deref(), Some("u"));
        assert!(!wish.spec.require_tls);
        let longest = Duration::from_secs(30);
        assert_eq!(wish.spec.follow, Follow::Delay { longest });
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_with_its_places() {
        let problem = read(&ValidateArgs {
            tables: vec!["a.b.c".to_owned()],
            exclude: vec![String::new()],
            ..ValidateArgs::default()
        })
        .expect_err("is refused");

        assert_eq!(problem.code.to_string(), "CUT-201");
        assert_eq!(problem.exit, Exit::Usage);
        assert!(problem.message.contains("tables[0]: "), "{problem}");
        assert!(problem.message.contains("excludeTables[0]: "), "{problem}");
    }

    #[test]
    fn how_the_target_follows_is_read_as_people_write_it() {
        for bad in ["marker", "native=1", "delay=soon", "cdc", ""] {
            assert!(follow_of(bad).is_err(), "{bad}");
        }
        let form = follow_of("marker=cutover_control.marker").expect("is one");
        let table = "cutover_control.marker".to_owned();
        assert_eq!(follow(form), Ok(Follow::Marker { table }));
    }
}
