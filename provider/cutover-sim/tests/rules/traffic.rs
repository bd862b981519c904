//! Traffic that follows from the weights.

use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::gates::Side;
use cutover_sim::Cloud;
use cutover_sim::cloud::{
    Counted, GetMetricData, Incident, Measured, MetricDataQuery, MetricStat, Resolvers, Routed,
    SideProfile, TrafficModel,
};

use crate::{START, ZONE, cloud, create, make, member, minutes, seconds, upsert};

const APP: &str = "app.example.com";

fn model() -> TrafficModel {
    TrafficModel::new(
        START,
        Routed::Record {
            zone_id: ZONE.to_owned(),
            name: APP.to_owned(),
            record_type: "A".to_owned(),
            old: "old".to_owned(),
            new: "new".to_owned(),
        },
    )
}

fn shop(model: TrafficModel) -> Cloud {
    let mut cloud = cloud();
    // The answers of the beginning have spread when traffic begins.
    cloud.config.propagation = Duration::ZERO;
    make(
        &mut cloud,
        START,
        &[
            create(member(APP, "old", 100)),
            create(member(APP, "new", 0)),
        ],
    );
    cloud.config.propagation = Duration::from_secs(30);
    cloud.run_traffic(model);
    cloud
}

fn read(
    cloud: &mut Cloud,
    side: Side,
    counted: Counted,
    stat: &str,
    from: Timestamp,
    now: Timestamp,
) -> Vec<f64> {
    let all = Measured::all("Shop");
    let key = all
        .into_iter()
        .find(|it| it.side == side && it.counted == counted)
        .unwrap()
        .key;
    let stat = MetricStat {
        key,
        period_seconds: 60,
        stat: stat.to_owned(),
    };
    let input = GetMetricData {
        queries: vec![MetricDataQuery::of("m1", stat)],
        from,
        until: now,
        ascending: true,
        ..GetMetricData::default()
    };
    cloud
        .get_metric_data(now, &input)
        .unwrap()
        .results
        .remove(0)
        .values
}

#[test]
fn requests_follow_the_answers_as_resolvers_forget_the_former_ones() {
    let mut cloud = shop(model());
    make(
        &mut cloud,
        minutes(5),
        &[
            upsert(member(APP, "old", 50)),
            upsert(member(APP, "new", 50)),
        ],
    );

    let new = read(
        &mut cloud,
        Side::New,
        Counted::Requests,
        "Sum",
        START,
        minutes(9),
    );

    // Answered from 5:30 on, and kept for a minute.
    assert_eq!(new[..5], [0.0; 5]);
    assert!(new[5] > 0.0 && new[5] < 700.0, "{new:?}");
    assert!(new[6] > new[5] && new[6] < 3000.0, "{new:?}");
    assert!((2990.0..=3010.0).contains(&new[7]), "{new:?}");
}

#[test]
fn sticky_clients_stay_where_they_were() {
    let mut cloud = shop(TrafficModel {
        resolvers: Resolvers {
            ttl: Duration::from_mins(1),
            sticky_share: 0.2,
            sticky_for: Duration::from_mins(8),
        },
        ..model()
    });
    make(
        &mut cloud,
        minutes(1),
        &[
            upsert(member(APP, "old", 0)),
            upsert(member(APP, "new", 100)),
        ],
    );

    let old = read(
        &mut cloud,
        Side::Old,
        Counted::Requests,
        "Sum",
        START,
        minutes(12),
    );

    assert!((400.0..1300.0).contains(&old[4]), "{old:?}");
    assert!(old[11] < 10.0, "{old:?}");
}

#[test]
fn an_incident_shows_in_errors_payments_and_latency_of_its_side_and_time_alone() {
    let bad = SideProfile {
        error_rate: 0.06,
        payment_failure_rate: 0.5,
        latency_p95: Duration::from_millis(900),
    };
    let mut cloud = shop(TrafficModel {
        incidents: vec![Incident {
            from: minutes(2),
            until: minutes(4),
            side: Side::Old,
            profile: bad,
        }],
        ..model()
    });

    let mut series = |counted, stat| read(&mut cloud, Side::Old, counted, stat, START, minutes(5));

    let errors = series(Counted::Errors, "Sum");
    assert!(
        errors[1] < 20.0 && errors[2] > 340.0 && errors[3] > 340.0 && errors[4] < 20.0,
        "{errors:?}"
    );
    let failed = series(Counted::FailedPayments, "Sum");
    assert!(failed[1] < 30.0 && failed[2] > 850.0, "{failed:?}");
    let latency: Vec<_> = series(Counted::Latency, "p95")
        .into_iter()
        .map(f64::round)
        .collect();
    assert_eq!(latency, [180.0, 180.0, 900.0, 900.0, 180.0]);
}

#[test]
fn a_period_that_still_fills_shows_what_has_come() {
    let mut cloud = shop(model());
    cloud.config.metric_lag = Duration::from_secs(30);

    let old = read(
        &mut cloud,
        Side::Old,
        Counted::Requests,
        "Sum",
        START,
        seconds(120),
    );

    assert_eq!(old, [6000.0, 3000.0]);
}

#[test]
fn what_has_passed_is_not_changed_by_a_later_incident() {
    let mut cloud = shop(model());
    let before = read(
        &mut cloud,
        Side::Old,
        Counted::Errors,
        "Sum",
        START,
        minutes(5),
    );
    cloud.add_incident(
        minutes(5),
        Incident {
            from: START,
            until: minutes(60),
            side: Side::Old,
            profile: SideProfile {
                error_rate: 1.0,
                payment_failure_rate: 1.0,
                latency_p95: Duration::from_secs(9),
            },
        },
    );

    let after = read(
        &mut cloud,
        Side::Old,
        Counted::Errors,
        "Sum",
        START,
        minutes(6),
    );

    assert_eq!(after[..5], before);
    assert!(after[5] > 5999.0, "{after:?}");
}

#[test]
fn the_same_seed_makes_the_same_traffic() {
    let run = |seed| {
        let mut cloud = shop(TrafficModel {
            scattered: true,
            ..model()
        });
        cloud.config.seed = seed;
        read(
            &mut cloud,
            Side::Old,
            Counted::Errors,
            "Sum",
            START,
            minutes(30),
        )
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn scattered_counts_scatter_like_independent_events() {
    let mut cloud = shop(TrafficModel {
        scattered: true,
        ..model()
    });
    let errors = read(
        &mut cloud,
        Side::Old,
        Counted::Errors,
        "Sum",
        START,
        minutes(2000),
    );
    let count = errors.iter().map(|_| 1.0).sum::<f64>();
    let mean = errors.iter().sum::<f64>() / count;
    let variance = errors.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;

    // Expected 12 a minute; the standard errors are about 0.08 and 0.4.
    assert!((mean - 12.0).abs() < 0.4, "{mean}");
    assert!((variance - 12.0).abs() < 2.0, "{variance}");
}
