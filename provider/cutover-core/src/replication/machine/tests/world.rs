//! A small DMS in memory, with a task that does what a script says.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::super::events::What;
use super::super::super::facts::{AssessmentSeen, Command, Fact};
use super::super::super::spec::{Assessment, Lag, Spec};
use super::super::super::task::{
    ConnectionSeen, InstanceSeen, StartKind, TableSeen, TaskMetrics, TaskSeen,
};
use super::super::{Outcome, Replicate};
use crate::machine::{Machine, Next};
use crate::validation::facts::{DbFailure, DbFailureClass};
use crate::validation::side::Side;
use crate::{Failure, FailureClass, Timestamp};

pub(super) const START: Timestamp = Timestamp::from_unix_millis(1_767_225_600_000);

/// How many moves a run may take. A day of polls is less.
const MOVES_MAX: usize = 20_000;

/// A wish for everything that there is.
pub(in super::super::super) fn a_spec() -> Spec {
    Spec {
        arn: "arn:aws:dms:eu-west-1:123456789012:task:ABCDEFGH".to_owned(),
        test_connections: true,
        assessment: Some(Assessment {
            role_arn: "arn:aws:iam::123456789012:role/dms-assessments".to_owned(),
            bucket: "assessments".to_owned(),
        }),
        lag: Lag::default(),
        load_limit: Duration::from_hours(12),
        catch_up_limit: Duration::from_hours(4),
        poll: Duration::from_secs(30),
        reloads: 2,
        markers: true,
        allow_reload: false,
    }
}

/// The same without what comes before the task runs.
pub(super) fn a_short_spec() -> Spec {
    Spec {
        test_connections: false,
        assessment: None,
        ..a_spec()
    }
}

/// What happens at a time.
type Act = fn(&mut World);

/// DMS, CloudWatch, and both databases in as far as markers go.
#[derive(Clone)]
pub(super) struct World {
    pub(super) now: Timestamp,
    /// How far our clock is behind that of AWS.
    pub(super) skew: Duration,
    pub(super) task: Option<TaskSeen>,
    /// The task as it is still shown, until then.
    pub(super) shown: Option<(TaskSeen, Timestamp)>,
    pub(super) show_late: Duration,
    pub(super) tables: Vec<TableSeen>,
    pub(super) metrics: TaskMetrics,
    /// How late markers arrive; `None` while they do not.
    pub(super) lag: Option<Duration>,
    pub(super) connections: BTreeMap<Side, ConnectionSeen>,
    /// What tests of connections come to.
    pub(super) connects: BTreeMap<Side, Result<(), &'static str>>,
    pub(super) assessment: Option<(String, AssessmentSeen)>,
    pub(super) assesses: AssessmentSeen,
    /// What a start comes to.
    pub(super) on_start: fn(&mut World, StartKind),
    pub(super) on_reload: Act,
    pub(super) acts: Vec<(Duration, Act)>,
    pub(super) starts: Vec<StartKind>,
    pub(super) asked: Vec<Command>,
    /// Failures by the number of the call.
    pub(super) faults: BTreeMap<usize, Fault>,
    /// Failures of every call of a name, from the beginning.
    pub(super) always: BTreeMap<&'static str, Fault>,
    markers: BTreeMap<u64, Timestamp>,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Call(FailureClass),
    /// It takes effect, and its answer is lost.
    AnswerLost,
    Database(DbFailureClass),
    /// The process dies after it, and another one begins.
    Killed,
}

pub(super) struct Ran {
    pub(super) outcome: Outcome,
    pub(super) world: World,
    pub(super) machine: Replicate,
    pub(super) told: Vec<What>,
    pub(super) standings: Vec<String>,
}

/// A task with load and changes that waits for its first start: loaded ten minutes after it, 100 ms late.
pub(super) fn a_world() -> World {
    let table = |name: &str| TableSeen {
        schema: "shop".to_owned(),
        name: name.to_owned(),
        state: "Before load".to_owned(),
        validation: "Not enabled".to_owned(),
        ..TableSeen::default()
    };
    World {
        now: START,
        skew: Duration::ZERO,
        task: Some(TaskSeen {
            arn: a_spec().arn,
            status: "ready".to_owned(),
            migration_type: "full-load-and-cdc".to_owned(),
            instance: Some(InstanceSeen {
                status: "available".to_owned(),
                class: "dms.t3.medium".to_owned(),
                ..InstanceSeen::default()
            }),
            ..TaskSeen::default()
        }),
        shown: None,
        show_late: Duration::from_secs(10),
        tables: vec![table("customers"), table("payments")],
        metrics: TaskMetrics {
            latency_source: Some(Duration::from_secs(1)),
            latency_target: Some(Duration::from_secs(2)),
            cpu: Some(20.0),
        },
        lag: Some(Duration::from_millis(100)),
        connections: BTreeMap::new(),
        connects: BTreeMap::new(),
        assessment: None,
        assesses: AssessmentSeen {
            status: "passed".to_owned(),
            findings: Vec::new(),
            failure: None,
        },
        on_start: |world, _| {
            world.set("running");
            world.begin_load();
            world.after(10, World::finish_load);
        },
        on_reload: |world| {
            world.state_of(1, "Table is being reloaded");
            world.after(3, |world| world.state_of(1, "Table completed"));
        },
        acts: Vec::new(),
        starts: Vec::new(),
        asked: Vec::new(),
        faults: BTreeMap::new(),
        always: BTreeMap::new(),
        markers: BTreeMap::new(),
    }
}

/// A world whose task has ended like this, before anybody looks.
pub(super) fn an_ended(status: &str, reason: Option<&str>, failure: Option<&str>) -> World {
    let mut world = a_world();
    world.set(status);
    world.begin_load();
    let task = world.task();
    task.has_run = true;
    task.stop_reason = reason.map(str::to_owned);
    task.failure = failure.map(str::to_owned);
    world
}

impl World {
    pub(super) fn task(&mut self) -> &mut TaskSeen {
        self.task.as_mut().expect("there is one")
    }

    pub(super) fn set(&mut self, status: &str) {
        self.task().status = status.to_owned();
    }

    pub(super) fn ends(&mut self, status: &str, reason: &str, failure: Option<&str>) {
        self.set(status);
        self.task().stop_reason = Some(reason.to_owned());
        self.task().failure = failure.map(str::to_owned);
    }

    pub(super) fn begin_load(&mut self) {
        let (now, task) = (self.now, self.task());
        (task.has_run, task.started_at) = (true, Some(now));
        (task.stop_reason, task.failure) = (None, None);
        for table in &mut self.tables {
            if table.state == "Before load" {
                table.state = "Full load".to_owned();
                table.rows = 600_000;
            }
        }
    }

    pub(super) fn finish_load(&mut self) {
        let (now, task) = (self.now, self.task());
        (task.loaded_at, task.load_percent) = (Some(now), 100);
        for table in &mut self.tables {
            table.state = "Table completed".to_owned();
            table.rows = 602_165;
        }
    }

    pub(super) fn state_of(&mut self, table: usize, state: &str) {
        self.tables[table].state = state.to_owned();
    }

    /// Has something happen so many minutes from now.
    pub(super) fn after(&mut self, minutes: u64, act: Act) {
        let at = self
            .now
            .since(START)
            .saturating_add(Duration::from_mins(minutes));
        self.acts.push((at, act));
    }

    fn catch_up(&mut self) {
        loop {
            let passed = self.now.since(START);
            let due = self.acts.iter().position(|(at, _)| *at <= passed);
            let Some(due) = due else { return };
            let (_, act) = self.acts.remove(due);
            act(self);
        }
    }

    pub(super) fn perform(&mut self, command: &Command) -> Fact {
        let number = self.asked.len();
        self.asked.push(command.clone());
        let is_marker = matches!(command, Command::Mark(_) | Command::Seek(..));
        let fault = self.faults.get(&number).copied();
        let fault = fault.or_else(|| self.always.get(name_of(command)).copied());
        let failed = |class| {
            Fact::Refused(Failure {
                class,
                action: "dms:Something",
                message: "simulated".to_owned(),
            })
        };
        let side = Side::Target;
        let broken = |class| {
            let failure = DbFailure {
                class,
                doing: "markers".to_owned(),
                code: None,
                message: "simulated".to_owned(),
            };
            Fact::Failed(side, failure)
        };
        match (fault, is_marker) {
            (Some(Fault::Call(class)), false) => return failed(class),
            (Some(Fault::Database(class)), true) => return broken(class),
            _ => {}
        }
        let fact = self.carry_out(command);
        match (fault, is_marker) {
            (Some(Fault::AnswerLost), false) => failed(FailureClass::Unknown),
            (Some(Fault::AnswerLost), true) => broken(DbFailureClass::Lost),
            _ => fact,
        }
    }

    fn carry_out(&mut self, command: &Command) -> Fact {
        self.now = self.now.after(Duration::from_millis(50));
        self.catch_up();
        match command {
            Command::ReadTask => Fact::Task(self.shown_task().map(Box::new)),
            Command::ReadTables => Fact::Tables(self.tables.clone()),
            Command::TestConnection(side) => {
                let result = self.connects.get(side).copied().unwrap_or(Ok(()));
                let seen = ConnectionSeen {
                    status: if result.is_ok() {
                        "successful"
                    } else {
                        "failed"
                    }
                    .to_owned(),
                    failure: result.err().map(str::to_owned),
                };
                self.connections.insert(*side, seen);
                Fact::Done
            }
            Command::ReadConnection(side) => Fact::Connection(self.connections.get(side).cloned()),
            Command::Assess(name) => {
                self.assessment = Some((name.clone(), self.assesses.clone()));
                Fact::Done
            }
            Command::ReadAssessment(name) => {
                let made = self.assessment.clone();
                Fact::Assessment(made.filter(|(of, _)| of == name).map(|(_, seen)| seen))
            }
            Command::Start(kind) => self.start(*kind),
            Command::Stop => panic!("nothing asks for a stop"),
            Command::Reload(_) => {
                (self.on_reload)(self);
                Fact::Done
            }
            Command::ReadMetrics => Fact::Metrics(self.metrics),
            Command::Mark(number) => {
                let former = self.markers.insert(*number, self.now);
                assert_eq!(former, None, "marker {number} is written twice");
                Fact::Done
            }
            Command::Seek(number, limit) => {
                let written = self.markers.get(number).copied().expect("it was written");
                let arrives = self.lag.map(|lag| written.after(lag));
                let latest = self.now.after(*limit);
                let is_there = arrives.is_some_and(|at| at <= latest);
                let until = arrives.filter(|_| is_there).unwrap_or(latest);
                self.now = until.max(self.now);
                Fact::Sought(is_there)
            }
        }
    }

    /// What DMS accepts depends on what is, not on what it shows.
    fn start(&mut self, kind: StartKind) -> Fact {
        let task = self.task().clone();
        if !matches!(task.status.as_str(), "ready" | "stopped" | "failed")
            || (kind == StartKind::Start) == task.has_run
        {
            let message = format!("it is {} and cannot take {kind:?}", task.status);
            return Fact::Refused(Failure::refused("dms:StartReplicationTask", message));
        }
        self.shown = Some((task, self.now.after(self.show_late)));
        self.starts.push(kind);
        (self.on_start)(self, kind);
        Fact::Done
    }

    fn shown_task(&mut self) -> Option<TaskSeen> {
        let former = self.shown.as_ref().filter(|(_, until)| *until > self.now);
        former
            .map(|(task, _)| task.clone())
            .or_else(|| self.task.clone())
    }

    /// Runs to the end.
    pub(super) fn run(mut self, spec: &Spec) -> Ran {
        let skew = self.skew;
        let mut machine = Replicate::new(spec.clone(), "run-1".to_owned(), self.now.before(skew));
        let (mut told, mut standings) = (Vec::new(), Vec::new());
        for _ in 0..MOVES_MAX {
            let asked = self.asked.len();
            match machine.next() {
                Next::Done(outcome) => {
                    return Ran {
                        outcome,
                        world: self,
                        machine,
                        told,
                        standings,
                    };
                }
                Next::WaitUntil { at, why } => {
                    standings.push(why.text);
                    self.now = self.now.max(at.after(skew));
                    let now = self.now.before(skew);
                    machine.wake(now).expect("a wait was asked for");
                }
                Next::Do(command) => {
                    let fact = self.perform(&command);
                    let now = self.now.before(skew);
                    machine.record(fact, now).expect("it is the answer");
                }
            }
            told.extend(machine.take_events().into_iter().map(|event| event.what));
            if self.asked.len() > asked && self.faults.get(&asked) == Some(&Fault::Killed) {
                let now = self.now.before(skew);
                machine = Replicate::new(spec.clone(), "run-2".to_owned(), now);
            }
        }
        panic!("no end after {MOVES_MAX} moves: {:?}", machine.standing());
    }
}

impl Ran {
    /// Why it is held, and what to do.
    pub(super) fn held(&self) -> (&str, &str) {
        match &self.outcome {
            Outcome::Held { reason, advice } => (reason, advice),
            other => panic!("it is not held: {other:?}"),
        }
    }

    pub(super) fn count(&self, name: &str) -> usize {
        let asked = self.world.asked.iter();
        asked.filter(|command| name_of(command) == name).count()
    }

    pub(super) fn lasted(&self) -> Duration {
        self.world.now.since(START)
    }
}

/// The kind of a command.
pub(super) fn name_of(command: &Command) -> &'static str {
    match command {
        Command::ReadTask => "ReadTask",
        Command::ReadTables => "ReadTables",
        Command::TestConnection(_) => "TestConnection",
        Command::ReadConnection(_) => "ReadConnection",
        Command::Assess(_) => "Assess",
        Command::ReadAssessment(_) => "ReadAssessment",
        Command::Start(_) => "Start",
        Command::Stop => "Stop",
        Command::Reload(_) => "Reload",
        Command::ReadMetrics => "ReadMetrics",
        Command::Mark(_) => "Mark",
        Command::Seek(..) => "Seek",
    }
}
