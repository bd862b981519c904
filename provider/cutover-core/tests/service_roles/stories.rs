//! One story each.

use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::service_roles::{
    Found, Intent, Obstacle, Origin, PATIENCE_OF_A_PREVIEW, Role, SETTLE, Standing, Survey,
    TrustPolicy, Wish, plan,
};
use cutover_driver::Clock as _;
use cutover_sim::{Call, Fault, Happening, SimClock, SimIam, walk};

use crate::given::{ACCOUNT, account_with_both_roles, die_after, empty_account, ensure, wish};

/// Ensures in an account and says what came of each role.
fn origins(iam: &mut SimIam, wish: &Wish) -> Vec<Origin> {
    origins_at(iam, &SimClock::default(), wish)
}

fn origins_at(iam: &mut SimIam, clock: &SimClock, wish: &Wish) -> Vec<Origin> {
    let ended = ensure(iam, clock, wish);
    assert_eq!(ended.obstacle, None);
    let origin = |found: &Found| match found {
        Found::There { fact, .. } => fact.origin(&wish.owner),
        Found::Missing => panic!("a role is missing"),
    };
    ended.journal.roles.values().map(origin).collect()
}

fn obstacle(iam: &mut SimIam, wish: &Wish) -> Obstacle {
    let ended = ensure(iam, &SimClock::default(), wish);
    ended.obstacle.expect("there is an obstacle")
}

fn once(call: Call, what: Happening) -> Vec<Fault> {
    vec![Fault {
        call,
        occurrence: 1,
        times: 1,
        what,
    }]
}

#[test]
fn makes_what_is_missing() {
    let mut iam = empty_account();

    assert_eq!(
        origins(&mut iam, &wish()),
        [Origin::Created, Origin::Created]
    );
    assert_eq!(iam.acts().len(), 4);
}

#[test]
fn adopts_what_is_there_without_changing_or_waiting() {
    let (mut iam, clock) = (account_with_both_roles(), SimClock::default());
    let began = clock.now();

    let ended = ensure(&mut iam, &clock, &wish());

    assert_eq!((ended.obstacle, ended.journal.changed), (None, false));
    assert_eq!(iam.acts(), Vec::<&_>::new());
    assert!(clock.now().since(began) < Duration::from_secs(1));
}

#[test]
fn makes_one_and_adopts_the_other() {
    let mut iam = empty_account().with_role(Role::CloudwatchLogs, TrustPolicy::for_dms(), true);

    assert_eq!(
        origins(&mut iam, &wish()),
        [Origin::Created, Origin::Adopted]
    );
}

#[test]
fn a_second_run_changes_nothing_and_knows_what_the_first_one_made() {
    let (mut iam, clock) = (empty_account(), SimClock::default());
    ensure(&mut iam, &clock, &wish());
    let acts = iam.acts().len();

    let ended = ensure(&mut iam, &clock, &wish());

    assert_eq!(
        (ended.obstacle, ended.journal.changed, iam.acts().len()),
        (None, false, acts)
    );
    assert_eq!(
        origins_at(&mut iam, &clock, &wish()),
        [Origin::Created, Origin::Created]
    );
}

#[test]
fn refuses_a_role_that_dms_may_not_assume_before_anything_is_changed() {
    let mut iam =
        empty_account().with_role(Role::CloudwatchLogs, TrustPolicy::Statements(vec![]), true);

    let obstacle = obstacle(&mut iam, &wish());

    assert!(matches!(
        obstacle,
        Obstacle::NotTrusted {
            role: Role::CloudwatchLogs,
            ..
        }
    ));
    assert!(iam.acts().is_empty());
}

#[test]
fn leaves_the_role_of_somebody_else_alone_when_its_policy_is_missing() {
    let mut iam = account_with_both_roles().with_role(Role::Vpc, TrustPolicy::for_dms(), false);

    let obstacle = obstacle(&mut iam, &wish());

    let policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonDMSVPCManagementRole".to_owned();
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/dms-vpc-role");
    assert_eq!(
        obstacle,
        Obstacle::PolicyMissing {
            role: Role::Vpc,
            arn,
            policy_arn
        }
    );
}

#[test]
fn attaches_a_missing_policy_when_the_program_says_so() {
    let mut iam = account_with_both_roles().with_role(Role::Vpc, TrustPolicy::for_dms(), false);

    assert_eq!(
        origins(
            &mut iam,
            &Wish {
                repair: true,
                ..wish()
            }
        ),
        [Origin::Adopted, Origin::Adopted]
    );
    assert_eq!(iam.acts().len(), 1);
}

#[test]
fn finishes_what_a_dead_process_began() {
    for moves in 0..40 {
        let (mut iam, clock) = (empty_account(), SimClock::default());
        die_after(moves, &mut iam, &clock, wish());

        let origins = origins_at(&mut iam, &clock, &wish());

        assert_eq!(
            origins,
            [Origin::Created, Origin::Created],
            "died after {moves} moves"
        );
    }
}

#[test]
fn a_stack_that_loses_the_race_adopts() {
    let mut iam = empty_account().scripted(once(Call::Create, Happening::RivalFirst));

    assert_eq!(
        origins(&mut iam, &wish()),
        [Origin::Adopted, Origin::Created]
    );
}

#[test]
fn a_role_made_by_somebody_this_moment_has_to_settle() {
    let (mut iam, clock) = (empty_account(), SimClock::default());
    ensure(&mut iam, &clock, &wish());
    let rival = Wish {
        owner: cutover_core::service_roles::Owner::new("shop/prod/roles"),
        ..wish()
    };
    let clock = SimClock::default();
    clock.pass(Duration::from_secs(1));
    let began = clock.now();

    let ended = ensure(&mut iam, &clock, &rival);

    assert!(!ended.journal.changed);
    assert!(clock.now().since(began) >= SETTLE.saturating_sub(Duration::from_secs(1)));
}

#[test]
fn a_lost_answer_to_a_creation_is_looked_up_and_counts_as_ours() {
    let mut iam = empty_account().scripted(once(Call::Create, Happening::AnswerLost));

    assert_eq!(
        origins(&mut iam, &wish()),
        [Origin::Created, Origin::Created]
    );
    assert_eq!(iam.acts().len(), 4, "it was not made twice");
}

#[test]
fn waits_until_a_slow_iam_shows_what_was_made() {
    let (mut iam, clock) = (
        empty_account().lagging(Duration::from_secs(30)),
        SimClock::default(),
    );
    let began = clock.now();

    let ended = ensure(&mut iam, &clock, &wish());

    assert_eq!(ended.obstacle, None);
    assert!(clock.now().since(began) > Duration::from_mins(1));
}

#[test]
fn gives_up_when_a_role_is_never_to_be_seen_and_keeps_what_is_known() {
    let (mut iam, clock) = (
        empty_account().lagging(Duration::from_hours(1)),
        SimClock::default(),
    );

    let ended = ensure(&mut iam, &clock, &wish());

    assert_eq!(
        ended.obstacle,
        Some(Obstacle::NotSeen {
            role: Role::Vpc,
            looks: 120
        })
    );
    assert!(ended.journal.changed);
    assert!(matches!(
        ended.journal.roles[&Role::Vpc],
        Found::There {
            standing: Standing::PolicyMissing,
            ..
        }
    ));
}

#[test]
fn gives_up_on_throttling_that_does_not_end() {
    let always = Fault {
        call: Call::Create,
        occurrence: 1,
        times: usize::MAX / 2,
        what: Happening::Fails(FailureClass::Throttled),
    };
    let mut iam = empty_account().scripted([always]);

    let obstacle = obstacle(&mut iam, &wish());

    let Obstacle::Failed(failure) = obstacle else {
        panic!("{obstacle:?}")
    };
    assert_eq!(
        (failure.class, failure.action),
        (FailureClass::Throttled, "iam:CreateRole")
    );
    assert_eq!(iam.acts().len(), 8);
}

#[test]
fn a_denied_call_is_not_repeated() {
    let mut iam =
        empty_account().scripted(once(Call::Create, Happening::Fails(FailureClass::Denied)));

    let obstacle = obstacle(&mut iam, &wish());

    assert!(matches!(obstacle, Obstacle::Failed(failure) if failure.action == "iam:CreateRole"));
    assert_eq!(iam.acts().len(), 1);
}

#[test]
fn another_account_than_before_is_not_touched() {
    let mut iam = empty_account();

    let obstacle = obstacle(
        &mut iam,
        &Wish {
            account: Some("210987654321".to_owned()),
            ..wish()
        },
    );

    let expected = "210987654321".to_owned();
    assert_eq!(
        obstacle,
        Obstacle::OtherAccount {
            expected,
            found: ACCOUNT.to_owned()
        }
    );
    assert!(iam.acts().is_empty());
}

#[test]
fn a_survey_says_what_would_be_done() {
    let (mut iam, clock) = (
        empty_account().with_role(Role::Vpc, TrustPolicy::for_dms(), true),
        SimClock::default(),
    );
    let look = |look: &cutover_core::service_roles::Look| {
        iam.perform(
            &cutover_core::service_roles::Command::Fetch(look.clone()),
            clock.now(),
        )
    };

    let surveyed = walk(Survey::new(PATIENCE_OF_A_PREVIEW), &clock, 50, look)
        .expect("it ends")
        .expect("no faults");

    let intents: Vec<_> = plan(&surveyed, &wish())
        .expect("no obstacle")
        .into_values()
        .collect();
    assert_eq!(intents, [Intent::Keep(Origin::Adopted), Intent::Create]);
}
