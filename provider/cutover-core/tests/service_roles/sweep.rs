//! Every command with every fault: once, twice, for good, and with the process killed after it.

use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::service_roles::{Obstacle, Role, TrustPolicy};
use cutover_sim::{Call, Fault, Happening, SimClock, SimIam};

use crate::given::{account_with_both_roles, die_after, empty_account, ensure, wish};

const CLASSES: [FailureClass; 6] = [
    FailureClass::Unconfigured,
    FailureClass::Denied,
    FailureClass::Refused,
    FailureClass::Throttled,
    FailureClass::Unavailable,
    FailureClass::Unknown,
];

fn happenings() -> impl Iterator<Item = Happening> {
    let fails = CLASSES.into_iter().map(Happening::Fails);
    fails.chain([Happening::AnswerLost, Happening::RivalFirst])
}

fn worlds() -> impl Iterator<Item = SimIam> {
    let half = empty_account().with_role(Role::Vpc, TrustPolicy::for_dms(), true);
    let slow = empty_account().lagging(Duration::from_secs(4));
    [empty_account(), half, slow, account_with_both_roles()].into_iter()
}

/// Runs every world with every fault on every call; `then` judges each.
fn sweep(times: &[usize], mut then: impl FnMut(SimIam, Fault)) {
    for world in worlds() {
        for call in Call::ALL {
            for occurrence in 1..=12 {
                for what in happenings() {
                    for times in times.iter().copied() {
                        let fault = Fault {
                            call,
                            occurrence,
                            times,
                            what,
                        };
                        then(world.clone().scripted([fault]), fault);
                    }
                }
            }
        }
    }
}

fn passes(what: Happening) -> bool {
    match what {
        Happening::Fails(class) => class.may_pass(),
        Happening::AnswerLost | Happening::RivalFirst => true,
    }
}

#[test]
fn a_fault_that_passes_is_survived_and_any_other_is_told() {
    sweep(&[1, 2], |mut iam, fault| {
        let ended = ensure(&mut iam, &SimClock::default(), &wish());

        match ended.obstacle {
            None => {}
            Some(Obstacle::Failed(failure)) => {
                assert!(!passes(fault.what), "{fault:?} was not survived");
                assert!(!failure.class.may_pass());
            }
            Some(other) => panic!("{fault:?} led to {other:?}"),
        }
    });
}

#[test]
fn a_fault_that_stays_ends_the_run_and_the_next_run_without_it_finishes() {
    sweep(&[10_000], |mut iam, fault| {
        let clock = SimClock::default();
        ensure(&mut iam, &clock, &wish());
        let mut healed = iam.scripted([]);

        let ended = ensure(&mut healed, &clock, &wish());

        assert_eq!(ended.obstacle, None, "after {fault:?}");
    });
}

#[test]
fn a_process_killed_anywhere_beside_a_fault_is_made_good_by_the_next() {
    sweep(&[1], |iam, fault| {
        for moves in [1, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30] {
            let (mut iam, clock) = (iam.clone(), SimClock::default());
            die_after(moves, &mut iam, &clock, wish());
            let mut healed = iam.scripted([]);

            let ended = ensure(&mut healed, &clock, &wish());

            assert_eq!(
                ended.obstacle, None,
                "killed after {moves} moves beside {fault:?}"
            );
        }
    });
}
