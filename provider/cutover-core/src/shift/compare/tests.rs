use super::super::gates::Point;
use super::*;

/// A small generator: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / 4_294_967_296.0
    }

    /// Draws how many of `total` go wrong: jumps from one failure to the next.
    fn failures(&mut self, total: f64, rate: f64) -> f64 {
        let (mut at, mut count) = (0.0, 0.0);
        loop {
            at += 1.0 + (self.next().max(1e-12).ln() / (1.0 - rate).ln()).floor();
            if at > total {
                return count;
            }
            count += 1.0;
        }
    }
}

fn false_alarms(bakes: u32, rate: f64, margin: f64) -> u32 {
    let levels: Vec<_> = (1..=LOOKS).map(level_of).collect();
    let mut dice = Dice(0x5eed_cafe);
    let mut alarms = 0;
    for _ in 0..bakes {
        let (mut new, mut old) = (
            Tally {
                bad: 0.0,
                total: 0.0,
            },
            Tally {
                bad: 0.0,
                total: 0.0,
            },
        );
        let mut failed = false;
        for level in &levels {
            for (tally, total) in [(&mut new, 500.0), (&mut old, 2_000.0)] {
                tally.bad += dice.failures(total, rate);
                tally.total += total;
            }
            failed |= judge_rates(new, old, margin, *level).0 == Judgement::Fail;
        }
        alarms += u32::from(failed);
    }
    alarms
}

/// F51
#[test]
fn of_ten_thousand_bakes_of_identical_sides_at_most_one_in_a_hundred_fails() {
    assert!(false_alarms(10_000, 0.02, 0.005) <= 100);
}

/// Without a margin every error of the bounds shows: four looks together still keep to their level of 1 %, within what
/// ten thousand draws can tell.
#[test]
fn four_looks_together_keep_to_one_level() {
    let alarms = false_alarms(10_000, 0.02, 0.0);

    assert!((50..=130).contains(&alarms), "{alarms}");
}

/// F52
#[test]
fn a_baseline_without_errors_decides_the_same_each_time() {
    let (new, old) = (
        Tally {
            bad: 2.0,
            total: 4_000.0,
        },
        Tally {
            bad: 0.0,
            total: 36_000.0,
        },
    );

    let judged = judge_rates(new, old, 0.005, level_of(LOOKS));

    assert_eq!(judged.0, Judgement::Pass, "{}", judged.1);
    assert_eq!(judged, judge_rates(new, old, 0.005, level_of(LOOKS)));
}

#[test]
fn twice_the_failures_are_seen_at_the_last_look_with_the_stated_samples() {
    close(samples_needed(0.01, 0.02, 9.0), 2_700.0, 30.0);

    let (new, old) = (
        Tally {
            bad: 160.0,
            total: 4_000.0,
        },
        Tally {
            bad: 360.0,
            total: 36_000.0,
        },
    );

    assert_eq!(
        judge_rates(new, old, 0.005, level_of(LOOKS)).0,
        Judgement::Fail
    );
    assert_eq!(
        judge_rates(
            new,
            Tally {
                bad: 0.0,
                total: 0.0
            },
            0.005,
            level_of(1)
        )
        .0,
        Judgement::Inconclusive
    );
}

fn close(value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{value} is not {expected}"
    );
}

#[test]
fn preview_says_what_a_bake_can_tell_and_how_long_it_should_be() {
    // 1,200 requests a minute in all, a tenth of them on new.
    let short = power(1_200.0, 0.1, Duration::from_mins(30), 0.01, 2.0);
    let long = power(1_200.0, 0.1, Duration::from_hours(1), 0.01, 2.0);

    assert_eq!(
        render_power(&short, 0.01),
        "to tell 1.00 % from 2.00 % this bake needs 5,389 requests on new; 3,600 expected: make it 45 min"
    );
    assert_eq!(
        render_power(&long, 0.01),
        "to tell 1.00 % from 2.00 % this bake needs 5,389 requests on new; 7,200 expected"
    );
    assert_eq!(
        power(0.0, 0.1, Duration::from_mins(30), 0.01, 2.0).bake_needed,
        None,
        "no traffic tells nothing, ever"
    );
}

fn minutes(
    side: Side,
    gate: &str,
    part: Part,
    values: impl IntoIterator<Item = f64>,
) -> (SeriesId, Reading) {
    let points = values
        .into_iter()
        .zip(0_i64..)
        .map(|(value, minute)| Point {
            start: Timestamp::from_unix_millis(minute * 60_000),
            value,
        });
    (
        SeriesId {
            gate: gate.to_owned(),
            side,
            part,
        },
        Reading::Points(points.collect()),
    )
}

fn compare_latency(factor_of_new: f64, minutes_of_bake: u32) -> Judgement {
    let wave = |minute: u32| 0.2 + f64::from(minute % 7) / 50.0;
    let side = |side, factor: f64| {
        minutes(
            side,
            "latency",
            Part::Value,
            (0..minutes_of_bake).map(move |minute| wave(minute) * factor),
        )
    };
    let readings = Readings {
        series: [side(Side::New, factor_of_new), side(Side::Old, 1.0)].into(),
        ..Readings::default()
    };
    let until = Timestamp::from_unix_millis(86_400_000);
    compare(
        &Comparison::of_latency("latency"),
        &readings,
        Timestamp::default(),
        until,
        LOOKS,
        2.0,
    )
    .judgement
}

#[test]
fn latency_fails_only_when_it_is_both_real_and_large() {
    assert_eq!(compare_latency(1.5, 30), Judgement::Fail);
    assert_eq!(
        compare_latency(1.1, 30),
        Judgement::Pass,
        "real, and too small to matter"
    );
    assert_eq!(
        compare_latency(1.5, 19),
        Judgement::Inconclusive,
        "too few minutes"
    );
}

#[test]
fn what_is_not_a_count_is_left_out_of_a_comparison() {
    let bad = [1.0, f64::NAN, 2.0, 1.0].into_iter();
    let total = [1_000.0, f64::INFINITY, 1_000.0, -5.0].into_iter();
    let mut readings = Readings::default();
    for side in [Side::New, Side::Old] {
        readings.series.extend([
            minutes(side, "errors", Part::Bad, bad.clone()),
            minutes(side, "errors", Part::Total, total.clone()),
        ]);
    }
    let until = Timestamp::from_unix_millis(600_000);

    let compared = compare(
        &Comparison::of_rates("errors"),
        &readings,
        Timestamp::default(),
        until,
        LOOKS,
        1.0,
    );

    assert!(
        compared
            .figures
            .starts_with("new 0.150 % of 2000, old 0.150 % of 2000"),
        "{}",
        compared.figures
    );
}
