//! What both rows and both fences mean together.

use super::capture_name;
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::{Control, Fence, State};
use crate::writer_switch::spec::Spec;

/// What is to be concluded from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// What is there cannot be, or nobody can say what to do about it.
    Conflict(String),
    /// It is not ours to change.
    Refused(Vec<String>),
    /// Control schemas are missing, and nothing has happened yet.
    Prepare(Vec<Side>),
    /// It is clear who writes.
    Writer(Standing),
}

/// Who writes, and what an attempt that died has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) writer: Side,
    pub(super) epoch: u64,
    /// Whether the writer has a fence that is not as it should be, so that it is to be opened again.
    pub(super) reopen: bool,
    /// Whether the other side keeps a place in its log for a move that has not taken place.
    pub(super) release: bool,
}

/// Decides who writes. The row with the higher epoch is the truth; a fence that contradicts it is a conflict, except that of
/// the writer, which every attempt closes.
pub(super) fn decide(spec: &Spec, seen: &Both<Control>) -> Decision {
    let refused = strangers(spec, seen);
    if !refused.is_empty() {
        return Decision::Refused(refused);
    }
    let (source, target) = match (&seen.source.state, &seen.target.state) {
        (Some(source), Some(target)) => (source, target),
        (one, other) => return missing(one.as_ref().or(other.as_ref()), seen),
    };
    let (writer, epoch) = match truth(source, target) {
        Ok(truth) => truth,
        Err(conflict) => return Decision::Conflict(conflict),
    };
    let other = writer.other();
    let (fence, others) = (seen.get(writer).fence, seen.get(other).fence);
    if others != Fence::Closed {
        return Decision::Conflict(format!(
            "the {writer} is the writer by epoch {epoch}, and the fence of the {other} is {}; that of the {writer} is {}",
            name(others),
            name(fence)
        ));
    }
    let stale = capture_name(&spec.migration, epoch.saturating_add(1));
    let is_kept = |captured: &crate::writer_switch::control::Captured| captured.name == stale;
    Decision::Writer(Standing {
        writer,
        epoch,
        reopen: matches!(fence, Fence::Paused { .. } | Fence::Expired | Fence::Closed),
        release: seen.get(other).captured.as_ref().is_some_and(is_kept),
    })
}

/// Names what is not ours to change.
fn strangers(spec: &Spec, seen: &Both<Control>) -> Vec<String> {
    let mut refused = Vec::new();
    for side in Side::BOTH {
        let control = seen.get(side);
        if control.is_replica {
            refused.push(format!(
                "the {side} is a replica or read-only: its writer must be reached"
            ));
        }
        match &control.state {
            Some(state) if state.migration != spec.migration => refused.push(format!(
                "the control schema of the {side} belongs to migration `{}`, not to `{}`",
                state.migration, spec.migration
            )),
            Some(_) | None => (),
        }
    }
    if seen.source.identity == seen.target.identity {
        refused.push("source and target are the same database".to_owned());
    }
    refused
}

/// Decides what a missing control schema means: before a switch it is made, after one somebody has dropped it.
fn missing(left: Option<&State>, seen: &Both<Control>) -> Decision {
    let lacking: Vec<_> = Side::BOTH
        .into_iter()
        .filter(|side| seen.get(*side).state.is_none())
        .collect();
    match left {
        Some(state) if state.epoch > 0 => {
            let sides: Vec<_> = lacking.iter().map(ToString::to_string).collect();
            Decision::Conflict(format!(
                "the control schema of the {} is gone, and the writer has changed {} times: who wrote last cannot be told from one side",
                sides.join(" and "),
                state.epoch
            ))
        }
        Some(state) if state.writer != Side::Source => Decision::Conflict(format!(
            "the {} is the writer by a row of epoch 0, before any move",
            state.writer
        )),
        Some(_) | None => Decision::Prepare(lacking),
    }
}

/// Returns the writer and the epoch.
fn truth(source: &State, target: &State) -> Result<(Side, u64), String> {
    if source.epoch == target.epoch {
        if source.writer != target.writer {
            return Err(format!(
                "both rows have epoch {}; the source names {} as the writer, the target {}",
                source.epoch, source.writer, target.writer
            ));
        }
        return Ok((source.writer, source.epoch));
    }
    let (side, higher) = if source.epoch > target.epoch {
        (Side::Source, source)
    } else {
        (Side::Target, target)
    };
    // The row of the side that is opened is raised first, in the same transaction.
    if higher.writer == side {
        Ok((side, higher.epoch))
    } else {
        Err(format!(
            "the row of the {side} has the higher epoch {} and names the {} as the writer",
            higher.epoch, higher.writer
        ))
    }
}

fn name(fence: Fence) -> &'static str {
    match fence {
        Fence::Absent => "not there",
        Fence::Open => "open",
        Fence::Paused { .. } => "closed for a time",
        Fence::Expired => "open, since its time is over",
        Fence::Closed => "closed",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{a_control, a_spec};
    use super::*;
    use crate::writer_switch::control::Told;

    fn state(writer: Side, epoch: u64) -> State {
        State {
            migration: "payments".to_owned(),
            writer,
            epoch,
            told: Told::Open,
        }
    }

    fn seen(
        source: (impl Into<Option<State>>, Fence),
        target: (impl Into<Option<State>>, Fence),
    ) -> Both<Control> {
        let mut seen = Both::of(a_control);
        (seen.source.state, seen.source.fence) = (source.0.into(), source.1);
        (seen.target.state, seen.target.fence) = (target.0.into(), target.1);
        seen
    }

    fn check(
        source: (impl Into<Option<State>>, Fence),
        target: (impl Into<Option<State>>, Fence),
    ) -> Decision {
        decide(&a_spec(), &seen(source, target))
    }

    fn writer(writer: Side, epoch: u64, reopen: bool) -> Decision {
        Decision::Writer(Standing {
            writer,
            epoch,
            reopen,
            release: false,
        })
    }

    const PAUSED: Fence = Fence::Paused {
        left: Duration::from_secs(9),
    };

    #[test]
    fn the_row_with_the_higher_epoch_is_the_truth() {
        use Side::{Source, Target};
        let calm = check(
            (state(Source, 0), Fence::Open),
            (state(Source, 0), Fence::Closed),
        );
        assert_eq!(calm, writer(Source, 0, false));
        let fresh = check(
            (state(Source, 0), Fence::Closed),
            (state(Target, 1), Fence::Open),
        );
        assert_eq!(fresh, writer(Target, 1, false));
        let back = check(
            (state(Source, 2), Fence::Open),
            (state(Target, 1), Fence::Closed),
        );
        assert_eq!(back, writer(Source, 2, false));
    }

    #[test]
    fn a_writer_that_an_attempt_has_closed_is_opened_again() {
        for fence in [PAUSED, Fence::Expired, Fence::Closed] {
            let found = check(
                (state(Side::Source, 0), fence),
                (state(Side::Source, 0), Fence::Closed),
            );
            assert_eq!(found, writer(Side::Source, 0, true));
        }
    }

    #[test]
    fn a_side_that_should_be_closed_and_is_not_is_a_conflict() {
        for fence in [Fence::Open, Fence::Expired, Fence::Absent, PAUSED] {
            for of_writer in [Fence::Open, Fence::Closed] {
                let found = check(
                    (state(Side::Source, 0), of_writer),
                    (state(Side::Source, 0), fence),
                );
                assert!(matches!(found, Decision::Conflict(_)), "{fence:?}");
            }
        }
    }

    #[test]
    fn rows_that_contradict_each_other_are_a_conflict() {
        let same = check(
            (state(Side::Source, 1), Fence::Open),
            (state(Side::Target, 1), Fence::Closed),
        );
        assert!(matches!(same, Decision::Conflict(text) if text.contains("epoch 1")));
        let wrong = check(
            (state(Side::Source, 0), Fence::Open),
            (state(Side::Source, 1), Fence::Closed),
        );
        assert!(matches!(wrong, Decision::Conflict(text) if text.contains("higher epoch 1")));
    }

    #[test]
    fn a_control_schema_is_made_before_a_switch_and_missed_after_it() {
        let none = || (None, Fence::Absent);
        assert_eq!(
            check(none(), none()),
            Decision::Prepare(Side::BOTH.to_vec())
        );
        let target = check((state(Side::Source, 0), Fence::Open), none());
        assert_eq!(target, Decision::Prepare(vec![Side::Target]));
        let source = check(none(), (state(Side::Source, 0), Fence::Closed));
        assert_eq!(source, Decision::Prepare(vec![Side::Source]));
        let after = check(none(), (state(Side::Target, 1), Fence::Open));
        assert!(matches!(after, Decision::Conflict(text) if text.contains("source is gone")));
    }

    #[test]
    fn what_is_not_ours_is_refused_by_name() {
        let mut strange = seen(
            (state(Side::Source, 0), Fence::Open),
            (state(Side::Source, 0), Fence::Closed),
        );
        strange.source.is_replica = true;
        strange
            .target
            .state
            .as_mut()
            .expect("it is there")
            .migration = "orders".to_owned();
        strange.target.identity.clone_from(&strange.source.identity);

        let Decision::Refused(reasons) = decide(&a_spec(), &strange) else {
            panic!("not refused");
        };

        assert_eq!(
            reasons,
            [
                "the source is a replica or read-only: its writer must be reached",
                "the control schema of the target belongs to migration `orders`, not to `payments`",
                "source and target are the same database"
            ]
        );
    }
}
