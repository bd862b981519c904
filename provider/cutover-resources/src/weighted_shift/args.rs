//! What the program passes in.

mod gates;
mod policy;
mod router;

use pulumi_value::Output;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::writer_switch::WritePolicy;

pub use gates::{
    GateDatapoints, GateLag, GateMeasure, GateMetric, GateSeverity, GateSide, MissingData,
    ShiftComparison, ShiftGate,
};
pub use policy::{
    AlarmGate, DataPriority, DesiredShift, DmsTaskGate, DriftResponse, DynamoDbLock, EntryGate,
    HealthCheckGuard, NoticeSeverity, OnDestroy, OnInterrupt, ParameterGate, ReverseReplication,
    SharedFault, ShiftControl, ShiftGuard, ShiftLock, ShiftMode, ShiftNotify, ShiftRollback,
    ShiftSettle, ShiftTargets, TaskValidation, WriteFence,
};
pub use router::{
    AdoptRecords, AlbRouter, RecordAlias, RecordKind, RecordTarget, Route53Router, ShiftRouter,
    WeightedRecord, ZeroWeight,
};

/// Moves live traffic from an old to a new system in steps, watches gates while each step bakes, and goes back to old
/// by itself when one breaks. A preview shows the whole timeline.
///
/// One `pulumi up` walks the plan (`mode: "auto"`) and may take hours, or it walks one step and leaves the shift paused
/// (`mode: "staged"`). A shift that is not at its end is gone on with by the next `pulumi up`, whether or not the
/// program has changed, and so is one whose run was killed: how far it is stands in a journal beside the weights. After
/// a rollback the run fails once; then nothing happens until `attempt` is raised.
///
/// Durations are texts such as `90s`, `30m` or `1h30m`. Steps are counted from 1, as in every message; only `stepIndex`
/// is an index into `steps`. Whatever is wrong with the inputs is refused together and before anything is written;
/// `docs/errors.md` explains the codes.
///
/// Whoever declares the same records with another provider must ignore changes of the weight there.
///
/// Import a shift over Route 53 with `zoneId/name/type/oldSetIdentifier/newSetIdentifier` of its first record, and one
/// over a listener rule with `ruleArn,oldTargetGroupArn,newTargetGroupArn`. Where traffic is split already, the next
/// `pulumi up` goes on from there, if a step has that share: it bakes that step anew. An operation may take as long as
/// the plan at most does, `gateTimeout` more for each step, and a day, unless `customTimeouts` says otherwise; a limit
/// that is too short for what is left of the plan is refused (CUT-140).
///
/// Needs `route53:GetHostedZone`, `route53:ListResourceRecordSets`, `route53:ChangeResourceRecordSets` and
/// `route53:GetChange`; or, each of `elasticloadbalancing`, `DescribeRules`, `DescribeTags`, `ModifyRule`, `AddTags` and
/// `RemoveTags`, and for the default action of a listener `DescribeListeners` and `ModifyListener`;
/// `elasticloadbalancing:DescribeTargetHealth`; `cloudwatch:GetMetricData`, `cloudwatch:DescribeAlarms` and
/// `cloudwatch:PutMetricData`; where they are used `ssm:GetParameter`, `ssm:PutParameter`, `sns:Publish`, of `dms`
/// `DescribeReplicationTasks`, `DescribeReplicationInstances` and `DescribeTableStatistics`, of `route53`
/// `CreateHealthCheck`, `ListHealthChecks` and `DeleteHealthCheck`, and with a `lock` in a table `dynamodb:GetItem`,
/// `dynamodb:PutItem` and `dynamodb:DeleteItem`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeightedShiftArgs {
    /// What directs the traffic. Another zone, record, target or rule replaces the resource, which is refused while the
    /// shift is live (CUT-130).
    pub router: ShiftRouter,
    /// The steps, in order, with strictly rising shares; the last one is 100 (CUT-101). Before them is one of 0 %. Steps
    /// that were carried out cannot be edited any more, those after can (CUT-131).
    #[schemars(length(min = 1))]
    pub steps: Vec<ShiftStep>,
    /// How long everything is watched at 100 %; during it a rollback still happens by itself.
    #[serde(default = "half_an_hour")]
    pub soak: String,
    /// Whether one `pulumi up` walks all steps.
    #[serde(default)]
    pub mode: ShiftMode,
    /// What is to become of the shift.
    #[serde(default)]
    pub desired: DesiredShift,
    /// The last step that a person has approved, counted from 1; steps with `pause` wait for it.
    #[schemars(range(min = 1))]
    pub approved_through: Option<u32>,
    /// Raised by one to try again after a rollback.
    #[serde(default = "first")]
    #[schemars(range(min = 1))]
    pub attempt: u32,
    /// The gates of every step that has none of its own. `paymentGates` makes those of a payment system. Without any
    /// nothing is watched.
    pub gates: Option<Output<Vec<ShiftGate>>>,
    /// Comparisons of new with old.
    pub compare: Option<Vec<ShiftComparison>>,
    /// Conditions that must hold before any step is entered.
    pub entry_gates: Option<Vec<EntryGate>>,
    /// When a bake may begin, and how the split is seen.
    pub settle: Option<ShiftSettle>,
    /// Whose healthy targets are counted before each step, for Route 53; for a listener rule its target groups are.
    pub target_groups: Option<ShiftTargets>,
    /// How long a change may take to reach every name server; after that the shift stops where it is.
    #[serde(default = "five_minutes")]
    pub insync_timeout: String,
    /// How long a closed entry gate is waited for, and how long a paused shift goes on watching.
    #[serde(default = "half_an_hour")]
    pub gate_timeout: String,
    /// How much longer a bake may take while the gates are inconclusive. By default as long again.
    pub max_extend: Option<String>,
    /// How to go back.
    pub rollback: Option<ShiftRollback>,
    /// The last step from which there is a way back, counted from 1. After it a breach stops the shift and calls people,
    /// and never sends traffic back by itself.
    #[schemars(range(min = 1))]
    pub commit_after: Option<u32>,
    /// What an interruption does: Ctrl-C, or the end of the time limit. By default `rollback` without a `guard`, and
    /// `hold` with one.
    pub interrupt: Option<OnInterrupt>,
    /// What acts when nobody is at the wheel. Without one a lost runner leaves the split unwatched (CUT-150).
    pub guard: Option<ShiftGuard>,
    /// The kill switch.
    pub control: Option<ShiftControl>,
    /// Who is told what happens.
    pub notify: Option<ShiftNotify>,
    /// The `CloudWatch` namespace in which the progress is published.
    #[serde(default = "namespace")]
    #[schemars(length(min = 1, max = 255))]
    pub metrics_namespace: String,
    /// What deleting the resource does while the shift is live. By default it is refused. At the end of a shift the
    /// records always stay and go on answering.
    pub on_destroy: Option<OnDestroy>,
    /// What happens when somebody else changes the router during the shift.
    #[serde(default)]
    pub drift_policy: DriftResponse,
    /// Whether the weighted group may have further members with a weight (CUT-114).
    #[serde(default)]
    pub allow_others: bool,
    /// Whether `desired: "new"` may leave out steps (CUT-132).
    #[serde(default)]
    pub allow_skip: bool,
    /// Whether every `pulumi up` after a rollback fails until `attempt` is raised, and not only the first one.
    #[serde(default)]
    pub strict_after_rollback: bool,
    /// By how much counts overstate what is known, since whole resolvers move and not single requests. Comparisons
    /// divide by it.
    #[serde(default = "two")]
    #[schemars(range(min = 1.0))]
    pub design_effect: f64,
    /// How many requests a second new can take, when that is known. Steps that expect more are refused (CUT-121).
    pub capacity: Option<f64>,
    /// Which side's writes the databases accept: the output `writePolicy` of a `WriterSwitch`. Traffic is not sent where
    /// nothing can be written (CUT-122).
    pub write_policy: Option<Output<WritePolicy>>,
    /// Where the fence is that keeps other runs away. By default the journal in DNS for Route 53. For a listener rule it
    /// is in the rule's tags, which two runs that begin together can both set (CUT-154), unless a table is named.
    pub lock: Option<ShiftLock>,
    /// How often the fence is renewed, which keeps other runs away; it is free after three times that. By default `5m`,
    /// and `30s` with a table.
    pub heartbeat: Option<String>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShiftStep {
    /// The percentage of traffic for new, above 0 and up to 100. It must be expressible within a quarter of a point:
    /// Route 53 takes weights up to 255, a listener rule up to 999.
    pub share: f64,
    /// How long it is watched; required for every step but the last, whose bake is `soak`. At least five periods of its
    /// slowest gate (CUT-108), and long enough for every gate to fire (CUT-107).
    pub bake: Option<String>,
    /// Whether a person must approve before it is entered, by raising `approvedThrough`.
    #[serde(default)]
    pub pause: bool,
    /// What it is for; shown in the timeline.
    pub name: Option<String>,
    /// Gates in place of the common ones.
    pub gates: Option<Output<Vec<ShiftGate>>>,
    /// Conditions that must hold before it is entered, besides the common ones.
    pub entry_gates: Option<Vec<EntryGate>>,
}

fn half_an_hour() -> String {
    "30m".to_owned()
}

fn a_minute() -> String {
    "1m".to_owned()
}

fn five_minutes() -> String {
    "5m".to_owned()
}

fn first() -> u32 {
    1
}

fn two() -> f64 {
    2.0
}

fn namespace() -> String {
    "Cutover".to_owned()
}
