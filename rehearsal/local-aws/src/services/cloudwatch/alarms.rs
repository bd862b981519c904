//! Alarms.

use cutover_sim::cloud::{Alarm, AlarmMetric, AlarmState, Cloud, Comparison, MetricKey};
use serde::{Deserialize, Serialize};

use super::{Dimension, read_dimensions, render_dimensions};
use crate::answer::Answer;
use crate::moments::{self, CborMoment};
use crate::refusal::Refusal;
use crate::services::{Call, Nothing, answer_cbor};

/// How comparisons are written.
const COMPARISONS: [(&str, Comparison); 4] = [
    ("GreaterThanThreshold", Comparison::Greater),
    ("GreaterThanOrEqualToThreshold", Comparison::GreaterOrEqual),
    ("LessThanThreshold", Comparison::Less),
    ("LessThanOrEqualToThreshold", Comparison::LessOrEqual),
];

/// The statistics that stand in a member of their own; the others are percentiles.
const STATISTICS: [&str; 5] = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"];

/// What is asked of alarms. Other ways to pick alarms are refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    #[serde(default)]
    alarm_names: Vec<String>,
    #[serde(rename = "AlarmTypes", default)]
    _alarm_types: Vec<String>,
    #[serde(rename = "MaxRecords")]
    _max_records: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    composite_alarms: [(); 0],
    metric_alarms: Vec<DescribedAlarm>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedAlarm {
    alarm_name: String,
    alarm_arn: String,
    actions_enabled: bool,
    state_value: &'static str,
    state_reason: String,
    state_updated_timestamp: CborMoment,
    state_transitioned_timestamp: CborMoment,
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluation_state: Option<String>,
    #[serde(flatten)]
    followed: Option<Followed>,
}

/// What an alarm follows.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Followed {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_statistic: Option<String>,
    period: u32,
    evaluation_periods: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<u32>,
    threshold: f64,
    comparison_operator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    treat_missing_data: Option<String>,
}

/// An alarm to be made. Alarms on expressions have members that are refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    alarm_name: String,
    metrics: Option<serde::de::IgnoredAny>,
    threshold_metric_id: Option<serde::de::IgnoredAny>,
    #[serde(flatten)]
    followed: Followed,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetState {
    alarm_name: String,
    state_value: String,
    state_reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    alarm_names: Vec<String>,
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.cbor()?;
    let alarms = cloud.describe_alarms(call.now, &input.alarm_names)?;
    Ok(answer_cbor(&Described {
        composite_alarms: [],
        metric_alarms: alarms.into_iter().map(render).collect(),
    }))
}

pub(super) fn put(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Put = call.cbor()?;
    if input.metrics.is_some() || input.threshold_metric_id.is_some() {
        let message = "Alarms on expressions are not supported here";
        return Err(Refusal::sender("ValidationError", message));
    }
    let metric = read_metric(input.followed)?;
    cloud.put_metric_alarm(call.now, &input.alarm_name, metric)?;
    Ok(answer_cbor(&Nothing {}))
}

pub(super) fn set_state(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: SetState = call.cbor()?;
    let states = [
        AlarmState::Ok,
        AlarmState::Alarm,
        AlarmState::InsufficientData,
    ];
    let state = states
        .into_iter()
        .find(|state| state.as_str() == input.state_value);
    let state = state.ok_or_else(|| {
        let message = format!("StateValue cannot be {}", input.state_value);
        Refusal::sender("ValidationError", message)
    })?;
    cloud.set_alarm_state(call.now, &input.alarm_name, state, &input.state_reason)?;
    Ok(answer_cbor(&Nothing {}))
}

pub(super) fn delete(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Delete = call.cbor()?;
    cloud.delete_alarms(call.now, &input.alarm_names)?;
    Ok(answer_cbor(&Nothing {}))
}

fn read_metric(followed: Followed) -> Result<AlarmMetric, Refusal> {
    let invalid = |message: String| Err(Refusal::sender("ValidationError", message));
    let stats = (followed.statistic, followed.extended_statistic);
    let ((Some(stat), None) | (None, Some(stat))) = stats else {
        let message = "Exactly one of Statistic and ExtendedStatistic must be specified";
        return invalid(message.to_owned());
    };
    let operator = &followed.comparison_operator;
    let comparison = COMPARISONS.iter().find(|(name, _)| name == operator);
    let Some((_, comparison)) = comparison else {
        return invalid(format!("ComparisonOperator cannot be {operator}"));
    };
    Ok(AlarmMetric {
        key: MetricKey {
            namespace: followed.namespace,
            name: followed.metric_name,
            dimensions: read_dimensions(followed.dimensions)?,
        },
        stat,
        period_seconds: followed.period,
        evaluation_periods: followed.evaluation_periods,
        datapoints_to_alarm: followed
            .datapoints_to_alarm
            .unwrap_or(followed.evaluation_periods),
        threshold: followed.threshold,
        comparison: *comparison,
        treat_missing_data: followed
            .treat_missing_data
            .unwrap_or_else(|| "missing".to_owned()),
    })
}

fn render(alarm: Alarm) -> DescribedAlarm {
    let since = moments::cbor(alarm.state_updated_at);
    DescribedAlarm {
        alarm_name: alarm.name,
        alarm_arn: alarm.arn,
        actions_enabled: true,
        state_value: alarm.state.as_str(),
        state_reason: alarm.state_reason,
        state_updated_timestamp: since,
        state_transitioned_timestamp: since,
        evaluation_state: alarm.evaluation_state,
        followed: alarm.metric.map(render_metric),
    }
}

fn render_metric(metric: AlarmMetric) -> Followed {
    let own = STATISTICS.contains(&metric.stat.as_str());
    let (statistic, extended_statistic) = if own {
        (Some(metric.stat), None)
    } else {
        (None, Some(metric.stat))
    };
    let operator = COMPARISONS
        .iter()
        .find(|(_, known)| *known == metric.comparison);
    Followed {
        namespace: metric.key.namespace,
        metric_name: metric.key.name,
        dimensions: render_dimensions(metric.key.dimensions),
        statistic,
        extended_statistic,
        period: metric.period_seconds,
        evaluation_periods: metric.evaluation_periods,
        datapoints_to_alarm: Some(metric.datapoints_to_alarm),
        threshold: metric.threshold,
        comparison_operator: operator.map_or("", |(name, _)| name).to_owned(),
        treat_missing_data: Some(metric.treat_missing_data),
    }
}
