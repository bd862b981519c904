//! Series of metrics, put together from the pages of an answer.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{MetricDataResult, StatusCode};
use cutover_core::Timestamp;
use cutover_core::shift::gates::{Point, Reading};

/// What came so far, by the ids of queries.
#[derive(Debug, Default)]
pub(crate) struct Collected(BTreeMap<String, Series>);

#[derive(Debug, Default)]
struct Series {
    points: Vec<Point>,
    /// Whether everything came.
    complete: bool,
    /// Why it is no measurement; the first reason counts.
    failed: Option<String>,
}

impl Collected {
    /// Adds what a page says of one query. Only what the service calls complete is.
    pub(crate) fn add(&mut self, result: &MetricDataResult) {
        let Some(id) = result.id() else { return };
        let series = self.0.entry(id.to_owned()).or_default();
        series.complete = result.status_code() == Some(&StatusCode::Complete);
        let reason = match result.status_code() {
            Some(StatusCode::Complete | StatusCode::PartialData) => None,
            Some(status) => Some(format!("`{status}`")),
            None => Some("the answer does not say whether it is complete".to_owned()),
        };
        let points = points_of(result);
        let reason = reason.or_else(|| {
            let (times, values) = (result.timestamps().len(), result.values().len());
            let unreadable = || format!("{values} values came for {times} moments");
            points.is_none().then(unreadable)
        });
        series.points.extend(points.unwrap_or_default());
        if series.failed.is_none() {
            series.failed = reason.map(|reason| with_messages(reason, result));
        }
    }

    /// Takes the reading of a query out; `ended` says whether the last page was read.
    pub(crate) fn take(&mut self, id: &str, ended: bool) -> Reading {
        match self.0.remove(id) {
            None => Reading::Failed("the answer lacks it".to_owned()),
            Some(Series {
                failed: Some(reason),
                ..
            }) => Reading::Failed(reason),
            Some(Series {
                complete: false, ..
            }) if ended => Reading::Failed("`PartialData` and no more to come".to_owned()),
            Some(Series {
                complete: false, ..
            }) => Reading::Failed("`PartialData` after as many pages as are read".to_owned()),
            Some(series) => Reading::Points(series.points),
        }
    }
}

/// The points of a page, in their order; `None` when moments and values do not belong together.
fn points_of(result: &MetricDataResult) -> Option<Vec<Point>> {
    let (times, values) = (result.timestamps(), result.values());
    if times.len() != values.len() {
        return None;
    }
    let point = |(time, value): (&aws_smithy_types::DateTime, &f64)| {
        let start = Timestamp::from_unix_millis(time.to_millis().ok()?);
        Some(Point {
            start,
            value: *value,
        })
    };
    times.iter().zip(values).map(point).collect()
}

fn with_messages(reason: String, result: &MetricDataResult) -> String {
    let said = result
        .messages()
        .iter()
        .filter_map(|message| message.value());
    said.fold(reason, |text, said| format!("{text}: {said}"))
}
