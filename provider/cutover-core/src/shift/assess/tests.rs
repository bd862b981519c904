use proptest::prelude::*;

use super::super::gates::{Datapoints, Limit, Part, Point, Reading, SeriesId};
use super::*;

const MINUTE: i64 = 60_000;

/// Begins at minute 0; `minutes` later it is judged.
fn after_minutes(minutes: i64) -> Frame {
    let at = Timestamp::from_unix_millis;
    Frame {
        harm_from: at(0),
        bake_from: at(0),
        now: at(minutes * MINUTE),
    }
}

fn series(gate: &Gate, side: Side, part: Part, values: &[Option<f64>]) -> (SeriesId, Reading) {
    let points = values.iter().zip(0_i64..).filter_map(|(value, minute)| {
        value.map(|value| Point {
            start: Timestamp::from_unix_millis(minute * MINUTE),
            value,
        })
    });
    (
        SeriesId {
            gate: gate.name.clone(),
            side,
            part,
        },
        Reading::Points(points.collect()),
    )
}

/// A minute each: bad ones and all; `None` where nothing was reported.
type Minutes = Vec<(Option<f64>, Option<f64>)>;

fn minutes(percent: &[f64]) -> Minutes {
    percent
        .iter()
        .map(|percent| (Some(percent * 10.0), Some(1_000.0)))
        .collect()
}

fn readings(gate: &Gate, new: &Minutes, old: Option<&Minutes>) -> Readings {
    let mut readings = Readings::default();
    for (side, minutes) in [(Side::New, Some(new)), (Side::Old, old)] {
        let Some(minutes) = minutes else { continue };
        let bad: Vec<_> = minutes.iter().map(|minute| minute.0).collect();
        let total: Vec<_> = minutes.iter().map(|minute| minute.1).collect();
        readings.series.extend([
            series(gate, side, Part::Bad, &bad),
            series(gate, side, Part::Total, &total),
        ]);
    }
    readings
}

/// Above 5 % for five minutes.
fn error_rate() -> Gate {
    Gate {
        sustained: Duration::from_mins(5),
        missing: Missing::Zero,
        ..Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05))
    }
}

fn judge(gate: &Gate, new: &Minutes, at_minute: i64) -> Assessment {
    assess(
        std::slice::from_ref(gate),
        &readings(gate, new, None),
        after_minutes(at_minute),
    )
    .remove(0)
}

fn is_breached(assessment: &Assessment) -> bool {
    matches!(assessment.verdict, Verdict::Breached(_))
}

#[test]
fn five_minutes_above_the_limit_are_a_breach_as_soon_as_the_fifth_is_a_minute_old() {
    let spike = minutes(&[1.0, 6.0, 6.0, 6.0, 6.0, 6.0]);

    assert!(!is_breached(&judge(&error_rate(), &spike, 6)));

    let breached = judge(&error_rate(), &spike, 7);
    let Verdict::Breached(breach) = &breached.verdict else {
        panic!("{breached:?}")
    };
    assert_eq!(
        (breach.since.unix_millis(), breach.until.unix_millis()),
        (MINUTE, 6 * MINUTE)
    );
    assert_eq!(breach.value, Some(0.06));
}

/// F45
#[test]
fn one_healthy_minute_begins_the_count_again() {
    let nearly = minutes(&[6.0, 6.0, 6.0, 6.0, 1.0, 6.0, 6.0, 6.0, 6.0, 1.0, 1.0, 1.0]);

    for minute in 0..=20 {
        assert!(
            !is_breached(&judge(&error_rate(), &nearly, minute)),
            "minute {minute}"
        );
    }
}

/// F46
#[test]
fn exactly_the_limit_is_healthy() {
    assert_eq!(
        judge(&error_rate(), &minutes(&[5.0; 10]), 12).verdict,
        Verdict::Healthy
    );
}

/// F47
#[test]
fn a_missing_minute_neither_counts_nor_begins_again() {
    let mut spike = minutes(&[6.0; 6]);
    spike[2] = (None, None);

    assert!(!is_breached(&judge(
        &error_rate(),
        &spike[..5].to_vec(),
        10
    )));
    assert!(is_breached(&judge(&error_rate(), &spike, 10)));
}

/// F48
#[test]
fn one_failure_of_three_requests_says_nothing() {
    let gate = Gate {
        sustained: Duration::ZERO,
        ..error_rate()
    };

    assert_eq!(
        judge(&gate, &vec![(Some(1.0), Some(3.0))], 3).verdict,
        Verdict::Inconclusive(Lack::FewSamples)
    );
}

#[test]
fn too_few_samples_widen_the_window_up_to_ten_minutes() {
    let gate = Gate {
        sustained: Duration::ZERO,
        ..error_rate()
    };
    let thin = |failures| vec![(Some(failures), Some(12.0)); 9];

    assert_eq!(
        judge(&gate, &thin(0.0), 11).verdict,
        Verdict::Healthy,
        "nine minutes hold 108"
    );
    assert!(
        is_breached(&judge(&gate, &thin(1.0), 11)),
        "nine of 108 are above 5 %"
    );
    assert_eq!(
        judge(&gate, &vec![(Some(0.0), Some(9.0)); 30], 32).verdict,
        Verdict::Inconclusive(Lack::FewSamples)
    );
}

#[test]
fn a_burst_that_is_over_does_not_go_on_in_a_widened_window() {
    // One burst, then silence from failures: only its own minute breaches.
    let mut thin = vec![(Some(0.0), Some(30.0)); 12];
    thin[4].0 = Some(20.0);
    let gate = Gate {
        sustained: Duration::from_mins(2),
        ..error_rate()
    };

    assert!(!is_breached(&judge(&gate, &thin, 15)));
}

/// F35
#[test]
fn no_data_at_all_is_never_healthy() {
    let found = judge(
        &Gate {
            missing: Missing::Inconclusive,
            ..error_rate()
        },
        &vec![],
        30,
    );

    assert_eq!(found.verdict, Verdict::Inconclusive(Lack::NoData));
    assert_eq!(
        found.unjudged,
        Duration::from_mins(28),
        "every settled minute is left uncredited"
    );
}

/// F36
#[test]
fn no_traffic_at_night_is_inconclusive_and_divides_nothing_by_zero() {
    let silent = vec![(Some(0.0), Some(0.0)); 20];
    let absent = vec![(None, None); 20];

    assert_eq!(
        judge(&error_rate(), &silent, 22).verdict,
        Verdict::Inconclusive(Lack::FewSamples)
    );
    assert_eq!(
        judge(&error_rate(), &absent, 22).verdict,
        Verdict::Inconclusive(Lack::NoData)
    );
}

/// F37
#[test]
fn what_is_no_measurement_is_unreadable_and_order_does_not_matter() {
    for odd in [f64::NAN, f64::INFINITY, -1.0] {
        let mut spoiled = minutes(&[1.0; 5]);
        spoiled[4].0 = Some(odd);

        assert_eq!(
            judge(&error_rate(), &spoiled, 7).verdict,
            Verdict::Inconclusive(Lack::Unreadable),
            "{odd}"
        );
    }
    let gate = error_rate();
    let mut mixed = readings(&gate, &minutes(&[6.0; 8]), None);
    let before = assess(std::slice::from_ref(&gate), &mixed, after_minutes(20));
    for reading in mixed.series.values_mut() {
        let Reading::Points(points) = reading else {
            panic!("points were given")
        };
        points.reverse();
        let again = points[3];
        points.push(again);
    }

    assert_eq!(assess(&[gate], &mixed, after_minutes(20)), before);
}

/// F38
#[test]
fn a_point_that_comes_late_turns_a_past_minute_bad() {
    let before = minutes(&[6.0, 6.0, 1.0, 6.0, 6.0, 1.0, 1.0]);
    let after = minutes(&[6.0, 6.0, 7.0, 6.0, 6.0, 1.0, 1.0]);

    assert!(!is_breached(&judge(&error_rate(), &before, 9)));
    assert!(is_breached(&judge(&error_rate(), &after, 9)));
}

/// F39
#[test]
fn the_newest_minute_without_errors_is_not_credited_as_healthy() {
    // Four minutes breach, the fifth still fills and has no errors so far.
    let mut filling = minutes(&[6.0, 6.0, 6.0, 6.0, 0.0]);
    let young = judge(&error_rate(), &filling, 6);
    filling[4] = (Some(60.0), Some(1_000.0));

    assert!(!is_breached(&young));
    assert_eq!(
        young.verdict,
        Verdict::Inconclusive(Lack::Breaching),
        "the healthy half minute has not ended the run"
    );
    assert!(
        is_breached(&judge(&error_rate(), &filling, 6)),
        "as harm the same minute counts at once"
    );
    assert_eq!(
        judge(&error_rate(), &minutes(&[1.0]), 2).verdict,
        Verdict::Inconclusive(Lack::Young)
    );
}

/// F40
#[test]
fn what_could_not_be_read_is_an_error_and_no_measurement() {
    let gate = error_rate();
    let mut failed = readings(&gate, &minutes(&[9.0; 10]), None);
    let id = SeriesId {
        gate: gate.name.clone(),
        side: Side::New,
        part: Part::Bad,
    };
    failed
        .series
        .insert(id.clone(), Reading::Failed("InternalError".to_owned()));

    let judge = |readings: &Readings| {
        assess(std::slice::from_ref(&gate), readings, after_minutes(12))
            .remove(0)
            .verdict
    };

    assert_eq!(judge(&failed), Verdict::Blind("InternalError".to_owned()));
    failed.series.remove(&id);
    assert_eq!(
        judge(&failed),
        Verdict::Blind("the series was not read".to_owned())
    );
}

/// F43
#[test]
fn the_state_of_an_alarm_counts_and_its_absence_is_an_error() {
    let gate = |missing| Gate {
        missing,
        ..Gate::new("alarm", GateKind::Alarm, Limit::Max(0.0))
    };
    let judge = |gate: &Gate, reading: Option<AlarmReading>| {
        let alarms = reading
            .map(|reading| (gate.name.clone(), reading))
            .into_iter()
            .collect();
        assess(
            std::slice::from_ref(gate),
            &Readings {
                alarms,
                ..Readings::default()
            },
            after_minutes(10),
        )
        .remove(0)
    };
    let inconclusive = gate(Missing::Inconclusive);

    assert_eq!(
        judge(&inconclusive, Some(AlarmReading::Quiet)).verdict,
        Verdict::Healthy
    );
    assert_eq!(
        judge(&inconclusive, Some(AlarmReading::NoData)).verdict,
        Verdict::Inconclusive(Lack::NoData)
    );
    assert_eq!(
        judge(&gate(Missing::Healthy), Some(AlarmReading::NoData)).verdict,
        Verdict::Healthy
    );
    assert!(is_breached(&judge(
        &gate(Missing::Breaching { periods: 1 }),
        Some(AlarmReading::NoData)
    )));
    assert!(is_breached(&judge(
        &inconclusive,
        Some(AlarmReading::Alarm {
            since: Timestamp::from_unix_millis(0)
        })
    )));
    for reading in [
        None,
        Some(AlarmReading::Failed("EVALUATION_FAILURE".to_owned())),
    ] {
        assert!(matches!(
            judge(&inconclusive, reading).verdict,
            Verdict::Blind(_)
        ));
    }
}

/// F49
#[test]
fn a_fault_of_both_sides_is_told_apart_from_one_of_new() {
    let gate = Gate {
        with_old: true,
        ..error_rate()
    };
    let judge = |old: &[f64]| {
        let readings = readings(&gate, &minutes(&[8.0; 6]), Some(&minutes(old)));
        match assess(std::slice::from_ref(&gate), &readings, after_minutes(10))
            .remove(0)
            .verdict
        {
            Verdict::Breached(breach) => (breach.shared, breach.worse_than_old),
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(judge(&[1.0; 6]), (false, true));
    assert_eq!(judge(&[8.0; 6]), (true, false));
    assert_eq!(
        judge(&[6.0; 6]),
        (true, true),
        "8 is worse than 6 by more than a fifth"
    );
}

#[test]
fn so_many_of_the_last_so_many() {
    let gate = Gate {
        datapoints: Some(Datapoints {
            breaching: 3,
            of: 5,
        }),
        ..error_rate()
    };

    assert!(is_breached(&judge(
        &gate,
        &minutes(&[6.0, 1.0, 6.0, 1.0, 6.0]),
        10
    )));
    assert!(!is_breached(&judge(
        &gate,
        &minutes(&[6.0, 1.0, 1.0, 6.0, 1.0, 6.0]),
        10
    )));
}

#[test]
fn availability_is_judged_over_its_window() {
    let gate = Gate {
        window_periods: 5,
        samples_min: 1_000,
        missing: Missing::Zero,
        ..Gate::new("availability", GateKind::Remainder, Limit::Min(0.999))
    };
    let minutes = |bad: f64| vec![(Some(bad), Some(400.0)); 6];

    assert_eq!(
        judge(&gate, &minutes(0.4), 8).verdict,
        Verdict::Healthy,
        "99.9 % exactly"
    );
    assert!(is_breached(&judge(&gate, &minutes(0.5), 8)));
}

#[test]
fn a_validator_that_says_nothing_for_three_minutes_is_a_breach() {
    let gate = Gate {
        missing: Missing::Breaching { periods: 3 },
        ..Gate::new("consistency", GateKind::Count, Limit::Max(0.0))
    };
    let judge = |values: &[Option<f64>], at_minute| {
        let readings = Readings {
            series: [series(&gate, Side::New, Part::Value, values)].into(),
            ..Readings::default()
        };
        assess(
            std::slice::from_ref(&gate),
            &readings,
            after_minutes(at_minute),
        )
        .remove(0)
    };

    assert_eq!(judge(&[Some(0.0); 5], 7).verdict, Verdict::Healthy);
    assert!(!is_breached(&judge(&[Some(0.0), None, None, Some(0.0)], 6)));
    assert!(is_breached(&judge(&[Some(0.0), None, None, None], 6)));
    assert!(is_breached(&judge(&[Some(0.0), Some(1.0)], 3)));
}

#[test]
fn a_gate_is_silent_during_its_initial_delay() {
    let gate = Gate {
        initial_delay: Duration::from_mins(10),
        ..error_rate()
    };

    assert!(!is_breached(&judge(&gate, &minutes(&[9.0; 10]), 20)));
    assert!(is_breached(&judge(&gate, &minutes(&[9.0; 15]), 20)));
}

proptest! {
    /// Invariant (g), and that nothing panics: a verdict depends on the points alone, and not on their order.
    #[test]
    fn a_verdict_is_a_function_of_the_points(
        points in prop::collection::vec((0_i64..30, prop_oneof![4 => 0.0..100.0_f64, 1 => Just(f64::NAN), 1 => Just(-1.0)]), 0..60),
        swap: prop::sample::Index, minute in 0_i64..40,
    ) {
        let gate = error_rate();
        let total = vec![Some(100.0); 30];
        let make = |points: &[(i64, f64)]| {
            let points = points.iter().map(|(minute, value)| Point { start: Timestamp::from_unix_millis(minute * MINUTE), value: *value });
            let bad = (SeriesId { gate: "errorRate".to_owned(), side: Side::New, part: Part::Bad }, Reading::Points(points.collect()));
            Readings { series: [bad, series(&gate, Side::New, Part::Total, &total)].into(), ..Readings::default() }
        };
        let mut turned = points.clone();
        if !turned.is_empty() {
            let middle = swap.index(turned.len());
            turned.rotate_left(middle);
        }

        let gates = [gate.clone()];
        prop_assert_eq!(assess(&gates, &make(&points), after_minutes(minute)), assess(&gates, &make(&turned), after_minutes(minute)));
    }

    /// F45: below the limit in every fifth minute at the latest, it never breaches.
    #[test]
    fn no_five_minutes_no_breach(percents in prop::collection::vec(0.0..20.0_f64, 40), healthy in prop::collection::vec(1_usize..5, 20)) {
        let mut percents = percents;
        let mut at = 0;
        for gap in healthy {
            at += gap;
            if let Some(percent) = percents.get_mut(at) { *percent = 1.0; }
        }
        percents.truncate(at.min(40));

        for minute in 0..45 {
            prop_assert!(!is_breached(&judge(&error_rate(), &minutes(&percents), minute)));
        }
    }
}
