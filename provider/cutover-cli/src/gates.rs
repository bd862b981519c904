//! The gates of a file, in the form in which a program declares them: the `gates` of a `WeightedShift`, of which texts
//! are plain. What else a shift declares may stand beside them and is not looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::shift::gates::{
    Datapoints, Gate, GateKind, Lag, Limit, Missing, Part, SeriesId, Severity, Side,
};
use cutover_core::shift::sources::{Asked, Metric, Query};
use serde::Deserialize;
use serde_json::Value;

/// Gates, and what they read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Declared {
    pub(crate) gates: Vec<Gate>,
    pub(crate) asked: Vec<Asked>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GateForm {
    name: String,
    kind: Kind,
    bad: Option<Vec<MetricForm>>,
    total: Option<Vec<MetricForm>>,
    metric: Option<MetricForm>,
    #[serde(rename = "alarm")]
    _alarm: Option<Value>,
    max: Option<f64>,
    min: Option<f64>,
    #[serde(rename = "for", default, with = "humantime_text")]
    sustained: Option<Duration>,
    datapoints: Option<DatapointsForm>,
    #[serde(default, with = "humantime_text")]
    period: Option<Duration>,
    window_periods: Option<u32>,
    min_samples: Option<u32>,
    lag: Option<LagForm>,
    #[serde(default)]
    missing: MissingForm,
    missing_periods: Option<u32>,
    #[serde(default)]
    severity: SeverityForm,
    side: Option<SideForm>,
    #[serde(default, with = "humantime_text")]
    initial_delay: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Ratio,
    Availability,
    Value,
    Count,
    Alarm,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MetricForm {
    namespace: String,
    name: String,
    stat: Option<String>,
    #[serde(default)]
    dimensions: BTreeMap<String, String>,
    old_dimensions: Option<BTreeMap<String, String>>,
    new_dimensions: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DatapointsForm {
    breaching: u32,
    of: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LagForm {
    #[serde(default, with = "humantime_text")]
    harm: Option<Duration>,
    #[serde(default, with = "humantime_text")]
    health: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum MissingForm {
    #[default]
    Inconclusive,
    Breaching,
    Healthy,
    Zero,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SeverityForm {
    #[default]
    Critical,
    Hold,
    Warn,
    DryRun,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SideForm {
    New,
    Both,
    Overall,
}

/// Durations such as `1h30m`.
mod humantime_text {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, de::Error as _};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| {
            humantime::parse_duration(&text).map_err(|_| {
                D::Error::custom(format!(
                    "`{text}` is not a duration; it should look like `90s` or `1h30m`"
                ))
            })
        })
        .transpose()
    }
}

/// Reads gates.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub(crate) fn read(text: &str) -> Result<Declared, Vec<String>> {
    let file: Value = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
    let Some(gates) = file.get("gates").and_then(Value::as_array) else {
        return Err(vec!["gates: there is no such list".to_owned()]);
    };
    let (mut declared, mut problems) = (Declared::default(), Vec::new());
    for (index, gate) in gates.iter().enumerate() {
        let path = format!("gates[{index}]");
        match GateForm::deserialize(gate) {
            Err(error) => problems.push(format!("{path}: {error}")),
            Ok(form) => match form.gate(&path) {
                Err(problem) => problems.push(problem),
                Ok(gate) if declared.gates.iter().any(|known| known.name == gate.name) => {
                    problems.push(format!("{path}.name: `{}` is named twice", gate.name));
                }
                Ok(gate) => {
                    match form.asked(&path, &gate) {
                        Ok(asked) => declared.asked.extend(asked),
                        Err(problem) => problems.push(problem),
                    }
                    declared.gates.push(gate);
                }
            },
        }
    }
    if gates.is_empty() {
        problems.push("gates: there are none".to_owned());
    }
    if problems.is_empty() {
        Ok(declared)
    } else {
        Err(problems)
    }
}

impl GateForm {
    fn gate(&self, path: &str) -> Result<Gate, String> {
        let limit = match (self.kind, self.max, self.min) {
            (Kind::Alarm, None, None) => Limit::Max(0.0),
            (_, Some(max), None) => Limit::Max(max),
            (_, None, Some(min)) => Limit::Min(min),
            _ => {
                return Err(format!(
                    "{path}.max: exactly one of `max` and `min` is needed, and none for an alarm"
                ));
            }
        };
        let kind = match self.kind {
            Kind::Ratio => GateKind::Ratio,
            Kind::Availability => GateKind::Remainder,
            Kind::Value => GateKind::Value,
            Kind::Count => GateKind::Count,
            Kind::Alarm => GateKind::Alarm,
        };
        let plain = Gate::new(&self.name, kind, limit);
        let lag = self.lag.as_ref();
        let gate = Gate {
            sustained: self.sustained.unwrap_or_default(),
            datapoints: self.datapoints.as_ref().map(|points| Datapoints {
                breaching: points.breaching,
                of: points.of,
            }),
            period: self.period.unwrap_or(plain.period),
            window_periods: self.window_periods.unwrap_or(plain.window_periods),
            samples_min: self.min_samples.unwrap_or(plain.samples_min),
            lag: Lag {
                harm: lag.and_then(|lag| lag.harm).unwrap_or(plain.lag.harm),
                health: lag.and_then(|lag| lag.health).unwrap_or(plain.lag.health),
            },
            missing: match self.missing {
                MissingForm::Inconclusive => Missing::Inconclusive,
                MissingForm::Breaching => Missing::Breaching {
                    periods: self.missing_periods.unwrap_or(1),
                },
                MissingForm::Healthy => Missing::Healthy,
                MissingForm::Zero => Missing::Zero,
            },
            severity: match self.severity {
                SeverityForm::Critical => Severity::Critical,
                SeverityForm::Hold => Severity::Hold,
                SeverityForm::Warn => Severity::Warn,
                SeverityForm::DryRun => Severity::DryRun,
            },
            with_old: self.side == Some(SideForm::Both),
            initial_delay: self.initial_delay.unwrap_or_default(),
            ..plain
        };
        if gate.period < Duration::from_secs(1) || gate.window_periods == 0 {
            return Err(format!(
                "{path}.period: a period of no length cannot be judged"
            ));
        }
        if gate
            .datapoints
            .is_some_and(|points| points.breaching == 0 || points.breaching > points.of)
        {
            return Err(format!(
                "{path}.datapoints: at least one and at most all of them must breach"
            ));
        }
        Ok(gate)
    }

    /// What the gate reads, per series.
    fn asked(&self, path: &str, gate: &Gate) -> Result<Vec<Asked>, String> {
        let sides: &[Side] = if gate.with_old {
            &[Side::New, Side::Old]
        } else {
            &[Side::New]
        };
        let mut asked = Vec::new();
        for part in gate.parts() {
            let (key, metrics) = match part {
                Part::Bad => ("bad", self.bad.iter().flatten().collect::<Vec<_>>()),
                Part::Total => ("total", self.total.iter().flatten().collect()),
                Part::Value => ("metric", self.metric.iter().collect()),
            };
            if metrics.is_empty() {
                return Err(format!("{path}.{key}: is required for this kind of gate"));
            }
            let stat = if gate.kind == GateKind::Value && *part == Part::Value {
                "Average"
            } else {
                "Sum"
            };
            for side in sides {
                let id = SeriesId {
                    gate: gate.name.clone(),
                    side: *side,
                    part: *part,
                };
                let is_overall = self.side == Some(SideForm::Overall);
                let queries = metrics.iter().map(|metric| Query {
                    metric: metric.of(*side, is_overall, stat),
                    period_seconds: u32::try_from(gate.period.as_secs()).unwrap_or(u32::MAX),
                });
                asked.push((id, queries.collect()));
            }
        }
        Ok(asked)
    }
}

impl MetricForm {
    fn of(&self, side: Side, is_overall: bool, stat: &str) -> Metric {
        let own = match side {
            _ if is_overall => None,
            Side::Old => self.old_dimensions.as_ref(),
            Side::New => self.new_dimensions.as_ref(),
        };
        let mut dimensions = self.dimensions.clone();
        dimensions.extend(
            own.into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Metric {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            dimensions,
            stat: self.stat.clone().unwrap_or_else(|| stat.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: &str = r#"{
        "router": "not looked at",
        "gates": [{
            "name": "errorRate", "kind": "ratio", "max": 0.05, "for": "5m", "missing": "zero", "side": "both",
            "bad": [{ "namespace": "AWS/ApplicationELB", "name": "HTTPCode_Target_5XX_Count",
                      "oldDimensions": { "LoadBalancer": "app/old" }, "newDimensions": { "LoadBalancer": "app/new" } }],
            "total": [{ "namespace": "AWS/ApplicationELB", "name": "RequestCount",
                        "oldDimensions": { "LoadBalancer": "app/old" }, "newDimensions": { "LoadBalancer": "app/new" } }]
        }]
    }"#;

    fn problems(gate: &str) -> Vec<String> {
        read(&format!("{{\"gates\": [{gate}]}}")).expect_err("is refused")
    }

    #[test]
    fn the_form_of_a_program_is_read() {
        let declared = read(ERRORS).unwrap();

        let expected = Gate {
            sustained: Duration::from_mins(5),
            missing: Missing::Zero,
            with_old: true,
            ..Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05))
        };
        assert_eq!(declared.gates, [expected]);
        let read: Vec<_> = declared
            .asked
            .iter()
            .map(|(id, queries)| {
                (
                    id.part,
                    id.side,
                    queries[0].metric.dimensions["LoadBalancer"].as_str(),
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                (Part::Bad, Side::New, "app/new"),
                (Part::Bad, Side::Old, "app/old"),
                (Part::Total, Side::New, "app/new"),
                (Part::Total, Side::Old, "app/old"),
            ]
        );
        assert_eq!(declared.asked[0].1[0].metric.stat, "Sum");
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        assert_eq!(
            problems(r#"{"name": "a", "kind": "ratio", "max": 1, "min": 1}"#),
            ["gates[0].max: exactly one of `max` and `min` is needed, and none for an alarm"]
        );
        assert_eq!(
            problems(r#"{"name": "a", "kind": "ratio", "max": 1}"#),
            ["gates[0].bad: is required for this kind of gate"]
        );
        let unknown = problems(r#"{"name": "a", "kind": "ratio", "threshold": 1}"#);
        assert!(
            unknown[0].starts_with("gates[0]: unknown field `threshold`"),
            "{unknown:?}"
        );
        let late = problems(r#"{"name": "a", "kind": "count", "max": 1, "for": "soon"}"#);
        assert_eq!(
            late,
            ["gates[0]: `soon` is not a duration; it should look like `90s` or `1h30m`"]
        );
        assert_eq!(
            read("{}"),
            Err(vec!["gates: there is no such list".to_owned()])
        );
    }
}
