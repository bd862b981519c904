//! What can be asked of metrics and put into them, and how an answer is cut into pages.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::Timestamp;

use super::super::{AwsError, mix};
use super::data::{
    GetMetricData, MetricData, MetricDataQuery, MetricDataResult, MetricStat, StatusCode,
};
use super::math::Expression;
use super::stats::Stat;
use super::{Datum, MetricDatum};

/// The most datapoints and queries of a call: AWS's limits.
const DATAPOINTS_MAX: usize = 100_800;
const QUERIES_MAX: usize = 500;

/// The most metrics of a call that puts data, and dimensions of a metric: AWS's limits.
pub(super) const METRICS_MAX: usize = 1000;
const DIMENSIONS_MAX: usize = 30;

/// How far back and ahead data may be put, in milliseconds: AWS's limits, two weeks and two hours.
const BACK_MAX: i64 = 14 * 24 * 3_600_000;
const AHEAD_MAX: i64 = 2 * 3_600_000;

impl MetricDataQuery {
    /// Makes a query of a statistic that is answered.
    pub fn of(id: &str, stat: MetricStat) -> Self {
        Self {
            id: id.to_owned(),
            stat: Some(stat),
            return_data: true,
            ..Self::default()
        }
    }

    pub(super) fn label(&self) -> String {
        let name = self.stat.as_ref().map(|stat| &stat.key.name);
        self.label.as_ref().or(name).unwrap_or(&self.id).clone()
    }
}

impl GetMetricData {
    /// Checks what is asked; returns the expressions by the ids of their queries.
    pub(super) fn check(&self) -> Result<BTreeMap<&str, Expression>, AwsError> {
        let invalid = |message: String| Err(AwsError::bad("ValidationError", message));
        if self.from >= self.until {
            return invalid(
                "The parameter StartTime must be less than the parameter EndTime.".to_owned(),
            );
        }
        if self.queries.is_empty() || self.queries.len() > QUERIES_MAX {
            return invalid(format!(
                "The parameter MetricDataQueries must have 1 to {QUERIES_MAX} members."
            ));
        }
        let ids: BTreeSet<&str> = self.queries.iter().map(|query| query.id.as_str()).collect();
        if ids.len() != self.queries.len() {
            return invalid("The ids of metric data queries must be unique.".to_owned());
        }
        if !self.queries.iter().any(|query| query.return_data) {
            return invalid("At least one query must return data.".to_owned());
        }
        let mut expressions = BTreeMap::new();
        for query in &self.queries {
            let name_is_right = query.id.starts_with(|c: char| c.is_ascii_lowercase())
                && query
                    .id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !name_is_right {
                return invalid(format!(
                    "The id {:?} must begin with a lower-case letter.",
                    query.id
                ));
            }
            match (&query.stat, &query.expression) {
                (Some(stat), None) => stat.check()?,
                (None, Some(text)) => {
                    let parsed = Expression::parse(text).map_err(|why| {
                        AwsError::bad(
                            "ValidationError",
                            format!("Error in expression '{}': {why}", query.id),
                        )
                    })?;
                    if let Some(unknown) = parsed.ids().into_iter().find(|id| !ids.contains(id)) {
                        return invalid(format!(
                            "Error in expression '{}': {unknown} is not defined",
                            query.id
                        ));
                    }
                    expressions.insert(query.id.as_str(), parsed);
                }
                _ => {
                    return invalid(format!(
                        "The query {} must have either MetricStat or Expression.",
                        query.id
                    ));
                }
            }
        }
        Ok(expressions)
    }

    /// Cuts the page out of the results that the token leads to.
    pub(super) fn page(&self, results: Vec<MetricDataResult>) -> Result<MetricData, AwsError> {
        let token = |offset: usize| format!("{offset}-{:016x}", self.fingerprint(offset));
        let begin = match &self.next_token {
            None => 0,
            Some(given) => {
                let offset = given
                    .split('-')
                    .next()
                    .and_then(|offset| offset.parse().ok());
                let offset = offset.filter(|offset| token(*offset) == *given);
                offset.ok_or_else(|| {
                    AwsError::bad("InvalidNextToken", "The next token specified is invalid.")
                })?
            }
        };
        let most = self
            .max_datapoints
            .unwrap_or(DATAPOINTS_MAX)
            .clamp(1, DATAPOINTS_MAX);
        let end = begin + most;
        let (mut passed, mut paged) = (0, Vec::new());
        for mut result in results {
            let (first, last) = (passed, passed + result.values.len());
            passed = last;
            let (from, until) = (
                begin.clamp(first, last) - first,
                end.clamp(first, last) - first,
            );
            result.timestamps = result.timestamps.drain(from..until).collect();
            result.values = result.values.drain(from..until).collect();
            if end < last && result.status == StatusCode::Complete {
                result.status = StatusCode::PartialData;
            }
            paged.push(result);
        }
        Ok(MetricData {
            results: paged,
            next_token: (end < passed).then(|| token(end)),
        })
    }

    fn fingerprint(&self, offset: usize) -> u64 {
        let all = Self {
            next_token: None,
            ..self.clone()
        };
        let text = format!("{offset}{all:?}");
        text.bytes()
            .fold(0, |hash, byte| mix(hash ^ u64::from(byte)))
    }
}

impl MetricStat {
    pub(super) fn check(&self) -> Result<(), AwsError> {
        let invalid = |message: String| Err(AwsError::bad("ValidationError", message));
        let period = self.period_seconds;
        if !(matches!(period, 1 | 5 | 10 | 20 | 30) || (period >= 60 && period.is_multiple_of(60)))
        {
            return invalid(format!(
                "Period {period} must be 1, 5, 10, 20, 30 or a multiple of 60."
            ));
        }
        if Stat::parse(&self.stat).is_none() {
            return invalid(format!(
                "The value {} for parameter Stat is not valid.",
                self.stat
            ));
        }
        Ok(())
    }
}

impl MetricDatum {
    pub(super) fn check(&self, now: Timestamp) -> Result<(), AwsError> {
        let invalid = |message: &str| Err(AwsError::bad("InvalidParameterValue", message));
        if self.name.is_empty() || self.dimensions.len() > DIMENSIONS_MAX {
            return invalid("A metric needs a name and at most 30 dimensions.");
        }
        if self.dimensions.values().any(String::is_empty) {
            return invalid("The value of a dimension must not be empty.");
        }
        let numbers: Vec<f64> = match &self.datum {
            Datum::Value(value) => vec![*value],
            Datum::Values(values) => values
                .iter()
                .flat_map(|(value, count)| [*value, *count])
                .collect(),
            Datum::Statistics {
                count,
                sum,
                minimum,
                maximum,
            } => vec![*count, *sum, *minimum, *maximum],
        };
        if numbers.is_empty() || numbers.iter().any(|number| !number.is_finite()) {
            return invalid(
                "The parameter MetricData.member.1.Value must be a number, and neither NaN nor infinite.",
            );
        }
        let ahead = self
            .timestamp
            .map_or(0, |at| at.unix_millis() - now.unix_millis());
        if !(-BACK_MAX..=AHEAD_MAX).contains(&ahead) {
            return invalid("The timestamp is more than two weeks past or two hours ahead.");
        }
        Ok(())
    }
}
