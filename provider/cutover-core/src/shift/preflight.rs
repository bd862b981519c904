//! Refuses what surrounds a shift, before anything is written.
//!
//! An adapter reads, nothing is written, and everything that stands against it is told at once. The same is asked
//! again before each step, since rights, protections and targets change.

use std::collections::BTreeSet;
use std::time::Duration;

use super::plan::Plan;
use super::problem::{Code, Level, Path, Problem};
use super::records::RecordSet;
use super::spec::{Adopt, Mode, Record, Router, Spec};
use crate::Timestamp;

/// What surrounds a shift, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// Why the zone or the rule cannot be used: it is missing, or private where the servers are to be asked.
    pub router_unusable: Option<String>,
    /// Every record under the names of the shift.
    pub records: Vec<RecordSet>,
    /// Why the record may not be changed, where it is protected or the rights are missing.
    pub protected: Option<String>,
    /// What is known about the gates.
    pub gates: Vec<Probe>,
    /// Who else carries out a deployment on the listener rule.
    pub rule_taken_by: Option<String>,
    /// How long a client stays with a target group.
    pub stickiness: Option<Duration>,
    /// When the credentials end; `None` when they do not, or are renewed by themselves.
    pub credentials_end: Option<Timestamp>,
    /// What is wrong with new: no healthy target, a certificate for another name.
    pub new_unfit: Option<String>,
    /// How many requests a second come in all.
    pub requests_per_second: Option<f64>,
}

/// How a record is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routing {
    /// It is the only one.
    Simple,
    /// By weight.
    Weighted {
        /// Tells the members apart.
        set_identifier: String,
        /// Its weight.
        weight: u16,
    },
    /// By another policy, such as latency; its set identifier.
    Other {
        /// The policy.
        policy: String,
        /// Tells the members apart.
        set_identifier: String,
    },
}

/// What is known about a gate before anything begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The gate.
    pub gate: String,
    /// What was found.
    pub found: Probed,
}

/// What was found about a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probed {
    /// Its series have data.
    Data,
    /// The series of old, or of both, have none.
    NoDataOnOld,
    /// The series of both sides together have none.
    NoData,
    /// The series of new have none, which has no traffic yet.
    NoDataOnNew,
    /// Its alarm does not exist.
    NoAlarm,
    /// Its alarm is in ALARM already.
    InAlarm,
}

/// Types of records that send part of the clients elsewhere when they do not move along.
const COMPANIONS: [&str; 4] = ["A", "AAAA", "HTTPS", "SVCB"];

/// Checks what surrounds a shift. `now` is when it would begin.
pub fn check_surroundings(
    spec: &Spec,
    plan: &Plan,
    around: &Surroundings,
    now: Timestamp,
) -> Vec<Problem> {
    let mut found = Problems(Vec::new());
    let router = Path::new("router");
    if let Some(reason) = &around.router_unusable {
        found.error(117, &router, reason.clone());
    }
    if let Some(reason) = &around.protected {
        found.error(117, &router, reason.clone());
    }
    if let Router::Route53 { records, adopt, .. } = &spec.router {
        for (index, record) in records.iter().enumerate() {
            let path = router.name("route53").name("records").index(index);
            found.record(
                &path,
                record,
                *adopt,
                spec.policy.allow_others,
                &around.records,
            );
        }
    }
    for probe in &around.gates {
        found.probe(probe);
    }
    if let Some(owner) = &around.rule_taken_by {
        found.error(
            119,
            &router.name("alb"),
            format!("`{owner}` carries out a deployment on the rule"),
        );
    }
    if let Some(stickiness) = around
        .stickiness
        .filter(|stickiness| *stickiness > spec.policy.rollback.budget)
    {
        let message = format!(
            "clients stay with a side for {} s, longer than a rollback may take",
            stickiness.as_secs()
        );
        found.error(119, &router.name("alb"), message);
    }
    if let Some(end) = around
        .credentials_end
        .filter(|end| *end < now.after(plan.duration_min()))
    {
        let level = if spec.policy.mode == Mode::Auto {
            Level::Error
        } else {
            Level::Warning
        };
        let message = format!(
            "the credentials end {} s from now, before the plan does",
            end.since(now).as_secs()
        );
        found.add(120, level, &Path::new("mode"), message);
    }
    if let Some(reason) = &around.new_unfit {
        found.error(121, &router, reason.clone());
    }
    if let (Some(capacity), Some(requests)) = (spec.policy.capacity, around.requests_per_second) {
        for (index, step) in spec.steps.iter().enumerate() {
            let expected = requests * step.share.fraction();
            if expected > capacity {
                let message = format!(
                    "{expected:.0} requests/s are expected on new, which takes {capacity:.0}"
                );
                found.error(121, &Path::new("steps").index(index).name("share"), message);
            }
        }
    }
    found.0
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, code: u16, level: Level, path: &Path, message: String) {
        self.0.push(Problem {
            code: Code(code),
            level,
            path: path.clone(),
            message,
        });
    }

    fn error(&mut self, code: u16, path: &Path, message: String) {
        self.add(code, Level::Error, path, message);
    }

    fn record(
        &mut self,
        path: &Path,
        record: &Record,
        adopt: Adopt,
        allow_others: bool,
        all: &[RecordSet],
    ) {
        let bare = |name: &str| name.trim_end_matches('.').to_ascii_lowercase();
        let types: BTreeSet<&str> = record.types.iter().map(|of| of.name()).collect();
        for found in all
            .iter()
            .filter(|found| bare(&found.name) == bare(&record.name))
        {
            let kind = found.record_type.as_str();
            if !types.contains(kind) {
                if COMPANIONS.contains(&kind) {
                    let message =
                        format!("there is a record of type {kind}, and its clients would not move");
                    self.error(115, &path.name("types"), message);
                }
                continue;
            }
            self.member(path, record, adopt, allow_others, found);
        }
    }

    fn member(
        &mut self,
        path: &Path,
        record: &Record,
        adopt: Adopt,
        allow_others: bool,
        found: &RecordSet,
    ) {
        let kind = found.record_type.as_str();
        match &found.routing {
            Routing::Simple if adopt == Adopt::Simple => {}
            Routing::Simple => {
                self.error(
                    116,
                    path,
                    format!("there is a simple record of type {kind}; `adopt: simple` converts it"),
                );
            }
            Routing::Other {
                policy,
                set_identifier,
            } => {
                self.error(
                    116,
                    path,
                    format!("`{set_identifier}` is chosen by {policy}, not by weight"),
                );
            }
            Routing::Weighted {
                set_identifier,
                weight,
            } => {
                let is_ours = [&record.old, &record.new]
                    .iter()
                    .any(|side| side.set_identifier == *set_identifier);
                if !is_ours && *weight > 0 && !allow_others {
                    self.error(
                        114,
                        path,
                        format!("`{set_identifier}` is a further member with weight {weight}"),
                    );
                }
                if is_ours && adopt == Adopt::None {
                    self.error(
                        116,
                        path,
                        format!(
                            "`{set_identifier}` is there already; `adopt: weighted` takes it over"
                        ),
                    );
                }
            }
        }
    }

    fn probe(&mut self, probe: &Probe) {
        let path = Path::new("gates");
        let gate = &probe.gate;
        match probe.found {
            Probed::Data => {}
            Probed::NoData => self.error(
                118,
                &path,
                format!("the series of gate `{gate}` have no data"),
            ),
            Probed::NoDataOnOld => self.error(
                118,
                &path,
                format!("the series of gate `{gate}` have no data on old"),
            ),
            Probed::NoDataOnNew => {
                let message = format!("the series of gate `{gate}` have no data on new yet");
                self.add(118, Level::Warning, &path, message);
            }
            Probed::NoAlarm => self.error(
                118,
                &path,
                format!("the alarm of gate `{gate}` does not exist"),
            ),
            Probed::InAlarm => self.error(
                118,
                &path,
                format!("the alarm of gate `{gate}` is in ALARM already"),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
