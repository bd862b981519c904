//! What happens on script.

use std::time::Duration;

use cutover_core::Timestamp;

use super::{Cloud, Dms, Maintenance};

/// Something that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DmsEvent {
    /// A task at work fails.
    TaskFails {
        /// Its ARN.
        arn: String,
        /// Why, without prefix: `FATAL_ERROR`, `RECOVERABLE_ERROR`, `STOPPED_DUE_TO_LOW_DISK`.
        reason: String,
        /// What DMS says about it.
        message: String,
    },
    /// A task at work stops.
    TaskStops {
        /// Its ARN.
        arn: String,
        /// Why, without prefix.
        reason: String,
    },
    /// A table of a task goes to `Table error`, until it is loaded again.
    TableFails {
        /// The task's ARN.
        arn: String,
        /// The schema.
        schema: String,
        /// The table.
        table: String,
    },
    /// A task is so far behind from now on, where nobody moves rows; `None`: no metric is there.
    Lag {
        /// The task's ARN.
        arn: String,
        /// How far.
        lag: Option<Duration>,
    },
    /// Tests of connections to an endpoint fail from now on; without a message they do no more.
    Unreachable {
        /// The endpoint's ARN.
        arn: String,
        /// What DMS says about it.
        message: Option<String>,
    },
    /// Maintenance of an instance is pending from now on.
    Maintenance {
        /// The instance's ARN.
        arn: String,
        /// Which.
        what: Maintenance,
    },
    /// An instance has another status from now on: `maintenance`, `available`.
    Instance {
        /// Its ARN.
        arn: String,
        /// Its status.
        status: String,
    },
}

impl Dms {
    /// Takes the first of what is due.
    pub(super) fn next_event(&mut self, now: Timestamp) -> Option<(Timestamp, DmsEvent)> {
        let events = self.events.iter().enumerate();
        let due = events.filter(|(_, (at, _))| *at <= now);
        // The first of those with the same moment, in the order in which they were put.
        let (index, _) = due.min_by_key(|(_, (at, _))| *at)?;
        Some(self.events.remove(index))
    }
}

impl Cloud {
    /// Lets something happen by itself at a moment.
    pub fn script_dms(&mut self, at: Timestamp, event: DmsEvent) {
        self.dms.events.push((at, event));
    }

    pub(super) fn let_happen(&mut self, at: Timestamp, event: DmsEvent) {
        let dms = &mut self.dms;
        match event {
            DmsEvent::TaskFails {
                arn,
                reason,
                message,
            } => self.end_task(at, &arn, "failed", &reason, Some(message)),
            DmsEvent::TaskStops { arn, reason } => {
                self.end_task(at, &arn, "stopped", &reason, None);
            }
            DmsEvent::TableFails { arn, schema, table } => {
                if let Some(kept) = dms.tasks.get_mut(&arn) {
                    kept.broken.insert((schema, table));
                }
            }
            DmsEvent::Lag { arn, lag } => {
                if let Some(kept) = dms.tasks.get_mut(&arn) {
                    kept.task.lag = lag;
                    kept.lags.push((at, lag));
                }
            }
            DmsEvent::Unreachable { arn, message } => {
                match message {
                    Some(message) => dms.unreachable.insert(arn, message),
                    None => dms.unreachable.remove(&arn),
                };
            }
            DmsEvent::Maintenance { arn, what } => {
                if let Some(kept) = dms.instances.get_mut(&arn) {
                    kept.instance.maintenance.push(what);
                }
            }
            DmsEvent::Instance { arn, status } => {
                if let Some(kept) = dms.instances.get_mut(&arn) {
                    kept.instance.status = status;
                }
            }
        }
    }

    fn end_task(
        &mut self,
        at: Timestamp,
        arn: &str,
        status: &str,
        reason: &str,
        message: Option<String>,
    ) {
        let mover = self.dms.mover.clone();
        let Some(kept) = self.dms.tasks.get_mut(arn) else {
            return;
        };
        if kept.is_still() {
            return;
        }
        if let Some(mover) = mover.filter(|_| kept.moved) {
            mover.stop(arn);
        }
        kept.end(at, status, reason, message);
    }
}
