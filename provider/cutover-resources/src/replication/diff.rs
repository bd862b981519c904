//! What a change means.

use pulumi_host::{Diff, Versions};
use pulumi_value::PropertyPath;

use super::args::ReplicationArgs;
use super::state::ReplicationState;

/// Amends the difference of the inputs: a replication that is not as it was asked for is gone on with, whether or not
/// the program has changed.
pub(super) fn amend(versions: &Versions<'_, ReplicationArgs, ReplicationState>, diff: &mut Diff) {
    let args = versions.new_args.or(versions.old_args);
    let is_settled = versions
        .old_state
        .zip(args)
        .is_none_or(|(state, args)| state.phase.is_settled(args.stopped));
    if !is_settled {
        diff.output_changes(PropertyPath::root().key("phase"));
    }
}
