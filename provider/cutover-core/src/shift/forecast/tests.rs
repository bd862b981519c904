use super::super::gates::{Point, payment_gates};
use super::super::given::{a_spec, with_steps};
use super::*;
use crate::Timestamp;

fn an_hour_of(gate: &str, side: Side, part: Part, value: f64) -> (SeriesId, Reading) {
    let id = SeriesId {
        gate: gate.to_owned(),
        side,
        part,
    };
    let point = |minute: i64| Point {
        start: Timestamp::from_unix_millis(minute.saturating_mul(60_000)),
        value,
    };
    (id, Reading::Points((0..60).map(point).collect()))
}

fn traffic(gate: &str, bad: f64, total: f64) -> BTreeMap<SeriesId, Reading> {
    BTreeMap::from([
        an_hour_of(gate, Side::Old, Part::Bad, bad),
        an_hour_of(gate, Side::Old, Part::Total, total),
    ])
}

fn lines(spec: &Spec, series: &BTreeMap<SeriesId, Reading>) -> Vec<String> {
    tellings(spec, series).iter().map(render_telling).collect()
}

fn by_rate() -> Gate {
    Gate::new("errorRate", GateKind::Ratio, Limit::Max(0.05))
}

#[test]
fn a_plan_costs_what_its_bakes_and_steps_cost() {
    let steps = [(10.0, Some(30)), (100.0, None)];
    let spec = with_steps(&steps, vec![by_rate()]);

    // In an hour: 120 looks at gates, 60 at the router and 12 renewals; half of it in each of two bakes, and 15 a step.
    assert_eq!(
        calls(&spec),
        Calls {
            all: 192 / 2 * 2 + 30,
            hour_max: 192
        }
    );
    assert_eq!(
        render_calls(calls(&spec)),
        "calls of AWS: about 222 in all, up to 192 in an hour of bake, 15 for each step"
    );
}

#[test]
fn alarms_and_the_kill_switch_are_read_by_calls_of_their_own() {
    let steps = [(10.0, Some(30)), (100.0, None)];
    let alarm = Gate::new("alarm", GateKind::Alarm, Limit::Max(0.0));
    let mut spec = with_steps(&steps, vec![by_rate(), alarm]);
    spec.policy.control_poll = Some(Duration::from_secs(10));

    assert_eq!(calls(&spec).hour_max, 192 + 120 + 360);
}

#[test]
fn a_step_without_gates_is_looked_at_for_changes_of_others_only() {
    let spec = with_steps(&[(10.0, Some(30)), (100.0, None)], Vec::new());

    assert_eq!(calls(&spec).hour_max, 72);
}

#[test]
fn bakes_tell_by_the_traffic_of_the_last_hour() {
    let steps = [(10.0, Some(30)), (50.0, Some(60)), (100.0, None)];
    let spec = with_steps(&steps, vec![by_rate()]);

    insta::assert_snapshot!(lines(&spec, &traffic("errorRate", 12.0, 6_000.0)).join("\n"), @"
    step 1, errorRate: to tell 0.20 % from 0.40 % this bake needs 27,373 requests on new; 18,000 expected: make it 46 min
    step 2, errorRate: to tell 0.20 % from 0.40 % this bake needs 38,921 requests on new; 180,000 expected
    ");
}

#[test]
fn without_any_failure_half_of_what_is_allowed_is_told_from_all_of_it() {
    let available = Gate::new("availability", GateKind::Remainder, Limit::Min(0.98));
    let steps = [(50.0, Some(60)), (100.0, None)];
    let of = |gate: Gate| {
        let name = gate.name.clone();
        let spec = with_steps(&steps, vec![gate]);
        tellings(&spec, &traffic(&name, 0.0, 6_000.0))
            .first()
            .map(|telling| (telling.rate * 10_000.0).round())
    };

    assert_eq!(of(by_rate()), Some(250.0));
    assert_eq!(of(available), Some(100.0));
}

#[test]
fn nothing_is_told_without_traffic_or_of_gates_that_are_no_rates() {
    let spec = a_spec(|_| ());
    assert_eq!(lines(&spec, &BTreeMap::new()), Vec::<String>::new());
    assert_eq!(
        lines(&spec, &traffic("errorRate", 0.0, 0.0)),
        Vec::<String>::new()
    );
    assert!(gates_on_rates(&spec).count() < payment_gates().len());

    let failed = BTreeMap::from([(
        SeriesId {
            gate: "errorRate".to_owned(),
            side: Side::Old,
            part: Part::Total,
        },
        Reading::Failed("nobody knows".to_owned()),
    )]);
    assert_eq!(lines(&spec, &failed), Vec::<String>::new());
}
