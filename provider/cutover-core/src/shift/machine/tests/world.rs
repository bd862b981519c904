//! A router, metrics and people, over plain values and a clock that jumps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::super::facts::{
    Act, Change, ChangeState, Command, Control, EntryGate, EntryState, Fact, JournalRead, Live,
};
use super::super::super::gates::{
    AlarmReading, Gate, GateKind, Limit, Part, Point, Reading, Readings, SeriesId, Side,
};
use super::super::super::given::{a_spec, with_steps};
use super::super::super::journal::{Entry, RunId};
use super::super::super::problem::{Code, Level, Path, Problem};
use super::super::super::spec::{RouterWish, Spec};
use super::super::{Desired, Orders, Outcome, Shift};
use crate::machine::{Machine, Next};
use crate::weights::{WeightPair, share_answered};
use crate::{Failure, FailureClass, Timestamp};

/// When every story begins: a whole minute.
pub(super) const START: Timestamp = Timestamp::from_unix_millis(1_700_000_040_000);

/// How many moves a story may take before it counts as one that never settles.
const MOVES_MAX: u32 = 40_000;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Throttled,
    Refused,
    Unavailable,
    /// The answer is lost, and nothing was done.
    LostBefore,
    /// The answer is lost, and everything was done.
    LostAfter,
}

impl Fault {
    pub(super) const ALL: [Self; 5] = [
        Self::Throttled,
        Self::Refused,
        Self::Unavailable,
        Self::LostBefore,
        Self::LostAfter,
    ];
}

/// From when until when, in minutes after the start; what applies then.
pub(super) type During<T> = Vec<(u64, u64, T)>;

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) old: Option<u16>,
    pub(super) new: Option<u16>,
    pub(super) ttl_seconds: Option<u32>,
    pub(super) journal: JournalRead,
    /// When, and the weights from then on.
    pub(super) weights: Vec<(Timestamp, u16, u16)>,
    /// When each change was accepted.
    pub(super) changes: Vec<Timestamp>,
    pub(super) insync_after: Duration,
    /// Percent of failures on new and on old.
    pub(super) failures: During<(f64, f64)>,
    /// Nothing can be measured.
    pub(super) blind: During<()>,
    /// Nothing is measured, without an error.
    pub(super) silent: During<()>,
    pub(super) control: During<Control>,
    /// Conditions that are closed; they are open otherwise.
    pub(super) closed: During<()>,
    pub(super) old_is_cold: bool,
    /// Something must be mended before a step is entered.
    pub(super) problems: During<u16>,
    /// One gate cannot be read.
    pub(super) blind_gate: During<&'static str>,
    /// Resolvers keep former answers for so long after INSYNC.
    pub(super) sticky: Duration,
    /// Requests do not reach new, whatever is answered.
    pub(super) new_unreachable: bool,
    /// Rows that new is ahead by, as time; shrinks as time passes.
    pub(super) reverse_lag: Duration,
    /// Which calls of a kind go wrong.
    pub(super) faults: BTreeMap<(&'static str, usize), Fault>,
    /// Changes of which only the journal is written, and the answer is lost.
    pub(super) half: BTreeSet<(&'static str, usize)>,
    /// Changes of others come first for as long: who asks waits half a minute for nothing.
    pub(super) queued: During<()>,
    /// Calls of a kind go wrong all the time.
    pub(super) outages: During<(&'static str, Fault)>,
    pub(super) calls: BTreeMap<&'static str, usize>,
    pub(super) performed: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: START,
            old: Some(100),
            new: Some(0),
            ttl_seconds: Some(60),
            journal: JournalRead::Absent,
            weights: vec![(START, 100, 0)],
            changes: Vec::new(),
            insync_after: Duration::from_mins(1),
            failures: Vec::new(),
            blind: Vec::new(),
            silent: Vec::new(),
            control: Vec::new(),
            closed: Vec::new(),
            old_is_cold: false,
            problems: Vec::new(),
            blind_gate: Vec::new(),
            sticky: Duration::ZERO,
            new_unreachable: false,
            reverse_lag: Duration::ZERO,
            faults: BTreeMap::new(),
            half: BTreeSet::new(),
            queued: Vec::new(),
            outages: Vec::new(),
            calls: BTreeMap::new(),
            performed: 0,
        }
    }

    pub(super) fn minute(&self) -> u64 {
        self.now.since(START).as_secs() / 60
    }

    fn during<T: Clone>(&self, list: &During<T>) -> Option<T> {
        at_minute(self.minute(), list)
    }

    pub(super) fn live(&self) -> Live {
        let (old, new, ttl_seconds) = (self.old, self.new, self.ttl_seconds);
        Live {
            old,
            new,
            even: true,
            intact: true,
            ttl_seconds,
            journal: self.journal.clone(),
            sets: Vec::new(),
            groups: Vec::new(),
        }
    }

    pub(super) fn shares(&self) -> Vec<String> {
        self.weights
            .iter()
            .map(|(_, old, new)| format!("{old}/{new}"))
            .collect()
    }

    /// Sets weights as somebody else would.
    pub(super) fn set(&mut self, old: u16, new: u16) {
        (self.old, self.new) = (Some(old), Some(new));
        self.weights.push((self.now, old, new));
    }

    pub(super) fn kind(command: &Command) -> &'static str {
        match command {
            Command::FetchLive => "live",
            Command::FetchReadiness { .. } => "ready",
            Command::FetchEntryGates { .. } => "gates",
            Command::Apply(change) => match change.act {
                Act::Prepare { .. } => "prepare",
                Act::Move(_) => "move",
                Act::Renew => "renew",
                Act::Return(_) => "return",
                Act::Finish { .. } => "finish",
            },
            Command::FetchChange { .. } => "change",
            Command::SampleAnswers { .. } => "sample",
            Command::Measure { .. } => "measure",
            Command::FetchSplit { .. } => "split",
            Command::FetchControl => "control",
            Command::CloseNew => "close",
            Command::FetchReverseLag => "lag",
        }
    }

    pub(super) fn perform(&mut self, command: &Command) -> Fact {
        let kind = Self::kind(command);
        let count = self.calls.entry(kind).or_default();
        *count += 1;
        let nth = *count;
        self.performed += 1;
        let outage = self
            .during(&self.outages)
            .filter(|(of, _)| *of == kind)
            .map(|(_, fault)| fault);
        let fault = self.faults.get(&(kind, nth)).copied().or(outage);
        let failed = |class| {
            Fact::Failed(Failure {
                class,
                action: "test:Call",
                message: format!("{kind} {nth}"),
            })
        };
        if let Command::Apply(change) = command
            && self.half.contains(&(kind, nth))
        {
            self.journal = JournalRead::Entry(change.entry.clone());
            return failed(FailureClass::Unknown);
        }
        if self.during(&self.queued).is_some() && ["prepare", "move", "finish"].contains(&kind) {
            self.now = self.now.after(Duration::from_secs(30));
            return Fact::Queued;
        }
        match fault {
            None => self.answer(command),
            Some(Fault::Throttled) => failed(FailureClass::Throttled),
            Some(Fault::Refused) => failed(FailureClass::Refused),
            Some(Fault::Unavailable) => failed(FailureClass::Unavailable),
            Some(Fault::LostBefore) => failed(FailureClass::Unknown),
            Some(Fault::LostAfter) => {
                self.answer(command);
                failed(FailureClass::Unknown)
            }
        }
    }

    fn answer(&mut self, command: &Command) -> Fact {
        match command {
            Command::FetchLive => Fact::Live(self.live()),
            Command::FetchReadiness { .. } => {
                let problem = |code| Problem {
                    code: Code(code),
                    level: Level::Error,
                    path: Path::new("router"),
                    message: "mend it".to_owned(),
                };
                let problems = self
                    .during(&self.problems)
                    .map(problem)
                    .into_iter()
                    .collect();
                Fact::Ready {
                    problems,
                    old_is_warm: !self.old_is_cold,
                }
            }
            Command::FetchEntryGates { .. } => {
                let closed = self.during(&self.closed).is_some();
                let state = if closed {
                    EntryState::Closed("lag 9 s".to_owned())
                } else {
                    EntryState::Open
                };
                Fact::EntryGates(vec![EntryGate {
                    name: "dmsTask".to_owned(),
                    state,
                }])
            }
            Command::Apply(change) => self.apply(change),
            Command::FetchChange { id } => {
                let accepted = id
                    .parse::<usize>()
                    .ok()
                    .and_then(|place| self.changes.get(place));
                Fact::Change(match accepted {
                    None => ChangeState::Unknown,
                    Some(at) if self.now.since(*at) >= self.insync_after => ChangeState::Insync,
                    Some(_) => ChangeState::Pending,
                })
            }
            Command::SampleAnswers { pair } => {
                let is_old = self
                    .changes
                    .last()
                    .is_none_or(|at| self.now.since(*at) >= self.insync_after);
                Fact::Sampled(is_old && self.live().has(*pair))
            }
            Command::Measure { from, until, .. } if self.during(&self.blind).is_none() => {
                Fact::Measured(self.measure(*from, *until))
            }
            Command::Measure { .. } => Fact::Failed(Failure {
                class: FailureClass::Unavailable,
                action: "cloudwatch:GetMetricData",
                message: "500".to_owned(),
            }),
            Command::FetchSplit { .. } => {
                let kept = self.insync_after.saturating_add(self.sticky);
                let is_kept = self
                    .changes
                    .last()
                    .is_some_and(|at| self.now.since(*at) < kept)
                    && !self.sticky.is_zero();
                let before = self.weights.iter().rev().nth(usize::from(is_kept));
                let (old, new) = before.map_or((100, 0), |(_, old, new)| (*old, *new));
                let new = if self.new_unreachable { 0 } else { new };
                Fact::Split {
                    old: f64::from(old) * 1_000.0,
                    new: f64::from(new) * 1_000.0,
                }
            }
            Command::FetchControl => {
                Fact::Control(self.during(&self.control).unwrap_or(Control::Run))
            }
            Command::CloseNew => Fact::NewClosed,
            Command::FetchReverseLag => {
                let lag = self.reverse_lag;
                self.reverse_lag = self.reverse_lag.saturating_sub(Duration::from_secs(20));
                Fact::ReverseLag {
                    lag,
                    rows: Some(lag.as_secs()),
                }
            }
        }
    }

    fn apply(&mut self, change: &Change) -> Fact {
        if change
            .expected
            .as_ref()
            .is_some_and(|expected| *expected != self.live())
        {
            return Fact::Conflict;
        }
        match change.act {
            Act::Prepare { ttl_seconds }
            | Act::Finish {
                ttl_seconds,
                remove_new: false,
            } => {
                self.ttl_seconds = ttl_seconds.or(self.ttl_seconds);
            }
            Act::Finish {
                remove_new: true, ..
            } => self.new = None,
            Act::Renew => {}
            Act::Move(pair) | Act::Return(pair) => {
                self.set(pair.old().get(), pair.new_side().get());
            }
        }
        // What is stored is text.
        self.journal = JournalRead::Entry(Entry::decode(&change.entry.encode()).unwrap());
        self.changes.push(self.now);
        Fact::Accepted {
            id: (self.changes.len() - 1).to_string(),
        }
    }

    /// Every minute has a thousand requests on each side.
    fn measure(&self, from: Timestamp, until: Timestamp) -> Readings {
        let mut readings = Readings::default();
        let first = from.unix_millis().div_euclid(60_000);
        let minutes: Vec<i64> = (first..until.unix_millis().div_euclid(60_000)).collect();
        let blind = self.during(&self.blind_gate);
        for gate in gates() {
            if blind == Some(gate.name.as_str()) {
                continue;
            }
            if gate.kind == GateKind::Alarm {
                readings.alarms.insert(gate.name, AlarmReading::Quiet);
                continue;
            }
            for side in [Side::Old, Side::New] {
                for part in gate.parts() {
                    let points = minutes
                        .iter()
                        .filter_map(|minute| self.point(*minute, side, *part));
                    let id = SeriesId {
                        gate: gate.name.clone(),
                        side,
                        part: *part,
                    };
                    readings
                        .series
                        .insert(id, Reading::Points(points.collect()));
                }
            }
        }
        readings
    }

    fn point(&self, minute: i64, side: Side, part: Part) -> Option<Point> {
        let start = Timestamp::from_unix_millis(minute * 60_000);
        let story_minute = start.since(START).as_secs() / 60;
        at_minute(story_minute, &self.silent).is_none().then(|| {
            let (new, old) = at_minute(story_minute, &self.failures).unwrap_or((0.5, 0.5));
            let percent = if side == Side::New { new } else { old };
            let value = match part {
                Part::Bad => percent * 10.0,
                Part::Total => 1_000.0,
                Part::Value => 0.2,
            };
            Point { start, value }
        })
    }
}

/// What applies in a minute.
fn at_minute<T: Clone>(minute: u64, list: &During<T>) -> Option<T> {
    list.iter()
        .find(|(from, until, _)| (*from..*until).contains(&minute))
        .map(|(_, _, value)| value.clone())
}

/// One gate that reacts at once and one that needs five minutes, on the same series.
pub(super) fn gates() -> Vec<Gate> {
    vec![
        Gate {
            sustained: Duration::from_mins(5),
            with_old: true,
            ..Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05))
        },
        Gate {
            with_old: true,
            ..Gate::new("paymentFailures", GateKind::Ratio, Limit::Max(0.20))
        },
    ]
}

/// Half for ten minutes, then everything for ten.
pub(super) fn a_short_spec() -> Spec {
    let mut spec = with_steps(&[(50.0, Some(10)), (100.0, None)], gates());
    spec.steps[1].bake = Duration::from_mins(10);
    spec
}

/// The short plan, on a listener rule.
pub(super) fn on_a_rule() -> Spec {
    let rule = a_spec(|wish| {
        wish.router = RouterWish::Alb {
            rule_arn: "rule".to_owned(),
            old_arn: "old".to_owned(),
            new_arn: "new".to_owned(),
        };
    });
    Spec {
        router: rule.router,
        ..a_short_spec()
    }
}

pub(super) fn a_shift(spec: Spec, orders: Orders, run: &str, now: Timestamp) -> Shift {
    Shift::new(spec, orders, RunId::new(run), now)
}

/// One move: a command, or a jump in time. `None` when it is over.
pub(super) fn step(shift: &mut Shift, world: &mut World) -> Option<Outcome> {
    match shift.next() {
        Next::Do(command) => {
            let fact = world.perform(&command);
            shift.record(fact, world.now).unwrap();
        }
        Next::WaitUntil { at, .. } => {
            world.now = world.now.max(at);
            shift.wake(world.now).unwrap();
        }
        Next::Done(outcome) => return Some(outcome),
    }
    None
}

/// Moves until something holds, and at most to the end.
pub(super) fn run_until(
    shift: &mut Shift,
    world: &mut World,
    stop: impl Fn(&Shift, &World) -> bool,
) -> Option<Outcome> {
    for _ in 0..MOVES_MAX {
        if stop(shift, world) {
            return None;
        }
        if let Some(outcome) = step(shift, world) {
            check_history(shift, world);
            return Some(outcome);
        }
    }
    panic!("it never settles: {:?}", shift.next());
}

pub(super) fn run(shift: &mut Shift, world: &mut World) -> Outcome {
    run_until(shift, world, |_, _| false).unwrap()
}

/// What must hold of every history: never both weights 0, and shares as planned, in order, then none.
pub(super) fn check_history(shift: &Shift, world: &World) {
    let mut planned: Vec<_> = shift.spec.steps.iter().map(|step| step.pair).collect();
    // What is below a split that was taken over is behind it.
    planned.retain(|pair| {
        shift
            .orders
            .adopted
            .is_none_or(|share| pair.share() >= share)
    });
    planned.reverse();
    let mut is_over = false;
    for (_, old, new) in world.weights.iter().skip(1) {
        assert!((*old, *new) != (0, 0));
        if share_answered(*old, *new).basis_points() == 0 {
            is_over = true;
        } else {
            assert!(
                !is_over,
                "the share rises after everything went back: {:?}",
                world.shares()
            );
            // Who wishes for new at once skips what comes before the last step.
            if shift.orders.desired == Desired::New && planned.len() > 1 {
                let is_it =
                    |pair: &WeightPair| (pair.old().get(), pair.new_side().get()) == (*old, *new);
                if planned.first().is_some_and(is_it) {
                    planned.truncate(1);
                }
            }
            let next = planned
                .pop()
                .unwrap_or_else(|| panic!("more than planned: {:?}", world.shares()));
            assert_eq!(
                (next.old().get(), next.new_side().get()),
                (*old, *new),
                "{:?}",
                world.shares()
            );
        }
    }
}

/// What happened, with minutes and seconds after the start.
pub(super) fn log(shift: &Shift) -> Vec<String> {
    let line = |event: &super::super::Event| {
        let seconds = event.at.since(START).as_secs();
        format!("{:>3}:{:02} {}", seconds / 60, seconds % 60, event.what)
    };
    shift.events().iter().map(line).collect()
}
