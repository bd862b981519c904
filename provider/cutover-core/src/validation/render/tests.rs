//! Reports as people read them.

use super::super::catalog::Engine;
use super::super::facts::Work;
use super::super::given_catalogs::servers;
use super::super::plan::Strategy;
use super::super::report::{
    DataSection, Differences, InvariantSection, RuleSection, SchemaFinding, SchemaSection,
    SumReport, TlsSection, VERSION,
};
use super::super::side::Both;
use super::super::spec::Mode;
use super::*;

fn a_table(name: &str, rows: u64) -> TableReport {
    let work = Work {
        seconds: 4.25,
        ..Work::default()
    };
    TableReport {
        table: name.to_owned(),
        names: Both::of(|_| format!("public.{name}")),
        verdict: Verdict::Matched,
        reasons: Vec::new(),
        strategy: Some(Strategy::Stream),
        strategy_reason: String::new(),
        key: vec!["id".to_owned()],
        columns: vec!["id".to_owned()],
        excluded: Vec::new(),
        rows: Both::of(|_| rows),
        buckets: 64,
        differing_buckets: 0,
        digests: Both::default(),
        candidates: 0,
        converged: 0,
        rounds: 0,
        differences: Differences::default(),
        hot: 0,
        sums: Vec::new(),
        work: Both::of(|_| work),
    }
}

fn a_report(verdict: Verdict, tables: Vec<TableReport>) -> Report {
    let rules = || RuleSection {
        is_valid: true,
        count: 0,
        rules: Vec::new(),
    };
    Report {
        version: VERSION,
        tool: "0.0.0".to_owned(),
        mode: Mode::PreMigration,
        verdict,
        proof: ProofKind::Full,
        reasons: Vec::new(),
        began_at: "2026-01-01T10:05:00Z".to_owned(),
        ended_at: "2026-01-01T10:05:04Z".to_owned(),
        seconds: 4.5,
        servers: servers(Engine::Postgres, Engine::Mariadb),
        position: None,
        data_validation: DataSection {
            is_valid: verdict == Verdict::Matched,
            tables,
        },
        schema_validation: SchemaSection {
            is_valid: true,
            findings: Vec::new(),
        },
        orphaned_records: rules(),
        invalid_records: rules(),
        invariants: InvariantSection {
            is_valid: true,
            invariants: Vec::new(),
        },
        tls: TlsSection {
            is_valid: true,
            without: Vec::new(),
        },
        work: Both::default(),
    }
}

#[test]
fn a_match_is_short() {
    let tables = vec![a_table("audit_log", 1_200_000), a_table("payments", 27_373)];

    insta::assert_snapshot!(render_report(&a_report(Verdict::Matched, tables)), @r"
matched: every row read, 2 tables in 4.5 s

table      verdict  rows source  rows target  differ  hot  strategy  seconds
audit_log  matched    1,200,000    1,200,000       0    0  stream        4.2
payments   matched       27,373       27,373       0    0  stream        4.2
");
}

#[test]
fn a_mismatch_says_why_and_what() {
    let mut payments = a_table("payments", 27_373);
    payments.verdict = Verdict::Mismatched;
    payments.differences = Differences {
        missing: 1,
        extra: 0,
        different: 1,
        at_least: true,
        rows: vec![
            RowDifference {
                kind: RowDifferenceKind::Missing,
                key: Some("4711".to_owned()),
                columns: Vec::new(),
                copies: None,
            },
            RowDifference {
                kind: RowDifferenceKind::Different,
                key: Some("(7, EUR)".to_owned()),
                columns: vec!["amount".to_owned(), "status".to_owned()],
                copies: None,
            },
        ],
    };
    payments.sums = vec![SumReport {
        group: "currency=EUR".to_owned(),
        of: vec!["sum of amount".to_owned()],
        figures: Both::default(),
        equal: false,
        moving: false,
    }];
    let mut notes = a_table("notes", 5);
    notes.verdict = Verdict::Mismatched;
    notes.differences = Differences {
        missing: 1,
        rows: vec![RowDifference {
            kind: RowDifferenceKind::Missing,
            key: None,
            columns: Vec::new(),
            copies: Some(Both {
                source: 3,
                target: 2,
            }),
        }],
        ..Differences::default()
    };
    let mut report = a_report(Verdict::Mismatched, vec![notes, payments]);
    report.reasons =
        vec!["payments: 1 row missing on the target, 1 row different, at least".to_owned()];
    report.schema_validation.findings = vec![SchemaFinding {
        severity: Severity::Blocks,
        kind: "narrower_type".to_owned(),
        place: "public.payments.amount".to_owned(),
        text: "numeric(12,2) becomes numeric(10,2)".to_owned(),
    }];
    report.orphaned_records.rules = vec![RuleReport {
        rule: "payments_customer_id".to_owned(),
        table: Some("public.payments".to_owned()),
        count: Both {
            source: Some(2),
            target: Some(2),
        },
        keys: vec!["11".to_owned(), "12".to_owned()],
        inherited: true,
        failed: None,
    }];

    insta::assert_snapshot!(render_report(&report), @r"
mismatched: every row read, 2 tables in 4.5 s
  - payments: 1 row missing on the target, 1 row different, at least

table     verdict     rows source  rows target  differ  hot  strategy  seconds
notes     mismatched            5            5       1    0  stream        4.2
payments  mismatched       27,373       27,373      2+    0  stream        4.2

notes:
  missing   (key not shown)  3 on the source, 2 on the target

payments:
  missing   4711
  different (7, EUR)  in amount, status

payments: sums of currency=EUR differ

schemas:
  blocks  public.payments.amount: numeric(12,2) becomes numeric(10,2)

orphaned records:
  payments_customer_id: 2 of the target, as many on the source (11, 12)
");
}

#[test]
fn long_lists_are_cut() {
    let mut payments = a_table("payments", 100);
    payments.differences.rows = (0..25)
        .map(|id: u32| RowDifference {
            kind: RowDifferenceKind::Extra,
            key: Some(id.to_string()),
            columns: Vec::new(),
            copies: None,
        })
        .collect();

    let text = render_report(&a_report(Verdict::Mismatched, vec![payments]));

    assert_eq!(text.matches("extra ").count(), SHOWN_MAX);
    assert!(text.ends_with("  and 15 more in the report\n"), "{text}");
}

#[test]
fn what_is_not_seen_fits_what_was_done() {
    let mut report = a_report(Verdict::Matched, vec![a_table("payments", 1)]);
    let full = render_blind_spots(&report);
    report.proof = ProofKind::Sample;
    report.mode = Mode::Final;
    let sample = render_blind_spots(&report);

    assert!(
        full.contains("in every round (hot)") && !full.contains("not drawn"),
        "{full}"
    );
    assert!(
        !sample.contains("(hot)") && sample.contains("not drawn"),
        "{sample}"
    );
}
