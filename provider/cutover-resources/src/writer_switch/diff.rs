//! What a change means.

use pulumi_host::{Diff, Versions};
use pulumi_value::PropertyPath;

use super::args::WriterSwitchArgs;
use super::state::WriterSwitchState;

/// Amends the difference of the inputs: a switch that is not where it was asked to be is gone on with, whether or not the
/// program has changed. Nothing ever replaces it: there is one writer, whatever the program says of its surroundings.
pub(super) fn amend(versions: &Versions<'_, WriterSwitchArgs, WriterSwitchState>, diff: &mut Diff) {
    let args = versions.new_args.or(versions.old_args);
    let is_settled = versions
        .old_state
        .zip(args)
        .is_none_or(|(state, args)| state.is_settled(args.writer));
    if !is_settled {
        diff.output_changes(PropertyPath::root().key("phase"));
    }
}
