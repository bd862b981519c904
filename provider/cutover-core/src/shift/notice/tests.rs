use super::super::gates::Limit;
use super::super::machine::PhaseName;
use super::*;

fn a_status() -> Status {
    Status {
        phase: PhaseName::Baking,
        step: Some(0),
        requested: Share::from_basis_points(1_000).unwrap(),
        observed: Share::from_basis_points(950),
        bake_began_at: None,
        bake_ends_at: None,
        next_decision_at: None,
        assessments: vec![],
        seq: 7,
    }
}

fn an_event(seconds: i64, what: What) -> Event {
    let at = Timestamp::from_unix_millis(1_700_000_000_000 + seconds * 1_000);
    Event { at, what }
}

fn a_cause() -> Cause {
    Cause::Gate {
        gate: "errorRate".to_owned(),
        value: Some(0.07),
        limit: Some(Limit::Max(0.05)),
        in_percent: true,
        since: an_event(-90, What::Resumed).at,
        samples: 500.0,
        shared: false,
    }
}

fn a_teller() -> Teller {
    Teller::new("pay-1", "Cutover")
}

fn rendered(figures: &[Figure]) -> Vec<String> {
    figures
        .iter()
        .map(|figure| {
            let gate = figure.metric.dimensions.get("Gate");
            let gate = gate.map(|gate| format!(" {gate}")).unwrap_or_default();
            format!("{}{gate} = {}", figure.metric.name, figure.value)
        })
        .collect()
}

#[test]
fn a_message_says_what_happened_where_and_why() {
    let notice = a_teller().notice(&an_event(0, What::ReturnBegan(a_cause())), &a_status());

    assert_eq!(
        notice.subject(),
        "[pay-1] RollbackStarted: GateBreached:errorRate"
    );
    let body = serde_json::to_string_pretty(&notice).unwrap();
    insta::assert_snapshot!(body, @r#"
    {
      "key": "pay-1/7/RollbackStarted",
      "shiftId": "pay-1",
      "seq": 7,
      "event": "RollbackStarted",
      "severity": "critical",
      "time": "2023-11-14T22:13:20Z",
      "summary": "rollback: GateBreached:errorRate",
      "details": {
        "step": 1,
        "requestedShare": 10.0,
        "observedShare": 9.5,
        "reason": "GateBreached:errorRate",
        "explanation": "errorRate was 7 %, allowed up to 5 %, since 2023-11-14T22:11:50Z, 500 samples",
        "value": 0.07
      }
    }
    "#);
}

#[test]
fn a_subject_is_short_and_of_printable_ascii() {
    let reason = format!("Übergabe\n{}", "x".repeat(200));
    let event = an_event(0, What::Paused(Pause::Held(reason)));

    let subject = a_teller().notice(&event, &a_status()).subject();

    assert_eq!(subject.len(), 99);
    assert!(
        subject.starts_with("[pay-1] Paused: Held:?bergabe?xxx"),
        "{subject}"
    );
}

#[test]
fn an_event_that_comes_again_has_a_key_of_its_own() {
    let mut teller = a_teller();
    let event = an_event(0, What::Resumed);

    let keys: Vec<_> = (0..2)
        .map(|_| teller.notice(&event, &a_status()).key)
        .collect();

    assert_eq!(keys, ["pay-1/7/Resumed", "pay-1/7/Resumed/2"]);
}

#[test]
fn the_times_of_a_rollback_become_figures() {
    let mut teller = a_teller();
    let story = [
        (0, What::ReturnBegan(a_cause())),
        (2, What::ReturnAccepted),
        (42, What::ReturnInsync),
        (200, What::Returned),
    ];

    let figures: Vec<_> = story
        .into_iter()
        .flat_map(|(seconds, what)| teller.figures(&an_event(seconds, what), &a_status()))
        .collect();

    assert_eq!(
        rendered(&figures),
        [
            "Rollbacks = 1",
            "GateBreaches errorRate = 1",
            "DetectionSeconds errorRate = 90",
            "DecisionToSubmitMs = 2000",
            "SubmitToInsyncSeconds = 40",
            "RollbackTotalSeconds = 200",
        ]
    );
}

#[test]
fn a_heartbeat_tells_how_it_stands_and_what_was_throttled_since_the_last() {
    let mut teller = a_teller();
    let at = Timestamp::from_unix_millis(0);
    teller.heartbeat(at, &a_status(), 3);

    assert_eq!(
        rendered(&teller.heartbeat(at, &a_status(), 5)),
        [
            "Heartbeat = 1",
            "RequestedShare = 10",
            "ObservedShare = 9.5",
            "ApiThrottles = 2"
        ]
    );
}

#[test]
fn what_pages_and_what_does_not() {
    use super::super::events::Drift;

    assert_eq!(
        gravity_of(&What::Paused(Pause::Drift(Drift::Raised))),
        Gravity::Critical
    );
    assert_eq!(
        gravity_of(&What::Paused(Pause::InsyncTimeout)),
        Gravity::Warn
    );
    assert_eq!(gravity_of(&What::Paused(Pause::Staged(0))), Gravity::Info);
}
