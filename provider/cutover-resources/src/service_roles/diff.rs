//! What a change means.

use pulumi_host::{Diff, Versions};
use pulumi_value::PropertyPath;

use super::{DmsServiceRolesArgs, DmsServiceRolesState};

/// Amends the difference of the inputs: a role that is not fit calls for an update, which makes it so.
pub(super) fn amend(
    versions: &Versions<'_, DmsServiceRolesArgs, DmsServiceRolesState>,
    diff: &mut Diff,
) {
    diff.stable("accountId");
    let Some(state) = versions.old_state else {
        return;
    };
    for (output, role) in [
        ("vpcRole", &state.vpc_role),
        ("cloudwatchLogsRole", &state.cloudwatch_logs_role),
    ] {
        if !role.is_fit() {
            diff.output_changes(PropertyPath::root().key(output).key("status"));
        }
    }
}
