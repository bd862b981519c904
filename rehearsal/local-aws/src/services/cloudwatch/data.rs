//! Data of metrics.

use cutover_sim::cloud::{
    Cloud, Datum, GetMetricData, MetricDataQuery, MetricDataResult, MetricDatum, MetricKey,
    MetricStat,
};
use serde::{Deserialize, Serialize};

use super::{Dimension, read_dimensions};
use crate::answer::Answer;
use crate::moments::{self, CborMoment};
use crate::refusal::Refusal;
use crate::services::{Call, Nothing, answer_cbor};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    namespace: String,
    #[serde(default)]
    metric_data: Vec<PutDatum>,
    entity_metric_data: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutDatum {
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<CborMoment>,
    value: Option<f64>,
    statistic_values: Option<StatisticSet>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatisticSet {
    sample_count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    #[serde(default)]
    metric_data_queries: Vec<GetQuery>,
    start_time: CborMoment,
    end_time: CborMoment,
    next_token: Option<String>,
    scan_by: Option<String>,
    max_datapoints: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQuery {
    id: String,
    metric_stat: Option<GetStat>,
    expression: Option<String>,
    label: Option<String>,
    return_data: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetStat {
    metric: GetMetric,
    period: u32,
    stat: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetric {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    metric_data_results: Vec<GotResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GotResult {
    id: String,
    label: String,
    timestamps: Vec<CborMoment>,
    values: Vec<f64>,
    status_code: &'static str,
}

pub(super) fn put(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Put = call.cbor()?;
    if input.entity_metric_data.is_some() {
        let message = "EntityMetricData is not supported here";
        return Err(Refusal::sender("InvalidParameterValue", message));
    }
    let data = input.metric_data.into_iter().map(read_datum);
    let data = data.collect::<Result<Vec<_>, _>>()?;
    cloud.put_metric_data(call.now, &input.namespace, &data)?;
    Ok(answer_cbor(&Nothing {}))
}

pub(super) fn get(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Get = call.cbor()?;
    let queries = input.metric_data_queries.into_iter().map(read_query);
    let ascending = match input.scan_by.as_deref() {
        Some("TimestampAscending") => true,
        Some("TimestampDescending") | None => false,
        Some(other) => {
            let message = format!("ScanBy cannot be {other}");
            return Err(Refusal::sender("ValidationError", message));
        }
    };
    let asked = GetMetricData {
        queries: queries.collect::<Result<_, _>>()?,
        from: moments::from_seconds(input.start_time.0),
        until: moments::from_seconds(input.end_time.0),
        next_token: input.next_token,
        max_datapoints: input.max_datapoints,
        ascending,
    };
    let found = cloud.get_metric_data(call.now, &asked)?;
    Ok(answer_cbor(&Got {
        metric_data_results: found.results.into_iter().map(render_result).collect(),
        next_token: found.next_token,
    }))
}

fn read_datum(datum: PutDatum) -> Result<MetricDatum, Refusal> {
    Ok(MetricDatum {
        timestamp: datum.timestamp.map(|at| moments::from_seconds(at.0)),
        unit: datum.unit.clone(),
        name: datum.metric_name.clone(),
        datum: read_value(&datum)?,
        dimensions: read_dimensions(datum.dimensions)?,
    })
}

/// Reads what a datapoint says, which stands in one of three places.
fn read_value(datum: &PutDatum) -> Result<Datum, Refusal> {
    match (datum.value, &datum.statistic_values, &datum.values) {
        (Some(value), None, None) => Ok(Datum::Value(value)),
        (None, Some(set), None) => Ok(Datum::Statistics {
            count: set.sample_count,
            sum: set.sum,
            minimum: set.minimum,
            maximum: set.maximum,
        }),
        (None, None, Some(values)) => read_values(values, datum.counts.as_deref()),
        (None, None, None) => {
            let message =
                "At least one of the parameters Value, Values, StatisticValues must be specified.";
            Err(Refusal::sender("MissingParameter", message))
        }
        _ => {
            let message =
                "The parameters Value, Values and StatisticValues are mutually exclusive.";
            Err(Refusal::sender("InvalidParameterCombination", message))
        }
    }
}

fn read_values(values: &[f64], counts: Option<&[f64]>) -> Result<Datum, Refusal> {
    if counts.is_some_and(|counts| counts.len() != values.len()) {
        let message = "The parameters Values and Counts must have the same number of members.";
        return Err(Refusal::sender("InvalidParameterValue", message));
    }
    let counts = counts.unwrap_or_default().iter().copied();
    let counts = counts.chain(std::iter::repeat(1.0));
    Ok(Datum::Values(values.iter().copied().zip(counts).collect()))
}

fn read_query(query: GetQuery) -> Result<MetricDataQuery, Refusal> {
    let stat = |stat: GetStat| {
        Ok::<_, Refusal>(MetricStat {
            key: MetricKey {
                namespace: stat.metric.namespace,
                name: stat.metric.metric_name,
                dimensions: read_dimensions(stat.metric.dimensions)?,
            },
            period_seconds: stat.period,
            stat: stat.stat,
        })
    };
    Ok(MetricDataQuery {
        id: query.id,
        stat: query.metric_stat.map(stat).transpose()?,
        expression: query.expression,
        label: query.label,
        return_data: query.return_data.unwrap_or(true),
    })
}

fn render_result(result: MetricDataResult) -> GotResult {
    GotResult {
        id: result.id,
        label: result.label,
        timestamps: result.timestamps.into_iter().map(moments::cbor).collect(),
        values: result.values,
        status_code: result.status.as_str(),
    }
}
