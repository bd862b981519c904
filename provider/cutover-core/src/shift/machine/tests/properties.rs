//! Whatever a shift is told, as long as it is an answer to what it asked.

use std::time::Duration;

use proptest::prelude::*;

use super::super::super::facts::{
    Act, ChangeState, Command, Control, EntryGate, EntryState, Fact, JournalRead, Live,
};
use super::super::super::gates::{Gate, Part, Point, Reading, Readings, SeriesId, Side};
use super::super::super::spec::Interrupt;
use super::super::{Order, Orders};
use super::world::{START, a_shift, a_short_spec, gates};
use crate::machine::{Machine, Next};
use crate::weights::{WeightPair, share_answered};
use crate::{Failure, FailureClass, Timestamp};

/// The router as the answers make it; everything else is dice.
struct Dice {
    bytes: Vec<u8>,
    at: usize,
    old: Option<u16>,
    new: Option<u16>,
    journal: JournalRead,
}

impl Dice {
    fn roll(&mut self, sides: u8) -> u8 {
        let byte = self
            .bytes
            .get(self.at % self.bytes.len().max(1))
            .copied()
            .unwrap_or(0);
        // The same bytes mean something else on each round.
        let turned =
            byte.wrapping_add(u8::try_from(self.at / self.bytes.len().max(1) % 251).unwrap());
        self.at += 1;
        turned % sides
    }

    fn live(&mut self) -> Live {
        if self.roll(250) == 0 {
            self.new = Some(u16::from(self.roll(100)));
        }
        let (old, new, journal) = (self.old, self.new, self.journal.clone());
        Live {
            old,
            new,
            even: self.roll(200) != 0,
            intact: self.roll(200) != 0,
            ttl_seconds: Some(60),
            journal,
            sets: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn failed(&mut self) -> Fact {
        let class = match self.roll(4) {
            0 => FailureClass::Throttled,
            1 => FailureClass::Refused,
            2 => FailureClass::Unavailable,
            _ => FailureClass::Unknown,
        };
        Fact::Failed(Failure {
            class,
            action: "test:Call",
            message: "dice".to_owned(),
        })
    }

    fn answer(&mut self, command: &Command, now: Timestamp) -> Fact {
        if self.roll(12) == 0 {
            return self.failed();
        }
        match command {
            Command::FetchLive => Fact::Live(self.live()),
            Command::FetchReadiness { .. } => Fact::Ready {
                problems: Vec::new(),
                old_is_warm: self.roll(20) != 0,
            },
            Command::FetchEntryGates { .. } => {
                let state = if self.roll(3) == 0 {
                    EntryState::Closed("no".to_owned())
                } else {
                    EntryState::Open
                };
                Fact::EntryGates(vec![EntryGate {
                    name: "dmsTask".to_owned(),
                    state,
                }])
            }
            Command::Apply(_) if self.roll(20) == 0 => Fact::Conflict,
            Command::Apply(change)
                if !matches!(change.act, Act::Return(_)) && self.roll(10) == 0 =>
            {
                Fact::Queued
            }
            Command::Apply(change) => {
                if let Act::Move(pair) | Act::Return(pair) = change.act {
                    (self.old, self.new) = (Some(pair.old().get()), Some(pair.new_side().get()));
                }
                self.journal = JournalRead::Entry(change.entry.clone());
                Fact::Accepted {
                    id: "C1".to_owned(),
                }
            }
            Command::FetchChange { .. } => Fact::Change(match self.roll(4) {
                0 => ChangeState::Pending,
                1 => ChangeState::Unknown,
                _ => ChangeState::Insync,
            }),
            Command::SampleAnswers { .. } => Fact::Sampled(self.roll(2) == 0),
            Command::Measure { until, .. } => Fact::Measured(self.measure(*until)),
            Command::FetchSplit { .. } => {
                let (old, new) = (
                    f64::from(self.old.unwrap_or(0)),
                    f64::from(self.new.unwrap_or(0)),
                );
                if self.roll(10) == 0 {
                    Fact::Split { old: new, new: old }
                } else {
                    Fact::Split { old, new }
                }
            }
            Command::FetchControl => Fact::Control(match self.roll(250) {
                0 if self.roll(6) == 0 => Control::Rollback("dice".to_owned()),
                1 => Control::Hold("dice".to_owned()),
                2 => Control::Garbage("dice".to_owned()),
                _ => Control::Run,
            }),
            Command::CloseNew => Fact::NewClosed,
            Command::FetchReverseLag => Fact::ReverseLag {
                lag: now
                    .since(START)
                    .min(Duration::from_secs(u64::from(self.roll(3)))),
                rows: None,
            },
        }
    }

    /// Ten minutes before now; one reading in two hundred is bad.
    fn measure(&mut self, until: Timestamp) -> Readings {
        let bad = if self.roll(200) == 0 {
            900.0
        } else {
            f64::from(self.roll(20))
        };
        let mut readings = Readings::default();
        let last = until.unix_millis().div_euclid(60_000);
        for gate in gates() {
            let gate: Gate = gate;
            for side in [Side::Old, Side::New] {
                for part in gate.parts() {
                    let value = if *part == Part::Bad { bad } else { 1_000.0 };
                    let points = (last - 30..last).map(|minute| Point {
                        start: Timestamp::from_unix_millis(minute * 60_000),
                        value,
                    });
                    let id = SeriesId {
                        gate: gate.name.clone(),
                        side,
                        part: *part,
                    };
                    let reading = if self.roll(40) == 0 {
                        Reading::Failed("dice".to_owned())
                    } else {
                        Reading::Points(points.collect())
                    };
                    readings.series.insert(id, reading);
                }
            }
        }
        readings
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Invariants (a), (b) and (c), and that neither panics nor illegal facts come up.
    #[test]
    fn whatever_it_is_told_the_share_follows_the_plan_and_never_rises_after_going_back(
        bytes in prop::collection::vec(any::<u8>(), 50..400), hold: bool, commit: bool, stop_at in 0_u32..3_000,
    ) {
        let mut spec = a_short_spec();
        spec.steps[1].entry_gates = vec!["dmsTask".to_owned()];
        spec.policy.control_poll = Some(Duration::from_secs(10));
        spec.policy.commit_after = commit.then_some(0);
        spec.policy.interrupt = Some(if hold { Interrupt::Hold } else { Interrupt::Rollback });
        let planned: Vec<WeightPair> = spec.steps.iter().map(|step| step.pair).collect();
        let mut dice = Dice { bytes, at: 0, old: Some(100), new: Some(0), journal: JournalRead::Absent };
        let mut shift = a_shift(spec, Orders::default(), "run-1", START);
        let (mut now, mut entered, mut is_back, mut before) = (START, 0, false, None);
        for moves in 0..3_000_u32 {
            if moves == stop_at {
                shift.stop(now);
            }
            match dice.roll(250) {
                0 => shift.order(Order::Hold("dice".to_owned()), now),
                1 => shift.order(Order::Resume, now),
                2 if dice.roll(8) == 0 => shift.order(Order::Rollback("dice".to_owned()), now),
                _ => {}
            }
            let next = shift.next();
            prop_assert_eq!(&next, &shift.next(), "asking twice gives the same answer");
            match next {
                Next::Done(_) => break,
                Next::WaitUntil { at, .. } => {
                    prop_assert!(at >= now || moves > 0);
                    now = now.max(at);
                    shift.wake(now).unwrap();
                }
                Next::Do(command) => {
                    let is_doubt = matches!(before, Some(FailureClass::Unknown));
                    if let Command::Apply(change) = &command {
                        match change.act {
                            Act::Move(pair) => {
                                prop_assert!(!is_back, "no share rises after going back");
                                prop_assert!(!is_doubt, "after an unknown answer comes a look");
                                let place = planned.iter().position(|planned| *planned == pair).unwrap();
                                prop_assert!(place == entered || place + 1 == entered, "steps are entered in order");
                                entered = place + 1;
                            }
                            Act::Return(pair) => {
                                is_back = true;
                                prop_assert_eq!(share_answered(pair.old().get(), pair.new_side().get()).basis_points(), 0);
                            }
                            Act::Prepare { .. } | Act::Renew | Act::Finish { .. } => {}
                        }
                    }
                    let fact = dice.answer(&command, now);
                    before = match (&command, &fact) {
                        (Command::Apply(_), Fact::Failed(failure)) => Some(failure.class),
                        _ => None,
                    };
                    shift.record(fact, now).unwrap();
                }
            }
        }
    }
}
