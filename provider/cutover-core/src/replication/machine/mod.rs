//! What is next, and what each fact leads to.
//!
//! It walks the steps of the plan. Connections and assessment come first (`prepare`), then the task is brought to run
//! (`run`), and then it is looked at again and again: is everything loaded (`load`), has the target caught up
//! (`catch_up`)? Every such look begins with the task itself, so that one that has stopped is seen whatever the step.
//! Failures of calls are put up with for a while (`trouble`).

mod catch_up;
mod load;
mod prepare;
mod run;
#[cfg(test)]
pub(super) mod tests;
mod trouble;

use std::time::Duration;

use super::events::{Event, What};
use super::facts::{Command, Fact};
use super::plan::{Step, plan};
use super::spec::Spec;
use super::task::{TableSeen, TaskMetrics, TaskSeen};
use crate::machine::{IllegalFact, Machine, Next, Why};
use crate::shift::render::{render_count, render_duration};
use crate::validation::facts::DbFailure;
use crate::validation::side::Side;
use crate::{Failure, Timestamp};
use catch_up::CatchUp;
use load::Reloads;
use prepare::Preparing;
use run::Running;
use trouble::Trouble;

/// How long something may stay in progress that DMS does by itself. Ours: replications without server take up to a quarter
/// of an hour to be provisioned.
const IN_PROGRESS_MAX: Duration = Duration::from_mins(30);

/// What came of it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is loaded, and below the limit.
    Replicating,
    /// A task without changes has ended well.
    Loaded,
    /// A person is needed. The task is left as it is.
    Held {
        /// Why, with what DMS says.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// A database could not be asked for markers.
    Impossible {
        /// Which.
        side: Side,
        /// Why.
        failure: DbFailure,
    },
    /// DMS or CloudWatch could not be asked, or refused.
    Failed(Failure),
}

/// What is known of a replication, for outputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The task as it was last seen: status, stop reason and percent of the load are here.
    pub task: Option<TaskSeen>,
    /// Its tables as they were last seen.
    pub tables: Vec<TableSeen>,
    /// Whether everything was loaded.
    pub loaded: bool,
    /// What CloudWatch last knew.
    pub metrics: TaskMetrics,
    /// The lag of the last sample: by a marker where markers are written, else the greater latency of CloudWatch; `None`
    /// while it is not known. Of a marker that has not arrived, its age.
    pub lag: Option<Duration>,
    /// Samples in a row that were below the limit.
    pub samples: u32,
    /// Why the last sample was not good, or why it is not held to be.
    pub reasons: Vec<String>,
    /// What the assessment did not pass: names and statuses.
    pub findings: Vec<(String, String)>,
}

/// Where it stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The step, as the plan names it.
    pub phase: &'static str,
    /// One line, the most important words first.
    pub text: String,
}

/// A replication on its way.
#[derive(Clone, Debug)]
pub struct Replicate {
    spec: Spec,
    run: String,
    now: Timestamp,
    /// The plan, and the place of the step in hand.
    steps: Vec<Step>,
    place: usize,
    /// When the step in hand was begun.
    began_at: Timestamp,
    /// What is asked for, once it is not waited.
    ask: Command,
    wait_until: Option<Timestamp>,
    outcome: Option<Outcome>,
    known: Known,
    preparing: Preparing,
    running: Running,
    reloads: Reloads,
    catch_up: CatchUp,
    trouble: Trouble,
    events: Vec<Event>,
}

impl Replicate {
    /// Begins with a look at the task. `run` is a name that no other run has: assessment and markers go by it.
    pub fn new(spec: Spec, run: String, now: Timestamp) -> Self {
        let steps = plan(&spec);
        Self {
            spec,
            run,
            now,
            steps,
            place: 0,
            began_at: now,
            ask: Command::ReadTask,
            wait_until: None,
            outcome: None,
            known: Known::default(),
            preparing: Preparing::default(),
            running: Running::default(),
            reloads: Reloads::default(),
            catch_up: CatchUp::default(),
            trouble: Trouble::default(),
            events: Vec::new(),
        }
    }

    /// Returns what is known.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Returns what happened since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Tells where it stands.
    pub fn standing(&self) -> Standing {
        let step = self.step();
        let text = match step {
            _ if self.outcome.is_some() => "finished".to_owned(),
            Step::Look => "reading the task".to_owned(),
            Step::Test(side) => format!("testing the connection to the {side}"),
            Step::Assess => "DMS assesses the migration".to_owned(),
            Step::Run => self.run_text(),
            Step::Load => self.load_text(),
            Step::CatchUp => self.catch_up_text(),
        };
        let trouble = self.trouble.text();
        Standing {
            phase: step.name(),
            text: trouble.map_or(text.clone(), |trouble| format!("{text}; {trouble}")),
        }
    }

    fn step(&self) -> Step {
        self.steps.get(self.place).copied().unwrap_or(Step::CatchUp)
    }

    /// Goes on to the next step of the plan that has anything to do.
    fn advance(&mut self) {
        self.place = self.place.saturating_add(1);
        let skips = |step: Step| {
            let task = self.known.task.as_ref();
            let is_running = task.is_some_and(|task| task.status == "running");
            let has_run = task.is_some_and(|task| task.has_run);
            let is_served = task.is_some_and(|task| task.instance.is_some());
            match step {
                Step::Test(_) => is_running || !is_served,
                Step::Assess => is_running || has_run,
                Step::Look | Step::Run | Step::Load | Step::CatchUp => false,
            }
        };
        while self.steps.get(self.place).is_some_and(|step| skips(*step)) {
            self.place = self.place.saturating_add(1);
        }
        self.began_at = self.now;
        self.ask = match self.step() {
            Step::Test(side) => {
                self.preparing = Preparing::default();
                Command::ReadConnection(side)
            }
            Step::Assess => {
                self.preparing = Preparing::default();
                Command::ReadAssessment(self.assessment_name())
            }
            Step::Look | Step::Run => Command::ReadTask,
            Step::Load | Step::CatchUp => Command::ReadTables,
        };
    }

    /// Goes back to a step: something has to be done once more.
    fn return_to(&mut self, step: Step) {
        if let Some(place) = self.steps.iter().position(|other| *other == step) {
            self.place = place;
            self.began_at = self.now;
        }
    }

    /// Asks for something after a pause.
    fn ask_later(&mut self, ask: Command) {
        self.ask = ask;
        self.wait_until = Some(self.now.after(self.spec.poll));
    }

    fn hold(&mut self, reason: impl Into<String>, advice: impl Into<String>) {
        self.outcome = Some(Outcome::Held {
            reason: reason.into(),
            advice: advice.into(),
        });
    }

    fn tell(&mut self, what: What) {
        self.events.push(Event { at: self.now, what });
    }

    /// Tells whether the step in hand, or something within it that began then, has lasted longer than it may.
    fn is_over(&self, since: Timestamp, limit: Duration) -> bool {
        self.now.since(since) > limit
    }

    fn succeeded(&mut self, fact: Fact, asked_at: Timestamp) -> Result<(), Fact> {
        match (self.ask.clone(), fact) {
            (Command::ReadTask, Fact::Task(task)) => self.saw_task(task),
            (Command::ReadTables, Fact::Tables(tables)) => self.saw_tables(tables),
            (Command::TestConnection(side), Fact::Done) => self.test_began(side),
            (Command::ReadConnection(side), Fact::Connection(seen)) => {
                self.saw_connection(side, seen);
            }
            (Command::Assess(name), Fact::Done) => self.assessment_began(name),
            (Command::ReadAssessment(name), Fact::Assessment(seen)) => {
                self.saw_assessment(name, seen);
            }
            (Command::Start(kind), Fact::Done) => self.started(kind, true),
            (Command::Reload(tables), Fact::Done) => self.reloading(tables),
            (Command::ReadMetrics, Fact::Metrics(metrics)) => self.saw_metrics(metrics),
            (Command::Mark(number), Fact::Done) => self.marked(number, asked_at),
            (Command::Seek(..), Fact::Sought(is_there)) => self.sought(is_there),
            (_, fact) => return Err(fact),
        }
        Ok(())
    }

    fn saw_task(&mut self, task: Option<Box<TaskSeen>>) {
        let Some(task) = task else {
            let reason = format!("there is no task `{}`", self.spec.arn);
            return self.hold(
                reason,
                "check the ARN, the account and the region; if the task was deleted, make it anew",
            );
        };
        self.known.task = Some((*task).clone());
        if self.step() == Step::Look {
            self.looked(&task);
        } else {
            self.saw_run(&task);
        }
    }
}

impl Machine for Replicate {
    type Command = Command;
    type Fact = Fact;
    type Outcome = Outcome;

    fn next(&self) -> Next<Command, Outcome> {
        if let Some(outcome) = &self.outcome {
            return Next::Done(outcome.clone());
        }
        match self.wait_until {
            Some(at) => {
                let Standing { phase, text } = self.standing();
                let why = Why { phase, text };
                Next::WaitUntil { at, why }
            }
            None => Next::Do(self.ask.clone()),
        }
    }

    fn record(&mut self, fact: Fact, at: Timestamp) -> Result<(), IllegalFact> {
        let next = self.next();
        let Next::Do(command) = &next else {
            return Err(IllegalFact::new(&next, &fact));
        };
        let is_marker = matches!(command, Command::Mark(_) | Command::Seek(..));
        let before = self.now;
        self.now = self.now.max(at);
        let recorded = match fact {
            Fact::Failed(side, failure) if is_marker => {
                self.database_failed(side, failure);
                Ok(())
            }
            Fact::Refused(failure) => {
                self.call_failed(failure);
                Ok(())
            }
            fact => {
                let recorded = self.succeeded(fact, before);
                if recorded.is_ok() {
                    self.trouble.over(command);
                }
                recorded
            }
        };
        recorded.map_err(|fact| {
            self.now = before;
            IllegalFact::new(&next, &fact)
        })
    }

    fn wake(&mut self, at: Timestamp) -> Result<(), IllegalFact> {
        let Some(until) = self.wait_until.filter(|_| self.outcome.is_none()) else {
            return Err(IllegalFact::new(&self.next(), &"the end of a wait"));
        };
        self.now = self.now.max(at);
        if self.now >= until {
            self.wait_until = None;
        }
        Ok(())
    }
}

/// Writes a lag for people: `4.2 s`, `3 min 20 s`.
fn lag_text(lag: Duration) -> String {
    if lag >= Duration::from_mins(1) {
        return render_duration(Duration::from_secs(lag.as_secs()));
    }
    format!("{:.1} s", lag.as_secs_f64())
}

/// Writes a number of rows for people: `1,204,331`.
fn rows_text(rows: u64) -> String {
    // A float holds every number of rows that a table can have.
    u32::try_from(rows).map_or_else(|_| rows.to_string(), |rows| render_count(rows.into()))
}
