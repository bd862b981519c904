//! Services: tasks of DMS, and the setting.

use std::time::Duration;

use super::world::World;
use crate::replication::task::{InstanceSeen, StartKind, TaskSeen};
use crate::writer_switch::facts::{Command, Fact};
use crate::{Failure, FailureClass, Timestamp};

/// How long DMS works on a task before its status changes.
const DMS: Duration = Duration::from_secs(20);

/// A replication task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) status: &'static str,
    /// What it becomes, and when.
    pub(super) becomes: Option<(Timestamp, &'static str)>,
    pub(super) cdc_start: Option<String>,
    /// What is read next in the log of its source.
    pub(super) next: usize,
    pub(super) has_run: bool,
    pub(super) tables_errored: u32,
    pub(super) maintenance: Vec<String>,
}

impl Task {
    pub(super) fn new(status: &'static str) -> Self {
        Self {
            status,
            becomes: None,
            cdc_start: None,
            next: 0,
            has_run: false,
            tables_errored: 0,
            maintenance: Vec::new(),
        }
    }
}

/// A task that begins at a place.
pub(super) fn a_task(status: &'static str, place: usize) -> Task {
    Task {
        cdc_start: Some(place.to_string()),
        next: place,
        has_run: status != "ready",
        ..Task::new(status)
    }
}

impl World {
    /// Performs a command that reaches a service.
    pub(super) fn serve(&mut self, command: &Command) -> Fact {
        let later = self.now.after(DMS);
        match command {
            Command::ReadDrain => Fact::Task(Some(Box::new(seen(&self.drain)))),
            Command::ReadBack(_) => Fact::Task(self.back.as_ref().map(|task| Box::new(seen(task)))),
            Command::Tell(side) => {
                if self.setting_fails > 0 {
                    self.setting_fails -= 1;
                    return refused(FailureClass::Unavailable);
                }
                self.setting = Some(*side);
                Fact::Done
            }
            Command::StopDrain => {
                self.drain.status = "stopped";
                Fact::Done
            }
            Command::MakeBack(_, _) if self.back.is_some() => refused(FailureClass::Refused),
            Command::MakeBack(_, position) => {
                let start = position.cdc_start();
                let mut task = Task::new("creating");
                task.becomes = Some((later, "ready"));
                task.next = start.parse().expect("our own form");
                task.cdc_start = Some(start);
                self.back = Some(task);
                Fact::Done
            }
            Command::StartBack(..) if self.start_fails > 0 => {
                self.start_fails -= 1;
                refused(FailureClass::Refused)
            }
            Command::StartBack(_, kind) => {
                let Some(task) = &mut self.back else {
                    return refused(FailureClass::Refused);
                };
                if task.has_run == (*kind == StartKind::Start) {
                    return refused(FailureClass::Refused);
                }
                task.has_run = true;
                task.status = "starting";
                task.becomes = Some((later, "running"));
                Fact::Done
            }
            Command::StopBack(_) => {
                if let Some(task) = &mut self.back {
                    task.status = "stopping";
                    task.becomes = Some((later, "stopped"));
                }
                Fact::Done
            }
            Command::RemoveBack(_) => {
                if let Some(task) = &mut self.back {
                    task.status = "deleting";
                    task.becomes = Some((later, "gone"));
                }
                Fact::Done
            }
            other => panic!("{other:?} is not of a service"),
        }
    }
}

fn seen(task: &Task) -> TaskSeen {
    TaskSeen {
        arn: "arn".to_owned(),
        identifier: "payments".to_owned(),
        status: task.status.to_owned(),
        cdc_start: task.cdc_start.clone(),
        has_run: task.has_run,
        tables_errored: task.tables_errored,
        instance: Some(InstanceSeen {
            status: "available".to_owned(),
            maintenance: task.maintenance.clone(),
            ..InstanceSeen::default()
        }),
        ..TaskSeen::default()
    }
}

pub(super) fn refused(class: FailureClass) -> Fact {
    Fact::Refused(Failure {
        class,
        action: "service:Act",
        message: format!("{class:?}"),
    })
}
