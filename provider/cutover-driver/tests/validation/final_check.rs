//! The comparison within a write pause, over two databases that nobody writes to.

use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::report::{ProofKind, Report, Verdict};
use cutover_core::validation::side::Side;
use cutover_core::validation::spec::Mode;
use cutover_core::writer_switch::facts::{Checked, Fact};
use cutover_driver::{Clock as _, FinalCheck};
use cutover_sim::PausedClock;
use cutover_sim::bank::{Bank, BankFault, BankWhat, Kept};

use crate::given::{a_bank, a_spec, table};

fn digest(report: &Report) -> String {
    format!("digest of a report in {:?}", report.mode)
}

async fn make(check: &FinalCheck, bank: &Bank, limit: Duration) -> (Fact, Duration) {
    let clock = PausedClock::starting_at(bank.now());
    let began = clock.now();
    let fact = check.make(limit, &clock).await;
    (fact, clock.now().since(began))
}

fn checked(fact: Fact) -> Checked {
    match fact {
        Fact::Checked(checked) => checked,
        other => panic!("it comes to something, not {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_verdict_stands_on_a_report_of_the_final_mode_that_is_kept() {
    let bank = a_bank(Engine::Postgres, Kept::Heap, 2_000);
    let check = FinalCheck::new(bank.databases(), a_spec(), digest);
    let limit = Duration::from_secs(10);

    let (fact, _) = make(&check, &bank, limit).await;
    bank.with(|state| state.put(Side::Target, &table(), 7, None));
    let (differing, _) = make(&check, &bank, limit).await;

    let matched = checked(fact);
    assert_eq!(
        (matched.verdict, matched.proof),
        (Some(Verdict::Matched), ProofKind::Full),
        "{:?}",
        matched.reasons
    );
    assert_eq!(
        matched.report_digest.as_deref(),
        Some("digest of a report in Final")
    );
    let differing = checked(differing);
    assert_eq!(differing.verdict, Some(Verdict::Mismatched));
    assert!(!differing.reasons.is_empty());
    let report = check.report().expect("one was made");
    assert_eq!(
        (report.mode, report.verdict),
        (Mode::Final, Verdict::Mismatched)
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_no_time_has_no_verdict_and_ends_within_a_second() {
    let bank = a_bank(Engine::Postgres, Kept::Heap, 20_000);
    bank.with(|state| {
        for side in Side::BOTH {
            state.servers.get_mut(side).rows_per_second = 100;
        }
    });
    let check = FinalCheck::new(bank.databases(), a_spec(), digest);
    let limit = Duration::from_secs(3);

    let (fact, took) = make(&check, &bank, limit).await;

    let checked = checked(fact);
    assert_eq!((checked.verdict, checked.proof), (None, ProofKind::None));
    assert!(checked.reasons[0].contains("within 3 s"), "{checked:?}");
    assert!(
        took >= limit && took <= limit + Duration::from_secs(1),
        "{took:?}"
    );
    assert!(check.report().is_none());
    assert_eq!(bank.open_snapshots(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_cannot_be_asked_is_named() {
    let bank = a_bank(Engine::Postgres, Kept::Heap, 100);
    let refuses = BankWhat::Fails(DbFailureClass::Denied);
    bank.fault(BankFault::nth(Side::Target, "look", 1, 100, refuses));
    let check = FinalCheck::new(bank.databases(), a_spec(), digest);

    let (fact, _) = make(&check, &bank, Duration::from_secs(10)).await;

    match fact {
        Fact::Failed(side, failure) => {
            assert_eq!(
                (side, failure.class),
                (Side::Target, DbFailureClass::Denied)
            );
        }
        other => panic!("the target refuses, but: {other:?}"),
    }
}
