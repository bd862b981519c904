//! Whatever the account is like and whatever goes wrong.

use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::service_roles::{Role, TrustPolicy, Wish};
use cutover_sim::{Call, Fault, Happening, SimClock, SimIam};
use proptest::prelude::*;

use crate::given::{ACCOUNT, die_after, ensure, wish};

fn class() -> impl Strategy<Value = FailureClass> {
    prop::sample::select(vec![
        FailureClass::Unconfigured,
        FailureClass::Denied,
        FailureClass::Refused,
        FailureClass::Throttled,
        FailureClass::Unavailable,
        FailureClass::Unknown,
    ])
}

fn fault() -> impl Strategy<Value = Fault> {
    let what = prop_oneof![
        class().prop_map(Happening::Fails),
        Just(Happening::AnswerLost),
        Just(Happening::RivalFirst)
    ];
    (
        prop::sample::select(Call::ALL.to_vec()),
        1..12_usize,
        1..10_usize,
        what,
    )
        .prop_map(|(call, occurrence, times, what)| Fault {
            call,
            occurrence,
            times,
            what,
        })
}

fn account() -> impl Strategy<Value = SimIam> {
    let role = prop::option::of((any::<bool>(), any::<bool>()));
    let roles = (role.clone(), role);
    (roles, 0..200_u64, prop::collection::vec(fault(), 0..6)).prop_map(
        |((vpc, logs), lag, script)| {
            let mut iam = SimIam::new(ACCOUNT)
                .lagging(Duration::from_secs(lag))
                .scripted(script);
            for (role, given) in [(Role::Vpc, vpc), (Role::CloudwatchLogs, logs)] {
                if let Some((trusted, attached)) = given {
                    let trust = if trusted {
                        TrustPolicy::for_dms()
                    } else {
                        TrustPolicy::Unreadable
                    };
                    iam = iam.with_role(role, trust, attached);
                }
            }
            iam
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_invariants_hold_through_faults_deaths_and_repetition(
        mut iam in account(),
        deaths in prop::collection::vec(0..60_usize, 0..3),
        repair in any::<bool>(),
    ) {
        let (clock, wish) = (SimClock::default(), Wish { repair, ..wish() });
        for moves in deaths {
            die_after(moves, &mut iam, &clock, wish.clone());
        }
        let first = ensure(&mut iam, &clock, &wish);
        let acts = iam.acts().len();

        let again = ensure(&mut iam.clone().scripted([]), &clock, &wish);

        if first.obstacle.is_none() {
            prop_assert_eq!(again.obstacle, None);
            prop_assert!(!again.journal.changed);
            prop_assert_eq!(iam.acts().len(), acts);
        }
    }
}
