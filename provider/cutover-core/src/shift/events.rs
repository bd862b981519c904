//! What happened, for notifications, outputs and people.

use std::fmt;
use std::time::Duration;

use super::gates::{Limit, render_value};
use super::problem::Problem;
use super::render::render_duration;
use crate::Timestamp;
use crate::weights::{Share, WeightPair};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The fence was taken, from whom it was left by.
    FenceTaken {
        /// The run that held it; `None` when nobody did.
        from: Option<String>,
    },
    /// Weights were accepted.
    Entered {
        /// The step, counted from 0.
        step: usize,
        /// Its weights.
        pair: WeightPair,
    },
    /// Every name server has them.
    Insync {
        /// The step, counted from 0.
        step: usize,
    },
    /// Watching begins.
    BakeBegan {
        /// The step, counted from 0.
        step: usize,
        /// The share that new was seen to get.
        observed: Option<Share>,
    },
    /// Watching has ended well.
    Baked {
        /// The step, counted from 0.
        step: usize,
    },
    /// From here on there is no way back by itself.
    Committed,
    /// A gate that only warns, or is only tried out, was broken.
    GateBroken {
        /// The gate.
        gate: String,
    },
    /// A comparison was made.
    Compared {
        /// Its name.
        name: String,
        /// Its figures.
        figures: String,
    },
    /// A person is asked.
    ApprovalNeeded {
        /// The step, counted from 0.
        step: usize,
    },
    /// It stops where it is.
    Paused(Pause),
    /// It goes on.
    Resumed,
    /// What somebody else has changed was put back.
    DriftReverted(Drift),
    /// The router cannot be reached, so weights stay; only a guard could send traffic back now.
    RouterUnreachable {
        /// Whether there is one.
        guarded: bool,
    },
    /// It can be reached again.
    RouterReached,
    /// Nothing was measured for so long.
    Blind(Duration),
    /// The kill switch could not be read, or says something without meaning.
    ControlUnclear(String),
    /// Everything goes back to old.
    ReturnBegan(Cause),
    /// A further cause, after that was decided.
    FurtherCause(Cause),
    /// The router has accepted it.
    ReturnAccepted,
    /// Every name server has it.
    ReturnInsync,
    /// Old cannot take everything at once; traffic goes back to it all the same.
    OldIsCold,
    /// It takes longer than promised.
    BudgetExceeded,
    /// It cannot be written.
    Stuck(String),
    /// Rows that only new has when traffic is back.
    RowsBehind {
        /// How many, when it is known.
        rows: Option<u64>,
    },
    /// It is over: everything is on old.
    Returned,
    /// It is over: everything is on new.
    Completed,
    /// The last entry could not be written; the fence becomes free by itself.
    FenceNotReleased,
}

/// Why everything goes back to old.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// A critical gate was broken.
    Gate {
        /// The gate.
        gate: String,
        /// Its value, where it has one: a fraction for ratios.
        value: Option<f64>,
        /// Where health ends, where it has a limit.
        limit: Option<Limit>,
        /// Whether value and limit are fractions, which people read in percent.
        in_percent: bool,
        /// The beginning of the first breaching period.
        since: Timestamp,
        /// Of how many samples the value is.
        samples: f64,
        /// Whether old broke it as well.
        shared: bool,
    },
    /// A critical comparison has failed.
    Comparison(String),
    /// Nothing was measured for too long.
    Blind,
    /// The kill switch says so.
    Switch(String),
    /// A person says so.
    Person(String),
    /// The program was told to stop.
    Stop,
}

/// Why it stops where it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Pause {
    /// A person must approve a step, counted from 0.
    Approval(usize),
    /// One step was asked for, and it is done.
    Staged(usize),
    /// A person or the kill switch says so.
    Held(String),
    /// A change does not get through.
    InsyncTimeout,
    /// Traffic is not where it should be.
    SplitMismatch(Option<Share>),
    /// A bake says neither yes nor no; the gates and comparisons that do not.
    Inconclusive(Vec<String>),
    /// A condition does not come to hold.
    GateClosed(Vec<String>),
    /// A step must not be entered.
    NotReady(Vec<Problem>),
    /// Old cannot take everything any more.
    OldIsCold,
    /// Somebody else has changed the router.
    Drift(Drift),
    /// A gate that holds was broken.
    GateBroken(String),
    /// Both sides have broken a gate.
    SharedFault(String),
    /// A cause to go back, after the point of no return.
    Committed(Cause),
    /// Nothing was measured for too long by gates that hold.
    Blind,
    /// The router refuses.
    Refused(String),
}

impl Pause {
    /// Tells whether it is as the program wishes, and so no cause for alarm.
    pub const fn is_wished(&self) -> bool {
        matches!(self, Self::Approval(_) | Self::Staged(_) | Self::Held(_))
    }

    /// Says for people why: `step 2 waits for a person`. What stands behind [`Display`](fmt::Display) is the stable code
    /// of it.
    pub fn details(&self) -> String {
        match self {
            Self::Approval(step) => format!("step {} waits for a person", step.saturating_add(1)),
            Self::Staged(step) => format!(
                "step {} is done, and one step was asked for",
                step.saturating_add(1)
            ),
            Self::Held(reason) => format!("held: {reason}"),
            Self::InsyncTimeout => "the change does not reach every name server".to_owned(),
            Self::SplitMismatch(Some(share)) => format!("new was seen to get {share}"),
            Self::SplitMismatch(None) => "it cannot be seen what new gets".to_owned(),
            Self::Inconclusive(names) => {
                format!("the bake says neither yes nor no by {}", names.join(", "))
            }
            Self::GateClosed(names) => format!("closed for too long: {}", names.join(", ")),
            Self::NotReady(problems) => {
                let all = problems
                    .iter()
                    .map(|problem| format!("{}: {}", problem.code, problem.message));
                all.collect::<Vec<_>>().join("; ")
            }
            Self::OldIsCold => "old cannot take everything any more".to_owned(),
            Self::Drift(drift) => {
                format!("somebody else has changed the router: {}", drift.details())
            }
            Self::GateBroken(gate) => format!("gate {gate} is broken, and it holds"),
            Self::SharedFault(gate) => format!("gate {gate} is broken on old as well"),
            Self::Committed(cause) => format!("past the point of no return: {}", cause.details()),
            Self::Blind => "nothing could be measured for too long".to_owned(),
            Self::Refused(message) => format!("the router refuses: {message}"),
        }
    }
}

/// What somebody else has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// New has more than planned.
    Raised,
    /// New has less than planned.
    Lowered,
    /// Names or types differ.
    Uneven,
    /// Something other than weights.
    Fields,
    /// A member is gone.
    Removed,
    /// The journal is gone or unreadable.
    Journal,
}

impl Drift {
    /// Says for people what was found.
    pub const fn details(self) -> &'static str {
        match self {
            Self::Raised => "new gets more than planned",
            Self::Lowered => "new gets less than planned",
            Self::Uneven => "names or types differ",
            Self::Fields => "something other than the shares is not as declared",
            Self::Removed => "a record or target group is gone",
            Self::Journal => "the journal is gone or cannot be read",
        }
    }
}

impl Cause {
    /// Says for people what was seen: `errorRate was 9 %, allowed up to 5 %, since 2026-01-01T10:05:00Z, 1000 samples`.
    /// What stands behind [`Display`](fmt::Display) is the stable code of it.
    pub fn details(&self) -> String {
        match self {
            Self::Gate {
                gate,
                value,
                limit,
                in_percent,
                since,
                samples,
                shared,
            } => {
                let mut parts = vec![match value {
                    Some(value) => format!("{gate} was {}", render_value(*value, *in_percent)),
                    None => format!("{gate} was broken"),
                }];
                parts.extend(limit.map(|limit| match limit {
                    Limit::Max(max) => format!("allowed up to {}", render_value(max, *in_percent)),
                    Limit::Min(min) => {
                        format!("allowed down to {}", render_value(min, *in_percent))
                    }
                }));
                parts.push(format!("since {}", since.to_utc()));
                if value.is_some() && *samples > 0.0 {
                    parts.push(format!("{samples:.0} samples"));
                }
                if *shared {
                    parts.push("old as well".to_owned());
                }
                parts.join(", ")
            }
            Self::Comparison(name) => format!("new is worse than old by comparison {name}"),
            Self::Blind => "nothing could be measured for too long".to_owned(),
            Self::Switch(reason) => format!("the kill switch says so: {reason}"),
            Self::Person(reason) => format!("asked for: {reason}"),
            Self::Stop => "the program was told to stop".to_owned(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gate {
                gate, shared: true, ..
            } => write!(f, "SharedFault:{gate}"),
            Self::Gate { gate, .. } => write!(f, "GateBreached:{gate}"),
            Self::Comparison(name) => write!(f, "ComparisonFailed:{name}"),
            Self::Blind => f.write_str("Blind"),
            Self::Switch(reason) => write!(f, "KillSwitch:{reason}"),
            Self::Person(reason) => write!(f, "Requested:{reason}"),
            Self::Stop => f.write_str("Interrupted"),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval(step) => write!(f, "Approval:{}", step.saturating_add(1)),
            Self::Staged(step) => write!(f, "Staged:{}", step.saturating_add(1)),
            Self::Held(reason) => write!(f, "Held:{reason}"),
            Self::InsyncTimeout => f.write_str("InsyncTimeout"),
            Self::SplitMismatch(Some(share)) => write!(f, "SplitMismatch:{share}"),
            Self::SplitMismatch(None) => f.write_str("SplitMismatch"),
            Self::Inconclusive(names) => write!(f, "Inconclusive:{}", names.join(",")),
            Self::GateClosed(names) => write!(f, "GateClosed:{}", names.join(",")),
            Self::NotReady(problems) => {
                let codes: Vec<_> = problems
                    .iter()
                    .map(|problem| problem.code.to_string())
                    .collect();
                write!(f, "NotReady:{}", codes.join(","))
            }
            Self::OldIsCold => f.write_str("OldIsCold"),
            Self::Drift(drift) => write!(f, "Drift:{drift:?}"),
            Self::GateBroken(gate) => write!(f, "GateBreached:{gate}"),
            Self::SharedFault(gate) => write!(f, "SharedFault:{gate}"),
            Self::Committed(cause) => write!(f, "Committed:{cause}"),
            Self::Blind => f.write_str("Blind"),
            Self::Refused(message) => write!(f, "Refused:{message}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |step: &usize| step.saturating_add(1);
        match self {
            Self::FenceTaken { from: None } => f.write_str("fence taken"),
            Self::FenceTaken { from: Some(run) } => write!(f, "fence taken from run {run}"),
            Self::Entered { step, pair } => write!(f, "step {} entered: {pair}", number(step)),
            Self::Insync { step } => write!(f, "step {} is INSYNC", number(step)),
            Self::BakeBegan {
                step,
                observed: Some(share),
            } => write!(
                f,
                "bake of step {} begins, {share} seen on new",
                number(step)
            ),
            Self::BakeBegan {
                step,
                observed: None,
            } => write!(f, "bake of step {} begins", number(step)),
            Self::Baked { step } => write!(f, "step {} has baked", number(step)),
            Self::Committed => f.write_str("point of no return passed"),
            Self::GateBroken { gate } => write!(f, "gate {gate} is broken, without effect"),
            Self::Compared { name, figures } => write!(f, "comparison {name}: {figures}"),
            Self::ApprovalNeeded { step } => write!(f, "step {} needs approval", number(step)),
            Self::Paused(pause) => write!(f, "paused: {pause}"),
            Self::Resumed => f.write_str("resumed"),
            Self::Blind(duration) => {
                write!(f, "nothing measured for {}", render_duration(*duration))
            }
            Self::ControlUnclear(message) => write!(f, "kill switch unclear: {message}"),
            Self::ReturnBegan(cause) => write!(f, "rollback: {cause}"),
            Self::FurtherCause(cause) => write!(f, "further cause: {cause}"),
            Self::ReturnAccepted => f.write_str("rollback accepted"),
            Self::ReturnInsync => f.write_str("rollback is INSYNC"),
            Self::DriftReverted(drift) => write!(f, "put back what somebody has changed: {}", drift.details()),
            Self::RouterUnreachable { guarded: true } => f.write_str(
                "the router cannot be reached: weights stay, and only the guard is a way back",
            ),
            Self::RouterUnreachable { guarded: false } => f.write_str(
                "the router cannot be reached: weights stay, and without a guard there is no way back until it can",
            ),
            Self::RouterReached => f.write_str("the router can be reached again"),
            Self::OldIsCold => f.write_str("old cannot take everything at once"),
            Self::BudgetExceeded => f.write_str("rollback takes longer than promised"),
            Self::Stuck(message) => write!(f, "rollback is stuck: {message}"),
            Self::RowsBehind { rows: Some(rows) } => write!(f, "{rows} rows are on new only"),
            Self::RowsBehind { rows: None } => f.write_str("some rows are on new only"),
            Self::Returned => f.write_str("rolled back"),
            Self::Completed => f.write_str("completed"),
            Self::FenceNotReleased => f.write_str("the last journal entry was not written"),
        }
    }
}
