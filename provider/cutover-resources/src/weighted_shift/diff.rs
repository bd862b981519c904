//! What a change means.

use pulumi_host::{Diff, Versions};
use pulumi_value::PropertyPath;

use super::args::{RecordTarget, ShiftRouter, WeightedShiftArgs};
use super::state::{ShiftPhase, WeightedShiftState};

/// Amends the difference of the inputs: a shift that is not at its end goes on with every update, and another router is
/// another shift.
pub(super) fn amend(
    versions: &Versions<'_, WeightedShiftArgs, WeightedShiftState>,
    diff: &mut Diff,
) {
    diff.stable("shiftId");
    let phase = versions.old_state.map(|state| state.phase);
    if phase.is_some_and(|phase| !phase.is_over()) {
        for output in ["phase", "stepIndex"] {
            diff.output_changes(PropertyPath::root().key(output));
        }
    } else if versions
        .old_state
        .zip(versions.new_args)
        .is_some_and(|(state, args)| still_fails(state, args))
    {
        diff.output_changes(PropertyPath::root().key("phase"));
    }
    // While a shift is live an exchange is refused by the update, which can say why.
    if !phase.is_some_and(ShiftPhase::is_live) && diff.changes("router") && is_another(versions) {
        diff.replace_on("router");
        // Both would keep their journal at one place.
        diff.delete_before_replace();
    }
}

/// After a rollback every run fails when the program says so.
fn still_fails(state: &WeightedShiftState, args: &WeightedShiftArgs) -> bool {
    state.phase == ShiftPhase::RolledBack && args.strict_after_rollback
}

/// Tells whether the routers direct different traffic, as far as it is known.
fn is_another(versions: &Versions<'_, WeightedShiftArgs, WeightedShiftState>) -> bool {
    match (versions.old_args, versions.new_args) {
        (Some(old), Some(new)) => is_another_router(&old.router, &new.router),
        // What is stored cannot be read, or is not known yet: an update can still refuse it.
        _ => false,
    }
}

/// Tells whether two routers direct different traffic. What is not known yet is taken for the same: the update that
/// follows compares again.
pub(super) fn is_another_router(old: &ShiftRouter, new: &ShiftRouter) -> bool {
    match (old, new) {
        (ShiftRouter::Route53(old), ShiftRouter::Route53(new)) => {
            let same_target = |old: &RecordTarget, new: &RecordTarget| {
                let alias = match (&old.alias, &new.alias) {
                    (Some(old), Some(new)) => {
                        same(&old.dns_name, &new.dns_name) && same(&old.zone_id, &new.zone_id)
                    }
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                };
                let value = match (&old.value, &new.value) {
                    (Some(old), Some(new)) => same(old, new),
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                };
                alias && value && old.set_identifier == new.set_identifier
            };
            let same_records = old.records.len() == new.records.len()
                && old.records.iter().zip(&new.records).all(|(old, new)| {
                    old.name == new.name
                        && old.types == new.types
                        && same_target(&old.old, &new.old)
                        && same_target(&old.new, &new.new)
                });
            !(same_records && same(&old.zone_id, &new.zone_id))
        }
        (ShiftRouter::Alb(old), ShiftRouter::Alb(new)) => {
            !(same(&old.listener_rule_arn, &new.listener_rule_arn)
                && same(&old.old_target_group_arn, &new.old_target_group_arn)
                && same(&old.new_target_group_arn, &new.new_target_group_arn))
        }
        (ShiftRouter::Route53(_), ShiftRouter::Alb(_))
        | (ShiftRouter::Alb(_), ShiftRouter::Route53(_)) => true,
    }
}

fn same(old: &pulumi_value::Output<String>, new: &pulumi_value::Output<String>) -> bool {
    match (old.get(), new.get()) {
        (Some(old), Some(new)) => old == new,
        _ => true,
    }
}
