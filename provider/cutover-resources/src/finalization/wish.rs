//! From arguments to a wish, and to everything that is wrong with them.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use cutover_core::Timestamp;
use cutover_core::teardown::spec::Spec;
use cutover_core::validation::side::{Both, Side};
use humantime::parse_rfc3339;
use pulumi_host::Problem;
use pulumi_value::{Output, PropertyPath};

use super::args::FinalizationArgs;
use crate::code::Code;
use crate::data_validation::Reader;
use crate::migration::{Given, SLOT_PLUGIN};

/// How long a task may take to stop, or to go: ours; DMS finishes what it has in hand first.
const LIMIT: Duration = Duration::from_mins(15);

/// How often DMS is asked meanwhile: ours.
const POLL: Duration = Duration::from_secs(10);

/// What the arguments of a finalization come to.
#[derive(Debug)]
pub(super) struct Asked {
    /// What can be carried out; `None` when it is refused.
    pub(super) spec: Option<Spec>,
    /// From when on; `None` when that is not known yet.
    pub(super) due_at: Option<Timestamp>,
    /// Everything that refuses it, in the order of the inputs.
    pub(super) problems: Vec<Problem>,
}

/// Reads the arguments of a finalization.
pub(super) fn ask(args: &FinalizationArgs) -> Asked {
    let mut reader = Reader::new(Code::FinalizationMalformed);
    let root = PropertyPath::root();
    given(args).check(&mut reader, &root);
    let period = reader.duration(
        &root.key("safetyPeriod"),
        Some(&args.safety_period),
        Duration::ZERO,
    );
    let since = args.since.get().and_then(|text| {
        let moment = moment(text);
        if moment.is_none() {
            let reason = "is no moment as a switch gives it in `committedAt`, such as `2026-01-31T10:05:00Z`";
            reader.malformed(root.key("since"), reason);
        }
        moment
    });
    if args.delete_instance && args.instance_arn.is_none() {
        reader.malformed(root.key("instanceArn"), "is required with `deleteInstance`");
    }
    if args.delete_instance && !args.delete_tasks {
        let reason = "must be true with `deleteInstance`: an instance with tasks cannot be removed";
        reader.malformed(root.key("deleteTasks"), reason);
    }
    let problems = reader.problems;
    Asked {
        spec: problems.is_empty().then(|| spec(args)),
        due_at: since.map(|since| since.after(period)),
        problems,
    }
}

fn spec(args: &FinalizationArgs) -> Spec {
    let known = |text: &Option<Output<String>>| text.as_ref().and_then(Output::get).cloned();
    let tasks = [known(&args.forward_task_arn), known(&args.back_task_arn)];
    let mut named = BTreeSet::new();
    Spec {
        writer: Some(Side::Target),
        tasks: tasks
            .into_iter()
            .flatten()
            .filter(|arn| !arn.is_empty() && named.insert(arn.clone()))
            .collect(),
        delete_tasks: args.delete_tasks,
        release: true,
        instance: known(&args.instance_arn).filter(|_| args.delete_instance),
        remove_control: args.remove_control,
        limit: LIMIT,
        poll: POLL,
    }
}

/// The databases and tables.
pub(super) fn given(args: &FinalizationArgs) -> Given<'_> {
    Given {
        migration: &args.migration,
        control_schema: &args.control_schema,
        sides: Both {
            source: &args.source,
            target: &args.target,
        },
        tables: &args.tables,
        schemas: &args.schemas,
        apply_users: None,
        slot_plugin: SLOT_PLUGIN,
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    let time = parse_rfc3339(text).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_unix_millis(0).after(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_was_written() {
        let text = "2026-01-31T10:05:07Z";

        assert_eq!(moment(text).map(Timestamp::to_utc).as_deref(), Some(text));
        assert_eq!(moment("yesterday"), None);
    }
}
