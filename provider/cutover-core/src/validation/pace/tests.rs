use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::catalog::{Kind, TableName};
use super::super::digest::{Bucket, KeyPart};
use super::super::plan::{Buckets, ColumnPlan, Form, KeyPlan, Strategy as Hashing};
use super::super::side::Both;
use super::*;

/// How a table is kept, in the ways that lead to different pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Heap,
    Clustered,
    Chain,
    Heapless,
}

fn name(name: &str) -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    }
}

fn plan(kept: Kept) -> TablePlan {
    let kind = Kind::Integer {
        bits: 64,
        unsigned: false,
    };
    let of = |text: &str| Both::of(|_| text.to_owned());
    let id = ColumnPlan {
        names: of("id"),
        kinds: Both::of(|_| kind.clone()),
        types: of("bigint"),
        form: Form::Integer,
        nullable: Both::of(|_| false),
        deterministic: Both::of(|_| true),
    };
    TablePlan {
        label: "payments".to_owned(),
        names: Both::of(|_| name("payments")),
        columns: vec![id],
        key: match kept {
            Kept::Heapless => KeyPlan::WholeRow,
            Kept::Heap | Kept::Clustered | Kept::Chain => KeyPlan::Columns(vec![0]),
        },
        excluded: Vec::new(),
    }
}

fn layout(kept: Kept, rows: u64, keys: (i64, i64), blocks: &[u32]) -> Layout {
    let piece = |(number, blocks): (usize, &u32)| (name(&format!("p{number}")), *blocks);
    Layout {
        pieces: blocks.iter().enumerate().map(piece).collect(),
        estimated_rows: rows,
        bytes: rows.saturating_mul(100),
        keys: (kept == Kept::Clustered || kept == Kept::Heap).then_some(keys),
        clustered: matches!(kept, Kept::Clustered | Kept::Chain),
        has_blocks: kept == Kept::Heap,
    }
}

fn method(buckets: Buckets, every: u32) -> Method {
    Method {
        strategy: Hashing::RecordHash,
        buckets,
        mix: Mix::Sum,
        seed: 7,
        every,
    }
}

fn hashed() -> Method {
    method(Buckets::Hashed { count: 64 }, 1)
}

fn limits(connections: u32) -> Limits {
    Limits {
        connections,
        unit_target: Duration::from_millis(700),
        unit_limit: Duration::from_secs(30),
        duty: 100,
        max_active_sessions: Some(10),
        max_lag: Some(Duration::from_mins(1)),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn a_pacer(kept: Kept, limits: &Limits) -> Pacer {
    let layout = layout(kept, 1_000_000, (1, 1_000_000), &[10_000]);
    Pacer::new(&plan(kept), &layout, &hashed(), limits, None)
}

fn unit(step: Step) -> Unit {
    match step {
        Step::Read(unit) => unit,
        other @ (Step::Wait(_) | Step::Done) => panic!("there is something to read, not {other:?}"),
    }
}

fn rows(count: u64) -> Tally {
    let bucket = Bucket {
        rows: count,
        digest: [count, 1],
    };
    Tally(BTreeMap::from([(0, bucket)]))
}

fn key(value: i64) -> Key {
    Key(vec![KeyPart::Integer(value.into())])
}

#[test]
fn pieces_are_of_the_kind_that_the_side_reads_best() {
    let first = |kept| unit(a_pacer(kept, &limits(1)).step(at(0))).span;

    assert_eq!(
        first(Kept::Heap),
        Span::Blocks {
            piece: 0,
            from: 0,
            until: Some(200)
        }
    );
    assert_eq!(
        first(Kept::Clustered),
        Span::Range {
            from: None,
            until: Some(20_001)
        }
    );
    assert_eq!(
        first(Kept::Chain),
        Span::After {
            key: None,
            rows: 20_000
        }
    );
    assert_eq!(first(Kept::Heapless), Span::Whole);
}

#[test]
fn a_sample_of_key_ranges_reads_those_alone_and_what_lies_outside_of_all() {
    let buckets = Buckets::Ranges {
        first: 0,
        width: 10,
        count: 16,
    };
    let layout = layout(Kept::Clustered, 160, (0, 159), &[0]);
    let method = method(buckets, 5);

    let pacer = Pacer::new(&plan(Kept::Clustered), &layout, &method, &limits(1), None);

    let range = |from, until| Span::Range { from, until };
    assert_eq!(
        pacer.progress(at(0)).left,
        vec![
            range(None, Some(10)),
            range(Some(50), Some(60)),
            range(Some(100), Some(110)),
            range(Some(150), None),
        ]
    );
}

#[test]
fn a_heap_is_read_as_a_whole_once_many_of_its_buckets_are_wanted() {
    let buckets = Buckets::Ranges {
        first: 0,
        width: 10,
        count: 16,
    };
    let layout = layout(Kept::Heap, 160, (0, 159), &[4]);
    let spans = |chosen: &[u32]| {
        let chosen: Chosen = chosen.iter().copied().collect();
        let method = method(buckets.clone(), 1);
        let pacer = Pacer::new(
            &plan(Kept::Heap),
            &layout,
            &method,
            &limits(1),
            Some(&chosen),
        );
        pacer.progress(at(0)).left
    };

    assert_eq!(
        spans(&[3, 4]),
        vec![Span::Range {
            from: Some(30),
            until: Some(50)
        }]
    );
    assert_eq!(
        spans(&[3, 4, 9]),
        vec![Span::Blocks {
            piece: 0,
            from: 0,
            until: None
        }]
    );
}

/// Reads pieces at so many milliseconds for each value of the key; returns the sizes.
fn sizes(millis_per_thousand: u64, units: usize) -> Vec<u64> {
    let mut pacer = a_pacer(Kept::Clustered, &limits(1));
    let mut now = at(0);
    let sizes = (0..units).map(|_| {
        let unit = unit(pacer.step(now));
        let size = pacer.ruler.length(&unit.span, 0);
        now = now.after(Duration::from_millis(size * millis_per_thousand / 1_000));
        pacer.done(unit, &rows(size), None, now);
        size
    });
    sizes.collect()
}

#[test]
fn pieces_grow_and_shrink_towards_the_time_that_is_wished() {
    assert_eq!(sizes(7, 5), [20_000, 40_000, 80_000, 100_000, 100_000]);
    assert_eq!(sizes(700, 6), [20_000, 10_000, 5_000, 2_500, 1_250, 1_000]);
}

#[test]
fn a_piece_that_is_small_because_nothing_is_left_makes_the_next_no_larger() {
    let layout = layout(Kept::Heap, 1_000_000, (1, 1), &[1, 1, 1, 10_000]);
    let mut pacer = Pacer::new(&plan(Kept::Heap), &layout, &hashed(), &limits(1), None);
    let before = pacer.size;

    for _ in 0..3 {
        let unit = unit(pacer.step(at(0)));
        pacer.done(unit, &rows(1), None, at(1));
    }

    assert_eq!(pacer.size, before);
}

/// D27.
#[test]
fn a_piece_that_took_too_long_is_read_in_halves_and_counted_once() {
    let mut pacer = a_pacer(Kept::Clustered, &limits(1));

    let whole = unit(pacer.step(at(0)));
    assert!(pacer.failed(whole, DbFailureClass::TimedOut, at(30_000)));
    let first = unit(pacer.step(at(30_000)));
    assert_eq!(
        first.span,
        Span::Range {
            from: None,
            until: Some(10_001)
        }
    );
    pacer.done(first, &rows(5), None, at(30_700));

    let work = pacer.work(at(30_700));
    assert_eq!((work.units, work.repeated, work.rows), (2, 1, 5));
    let second = unit(pacer.step(at(30_700)));
    assert_eq!(
        second.span,
        Span::Range {
            from: Some(10_001),
            until: Some(20_001)
        }
    );
}

#[test]
fn what_cannot_be_halved_any_more_ends_the_pass_and_stays_to_be_read() {
    for kept in [Kept::Heap, Kept::Clustered, Kept::Chain, Kept::Heapless] {
        let mut pacer = a_pacer(kept, &limits(1));
        let mut tries = 0;
        loop {
            tries += 1;
            let unit = unit(pacer.step(at(0)));
            if !pacer.failed(unit, DbFailureClass::TooBig, at(0)) {
                break;
            }
            assert!(tries < 100, "halving {kept:?} comes to an end");
        }
        assert!(!pacer.progress(at(0)).left.is_empty());
    }
}

/// D27.
#[test]
fn a_lost_piece_is_read_again_up_to_five_times_each_time_later() {
    let mut pacer = a_pacer(Kept::Heapless, &limits(1));
    let first = unit(pacer.step(at(0)));
    assert!(pacer.failed(first, DbFailureClass::Lost, at(0)));

    let mut waits = Vec::new();
    let mut now = at(0);
    while let Step::Wait(Some(until)) = pacer.step(now) {
        waits.push(until.since(now).as_secs());
        now = until;
        let again = unit(pacer.step(now));
        assert_eq!(again.span, Span::Whole);
        if !pacer.failed(again, DbFailureClass::Lost, now) {
            break;
        }
    }

    assert_eq!(waits, [1, 2, 4, 8, 16]);
}

#[test]
fn other_pieces_are_read_while_a_lost_one_waits() {
    let mut pacer = a_pacer(Kept::Clustered, &limits(2));
    let first = unit(pacer.step(at(0)));
    assert!(pacer.failed(first, DbFailureClass::Busy, at(0)));

    let second = unit(pacer.step(at(0)));

    let from_there = Some(20_001);
    assert!(matches!(second.span, Span::Range { from, .. } if from == from_there));
}

#[test]
fn what_another_attempt_cannot_mend_ends_the_pass_at_once() {
    for class in [DbFailureClass::Denied, DbFailureClass::Changed] {
        let mut pacer = a_pacer(Kept::Heap, &limits(1));
        let unit = unit(pacer.step(at(0)));

        assert!(!pacer.failed(unit, class, at(0)));
    }
}

#[test]
fn a_connection_rests_for_the_share_of_time_that_belongs_to_others() {
    let limits = Limits {
        duty: 25,
        ..limits(1)
    };
    let mut pacer = a_pacer(Kept::Heap, &limits);

    let first = unit(pacer.step(at(0)));
    pacer.done(first, &rows(1), None, at(700));

    assert_eq!(pacer.step(at(700)), Step::Wait(Some(at(2_800))));
    let _second = unit(pacer.step(at(2_800)));
    let work = pacer.work(at(2_800));
    assert_eq!((work.busy_seconds, work.paused_seconds), (0.7, 2.1));
}

fn load(active_sessions: u32, lag: u64) -> Load {
    Load {
        active_sessions,
        lag: Some(Duration::from_secs(lag)),
    }
}

/// D47.
#[test]
fn a_busy_server_or_a_late_target_is_left_alone_until_well_below_the_limit() {
    let mut pacer = a_pacer(Kept::Heap, &limits(2));
    let heard = |pacer: &mut Pacer, active, lag, now| {
        pacer.load(&load(active, lag), at(now));
        pacer.is_paused()
    };

    assert!(!heard(&mut pacer, 10, 60, 0));
    assert!(heard(&mut pacer, 11, 0, 1_000));
    assert_eq!(pacer.step(at(1_000)), Step::Wait(None));
    assert!(heard(&mut pacer, 9, 0, 2_000));
    assert!(!heard(&mut pacer, 8, 0, 3_000));
    assert!(heard(&mut pacer, 0, 61, 4_000));
    assert!(heard(&mut pacer, 0, 49, 5_000));
    assert!(!heard(&mut pacer, 0, 48, 6_000));
    let work = pacer.work(at(6_000));
    assert_eq!((work.pauses, work.paused_seconds), (2, 4.0));
}

#[test]
fn progress_is_void_for_a_table_that_is_kept_in_another_way() {
    let pacer = a_pacer(Kept::Heap, &limits(1));
    let progress = pacer.progress(at(0));
    let resumed = |blocks: &[u32]| {
        let layout = layout(Kept::Heap, 1, (1, 1), blocks);
        Pacer::resumed(&layout, &hashed(), &limits(1), &progress)
    };

    assert!(resumed(&[20_000]).is_some());
    assert!(resumed(&[20_000, 5]).is_none());
}

/// A table as a server keeps it: one row at each place.
struct Heap {
    kept: Kept,
    /// Piece and block, or key.
    rows: BTreeSet<(usize, i64)>,
}

impl Heap {
    /// Returns the rows of a piece, and the last key where it was full.
    fn read(&self, span: &Span) -> (Vec<(usize, i64)>, Option<Key>) {
        let rows = self.rows.iter().copied();
        match span {
            Span::Whole => (rows.collect(), None),
            Span::Blocks { piece, from, until } => {
                let until = until.map_or(i64::MAX, i64::from);
                let within = rows
                    .filter(|(of, block)| of == piece && (i64::from(*from)..until).contains(block));
                (within.collect(), None)
            }
            Span::Range { from, until } => {
                let within = rows.filter(|(_, key)| {
                    from.is_none_or(|from| *key >= from) && until.is_none_or(|until| *key < until)
                });
                (within.collect(), None)
            }
            Span::After {
                key: after,
                rows: most,
            } => {
                let later =
                    rows.filter(|(_, value)| after.as_ref().is_none_or(|k| key(*value) > *k));
                let read: Vec<_> = later.take(*most as usize).collect();
                let full = read.len() == *most as usize;
                let last = read.last().filter(|_| full).map(|(_, value)| key(*value));
                (read, last)
            }
        }
    }
}

/// What happens to the units in hand, one after another.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Done { which: usize, millis: u16 },
    Fails { which: usize, class: DbFailureClass },
    Load(u32),
    Interrupted,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let class = prop_oneof![
        Just(DbFailureClass::TimedOut),
        Just(DbFailureClass::TooBig),
        Just(DbFailureClass::Lost),
        Just(DbFailureClass::Busy),
        Just(DbFailureClass::Other),
    ];
    let turn = prop_oneof![
        6 => (0..4_usize, 0..3_000_u16).prop_map(|(which, millis)| Turn::Done { which, millis }),
        2 => (0..4_usize, class).prop_map(|(which, class)| Turn::Fails { which, class }),
        1 => (0..20_u32).prop_map(Turn::Load),
        1 => Just(Turn::Interrupted),
    ];
    proptest::collection::vec(turn, 0..60)
}

fn heaps() -> impl Strategy<Value = (Heap, Layout)> {
    let kept = prop_oneof![
        Just(Kept::Heap),
        Just(Kept::Clustered),
        Just(Kept::Chain),
        Just(Kept::Heapless),
    ];
    let rows = proptest::collection::btree_set((0..3_usize, 0..500_i64), 0..300);
    (kept, rows, 0..400_u64, 1..600_u32).prop_map(|(kept, rows, estimated, blocks)| {
        let places = |(piece, place)| match kept {
            Kept::Heap => (piece, place),
            Kept::Clustered | Kept::Chain | Kept::Heapless => (0, place - 250),
        };
        let rows: BTreeSet<_> = rows.into_iter().map(places).collect();
        // What is known of the table is older than the table.
        let mut layout = layout(kept, estimated, (-200, 200), &[blocks, 0, 7]);
        layout.estimated_rows = estimated.saturating_mul(1_000);
        (Heap { kept, rows }, layout)
    })
}

impl std::fmt::Debug for Heap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {} rows", self.kept, self.rows.len())
    }
}

proptest! {
    #[test]
    fn whatever_happens_every_row_is_read_once(
        (heap, layout) in heaps(), turns in turns(), connections in 1..5_u32,
    ) {
        let (plan, method, limits) = (plan(heap.kept), hashed(), limits(connections));
        let mut pacer = Pacer::new(&plan, &layout, &method, &limits, None);
        let mut now = at(0);
        let mut out: Vec<Unit> = Vec::new();
        let mut read: Vec<(usize, i64)> = Vec::new();
        let mut turns = turns.into_iter();
        for _ in 0..100_000 {
            match pacer.step(now) {
                Step::Done => break,
                Step::Read(unit) => { out.push(unit); continue; }
                Step::Wait(until) if out.is_empty() => {
                    // Nobody else can help: time passes, or the server calms down.
                    match until { Some(until) => now = until, None => pacer.load(&load(0, 0), now) }
                    continue;
                }
                Step::Wait(_) => {}
            }
            prop_assert!(out.len() <= connections as usize);
            let turn = turns.next().unwrap_or(Turn::Done { which: 0, millis: 700 });
            match turn {
                Turn::Done { which, millis } => {
                    let unit = out.remove(which % out.len());
                    now = now.after(Duration::from_millis(millis.into()));
                    let (found, last) = heap.read(&unit.span);
                    pacer.done(unit, &rows(found.len() as u64), last, now);
                    read.extend(found);
                }
                Turn::Fails { which, class } => {
                    let unit = out.remove(which % out.len());
                    if !pacer.failed(unit, class, now) {
                        let progress = pacer.progress(now);
                        out.clear();
                        pacer = Pacer::resumed(&layout, &method, &limits, &progress).expect("as before");
                    }
                }
                Turn::Load(sessions) => pacer.load(&load(sessions, 0), now),
                Turn::Interrupted => {
                    let progress = pacer.progress(now);
                    out.clear();
                    pacer = Pacer::resumed(&layout, &method, &limits, &progress).expect("as before");
                }
            }
        }

        prop_assert_eq!(pacer.step(now), Step::Done);
        prop_assert_eq!(pacer.tally().rows(), heap.rows.len() as u64);
        read.sort_unstable();
        prop_assert_eq!(read, heap.rows.iter().copied().collect::<Vec<_>>());
    }
}
