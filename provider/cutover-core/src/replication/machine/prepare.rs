//! Before a task runs: its instance, the connections to both endpoints, and an assessment.

use std::time::Duration;

use super::super::advice::{Meaning, advice_on_instance, meaning_of};
use super::super::events::What;
use super::super::facts::{AssessmentSeen, Command};
use super::super::task::{ConnectionSeen, TaskSeen};
use super::{IN_PROGRESS_MAX, Replicate};
use crate::shift::render::render_duration;
use crate::validation::side::Side;

/// How long a test of a connection may take. Ours: DMS gives up after about two minutes itself.
const TEST_MAX: Duration = Duration::from_mins(5);

/// How long an assessment may take. Ours: it reads catalogs and some rows, which takes some minutes.
const ASSESSMENT_MAX: Duration = Duration::from_hours(1);

/// Whether what is to be waited for was begun.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Preparing {
    begun: bool,
}

impl Replicate {
    /// The first look at the task.
    pub(super) fn looked(&mut self, task: &TaskSeen) {
        let meaning = meaning_of(&task.status);
        if let Meaning::Broken(advice) = meaning {
            return self.hold(format!("the task is `{}`", task.status), advice);
        }
        if meaning == Meaning::Running {
            return self.advance();
        }
        let instance = task.instance.as_ref().map(|seen| seen.status.as_str());
        if let Some(advice) = instance.and_then(advice_on_instance) {
            let status = instance.unwrap_or_default();
            return self.hold(format!("the replication instance is `{status}`"), advice);
        }
        let is_there = instance.is_none_or(|status| status == "available");
        if meaning != Meaning::InProgress && is_there {
            return self.advance();
        }
        if self.is_over(self.began_at, IN_PROGRESS_MAX) {
            let reason = format!(
                "the task has been `{}` on an instance that is `{}` for {}",
                task.status,
                instance.unwrap_or("none"),
                render_duration(IN_PROGRESS_MAX)
            );
            return self.hold(reason, "see in the console of DMS what it is waiting for");
        }
        self.ask_later(Command::ReadTask);
    }

    pub(super) fn test_began(&mut self, side: Side) {
        self.preparing.begun = true;
        self.ask_later(Command::ReadConnection(side));
    }

    pub(super) fn saw_connection(&mut self, side: Side, seen: Option<ConnectionSeen>) {
        let status = seen.as_ref().map_or("", |seen| seen.status.as_str());
        // One that goes on already, begun by an earlier run or by a call whose answer was lost, is as good as ours.
        self.preparing.begun = self.preparing.begun || status == "testing";
        if !self.preparing.begun {
            self.ask = Command::TestConnection(side);
            return;
        }
        match status {
            "successful" => self.advance(),
            "failed" => {
                let failure = seen.and_then(|seen| seen.failure);
                let failure = failure.unwrap_or_else(|| "DMS gives no reason".to_owned());
                self.hold(
                    format!(
                        "the replication instance cannot connect to the {side} endpoint: {failure}"
                    ),
                    "check host, port, user and password of the endpoint, the security groups between instance and \
                     database, and whether the endpoint's TLS mode is what the server offers",
                );
            }
            _ if self.is_over(self.began_at, TEST_MAX) => {
                let limit = render_duration(TEST_MAX);
                self.hold(
                    format!("the test of the connection to the {side} endpoint has not ended after {limit}"),
                    "see the endpoint's connections in the console of DMS, then run `pulumi up` again",
                );
            }
            _ => self.ask_later(Command::ReadConnection(side)),
        }
    }

    /// The name of this run's assessment: letters, digits and hyphens.
    pub(super) fn assessment_name(&self) -> String {
        let mut name = "cutover-".to_owned();
        let run = self.run.chars();
        name.extend(run.map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }));
        name
    }

    pub(super) fn assessment_began(&mut self, name: String) {
        self.preparing.begun = true;
        self.ask_later(Command::ReadAssessment(name));
    }

    pub(super) fn saw_assessment(&mut self, name: String, seen: Option<AssessmentSeen>) {
        let Some(seen) = seen else {
            if !self.preparing.begun {
                self.ask = Command::Assess(name);
                return;
            }
            return self.await_assessment(name, "not to be seen");
        };
        self.preparing.begun = true;
        self.known.findings.clone_from(&seen.findings);
        let findings = seen.findings.iter();
        let findings: Vec<_> = findings
            .map(|(check, status)| format!("`{check}`: {status}"))
            .collect();
        match seen.status.as_str() {
            "passed" => self.advance(),
            "warning" => {
                self.tell(What::AssessmentWarned(findings));
                self.advance();
            }
            "failed" => self.hold(
                format!(
                    "the assessment `{name}` has failed: {}",
                    findings.join(", ")
                ),
                "mend what these checks find, or leave the assessment out where you know better",
            ),
            status if status.starts_with("error") || status == "invalid state" => {
                let failure = seen.failure.unwrap_or_default();
                self.hold(
                    format!("the assessment `{name}` could not be made: `{status}` {failure}"),
                    "check that the role may write to the bucket, and that DMS may assume it",
                );
            }
            status => self.await_assessment(name, status),
        }
    }

    fn await_assessment(&mut self, name: String, status: &str) {
        if self.is_over(self.began_at, ASSESSMENT_MAX) {
            let limit = render_duration(ASSESSMENT_MAX);
            return self.hold(
                format!("the assessment `{name}` is still `{status}` after {limit}"),
                "see it in the console of DMS, then run `pulumi up` again",
            );
        }
        self.ask_later(Command::ReadAssessment(name));
    }
}
