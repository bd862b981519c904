//! The example that people copy, as it is, over two local databases.

use std::fs;
use std::path::PathBuf;

use super::super::pulumi::{Stack, is_encrypted};
use super::pair::{Pair, Side};

const NOWHERE: [PathBuf; 0] = [];

/// The name of the resource in the example.
const PAYMENTS: &str = "payments";

#[test]
fn the_example_compares_two_databases_and_writes_a_page_about_it() {
    let stack = Stack::of_example("data-validation");
    let shop = fs::read_to_string(stack.program().join("shop.sql")).expect("it is there");
    let pair = Pair::postgres("it_example", &shop);
    let authority = stack.program().join("bundle.pem");
    fs::write(&authority, pair.authority()).expect("a new file can be written");
    let mut arguments = vec![
        "config".to_owned(),
        "set-all".to_owned(),
        "--path".to_owned(),
    ];
    for (key, side) in [("source", Side::Source), ("target", Side::Target)] {
        let connection = pair.connection(side);
        for name in ["host", "port", "database", "user"] {
            let value = match &connection[name] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            arguments.extend(["--plaintext".to_owned(), format!("{key}.{name}={value}")]);
        }
        let authority = format!("{key}.tls.caFile={}", authority.display());
        let password = format!("{key}Password={}", pair.password());
        arguments.extend(["--plaintext".to_owned(), authority]);
        arguments.extend(["--secret".to_owned(), password]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    stack.pulumi(&arguments).succeeds();

    let preview = stack.preview().succeeds();
    preview
        .says("payments, transactions, customers, audit_log")
        .says("the checks of the preset");
    stack.up().succeeds().says("matched: 4 tables");

    let state = stack.state();
    let outputs = state.outputs();
    assert_eq!(outputs["verdict"], "matched", "{outputs:#}");
    assert_eq!(outputs["proof"], "full", "{outputs:#}");
    assert!(is_encrypted(
        &state.resource(PAYMENTS)["inputs"]["source"]["password"]
    ));
    let page = stack.program().join("validation.html");
    let page = fs::read_to_string(page).expect("the page lies beside the program");
    assert!(page.contains("payments"), "{page}");
    assert_eq!(stack.finds(&pair.password()), NOWHERE);

    // More is refunded than was paid, on both sides: the migration is not to blame, and it is told.
    stack.config("release", "2");
    for side in [Side::Source, Side::Target] {
        pair.run(
            side,
            "INSERT INTO transactions VALUES (501, 7, 'refund', 99.99)",
        );
    }
    stack
        .up()
        .succeeds()
        .says("matched: 4 tables")
        .says("1 rows on the target, and no fewer on the source");

    // The README's last lines.
    stack.config("release", "3");
    pair.run(
        Side::Target,
        "UPDATE payments SET amount = amount + 0.01 WHERE id = 77",
    );
    stack.up().fails().says("CUT-230").says("77 in amount");
}
