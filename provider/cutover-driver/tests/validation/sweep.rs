//! Every fault on every command, and every way to follow.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::{Command, DbFailureClass, Fact, Horizon, Position};
use cutover_core::validation::plan::{RulePlan, RuleQuery, SumsPlan};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Follow;
use cutover_driver::Perform;
use cutover_sim::bank::{BankFault, BankWhat, Kept};

use crate::given::{Run, a_bank, a_spec, hashed, key, table};

const CLASSES: [DbFailureClass; 15] = [
    DbFailureClass::Unreachable,
    DbFailureClass::Untrusted,
    DbFailureClass::NoTls,
    DbFailureClass::Login,
    DbFailureClass::NoDatabase,
    DbFailureClass::Denied,
    DbFailureClass::Missing,
    DbFailureClass::Unsupported,
    DbFailureClass::Malformed,
    DbFailureClass::TimedOut,
    DbFailureClass::TooBig,
    DbFailureClass::Lost,
    DbFailureClass::Busy,
    DbFailureClass::Changed,
    DbFailureClass::Other,
];

/// One command of each kind.
async fn commands(run: &Run) -> Vec<Command> {
    let plan = || Arc::clone(&run.plan);
    let layouts = run.layouts(&run.world(None)).await;
    let layouts = || Arc::clone(&layouts);
    let method = || hashed(16);
    let sums = SumsPlan {
        group_by: vec![Both::of(|_| "status".to_owned())],
        sums: vec![Both::of(|_| "amount".to_owned())],
        latest: Vec::new(),
    };
    let rule = RulePlan {
        name: "none".to_owned(),
        query: RuleQuery::Custom("SELECT 1 WHERE false".to_owned()),
    };
    vec![
        Command::Look,
        Command::ReadCatalogs,
        Command::Lay(plan()),
        Command::Calibrate(plan(), 7),
        Command::Time(plan(), layouts(), vec![method()]),
        Command::Pass(plan(), layouts(), method()),
        Command::Drill(plan(), layouts(), method(), BTreeSet::from([1, 2])),
        Command::Count(plan()),
        Command::Note,
        Command::HasPassed(Position::Lsn("0".to_owned())),
        Command::Reread(plan(), method(), Arc::new(vec![key(1)])),
        Command::Horizons(plan()),
        Command::Touched(plan(), Both::of(|_| Some(Horizon::Transaction(1)))),
        Command::Keys(plan(), layouts(), method()),
        Command::Sum(plan(), sums),
        Command::Seek(Side::Target, rule),
        Command::Value(Both::of(|_| "SELECT 1".to_owned())),
    ]
}

/// D14, D27.
#[tokio::test(start_paused = true)]
async fn every_command_ends_with_its_fact_or_the_failure_whatever_fails_for_good() {
    for side in Side::BOTH {
        for class in CLASSES {
            let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 3_000), a_spec());
            let commands = commands(&run).await;
            let always = BankFault::nth(side, "*", 1, usize::MAX, BankWhat::Fails(class));
            run.bank.fault(always);
            for command in commands {
                let fact = run.ask(command.clone()).await;

                let is_expected = match (&command, &fact) {
                    (Command::Time(..), Fact::Timed(timed)) => timed == &vec![None],
                    (_, Fact::Failed(failed, failure)) => *failed == side && failure.class == class,
                    // These ask one side alone.
                    (Command::Note, _) => side == Side::Target,
                    (Command::HasPassed(_) | Command::Seek(..), _) => side != Side::Target,
                    _ => false,
                };
                assert!(
                    is_expected,
                    "{class:?} on the {side}: {command:?} gave {fact:?}"
                );
            }
            run.assert_tidy();
        }
    }
}

/// D14, D27.
#[tokio::test(start_paused = true)]
async fn reading_outlasts_every_fault_that_passes() {
    for side in Side::BOTH {
        for class in CLASSES.into_iter().filter(|class| class.may_pass()) {
            let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 3_000), a_spec());
            let commands = commands(&run).await;
            for call in ["tally", "key_tally", "prints", "load"] {
                let twice = BankFault::nth(side, call, 1, 2, BankWhat::Fails(class));
                run.bank.fault(twice);
            }
            let reads = |command: &Command| {
                matches!(
                    command,
                    Command::Pass(..) | Command::Keys(..) | Command::Drill(..)
                )
            };
            for command in commands.into_iter().filter(reads) {
                let fact = run.ask(command.clone()).await;

                assert!(
                    !matches!(fact, Fact::Failed(..)),
                    "{class:?} on the {side}: {command:?} gave {fact:?}"
                );
            }
            run.assert_tidy();
        }
    }
}

/// D49.
#[tokio::test(start_paused = true)]
async fn every_command_can_be_dropped_and_performed_again() {
    let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 20_000), a_spec());
    for command in commands(&run).await {
        let world = run.world(None);
        for micros in [0, 1_500, 50_000] {
            tokio::select! {
                biased;
                _ = world.perform(&command) => {}
                () = tokio::time::sleep(Duration::from_micros(micros)) => {}
            }
        }
        let fact = world.perform(&command).await;

        assert!(
            !matches!(fact, Fact::Failed(..)),
            "{command:?} gave {fact:?}"
        );
        run.assert_tidy();
    }
}

/// Notes a position, and asks for it at once and after a while.
async fn passes(follow: Follow, wait: Duration) -> (bool, bool) {
    let spec = cutover_core::validation::spec::Spec { follow, ..a_spec() };
    let run = Run::new(a_bank(Engine::Postgres, Kept::Heap, 10), spec);
    let now = run.bank.now();
    run.bank
        .with(|state| state.write(now, &table(), 1, Some(vec![1, 1])));
    let Fact::Noted(position) = run.ask(Command::Note).await else {
        panic!("a position was asked for")
    };
    let passed = async || match run.ask(Command::HasPassed(position.clone())).await {
        Fact::HasPassed { passed, .. } => passed,
        other => panic!("it was asked for whether a position has passed, not {other:?}"),
    };
    let at_once = passed().await;
    tokio::time::sleep(wait).await;
    (at_once, passed().await)
}

/// D25.
#[tokio::test(start_paused = true)]
async fn a_target_has_a_position_when_its_way_of_following_says_so() {
    let marker = Follow::Marker {
        table: "public.payments".to_owned(),
    };
    let delay = Follow::Delay {
        longest: Duration::from_secs(5),
    };
    let seconds = Duration::from_secs;

    assert_eq!(passes(Follow::None, seconds(0)).await, (true, true));
    assert_eq!(passes(Follow::Native, seconds(1)).await, (false, true));
    assert_eq!(passes(marker, seconds(1)).await, (false, true));
    assert_eq!(passes(delay.clone(), seconds(4)).await, (false, false));
    assert_eq!(passes(delay, seconds(6)).await, (false, true));
}
