//! What a change means.

use pulumi_host::{Diff, Versions};
use pulumi_value::PropertyPath;

use super::args::DataValidationArgs;
use super::state::DataValidationState;

/// Amends the difference of the inputs: whatever changes, the validation runs again, and so it does after a run that did
/// not come to what was asked for.
pub(super) fn amend(
    versions: &Versions<'_, DataValidationArgs, DataValidationState>,
    diff: &mut Diff,
) {
    let is_accepted = versions
        .old_state
        .zip(versions.old_args)
        .is_none_or(|(state, args)| state.is_accepted(args.allow_inconclusive));
    if !is_accepted {
        diff.output_changes(PropertyPath::root().key("verdict"));
    }
}
