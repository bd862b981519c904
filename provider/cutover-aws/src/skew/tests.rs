use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cutover_core::shift::sources::{Metric, Query};
use cutover_driver::{HostedZones as _, Metrics as _, SystemClock};
use serde_json::json;
use tokio::time::Instant;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;
use crate::testing::{Log, cbor, through};
use crate::{AwsHostedZones, AwsMetrics, Sdk};

/// A clock that is wrong by so many milliseconds.
#[derive(Debug)]
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(SystemClock.now().unix_millis() + self.0)
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        Box::pin(tokio::time::sleep(at.since(self.now())))
    }
}

fn date_in(millis: i64) -> String {
    let moment = DateTime::from_millis(SystemClock.now().unix_millis() + millis);
    moment.fmt(Format::HttpDate).unwrap()
}

/// An SDK whose every call finds nothing, answered with this `Date`.
fn dated(clock: impl Clock + 'static, date: Option<&str>) -> (Sdk, Log) {
    let body = "<ErrorResponse><Error><Code>NoSuchHostedZone</Code></Error></ErrorResponse>";
    through(Arc::new(clock), date, |sent| {
        if sent.operation == "GetMetricData" {
            (200, cbor(&json!({ "MetricDataResults": [] })))
        } else {
            (404, body.as_bytes().to_vec())
        }
    })
}

async fn ask(sdk: &Sdk) {
    AwsHostedZones::new(sdk).fetch_zone("Z1").await.unwrap();
}

/// F53
#[tokio::test]
async fn the_date_of_an_answer_tells_how_far_the_services_are_ahead() {
    for ahead_seconds in [300, 0, -300] {
        let (sdk, _) = dated(SystemClock, Some(&date_in(ahead_seconds * 1000)));
        let clock = sdk.service_clock();
        let before = off_by(&clock);

        ask(&sdk).await;

        assert!((-100..=100).contains(&before), "nobody has answered yet");
        let off = off_by(&clock) - ahead_seconds * 1000;
        assert!((-2000..=2000).contains(&off), "{off}");
    }
}

#[tokio::test]
async fn an_answer_without_a_date_that_can_be_read_tells_nothing() {
    for date in [None, Some("yesterday")] {
        let (sdk, _) = dated(Wrong(300_000), date);
        ask(&sdk).await;

        let off = off_by(&sdk.service_clock());

        assert!((299_900..=300_100).contains(&off), "{off}");
    }
}

/// F53
#[tokio::test]
async fn what_is_measured_ends_at_the_time_of_the_services_whatever_the_clock_here_says() {
    for wrong_by in [300_000, -300_000] {
        let (sdk, log) = dated(Wrong(wrong_by), Some(&date_in(0)));
        let clock = sdk.service_clock();
        assert_eq!(off_by(&clock) / 10_000, wrong_by / 10_000);
        ask(&sdk).await;
        let query = Query {
            metric: Metric {
                namespace: "Pay".to_owned(),
                name: "failures".to_owned(),
                dimensions: [].into(),
                stat: "Sum".to_owned(),
            },
            period_seconds: 60,
        };

        let now = clock.now();
        let from = Timestamp::from_unix_millis(now.unix_millis() - 600_000);
        let metrics = AwsMetrics::new(&sdk);
        metrics.fetch_series(&[query], from, now).await.unwrap();

        let asked = log.lock().unwrap().last().unwrap().cbor();
        let end = asked["EndTime"].as_str().unwrap()[1..].parse::<f64>();
        let service = SystemClock.now().since(Timestamp::default()).as_secs_f64();
        assert!((end.unwrap() - service).abs() <= 10.0, "{asked}");
    }
}

fn off_by(clock: &ServiceClock) -> i64 {
    clock.now().unix_millis() - SystemClock.now().unix_millis()
}

#[tokio::test]
async fn a_difference_that_means_nothing_is_not_added() {
    let (sdk, _) = dated(SystemClock, Some(&date_in(0)));
    let clock = sdk.service_clock();
    ask(&sdk).await;

    let before = SystemClock.now();
    let now = clock.now();

    assert!(before <= now && now <= SystemClock.now());
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_as_long_as_asked_for_whatever_is_learned_meanwhile() {
    let (sdk, _) = dated(Wrong(300_000), Some(&date_in(0)));
    let clock = sdk.service_clock();
    let began = Instant::now();
    let wait = clock.sleep_until(clock.now().after(Duration::from_secs(100)));
    // The answer comes while it is waited.
    ask(&sdk).await;
    wait.await;
    let first = began.elapsed();
    clock
        .sleep_until(clock.now().after(Duration::from_secs(100)))
        .await;

    for waited in [first, began.elapsed().saturating_sub(first)] {
        let spread = Duration::from_secs(99)..Duration::from_secs(102);
        assert!(spread.contains(&waited), "{waited:?}");
    }
}

/// Counts warnings.
struct Warnings(Arc<AtomicU32>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target().starts_with("cutover_aws")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn warnings_of(wrong_by: i64) -> u32 {
    let count = Arc::new(AtomicU32::new(0));
    let _guard = tracing::subscriber::set_default(Warnings(Arc::clone(&count)));
    let (sdk, _) = dated(Wrong(wrong_by), Some(&date_in(0)));
    let clock = sdk.service_clock();
    ask(&sdk).await;
    for _ in 0..3 {
        clock.now();
    }
    count.load(Ordering::Relaxed)
}

/// F53
#[tokio::test]
async fn a_clock_that_is_wrong_by_more_than_half_a_minute_is_told_once() {
    assert_eq!(warnings_of(300_000).await, 1);
    assert_eq!(warnings_of(-300_000).await, 1);
    assert_eq!(warnings_of(20_000).await, 0);
}
