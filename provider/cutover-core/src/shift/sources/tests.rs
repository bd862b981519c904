use super::super::facts::EntryState;
use super::super::gates::{Limit, Missing, Severity};
use super::super::given::a_spec;
use super::super::preflight::{Probed, Routing};
use super::super::records::RecordSet;
use super::super::spec::RouterWish;
use super::*;
use crate::weights::{Scale, WeightPair};

fn a_metric(name: &str) -> Metric {
    Metric {
        namespace: "Pay".to_owned(),
        name: name.to_owned(),
        dimensions: BTreeMap::new(),
        stat: "Sum".to_owned(),
    }
}

fn id(gate: &str, side: Side, part: Part) -> SeriesId {
    SeriesId {
        gate: gate.to_owned(),
        side,
        part,
    }
}

fn points(points: &[(i64, f64)]) -> Reading {
    let point = |(minute, value): &(i64, f64)| Point {
        start: Timestamp::from_unix_millis(minute * 60_000),
        value: *value,
    };
    Reading::Points(points.iter().map(point).collect())
}

fn failed() -> Reading {
    Reading::Failed("InternalError".to_owned())
}

/// One gate of ratio, with old, and a comparison of the same name.
fn a_rate() -> (Spec, Sources) {
    let spec = a_spec(|wish| {
        wish.gates = vec![Gate {
            with_old: true,
            ..Gate::new("errors", GateKind::Ratio, Limit::Max(0.05))
        }];
        wish.compare = vec![Comparison::of_rates("errors")];
    });
    let mut sources = Sources::default();
    for (side, bad, total) in [
        (Side::New, "new5xx", "newAll"),
        (Side::Old, "old5xx", "oldAll"),
    ] {
        sources.series.insert(
            id("errors", side, Part::Bad),
            vec![a_metric(bad), a_metric("elb5xx")],
        );
        sources
            .series
            .insert(id("errors", side, Part::Total), vec![a_metric(total)]);
    }
    (spec, sources)
}

#[test]
fn a_series_of_a_gate_and_a_comparison_is_asked_for_once() {
    let (spec, sources) = a_rate();

    let asked = queries(&spec, &sources, 0);

    let ids: Vec<_> = asked.iter().map(|(id, _)| (id.side, id.part)).collect();
    assert_eq!(
        ids,
        [
            (Side::Old, Part::Bad),
            (Side::Old, Part::Total),
            (Side::New, Part::Bad),
            (Side::New, Part::Total),
        ]
    );
}

#[test]
fn a_metric_that_several_series_share_goes_over_the_wire_once() {
    let (spec, sources) = a_rate();
    let asked = queries(&spec, &sources, 0);

    let wire = wire(asked.iter().flat_map(|(_, queries)| queries));

    let names: Vec<_> = wire
        .iter()
        .map(|query| query.metric.name.as_str())
        .collect();
    assert_eq!(names, ["elb5xx", "new5xx", "newAll", "old5xx", "oldAll"]);
    assert!(wire.iter().all(|query| query.period_seconds == 60));
}

/// Puts two metrics together.
fn sum_of(first: Reading, second: Reading) -> Reading {
    let asked_id = id("errors", Side::New, Part::Bad);
    let wire: Vec<_> = ["a", "b"]
        .iter()
        .map(|name| query(&a_metric(name), PERIOD))
        .collect();
    let asked = vec![(asked_id.clone(), wire.clone())];
    readings(&asked, &wire, &[first, second])
        .remove(&asked_id)
        .unwrap()
}

#[test]
fn values_of_a_period_are_added_and_silence_adds_nothing() {
    assert_eq!(
        sum_of(points(&[(0, 1.0), (1, 2.0)]), points(&[(1, 5.0), (2, 7.0)])),
        points(&[(0, 1.0), (1, 7.0), (2, 7.0)])
    );
    assert_eq!(sum_of(points(&[]), points(&[])), points(&[]));
}

/// F40
#[test]
fn a_series_of_which_one_metric_could_not_be_read_was_not_read() {
    assert_eq!(sum_of(points(&[(0, 1.0)]), failed()), failed());
}

#[test]
fn two_values_for_one_period_are_not_added_up() {
    let Reading::Points(points) = sum_of(points(&[(0, 1.0), (0, 2.0)]), points(&[(0, 1.0)])) else {
        panic!("it was read")
    };

    assert!(points[0].value.is_nan());
}

#[test]
fn a_series_without_a_metric_or_an_answer_was_not_read() {
    let asked = vec![(id("errors", Side::New, Part::Bad), vec![])];
    let unnamed = readings(&asked, &[], &[]);
    assert!(matches!(
        &unnamed[&asked[0].0],
        Reading::Failed(message) if message == "no metric is named for it"
    ));

    let queries = vec![query(&a_metric("a"), PERIOD)];
    let asked = vec![(asked[0].0.clone(), queries.clone())];
    let short = readings(&asked, &queries, &[]);
    assert!(matches!(&short[&asked[0].0], Reading::Failed(_)));
}

/// F43
#[test]
fn an_alarm_that_is_gone_was_not_read() {
    let spec = a_spec(|wish| {
        wish.gates = vec![Gate::new("bell", GateKind::Alarm, Limit::Max(0.0))];
    });
    let mut sources = Sources::default();
    sources
        .alarms
        .insert("bell".to_owned(), "pay-bell".to_owned());
    let asked = alarms(&spec, &sources, 0);
    assert_eq!(asked["bell"], "pay-bell");

    let there = BTreeMap::from([("pay-bell".to_owned(), AlarmReading::Quiet)]);

    assert_eq!(alarm_readings(&asked, &there)["bell"], AlarmReading::Quiet);
    assert!(matches!(
        alarm_readings(&asked, &BTreeMap::new())["bell"],
        AlarmReading::Failed(_)
    ));
}

#[test]
fn requests_are_counted_from_whole_periods_of_both_sides_or_not_at_all() {
    let mut sources = Sources::default();
    sources.requests.insert(Side::Old, vec![a_metric("old")]);
    assert_eq!(request_queries(&sources), []);
    sources.requests.insert(Side::New, vec![a_metric("new")]);
    let asked = request_queries(&sources);
    let wire = wire(asked.iter().map(|(_, query)| query));
    let from = Timestamp::from_unix_millis(30_000);

    let answers = [
        points(&[(0, 50.0), (1, 10.0)]),
        points(&[(0, 50.0), (1, 90.0), (2, f64::NAN)]),
    ];

    assert_eq!(split(&asked, &wire, &answers, from), Ok((90.0, 10.0)));
    let half = [failed(), points(&[(1, 90.0)])];
    assert!(split(&asked, &wire, &half, from).is_err());
}

fn a_task() -> Task {
    Task {
        status: "running".to_owned(),
        lag: Some(Duration::from_secs(3)),
        tables_in_error: 0,
    }
}

fn state_of(task: Option<Task>) -> EntryState {
    let source = EntrySource::DmsTask {
        arn: "arn:task".to_owned(),
        lag_max: Duration::from_secs(5),
        validated: true,
    };
    entry_gate("db", Some(&source), &Learned::Task(task)).state
}

#[test]
fn replication_opens_the_gate_only_when_it_runs_keeps_up_and_is_clean() {
    assert_eq!(state_of(Some(a_task())), EntryState::Open);
    let spoilt = [
        (
            "the task is `stopped`, not running",
            Task {
                status: "stopped".to_owned(),
                ..a_task()
            },
        ),
        (
            "nobody knows how far the task is behind",
            Task {
                lag: None,
                ..a_task()
            },
        ),
        (
            "the task is 6 s behind, more than 5 s",
            Task {
                lag: Some(Duration::from_secs(6)),
                ..a_task()
            },
        ),
        (
            "2 tables are in error",
            Task {
                tables_in_error: 2,
                ..a_task()
            },
        ),
    ];
    for (why, task) in spoilt {
        assert_eq!(state_of(Some(task)), EntryState::Closed(why.to_owned()));
    }
    assert!(matches!(state_of(None), EntryState::Failed(_)));
}

#[test]
fn an_alarm_opens_the_gate_only_when_it_is_known_to_be_quiet() {
    let source = EntrySource::Alarm {
        name: "bell".to_owned(),
    };
    let state = |reading| entry_gate("bell", Some(&source), &Learned::Alarm(reading)).state;

    assert_eq!(state(Some(AlarmReading::Quiet)), EntryState::Open);
    assert!(matches!(
        state(Some(AlarmReading::NoData)),
        EntryState::Closed(_)
    ));
    assert!(matches!(state(None), EntryState::Failed(_)));
}

#[test]
fn the_value_of_a_parameter_is_not_told() {
    let source = EntrySource::Parameter {
        name: "/pay/go".to_owned(),
        equals: "yes".to_owned(),
    };
    let state = |value: Option<&str>| {
        let learned = Learned::Parameter(value.map(str::to_owned));
        entry_gate("go", Some(&source), &learned).state
    };

    assert_eq!(state(Some("yes")), EntryState::Open);
    assert_eq!(
        state(Some("hunter2")),
        EntryState::Closed("parameter `/pay/go` is not `yes`".to_owned())
    );
    assert!(matches!(state(None), EntryState::Closed(_)));
}

#[test]
fn a_condition_that_nothing_is_said_about_or_that_cannot_be_read_is_not_open() {
    let failed = Learned::Failed("denied".to_owned());

    assert!(matches!(
        entry_gate("x", None, &failed).state,
        EntryState::Failed(_)
    ));
    let source = EntrySource::Alarm {
        name: "bell".to_owned(),
    };
    assert_eq!(
        entry_gate("x", Some(&source), &failed).state,
        EntryState::Failed("denied".to_owned())
    );
}

/// Probes one gate whose series are as given: bad and total of old, then of new.
fn probed(missing: Missing, series: [Reading; 4]) -> Result<Probed, String> {
    let (mut spec, _) = a_rate();
    for step in &mut spec.steps {
        for gate in &mut step.gates {
            gate.missing = missing;
        }
    }
    let ids = [
        id("errors", Side::Old, Part::Bad),
        id("errors", Side::Old, Part::Total),
        id("errors", Side::New, Part::Bad),
        id("errors", Side::New, Part::Total),
    ];
    let series = ids.into_iter().zip(series).collect();
    let (overall, alarms) = (BTreeSet::new(), BTreeMap::new());
    probes(&spec, 0, &overall, &series, &alarms).map(|probes| probes[0].found.clone())
}

#[test]
fn a_gate_on_both_sides_together_must_have_data_before_anything_begins() {
    let (spec, _) = a_rate();
    let series = BTreeMap::from([
        (id("errors", Side::Old, Part::Bad), points(&[(0, 1.0)])),
        (id("errors", Side::Old, Part::Total), points(&[(0, 1.0)])),
    ]);
    let overall = BTreeSet::from(["errors".to_owned()]);

    let probes = probes(&spec, 0, &overall, &series, &BTreeMap::new()).unwrap();

    assert_eq!(probes[0].found, Probed::NoData);
}

#[test]
fn silence_on_old_is_told_before_silence_on_new() {
    let some = || points(&[(0, 1.0)]);
    let none = || points(&[]);
    let inconclusive = Missing::Inconclusive;

    assert_eq!(
        probed(inconclusive, [some(), some(), some(), some()]),
        Ok(Probed::Data)
    );
    assert_eq!(
        probed(inconclusive, [some(), some(), none(), none()]),
        Ok(Probed::NoDataOnNew)
    );
    assert_eq!(
        probed(inconclusive, [none(), some(), none(), none()]),
        Ok(Probed::NoDataOnOld)
    );
    // No errors in three hours is good news where silence means none.
    assert_eq!(
        probed(Missing::Zero, [none(), some(), none(), some()]),
        Ok(Probed::Data)
    );
    assert!(probed(inconclusive, [failed(), some(), some(), some()]).is_err());
}

/// F44
#[test]
fn an_alarm_that_rings_or_is_missing_is_found() {
    let spec = a_spec(|wish| {
        wish.gates = vec![Gate {
            severity: Severity::Hold,
            ..Gate::new("bell", GateKind::Alarm, Limit::Max(0.0))
        }];
    });
    let since = Timestamp::default();
    for (reading, found) in [
        (None, Probed::NoAlarm),
        (Some(AlarmReading::Alarm { since }), Probed::InAlarm),
        (Some(AlarmReading::Quiet), Probed::Data),
    ] {
        let alarms = BTreeMap::from([("bell".to_owned(), reading)]);
        let probes = probes(&spec, 0, &BTreeSet::new(), &BTreeMap::new(), &alarms).unwrap();
        assert_eq!(probes[0].found, found);
    }
}

#[test]
fn own_members_stand_against_a_shift_only_before_it_has_begun() {
    let spec = a_spec(|_| ());
    let set = |set_identifier: &str| RecordSet {
        name: "pay.example.com".to_owned(),
        record_type: "A".to_owned(),
        routing: Routing::Weighted {
            set_identifier: set_identifier.to_owned(),
            weight: 1,
        },
        ttl_seconds: Some(60),
        values: vec![],
        alias: None,
        health_check: None,
    };
    let sets = [set("old-system"), set("stranger")];

    assert_eq!(surrounding(&spec.router, &sets, false).len(), 2);
    let begun = surrounding(&spec.router, &sets, true);
    assert!(
        matches!(&begun[..], [RecordSet { routing: Routing::Weighted { set_identifier, .. }, .. }] if set_identifier == "stranger")
    );
}

#[test]
fn every_side_with_a_weight_must_be_seen_and_nothing_else() {
    let pair = |old, new| WeightPair::new(old, new, Scale::Route53).unwrap();

    assert!(agree(pair(100, 0), 4, 0, 0));
    assert!(!agree(pair(100, 0), 3, 1, 0));
    assert!(!agree(pair(100, 0), 3, 0, 1));
    assert!(agree(pair(90, 10), 40, 4, 0));
    assert!(!agree(pair(90, 10), 44, 0, 0));
    assert!(agree(pair(0, 100), 0, 4, 0));
    assert!(!agree(pair(0, 100), 0, 0, 0));
}

#[test]
fn the_rarer_a_side_the_more_answers_are_asked_for() {
    let draws_of = |old, new| draws(WeightPair::new(old, new, Scale::Route53).unwrap());

    assert_eq!(draws_of(100, 0), 1);
    assert_eq!(draws_of(50, 50), 7);
    assert_eq!(draws_of(90, 10), 44);
    assert_eq!(draws_of(254, 1), draws_of(1, 254));
    assert!((1_100..1_500).contains(&draws_of(254, 1)));
}

#[test]
fn new_may_be_unchecked_until_a_rule_sends_to_it_and_never_where_records_do() {
    let targets = |healthy, unchecked| {
        let targets = Targets {
            registered: 2,
            healthy,
            unchecked,
        };
        BTreeMap::from([("arn:new".to_owned(), targets)])
    };
    let records = a_spec(|_| ()).router;
    let rule = a_spec(|wish| {
        wish.router = RouterWish::Alb {
            rule_arn: "rule".to_owned(),
            old_arn: "old".to_owned(),
            new_arn: "new".to_owned(),
        };
    })
    .router;
    let unfit = Fitness::Unfit("no target of `arn:new` is healthy".to_owned());
    let unchecked = Fitness::Unchecked("no target of `arn:new` is checked yet".to_owned());

    assert_eq!(fitness(&rule, false, &targets(0, 2)), Fitness::Fit);
    assert_eq!(fitness(&rule, true, &targets(0, 1)), unchecked);
    assert_eq!(fitness(&rule, false, &targets(0, 0)), unfit);
    assert_eq!(fitness(&rule, true, &targets(1, 1)), Fitness::Fit);
    for has_begun in [false, true] {
        assert_eq!(fitness(&records, has_begun, &targets(0, 2)), unfit);
        assert_eq!(fitness(&records, has_begun, &targets(1, 1)), Fitness::Fit);
    }
    assert_eq!(fitness(&records, true, &BTreeMap::new()), Fitness::Fit);
}
