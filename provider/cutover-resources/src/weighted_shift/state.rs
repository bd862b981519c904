//! What the program gets back.

use cutover_core::shift::break_glass::render_break_glass;
use cutover_core::shift::machine::PhaseName;
use cutover_core::shift::plan::{Plan, Stage, plan};
use cutover_core::shift::spec::Spec;
use cutover_core::weights::{Share, WeightPair};
use humantime::format_duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a shift stands, as it was last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeightedShiftState {
    /// What the shift is called in its journal, in messages and as a dimension of metrics.
    pub shift_id: String,
    /// What it is doing.
    pub phase: ShiftPhase,
    /// The step whose weights are on, as an index into `steps`; absent while everything is on old.
    pub step_index: Option<u32>,
    /// The percentage of traffic that new was last told to get.
    pub requested_share: f64,
    /// The percentage of traffic that new was last seen to get.
    pub observed_share: Option<f64>,
    /// The weights that are on.
    pub weights: ShiftWeights,
    /// The steps with their weights and times.
    pub plan: Vec<PlannedStep>,
    /// The command of the AWS CLI that sends everything to old, without this program.
    pub break_glass: String,
    /// When the first weights were accepted: RFC 3339.
    pub started_at: Option<String>,
    /// When the bake of the step began: RFC 3339.
    pub bake_started_at: Option<String>,
    /// When the bake of the step is over at the earliest: RFC 3339.
    pub next_decision_at: Option<String>,
    /// What was last said about the gate that is nearest to its limit, or beyond.
    pub last_verdict: Option<ShiftVerdict>,
    /// What happened, the latest last; at most 200.
    pub history: Vec<ShiftHistoryEntry>,
    /// The last rollback, with its times.
    pub last_rollback: Option<ShiftRollbackReport>,
    /// The changes of weights that Route 53 or the load balancer has accepted, as it names them, the latest last; at most
    /// 200.
    pub change_ids: Vec<String>,
    /// The percentage of traffic that new had when the shift was imported. The next `pulumi up` goes on from there, with
    /// the step that has this share.
    pub adopted_share: Option<f64>,
    /// What differs from what the journal says.
    pub drift: Vec<String>,
    /// For how long nothing was measured when that was last told, in seconds.
    pub blind_seconds: f64,
    /// The fencing number: it rises with each change.
    pub seq: f64,
    /// Why it stands as it does, as a stable code: `GateBreached:paymentFailures`.
    pub reason: Option<String>,
    /// Keys of the notifications that did not arrive.
    pub undelivered: Vec<String>,
}

/// What a shift is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ShiftPhase {
    /// Nothing yet.
    Pending,
    /// It looks whether it may begin.
    Preflight,
    /// It takes the fence and lowers the TTL.
    Preparing,
    /// It is about to raise the share.
    Entering,
    /// It waits for conditions.
    Waiting,
    /// Weights are on their way to every name server.
    Shifting,
    /// Former answers are still kept.
    Settling,
    /// A step is watched.
    Baking,
    /// It decides about a step.
    Deciding,
    /// The last step is watched.
    Soaking,
    /// It stands where it is.
    Paused,
    /// The way back is being written.
    RollingBack,
    /// The way back is being followed by traffic.
    Converging,
    /// Rows follow.
    Draining,
    /// Everything is on old.
    RolledBack,
    /// Everything is on new.
    Completed,
    /// The way back cannot be written.
    Stuck,
}

impl ShiftPhase {
    /// Tells whether the shift is over, so that nothing more happens by itself.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::RolledBack | Self::Completed)
    }

    /// Tells whether the shift has begun and is not over.
    pub(super) const fn is_live(self) -> bool {
        !self.is_over() && !matches!(self, Self::Pending | Self::Preflight)
    }

    /// Says for people what it is doing.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Pending => "not begun",
            Self::Preflight => "about to begin",
            Self::Preparing => "preparing",
            Self::Entering => "about to raise the share",
            Self::Waiting => "waiting for conditions",
            Self::Shifting => "shifting",
            Self::Settling => "settling",
            Self::Baking => "baking",
            Self::Deciding => "deciding",
            Self::Soaking => "soaking",
            Self::Paused => "paused",
            Self::RollingBack => "rolling back",
            Self::Converging => "on its way back",
            Self::Draining => "back, with rows to follow",
            Self::RolledBack => "rolled back",
            Self::Completed => "complete",
            Self::Stuck => "stuck",
        }
    }
}

impl From<PhaseName> for ShiftPhase {
    fn from(phase: PhaseName) -> Self {
        match phase {
            PhaseName::Pending => Self::Pending,
            PhaseName::Preflight => Self::Preflight,
            PhaseName::Preparing => Self::Preparing,
            PhaseName::Entering => Self::Entering,
            PhaseName::Waiting => Self::Waiting,
            PhaseName::Shifting => Self::Shifting,
            PhaseName::Settling => Self::Settling,
            PhaseName::Baking => Self::Baking,
            PhaseName::Deciding => Self::Deciding,
            PhaseName::Soaking => Self::Soaking,
            PhaseName::Paused => Self::Paused,
            PhaseName::RollingBack => Self::RollingBack,
            PhaseName::Converging => Self::Converging,
            PhaseName::Draining => Self::Draining,
            PhaseName::RolledBack => Self::RolledBack,
            PhaseName::Completed => Self::Completed,
            PhaseName::Stuck => Self::Stuck,
        }
    }
}

/// The weights of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftWeights {
    /// Of old; absent when it has no record.
    pub old: Option<u16>,
    /// Of new; absent when it has no record.
    pub new: Option<u16>,
}

impl From<WeightPair> for ShiftWeights {
    fn from(pair: WeightPair) -> Self {
        Self {
            old: Some(pair.old().get()),
            new: Some(pair.new_side().get()),
        }
    }
}

/// A step with its weights and times. Times count from the first change of weights, which a TTL that is lowered first
/// puts off; approvals are taken to come at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// What it is for.
    pub name: Option<String>,
    /// The weight of old.
    pub old_weight: u16,
    /// The weight of new.
    pub new_weight: u16,
    /// When its weights are written at the earliest, such as `1h 36m`.
    pub starts_after: String,
    /// When it has been watched for long enough at the earliest.
    pub ends_after: String,
}

/// What was last said about a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftVerdict {
    /// The gate.
    pub gate: String,
    /// `healthy`, `breached`, `inconclusive` or `blind`.
    pub verdict: String,
    /// The newest value that could be judged; rates are fractions.
    pub value: Option<f64>,
    /// Where health ends.
    pub threshold: Option<f64>,
    /// The beginning of the first breaching period: RFC 3339.
    pub since: Option<String>,
    /// Of how many samples.
    pub samples: f64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftHistoryEntry {
    /// When: RFC 3339.
    pub at: String,
    /// What.
    pub what: String,
}

/// A rollback with its times. Milliseconds count from the decision, but for `decisionMs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftRollbackReport {
    /// When it was decided: RFC 3339.
    pub triggered_at: String,
    /// Why, as a stable code.
    pub cause: String,
    /// How long it took from the beginning of the first breaching period to the decision, where a gate has decided.
    pub decision_ms: Option<f64>,
    /// When the router had accepted the change.
    pub submit_ms: Option<f64>,
    /// When every name server had it.
    pub insync_ms: Option<f64>,
    /// When traffic was seen to be back.
    pub observed_back_ms: Option<f64>,
    /// How many rows only new had then, when it is known.
    pub unreplicated_rows: Option<f64>,
}

/// What a preview is certain of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Foreseen {
    /// The steps with their weights and times.
    pub(super) plan: Vec<PlannedStep>,
    /// The command that sends everything to old; absent while an input is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) break_glass: Option<String>,
    /// What the shift is called.
    pub(super) shift_id: String,
}

impl WeightedShiftState {
    /// The share that was taken over knowingly, by an import.
    pub(super) fn adopted(&self) -> Option<Share> {
        self.adopted_share.and_then(Share::from_percent)
    }

    /// Before anything has happened: everything is on old.
    pub(super) fn begin(spec: &Spec) -> Self {
        Self {
            shift_id: spec.id.clone(),
            phase: ShiftPhase::Pending,
            step_index: None,
            requested_share: 0.0,
            observed_share: None,
            weights: WeightPair::ALL_OLD.into(),
            plan: planned(spec),
            break_glass: render_break_glass(spec),
            started_at: None,
            bake_started_at: None,
            next_decision_at: None,
            last_verdict: None,
            history: Vec::new(),
            last_rollback: None,
            change_ids: Vec::new(),
            adopted_share: None,
            drift: Vec::new(),
            blind_seconds: 0.0,
            seq: 0.0,
            reason: None,
            undelivered: Vec::new(),
        }
    }
}

/// The steps with their weights and times.
pub(super) fn planned(spec: &Spec) -> Vec<PlannedStep> {
    use cutover_core::shift::plan::Happening;
    let plan: Plan = plan(spec, None);
    let timeline = plan.timeline();
    let at = |wanted: Happening| {
        let found = timeline.iter().find(|moment| moment.what == wanted);
        format_duration(found.map(|moment| moment.at).unwrap_or_default()).to_string()
    };
    let step = |stage: &Stage| PlannedStep {
        name: stage.name.clone(),
        old_weight: stage.pair.old().get(),
        new_weight: stage.pair.new_side().get(),
        starts_after: at(Happening::Shift(stage.index)),
        ends_after: at(Happening::BakeEnds(stage.index)),
    };
    plan.stages.iter().map(step).collect()
}

/// A share as people read it: 0 to 100.
pub(super) fn percent(share: Share) -> f64 {
    f64::from(share.basis_points()) / 100.0
}
