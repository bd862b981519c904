//! A task is brought to run, and back to it when it has stopped.

use std::time::Duration;

use super::super::advice::{After, Meaning, advice_on_class, after, meaning_of, says_log_is_gone};
use super::super::events::What;
use super::super::facts::Command;
use super::super::plan::Step;
use super::super::task::{StartKind, TaskSeen};
use super::{IN_PROGRESS_MAX, Replicate};
use crate::Timestamp;
use crate::shift::render::render_duration;

/// How long DMS may show the former run after it has accepted a start. Ours: it is known to do so for some seconds.
const FORMER_RUN_SHOWN_MAX: Duration = Duration::from_mins(5);

/// After how long a start whose answer was lost is taken for not accepted. Ours: several times what is known.
const LOST_START_MAX: Duration = Duration::from_mins(1);

/// How often a task is started in all. Ours: once, once after its load, once after its cached changes, once after an error,
/// once anew, and once because an answer was lost.
const STARTS_MAX: u32 = 6;

/// What was done to have it run.
#[derive(Clone, Debug, Default)]
pub(super) struct Running {
    asked: Option<Asked>,
    /// Since when it is on its way by itself.
    in_progress_since: Option<Timestamp>,
    starts: u32,
    /// Whether it was resumed after something that may happen once.
    resumed: bool,
    reloaded: bool,
    /// Since when it is seen to have done all that it was made for.
    pub(super) finished_since: Option<Timestamp>,
    /// The end of the load as it was seen before everything is loaded anew.
    pub(super) former_loaded_at: Option<Timestamp>,
}

/// A start that was asked for, and how the task looked before.
#[derive(Clone, Debug)]
struct Asked {
    kind: StartKind,
    at: Timestamp,
    /// Whether DMS has said that it accepts it.
    accepted: bool,
    before: (String, Option<String>, Option<Timestamp>),
}

impl Replicate {
    /// A look at a task that is to run.
    pub(super) fn saw_run(&mut self, task: &TaskSeen) {
        if self.shows_former_run(task) {
            return;
        }
        let meaning = meaning_of(&task.status);
        if meaning != Meaning::InProgress {
            self.running.in_progress_since = None;
        }
        if matches!(meaning, Meaning::Running | Meaning::Ended) {
            self.running.asked = None;
        }
        if meaning != Meaning::Running {
            self.forget_samples();
        }
        match meaning {
            Meaning::Running if self.step() == Step::Run => self.advance(),
            Meaning::Running => self.ask = Command::ReadTables,
            Meaning::InProgress => self.in_progress(task),
            Meaning::Ready => self.start_or_resume(task),
            Meaning::Ended => self.ended(task),
            Meaning::Broken(advice) => {
                self.hold(format!("the task is `{}`", task.status), advice);
            }
        }
    }

    /// After a start DMS goes on to show the former run for a while. A new one is told by anything that has changed.
    fn shows_former_run(&mut self, task: &TaskSeen) -> bool {
        let Some(asked) = &self.running.asked else {
            return false;
        };
        if asked.before != picture(task) {
            return false;
        }
        let (kind, at, accepted) = (asked.kind, asked.at, asked.accepted);
        if !accepted && self.is_over(at, LOST_START_MAX) {
            self.start(kind);
        } else if self.is_over(at, FORMER_RUN_SHOWN_MAX) {
            let limit = render_duration(FORMER_RUN_SHOWN_MAX);
            self.hold(
                format!(
                    "DMS accepted to start the task, and {limit} later it still shows it as `{}`",
                    task.status
                ),
                "read the task's log in CloudWatch, then run `pulumi up` again",
            );
        } else {
            self.ask_later(Command::ReadTask);
        }
        true
    }

    fn in_progress(&mut self, task: &TaskSeen) {
        let since = *self.running.in_progress_since.get_or_insert(self.now);
        if self.is_over(since, IN_PROGRESS_MAX) {
            let limit = render_duration(IN_PROGRESS_MAX);
            return self.hold(
                format!(
                    "the task has been on its way for {limit}, now `{}`",
                    task.status
                ),
                "see in the console of DMS what it is waiting for, then run `pulumi up` again",
            );
        }
        self.ask_later(Command::ReadTask);
    }

    /// What comes after a task has ended, by its stop reason and by what it says.
    fn ended(&mut self, task: &TaskSeen) {
        if task.failure.as_deref().is_some_and(says_log_is_gone) {
            return self.log_is_gone(task);
        }
        match after(task) {
            After::Finished => {
                self.running.finished_since.get_or_insert(self.now);
                self.ask = Command::ReadTables;
            }
            After::Resume => self.start_or_resume(task),
            After::ResumeOnce if !self.running.resumed => {
                self.running.resumed = true;
                self.start_or_resume(task);
            }
            After::ResumeOnce => self.hold(
                format!("{} again, after it was resumed", what_it_says(task)),
                "read the task's log in CloudWatch, mend what it names, then run `pulumi up` again",
            ),
            After::TooSmall => {
                let class = task.instance.as_ref().map(|seen| seen.class.as_str());
                let advice = class.map_or_else(
                    || "raise `MaxCapacityUnits` of the replication".to_owned(),
                    advice_on_class,
                );
                self.hold(what_it_says(task), advice);
            }
            After::Person(advice) => self.hold(what_it_says(task), advice),
        }
    }

    /// Changes since the task stopped are lost: only a load brings them.
    fn log_is_gone(&mut self, task: &TaskSeen) {
        if self.spec.allow_reload && !self.running.reloaded {
            self.running.reloaded = true;
            self.running.former_loaded_at = task.loaded_at;
            return self.start(StartKind::Reload);
        }
        let advice = if self.running.reloaded {
            "it was loaded anew already: keep the log of the source for longer, then run `pulumi up` again"
        } else {
            "only a new load brings what the log does not have any more: allow it with `allowReload`, which empties the target"
        };
        let said = what_it_says(task);
        self.hold(format!("the source's log is gone: {said}"), advice);
    }

    fn start_or_resume(&mut self, task: &TaskSeen) {
        let kind = if task.has_run {
            StartKind::Resume
        } else {
            StartKind::Start
        };
        self.start(kind);
    }

    fn start(&mut self, kind: StartKind) {
        self.running.starts = self.running.starts.saturating_add(1);
        if self.running.starts > STARTS_MAX {
            let said = self.known.task.as_ref().map(what_it_says);
            return self.hold(
                format!(
                    "the task was started {STARTS_MAX} times and does not stay at work: {}",
                    said.unwrap_or_default()
                ),
                "read the task's log in CloudWatch, mend what it names, then run `pulumi up` again",
            );
        }
        self.ask = Command::Start(kind);
    }

    /// A start was accepted, or may have been.
    pub(super) fn started(&mut self, kind: StartKind, accepted: bool) {
        if accepted {
            self.tell(What::Started(kind));
        }
        let before = self.known.task.as_ref().map(picture);
        self.running.asked = before.map(|before| Asked {
            kind,
            at: self.now,
            accepted,
            before,
        });
        if kind == StartKind::Reload {
            self.known.loaded = false;
            self.known.tables.clear();
            self.return_to(Step::Run);
        }
        self.ask_later(Command::ReadTask);
    }

    pub(super) fn run_text(&self) -> String {
        let status = self.known.task.as_ref().map(|task| task.status.as_str());
        let status = status.unwrap_or("not known");
        let lasted = render_duration(self.now.since(self.began_at));
        format!("waiting for the task to run: `{status}`, {lasted}")
    }
}

/// How a task looks, in as far as a new run changes it.
fn picture(task: &TaskSeen) -> (String, Option<String>, Option<Timestamp>) {
    (
        task.status.clone(),
        task.stop_reason.clone(),
        task.started_at,
    )
}

/// Says how a task has ended: status, stop reason and message.
pub(super) fn what_it_says(task: &TaskSeen) -> String {
    let reason = task.stop_reason.as_deref();
    let reason = reason.map(|reason| format!(" with `{reason}`"));
    let failure = task.failure.as_deref().map(|said| format!(": {said}"));
    format!(
        "the task is `{}`{}{}",
        task.status,
        reason.unwrap_or_default(),
        failure.unwrap_or_default()
    )
}
