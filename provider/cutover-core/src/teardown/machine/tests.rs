//! A migration that is finalized, chore by chore.

use std::time::Duration;

use super::*;
use crate::FailureClass;
use crate::validation::catalog::Engine;
use crate::validation::facts::DbFailureClass;
use crate::writer_switch::control::{Captured, Fence, LogPosition, State, Told};

const FORTH: &str = "arn:forth";
const BACK: &str = "arn:back";

/// What the machine meets: tasks with their status, and what was done.
struct World {
    statuses: Vec<(&'static str, Option<&'static str>)>,
    seen: Both<Control>,
    done: Vec<String>,
    /// After how many reads a task that was stopped stands still, or a removed one is gone.
    slow: u32,
    reads: u32,
    /// What the next command comes to in place of its effect.
    fault: Option<Fact>,
}

fn control(writer: Side, epoch: u64, fence: Fence) -> Control {
    Control {
        engine: Engine::Postgres,
        identity: String::new(),
        is_replica: false,
        state: Some(State {
            migration: "shop".to_owned(),
            writer,
            epoch,
            told: Told::Open,
        }),
        fence,
        captured: None,
        unfenced: Vec::new(),
        old_transactions: Vec::new(),
        clients: Vec::new(),
        exceptions: None,
    }
}

fn world() -> World {
    let mut seen = Both {
        source: control(Side::Target, 1, Fence::Closed),
        target: control(Side::Target, 1, Fence::Open),
    };
    seen.target.captured = Some(Captured {
        name: "shop_1".to_owned(),
        position: LogPosition::Slot {
            name: "shop_1".to_owned(),
            lsn: "0/1".to_owned(),
        },
    });
    World {
        statuses: vec![(FORTH, Some("stopped")), (BACK, Some("running"))],
        seen,
        done: Vec::new(),
        slow: 2,
        reads: 0,
        fault: None,
    }
}

impl World {
    fn status(&mut self, arn: &str) -> &mut Option<&'static str> {
        let found = self.statuses.iter_mut().find(|(of, _)| *of == arn);
        &mut found.expect("a task that the world knows").1
    }

    fn perform(&mut self, command: &Command) -> Fact {
        if let Some(fault) = self.fault.take() {
            return fault;
        }
        match command {
            Command::Look => return Fact::Seen(Box::new(self.seen.clone())),
            Command::ReadTask(arn) => {
                self.reads = self.reads.saturating_add(1);
                let settled = self.reads >= self.slow;
                let status = self.status(arn);
                match *status {
                    Some("stopping") if settled => *status = Some("stopped"),
                    Some("deleting") if settled => *status = None,
                    _ => {}
                }
                let status = *status;
                return Fact::Task(status.map(|status| {
                    Box::new(TaskSeen {
                        arn: arn.clone(),
                        identifier: arn.trim_start_matches("arn:").to_owned(),
                        status: status.to_owned(),
                        ..TaskSeen::default()
                    })
                }));
            }
            Command::StopTask(arn) => {
                self.reads = 0;
                *self.status(arn) = Some("stopping");
                self.done.push(format!("stop {arn}"));
            }
            Command::DeleteTask(arn) => {
                self.reads = 0;
                *self.status(arn) = Some("deleting");
                self.done.push(format!("delete {arn}"));
            }
            Command::Note(side, entry) => {
                self.done.push(format!(
                    "note {} on the {side} at {}",
                    entry.step, entry.epoch
                ));
            }
            Command::Release(side, name) => self.done.push(format!("release {name} of the {side}")),
            Command::DeleteInstance(arn) => self.done.push(format!("delete {arn}")),
            Command::Remove(side) => self.done.push(format!("remove from the {side}")),
        }
        Fact::Done
    }
}

fn spec() -> Spec {
    Spec {
        writer: Some(Side::Target),
        tasks: vec![FORTH.to_owned(), BACK.to_owned()],
        delete_tasks: true,
        release: true,
        instance: Some("arn:instance".to_owned()),
        remove_control: true,
        limit: Duration::from_mins(10),
        poll: Duration::from_secs(5),
    }
}

fn start() -> Timestamp {
    Timestamp::from_unix_millis(0)
}

/// Walks until the end.
fn walk(world: &mut World, spec: Spec) -> (Teardown, Outcome) {
    let mut now = start();
    let mut machine = Teardown::new(spec, "run".to_owned(), now);
    for _ in 0..1_000 {
        match machine.next() {
            Next::Done(outcome) => return (machine, outcome),
            Next::Do(command) => {
                let fact = world.perform(&command);
                machine.record(fact, now).expect("a fact that fits");
            }
            Next::WaitUntil { at, .. } => {
                now = at;
                machine.wake(now).expect("it was waiting");
            }
        }
    }
    panic!("it never ends");
}

#[test]
fn everything_is_stopped_and_removed_in_an_order_in_which_nothing_is_still_needed() {
    let mut world = world();

    let (machine, outcome) = walk(&mut world, spec());

    assert_eq!(outcome, Outcome::Finished);
    assert_eq!(
        world.done,
        [
            "note finalize on the source at 1",
            "note finalize on the target at 1",
            "stop arn:back",
            "delete arn:forth",
            "delete arn:back",
            "release shop_1 of the target",
            "delete arn:instance",
            "note finalized on the target at 1",
            "note finalized on the source at 1",
            "remove from the target",
        ]
    );
    assert_eq!(machine.done().len(), chores(&spec()).len());
}

#[test]
fn nothing_is_touched_while_the_source_writes() {
    let mut world = world();
    world.seen = Both::of(|side| {
        let fence = if side == Side::Source {
            Fence::Open
        } else {
            Fence::Closed
        };
        control(Side::Source, 2, fence)
    });

    let (machine, outcome) = walk(&mut world, spec());

    assert_eq!(
        outcome,
        Outcome::Refused("the writer is the source, not the target".to_owned())
    );
    assert!(machine.is_untouched());
    assert_eq!(world.done, [""; 0]);
}

#[test]
fn nothing_is_touched_while_the_former_writer_takes_writes_too() {
    let mut world = world();
    world.seen.source.fence = Fence::Expired;

    let (_, outcome) = walk(&mut world, spec());

    assert!(
        matches!(&outcome, Outcome::Refused(reason) if reason.contains("the source takes writes as well")),
        "{outcome:?}"
    );
    assert_eq!(world.done, [""; 0]);
}

#[test]
fn a_second_run_finds_everything_gone_and_does_nothing() {
    let mut world = world();
    world.seen.target.state = None;
    world.seen.target.captured = None;
    world.statuses = vec![(FORTH, None), (BACK, None)];

    let (_, outcome) = walk(&mut world, spec());

    assert_eq!(outcome, Outcome::Finished);
    assert_eq!(
        world.done,
        [
            "note finalize on the source at 1",
            "delete arn:instance",
            "note finalized on the source at 1"
        ]
    );
}

#[test]
fn a_task_that_does_not_stop_in_time_is_named() {
    let mut world = world();
    world.slow = u32::MAX;

    let (machine, outcome) = walk(&mut world, spec());

    assert_eq!(
        outcome,
        Outcome::Late("the task `back` is `stopping`".to_owned())
    );
    assert!(!machine.is_untouched());
}

#[test]
fn what_passes_is_tried_again_and_what_does_not_ends_it() {
    let failure = |class| Failure {
        class,
        action: "dms:StopReplicationTask",
        message: "no".to_owned(),
    };
    for class in [FailureClass::Throttled, FailureClass::Unknown] {
        let mut world = world();
        world.seen.target.captured = None;
        world.fault = None;
        let mut spec = spec();
        spec.writer = None;
        world.fault = Some(Fact::Refused(failure(class)));

        let (_, outcome) = walk(&mut world, spec);

        assert_eq!(outcome, Outcome::Finished, "{class:?}");
    }
    let mut world = world();
    let denied = failure(FailureClass::Denied);
    world.fault = Some(Fact::Refused(denied.clone()));

    let (_, outcome) = walk(
        &mut world,
        Spec {
            writer: None,
            ..spec()
        },
    );

    assert_eq!(outcome, Outcome::Failed(denied));
}

#[test]
fn another_run_and_a_database_that_cannot_be_asked_end_it_before_anything_is_touched() {
    let mut world = world();
    world.fault = Some(Fact::Held {
        side: Side::Target,
        by: "process 7".to_owned(),
    });
    let (machine, outcome) = walk(&mut world, spec());
    assert!(machine.is_untouched());
    assert_eq!(
        outcome,
        Outcome::NotHolder {
            side: Side::Target,
            by: "process 7".to_owned()
        }
    );

    let lost = DbFailure {
        class: DbFailureClass::Lost,
        doing: "looking".to_owned(),
        code: None,
        message: "the session is gone".to_owned(),
    };
    world.fault = Some(Fact::Failed(Side::Source, lost.clone()));
    let (_, outcome) = walk(&mut world, spec());
    assert_eq!(outcome, Outcome::Impossible(Side::Source, lost));
}

#[test]
fn a_task_is_only_stopped_when_nothing_else_is_asked_for() {
    let mut world = world();
    let spec = Spec {
        writer: None,
        tasks: vec![BACK.to_owned()],
        delete_tasks: false,
        release: false,
        instance: None,
        remove_control: false,
        ..spec()
    };

    let (_, outcome) = walk(&mut world, spec);

    assert_eq!(outcome, Outcome::Finished);
    assert_eq!(world.done, ["stop arn:back"]);
}
