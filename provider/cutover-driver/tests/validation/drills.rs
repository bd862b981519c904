//! Looking into buckets that differ.

use std::sync::Arc;

use cutover_core::validation::catalog::Engine;
use cutover_core::validation::facts::{Command, Drilled, Fact};
use cutover_core::validation::plan::{Chosen, Method, Span};
use cutover_core::validation::side::Side;
use cutover_sim::bank::{BankState, Kept};

use cutover_driver::Perform;

use crate::given::{Run, a_bank, a_spec, hashed, key, ranges, table};

/// Reads both sides, and looks into what differs.
async fn drilled(run: &Run, method: &Method) -> (Chosen, Drilled) {
    let passed = run.pass(method).await.expect("nothing fails");
    let differing = passed.source.tally.differing(&passed.target.tally);
    let chosen: Chosen = differing.into_iter().collect();
    let world = run.world(None);
    let layouts = run.layouts(&world).await;
    let drill = Command::Drill(
        Arc::clone(&run.plan),
        layouts,
        method.clone(),
        chosen.clone(),
    );
    match world.perform(&drill).await {
        Fact::Drilled(drilled) => (chosen, drilled),
        other => panic!("a drill was asked for, not {other:?}"),
    }
}

/// Makes one row missing, one extra, and two that exchange a value.
fn differ(state: &mut BankState) {
    state.put(Side::Target, &table(), 1, None);
    state.put(Side::Target, &table(), 60_001, Some(vec![1, 1]));
    state.put(Side::Target, &table(), 30_000, Some(vec![30_001 * 7, 0]));
    state.put(Side::Target, &table(), 30_001, Some(vec![30_000 * 7, 1]));
}

/// D22, D23.
#[tokio::test(start_paused = true)]
async fn exactly_the_keys_that_are_not_alike_are_found() {
    for kept in [Kept::Heap, Kept::Clustered, Kept::Chain] {
        for method in [ranges(1_000, 64), hashed(64)] {
            let run = Run::new(a_bank(Engine::Postgres, kept, 60_000), a_spec());
            run.bank.with(differ);

            let (_, drilled) = drilled(&run, &method).await;

            let expected = [1, 30_000, 30_001, 60_001].map(key);
            assert_eq!((drilled.keys.as_slice(), drilled.more), (&expected[..], 0));
            run.assert_tidy();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_key_ranges_that_can_hold_the_rows_are_read() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 60_000), a_spec());
    run.bank.with(differ);

    let (chosen, drilled) = drilled(&run, &ranges(1_000, 64)).await;

    assert_eq!(chosen, Chosen::from([0, 29, 30, 60]));
    // Row 30,000 is the last of its bucket, and 30,001 the first of the next.
    assert_eq!((drilled.rows.source, drilled.rows.target), (3_000, 3_000));
    let calls = run.bank.calls();
    let spans = calls.iter().filter(|called| called.call == "prints");
    assert!(spans.clone().count() >= 6);
    let wanted = [(i64::MIN, 1_001), (29_001, 31_001), (60_001, 61_001)];
    for span in spans.filter_map(|called| called.span.clone()) {
        let Span::Range { from, until } = span else {
            panic!("key ranges are read, not {span:?}")
        };
        let (from, until) = (from.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX));
        let is_wanted = |(first, end): (i64, i64)| first <= from && until <= end;
        assert!(wanted.into_iter().any(is_wanted), "{from} to {until}");
    }
}

/// D23.
#[tokio::test(start_paused = true)]
async fn of_too_many_keys_as_many_are_named_as_are_followed_and_the_rest_is_counted() {
    for method in [ranges(1_000, 64), hashed(64)] {
        let mut spec = a_spec();
        spec.settling.max_candidates = 500;
        let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 60_000), spec);
        run.bank.with(|state| {
            for id in 1..=60_000 {
                state.put(Side::Target, &table(), id, Some(vec![0, 9]));
            }
        });

        let (_, drilled) = drilled(&run, &method).await;

        assert_eq!(drilled.keys.len(), 500);
        assert!(drilled.more > 0);
    }
}

/// D23.
#[tokio::test(start_paused = true)]
async fn more_rows_than_fit_into_memory_are_looked_into_a_part_at_a_time() {
    let run = Run::new(a_bank(Engine::Mysql, Kept::Clustered, 400_000), a_spec());
    let world = run.world(None);
    let layouts = run.layouts(&world).await;
    let chosen: Chosen = (0..64).collect();
    let method = ranges(6_250, 64);
    let drill = Command::Drill(Arc::clone(&run.plan), layouts, method, chosen);

    let Fact::Drilled(drilled) = world.perform(&drill).await else {
        panic!("a drill was asked for")
    };

    assert_eq!((drilled.keys, drilled.more), (vec![], 0));
    assert_eq!(
        (drilled.rows.source, drilled.rows.target),
        (400_000, 400_000)
    );
    // No range of keys reaches from one part into the next: 24 buckets hold 150,000 rows.
    let calls = run.bank.calls();
    let printed = calls.iter().filter(|called| called.call == "prints");
    let ends = printed.filter_map(|called| match called.span {
        Some(Span::Range { until, .. }) => until,
        _ => None,
    });
    let ends: Vec<i64> = ends.collect();
    assert!(
        ends.contains(&150_001) && ends.contains(&300_001),
        "{ends:?}"
    );
}
