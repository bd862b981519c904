//! Refuses what cannot be kept, with every problem at once and before anything is written.

mod router;

use std::collections::BTreeSet;
use std::time::Duration;

use super::compare::{Measured, PAIRS_MIN};
use super::gates::{Gate, GateKind, Limit};
use super::locks::is_table_name;
use super::machine::{Desired, Orders};
use super::problem::{Code, Level, Path, Problem};
use super::spec::{DataPolicy, Policy, Router, RouterWish, RowsReturn, Spec, Step, StepWish, Wish};
use crate::weights::{Scale, Share, WeightPair};

/// The parts of a rollback that do not depend on the TTL: accepting, becoming INSYNC, and the tail of clients. Ours,
/// from the stated promise; INSYNC usually takes a minute (Route 53 API, `ChangeResourceRecordSets`).
const ACCEPT: Duration = Duration::from_secs(10);
const INSYNC: Duration = Duration::from_mins(2);
const TAIL: Duration = Duration::from_secs(30);

/// How many periods of the slowest gate a bake holds at least: ours; fewer are an anecdote.
const PERIODS_MIN: u32 = 5;

/// The longest name of a shift: ours, so that its journal fits into one string of a TXT record.
const ID_CHARS_MAX: usize = 48;

/// What came of checking.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What can be carried out; `None` when a problem refuses it.
    pub spec: Option<Spec>,
    /// Everything that is wrong, in the order of the inputs.
    pub problems: Vec<Problem>,
}

/// Checks a wish. All problems are reported together.
pub fn check(wish: &Wish) -> Checked {
    let mut problems = Problems(Vec::new());
    if wish.id.is_empty() || wish.id.len() > ID_CHARS_MAX || !wish.id.bytes().all(is_name_byte) {
        problems.error(
            100,
            &Path::new("id"),
            format!(
                "`{}` is not a name of up to {ID_CHARS_MAX} letters, digits and `-`",
                wish.id
            ),
        );
    }
    let router = problems.router(&wish.router);
    let steps = problems.steps(
        wish,
        if matches!(wish.router, RouterWish::Alb { .. }) {
            Scale::Alb
        } else {
            Scale::Route53
        },
    );
    problems.gates(&Path::new("gates"), &wish.gates);
    problems.comparisons(wish);
    if let Some(router) = &router {
        problems.budget(wish, router);
    }
    problems.policy(wish);
    let refused = problems
        .0
        .iter()
        .any(|problem| problem.level == Level::Error);
    let spec = router.filter(|_| !refused).map(|router| Spec {
        id: wish.id.clone(),
        router,
        steps,
        compare: wish.compare.clone(),
        policy: wish.policy.clone(),
    });
    Checked {
        spec,
        problems: problems.0,
    }
}

/// Refuses a timeout that the plan cannot meet.
pub fn check_timeout(timeout: Duration, needed: Duration) -> Option<Problem> {
    (timeout < needed).then(|| Problem {
        code: Code(140),
        level: Level::Error,
        path: Path::new("customTimeouts"),
        message: format!(
            "what is left of the plan takes at least {}, and the timeout is {}",
            super::render::render_duration(needed),
            super::render::render_duration(timeout)
        ),
    })
}

/// Refuses orders that the policy does not allow.
pub fn check_orders(policy: &Policy, orders: &Orders) -> Option<Problem> {
    (orders.desired == Desired::New && !policy.allow_skip).then(|| Problem {
        code: Code(132),
        level: Level::Error,
        path: Path::new("desired"),
        message: "`new` skips steps, which only `allowSkip: true` allows".to_owned(),
    })
}

/// Which side's writes the databases accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Those of both.
    Any,
    /// Those of old only.
    Old,
    /// Those of new only.
    New,
    /// None: both are closed.
    None,
}

/// Refuses to send traffic where nothing can be written.
pub fn check_write_policy(accepted: Accepted, desired: Desired) -> Option<Problem> {
    let (side, is_accepted) = match desired {
        Desired::Shift | Desired::New => ("new", matches!(accepted, Accepted::Any | Accepted::New)),
        Desired::Old => ("old", matches!(accepted, Accepted::Any | Accepted::Old)),
        // Nothing is sent anywhere.
        Desired::Hold => return None,
    };
    let whose = match accepted {
        Accepted::Old => "those of old only",
        Accepted::New => "those of new only",
        Accepted::Any | Accepted::None => "none at the moment",
    };
    (!is_accepted).then(|| Problem {
        code: Code(122),
        level: Level::Error,
        path: Path::new("writePolicy"),
        message: format!(
            "traffic would go to {side}, whose writes are refused: the databases accept {whose}"
        ),
    })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, code: u16, level: Level, path: &Path, message: String) {
        self.0.push(Problem {
            code: Code(code),
            level,
            path: path.clone(),
            message,
        });
    }

    fn error(&mut self, code: u16, path: &Path, message: impl Into<String>) {
        self.add(code, Level::Error, path, message.into());
    }

    fn steps(&mut self, wish: &Wish, scale: Scale) -> Vec<Step> {
        let path = Path::new("steps");
        let mut steps = Vec::new();
        let mut before = Share::ZERO;
        for (index, step) in wish.steps.iter().enumerate() {
            let at = path.index(index);
            let is_last = index.checked_add(1) == Some(wish.steps.len());
            if let Some(checked) = self.step(&at, step, wish, is_last, scale) {
                if checked.share <= before {
                    self.error(
                        101,
                        &at.name("share"),
                        format!("{} does not rise above {before}", checked.share),
                    );
                }
                before = checked.share;
                steps.push(checked);
            }
        }
        if before != Share::FULL {
            self.error(101, &path, "the last share is not 100");
        }
        steps
    }

    fn step(
        &mut self,
        path: &Path,
        wish: &StepWish,
        whole: &Wish,
        is_last: bool,
        scale: Scale,
    ) -> Option<Step> {
        let bake = match (wish.bake, is_last) {
            (None, true) => whole.soak,
            (Some(bake), false) => bake,
            (Some(_), true) => {
                self.error(
                    101,
                    &path.name("bake"),
                    "the last step has no `bake`: `soak` is its bake",
                );
                whole.soak
            }
            (None, false) => {
                self.error(
                    101,
                    &path.name("bake"),
                    "a step before the last needs a `bake`",
                );
                return None;
            }
        };
        let gates = wish.gates.as_ref().unwrap_or(&whole.gates);
        if wish.gates.is_some() {
            self.gates(&path.name("gates"), gates);
        }
        let bake_path = if is_last {
            Path::new("soak")
        } else {
            path.name("bake")
        };
        self.bake(&bake_path, bake, gates);
        let at = path.name("share");
        let Some(share) = Share::from_percent(wish.share).filter(|share| *share > Share::ZERO)
        else {
            self.error(
                101,
                &at,
                format!("`{}` is not a percentage above 0 and up to 100", wish.share),
            );
            return None;
        };
        let Some(pair) = WeightPair::realising(share, scale) else {
            self.error(
                101,
                &at,
                format!(
                    "{share} cannot be expressed with weights up to {}",
                    scale.weight_max()
                ),
            );
            return None;
        };
        let (pause, name, entry_gates) = (wish.pause, wish.name.clone(), wish.entry_gates.clone());
        Some(Step {
            share,
            pair,
            bake,
            pause,
            name,
            entry_gates,
            gates: gates.clone(),
        })
    }

    fn bake(&mut self, path: &Path, bake: Duration, gates: &[Gate]) {
        for gate in gates.iter().filter(|gate| gate.kind != GateKind::Alarm) {
            if gate.reaction().saturating_sub(gate.period) > bake {
                self.error(
                    107,
                    path,
                    format!(
                        "gate `{}` can never fire within {} s",
                        gate.name,
                        bake.as_secs()
                    ),
                );
            } else if gate.period.saturating_mul(PERIODS_MIN) > bake {
                self.error(
                    108,
                    path,
                    format!("fewer than {PERIODS_MIN} periods of gate `{}`", gate.name),
                );
            }
        }
    }

    fn gates(&mut self, path: &Path, gates: &[Gate]) {
        let mut names = BTreeSet::new();
        for (index, gate) in gates.iter().enumerate() {
            let at = path.index(index);
            if gate.name.is_empty() || !names.insert(gate.name.as_str()) {
                self.error(
                    112,
                    &at.name("name"),
                    format!("`{}` is empty or named twice", gate.name),
                );
            }
            let (Limit::Max(limit) | Limit::Min(limit)) = gate.limit;
            if !limit.is_finite() {
                self.error(112, &at.name("threshold"), "the limit is not a number");
            }
            if gate.period.is_zero() || gate.window_periods == 0 {
                self.error(
                    112,
                    &at.name("period"),
                    "a period of no length cannot be judged",
                );
            }
            if gate
                .datapoints
                .is_some_and(|points| points.breaching == 0 || points.breaching > points.of)
            {
                self.error(
                    112,
                    &at.name("datapoints"),
                    "at least one and at most all of the datapoints must breach",
                );
            }
            if let (GateKind::Remainder, Limit::Min(min)) = (gate.kind, gate.limit)
                && f64::from(gate.samples_min) * (1.0 - min) < 1.0 - 1e-9
            {
                let message = format!(
                    "one failure among {} samples is already below {min}",
                    gate.samples_min
                );
                self.error(109, &at.name("minSamples"), message);
            }
        }
    }

    fn comparisons(&mut self, wish: &Wish) {
        for (index, comparison) in wish.compare.iter().enumerate() {
            let at = Path::new("compare").index(index);
            let shortest = wish
                .steps
                .iter()
                .filter_map(|step| step.bake)
                .chain([wish.soak])
                .min()
                .unwrap_or_default();
            if let Measured::Latency { .. } = comparison.measured
                && Duration::from_mins(u64::from(PAIRS_MIN)) > shortest
            {
                self.error(
                    110,
                    &at,
                    format!("latency needs a bake of {PAIRS_MIN} minutes to be compared"),
                );
            }
        }
    }

    fn budget(&mut self, wish: &Wish, router: &Router) {
        let budget = wish.policy.rollback.budget;
        let fixed = ACCEPT.saturating_add(INSYNC).saturating_add(TAIL);
        let needed = fixed.saturating_add(router.answer_ttl());
        if needed > budget {
            let message = format!(
                "a rollback takes up to {} s, above its budget of {} s; a TTL of {} s would keep it",
                needed.as_secs(),
                budget.as_secs(),
                budget.saturating_sub(fixed).as_secs()
            );
            self.error(
                106,
                &Path::new("router").name("route53").name("ttl"),
                message,
            );
        }
    }

    fn policy(&mut self, wish: &Wish) {
        let rollback = &wish.policy.rollback;
        let at = Path::new("rollback");
        if rollback.rows == RowsReturn::Unsaid && wish.policy.commit_after.is_none() {
            self.error(111, &at, "say how rows that new writes come back: `reverseReplication`, `sharedDatabase` or `commitAfter`");
        }
        if rollback.data == DataPolicy::FenceFirst && !rollback.write_fence {
            self.error(
                111,
                &at.name("writeFence"),
                "`fenceFirst` needs a `writeFence`",
            );
        }
        if let Some(parameter) = &wish.policy.control_parameter
            && !(parameter.len() > 1 && parameter.starts_with('/') && !parameter.ends_with('/'))
        {
            self.error(
                113,
                &Path::new("control").name("ssmParameter"),
                format!("`{parameter}` is not a path such as `/pay/switch`"),
            );
        }
        if !wish.policy.guarded {
            let message = "nothing watches the split when this program is gone";
            self.add(150, Level::Warning, &Path::new("guard"), message.to_owned());
        }
        self.lock(wish);
    }

    fn lock(&mut self, wish: &Wish) {
        let path = Path::new("lock");
        let at_table = path.name("dynamodb");
        match (&wish.router, &wish.policy.lock_table) {
            (RouterWish::Route53 { .. }, Some(_)) => self.error(
                155,
                &at_table,
                "the fence of records is their journal in DNS; a table is for listener rules",
            ),
            (RouterWish::Alb { .. }, Some(table)) if !is_table_name(table) => self.error(
                155,
                &at_table.name("tableName"),
                format!("`{table}` is not the name of a table"),
            ),
            (RouterWish::Alb { .. }, None) => self.add(
                154,
                Level::Warning,
                &path,
                "two runs that begin together can both take the rule: tags are set without a condition; name a \
                 `lock.dynamodb.tableName`"
                    .to_owned(),
            ),
            (RouterWish::Route53 { .. }, None) | (RouterWish::Alb { .. }, Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests;
