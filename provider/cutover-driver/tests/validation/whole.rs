//! Whole validations: the machine, the performer, and two databases that somebody uses.

use std::future::pending;
use std::sync::Mutex;
use std::time::Duration;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::report::{Report, Verdict};
use cutover_core::validation::side::Side;
use cutover_core::validation::spec::Spec;
use cutover_driver::{Checkpoint, Progress, Validated, validate};
use cutover_sim::PausedClock;
use cutover_sim::bank::{Bank, BankFault, BankWhat, Kept};

use crate::given::{a_bank, a_spec, table};

async fn run(bank: &Bank, spec: Spec) -> Validated<()> {
    let clock = PausedClock::starting_at(bank.now());
    validate(spec, bank.databases(), &clock, None, pending(), &|_| {}).await
}

fn report(validated: Validated<()>) -> Box<Report> {
    match validated {
        Validated::Done { report, .. } => report,
        other => panic!("it comes to a report, not {other:?}"),
    }
}

/// Slows servers down so that a pass takes some seconds.
fn slow(bank: &Bank) {
    bank.with(|state| {
        for side in Side::BOTH {
            state.servers.get_mut(side).rows_per_second = 2_000;
        }
    });
}

#[tokio::test(start_paused = true)]
async fn equal_databases_match_and_differing_ones_do_not() {
    for (engine, kept) in [
        (Engine::Postgres, Kept::Heap),
        (Engine::Mysql, Kept::Clustered),
    ] {
        let bank = a_bank(engine, kept, 20_000);
        let matched = report(run(&bank, a_spec()).await);
        assert_eq!(matched.verdict, Verdict::Matched, "{:?}", matched.reasons);

        bank.with(|state| {
            state.put(Side::Target, &table(), 7, None);
            state.put(Side::Target, &table(), 8, Some(vec![1, 1]));
            state.put(Side::Target, &table(), 20_001, Some(vec![1, 1]));
        });
        let differing = report(run(&bank, a_spec()).await);

        assert_eq!(differing.verdict, Verdict::Mismatched);
        let [table] = differing.data_validation.tables.as_slice() else {
            panic!("one table is compared")
        };
        assert_eq!((table.rows.source, table.rows.target), (20_000, 20_000));
        assert_eq!(table.differences.rows.len(), 3, "{:?}", table.differences);
        assert_eq!(bank.complaints(), Vec::<String>::new());
        assert_eq!(bank.open_snapshots(), 0);
    }
}

/// D24.
#[tokio::test(start_paused = true)]
async fn rows_that_never_stand_still_are_hot_and_no_difference() {
    let bank = a_bank(Engine::Postgres, Kept::Heap, 20_000);
    let begin = bank.now();
    bank.with(|state| {
        for id in [3, 5_000, 19_999] {
            state.add_writer(begin, &table(), id, Duration::from_millis(20));
        }
    });

    let report = report(run(&bank, a_spec()).await);

    let [table] = report.data_validation.tables.as_slice() else {
        panic!("one table is compared")
    };
    assert_eq!(table.differences.rows, vec![]);
    assert_eq!(report.verdict, Verdict::Matched, "{:?}", report.reasons);
}

/// D25.
#[tokio::test(start_paused = true)]
async fn a_lag_that_jumps_prolongs_the_wait_and_makes_no_difference() {
    let bank = a_bank(Engine::Postgres, Kept::Heap, 20_000);
    let begin = bank.now();
    bank.with(|state| {
        for id in 1..=20 {
            state.add_writer(begin, &table(), id * 1_000, Duration::from_millis(90));
        }
    });
    bank.after(Duration::from_millis(150), |state| {
        state.lag = Duration::from_secs(40);
        state.stop_writers();
    });

    let report = report(run(&bank, a_spec()).await);

    assert_eq!(report.verdict, Verdict::Matched, "{:?}", report.reasons);
    assert!(report.seconds > 40.0, "{}", report.seconds);
}

/// D28.
#[tokio::test(start_paused = true)]
async fn a_restart_is_outlasted_and_a_failover_ends_it() {
    let bank = a_bank(Engine::Mysql, Kept::Clustered, 20_000);
    slow(&bank);
    bank.after(Duration::from_secs(2), |state| state.restart(Side::Target));
    let whole = report(run(&bank, a_spec()).await);
    assert_eq!(whole.verdict, Verdict::Matched, "{:?}", whole.reasons);

    bank.after(Duration::from_secs(2), |state| {
        state.fail_over(Side::Target);
    });
    let Validated::Impossible {
        side,
        failure,
        progress,
    } = run(&bank, a_spec()).await
    else {
        panic!("another server answers")
    };
    assert_eq!(
        (side, failure.class),
        (Side::Target, DbFailureClass::Changed)
    );
    assert_eq!(progress, None);
}

/// What does not change with time.
fn essence(mut report: Report) -> Report {
    report.ended_at.clear();
    report.began_at.clear();
    report.seconds = 0.0;
    report.work = cutover_core::validation::side::Both::default();
    for table in &mut report.data_validation.tables {
        table.work = cutover_core::validation::side::Both::default();
        table.strategy_reason.clear();
    }
    report
}

fn two_tables(bank: &Bank) {
    bank.with(|state| {
        let name = cutover_core::validation::catalog::TableName {
            schema: "public".to_owned(),
            name: "refunds".to_owned(),
        };
        let refunds = cutover_sim::bank::SimTable::new(Kept::Clustered, 1..=6_000);
        state.add_table(&name, &refunds);
        state.put(Side::Target, &name, 5, Some(vec![0, 0]));
        state.put(Side::Target, &table(), 9, Some(vec![0, 0]));
    });
}

/// D49.
#[tokio::test(start_paused = true)]
async fn a_stop_at_any_moment_ends_within_two_seconds_and_the_next_run_finds_the_same() {
    let bank = a_bank(Engine::Mysql, Kept::Clustered, 15_000);
    two_tables(&bank);
    slow(&bank);
    let straight = essence(*report(run(&bank, a_spec()).await));
    assert_eq!(straight.verdict, Verdict::Mismatched);
    let mut kept = 0;
    for millis in (1..).map(|step| step * 700).take(12) {
        let clock = PausedClock::starting_at(bank.now());
        let before = bank.now();
        let stop = tokio::time::sleep(Duration::from_millis(millis));
        let databases = bank.databases();
        let stopped = validate(a_spec(), databases, &clock, None, stop, &|_| {}).await;
        let progress: Option<Checkpoint> = match stopped {
            Validated::Stopped { progress, .. } => progress.map(|progress| {
                let text = serde_json::to_string(&progress).expect("it can be written");
                serde_json::from_str(&text).expect("and read")
            }),
            Validated::Done { .. } => continue,
            other => panic!("nothing fails: {other:?}"),
        };
        let took = bank.now().since(before);
        assert!(took <= Duration::from_millis(millis + 2_000), "{took:?}");
        kept += usize::from(progress.is_some());

        let spec = Spec {
            seed: if progress.is_some() { 99 } else { 7 },
            ..a_spec()
        };
        let databases = bank.databases();
        let again = validate(spec, databases, &clock, progress, pending(), &|_| {}).await;

        assert_eq!(essence(*report(again)), straight, "after {millis} ms");
    }
    assert!(kept >= 3, "{kept} stops came amid the reading");
}

/// D14, D27.
#[tokio::test(start_paused = true)]
async fn no_fault_on_any_call_makes_a_difference_out_of_nothing() {
    let calls = [
        "look",
        "catalog",
        "layout",
        "tally",
        "prints",
        "rows",
        "count",
        "horizon",
        "touched",
        "position",
        "has_passed",
        "load",
        "open_snapshot",
        "close_snapshot",
        "calibrate",
    ];
    let classes = [
        DbFailureClass::Lost,
        DbFailureClass::TimedOut,
        DbFailureClass::Denied,
        DbFailureClass::Other,
    ];
    for call in calls {
        for class in classes {
            for (side, first) in [(Side::Source, 1), (Side::Target, 1), (Side::Target, 2)] {
                let bank = a_bank(Engine::Postgres, Kept::Heap, 500);
                let begin = bank.now();
                bank.with(|state| {
                    state.add_writer(begin, &table(), 77, Duration::from_millis(3));
                });
                bank.fault(BankFault::nth(side, call, first, 1, BankWhat::Fails(class)));

                let ended = run(&bank, a_spec()).await;

                let at = format!("{class:?} on {call} {first} of the {side}");
                match ended {
                    Validated::Done { report, .. } => {
                        assert_ne!(report.verdict, Verdict::Mismatched, "{at}");
                    }
                    Validated::Impossible { failure, .. } => {
                        assert_eq!(failure.class, class, "{at}");
                    }
                    other => panic!("{at}: {other:?}"),
                }
                assert_eq!(bank.complaints(), Vec::<String>::new(), "{at}");
                assert_eq!(bank.open_snapshots(), 0, "{at}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn progress_rises_to_all_rows_and_all_tables() {
    let bank = a_bank(Engine::Mysql, Kept::Clustered, 15_000);
    two_tables(&bank);
    slow(&bank);
    let told = Mutex::new(Vec::<Progress>::new());
    let tell = |progress: &Progress| told.lock().expect("nobody panics").push(progress.clone());
    let clock = PausedClock::starting_at(bank.now());

    let ended = validate(
        a_spec(),
        bank.databases(),
        &clock,
        None,
        pending::<()>(),
        &tell,
    )
    .await;

    report(ended);
    let told = told.into_inner().expect("nobody panics");
    let of_payments: Vec<_> = told
        .iter()
        .filter(|progress| {
            progress
                .table
                .as_deref()
                .is_some_and(|t| t.ends_with("payments"))
        })
        .collect();
    assert!(
        of_payments
            .iter()
            .any(|progress| progress.rows.source == 15_000)
    );
    assert!(
        of_payments
            .iter()
            .any(|progress| progress.of_rows.target == 15_000)
    );
    let last = told.last().expect("something is told");
    assert_eq!((last.tables_done, last.tables), (2, 2));
}
