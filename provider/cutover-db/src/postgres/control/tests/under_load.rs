//! Fences while payments flow.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;

const WRITERS: usize = 4;
const CYCLES: usize = 6;

/// A payment, in an order of tables that is not that of their names.
const PAYMENT: &str =
    "BEGIN; INSERT INTO payments DEFAULT VALUES; UPDATE customers SET id = id WHERE false; COMMIT";

/// How long each fence stays closed, at least: long enough for every writer to knock many times.
const CLOSED: &str = "SELECT pg_sleep(0.1)";

/// What became of payments.
#[derive(Debug, Default)]
struct Ledger {
    over: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_there_and_nothing_is_committed_while_it_is_closed() {
    let rig = Rig::shop("under_load").await;
    let ledger = Arc::new(Ledger::default());
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let writer = pay(rig.client().await, Arc::clone(&ledger));
        writers.push(tokio::spawn(writer));
    }

    let mut closed = Vec::new();
    for _ in 0..CYCLES {
        let before = ledger.acknowledged.load(Ordering::SeqCst);
        while ledger.acknowledged.load(Ordering::SeqCst) < before + 20 {
            tokio::task::yield_now().await;
        }
        rig.close_for_long().await;
        let from = rig.value("SELECT clock_timestamp()").expect("a clock");
        rig.value(CLOSED);
        let to = rig.value("SELECT clock_timestamp()").expect("a clock");
        closed.push((from, to));
        let opened = rig.control.open(0, &WRITER, &entry("call off")).await;
        assert_eq!(opened, Ok(Ok(())));
    }
    ledger.over.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("nothing but refusals happened to it");
    }

    // One payment was there before.
    let acknowledged = ledger.acknowledged.load(Ordering::SeqCst) + 1;
    assert_eq!(rig.count("payments"), acknowledged.to_string());
    let refused = ledger.refused.load(Ordering::SeqCst);
    assert!(refused > 0, "nobody met the fence");
    for (from, to) in closed {
        let within = rig.count(&format!(
            "payments WHERE pg_xact_commit_timestamp(xmin) BETWEEN '{from}' AND '{to}'"
        ));
        assert_eq!(within, "0", "{from} to {to}");
    }
}

async fn pay(mut client: PgConnection, ledger: Arc<Ledger>) {
    while !ledger.over.load(Ordering::SeqCst) {
        let paid = run(&mut client, PAYMENT).await;
        if paid.is_ok() {
            ledger.acknowledged.fetch_add(1, Ordering::SeqCst);
        } else {
            assert_eq!(paid, read_only());
            pass(&mut client, "ROLLBACK").await;
            ledger.refused.fetch_add(1, Ordering::SeqCst);
        }
    }
}
