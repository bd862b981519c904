//! Shifts for tests: what is not said is valid and boring.

use std::time::Duration;

use super::check::check;
use super::gates::{Gate, payment_gates};
use super::spec::{
    Adopt, Policy, RecordType, RecordWish, RouterWish, RowsReturn, Spec, StepWish, TargetWish,
    Wish, ZeroMeans,
};

/// The minutes of a bake; `None` for the last step.
pub(super) type Bake = Option<u64>;

/// The first runbook: 10 % for half an hour, 50 % and 90 % for an hour each, then everything.
pub(super) const RUNBOOK: [(f64, Bake); 4] = [
    (10.0, Some(30)),
    (50.0, Some(60)),
    (90.0, Some(60)),
    (100.0, None),
];

pub(super) fn a_step(share: f64, bake: Bake) -> StepWish {
    let bake = bake.map(Duration::from_mins);
    StepWish {
        share,
        bake,
        pause: false,
        name: None,
        entry_gates: Vec::new(),
        gates: None,
    }
}

pub(super) fn a_target(set_identifier: &str, value: &str) -> TargetWish {
    TargetWish {
        set_identifier: set_identifier.to_owned(),
        alias: None,
        value: Some(value.to_owned()),
    }
}

pub(super) fn a_record(name: &str) -> RecordWish {
    let (old, new) = (
        a_target("old-system", "192.0.2.1"),
        a_target("new-system", "198.51.100.1"),
    );
    RecordWish {
        name: name.to_owned(),
        types: vec![RecordType::A],
        old,
        new,
    }
}

pub(super) fn a_wish() -> Wish {
    let mut policy = Policy {
        guarded: true,
        ..Policy::new()
    };
    policy.rollback.rows = RowsReturn::Shared;
    Wish {
        id: "pay-1".to_owned(),
        router: RouterWish::Route53 {
            zone_id: "Z0AB".to_owned(),
            zone_name: Some("example.com".to_owned()),
            ttl_seconds: Some(60),
            records: vec![a_record("pay.example.com")],
            zero_means: ZeroMeans::Isolated,
            adopt: Adopt::Weighted,
        },
        steps: RUNBOOK
            .iter()
            .map(|(share, bake)| a_step(*share, *bake))
            .collect(),
        soak: Duration::from_mins(30),
        gates: payment_gates(),
        compare: Vec::new(),
        policy,
    }
}

/// Changes the boring wish and checks it.
pub(super) fn a_spec(change: impl FnOnce(&mut Wish)) -> Spec {
    let mut wish = a_wish();
    change(&mut wish);
    let checked = check(&wish);
    checked
        .spec
        .unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

/// Steps and gates in place of the boring ones.
pub(super) fn with_steps(steps: &[(f64, Bake)], gates: Vec<Gate>) -> Spec {
    a_spec(|wish| {
        wish.steps = steps
            .iter()
            .map(|(share, bake)| a_step(*share, *bake))
            .collect();
        wish.gates = gates;
    })
}
