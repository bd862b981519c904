//! The gates of a wish, and the series that they read.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::shift::gates::{
    Datapoints, Gate, GateKind, LAG, Lag, Limit, Missing, PERIOD, Part, SAMPLES_MIN, SeriesId,
    Severity, Side,
};
use cutover_core::shift::sources::{Metric, Sources};
use pulumi_value::{Output, PropertyPath};

use super::super::args::{GateMeasure, GateMetric, GateSeverity, GateSide, MissingData, ShiftGate};
use super::reader::{Least, Reader};

/// Lengths of a period below a minute, in seconds. Source: `CloudWatch` API, `MetricStat`, "Period".
const PERIODS_SHORT: [u64; 4] = [1, 5, 10, 30];

/// Which of the two sides' metrics are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Those of one side.
    Side(Side),
    /// Those of everything.
    Overall,
}

impl Reader {
    /// Reads a list of gates, and notes where their measurements come from; an unknown list is taken for an empty one.
    pub(super) fn gates(
        &mut self,
        path: &PropertyPath,
        gates: Option<&Output<Vec<ShiftGate>>>,
        sources: &mut Sources,
    ) -> Vec<Gate> {
        let Some(gates) = gates else {
            return Vec::new();
        };
        let Some(gates) = gates.get() else {
            self.whole = false;
            return Vec::new();
        };
        let gates = gates.iter().enumerate();
        gates
            .map(|(index, gate)| self.gate(&path.index(index), gate, sources))
            .collect()
    }

    fn gate(&mut self, path: &PropertyPath, gate: &ShiftGate, sources: &mut Sources) -> Gate {
        let kind = match gate.kind {
            GateMeasure::Ratio => GateKind::Ratio,
            GateMeasure::Availability => GateKind::Remainder,
            GateMeasure::Value => GateKind::Value,
            GateMeasure::Count => GateKind::Count,
            GateMeasure::Alarm => GateKind::Alarm,
        };
        let is_rate = matches!(kind, GateKind::Ratio | GateKind::Remainder);
        let side = gate.side.unwrap_or(if tells_apart(gate, Side::New) {
            GateSide::New
        } else {
            GateSide::Overall
        });
        let period = self.period(path, &gate.period);
        let lag = gate.lag.as_ref().map_or(LAG, |lag| Lag {
            harm: self.lag(path, "harm", &lag.harm),
            health: self.lag(path, "health", &lag.health),
        });
        let mut made = Gate {
            sustained: self.duration(
                &path.key("for"),
                &gate.sustained,
                Least::Nothing,
                Duration::ZERO,
            ),
            datapoints: gate.datapoints.map(|points| Datapoints {
                breaching: points.breaching,
                of: points.of,
            }),
            period,
            window_periods: gate.window_periods,
            samples_min: gate
                .min_samples
                .unwrap_or(if is_rate { SAMPLES_MIN } else { 0 }),
            lag,
            missing: match gate.missing {
                MissingData::Inconclusive => Missing::Inconclusive,
                MissingData::Breaching => Missing::Breaching {
                    periods: gate.missing_periods,
                },
                MissingData::Healthy => Missing::Healthy,
                MissingData::Zero => Missing::Zero,
            },
            severity: severity(gate.severity),
            with_old: side == GateSide::Both,
            initial_delay: self.duration(
                &path.key("initialDelay"),
                &gate.initial_delay,
                Least::Nothing,
                Duration::ZERO,
            ),
            ..Gate::new(&gate.name, kind, self.limit(path, gate, is_rate))
        };
        if kind == GateKind::Alarm {
            made.with_old = false;
        }
        self.check_side(path, gate, side);
        self.sources(path, gate, &made, side, sources);
        made
    }

    fn lag(&mut self, path: &PropertyPath, name: &str, text: &str) -> Duration {
        let path = path.key("lag").key(name);
        self.duration(&path, text, Least::Nothing, Duration::ZERO)
    }

    fn period(&mut self, path: &PropertyPath, text: &str) -> Duration {
        let path = path.key("period");
        let period = self.duration(&path, text, Least::Second, PERIOD);
        let seconds = period.as_secs();
        let whole_minutes = seconds.is_multiple_of(60) && seconds <= 86_400;
        if period.subsec_nanos() == 0 && (whole_minutes || PERIODS_SHORT.contains(&seconds)) {
            return period;
        }
        self.problem(
            112,
            path,
            format!("`{text}` is not `1s`, `5s`, `10s`, `30s` or whole minutes up to a day"),
        );
        PERIOD
    }

    fn limit(&mut self, path: &PropertyPath, gate: &ShiftGate, is_rate: bool) -> Limit {
        let limit = match (gate.max, gate.min, gate.kind) {
            (None, None, GateMeasure::Alarm) => return Limit::Max(0.0),
            (_, _, GateMeasure::Alarm) => {
                self.problem(112, path.clone(), "an alarm has its limit in itself");
                return Limit::Max(0.0);
            }
            (Some(max), None, _) => Limit::Max(max),
            (None, Some(min), _) => Limit::Min(min),
            (Some(_), Some(_), _) | (None, None, _) => {
                self.problem(112, path.clone(), "give either `max` or `min`");
                return Limit::Max(0.0);
            }
        };
        let (Limit::Max(value) | Limit::Min(value)) = limit;
        if is_rate && !(0.0..=1.0).contains(&value) {
            let key = if gate.max.is_some() { "max" } else { "min" };
            let reason = format!("`{value}` is not a fraction from 0 to 1; 0.05 is 5 %");
            self.problem(112, path.key(key), reason);
            return Limit::Max(0.0);
        }
        limit
    }

    fn check_side(&mut self, path: &PropertyPath, gate: &ShiftGate, side: GateSide) {
        let path = path.key("side");
        if gate.kind == GateMeasure::Alarm {
            if gate.side.is_some() {
                self.problem(112, path, "an alarm has no sides");
            }
            return;
        }
        if side != GateSide::Overall && !tells_apart(gate, Side::New) {
            self.problem(
                112,
                path.clone(),
                "needs `newDimensions` in every metric of the gate",
            );
        }
        if side == GateSide::Both && !tells_apart(gate, Side::Old) {
            self.problem(
                112,
                path,
                "needs `oldDimensions` in every metric of the gate",
            );
        }
    }

    /// Notes which metrics a gate reads; those of old as well where there are any, since comparisons read them.
    fn sources(
        &mut self,
        path: &PropertyPath,
        gate: &ShiftGate,
        made: &Gate,
        side: GateSide,
        sources: &mut Sources,
    ) {
        self.check_surplus(path, gate, made);
        if made.kind == GateKind::Alarm {
            match &gate.alarm {
                Some(alarm) => {
                    let alarm = self.text(alarm, "unknown");
                    sources.alarms.insert(gate.name.clone(), alarm);
                }
                None => self.problem(112, path.key("alarm"), "is required for this kind of gate"),
            }
            return;
        }
        if side == GateSide::Overall {
            sources.overall.insert(gate.name.clone());
        }
        for part in made.parts() {
            let (key, metrics) = metrics_of(gate, *part);
            if metrics.is_empty() {
                self.problem(112, path.key(key), "is required for this kind of gate");
                continue;
            }
            let stat = if made.kind == GateKind::Value && *part == Part::Value {
                "Average"
            } else {
                "Sum"
            };
            let new = match side {
                GateSide::Overall => Of::Overall,
                GateSide::New | GateSide::Both => Of::Side(Side::New),
            };
            let mut series = vec![(Side::New, new)];
            if side != GateSide::Overall && tells_apart(gate, Side::Old) {
                series.push((Side::Old, Of::Side(Side::Old)));
            }
            for (side, of) in series {
                let id = SeriesId {
                    gate: gate.name.clone(),
                    side,
                    part: *part,
                };
                let read: Vec<_> = metrics
                    .iter()
                    .map(|metric| self.metric(metric, of, stat))
                    .collect();
                let known = sources.series.insert(id, read.clone());
                if known.is_some_and(|known| known != read) {
                    let reason = "differs from the gate of the same name that is given elsewhere; rename one";
                    self.problem(112, path.key(key), reason);
                }
            }
        }
    }

    /// What would be read by nobody is a mistake.
    fn check_surplus(&mut self, path: &PropertyPath, gate: &ShiftGate, made: &Gate) {
        let parts = made.parts();
        let given = [
            ("bad", gate.bad.is_some(), parts.contains(&Part::Bad)),
            // A value without `minSamples` may still name its total, for the day that it gets one.
            (
                "total",
                gate.total.is_some(),
                parts.contains(&Part::Total) || made.kind == GateKind::Value,
            ),
            (
                "metric",
                gate.metric.is_some(),
                parts.contains(&Part::Value),
            ),
            ("alarm", gate.alarm.is_some(), made.kind == GateKind::Alarm),
        ];
        for (key, is_given, is_read) in given {
            if is_given && !is_read {
                self.problem(112, path.key(key), "is not read by this kind of gate");
            }
        }
    }

    /// Reads the metrics that count the requests of a side.
    pub(super) fn requests(&mut self, metrics: &[GateMetric], side: Side) -> Vec<Metric> {
        metrics
            .iter()
            .map(|metric| self.metric(metric, Of::Side(side), "Sum"))
            .collect()
    }

    fn metric(&mut self, metric: &GateMetric, of: Of, stat: &str) -> Metric {
        let own = match of {
            Of::Side(Side::Old) => metric.old_dimensions.as_ref(),
            Of::Side(Side::New) => metric.new_dimensions.as_ref(),
            Of::Overall => None,
        };
        let mut dimensions = BTreeMap::new();
        for given in metric.dimensions.as_ref().into_iter().chain(own) {
            for (name, value) in given {
                dimensions.insert(name.clone(), self.text(value, "unknown"));
            }
        }
        Metric {
            namespace: metric.namespace.clone(),
            name: metric.name.clone(),
            dimensions,
            stat: metric.stat.clone().unwrap_or_else(|| stat.to_owned()),
        }
    }
}

pub(super) fn severity(severity: GateSeverity) -> Severity {
    match severity {
        GateSeverity::Critical => Severity::Critical,
        GateSeverity::Hold => Severity::Hold,
        GateSeverity::Warn => Severity::Warn,
        GateSeverity::DryRun => Severity::DryRun,
    }
}

/// Tells whether all metrics of a gate say which of their series are those of a side.
pub(super) fn tells_apart(gate: &ShiftGate, side: Side) -> bool {
    let lists = [&gate.bad, &gate.total].into_iter().flatten().flatten();
    let mut metrics = lists.chain(&gate.metric).peekable();
    metrics.peek().is_some() && metrics.all(|metric| has_side(metric, side))
}

/// Tells whether a metric says which of its series are those of a side.
pub(super) fn has_side(metric: &GateMetric, side: Side) -> bool {
    match side {
        Side::Old => metric.old_dimensions.is_some(),
        Side::New => metric.new_dimensions.is_some(),
    }
}

fn metrics_of(gate: &ShiftGate, part: Part) -> (&'static str, Vec<&GateMetric>) {
    match part {
        Part::Bad => ("bad", gate.bad.iter().flatten().collect()),
        Part::Total => ("total", gate.total.iter().flatten().collect()),
        Part::Value => ("metric", gate.metric.iter().collect()),
    }
}
