//! Reports that could have been.

use cutover_core::validation::catalog::{Engine, Server, Tls};
use cutover_core::validation::facts::{Figures, Position, Work};
use cutover_core::validation::plan::{Excluded, Strategy};
use cutover_core::validation::report::{
    DataSection, Differences, InvariantReport, InvariantSection, ProofKind, Report, RowDifference,
    RowDifferenceKind, RuleReport, RuleSection, SchemaFinding, SchemaSection, Severity, SumReport,
    TableReport, TlsSection, VERSION, Verdict,
};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Mode;

fn server(engine: Engine, version: &str, identity: &str) -> Server {
    Server {
        engine,
        version: version.to_owned(),
        version_number: 150_018,
        identity: identity.to_owned(),
        database: "shop".to_owned(),
        is_replica: false,
        tls: Some(Tls {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            verified: true,
        }),
        can_write: false,
        max_packet: None,
    }
}

fn work(rows: u64, seconds: f64) -> Work {
    Work {
        units: 120,
        repeated: 1,
        rows,
        seconds,
        busy_seconds: seconds * 1.5,
        paused_seconds: seconds / 4.0,
        pauses: 2,
        connections: 2,
    }
}

fn table(name: &str, rows: u64, seconds: f64) -> TableReport {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    TableReport {
        table: name.to_owned(),
        names: Both::of(|_| format!("public.{name}")),
        verdict: Verdict::Matched,
        reasons: Vec::new(),
        strategy: Some(Strategy::RecordHash),
        strategy_reason: "record hash 4.1 s, text digest 11 s, stream 19 s".to_owned(),
        key: names(&["id"]),
        columns: names(&[
            "id",
            "customer_id",
            "amount",
            "currency",
            "status",
            "created_at",
        ]),
        excluded: Vec::new(),
        rows: Both::of(|_| rows),
        buckets: 4_096,
        differing_buckets: 0,
        digests: Both::of(|_| "5f2c9be1d04a77e3a1b0c6d2e98f4471".to_owned()),
        candidates: 0,
        converged: 0,
        rounds: 0,
        differences: Differences::default(),
        hot: 0,
        sums: Vec::new(),
        work: Both::of(|_| work(rows, seconds)),
    }
}

fn sum(group: &str, source: &str, target: &str) -> SumReport {
    let figures = |sum: &str| Figures {
        rows: 1_204_331,
        sums: vec![Some(sum.to_owned())],
        latest: vec![Some("2026-01-01 10:05:00.25".to_owned())],
    };
    SumReport {
        group: group.to_owned(),
        of: vec!["sum of amount".to_owned(), "latest created_at".to_owned()],
        figures: Both {
            source: Some(figures(source)),
            target: Some(figures(target)),
        },
        equal: source == target,
        moving: false,
    }
}

/// Two databases that are equal.
pub(super) fn a_report() -> Report {
    let tables = vec![
        table("customers", 412_009, 1.2),
        table("payments", 3_000_000, 7.4),
        table("transactions", 9_120_411, 21.8),
    ];
    Report {
        version: VERSION,
        tool: "0.1.0".to_owned(),
        mode: Mode::PreMigration,
        verdict: Verdict::Matched,
        proof: ProofKind::Full,
        reasons: Vec::new(),
        began_at: "2026-01-01T10:05:00Z".to_owned(),
        ended_at: "2026-01-01T10:05:34Z".to_owned(),
        seconds: 34.2,
        servers: Both {
            source: server(Engine::Postgres, "15.18", "5b1a90cf2d77e001"),
            target: server(Engine::Postgres, "17.2", "e0017d2cf5b1a90c"),
        },
        position: Some(Position::Lsn("0/16B3748".to_owned())),
        data_validation: DataSection {
            is_valid: true,
            tables,
        },
        schema_validation: SchemaSection {
            is_valid: true,
            findings: Vec::new(),
        },
        orphaned_records: RuleSection {
            is_valid: true,
            count: 0,
            rules: vec![rule(
                "payments.customer_id → customers.id",
                "payments",
                0,
                0,
            )],
        },
        invalid_records: RuleSection {
            is_valid: true,
            count: 0,
            rules: Vec::new(),
        },
        invariants: InvariantSection {
            is_valid: true,
            invariants: vec![invariant(
                "captured is never more than authorised",
                Some(true),
            )],
        },
        tls: TlsSection {
            is_valid: true,
            without: Vec::new(),
        },
        work: Both::of(|_| work(12_532_420, 30.4)),
    }
}

fn rule(name: &str, table: &str, source: u64, target: u64) -> RuleReport {
    RuleReport {
        rule: name.to_owned(),
        table: Some(table.to_owned()),
        count: Both {
            source: Some(source),
            target: Some(target),
        },
        keys: Vec::new(),
        inherited: source > 0 && source == target,
        failed: None,
    }
}

fn invariant(name: &str, holds: Option<bool>) -> InvariantReport {
    InvariantReport {
        name: name.to_owned(),
        holds,
        failed: holds.is_none().then(|| "it gave two rows".to_owned()),
    }
}

fn row(kind: RowDifferenceKind, key: &str, columns: &[&str]) -> RowDifference {
    RowDifference {
        kind,
        key: Some(key.to_owned()),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        copies: None,
    }
}

fn finding(severity: Severity, kind: &str, place: &str, text: &str) -> SchemaFinding {
    SchemaFinding {
        severity,
        kind: kind.to_owned(),
        place: place.to_owned(),
        text: text.to_owned(),
    }
}

/// Two databases that differ in every way.
pub(super) fn mismatched() -> Report {
    let mut report = a_report();
    report.verdict = Verdict::Mismatched;
    report.mode = Mode::Final;
    report.reasons = vec![
        "`payments`: 1 row missing on the target, 2 rows different".to_owned(),
        "`transactions`: 1 row on the target only, at least".to_owned(),
        "the schema of the target would lose or refuse data".to_owned(),
    ];
    report.data_validation.is_valid = false;
    let payments = &mut report.data_validation.tables[1];
    payments.verdict = Verdict::Mismatched;
    payments.reasons = vec!["1 row missing on the target, 2 rows different".to_owned()];
    payments.differing_buckets = 5;
    payments.candidates = 7;
    payments.converged = 4;
    payments.rounds = 3;
    payments.differences = Differences {
        missing: 1,
        extra: 0,
        different: 2,
        at_least: false,
        rows: vec![
            row(RowDifferenceKind::Missing, "1041", &[]),
            row(RowDifferenceKind::Different, "99", &["amount", "status"]),
            row(RowDifferenceKind::Different, "100", &["created_at"]),
        ],
    };
    payments.sums = vec![
        sum("currency=EUR", "88123456.1", "88123455.85"),
        sum("currency=USD", "1204331.55", "1204331.55"),
    ];
    payments.excluded = vec![Excluded {
        column: "search".to_owned(),
        reason: "derived from the others".to_owned(),
        accepted: true,
    }];
    let transactions = &mut report.data_validation.tables[2];
    transactions.verdict = Verdict::Mismatched;
    transactions.key.clear();
    transactions.differences = Differences {
        extra: 1,
        at_least: true,
        rows: vec![RowDifference {
            copies: Some(Both {
                source: 1,
                target: 2,
            }),
            ..row(
                RowDifferenceKind::Extra,
                "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
                &[],
            )
        }],
        ..Differences::default()
    };
    report.schema_validation = SchemaSection {
        is_valid: false,
        findings: vec![
            finding(
                Severity::Informs,
                "collation",
                "public.customers.name",
                "sorts by `C` there and by `en_US` here",
            ),
            finding(
                Severity::Blocks,
                "narrower_type",
                "public.payments.amount",
                "`numeric(12,2)` is narrower than `numeric(14,4)`",
            ),
            finding(
                Severity::Warns,
                "missing_index",
                "public.payments.payments_created_at",
                "is not on the target",
            ),
        ],
    };
    report.orphaned_records.count = 2;
    report.orphaned_records.is_valid = false;
    report.orphaned_records.rules[0].count.target = Some(2);
    report.orphaned_records.rules[0].keys = vec!["99".to_owned(), "100".to_owned()];
    report.invalid_records.rules = vec![
        rule("amount is not negative", "payments", 3, 3),
        RuleReport {
            count: Both::default(),
            failed: Some("permission denied for table refunds (42501)".to_owned()),
            ..rule("refunds have a payment", "refunds", 0, 0)
        },
    ];
    report.invalid_records.count = 3;
    report
        .invariants
        .invariants
        .push(invariant("ledger is balanced", Some(false)));
    report
}

/// Two databases of which it could not be told.
pub(super) fn inconclusive() -> Report {
    let mut report = a_report();
    report.verdict = Verdict::Inconclusive;
    report.mode = Mode::PostMigration;
    report.reasons =
        vec!["`payments`: 1,204 rows changed in every round, and 1,000 may".to_owned()];
    report.position = Some(Position::Marker(41));
    report.servers.target = server(Engine::Mariadb, "10.11.19-MariaDB", "77e0015b1a90cf2d");
    report.servers.target.tls = None;
    report.servers.target.can_write = true;
    let payments = &mut report.data_validation.tables[1];
    payments.verdict = Verdict::Inconclusive;
    payments.reasons = vec!["1,204 rows changed in every round, and 1,000 may".to_owned()];
    payments.strategy = Some(Strategy::TextDigest);
    payments.candidates = 1_240;
    payments.converged = 36;
    payments.rounds = 12;
    payments.hot = 1_204;
    payments.excluded = vec![Excluded {
        column: "location".to_owned(),
        reason: "the types `point` and `geometry` have no common form".to_owned(),
        accepted: false,
    }];
    report
        .invariants
        .invariants
        .push(invariant("ledger is balanced", None));
    report
}

/// In how many places [`with_every_text`] puts a text that a page shows.
pub(super) const TEXTS: usize = 36;

/// A report with the same text wherever a text can be.
pub(super) fn with_every_text(text: &str) -> Report {
    let given = || text.to_owned();
    let mut report = mismatched();
    report.tool = given();
    report.reasons = vec![given()];
    report.began_at = given();
    report.ended_at = given();
    report.position = Some(Position::Gtid(given()));
    for side in Side::BOTH {
        let server = report.servers.get_mut(side);
        server.version = given();
        server.identity = given();
        server.database = given();
        server.tls = Some(Tls {
            version: given(),
            cipher: given(),
            verified: true,
        });
    }
    let mut of = table(text, 1, 1.0);
    of.names = Both::of(|_| given());
    of.digests = Both::of(|_| given());
    of.verdict = Verdict::Mismatched;
    of.reasons = vec![given()];
    of.strategy_reason = given();
    of.key = vec![given()];
    of.columns = vec![given()];
    of.excluded = vec![Excluded {
        column: given(),
        reason: given(),
        accepted: false,
    }];
    of.differences.different = 1;
    of.differences.rows = vec![row(RowDifferenceKind::Different, text, &[text])];
    of.sums = vec![SumReport {
        of: vec![given(), given()],
        ..sum(text, text, text)
    }];
    report.data_validation.tables = vec![of];
    report.schema_validation.findings = vec![finding(Severity::Blocks, text, text, text)];
    for section in [&mut report.orphaned_records, &mut report.invalid_records] {
        section.rules = vec![RuleReport {
            keys: vec![given()],
            failed: Some(given()),
            ..rule(text, text, 1, 1)
        }];
    }
    report.invariants.invariants = vec![InvariantReport {
        failed: Some(given()),
        ..invariant(text, None)
    }];
    report
}
