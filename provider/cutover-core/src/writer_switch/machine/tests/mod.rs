//! Stories of moves, and everything that can go wrong in one, on a small model of two databases and replication.

mod database;
mod deaths;
mod dms;
mod doubt;
mod faults;
mod forward;
mod stories;
mod world;

use std::time::Duration;

use super::{Outcome, Switch};
use crate::machine::{Machine, Next};
use crate::validation::catalog::{Engine, TableName};
use crate::validation::side::{Both, Side};
use crate::writer_switch::control::{Control, Fence};
use crate::writer_switch::spec::{Back, Drain, Pause, Setting, SettingKind, Spec};

/// A move to the target, with everything that a move can have.
pub(in crate::writer_switch) fn a_spec() -> Spec {
    let tables = ["audit_log", "payments"].map(|name| TableName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    });
    Spec {
        migration: "payments".to_owned(),
        writer: Side::Target,
        tables: Both::of(|_| tables.to_vec()),
        pause: Pause::default(),
        max_lag: Duration::from_secs(10),
        max_transaction_age: Duration::from_secs(10),
        identity_gap: 10_000,
        check: true,
        setting: Some(Setting {
            kind: SettingKind::Parameter,
            name: "/payments/database".to_owned(),
        }),
        drain: Some(Drain {
            arn: "arn:aws:dms:eu-central-1:123456789012:task:FORWARD".to_owned(),
            stop: true,
        }),
        back: Some(Back {
            identifier: "payments-back".to_owned(),
            source_endpoint_arn: "arn:aws:dms:eu-central-1:123456789012:endpoint:NEW".to_owned(),
            target_endpoint_arn: "arn:aws:dms:eu-central-1:123456789012:endpoint:OLD".to_owned(),
            instance_arn: "arn:aws:dms:eu-central-1:123456789012:rep:INSTANCE".to_owned(),
            limit: Duration::from_mins(15),
        }),
    }
}

/// A side without anything of ours.
pub(super) fn a_control(side: Side) -> Control {
    Control {
        engine: Engine::Postgres,
        identity: format!("identity of {side}"),
        is_replica: false,
        state: None,
        fence: Fence::Absent,
        captured: None,
        unfenced: Vec::new(),
        old_transactions: Vec::new(),
        clients: Vec::new(),
        exceptions: Some(0),
    }
}

use world::World;

/// How many moves a run may take: one that takes more does not end.
const MOVES_MAX: usize = 5_000;

/// A world whose sides were made ready by an earlier look, with payments in it.
fn a_world() -> World {
    let mut world = World::new(a_spec());
    for side in Side::BOTH {
        let row = crate::writer_switch::facts::Row {
            writer: Side::Source,
            epoch: 0,
        };
        world.sides.get_mut(side).prepare(side, "payments", row);
    }
    world.pass(Duration::from_secs(1));
    world
}

/// A world in which the writer has changed already.
fn a_switched_world() -> World {
    let mut world = a_world();
    let (outcome, _) = run(&mut world);
    assert_eq!(outcome, Outcome::Switched);
    world
}

/// Runs a move to its end.
fn run(world: &mut World) -> (Outcome, Switch) {
    let (outcome, switch) = run_for(world, usize::MAX);
    (outcome.expect("it comes to its end"), switch)
}

/// Runs a move for so many commands at most.
fn run_for(world: &mut World, commands: usize) -> (Option<Outcome>, Switch) {
    run_with(world, commands, |_, _| ())
}

/// Runs a move; before each command something may happen.
fn run_with(
    world: &mut World,
    commands: usize,
    mut before: impl FnMut(&mut Switch, &mut World),
) -> (Option<Outcome>, Switch) {
    let begin = world.performed.len();
    let run = format!("run {begin} {}", world.now.to_utc());
    let mut switch = Switch::new(world.spec.clone(), run, world.now);
    // The session of a run that is gone is gone with it.
    world.is_lost = true;
    for _ in 0..MOVES_MAX {
        before(&mut switch, world);
        match switch.next() {
            Next::Done(outcome) => return (Some(outcome), switch),
            Next::Do(_) if world.performed.len() - begin >= commands => return (None, switch),
            Next::Do(command) => {
                let fact = world.perform(&command);
                switch.record(fact, world.now).expect("facts belong");
            }
            Next::WaitUntil { at, .. } => {
                world.pass(at.since(world.now));
                switch.wake(world.now).expect("it waits");
            }
        }
        assert_eq!(world.split, None);
    }
    panic!("it does not end: {:?}", switch.standing());
}

/// Checks what must be true in the end, whatever has happened: one side takes writes, and has every payment once. Where
/// replication back runs, the other side comes to have them as well.
fn check_payments(world: &mut World) -> Result<Side, String> {
    let is_open = |side: &Side| world.sides.get(*side).fence(world.now).lets_through();
    let open: Vec<_> = Side::BOTH.into_iter().filter(is_open).collect();
    let [writer] = open[..] else {
        return Err(format!("open are {open:?}"));
    };
    if let Some(split) = world.split.clone() {
        return Err(split);
    }
    has_each_once(world, writer, &world.acknowledged)?;
    let runs = world
        .back
        .as_ref()
        .is_some_and(|back| back.status == "running");
    if runs && writer == world.spec.writer {
        let so_far = world.acknowledged.clone();
        world.pass(world.lag * 2);
        has_each_once(world, writer.other(), &so_far)?;
    }
    Ok(writer)
}

fn has_each_once(
    world: &World,
    side: Side,
    payments: &std::collections::BTreeSet<u64>,
) -> Result<(), String> {
    let rows = &world.sides.get(side).rows;
    if let Some(lost) = payments.iter().find(|payment| !rows.contains_key(payment)) {
        return Err(format!("payment {lost} is lost on the {side}"));
    }
    match rows.iter().find(|(_, count)| **count != 1) {
        Some((payment, count)) => Err(format!("payment {payment} is {count} times on the {side}")),
        None => Ok(()),
    }
}

fn reason_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::CalledOff { reason } | Outcome::Pending { reason, .. } => reason,
        Outcome::Refused(reasons) => reasons.first().expect("a reason is given"),
        Outcome::Conflict(text) => text,
        other => panic!("{other:?} has no reason"),
    }
}
