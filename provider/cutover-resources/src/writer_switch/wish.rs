//! From arguments to a wish, and to everything that is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Spec as CheckSpec;
use cutover_core::writer_switch::check::{Problem as Found, check};
use cutover_core::writer_switch::spec::{Back, Drain, Pause, Setting, SettingKind, Spec};
use pulumi_host::Problem;
use pulumi_value::{Output, PropertyPath};

use super::args::{SlotPlugin, SwitchPause, SwitchSetting, SwitchWriter, WriterSwitchArgs};
use crate::code::Code;
use crate::data_validation::{
    DataValidationArgs, Reader, ValidationLimits, ValidationMode, ValidationSideLimits,
    ask as ask_validation,
};
use crate::migration::Given;

/// Stands in for what is not known yet; each is another, since endpoints must differ.
const UNKNOWN: &str = "unknown";

/// How many connections compare on each side within the pause, where the program does not say: ours. Nobody else writes then.
const CHECK_CONNECTIONS: u32 = 4;

/// What the arguments of a switch come to.
#[derive(Debug)]
pub(super) struct Asked {
    /// What can be carried out; `None` when it is refused. What depends on how things stand is not in it yet: through which
    /// replication it drains, and whether there is one back.
    pub(super) spec: Option<Spec>,
    /// What is compared within the pause.
    pub(super) check: Option<Checking>,
    /// Everything that refuses it, in the order of the inputs.
    pub(super) problems: Vec<Problem>,
}

/// What is compared within the pause.
#[derive(Debug)]
pub(super) struct Checking {
    pub(super) spec: CheckSpec,
    pub(super) statement_timeouts: Both<Duration>,
}

/// Reads the arguments of a switch; `seed` is what makes the hashes of its comparison differ from those of other runs.
pub(super) fn ask(args: &WriterSwitchArgs, seed: u64) -> Asked {
    let mut reader = Reader::new(Code::SwitchMalformed);
    let root = PropertyPath::root();
    given(args).check(&mut reader, &root);
    let spec = reader.switch(args);
    let mut check_of = None;
    if let Some(validation) = validation(args) {
        let asked = ask_validation(&validation, seed);
        let problems = asked.problems.into_iter();
        // What they have in common is told once.
        let own = problems.filter(|problem| !is_common(&problem.path));
        reader.problems.extend(own.map(|problem| Problem {
            path: within("check", &problem.path),
            ..problem
        }));
        check_of = asked.spec.map(|spec| Checking {
            spec,
            statement_timeouts: asked.statement_timeouts,
        });
    }
    let mut problems = reader.problems;
    if problems.is_empty() {
        problems.extend(check(&spec).iter().map(|found| refused(args, found)));
    }
    let is_accepted = problems.is_empty();
    Asked {
        spec: is_accepted.then_some(spec),
        check: check_of,
        problems,
    }
}

/// The databases and tables.
pub(super) fn given(args: &WriterSwitchArgs) -> Given<'_> {
    Given {
        migration: &args.migration,
        control_schema: &args.control_schema,
        sides: Both {
            source: &args.source,
            target: &args.target,
        },
        tables: &args.tables,
        schemas: &args.schemas,
        apply_users: args.apply_users.as_ref(),
        slot_plugin: match args.slot_plugin {
            SlotPlugin::TestDecoding => "test_decoding",
            SlotPlugin::Pglogical => "pglogical",
            SlotPlugin::Pgoutput => "pgoutput",
        },
    }
}

/// Tells whether both systems write to whichever database is the writer.
pub(super) fn is_shared(args: &WriterSwitchArgs) -> bool {
    args.shared_writer.unwrap_or(args.setting.is_some())
}

/// The comparison within the pause, in terms of a validation; none on the way back, whose rows have come through a replication
/// that was watched since, and whose time is better used.
fn validation(args: &WriterSwitchArgs) -> Option<DataValidationArgs> {
    let check = args.check.clone().unwrap_or_default();
    if !check.enabled.unwrap_or(true) || args.writer == SwitchWriter::Source {
        return None;
    }
    let all_of_the_time = || {
        Some(ValidationSideLimits {
            connections: Some(CHECK_CONNECTIONS),
            duty: Some(100),
            ..ValidationSideLimits::default()
        })
    };
    let limits = check.limits.unwrap_or_else(|| ValidationLimits {
        source: all_of_the_time(),
        target: all_of_the_time(),
    });
    Some(DataValidationArgs {
        source: args.source.clone(),
        target: args.target.clone(),
        mode: ValidationMode::Final,
        tables: args.tables.clone(),
        exclude_tables: check.exclude_tables,
        schemas: args.schemas.clone(),
        exclude_columns: check.exclude_columns,
        keys: check.keys,
        checks: check.checks,
        follow: None,
        limits: Some(limits),
        settling: check.settling,
        strategy: check.strategy,
        keys_shown: check.keys_shown.unwrap_or_default(),
        max_keys: 100,
        since: check.since,
        triggers: BTreeMap::new(),
        report_file: None,
        allow_inconclusive: false,
    })
}

/// Tells whether an input of the validation is one of the switch itself.
fn is_common(path: &PropertyPath) -> bool {
    matches!(
        path.first_key(),
        Some("source" | "target" | "tables" | "schemas" | "mode")
    )
}

fn within(key: &str, path: &PropertyPath) -> PropertyPath {
    let mut segments = PropertyPath::root().key(key).segments().to_vec();
    segments.extend(path.segments().iter().cloned());
    PropertyPath::from(segments)
}

/// Says what the decisions say, in terms of the inputs.
fn refused(args: &WriterSwitchArgs, found: &Found) -> Problem {
    let is_parameter = args
        .setting
        .as_ref()
        .is_some_and(|setting| setting.parameter.is_some());
    let path = match found.path.as_str() {
        "setting.name" if is_parameter => "setting.parameter",
        "setting.name" => "setting.secretArn",
        "drain.arn" => "drain.taskArn",
        path if path.starts_with("tables") => "tables",
        path => path,
    };
    let path = path.parse().unwrap_or_else(|_| PropertyPath::root());
    Problem::new(
        path,
        format!("{}: {}", Code::SwitchMalformed, found.message),
    )
}

impl Reader {
    fn switch(&mut self, args: &WriterSwitchArgs) -> Spec {
        let given = given(args);
        Spec {
            migration: args.migration.clone(),
            writer: args.writer.into(),
            tables: given.tables(given.databases()),
            pause: self.pause(args.pause.as_ref()),
            max_lag: self.time("maxLag", &args.max_lag),
            max_transaction_age: self.time("maxTransactionAge", &args.max_transaction_age),
            identity_gap: u64::from(args.identity_gap),
            check: args.writer == SwitchWriter::Target
                && args
                    .check
                    .as_ref()
                    .and_then(|check| check.enabled)
                    .unwrap_or(true),
            setting: args.setting.as_ref().map(|setting| self.setting(setting)),
            drain: args.drain.as_ref().map(|drain| Drain {
                arn: known(Some(&drain.task_arn), "drain"),
                stop: drain.stop,
            }),
            back: self.back(args),
        }
    }

    fn pause(&mut self, given: Option<&SwitchPause>) -> Pause {
        let given = given.cloned().unwrap_or_default();
        let path = PropertyPath::root().key("pause");
        let default = Pause::default();
        let mut time =
            |key: &str, text: &str, stand_in| self.duration(&path.key(key), Some(text), stand_in);
        Pause {
            max: time("max", &given.max, default.max),
            lock: time("lock", &given.lock, default.lock),
            attempts: given.attempts,
            spacing: time("spacing", &given.spacing, default.spacing),
            reserve: time("reserve", &given.reserve, default.reserve),
        }
    }

    fn setting(&mut self, given: &SwitchSetting) -> Setting {
        let path = PropertyPath::root().key("setting");
        match (&given.parameter, &given.secret_arn) {
            (Some(_), Some(_)) => {
                let reason = "`parameter` is given too; there can be one of them";
                self.malformed(path.key("secretArn"), reason);
            }
            (None, None) => {
                self.malformed(path.key("parameter"), "is required without `secretArn`");
            }
            _ => {}
        }
        let kind = if given.parameter.is_some() {
            SettingKind::Parameter
        } else {
            SettingKind::Secret
        };
        let name = given.parameter.as_ref().or(given.secret_arn.as_ref());
        Setting {
            kind,
            name: known(name, "setting"),
        }
    }

    fn back(&mut self, args: &WriterSwitchArgs) -> Option<Back> {
        let given = args.back.as_ref()?;
        let path = PropertyPath::root().key("back");
        Some(Back {
            identifier: given.identifier.clone(),
            source_endpoint_arn: known(Some(&given.source_endpoint_arn), "source"),
            target_endpoint_arn: known(Some(&given.target_endpoint_arn), "target"),
            instance_arn: known(Some(&given.instance_arn), "instance"),
            limit: self.duration(
                &path.key("limit"),
                Some(&given.limit),
                Duration::from_mins(15),
            ),
        })
    }
}

/// The wish as things stand: on the way back to the source everything drains through the replication back, of which there is
/// none the other way.
pub(super) fn as_it_stands(spec: Spec, back_task: Option<String>) -> Spec {
    if spec.writer == Side::Target {
        return spec;
    }
    Spec {
        drain: back_task.map(|arn| Drain { arn, stop: true }),
        back: None,
        ..spec
    }
}

fn known(text: Option<&Output<String>>, what: &str) -> String {
    let stand_in = || format!("{UNKNOWN}-{what}");
    text.and_then(Output::get).cloned().unwrap_or_else(stand_in)
}
