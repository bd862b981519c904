//! The steps, in their order.

use super::spec::Spec;
use crate::validation::side::Side;

/// One step of a move. What is performed and what a preview shows are both made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Look at both databases and the replication: is anything in the way?
    Preflight,
    /// Wait for a marker to arrive, so that the lag is known now.
    MeasureLag,
    /// Close the former writer for a limited time, and wait for those who are writing.
    Fence(Side),
    /// Wait until a last marker has arrived.
    Drain,
    /// Let the new writer's identities begin beyond all that was given.
    SetIdentities(Side),
    /// Compare both sides.
    Check,
    /// Note where the new writer's log stands, so that replication back misses nothing.
    Capture(Side),
    /// Close the former writer for good.
    Close(Side),
    /// Open the new writer: from here on it is the writer.
    Commit(Side),
    /// Tell the former writer, and try a write on both.
    Record,
    /// Tell services which database to write to.
    Tell,
    /// Stop the replication that everything has drained through.
    StopDrain,
    /// Begin the replication back, from the place that was noted.
    StartBack,
    /// Wait until it has caught up: from then on the way back is ready.
    AwaitBack,
}

impl Step {
    /// The name of a step, as the journal and outputs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::MeasureLag => "measureLag",
            Self::Fence(_) => "fence",
            Self::Drain => "drain",
            Self::Check => "check",
            Self::Capture(_) => "capture",
            Self::SetIdentities(_) => "setIdentities",
            Self::Close(_) => "close",
            Self::Commit(_) => "commit",
            Self::Record => "record",
            Self::Tell => "tell",
            Self::StopDrain => "stopDrain",
            Self::StartBack => "startBack",
            Self::AwaitBack => "awaitBack",
        }
    }

    /// Tells whether applications are refused while it lasts.
    pub fn is_in_pause(self) -> bool {
        matches!(
            self,
            Self::Fence(_)
                | Self::Drain
                | Self::Check
                | Self::Capture(_)
                | Self::SetIdentities(_)
                | Self::Close(_)
                | Self::Commit(_)
        )
    }

    /// Tells whether it comes after the commit point, so that a failure goes forward.
    pub fn is_after_commit(self) -> bool {
        matches!(
            self,
            Self::Record | Self::Tell | Self::StopDrain | Self::StartBack | Self::AwaitBack
        )
    }
}

/// Makes the plan of a move: the very steps that are walked.
pub fn plan(spec: &Spec) -> Vec<Step> {
    let (former, new) = (spec.former(), spec.writer);
    let mut steps = vec![
        Step::Preflight,
        Step::MeasureLag,
        Step::Fence(former),
        Step::Drain,
        // Before they are compared, since they are compared too; and before the place is noted, since it is a change of tables
        // with some engines, which must not travel back.
        Step::SetIdentities(new),
    ];
    if spec.check {
        steps.push(Step::Check);
    }
    steps.extend([
        Step::Capture(new),
        Step::Close(former),
        Step::Commit(new),
        Step::Record,
    ]);
    if spec.setting.is_some() {
        steps.push(Step::Tell);
    }
    if spec.drain.as_ref().is_some_and(|drain| drain.stop) {
        steps.push(Step::StopDrain);
    }
    if spec.back.is_some() {
        steps.extend([Step::StartBack, Step::AwaitBack]);
    }
    steps
}
