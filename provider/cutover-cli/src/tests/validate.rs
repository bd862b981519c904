//! Databases that are compared, simulated.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::validation::catalog::{Engine, TableName};
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::{Both, Side};
use cutover_sim::bank::{Bank, Kept, SimTable};
use cutover_sim::{PausedClock, SimDatabases};
use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use crate::Exit;

const LINE: &str =
    "validate --source postgres://reader@old/shop --target postgres://reader@new/shop --tls off";

fn table() -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: "payments".to_owned(),
    }
}

/// Somebody before two databases with the same rows, of which a server reads so many in a second.
fn a_bench(rows: i64, rows_per_second: u64) -> (Bench, Bank, SimDatabases) {
    let bank = Bank::new(
        Arc::new(PausedClock::default()),
        &Both::of(|_| Engine::Postgres),
    );
    bank.with(|state| {
        state.add_table(&table(), &SimTable::new(Kept::Heap, 1..=rows));
        for side in Side::BOTH {
            state.servers.get_mut(side).rows_per_second = rows_per_second;
        }
    });
    let databases = SimDatabases::of(bank.clone());
    let mut bench = Bench::new();
    bench.here.clock = Arc::new(PausedClock::default());
    bench.here.databases = Arc::new(databases.clone());
    bench.here.variable = |name| {
        (name == "CUTOVER_SOURCE_PASSWORD" || name == "CUTOVER_TARGET_PASSWORD")
            .then(|| "hunter2".to_owned())
    };
    (bench, bank, databases)
}

fn with_progress(file: &Path) -> String {
    format!("{LINE} --strategy recordHash --progress {}", file.display())
}

#[tokio::test(start_paused = true)]
async fn equal_databases_match_and_progress_is_told_in_plain_lines() {
    let (bench, _, databases) = a_bench(3_000, 100_000);

    let typed = bench.types(LINE).await;

    assert_eq!(typed.exit, Exit::Done, "{typed:?}");
    assert!(typed.out.starts_with("matched"), "{}", typed.out);
    assert!(typed.err.lines().count() > 1, "{}", typed.err);
    assert!(!typed.err.contains(['\r', '\u{1b}']), "{:?}", typed.err);
    let opened = databases.opened();
    assert!(
        opened
            .iter()
            .all(|(_, at)| at.password.reveal() == "hunter2")
    );
    assert_eq!(opened.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_a_finding_and_json_is_the_report() {
    let (bench, bank, _) = a_bench(3_000, 100_000);
    bank.with(|state| state.put(Side::Target, &table(), 41, Some(vec![1, 2])));

    let typed = bench.types(&format!("{LINE} --json")).await;

    assert_eq!(typed.exit, Exit::Finding, "{typed:?}");
    let report = typed.json();
    assert_eq!(report["verdict"], "mismatched");
    let rows = &report["data_validation"]["tables"][0]["differences"]["rows"];
    assert_eq!(rows[0]["key"], "41", "{rows}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_keeps_its_progress_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("progress");
    let (mut bench, bank, _) = a_bench(60_000, 2_000);
    let stop = bench.here.stop.clone();
    bank.after(Duration::from_secs(12), move |_| stop.cancel());

    let typed = bench.types(&with_progress(&file)).await;

    assert_eq!(typed.exit, Exit::Failed, "{typed:?}");
    assert!(typed.err.contains("CUT-232"), "{}", typed.err);
    let advice = format!("--progress {}", file.display());
    assert!(typed.err.contains(&advice), "{}", typed.err);
    let kept = std::fs::read_to_string(&file).expect("is kept");
    assert!(!kept.contains("hunter2"));

    bench.here.stop = CancellationToken::new();
    let typed = bench.types(&with_progress(&file)).await;

    assert_eq!(typed.exit, Exit::Done, "{typed:?}");
    assert!(typed.err.contains("going on"), "{}", typed.err);
    assert!(!file.exists(), "nothing is left to go on with");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_holds_something_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "mine").expect("the folder is ours");
    let (bench, _, databases) = a_bench(10, 100_000);

    let typed = bench.types(&with_progress(&file)).await;

    assert_eq!(typed.exit, Exit::Usage, "{typed:?}");
    assert!(typed.err.contains("CUT-195"), "{}", typed.err);
    assert_eq!(std::fs::read_to_string(&file).expect("is there"), "mine");
    assert!(databases.opened().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_database_that_cannot_be_reached_is_told_with_its_code_and_place() {
    let (bench, _, databases) = a_bench(10, 100_000);
    databases.refuse(Side::Target, DbFailureClass::Unreachable);

    let typed = bench.types(LINE).await;

    assert_eq!(typed.exit, Exit::Failed, "{typed:?}");
    assert!(typed.err.contains("CUT-210"), "{}", typed.err);
    assert!(
        typed.err.contains("target `shop` at `new:5432`"),
        "{}",
        typed.err
    );
    assert_eq!(typed.out, "");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_meant_reaches_nobody_and_shows_no_password() {
    let (bench, _, databases) = a_bench(10, 100_000);
    let lines = [
        ("validate --source postgres://reader:s3cret@old/shop --target postgres://reader@new/shop".to_owned(), "CUT-194"),
        (format!("{LINE} --report verdict.txt"), "CUT-194"),
        (format!("{LINE} --follow cdc"), "CUT-194"),
        (format!("{LINE} --tables a.b.c"), "CUT-201"),
        (format!("{LINE} --spec /no/such/file.json"), "CUT-194"),
    ];
    for (line, code) in lines {
        let typed = bench.types(&line).await;

        assert_eq!(typed.exit, Exit::Usage, "{typed:?}");
        assert!(typed.err.contains(code), "{}", typed.err);
        assert!(!typed.err.contains("s3cret"), "{}", typed.err);
    }
    assert!(databases.opened().is_empty());
}
