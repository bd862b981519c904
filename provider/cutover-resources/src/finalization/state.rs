//! What the program gets back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a finalization stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FinalizationState {
    /// How far it is.
    pub phase: FinalizationPhase,
    /// From when on it may be carried out: RFC 3339.
    pub due_at: String,
    /// When it was carried out: RFC 3339.
    pub finalized_at: Option<String>,
    /// What was done, a line for each step.
    pub steps: Vec<String>,
    /// The last lines of the target's journal before its control schema was removed.
    pub journal: Vec<String>,
    /// Why it is not as it was asked for.
    pub reasons: Vec<String>,
}

/// How far a finalization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FinalizationPhase {
    /// The safety period is not over.
    Waiting,
    /// The safety period is over, and the next `pulumi up` carries it out.
    Due,
    /// It has begun, so that there is no way back, and has not come to its end.
    Unfinished,
    /// It is carried out.
    Finalized,
}
