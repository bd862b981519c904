//! What is wished for: as the program says it, and as it is once checked.

use std::time::Duration;

use super::compare::Comparison;
use super::gates::Gate;
use crate::weights::{Scale, Share, WeightPair};

/// A shift as the program asks for it. [`check`](super::check::check) makes a [`Spec`] of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Names the shift in its journal: letters, digits, `-`; derived from where it is declared.
    pub id: String,
    /// Where traffic is directed.
    pub router: RouterWish,
    /// The steps, in order; an implicit one at 0 % comes before them.
    pub steps: Vec<StepWish>,
    /// How long everything is watched at 100 %.
    pub soak: Duration,
    /// The gates of every step that has none of its own.
    pub gates: Vec<Gate>,
    /// Comparisons of new with old.
    pub compare: Vec<Comparison>,
    /// Everything else.
    pub policy: Policy,
}

/// A step as the program asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepWish {
    /// Percent of traffic for the new side.
    pub share: f64,
    /// How long it is watched; none for the last step, whose bake is the soak.
    pub bake: Option<Duration>,
    /// Whether a person must approve before it is entered.
    pub pause: bool,
    /// What it is for.
    pub name: Option<String>,
    /// Names of conditions that must hold before it is entered.
    pub entry_gates: Vec<String>,
    /// Gates in place of the common ones.
    pub gates: Option<Vec<Gate>>,
}

/// The router as the program asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouterWish {
    /// Weighted records.
    Route53 {
        /// The hosted zone's id.
        zone_id: String,
        /// The zone's name, when it is known: at it no CNAME can be.
        zone_name: Option<String>,
        /// Seconds that resolvers may keep an answer; `None`: [`TTL_SECONDS`].
        ttl_seconds: Option<u32>,
        /// Everything that moves together.
        records: Vec<RecordWish>,
        /// What is left of a side without a share.
        zero_means: ZeroMeans,
        /// What may be taken over.
        adopt: Adopt,
    },
    /// Weighted target groups of a listener rule.
    Alb {
        /// The rule's ARN.
        rule_arn: String,
        /// The old target group's ARN.
        old_arn: String,
        /// The new target group's ARN.
        new_arn: String,
    },
}

/// A name as the program asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordWish {
    /// The name.
    pub name: String,
    /// The record types that move.
    pub types: Vec<RecordType>,
    /// Where old is.
    pub old: TargetWish,
    /// Where new is.
    pub new: TargetWish,
}

/// A side of a name as the program asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetWish {
    /// Tells the two members apart.
    pub set_identifier: String,
    /// An alias.
    pub alias: Option<Alias>,
    /// A plain value.
    pub value: Option<String>,
}

/// A type of record that can be weighted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordType {
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// Another name.
    Cname,
}

impl RecordType {
    /// Returns the type as Route 53 writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
        }
    }
}

/// A target that Route 53 looks up by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Its name.
    pub dns_name: String,
    /// The zone of its name.
    pub zone_id: String,
    /// Whether the target's health decides about the answer.
    pub evaluate_target_health: bool,
}

/// What Route 53 answers for a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What the target resolves to.
    Alias(Alias),
    /// One value.
    Value(String),
}

/// One side of a name, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Tells the two members apart.
    pub set_identifier: String,
    /// What is answered.
    pub answer: Answer,
}

/// A name, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name.
    pub name: String,
    /// The record types that move.
    pub types: Vec<RecordType>,
    /// Where old is.
    pub old: Target,
    /// Where new is.
    pub new: Target,
}

/// The router, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Router {
    /// Weighted records.
    Route53 {
        /// The hosted zone's id.
        zone_id: String,
        /// Seconds that resolvers may keep an answer.
        ttl_seconds: u32,
        /// Whether the TTL can be set; that of an alias is its target's.
        ttl_settable: bool,
        /// Everything that moves together.
        records: Vec<Record>,
        /// What is left of a side without a share.
        zero_means: ZeroMeans,
        /// What may be taken over.
        adopt: Adopt,
    },
    /// Weighted target groups of a listener rule.
    Alb {
        /// The rule's ARN.
        rule_arn: String,
        /// The old target group's ARN.
        old_arn: String,
        /// The new target group's ARN.
        new_arn: String,
    },
}

impl Router {
    /// Returns the weights that it takes.
    pub const fn scale(&self) -> Scale {
        match self {
            Self::Route53 { .. } => Scale::Route53,
            Self::Alb { .. } => Scale::Alb,
        }
    }

    /// Tells whether the journal and the weights change together. Of a listener rule the tags and the actions are
    /// changed by two calls, and a run may die between them.
    pub const fn is_atomic(&self) -> bool {
        matches!(self, Self::Route53 { .. })
    }

    /// Returns how long answers may be kept by those who asked.
    pub fn answer_ttl(&self) -> Duration {
        match self {
            Self::Route53 { ttl_seconds, .. } => Duration::from_secs(u64::from(*ttl_seconds)),
            Self::Alb { .. } => Duration::ZERO,
        }
    }
}

/// What is left of a side without a share. With health evaluation a member of weight 0 is answered when no other is
/// healthy. Source: Route 53 developer guide, "How Route 53 chooses records when health checking is configured".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroMeans {
    /// Its record goes, so that nobody can be sent to it.
    Isolated,
    /// It stands by.
    Standby,
}

/// What may be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopt {
    /// Nothing.
    None,
    /// Weighted records that are there.
    Weighted,
    /// A simple record, which becomes the old side.
    Simple,
}

/// The TTL when none is named, and that of an alias to a load balancer. Source: Route 53 developer guide, "Values
/// specific for weighted alias records", "TTL".
pub const TTL_SECONDS: u32 = 60;

/// A step, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Share of the new side.
    pub share: Share,
    /// The weights that bring it about.
    pub pair: WeightPair,
    /// How long it is watched.
    pub bake: Duration,
    /// Whether a person must approve before it is entered.
    pub pause: bool,
    /// What it is for.
    pub name: Option<String>,
    /// Names of conditions that must hold before it is entered.
    pub entry_gates: Vec<String>,
    /// What is watched.
    pub gates: Vec<Gate>,
}

/// A shift as it is carried out; only [`check`](super::check::check) makes one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Spec {
    /// Names the shift in its journal.
    pub id: String,
    /// Where traffic is directed.
    pub router: Router,
    /// At least one; shares rise strictly, and the last is 100 %.
    pub steps: Vec<Step>,
    /// Comparisons of new with old.
    pub compare: Vec<Comparison>,
    /// Everything else.
    pub policy: Policy,
}

/// How a shift behaves.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as the program names it"
)]
pub struct Policy {
    /// Whether one run walks all steps.
    pub mode: Mode,
    /// How long clients keep an answer beyond its TTL.
    pub client_lag: Duration,
    /// The gap, in points, allowed between observed and requested share; `None`: five points or four sigma.
    pub split_points: Option<f64>,
    /// Whether requests are counted on both sides; without, the split is not checked.
    pub observes_split: bool,
    /// How long a change may stay pending.
    pub insync_timeout: Duration,
    /// How long a closed entry gate is waited for.
    pub gate_timeout: Duration,
    /// How much longer a bake may take when it is inconclusive; `None`: as long again.
    pub extend_max: Option<Duration>,
    /// How to go back.
    pub rollback: Rollback,
    /// The last step, counted from 0, from which there is a way back.
    pub commit_after: Option<usize>,
    /// What a stop does; `None`: back to old without a guard, hold with one.
    pub interrupt: Option<Interrupt>,
    /// Whether something acts when this program is gone.
    pub guarded: bool,
    /// How often the kill switch is looked at; `None`: there is none.
    pub control_poll: Option<Duration>,
    /// The parameter that is the kill switch.
    pub control_parameter: Option<String>,
    /// By how much counts overstate what is known, since resolvers move and not requests.
    pub design_effect: f64,
    /// How often the fence is renewed.
    pub heartbeat: Duration,
    /// The table of DynamoDB that holds the fence of a listener rule; `None`: its tags do, without a condition.
    pub lock_table: Option<String>,
    /// Whether the group may have further members with a weight.
    pub allow_others: bool,
    /// How many requests a second new can take, when that is known.
    pub capacity: Option<f64>,
    /// What becomes of weights that somebody else has changed.
    pub drift: DriftPolicy,
    /// Whether steps may be skipped to be on new at once.
    pub allow_skip: bool,
    /// Whether a rollback that was told before still counts as a failure.
    pub strict_after_rollback: bool,
}

/// What becomes of weights that somebody else has changed. Who sends everything back to old is never overruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftPolicy {
    /// They stay, and the shift stops where it is.
    Pause,
    /// They are put back once; when it happens again the shift stops where it is.
    Revert,
}

/// Whether one run walks all steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All of them.
    Auto,
    /// One step, then it pauses.
    Staged,
}

/// What a stop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Everything goes back to old.
    Rollback,
    /// Weights stay.
    Hold,
}

/// How to go back.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// How long it may take until traffic is back.
    pub budget: Duration,
    /// How long traffic may stay split without measurements.
    pub blind_max: Duration,
    /// What comes first, traffic or rows.
    pub data: DataPolicy,
    /// How rows that new has written come back.
    pub rows: RowsReturn,
    /// Whether a hook exists that closes new to writes.
    pub write_fence: bool,
    /// Whether a fault that both sides share only holds.
    pub hold_on_shared_fault: bool,
    /// Whether old must be able to take everything before a step is entered.
    pub old_must_be_warm: bool,
}

/// What comes first when going back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPolicy {
    /// Traffic; rows follow.
    TrafficFirst,
    /// New is closed to writes, then traffic.
    FenceFirst,
    /// Rows, for a short while, then traffic.
    DrainFirst,
}

/// How rows that new has written come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsReturn {
    /// Nobody has said.
    Unsaid,
    /// Replication runs backwards.
    Reverse,
    /// Both sides write to one database.
    Shared,
}

/// How often a fence in a table is renewed when nothing is said: stated.
pub const HEARTBEAT_OF_TABLE: Duration = Duration::from_secs(30);

impl Policy {
    /// Returns the stated defaults.
    pub fn new() -> Self {
        let minutes = Duration::from_mins;
        Self {
            mode: Mode::Auto,
            client_lag: minutes(1),
            split_points: None,
            observes_split: true,
            insync_timeout: minutes(5),
            gate_timeout: minutes(30),
            extend_max: None,
            rollback: Rollback {
                budget: minutes(5),
                blind_max: minutes(10),
                data: DataPolicy::TrafficFirst,
                rows: RowsReturn::Unsaid,
                write_fence: false,
                hold_on_shared_fault: false,
                old_must_be_warm: true,
            },
            commit_after: None,
            interrupt: None,
            guarded: false,
            control_poll: None,
            control_parameter: None,
            design_effect: 2.0,
            heartbeat: minutes(5),
            lock_table: None,
            allow_others: false,
            capacity: None,
            drift: DriftPolicy::Pause,
            allow_skip: false,
            strict_after_rollback: false,
        }
    }

    /// Returns what a stop does.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.unwrap_or(if self.guarded {
            Interrupt::Hold
        } else {
            Interrupt::Rollback
        })
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_goes_back_when_nothing_would_watch_over_the_split_and_holds_otherwise() {
        let guarded = Policy {
            guarded: true,
            ..Policy::new()
        };

        assert_eq!(Policy::new().interrupt(), Interrupt::Rollback);
        assert_eq!(guarded.interrupt(), Interrupt::Hold);
        assert_eq!(
            Policy {
                interrupt: Some(Interrupt::Hold),
                ..Policy::new()
            }
            .interrupt(),
            Interrupt::Hold
        );
    }
}
