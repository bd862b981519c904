//! Databases of another engine.

use serde_json::json;

use super::pair::{PAYMENTS, Pair, Side, VALIDATION, ask, stack_of, stored};

/// Rows for a small system of payments, in MariaDB.
const ROWS: &str = "
    INSERT INTO customers SELECT seq, CONCAT('customer-', seq, '@example.com') FROM seq_1_to_100;
    INSERT INTO payments
        SELECT seq, 1 + seq % 100, seq * 1.25, 'EUR', 'settled', TIMESTAMP('2026-01-01') + INTERVAL seq MINUTE
        FROM seq_1_to_500;
    INSERT INTO transactions SELECT seq, seq, 'capture', seq * 1.25 FROM seq_1_to_500;
    INSERT INTO audit_log
        SELECT seq, seq, 'settled', TIMESTAMP('2026-01-01') + INTERVAL seq MINUTE FROM seq_1_to_500;
";

#[test]
fn two_databases_of_mariadb_match_until_a_row_changes() {
    // `timestamp` would be another type there.
    let tables = PAYMENTS.replace("timestamp(6)", "datetime(6)");
    let pair = Pair::mariadb("it_maria", &format!("{tables}{ROWS}"));
    let schemas = json!({ pair.database(Side::Source): pair.database(Side::Target) });
    let args = |release: &str| {
        pair.args(json!({ "schemas": schemas, "triggers": { "release": release } }))
    };
    let stack = stack_of(&args("1"), &pair.password());

    stack.up().succeeds().says("matched: 4 tables");
    let outputs = stored(&stack);
    assert_eq!(outputs["proof"], "full", "{outputs:#}");
    assert_eq!(outputs["schemaValidation"]["isValid"], true, "{outputs:#}");

    pair.run(
        Side::Target,
        "UPDATE payments SET status = 'refunded' WHERE id = 42",
    );
    ask(&stack, &args("2"));
    let run = stack.up().fails();
    assert_eq!(run.step(VALIDATION), "update");
    run.says("CUT-230")
        .says("payments`: 1 different rows")
        .says("42 in status");
}
