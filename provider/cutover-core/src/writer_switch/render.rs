//! The plan, as a preview shows it, and what it promises.

use super::check::text;
use super::plan::{Step, plan};
use super::spec::{SettingKind, Spec};
use crate::validation::side::Side;

/// Writes the plan: a line for each step, with who waits for what at most, and its way back.
pub fn lines(spec: &Spec) -> Vec<String> {
    plan(spec)
        .into_iter()
        .map(|step| line(spec, step))
        .collect()
}

/// Writes what is only done when something is in the way, a line for each. With the plan, this is everything that can happen.
pub fn recovery_lines(spec: &Spec) -> Vec<String> {
    let sides = Side::BOTH.into_iter().flat_map(|side| {
        [
            Recovery::Prepare(side),
            Recovery::Reopen(side),
            Recovery::Release(side),
        ]
    });
    let rest = [
        Recovery::AwaitTransactions,
        Recovery::AwaitLocks,
        Recovery::LookAgain,
        Recovery::RemoveBack,
    ];
    sides
        .chain(rest)
        .map(|recovery| recovery.line(spec))
        .collect()
}

/// What is done besides the steps of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    Prepare(Side),
    Reopen(Side),
    Release(Side),
    AwaitTransactions,
    AwaitLocks,
    LookAgain,
    RemoveBack,
}

impl Recovery {
    pub(super) fn line(self, spec: &Spec) -> String {
        let spacing = text(spec.pause.spacing);
        match self {
            Self::Prepare(side) => {
                format!("prepare: the control schema and the fence of the {side} are made")
            }
            Self::Reopen(side) => format!("callOff: the {side} is opened again"),
            Self::Release(side) => {
                format!("callOff: the place in the log of the {side} is given up")
            }
            Self::AwaitTransactions => {
                format!("wait: {spacing} for transactions that have been open for long")
            }
            Self::AwaitLocks => format!("wait: {spacing} before the fence is tried again"),
            Self::LookAgain => {
                "look: both sides are looked at again, to see what has taken effect".to_owned()
            }
            Self::RemoveBack => {
                "startBack: a replication back that begins at a wrong place is removed".to_owned()
            }
        }
    }
}

/// Writes one step.
pub(super) fn line(spec: &Spec, step: Step) -> String {
    let name = step.name();
    format!("{name}: {}", what(spec, step))
}

fn what(spec: &Spec, step: Step) -> String {
    let (former, new) = (spec.former(), spec.writer);
    let pause = &spec.pause;
    match step {
        Step::Preflight => format!(
            "look at both databases and the replication; transactions open for more than {} keep the fence away; nothing is changed",
            text(spec.max_transaction_age)
        ),
        Step::MeasureLag => format!(
            "a marker written on the {former} is on the {new} within {}; nothing is changed",
            text(spec.max_lag)
        ),
        Step::Fence(side) => format!(
            "the {side} refuses writes of applications to {} tables; waits {} for those who write, {} attempts {} apart; back: it is opened again, and by itself after {}",
            spec.tables.get(side).len(),
            text(pause.lock),
            pause.attempts,
            text(pause.spacing),
            text(pause.max)
        ),
        Step::Drain => format!(
            "the last marker of the {former} is on the {new}, within the pause of {}; back: the {former} is opened again",
            text(pause.max)
        ),
        Step::Check => format!(
            "both sides are compared once more, within what is left of the pause; back: the {former} is opened again"
        ),
        Step::Capture(side) => format!(
            "the place in the log of the {side} is noted, from which replication back begins; back: it is given up"
        ),
        Step::SetIdentities(side) => format!(
            "identities of the {side} go on beyond everything given, by {}; back: none needed",
            spec.identity_gap
        ),
        Step::Close(side) => format!(
            "the {side} is closed for good, if {} of the pause are left; back: it is opened again",
            text(pause.reserve)
        ),
        Step::Commit(side) => format!(
            "the {side} is opened and is the writer, in one transaction; from here on the way back is a rollback of the writer"
        ),
        Step::Record => {
            format!("the {former} is told, and a write is tried on both; repeated until it is done")
        }
        Step::Tell => {
            let (kind, name) = spec.setting.as_ref().map_or(("setting", ""), |setting| {
                let kind = match setting.kind {
                    SettingKind::Parameter => "parameter",
                    SettingKind::Secret => "secret",
                };
                (kind, setting.name.as_str())
            });
            format!("{kind} `{name}` names the {new}; repeated until it is done")
        }
        Step::StopDrain => {
            format!("the replication from the {former} is stopped; repeated until it is done")
        }
        Step::StartBack => format!(
            "the replication back from the {new} begins at the place that was noted; repeated until it is done"
        ),
        Step::AwaitBack => format!(
            "a marker written on the {new} is on the {former} within {}; people are called after {}, applications are not affected",
            text(spec.max_lag),
            spec.back
                .as_ref()
                .map_or_else(|| text(spec.max_lag), |back| text(back.limit))
        ),
    }
}

/// How far a move has come, for what a rollback gives then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Before the fence.
    Before,
    /// Between the fence and the commit point.
    InPause,
    /// After the commit point, with the replication back not caught up.
    Switched,
    /// With the replication back caught up.
    BackReady,
}

impl Reach {
    /// Every one, in their order.
    pub const ALL: [Self; 4] = [Self::Before, Self::InPause, Self::Switched, Self::BackReady];
}

/// Writes what a rollback gives when a move has come so far: who writes, what a rollback does, how long applications are
/// refused by it, and how much can be lost.
pub fn guarantee(spec: &Spec, reach: Reach) -> String {
    let (former, new) = (spec.former(), spec.writer);
    let max = text(spec.pause.max);
    match reach {
        Reach::Before => {
            format!(
                "the {former} writes; going back changes nothing, without a pause; nothing is lost"
            )
        }
        Reach::InPause => format!(
            "nobody writes; going back opens the {former} again, after {max} of pause at most; nothing is lost"
        ),
        Reach::Switched if spec.back.is_none() => format!(
            "the {new} writes; going back needs a replication from the {new} that begins at the place that was noted, then a pause of {max} at most; nothing is lost as long as the log of the {new} is kept"
        ),
        Reach::Switched => format!(
            "the {new} writes; going back waits until the replication back has caught up, then takes a pause of {max} at most; nothing is lost"
        ),
        Reach::BackReady => {
            format!("the {new} writes; going back takes a pause of {max} at most; nothing is lost")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::tests::a_spec;
    use super::*;

    #[test]
    fn a_plan_says_for_each_step_who_waits_and_what_the_way_back_is() {
        insta::assert_snapshot!(lines(&a_spec()).join("\n"), @r"
        preflight: look at both databases and the replication; transactions open for more than 10 s keep the fence away; nothing is changed
        measureLag: a marker written on the source is on the target within 10 s; nothing is changed
        fence: the source refuses writes of applications to 2 tables; waits 2 s for those who write, 3 attempts 20 s apart; back: it is opened again, and by itself after 30 s
        drain: the last marker of the source is on the target, within the pause of 30 s; back: the source is opened again
        setIdentities: identities of the target go on beyond everything given, by 10000; back: none needed
        check: both sides are compared once more, within what is left of the pause; back: the source is opened again
        capture: the place in the log of the target is noted, from which replication back begins; back: it is given up
        close: the source is closed for good, if 2 s of the pause are left; back: it is opened again
        commit: the target is opened and is the writer, in one transaction; from here on the way back is a rollback of the writer
        record: the source is told, and a write is tried on both; repeated until it is done
        tell: parameter `/payments/database` names the target; repeated until it is done
        stopDrain: the replication from the source is stopped; repeated until it is done
        startBack: the replication back from the target begins at the place that was noted; repeated until it is done
        awaitBack: a marker written on the target is on the source within 10 s; people are called after 15 min, applications are not affected
        ");
    }

    #[test]
    fn a_plan_leaves_out_what_is_not_wished() {
        let mut spec = a_spec();
        spec.check = false;
        spec.setting = None;
        spec.drain = None;
        spec.back = None;

        let names: Vec<_> = lines(&spec)
            .iter()
            .filter_map(|line| line.split_once(':').map(|(name, _)| name.to_owned()))
            .collect();

        assert_eq!(
            names,
            [
                "preflight",
                "measureLag",
                "fence",
                "drain",
                "setIdentities",
                "capture",
                "close",
                "commit",
                "record"
            ]
        );
    }

    #[test]
    fn a_rollback_is_the_same_plan_the_other_way_round() {
        let mut spec = a_spec();
        let forward = lines(&spec);
        spec.writer = Side::Source;

        let turned: Vec<_> = lines(&spec)
            .into_iter()
            .map(|line| {
                line.replace("source", "\u{0}")
                    .replace("target", "source")
                    .replace('\u{0}', "target")
            })
            .collect();

        assert_eq!(turned, forward);
    }

    #[test]
    fn what_a_rollback_gives_is_said_for_each_stretch() {
        let texts = Reach::ALL.map(|reach| guarantee(&a_spec(), reach));

        insta::assert_snapshot!(texts.join("\n"), @r"
        the source writes; going back changes nothing, without a pause; nothing is lost
        nobody writes; going back opens the source again, after 30 s of pause at most; nothing is lost
        the target writes; going back waits until the replication back has caught up, then takes a pause of 30 s at most; nothing is lost
        the target writes; going back takes a pause of 30 s at most; nothing is lost
        ");
    }
}
