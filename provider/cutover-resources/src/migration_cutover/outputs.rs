//! What the program gets back.

use pulumi_host::{Child, Error};
use pulumi_value::Output;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::args::MigrationGoal;

/// How a migration stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationCutoverOutputs {
    /// How far it is: the phase of the last child that there is.
    pub phase: Output<String>,
    /// What the replication from source to target is doing.
    pub replication_phase: Output<String>,
    /// The lag of the target at the last sample, in seconds.
    pub lag_seconds: Option<Output<f64>>,
    /// The verdict before the switch.
    pub verdict_before: Option<Output<String>>,
    /// The digest of its report.
    pub report_digest_before: Option<Output<String>>,
    /// The verdict within the pause.
    pub verdict_final: Option<Output<String>>,
    /// The digest of its report.
    pub report_digest_final: Option<Output<String>>,
    /// The verdict after the switch, source and target exchanged.
    pub verdict_after: Option<Output<String>>,
    /// The digest of its report.
    pub report_digest_after: Option<Output<String>>,
    /// How far the switch is.
    pub switch_phase: Option<Output<String>>,
    /// Who writes: `source`, `target` or `none`.
    pub writer: Option<Output<String>>,
    /// How often the writer has changed.
    pub epoch: Option<Output<f64>>,
    /// Which side's writes are accepted: `any`, `oldOnly`, `newOnly` or `none`.
    pub write_policy: Option<Output<String>>,
    /// How long applications were refused, in milliseconds.
    pub write_pause_ms: Option<Output<f64>>,
    /// Where the new writer's log stood before it was opened.
    pub position: Option<Output<String>>,
    /// Whether a rollback could begin now.
    pub rollback_ready: Option<Output<bool>>,
    /// How much a loss of the writer could cost now, at most.
    pub rollback_bound: Option<Output<String>>,
    /// What a rollback gives now, in a sentence.
    pub guarantee: Option<Output<String>>,
    /// When the writer last changed: RFC 3339.
    pub committed_at: Option<Output<String>>,
    /// The ARN of the task that replicates back.
    pub back_task_arn: Option<Output<String>>,
    /// What the shift of traffic is doing.
    pub shift_phase: Option<Output<String>>,
    /// How far the finalization is.
    pub finalization_phase: Option<Output<String>>,
    /// From when on it may be carried out: RFC 3339.
    pub due_at: Option<Output<String>>,
}

/// The children that there are.
#[derive(Debug)]
pub(super) struct Children {
    pub(super) replication: Child,
    pub(super) before: Option<Child>,
    pub(super) shift: Option<Child>,
    pub(super) switch: Option<Child>,
    pub(super) after: Option<Child>,
    pub(super) finalization: Option<Child>,
}

impl Children {
    /// Puts the outputs together.
    pub(super) fn outputs(&self, goal: MigrationGoal) -> Result<MigrationCutoverOutputs, Error> {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let switch = self.switch.as_ref();
        let replication_phase: Output<String> = self.replication.output("phase")?;
        let switch_phase: Option<Output<String>> = of(switch, "phase")?;
        let finalization_phase = of(self.finalization.as_ref(), "phase")?;
        let validated = before.map(|_| Output::known("validated".to_owned()));
        let phase = match goal {
            MigrationGoal::Replicating => Some(replication_phase.clone()),
            MigrationGoal::Validated => validated,
            MigrationGoal::Switched | MigrationGoal::RolledBack => switch_phase.clone(),
            MigrationGoal::Finalized => finalization_phase.clone().or_else(|| switch_phase.clone()),
        };
        Ok(MigrationCutoverOutputs {
            phase: phase.unwrap_or_else(|| replication_phase.clone()),
            replication_phase,
            lag_seconds: of(Some(&self.replication), "lagSeconds")?,
            verdict_before: of(before, "verdict")?,
            report_digest_before: of(before, "reportDigest")?,
            verdict_final: of(switch, "verdict")?,
            report_digest_final: of(switch, "reportDigest")?,
            verdict_after: of(after, "verdict")?,
            report_digest_after: of(after, "reportDigest")?,
            switch_phase,
            writer: of(switch, "writer")?,
            epoch: of(switch, "epoch")?,
            write_policy: of(switch, "writePolicy")?,
            write_pause_ms: of(switch, "writePauseMs")?,
            position: of(switch, "position")?,
            rollback_ready: of(switch, "rollbackReady")?,
            rollback_bound: of(switch, "rollbackBound")?,
            guarantee: of(switch, "guarantee")?,
            committed_at: of(switch, "committedAt")?,
            back_task_arn: of(switch, "backTaskArn")?,
            shift_phase: of(self.shift.as_ref(), "phase")?,
            finalization_phase,
            due_at: of(self.finalization.as_ref(), "dueAt")?,
        })
    }
}

/// An output of a child that there may not be, and that it may not have.
fn of<T: DeserializeOwned>(child: Option<&Child>, name: &str) -> Result<Option<Output<T>>, Error> {
    let Some(child) = child else {
        return Ok(None);
    };
    let output: Output<Option<T>> = child.output(name)?;
    if matches!(output.get(), Some(None)) {
        return Ok(None);
    }
    let given = output.map(|value| value.expect("it is not absent, as was just seen"));
    Ok(Some(given))
}
