//! What a change means.

use pulumi_host::{Diff, Versions};
use pulumi_value::PropertyPath;

use super::args::FinalizationArgs;
use super::state::{FinalizationPhase, FinalizationState};

/// Amends the difference of the inputs: until it is carried out every update looks whether it is time, since nothing here can
/// see a clock.
pub(super) fn amend(versions: &Versions<'_, FinalizationArgs, FinalizationState>, diff: &mut Diff) {
    let is_over = versions
        .old_state
        .is_none_or(|state| state.phase == FinalizationPhase::Finalized);
    if !is_over {
        diff.output_changes(PropertyPath::root().key("phase"));
    }
}
