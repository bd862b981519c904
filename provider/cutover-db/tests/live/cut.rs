//! Values that a replication has cut or changed on the way.

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::report::{RowDifferenceKind, Verdict};
use cutover_core::validation::side::Side;

use crate::given::{Pair, differences, rows_of_all_tables, table};

/// What AWS DMS leaves of a LOB in limited mode, in bytes. Source: DMS user guide, `LobMaxSize` of the target metadata task settings; its default is 32 KB.
const LOB_MAX: usize = 32 * 1_024;

/// D19
#[test]
fn a_text_that_was_cut_at_32_kib_is_named() {
    let pair = Pair::new(Engine::Postgres, Engine::Postgres);
    let texts = [LOB_MAX - 1, LOB_MAX, 40 * 1_024].map(|length| "x".repeat(length));
    for side in Side::BOTH {
        pair.run(side, "CREATE TABLE notes (id int PRIMARY KEY, note text)");
        for (id, text) in (1..).zip(&texts) {
            let kept = match side {
                Side::Source => text,
                Side::Target => &text[..text.len().min(LOB_MAX)],
            };
            pair.run(side, &format!("INSERT INTO notes VALUES ({id}, '{kept}')"));
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");

    let report = runtime.block_on(pair.validate(rows_of_all_tables()));

    assert_eq!(
        differences(table(&report, "notes")),
        [(
            RowDifferenceKind::Different,
            "3".to_owned(),
            vec!["note".to_owned()]
        )]
    );
    assert_eq!(report.verdict, Verdict::Mismatched);
}
