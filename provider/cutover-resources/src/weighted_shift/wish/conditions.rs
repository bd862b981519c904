//! The conditions of steps, and what the way back needs.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::shift::sources::{EntrySource, Sources};
use cutover_core::shift::spec::{DataPolicy, Rollback, RowsReturn};
use pulumi_value::PropertyPath;

use super::super::args::{DataPriority, EntryGate, SharedFault, ShiftRollback, TaskValidation};
use super::reader::{Least, Reader};

impl Reader {
    /// Reads conditions; returns the names by which the sources know them.
    pub(super) fn entry_gates(
        &mut self,
        path: &PropertyPath,
        gates: Option<&Vec<EntryGate>>,
        sources: &mut Sources,
    ) -> Vec<String> {
        let gates = gates.into_iter().flatten().enumerate();
        gates
            .map(|(index, gate)| {
                let (kind, source) = self.entry_source(&path.index(index), gate);
                named(kind, source, &mut sources.entry_gates)
            })
            .collect()
    }

    fn entry_source(
        &mut self,
        path: &PropertyPath,
        gate: &EntryGate,
    ) -> (&'static str, EntrySource) {
        match gate {
            EntryGate::DmsTask(task) => {
                let path = path.key("dmsTask").key("maxLatency");
                let lag_max =
                    self.duration(&path, &task.max_latency, Least::Nothing, Duration::ZERO);
                let source = EntrySource::DmsTask {
                    arn: self.text(&task.arn, "unknown"),
                    lag_max,
                    validated: task.validation == TaskValidation::Clean,
                };
                ("dmsTask", source)
            }
            EntryGate::Alarm(alarm) => {
                let name = self.text(&alarm.name, "unknown");
                ("alarm", EntrySource::Alarm { name })
            }
            EntryGate::Ssm(parameter) => {
                let source = EntrySource::Parameter {
                    name: self.text(&parameter.name, "unknown"),
                    equals: parameter.equals.clone(),
                };
                ("ssm", source)
            }
        }
    }

    /// Reads how to go back; what is not said is as [`cutover_core::shift::spec::Policy::new`] says.
    pub(super) fn rollback(
        &mut self,
        wish: Option<&ShiftRollback>,
        default: Rollback,
        sources: &mut Sources,
    ) -> Rollback {
        let Some(wish) = wish else {
            return default;
        };
        let path = PropertyPath::root().key("rollback");
        let reverse = wish.reverse_replication.as_ref();
        sources.reverse_task = reverse.map(|reverse| self.text(&reverse.dms_task, "unknown"));
        let fence = wish.write_fence.as_ref();
        sources.write_fence_parameter =
            fence.map(|fence| self.text(&fence.ssm_parameter, "/unknown"));
        if wish.shared_database && reverse.is_some() {
            let reason = "rows of one database need no way back; leave out one of the two";
            self.problem(111, path.key("sharedDatabase"), reason);
        }
        Rollback {
            // Long, so that an unreadable budget is not too short besides.
            budget: self.duration(
                &path.key("budget"),
                &wish.budget,
                Least::Second,
                Duration::from_hours(24),
            ),
            blind_max: self.duration(
                &path.key("maxBlind"),
                &wish.max_blind,
                Least::Second,
                default.blind_max,
            ),
            data: match wish.data_policy {
                DataPriority::TrafficFirst => DataPolicy::TrafficFirst,
                DataPriority::FenceFirst => DataPolicy::FenceFirst,
                DataPriority::DrainFirst => DataPolicy::DrainFirst,
            },
            rows: match (reverse, wish.shared_database) {
                (Some(_), _) => RowsReturn::Reverse,
                (None, true) => RowsReturn::Shared,
                (None, false) => RowsReturn::Unsaid,
            },
            write_fence: fence.is_some(),
            hold_on_shared_fault: wish.shared_fault == SharedFault::Hold,
            old_must_be_warm: wish.old_must_be_warm,
        }
    }
}

/// Finds the name of a condition, or gives it one: its kind and what it is about, and a number where that is taken.
fn named(kind: &str, source: EntrySource, known: &mut BTreeMap<String, EntrySource>) -> String {
    let subject = match &source {
        EntrySource::DmsTask { arn, .. } => arn.rsplit(':').next().unwrap_or_default(),
        EntrySource::Alarm { name } | EntrySource::Parameter { name, .. } => name.as_str(),
    };
    let base = format!("{kind}:{subject}");
    let numbered = (2..).map(|number: u32| format!("{base}#{number}"));
    let free = std::iter::once(base.clone())
        .chain(numbered)
        .find(|name| known.get(name).is_none_or(|known| *known == source));
    let name = free.unwrap_or(base);
    known.insert(name.clone(), source);
    name
}
