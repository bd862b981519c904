//! What both databases say before a replication is brought to run: where the control schema is missing, and whether rows may
//! still flow from source to target.

use super::task::TaskSeen;
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::Control;

/// What both databases come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// The source writes, and rows flow to the target, once the control schema was made on these sides, in this order.
    Forth(Vec<Side>),
    /// The target writes. The replication must not go on: it would carry back what the target has sent.
    Drained,
}

/// Says whether a replication from source to target may run, and where the control schema is missing. The source is the writer
/// there, at epoch 0. `task` is the one that is to run.
///
/// # Errors
/// When what is there belongs to another migration or cannot be made whole, or when the writer has been back since and the task
/// would not begin where the source was then.
pub fn ready(
    seen: &Both<Control>,
    migration: &str,
    task: Option<&TaskSeen>,
) -> Result<Ready, String> {
    let mut latest = None;
    for side in Side::BOTH {
        let Some(state) = &seen.get(side).state else {
            continue;
        };
        if state.migration != migration {
            return Err(format!(
                "the control schema of the {side} belongs to the migration `{}`; give `controlSchema` another name",
                state.migration
            ));
        }
        if latest.is_none_or(|(epoch, _)| state.epoch > epoch) {
            latest = Some((state.epoch, state.writer));
        }
    }
    match latest {
        Some((1.., Side::Target)) => Ok(Ready::Drained),
        Some((1.., Side::Source)) => again(seen, task).map(|()| Ready::Forth(Vec::new())),
        Some((0, _)) | None => {
            let is_missing = |side: &Side| {
                let control = seen.get(*side);
                control.state.is_none() || !control.unfenced.is_empty()
            };
            // The target first: it must be closed before anything is loaded.
            let sides = [Side::Target, Side::Source].into_iter();
            Ok(Ready::Forth(sides.filter(is_missing).collect()))
        }
    }
}

/// After a rollback the source has rows that came from the target. Only a task that begins where the source was at the rollback
/// leaves them out.
fn again(seen: &Both<Control>, task: Option<&TaskSeen>) -> Result<(), String> {
    let Some(captured) = &seen.source.captured else {
        return Err(
            "the writer was rolled back, and no place in the log of the source was noted: \
                    a new migration has to begin with a load"
                .to_owned(),
        );
    };
    let start = captured.position.cdc_start();
    let begins_at = task.and_then(|task| task.cdc_start.as_deref());
    if begins_at == Some(start.as_str()) {
        return Ok(());
    }
    Err(format!(
        "the writer was rolled back: this task would carry rows to the target that came from there; give one for changes \
         only that begins at `{start}`, not at {}",
        begins_at.map_or_else(|| "another place".to_owned(), |place| format!("`{place}`"))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::catalog::{Engine, TableName};
    use crate::writer_switch::control::{Captured, Fence, LogPosition, State, Told};

    fn control(epoch: Option<u64>) -> Control {
        Control {
            engine: Engine::Postgres,
            identity: String::new(),
            is_replica: false,
            state: epoch.map(|epoch| State {
                migration: "shop".to_owned(),
                writer: Side::Source,
                epoch,
                told: Told::Open,
            }),
            fence: Fence::Open,
            captured: None,
            unfenced: Vec::new(),
            old_transactions: Vec::new(),
            clients: Vec::new(),
            exceptions: None,
        }
    }

    fn both(source: Option<u64>, target: Option<u64>) -> Both<Control> {
        Both {
            source: control(source),
            target: control(target),
        }
    }

    #[test]
    fn it_is_made_where_it_is_missing_and_the_target_is_closed_first() {
        let forth = |source, target| ready(&both(source, target), "shop", None);

        assert_eq!(
            forth(None, None),
            Ok(Ready::Forth(vec![Side::Target, Side::Source]))
        );
        assert_eq!(forth(Some(0), None), Ok(Ready::Forth(vec![Side::Target])));
        assert_eq!(forth(Some(0), Some(0)), Ok(Ready::Forth(Vec::new())));
    }

    #[test]
    fn a_table_that_was_added_later_gets_its_fence() {
        let mut seen = both(Some(0), Some(0));
        seen.target.unfenced.push(TableName {
            schema: "public".to_owned(),
            name: "refunds".to_owned(),
        });

        assert_eq!(
            ready(&seen, "shop", None),
            Ok(Ready::Forth(vec![Side::Target]))
        );
    }

    #[test]
    fn nothing_flows_to_the_target_any_more_once_it_writes() {
        let mut seen = both(Some(1), Some(1));
        for side in Side::BOTH {
            let state = seen.get_mut(side).state.as_mut();
            state.expect("it is there").writer = Side::Target;
        }

        assert_eq!(ready(&seen, "shop", None), Ok(Ready::Drained));
        // Also where the source has not been told yet, or what was ours on the target is gone.
        seen.source.state.as_mut().expect("it is there").epoch = 0;
        assert_eq!(ready(&seen, "shop", None), Ok(Ready::Drained));
    }

    #[test]
    fn after_a_rollback_only_a_task_that_begins_there_may_run() {
        let mut seen = both(Some(2), Some(2));
        let task = |start: &str| TaskSeen {
            cdc_start: Some(start.to_owned()),
            ..TaskSeen::default()
        };
        let unnoted = ready(&seen, "shop", Some(&task("0/7"))).expect_err("it is refused");
        assert!(unnoted.contains("begin with a load"), "{unnoted}");

        seen.source.captured = Some(Captured {
            name: "cutover_shop_2".to_owned(),
            position: LogPosition::Slot {
                name: "cutover_shop_2".to_owned(),
                lsn: "0/7".to_owned(),
            },
        });
        assert_eq!(
            ready(&seen, "shop", Some(&task("0/7"))),
            Ok(Ready::Forth(Vec::new()))
        );
        let other = ready(&seen, "shop", Some(&task("0/5"))).expect_err("it is refused");
        assert!(other.contains("begins at `0/7`, not at `0/5`"), "{other}");
    }

    #[test]
    fn the_schema_of_another_migration_is_left_alone() {
        let refused = ready(&both(Some(0), None), "other", None).expect_err("it is refused");

        assert!(
            refused.contains("belongs to the migration `shop`"),
            "{refused}"
        );
    }
}
