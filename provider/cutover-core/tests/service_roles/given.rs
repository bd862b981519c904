//! What the tests start from, and what must hold whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::service_roles::{
    Act, Command, Ended, Ensure, Fact, Found, Obstacle, Owner, Role, SETTLE, Standing, TrustPolicy,
    Wish,
};
use cutover_driver::Clock as _;
use cutover_sim::{SimClock, SimIam, walk};

pub(crate) const ACCOUNT: &str = "123456789012";

/// More than any run takes: both roles looked at as often as allowed, with a pause after each look.
pub(crate) const MOVES_MAX: usize = 1_500;

pub(crate) fn wish() -> Wish {
    Wish {
        owner: Owner::new("shop/dev/roles"),
        tags: BTreeMap::new(),
        repair: false,
        account: None,
    }
}

pub(crate) fn empty_account() -> SimIam {
    SimIam::new(ACCOUNT)
}

pub(crate) fn account_with_both_roles() -> SimIam {
    Role::ALL.into_iter().fold(empty_account(), |iam, role| {
        iam.with_role(role, TrustPolicy::for_dms(), true)
    })
}

/// Ensures the roles to the end, and checks what must always hold.
pub(crate) fn ensure(iam: &mut SimIam, clock: &SimClock, wish: &Wish) -> Ended {
    let before = iam.clone();
    let perform = |command: &Command| {
        clock.pass(Duration::from_millis(40));
        iam.perform(command, clock.now())
    };
    let ended = walk(Ensure::new(wish.clone()), clock, MOVES_MAX, perform).expect("every run ends");
    check_invariants(&before, iam, wish, &ended, clock);
    ended
}

/// Begins and dies after so many moves. Returns whether it came to its end before.
pub(crate) fn die_after(moves: usize, iam: &mut SimIam, clock: &SimClock, wish: Wish) -> bool {
    let perform = |command: &Command| iam.perform(command, clock.now());
    walk(Ensure::new(wish), clock, moves, perform).is_ok()
}

fn check_invariants(before: &SimIam, iam: &SimIam, wish: &Wish, ended: &Ended, clock: &SimClock) {
    let trace = &iam.trace()[before.trace().len()..];
    for pair in trace.windows(2) {
        if let (Command::Apply(_), Fact::Failed(failure)) = (&pair[0].command, &pair[0].fact)
            && failure.class == FailureClass::Unknown
        {
            assert!(
                matches!(pair[1].command, Command::Fetch(_)),
                "acted right after an unknown outcome"
            );
        }
    }
    if let Some(first_act) = trace
        .iter()
        .position(|traced| matches!(traced.command, Command::Apply(_)))
    {
        for role in Role::ALL {
            let looked = |traced: &cutover_sim::Traced| {
                traced.command == Command::Fetch(cutover_core::service_roles::Look::Role(role))
            };
            assert!(
                trace[..first_act].iter().any(looked),
                "acted before looking at `{role}`"
            );
        }
    }
    for role in Role::ALL {
        if let Some((old, attached)) = before.really(role) {
            let (new, _) = iam.really(role).expect("no role is ever removed");
            assert_eq!(old, new, "a role that was there is never overwritten");
            if !attached && !wish.repair && old.owner.is_none() {
                let touched = iam
                    .acts()
                    .iter()
                    .any(|act| matches!(act, Act::Attach { role: r, .. } if *r == role));
                assert!(
                    !touched,
                    "the role of somebody else was changed without being asked to"
                );
            }
        }
    }
    if ended.obstacle.is_none() {
        for role in Role::ALL {
            let (fact, attached) = iam.really(role).expect("both roles are there at the end");
            assert!(fact.trust.admits_dms() && attached);
            let found = ended.journal.roles.get(&role);
            assert!(matches!(
                found,
                Some(Found::There {
                    standing: Standing::Ready,
                    ..
                })
            ));
            assert!(
                clock.now().since(fact.made_at) >= SETTLE,
                "a new role has not settled"
            );
        }
    }
    let acted = trace
        .iter()
        .any(|traced| matches!(traced.fact, Fact::Made(_) | Fact::Attached(true)));
    assert!(
        ended.journal.changed || !acted,
        "a change is missing in the journal"
    );
    if let Some(Obstacle::NotTrusted { role, .. }) = &ended.obstacle {
        assert!(!iam.really(*role).expect("it was seen").0.trust.admits_dms());
    }
}
