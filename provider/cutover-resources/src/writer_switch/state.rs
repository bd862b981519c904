//! What the program gets back.

use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::{Client, Control};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::args::SwitchWriter;
use crate::data_validation::{ValidationProof, ValidationVerdict};

/// How many clients of the former writer are told: ours; those with the most connections.
const CLIENTS_MAX: usize = 20;

/// How a switch stands, as it was last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterSwitchState {
    /// How far it is.
    pub phase: SwitchPhase,
    /// Who writes.
    pub writer: WriterNow,
    /// How often the writer has changed.
    pub epoch: f64,
    /// Which system's writes are accepted: what a shift of traffic has to heed.
    pub write_policy: WritePolicy,
    /// How long applications were refused by the last change of the writer, in milliseconds.
    pub write_pause_ms: Option<f64>,
    /// How long the last marker took from one side to the other, in milliseconds.
    pub lag_ms: Option<f64>,
    /// Where the new writer's log stood before it was opened, as DMS takes it for `CdcStartPosition`, with its slot:
    /// replication back from there misses nothing.
    pub position: Option<String>,
    /// Whether a rollback could begin now.
    pub rollback_ready: bool,
    /// How much a loss of the writer could cost now, at most: how long the last marker back took. Absent while the way back
    /// is not ready.
    pub rollback_bound: Option<String>,
    /// What a rollback gives now, in a sentence.
    pub guarantee: String,
    /// The verdict of the comparison within the pause.
    pub verdict: Option<ValidationVerdict>,
    /// What kind of proof stands behind it.
    pub proof: Option<ValidationProof>,
    /// The digest of its report.
    pub report_digest: Option<String>,
    /// What was done, a line for each step, in the last run that did something.
    pub steps: Vec<String>,
    /// The ARN of the task that replicates back.
    pub back_task_arn: Option<String>,
    /// When the writer last changed: RFC 3339.
    pub committed_at: Option<String>,
    /// Who is still connected to the former writer, those with the most connections first.
    pub clients: Vec<SwitchClient>,
    /// Why it is not as it was asked for.
    pub reasons: Vec<String>,
}

/// How far a switch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SwitchPhase {
    /// The writer is the source, as from the beginning.
    Preparing,
    /// The writer is the target, and everything that follows is done.
    Switched,
    /// It was called off: the writer is who it was.
    CalledOff,
    /// The writer has changed, and something is left to do.
    Pending,
    /// It waits for a person.
    Held,
    /// The writer is the source again.
    RolledBack,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WriterNow {
    /// The source.
    Source,
    /// The target.
    Target,
    /// Nobody: both sides are closed.
    None,
}

/// Which system's writes are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WritePolicy {
    /// Of both: they share the writer.
    Any,
    /// Of old only.
    OldOnly,
    /// Of new only.
    NewOnly,
    /// Of none.
    None,
}

/// Somebody who is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SwitchClient {
    /// The user.
    pub user: String,
    /// From where, if that is known.
    pub host: Option<String>,
    /// How many connections.
    pub connections: u32,
}

impl WriterSwitchState {
    /// Before anything is known.
    pub(super) fn begin(shared: bool) -> Self {
        Self {
            phase: SwitchPhase::Preparing,
            writer: WriterNow::Source,
            epoch: 0.0,
            write_policy: policy(WriterNow::Source, shared),
            write_pause_ms: None,
            lag_ms: None,
            position: None,
            rollback_ready: false,
            rollback_bound: None,
            guarantee: String::new(),
            verdict: None,
            proof: None,
            report_digest: None,
            steps: Vec::new(),
            back_task_arn: None,
            committed_at: None,
            clients: Vec::new(),
            reasons: Vec::new(),
        }
    }

    /// Tells whether it is what was asked for, so that nothing is left to do.
    pub(super) fn is_settled(&self, wanted: SwitchWriter) -> bool {
        match wanted {
            SwitchWriter::Target => self.phase == SwitchPhase::Switched,
            SwitchWriter::Source => {
                matches!(self.phase, SwitchPhase::RolledBack | SwitchPhase::Preparing)
            }
        }
    }

    /// Takes over who writes, and who is connected to the other side, from a look at both.
    #[must_use]
    pub(super) fn seen(self, seen: &Both<Control>, shared: bool) -> Self {
        let Some((side, epoch)) = truth(seen) else {
            return self;
        };
        let is_open = seen.get(side).fence.lets_through();
        let writer = match (is_open, side) {
            (false, _) => WriterNow::None,
            (true, Side::Source) => WriterNow::Source,
            (true, Side::Target) => WriterNow::Target,
        };
        let clients = seen.get(side.other()).clients.iter();
        Self {
            writer,
            epoch: crate::replication::count(epoch),
            write_policy: policy(writer, shared),
            clients: clients.take(CLIENTS_MAX).map(SwitchClient::of).collect(),
            ..self
        }
    }
}

impl SwitchClient {
    fn of(client: &Client) -> Self {
        Self {
            user: client.user.clone(),
            host: client.host.clone(),
            connections: client.connections,
        }
    }
}

/// Who the writer is by the row with the higher epoch; `None` where neither side has one.
pub(super) fn truth(seen: &Both<Control>) -> Option<(Side, u64)> {
    let states = seen.as_ref().map(|control| control.state.as_ref());
    let higher = match (states.source, states.target) {
        (Some(source), Some(target)) if target.epoch > source.epoch => target,
        (Some(state), _) | (None, Some(state)) => state,
        (None, None) => return None,
    };
    Some((higher.writer, higher.epoch))
}

/// Which system's writes are accepted while this side writes.
pub(super) const fn policy(writer: WriterNow, shared: bool) -> WritePolicy {
    match (writer, shared) {
        (WriterNow::None, _) => WritePolicy::None,
        (_, true) => WritePolicy::Any,
        (WriterNow::Source, false) => WritePolicy::OldOnly,
        (WriterNow::Target, false) => WritePolicy::NewOnly,
    }
}

impl From<SwitchWriter> for Side {
    fn from(writer: SwitchWriter) -> Self {
        match writer {
            SwitchWriter::Source => Self::Source,
            SwitchWriter::Target => Self::Target,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_does_not_share_the_writer_may_write_only_while_its_database_does() {
        assert_eq!(policy(WriterNow::Source, false), WritePolicy::OldOnly);
        assert_eq!(policy(WriterNow::Target, false), WritePolicy::NewOnly);
        assert_eq!(policy(WriterNow::Target, true), WritePolicy::Any);
        for shared in [true, false] {
            assert_eq!(policy(WriterNow::None, shared), WritePolicy::None);
        }
    }

    #[test]
    fn a_switch_is_settled_only_where_it_was_asked_to_go() {
        let state = |phase| WriterSwitchState {
            phase,
            ..WriterSwitchState::begin(false)
        };
        for (phase, to_target, to_source) in [
            (SwitchPhase::Preparing, false, true),
            (SwitchPhase::Switched, true, false),
            (SwitchPhase::CalledOff, false, false),
            (SwitchPhase::Pending, false, false),
            (SwitchPhase::Held, false, false),
            (SwitchPhase::RolledBack, false, true),
        ] {
            assert_eq!(
                state(phase).is_settled(SwitchWriter::Target),
                to_target,
                "{phase:?}"
            );
            assert_eq!(
                state(phase).is_settled(SwitchWriter::Source),
                to_source,
                "{phase:?}"
            );
        }
    }
}
