//! From arguments to a wish, and to everything that is wrong with them.

mod around;
mod conditions;
mod gates;
mod reader;
mod router;

use std::time::Duration;

use cutover_core::shift::check::{Checked, check, check_orders};
use cutover_core::shift::compare::{Comparison, Measured};
use cutover_core::shift::gates::{Gate, GateKind, Side};
use cutover_core::shift::machine::{Desired, Orders};
use cutover_core::shift::problem::{Level, Problem as CoreProblem};
use cutover_core::shift::sources::Sources;
use cutover_core::shift::spec::{
    DriftPolicy, HEARTBEAT_OF_TABLE, Interrupt, Mode, Policy, Spec, StepWish, Wish,
};
use cutover_driver::{Guard, Notify};
use pulumi_host::Problem;
use pulumi_value::PropertyPath;

use super::args::{
    DesiredShift, DriftResponse, OnInterrupt, ShiftComparison, ShiftGate, ShiftGuard, ShiftLock,
    ShiftMode, WeightedShiftArgs,
};
use gates::{severity, tells_apart};
use reader::{Least, Reader, path_of};

/// Stands in for an unreadable length of a bake: so long that it leads to no further problems.
const BAKE_STAND_IN: Duration = Duration::from_hours(24);

/// What the arguments of a shift come to.
#[derive(Debug)]
pub(super) struct Asked {
    /// What can be carried out; `None` when it is refused.
    pub(super) spec: Option<Spec>,
    /// Where everything besides the router is read.
    pub(super) sources: Sources,
    /// What the guard follows: an alarm, and its region.
    pub(super) guard: Option<Guard>,
    /// Who is told.
    pub(super) notify: Notify,
    /// Everything that refuses it, in the order of the inputs.
    pub(super) problems: Vec<Problem>,
    /// Everything that does not.
    pub(super) warnings: Vec<CoreProblem>,
    /// Whether all inputs are known; what is not is stood in for.
    pub(super) whole: bool,
}

/// Reads the arguments of a shift under a name.
pub(super) fn ask(args: &WeightedShiftArgs, id: &str) -> Asked {
    let mut reader = Reader::new();
    let mut sources = Sources::default();
    let wish = reader.wish(args, id, &mut sources);
    let guard = args.guard.as_ref().map(|guard| {
        let ShiftGuard::HealthCheck(check) = guard;
        Guard {
            alarm: reader.text(&check.alarm_name, "unknown"),
            region: check.alarm_region.clone(),
        }
    });
    let notify = reader.notify(args);
    let Checked { spec, mut problems } = check(&wish);
    problems.extend(check_orders(&wish.policy, &orders(args)));
    let (refusing, warnings): (Vec<_>, Vec<_>) = problems
        .into_iter()
        .partition(|problem| problem.level == Level::Error);
    for problem in refusing {
        let path = in_terms_of(args, path_of(&problem.path));
        reader.problem(problem.code.0, path, &problem.message);
    }
    let Reader { problems, whole } = reader;
    Asked {
        spec: spec.filter(|_| problems.is_empty()),
        sources,
        guard,
        notify,
        problems,
        warnings,
        whole,
    }
}

/// What people wish at the moment.
pub(super) fn orders(args: &WeightedShiftArgs) -> Orders {
    let index = |step: u32| usize::try_from(step.saturating_sub(1)).ok();
    Orders {
        desired: match args.desired {
            DesiredShift::Shift => Desired::Shift,
            DesiredShift::Hold => Desired::Hold,
            DesiredShift::Old => Desired::Old,
            DesiredShift::New => Desired::New,
        },
        approved_through: args.approved_through.and_then(index),
        attempt: args.attempt,
        adopted: None,
    }
}

/// The limit of a gate is one property here and two there.
fn in_terms_of(args: &WeightedShiftArgs, path: PropertyPath) -> PropertyPath {
    let text = path.to_string();
    let Some(gate) = text.strip_suffix(".threshold") else {
        return path;
    };
    let is_min = |gates: Option<&pulumi_value::Output<Vec<ShiftGate>>>, at: &PropertyPath| {
        let gates = gates.and_then(|gates| gates.get());
        gates
            .into_iter()
            .flatten()
            .enumerate()
            .any(|(index, of)| at.index(index).to_string() == gate && of.min.is_some())
    };
    let root = PropertyPath::root();
    let steps = args.steps.iter().enumerate();
    let of_step = steps.map(|(index, step)| {
        (
            step.gates.as_ref(),
            root.key("steps").index(index).key("gates"),
        )
    });
    let all = std::iter::once((args.gates.as_ref(), root.key("gates"))).chain(of_step);
    let key = if all.into_iter().any(|(gates, at)| is_min(gates, &at)) {
        "min"
    } else {
        "max"
    };
    let segments = path.segments();
    let parent = segments.split_last().map_or(segments, |(_, rest)| rest);
    PropertyPath::from(parent.to_vec()).key(key)
}

impl Reader {
    fn wish(&mut self, args: &WeightedShiftArgs, id: &str, sources: &mut Sources) -> Wish {
        let root = PropertyPath::root();
        let router = self.router(&args.router);
        let gates = self.gates(&root.key("gates"), args.gates.as_ref(), sources);
        let common = self.entry_gates(&root.key("entryGates"), args.entry_gates.as_ref(), sources);
        let mut steps = Vec::new();
        for (index, step) in args.steps.iter().enumerate() {
            let path = root.key("steps").index(index);
            let bake = step
                .bake
                .as_ref()
                .map(|bake| self.duration(&path.key("bake"), bake, Least::Second, BAKE_STAND_IN));
            let own = self.entry_gates(&path.key("entryGates"), step.entry_gates.as_ref(), sources);
            let gates = step
                .gates
                .as_ref()
                .map(|gates| self.gates(&path.key("gates"), Some(gates), sources));
            let mut entry_gates = common.clone();
            entry_gates.extend(own.into_iter().filter(|name| !common.contains(name)));
            steps.push(StepWish {
                share: step.share,
                bake,
                pause: step.pause,
                name: step.name.clone(),
                entry_gates,
                gates,
            });
        }
        let compare = self.comparisons(args, &gates);
        let soak = self.duration(&root.key("soak"), &args.soak, Least::Nothing, BAKE_STAND_IN);
        let policy = self.policy(args, sources);
        Wish {
            id: id.to_owned(),
            router,
            steps,
            soak,
            gates,
            compare,
            policy,
        }
    }

    fn comparisons(&mut self, args: &WeightedShiftArgs, gates: &[Gate]) -> Vec<Comparison> {
        let declared = args.gates.as_ref();
        let Some(declared) =
            declared.map_or(Some([].as_slice()), |gates| gates.get().map(Vec::as_slice))
        else {
            // They are read once the gates are known.
            return Vec::new();
        };
        let mut comparisons = Vec::new();
        for (index, wish) in args.compare.iter().flatten().enumerate() {
            let path = PropertyPath::root().key("compare").index(index);
            let gate = declared
                .iter()
                .zip(gates)
                .find(|(gate, _)| gate.name == wish.gate);
            let Some((gate, made)) = gate else {
                let reason = format!("there is no gate `{}` in `gates`", wish.gate);
                self.problem(112, path.key("gate"), reason);
                continue;
            };
            if !(tells_apart(gate, Side::Old) && tells_apart(gate, Side::New)) {
                let reason = format!(
                    "the metrics of gate `{}` need `oldDimensions` and `newDimensions`",
                    wish.gate
                );
                self.problem(112, path.key("gate"), reason);
                continue;
            }
            comparisons.extend(self.comparison(&path, wish, made));
        }
        comparisons
    }

    fn comparison(
        &mut self,
        path: &PropertyPath,
        wish: &ShiftComparison,
        gate: &Gate,
    ) -> Option<Comparison> {
        let (made, surplus) = match gate.kind {
            GateKind::Ratio | GateKind::Remainder => {
                let mut made = Comparison::of_rates(&wish.gate);
                if let Some(margin) = wish.margin {
                    made.measured = Measured::Rate { margin };
                }
                (made, ("factor", wish.factor.is_some()))
            }
            GateKind::Value => {
                let mut made = Comparison::of_latency(&wish.gate);
                if let Some(factor) = wish.factor {
                    made.measured = Measured::Latency { factor };
                }
                (made, ("margin", wish.margin.is_some()))
            }
            GateKind::Count | GateKind::Alarm => {
                let reason = "neither a rate nor a value, so that it cannot be compared";
                self.problem(112, path.key("gate"), reason);
                return None;
            }
        };
        if let (key, true) = surplus {
            let reason = format!("says nothing about gate `{}`", wish.gate);
            self.problem(112, path.key(key), reason);
        }
        Some(Comparison {
            severity: severity(wish.severity),
            ..made
        })
    }

    fn policy(&mut self, args: &WeightedShiftArgs, sources: &mut Sources) -> Policy {
        let root = PropertyPath::root();
        let default = Policy::new();
        let mut time = |key: &str, text: &str, least, stand_in| {
            self.duration(&root.key(key), text, least, stand_in)
        };
        let insync_timeout = time(
            "insyncTimeout",
            &args.insync_timeout,
            Least::Second,
            default.insync_timeout,
        );
        let gate_timeout = time(
            "gateTimeout",
            &args.gate_timeout,
            Least::Nothing,
            default.gate_timeout,
        );
        let usual = if args.lock.is_some() {
            HEARTBEAT_OF_TABLE
        } else {
            default.heartbeat
        };
        let heartbeat = args
            .heartbeat
            .as_ref()
            .map_or(usual, |text| time("heartbeat", text, Least::Second, usual));
        let extend_max = args
            .max_extend
            .as_ref()
            .map(|text| time("maxExtend", text, Least::Nothing, Duration::ZERO));
        let client_lag = args.settle.as_ref().map_or(default.client_lag, |settle| {
            let path = root.key("settle").key("clientLag");
            self.duration(
                &path,
                &settle.client_lag,
                Least::Nothing,
                default.client_lag,
            )
        });
        let control = args.control.as_ref().map(|control| {
            let path = root.key("control").key("poll");
            let poll = self.duration(&path, &control.poll, Least::Second, Duration::from_secs(10));
            (poll, self.text(&control.ssm_parameter, "/unknown"))
        });
        let lock_table = args.lock.as_ref().map(|lock| {
            let ShiftLock::Dynamodb(lock) = lock;
            self.text(&lock.table_name, "unknown")
        });
        self.requests_of_sides(args, sources);
        self.targets(args, sources);
        let rollback = self.rollback(args.rollback.as_ref(), default.rollback.clone(), sources);
        Policy {
            mode: match args.mode {
                ShiftMode::Auto => Mode::Auto,
                ShiftMode::Staged => Mode::Staged,
            },
            client_lag,
            split_points: args.settle.as_ref().and_then(|settle| settle.tolerance),
            observes_split: !sources.requests.is_empty(),
            insync_timeout,
            gate_timeout,
            extend_max,
            rollback,
            commit_after: self.commit_after(args),
            interrupt: args.interrupt.map(|interrupt| match interrupt {
                OnInterrupt::Rollback => Interrupt::Rollback,
                OnInterrupt::Hold => Interrupt::Hold,
            }),
            guarded: args.guard.is_some(),
            control_poll: control.as_ref().map(|(poll, _)| *poll),
            control_parameter: control.map(|(_, parameter)| parameter),
            design_effect: args.design_effect,
            heartbeat,
            allow_others: args.allow_others,
            capacity: args.capacity,
            drift: match args.drift_policy {
                DriftResponse::Pause => DriftPolicy::Pause,
                DriftResponse::Revert => DriftPolicy::Revert,
            },
            allow_skip: args.allow_skip,
            strict_after_rollback: args.strict_after_rollback,
            lock_table,
        }
    }

    fn commit_after(&mut self, args: &WeightedShiftArgs) -> Option<usize> {
        let index = usize::try_from(args.commit_after?.checked_sub(1)?).ok()?;
        if index >= args.steps.len() {
            let reason = format!("there are {} steps", args.steps.len());
            self.problem(111, PropertyPath::root().key("commitAfter"), reason);
        }
        Some(index)
    }
}
