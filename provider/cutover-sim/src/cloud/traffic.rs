//! Traffic as data: how many requests come, where they go, and what becomes of them.
//!
//! Time goes in steps, usually of 10 seconds. What a step's requests went by is kept when it has ended, and is not changed by
//! what happens later; metrics are added up from steps when they are read.

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::gates::Side;

use super::cloudwatch::Bucket;
use super::{Cloud, MetricKey, mix};

/// Traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficModel {
    /// When it begins.
    pub from: Timestamp,
    /// The length of a step, in whole milliseconds: the finest period in which every period has data.
    pub step: Duration,
    /// What directs it.
    pub routed: Routed,
    /// Requests a second, from when on.
    pub load: Vec<(Timestamp, f64)>,
    /// How the old side is when nothing happens.
    pub old: SideProfile,
    /// How the new side is when nothing happens.
    pub new: SideProfile,
    /// How much of all requests are payments, from 0 to 1.
    pub payments: f64,
    /// What happens; the last that applies counts.
    pub incidents: Vec<Incident>,
    /// How long answers are kept.
    pub resolvers: Resolvers,
    /// What is published.
    pub measured: Vec<Measured>,
    /// Whether counts scatter as those of independent events do; they are the expected ones, rounded by a draw, when
    /// not.
    pub scattered: bool,
}

/// What directs traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed {
    /// A weighted name.
    Record {
        /// The zone.
        zone_id: String,
        /// The name.
        name: String,
        /// The type.
        record_type: String,
        /// The set identifier of the old member.
        old: String,
        /// The set identifier of the new member.
        new: String,
    },
    /// A rule of a load balancer.
    Rule {
        /// The rule's ARN.
        arn: String,
        /// The ARN of the old target group.
        old: String,
        /// The ARN of the new target group.
        new: String,
    },
}

/// How a side is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SideProfile {
    /// How much of all requests fail, from 0 to 1.
    pub error_rate: f64,
    /// How much of all payments fail, from 0 to 1.
    pub payment_failure_rate: f64,
    /// What 95 of 100 requests stay below.
    pub latency_p95: Duration,
}

/// What happens to a side for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incident {
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// To which side.
    pub side: Side,
    /// How it is instead.
    pub profile: SideProfile,
}

/// How long answers are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolvers {
    /// How long most keep an answer: its time to live.
    pub ttl: Duration,
    /// How much of the traffic keeps answers for longer, from 0 to 1.
    pub sticky_share: f64,
    /// For how long that keeps them.
    pub sticky_for: Duration,
}

/// A metric that is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its name and place.
    pub key: MetricKey,
    /// Of which side.
    pub side: Side,
    /// What it counts.
    pub counted: Counted,
    /// Whether zero is not reported, as a load balancer does with its errors.
    pub sparse: bool,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Requests.
    Requests,
    /// Requests that failed.
    Errors,
    /// Payments that were tried.
    Payments,
    /// Payments that failed.
    FailedPayments,
    /// How long requests took, in milliseconds; exponentially distributed.
    Latency,
}

/// Traffic that has run for a while.
#[derive(Clone, Debug)]
pub(super) struct Running {
    model: TrafficModel,
    /// How much was answered old and new before each step, added up over all steps; one more than there are steps.
    answered: Vec<(f64, f64)>,
    steps: Vec<[Step; 2]>,
}

/// What came to one side in one step.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    requests: f64,
    errors: f64,
    payments: f64,
    failed: f64,
    latency_p95: f64,
}

/// The usual length of a step: ours, the finest period that gates of a real shift use.
const STEP: Duration = Duration::from_secs(10);

/// How many values stand for a distribution of latencies: ours, so that whole percentiles are exact.
const QUANTILES: u32 = 100;

impl TrafficModel {
    /// Makes traffic of 100 requests a second, 30 % of them payments, of healthy sides, with metrics in the namespace
    /// `Shop`: `Requests`, `Errors`, `Payments`, `FailedPayments` and `Latency`, with a dimension `Side` of `old` or
    /// `new`. All figures are ours.
    pub fn new(from: Timestamp, routed: Routed) -> Self {
        let healthy = SideProfile {
            error_rate: 0.002,
            payment_failure_rate: 0.01,
            latency_p95: Duration::from_millis(180),
        };
        let ttl = match routed {
            Routed::Record { .. } => Duration::from_mins(1),
            Routed::Rule { .. } => Duration::ZERO,
        };
        Self {
            from,
            step: STEP,
            routed,
            load: vec![(from, 100.0)],
            old: healthy,
            new: healthy,
            payments: 0.3,
            incidents: Vec::new(),
            resolvers: Resolvers {
                ttl,
                sticky_share: 0.0,
                sticky_for: Duration::ZERO,
            },
            measured: Measured::all("Shop"),
            scattered: false,
        }
    }

    /// The length of a step in milliseconds.
    fn step_millis(&self) -> i64 {
        i64::try_from(self.step.as_millis())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    fn load_at(&self, at: Timestamp) -> f64 {
        let load = self.load.iter().rev().find(|(from, _)| *from <= at);
        load.map_or(0.0, |(_, load)| *load)
    }

    fn profile_at(&self, side: Side, at: Timestamp) -> SideProfile {
        let applies = |incident: &&Incident| {
            incident.side == side && (incident.from..incident.until).contains(&at)
        };
        let incident = self.incidents.iter().rev().find(applies);
        incident.map_or(
            match side {
                Side::Old => self.old,
                Side::New => self.new,
            },
            |incident| incident.profile,
        )
    }
}

impl Measured {
    /// Makes the metrics of both sides in a namespace.
    pub fn all(namespace: &str) -> Vec<Self> {
        let counted = [
            ("Requests", Counted::Requests),
            ("Errors", Counted::Errors),
            ("Payments", Counted::Payments),
            ("FailedPayments", Counted::FailedPayments),
            ("Latency", Counted::Latency),
        ];
        let of = |(side, value): (Side, &str)| {
            counted.map(|(name, counted)| Self {
                key: MetricKey {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    dimensions: [("Side".to_owned(), value.to_owned())].into(),
                },
                side,
                counted,
                sparse: false,
            })
        };
        [(Side::Old, "old"), (Side::New, "new")]
            .into_iter()
            .flat_map(of)
            .collect()
    }
}

impl Cloud {
    /// Lets traffic run, from its beginning on.
    pub fn run_traffic(&mut self, model: TrafficModel) {
        self.traffic.push(Running {
            model,
            answered: vec![(0.0, 0.0)],
            steps: Vec::new(),
        });
    }

    /// Adds an incident to all traffic; what has passed is not changed.
    pub fn add_incident(&mut self, now: Timestamp, incident: Incident) {
        self.advance(now);
        for running in &mut self.traffic {
            running.model.incidents.push(incident);
        }
    }

    /// Changes traffic from now on; what has passed is not changed.
    pub fn change_traffic(&mut self, now: Timestamp, change: impl Fn(&mut TrafficModel)) {
        self.advance(now);
        for running in &mut self.traffic {
            change(&mut running.model);
        }
    }

    /// Works out the steps that have ended.
    pub(super) fn advance(&mut self, now: Timestamp) {
        for index in 0..self.traffic.len() {
            loop {
                let running = &self.traffic[index];
                let done = i64::try_from(running.steps.len()).unwrap_or(i64::MAX);
                let length = running.model.step_millis();
                let start = running.model.from.unix_millis() + done * length;
                if start + length > now.unix_millis() {
                    break;
                }
                let start = Timestamp::from_unix_millis(start);
                let shares = self.shares(&running.model.routed, start);
                let seed = mix(self.config.seed ^ mix(index as u64));
                self.traffic[index].step(start, shares, seed);
            }
        }
    }

    /// Returns how much of all answers is old and new.
    fn shares(&self, routed: &Routed, at: Timestamp) -> (f64, f64) {
        let weights: Vec<(String, f64)> = match routed {
            Routed::Record {
                zone_id,
                name,
                record_type,
                ..
            } => self.answered_weights(zone_id, name, record_type, at),
            Routed::Rule { arn, .. } => self
                .rule_weights_over_time(arn)
                .into_iter()
                .rev()
                .find(|(from, _)| *from <= at)
                .map(|(_, weights)| weights)
                .into_iter()
                .flatten()
                // The heaviest weight is 999.
                .map(|(arn, weight)| (arn, f64::from(u16::try_from(weight).unwrap_or(u16::MAX))))
                .collect(),
        };
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let (Routed::Record { old, new, .. } | Routed::Rule { old, new, .. }) = routed;
        let share = |side: &String| {
            let found = weights.iter().find(|(name, _)| name == side);
            found.map_or(0.0, |(_, weight)| weight / total.max(f64::MIN_POSITIVE))
        };
        (share(old), share(new))
    }

    /// Adds what traffic published of a metric from `start` until `end`, in milliseconds.
    pub(super) fn gather_traffic(
        &self,
        key: &MetricKey,
        start: i64,
        end: i64,
        bucket: &mut Bucket,
    ) {
        for running in &self.traffic {
            for measured in running
                .model
                .measured
                .iter()
                .filter(|measured| measured.key == *key)
            {
                running.gather(measured, start, end, bucket);
            }
        }
    }
}

impl Running {
    /// Works out the next step.
    fn step(&mut self, start: Timestamp, shares: (f64, f64), seed: u64) {
        let (old, new) = self.answered.last().copied().unwrap_or_default();
        self.answered.push((old + shares.0, new + shares.1));
        let resolvers = self.model.resolvers;
        let (fresh, kept) = (self.mean(resolvers.ttl), self.mean(resolvers.sticky_for));
        let sticky = resolvers.sticky_share;
        let blend = |fresh: f64, kept: f64| fresh * (1.0 - sticky) + kept * sticky;
        let requests = self.model.load_at(start) * self.model.step.as_secs_f64();
        let side = |side: Side, share: f64, salt: u64| {
            let profile = self.model.profile_at(side, start);
            let seed = mix(seed ^ mix(self.steps.len() as u64 * 2 + salt));
            let count = |expected: f64, salt: u64| {
                let draw = Draw(mix(seed ^ salt));
                if self.model.scattered {
                    draw.scattered(expected)
                } else {
                    draw.rounded(expected)
                }
            };
            let requests = count(requests * share, 1);
            let payments = count(requests * self.model.payments, 2).min(requests);
            Step {
                requests,
                payments,
                errors: count(requests * profile.error_rate, 3).min(requests),
                failed: count(payments * profile.payment_failure_rate, 4).min(payments),
                latency_p95: profile.latency_p95.as_secs_f64() * 1000.0,
            }
        };
        let step = [
            side(Side::Old, blend(fresh.0, kept.0), 0),
            side(Side::New, blend(fresh.1, kept.1), 1),
        ];
        self.steps.push(step);
    }

    /// Returns what was answered over the last while, this step included; before the first step it was as in the first.
    fn mean(&self, over: Duration) -> (f64, f64) {
        let steps = usize::try_from(
            over.as_millis()
                .div_ceil(self.model.step.as_millis().max(1)),
        )
        .unwrap_or(usize::MAX)
        .max(1);
        let last = self.answered.len() - 1;
        let (first_old, first_new) = self.answered.get(1).copied().unwrap_or_default();
        let from = last.saturating_sub(steps);
        let (before, now) = (self.answered[from], self.answered[last]);
        let missing = number(steps - (last - from));
        let all = number(steps);
        (
            (now.0 - before.0 + missing * first_old) / all,
            (now.1 - before.1 + missing * first_new) / all,
        )
    }

    fn gather(&self, measured: &Measured, start: i64, end: i64, bucket: &mut Bucket) {
        let begin = self.model.from.unix_millis();
        let length = self.model.step_millis();
        let index = |at: i64| usize::try_from((at - begin).max(0) / length).unwrap_or(0);
        // A step belongs to the period in which it begins, and is seen when it has ended.
        let first = index(start + length - 1);
        let until = index(end).min(self.steps.len());
        let Some(steps) = self
            .steps
            .get(first..until)
            .filter(|steps| !steps.is_empty())
        else {
            return;
        };
        let side = usize::from(measured.side == Side::New);
        let of =
            |counted: fn(&Step) -> f64| steps.iter().map(|both| counted(&both[side])).sum::<f64>();
        let count = match measured.counted {
            Counted::Requests => of(|step| step.requests),
            Counted::Errors => of(|step| step.errors),
            Counted::Payments => of(|step| step.payments),
            Counted::FailedPayments => of(|step| step.failed),
            Counted::Latency => {
                for same in steps
                    .chunk_by(|a, b| a[side].latency_p95.total_cmp(&b[side].latency_p95).is_eq())
                {
                    let requests: f64 = same.iter().map(|both| both[side].requests).sum();
                    if requests > 0.0 {
                        latencies(same[0][side].latency_p95, requests, bucket);
                    }
                }
                return;
            }
        };
        if count > 0.0 {
            bucket.add(1.0, count);
        } else if !measured.sparse {
            bucket.add(0.0, 1.0);
        }
    }
}

/// Adds latencies whose 95th percentile is given: an exponential distribution, by its quantiles.
fn latencies(p95: f64, requests: f64, bucket: &mut Bucket) {
    let scale = p95 / -(0.05_f64.ln());
    let all = f64::from(QUANTILES);
    for rank in 1..=QUANTILES {
        // The last stands for what is beyond the last but one; its own quantile is infinite.
        let below = if rank == QUANTILES {
            (all - 0.5) / all
        } else {
            f64::from(rank) / all
        };
        bucket.add(-scale * (1.0 - below).ln(), requests / all);
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A draw.
#[derive(Clone, Copy)]
struct Draw(u64);

impl Draw {
    /// Returns a number from 0 to 1.
    fn unit(self, salt: u64) -> f64 {
        let high = u32::try_from(mix(self.0 ^ mix(salt)) >> 32).unwrap_or(0);
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }

    /// Rounds up or down so that the mean stays.
    fn rounded(self, expected: f64) -> f64 {
        (expected + self.unit(0)).floor()
    }

    /// Draws a count of independent events (Poisson): by multiplication for few, by the normal distribution for many.
    fn scattered(self, expected: f64) -> f64 {
        if expected > 30.0 {
            let twelve: f64 = (0..12).map(|salt| self.unit(salt)).sum();
            return (expected + (twelve - 6.0) * expected.sqrt())
                .round()
                .max(0.0);
        }
        let (limit, mut product, mut count) = ((-expected).exp(), self.unit(0), 0_u32);
        while product > limit {
            count += 1;
            product *= self.unit(u64::from(count));
        }
        f64::from(count)
    }
}
