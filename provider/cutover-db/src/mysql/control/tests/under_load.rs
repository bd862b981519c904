//! Many writers while the fence closes and opens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cutover_core::writer_switch::facts::Row;
use cutover_driver::WriterControl as _;
use futures_util::future::join_all;
use sqlx::MySqlConnection;

use super::{AMPLE, AT_FIRST, a_source, entry, run, until};

/// How often the fence closes and opens.
const CYCLES: u64 = 6;

const WRITERS: u64 = 4;

/// What writers share.
#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

/// Pays until it is over. A payment and its entry are one transaction.
async fn pay(mut client: MySqlConnection, first: u64, shared: Arc<Shared>) {
    for number in first.. {
        if shared.over.load(Ordering::Relaxed) {
            return;
        }
        let payment = format!("BEGIN; INSERT INTO payments VALUES ({number})");
        let entry = format!("INSERT INTO entries VALUES ({number}); COMMIT");
        let written = match run(&mut client, &payment).await {
            Ok(_) => run(&mut client, &entry).await,
            refused => refused,
        };
        match written {
            Ok(_) => shared.acknowledged.fetch_add(1, Ordering::Relaxed),
            // 1213: it had one table when the fence had another, and the server has undone it for that.
            Err(number @ (1290 | 1213)) => {
                run(&mut client, "ROLLBACK").await.expect("it goes on");
                let by_fence = u64::from(number == 1290);
                shared.refused.fetch_add(by_fence, Ordering::Relaxed)
            }
            Err(other) => panic!("error {other}"),
        };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_payment_that_was_acknowledged_is_there_and_none_is_written_while_it_is_closed() {
    let script = "CREATE TABLE payments (id bigint PRIMARY KEY); CREATE TABLE entries (id bigint PRIMARY KEY)";
    let rig = a_source("under_load", script, &["payments", "entries"]).await;
    let shared = Arc::new(Shared::default());
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let client = rig.client().await;
        writers.push(tokio::spawn(pay(client, writer << 32, Arc::clone(&shared))));
    }

    let count = "SELECT (SELECT COUNT(*) FROM payments), (SELECT COUNT(*) FROM entries)";
    for epoch in 0..CYCLES {
        let before = rig.ask(count);
        until(|| rig.ask(count) != before).await;
        rig.pause(AMPLE).await;
        let closed = rig.ask(count);
        let refused = shared.refused.load(Ordering::Relaxed);
        until(|| rig.ask(count) == closed && shared.refused.load(Ordering::Relaxed) > refused)
            .await;
        if epoch % 2 == 0 {
            let closing = rig.writer.close(AMPLE, &entry("close")).await;
            closing.expect("it may be closed");
        }
        assert_eq!(rig.ask(count), closed, "somebody wrote while it was closed");
        let row = Row {
            epoch: epoch + 1,
            ..AT_FIRST
        };
        let opened = rig.writer.open(epoch, &row, &entry("open")).await;
        assert_eq!(opened, Ok(Ok(())));
    }
    shared.over.store(true, Ordering::Relaxed);
    for writer in join_all(writers).await {
        writer.expect("no writer fails");
    }

    let acknowledged = shared.acknowledged.load(Ordering::Relaxed);
    assert!(acknowledged > 0, "nobody wrote");
    assert_eq!(rig.ask(count), format!("{acknowledged} {acknowledged}"));
}
