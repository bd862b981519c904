//! Putting and getting metric data.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::Timestamp;

use super::super::{AwsError, Cloud, Service};
use super::asked::METRICS_MAX;
use super::math::{Expression, Series};
use super::stats::{Bucket, Stat};
use super::{Datum, MetricDatum, MetricKey, Stored};

/// What is asked of metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetMetricData {
    /// The queries, each with an id of its own.
    pub queries: Vec<MetricDataQuery>,
    /// From when.
    pub from: Timestamp,
    /// Until when, not included.
    pub until: Timestamp,
    /// Where a former answer ended.
    pub next_token: Option<String>,
    /// The most datapoints of an answer; 100800 when not given, and never more.
    pub max_datapoints: Option<usize>,
    /// Whether the oldest come first; AWS begins with the newest.
    pub ascending: bool,
}

/// A query: a statistic of a metric, or an expression over others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricDataQuery {
    /// Its id.
    pub id: String,
    /// The statistic.
    pub stat: Option<MetricStat>,
    /// The expression.
    pub expression: Option<String>,
    /// The label; the id or the metric's name when not given.
    pub label: Option<String>,
    /// Whether it is answered, rather than only used by others.
    pub return_data: bool,
}

/// A statistic of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricStat {
    /// The metric.
    pub key: MetricKey,
    /// The length of a period, in seconds.
    pub period_seconds: u32,
    /// `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, `p95`.
    pub stat: String,
}

/// How complete a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCode {
    /// `Complete`.
    Complete,
    /// `PartialData`.
    PartialData,
    /// `InternalError`.
    InternalError,
    /// `Forbidden`.
    Forbidden,
}

impl StatusCode {
    /// Returns it as CloudWatch writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "Complete",
            Self::PartialData => "PartialData",
            Self::InternalError => "InternalError",
            Self::Forbidden => "Forbidden",
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricData {
    /// A result for each query that is answered.
    pub results: Vec<MetricDataResult>,
    /// Where it goes on.
    pub next_token: Option<String>,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDataResult {
    /// The query's id.
    pub id: String,
    /// The label.
    pub label: String,
    /// The beginnings of the periods.
    pub timestamps: Vec<Timestamp>,
    /// Their values.
    pub values: Vec<f64>,
    /// How complete it is.
    pub status: StatusCode,
}

/// What goes wrong with a metric.
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    key: MetricKey,
    from: Timestamp,
    until: Timestamp,
    status: StatusCode,
}

impl Cloud {
    /// Makes queries of a metric fail during a span of time; `Complete` makes it silent: complete, and empty.
    /// `PartialData` leaves out the latter half of the periods, without a token to go on with.
    pub fn script_metric(
        &mut self,
        key: MetricKey,
        from: Timestamp,
        until: Timestamp,
        status: StatusCode,
    ) {
        self.cloudwatch.scripted.push(Scripted {
            key,
            from,
            until,
            status,
        });
    }

    /// CloudWatch: puts data.
    ///
    /// # Errors
    /// `InvalidParameterValue` for what cannot be put; nothing is put then.
    pub fn put_metric_data(
        &mut self,
        now: Timestamp,
        namespace: &str,
        data: &[MetricDatum],
    ) -> Result<(), AwsError> {
        self.call(Service::Other, "PutMetricData", namespace, now, |cloud| {
            if namespace.is_empty() || namespace.starts_with("AWS/") {
                let message = "The value AWS/ for parameter Namespace is invalid.";
                return Err(AwsError::bad("InvalidParameterValue", message));
            }
            if data.is_empty() || data.len() > METRICS_MAX {
                let message =
                    format!("The collection MetricData must have 1 to {METRICS_MAX} members.");
                return Err(AwsError::bad("InvalidParameterValue", message));
            }
            for datum in data {
                datum.check(now)?;
            }
            let visible_from = now.after(cloud.config.metric_lag);
            for datum in data {
                let key = MetricKey {
                    namespace: namespace.to_owned(),
                    name: datum.name.clone(),
                    dimensions: datum.dimensions.clone(),
                };
                cloud
                    .cloudwatch
                    .metrics
                    .entry(key)
                    .or_default()
                    .push(Stored {
                        at: datum.timestamp.unwrap_or(now),
                        visible_from,
                        datum: datum.datum.clone(),
                    });
            }
            Ok(())
        })
    }

    /// CloudWatch: gets data.
    ///
    /// # Errors
    /// `ValidationError` for what cannot be asked, `InvalidNextToken`.
    pub fn get_metric_data(
        &mut self,
        now: Timestamp,
        input: &GetMetricData,
    ) -> Result<MetricData, AwsError> {
        self.call(Service::Other, "GetMetricData", "", now, |cloud| {
            let expressions = input.check()?;
            let mut results = cloud.results(now, input, &expressions);
            if !input.ascending {
                for result in &mut results {
                    result.timestamps.reverse();
                    result.values.reverse();
                }
            }
            input.page(results)
        })
    }

    /// Returns everything that was put of a metric, in the order in which it was put.
    pub fn put_data(&self, key: &MetricKey) -> Vec<(Timestamp, Datum)> {
        let stored = self.cloudwatch.metrics.get(key);
        let stored = stored.into_iter().flatten();
        stored
            .map(|stored| (stored.at, stored.datum.clone()))
            .collect()
    }

    fn results(
        &self,
        now: Timestamp,
        input: &GetMetricData,
        expressions: &BTreeMap<&str, Expression>,
    ) -> Vec<MetricDataResult> {
        let mut series: BTreeMap<&str, Series> = BTreeMap::new();
        let mut statuses: BTreeMap<&str, StatusCode> = BTreeMap::new();
        let mut grid = BTreeSet::new();
        for query in &input.queries {
            if let Some(stat) = &query.stat {
                let (found, status, starts) = self.measured(stat, input.from, input.until, now);
                grid.extend(starts);
                series.insert(&query.id, found);
                statuses.insert(&query.id, status);
            }
        }
        let grid: Vec<i64> = grid.into_iter().collect();
        // An expression may name another that stands behind it; as many rounds as there are settle all.
        for _ in expressions {
            for (id, expression) in expressions {
                let known: BTreeMap<&str, &Series> =
                    series.iter().map(|(id, found)| (*id, found)).collect();
                if let Some(found) = expression.evaluate(&known, &grid) {
                    let worst = expression
                        .ids()
                        .into_iter()
                        .filter_map(|id| statuses.get(id).copied());
                    let worst = worst.max_by_key(|status| *status as u8);
                    statuses.insert(id, worst.unwrap_or(StatusCode::Complete));
                    series.insert(id, found);
                }
            }
        }
        let answered = input.queries.iter().filter(|query| query.return_data);
        answered
            .map(|query| {
                let found = series.remove(query.id.as_str()).unwrap_or_default();
                MetricDataResult {
                    id: query.id.clone(),
                    label: query.label(),
                    timestamps: found
                        .keys()
                        .map(|at| Timestamp::from_unix_millis(*at))
                        .collect(),
                    values: found.into_values().collect(),
                    status: statuses
                        .get(query.id.as_str())
                        .copied()
                        .unwrap_or(StatusCode::Complete),
                }
            })
            .collect()
    }

    /// Returns a statistic over periods, how complete it is, and the beginnings of all periods.
    fn measured(
        &self,
        stat: &MetricStat,
        from: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> (Series, StatusCode, Vec<i64>) {
        let period = i64::from(stat.period_seconds.max(1)) * 1000;
        let until = until.unix_millis();
        let mut starts = Vec::new();
        let mut next = from.unix_millis().div_euclid(period) * period;
        while next < until {
            starts.push(next);
            next += period;
        }
        let scripted = self.cloudwatch.scripted.iter().find(|scripted| {
            scripted.key == stat.key && (scripted.from..scripted.until).contains(&now)
        });
        let shown = match scripted.map(|scripted| scripted.status) {
            None => starts.len(),
            Some(StatusCode::PartialData) => starts.len() / 2,
            Some(_) => 0,
        };
        let parsed = Stat::parse(&stat.stat);
        let value = |start: &i64| {
            let bucket = self.bucket(&stat.key, *start, (*start + period).min(until), now);
            Some((*start, bucket.stat(parsed?)?))
        };
        let series = starts.iter().take(shown).filter_map(value).collect();
        let status = scripted.map_or(StatusCode::Complete, |scripted| scripted.status);
        (series, status, starts)
    }

    /// Gathers the datapoints of a metric from `start` until `end`, in milliseconds, as they can be seen at a moment.
    pub(super) fn bucket(&self, key: &MetricKey, start: i64, end: i64, now: Timestamp) -> Bucket {
        let mut bucket = Bucket::default();
        for stored in self.cloudwatch.metrics.get(key).into_iter().flatten() {
            let within = (start..end).contains(&stored.at.unix_millis());
            if within && stored.visible_from <= now {
                bucket.put(&stored.datum);
            }
        }
        let seen_until = now
            .unix_millis()
            .saturating_sub(millis(self.config.metric_lag));
        self.gather_traffic(key, start, end.min(seen_until), &mut bucket);
        self.gather_dms(key, start, end.min(seen_until), &mut bucket);
        bucket
    }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
