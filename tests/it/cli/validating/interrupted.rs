//! Validations that somebody interrupts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use super::pair::{Pair, VALIDATION, ask, lines, stored};

/// Two tables of which one piece after the other is read, with long rests in between; the larger one first.
const MANY: &str = "
    CREATE TABLE entries (id bigint PRIMARY KEY, amount numeric(12, 2) NOT NULL);
    INSERT INTO entries SELECT n, n * 0.01 FROM generate_series(1, 50000) AS n;
    CREATE TABLE marks (id bigint PRIMARY KEY, amount numeric(12, 2) NOT NULL);
    INSERT INTO marks SELECT n, n * 0.01 FROM generate_series(1, 45000) AS n;
    ANALYZE entries, marks;
";

/// Longer than a run may take to end once it is interrupted: two seconds for the validation, and as much for the CLI and
/// the program.
const STOP_MAX: Duration = Duration::from_secs(6);

/// D49
#[test]
fn ctrl_c_ends_a_long_validation_at_once_and_the_next_up_goes_on() {
    let pair = Pair::postgres("it_stop", MANY);
    let slow = json!({ "connections": 1, "duty": 1, "unitTarget": "100ms" });
    let changes = json!({ "limits": { "source": slow, "target": slow } });
    let stack = pair.stack(json!({}));
    let folder = stack.folder("reports");
    let report = folder.join("report.json");
    let mut args = pair.args(changes);
    args["reportFile"] = json!(report);
    ask(&stack, &args);

    let running = stack.start(&["up", "--skip-preview"]);
    running.has_told("`entries` is done, 1 of 2 tables");
    let interrupted = Instant::now();
    let run = running.interrupted().finish().fails();
    let took = interrupted.elapsed();

    assert!(took < STOP_MAX, "it took {took:?} to stop:\n{run}");
    run.says("CUT-232").says("the next run goes on from here");
    assert_eq!(stored(&stack)["verdict"], "stopped");
    let progress = folder.join("report.json.progress");
    let mode = fs::metadata(&progress).expect("it is kept").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600, "it may hold keys of rows");
    assert!(!report.exists());

    let up = stack.up().succeeds();
    assert_eq!(up.step(VALIDATION), "update");
    let told = lines(&up).join("\n");
    assert!(
        told.contains("goes on where the run before ended"),
        "{told}"
    );
    assert!(
        !told.contains("`entries` is done"),
        "it was read twice: {told}"
    );
    assert_eq!(stored(&stack)["verdict"], "matched");
    assert!(report.exists());
    assert!(!progress.exists(), "it is of no use any more");
}
