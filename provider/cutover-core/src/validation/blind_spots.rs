//! What each way of looking cannot see, and what covers it: data for documents and reports.

use std::collections::BTreeSet;

use super::plan::Strategy;
use super::report::{ProofKind, Report};
use super::spec::Mode;

/// A way of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Any comparison.
    Any,
    /// Rows under live writes.
    Live,
    /// Rows hashed by `hash_record_extended`.
    RecordHash,
    /// Rows read as a stream.
    Stream,
    /// Rows hashed as canonical text.
    TextDigest,
    /// Tables without a key.
    Keyless,
    /// A part of the rows.
    Sample,
    /// Numbers of rows.
    Count,
    /// What changed since a former proof.
    Delta,
    /// Sums and latest values.
    Sums,
    /// Rules and references.
    Rules,
    /// Schemas.
    Schema,
}

/// Something that a way of looking cannot see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlindSpot {
    /// The way of looking.
    pub of: Way,
    /// What it cannot see, and why.
    pub unseen: &'static str,
    /// What covers it.
    pub covered_by: &'static str,
}

/// All blind spots, by the way of looking.
pub const BLIND_SPOTS: &[BlindSpot] = &[
    BlindSpot {
        of: Way::Any,
        unseen: "columns that are left out, or whose types cannot be compared: they are not read",
        covered_by: "the report names them, and unless they were left out on purpose nothing is matched",
    },
    BlindSpot {
        of: Way::Any,
        unseen: "values that both sides have lost alike, such as digits cut from a time",
        covered_by: "the comparison of schemas",
    },
    BlindSpot {
        of: Way::Any,
        unseen: "values that are equal and wrong",
        covered_by: "rules, invariants and sums",
    },
    BlindSpot {
        of: Way::Any,
        unseen: "what is written on the target after it was read",
        covered_by: "a fence on the target, and the check in the write pause",
    },
    BlindSpot {
        of: Way::Live,
        unseen: "keys that changed in every round (hot)",
        covered_by: "the check in the write pause, which begins with them",
    },
    BlindSpot {
        of: Way::Live,
        unseen: "that a row was changed away and back between all reads of its source: it may be called different if \
                 each time the target was read in the other state",
        covered_by: "another run, or the check in the write pause",
    },
    BlindSpot {
        of: Way::RecordHash,
        unseen: "what the type itself calls equal: 1.0 and 1.00, one day and 24 hours, JSON in another order",
        covered_by: "the strategy textDigest, where that matters",
    },
    BlindSpot {
        of: Way::RecordHash,
        unseen: "two rows whose 64-bit hashes collide, one in 2^64 for each pair, with other seeds in each run",
        covered_by: "another run",
    },
    BlindSpot {
        of: Way::Stream,
        unseen: "differences that the canonical forms level out, such as blanks that fill up char(n), or −0 and 0",
        covered_by: "nothing: they mean the same",
    },
    BlindSpot {
        of: Way::TextDigest,
        unseen: "floating point and JSON, which it refuses, and what the canonical forms level out",
        covered_by: "the strategy stream",
    },
    BlindSpot {
        of: Way::Keyless,
        unseen: "which row of one side belongs to which of the other: equal rows are counted",
        covered_by: "a key, declared in the scope",
    },
    BlindSpot {
        of: Way::Sample,
        unseen: "rows of all buckets that were not drawn: it can find differences and proves nothing",
        covered_by: "a full comparison",
    },
    BlindSpot {
        of: Way::Count,
        unseen: "values, and a row too many that makes up for one too few",
        covered_by: "a full comparison",
    },
    BlindSpot {
        of: Way::Delta,
        unseen: "rows damaged below the database, which no transaction has touched since the full proof",
        covered_by: "a full comparison",
    },
    BlindSpot {
        of: Way::Sums,
        unseen: "errors that cancel out within a group",
        covered_by: "a full comparison",
    },
    BlindSpot {
        of: Way::Rules,
        unseen: "what no rule says",
        covered_by: "a full comparison",
    },
    BlindSpot {
        of: Way::Schema,
        unseen: "functions, procedures, views and rights",
        covered_by: "tests of the application against the target",
    },
];

/// Returns the blind spots of the ways of looking that a report used.
pub fn blind_spots(report: &Report) -> Vec<&'static BlindSpot> {
    let mut ways = BTreeSet::from([Way::Any, Way::Schema]);
    ways.extend(match report.proof {
        ProofKind::Sample => Some(Way::Sample),
        ProofKind::Count => Some(Way::Count),
        ProofKind::Delta => Some(Way::Delta),
        ProofKind::Full | ProofKind::None => None,
    });
    if report.mode != Mode::Final {
        ways.insert(Way::Live);
    }
    for table in &report.data_validation.tables {
        ways.extend(table.strategy.map(|strategy| match strategy {
            Strategy::RecordHash => Way::RecordHash,
            Strategy::Stream => Way::Stream,
            Strategy::TextDigest => Way::TextDigest,
        }));
        if table.strategy.is_some() && table.key.is_empty() {
            ways.insert(Way::Keyless);
        }
        if !table.sums.is_empty() {
            ways.insert(Way::Sums);
        }
    }
    let rules = [&report.orphaned_records, &report.invalid_records];
    if rules.iter().any(|section| !section.rules.is_empty()) {
        ways.insert(Way::Rules);
    }
    BLIND_SPOTS
        .iter()
        .filter(|spot| ways.contains(&spot.of))
        .collect()
}
