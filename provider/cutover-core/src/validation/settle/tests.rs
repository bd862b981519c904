//! A source with a history, a target that lags behind it, and what may be concluded from looking at both.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// Milliseconds.
type Time = u64;

/// What is wrong with a row on the target, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    Missing,
    Altered,
}

/// What a row was on the source, from when on. No state ever comes back.
type History = Vec<(Time, Print)>;

/// Both sides at any time.
#[derive(Clone, Debug)]
struct World {
    rows: Vec<(History, Wrong)>,
    /// How far the target is behind, from when on.
    lags: Vec<(Time, Time)>,
    /// How long each statement takes, in turn.
    takes: Vec<Time>,
    /// Whether the target claims to have had everything at once.
    lies: bool,
}

impl World {
    fn source(&self, key: usize, at: Time) -> Print {
        let (history, _) = &self.rows[key];
        let state = history.iter().rev().find(|(from, _)| *from <= at);
        state.and_then(|(_, print)| print.clone())
    }

    /// Returns up to which moment the target has had everything. It never goes back.
    fn had(&self, at: Time) -> Time {
        let ends = self.lags.iter().skip(1).map(|(from, _)| *from);
        self.lags
            .iter()
            .zip(ends.chain([Time::MAX]))
            .filter(|((from, _), _)| *from <= at)
            .map(|((_, lag), end)| at.min(end - 1).saturating_sub(*lag))
            .max()
            .unwrap_or(at)
    }

    fn target(&self, key: usize, at: Time) -> Print {
        let replicated = self.source(key, self.had(at));
        match self.rows[key].1 {
            Wrong::Nothing => replicated,
            Wrong::Missing => None,
            Wrong::Altered => replicated.map(|mut columns| {
                columns.push(7);
                columns
            }),
        }
    }
}

/// What a settlement came to, and when each round had read the source first.
struct Settled {
    settlement: Settlement<usize>,
    read_at: Vec<Time>,
}

fn settle(world: &World, follow: Follow, max_rounds: u32) -> Settled {
    let settling = Settling {
        max_rounds,
        max_hot: 1_000,
        max_candidates: 100_000,
        max_wait: Duration::from_mins(5),
    };
    let keys = (0..world.rows.len()).collect();
    let mut settlement = Settlement::new(keys, follow, settling, 2);
    let mut now: Time = 10_000;
    let mut takes = world.takes.iter().copied().cycle();
    let (mut read_at, mut rounds) = (vec![now], 0);
    let moment = |now: Time| Timestamp::from_unix_millis(i64::try_from(now).unwrap());
    for _ in 0..20_000 {
        let mut take = || takes.next().unwrap_or(1);
        match settlement.want() {
            Want::Over => {
                return Settled {
                    settlement,
                    read_at,
                };
            }
            Want::Note => {
                let noted = now;
                now += take();
                settlement.noted(Position::Marker(noted), moment(now));
            }
            Want::HasPassed(position) => {
                let Position::Marker(noted) = position else {
                    panic!("markers were noted")
                };
                now += take();
                let passed = world.lies || world.had(now) >= noted;
                settlement.answered(passed, None, moment(now));
            }
            Want::WaitUntil(at) => {
                now = now.max(u64::try_from(at.unix_millis()).unwrap());
                settlement.woke(moment(now));
            }
            Want::Read(keys) => {
                let read = |side: fn(&World, usize, Time) -> Print, at| {
                    keys.iter()
                        .filter_map(|&key| Some((key, side(world, key, at)?)))
                        .collect()
                };
                if settlement.rounds() > rounds {
                    rounds = settlement.rounds();
                    read_at.push(now);
                }
                let source = read(World::source, now);
                now += take();
                let target = read(World::target, now);
                now += take();
                settlement.read(Both { source, target }, moment(now));
            }
        }
    }
    panic!("it never settles")
}

/// Histories begin with a state that is older than the first look. Fresh numbers are states that never come back; a row
/// that is deleted stays away.
fn history() -> impl Strategy<Value = History> {
    let writes = prop::collection::vec(1_u64..4_000, 0..60);
    (writes, prop::option::of(0_usize..60), any::<bool>()).prop_map(
        |(gaps, deleted_after, born_late)| {
            let mut at = 8_000;
            let mut history = vec![(0, (!born_late).then(|| vec![0]))];
            for (number, gap) in gaps.into_iter().enumerate() {
                at += gap;
                if deleted_after == Some(number) {
                    // A row that was not there yet cannot go.
                    if history.iter().any(|(_, print)| print.is_some()) {
                        history.push((at, None));
                    }
                    break;
                }
                history.push((at, Some(vec![u64::try_from(number).unwrap() + 1])));
            }
            history
        },
    )
}

fn world(wrong: impl Strategy<Value = Wrong> + Clone) -> impl Strategy<Value = World> {
    let rows = prop::collection::vec((history(), wrong), 1..5);
    let lags = prop::collection::vec((1_u64..20_000, 0_u64..15_000), 0..6);
    let takes = prop::collection::vec(0_u64..300, 1..20);
    (rows, lags, 0_u64..5_000, takes).prop_map(|(rows, segments, first, takes)| {
        let mut lags = vec![(0, first)];
        let mut from = 0;
        for (length, lag) in segments {
            from += length;
            lags.push((from, lag));
        }
        World {
            rows,
            lags,
            takes,
            lies: false,
        }
    })
}

/// Fails when a row is called different that replication alone has written.
fn accuses_nobody(world: &World) -> Result<(), TestCaseError> {
    let settled = settle(world, Follow::Native, 12);
    for confirmed in settled.settlement.confirmed() {
        let (_, wrong) = &world.rows[confirmed.key];
        prop_assert_ne!(*wrong, Wrong::Nothing, "false: {:?}", confirmed);
    }
    Ok(())
}

fn any_wrong() -> impl Strategy<Value = Wrong> + Clone {
    prop_oneof![
        Just(Wrong::Nothing),
        Just(Wrong::Missing),
        Just(Wrong::Altered)
    ]
}

proptest! {
    #![proptest_config(Config::with_cases(2_000))]

    /// D24, D25: whatever is written, and however far the target is behind, a row that replication alone has written is
    /// never called different.
    #[test]
    fn a_row_that_only_lags_is_never_confirmed(world in world(any_wrong())) {
        accuses_nobody(&world)?;
    }

    /// D22: a row that is wrong for good is confirmed. It may pass for hot only if its source was written to within the
    /// last reads that it takes, and for equal only while the source itself has no such row.
    #[test]
    fn a_row_that_is_wrong_for_good_is_always_confirmed(world in world(any_wrong())) {
        let Settled { settlement, read_at } = settle(&world, Follow::Native, 12);

        prop_assert!(!settlement.is_stalled());
        for (key, (history, wrong)) in world.rows.iter().enumerate() {
            let is_there_always = *wrong != Wrong::Nothing
                && history.iter().all(|(_, print)| print.is_some());
            let is_confirmed = settlement.confirmed().iter().any(|found| found.key == key);
            if !is_there_always || is_confirmed {
                continue;
            }
            prop_assert!(settlement.hot().contains(&key), "{key} was let go");
            let reads = usize::try_from(READS_MOVED).unwrap();
            let since = read_at[read_at.len() - reads];
            let written = history.last().map_or(0, |(at, _)| *at);
            prop_assert!(written > since, "{key} stood still since {written}, {since}");
        }
    }

    #[test]
    fn every_candidate_has_one_end(world in world(any_wrong()), rounds in 0_u32..15) {
        let Settled { settlement, .. } = settle(&world, Follow::Native, rounds);

        let ends = settlement.confirmed().len() + settlement.hot().len() + settlement.open();
        let ends = u64::try_from(ends).unwrap() + settlement.converged();
        prop_assert_eq!(ends, settlement.candidates());
    }
}

/// D25: the wait is what the proof stands on. A target that claims to have had everything is accused falsely.
#[test]
fn without_the_wait_rows_that_only_lag_are_confirmed() {
    let mut runner = TestRunner::new_with_rng(
        Config {
            failure_persistence: None,
            ..Config::with_cases(2_000)
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );

    let outcome = runner.run(&world(Just(Wrong::Nothing)), |mut world| {
        world.lies = true;
        accuses_nobody(&world)
    });

    assert!(outcome.is_err(), "the property does not see the wait");
}

fn a_row(states: &[(Time, Option<u64>)]) -> History {
    states
        .iter()
        .map(|(at, value)| (*at, value.map(|value| vec![value])))
        .collect()
}

fn a_world(rows: Vec<(History, Wrong)>, lag: Time) -> World {
    World {
        rows,
        lags: vec![(0, lag)],
        takes: vec![10],
        lies: false,
    }
}

/// The row lagged in the first round. In the second its source is written just after it was read, and replication, quick
/// again, brings that over before the target is read: both reads of the source were alike, and the target differed in both.
#[test]
fn a_write_that_arrives_before_the_target_is_read_is_no_difference() {
    // The source is read at 10,000 and 10,040, the target each time 10 ms later.
    let history = a_row(&[(0, Some(0)), (9_995, Some(1)), (10_045, Some(2))]);
    let mut world = a_world(vec![(history, Wrong::Nothing)], 20);
    world.lags.push((10_020, 0));

    let settled = settle(&world, Follow::Native, 12);

    assert_eq!(settled.read_at[..2], [10_000, 10_040]);
    assert_eq!(settled.settlement.confirmed(), []);
    assert_eq!(
        (settled.settlement.converged(), settled.settlement.rounds()),
        (1, 3)
    );
}

/// D24: a row that is written to 50 times a second is hot at worst.
#[test]
fn a_row_under_steady_writes_is_hot_and_not_different() {
    let writes = (0..50_000).map(|n| (n * 20, Some(n))).collect::<Vec<_>>();
    let history = a_row(&writes);

    let settled = settle(
        &a_world(vec![(history, Wrong::Nothing)], 3_000),
        Follow::Native,
        12,
    );

    assert_eq!(settled.settlement.confirmed(), []);
    assert_eq!(settled.settlement.hot(), [0]);
    assert_eq!(settled.settlement.rounds(), 12);
}

/// D25: when the lag jumps, the wait is longer, and nothing else changes.
#[test]
fn a_lag_that_jumps_prolongs_the_wait() {
    let history = a_row(&[(0, Some(1)), (9_950, Some(2))]);
    let mut world = a_world(vec![(history, Wrong::Nothing)], 100);
    world.lags.push((9_990, 60_000));

    let settled = settle(&world, Follow::Native, 12);

    assert_eq!(settled.settlement.confirmed(), []);
    assert_eq!(settled.settlement.converged(), 1);
    assert!(settled.read_at[1] > 60_000, "{:?}", settled.read_at);
}

#[test]
fn a_target_that_does_not_follow_leaves_candidates_open() {
    let history = a_row(&[(0, Some(1)), (9_950, Some(2))]);
    let world = a_world(vec![(history, Wrong::Nothing)], 10_000_000);

    let settled = settle(&world, Follow::Native, 12);

    assert!(settled.settlement.is_stalled());
    assert_eq!(settled.settlement.open(), 1);
}

#[test]
fn a_longest_lag_stands_for_a_position() {
    let follow = Follow::Delay {
        longest: Duration::from_secs(5),
    };
    let late = a_row(&[(0, Some(1)), (9_950, Some(2))]);
    let world = a_world(
        vec![
            (late, Wrong::Nothing),
            (a_row(&[(0, Some(1))]), Wrong::Altered),
        ],
        4_900,
    );

    let settled = settle(&world, follow, 12);

    let confirmed: Vec<_> = settled
        .settlement
        .confirmed()
        .iter()
        .map(|row| row.key)
        .collect();
    assert_eq!((confirmed, settled.settlement.converged()), (vec![1], 1));
    assert_eq!(settled.settlement.position(), None);
}

/// Where nothing follows, a row that moves all the same is not called different.
#[test]
fn where_nothing_follows_two_reads_confirm_and_a_row_that_moves_does_not() {
    let moving: Vec<_> = (0..5_000).map(|n| (n * 7, Some(n))).collect();
    let rows = vec![
        (a_row(&[(0, Some(1))]), Wrong::Missing),
        (a_row(&moving), Wrong::Missing),
    ];

    let settled = settle(&a_world(rows, 0), Follow::None, 12);

    let confirmed: Vec<_> = settled
        .settlement
        .confirmed()
        .iter()
        .map(|row| row.key)
        .collect();
    assert_eq!(confirmed, [0]);
    assert_eq!(settled.settlement.hot(), [1]);
}

#[test]
fn what_another_server_showed_confirms_nothing() {
    let settling = Settling {
        max_rounds: 12,
        max_hot: 1,
        max_candidates: 1,
        max_wait: Duration::from_secs(1),
    };
    let mut settlement = Settlement::new(BTreeSet::from([1]), Follow::None, settling, 1_000);
    let at = Timestamp::default();
    let source_only = || Both {
        source: BTreeMap::from([(1, vec![5])]),
        target: BTreeMap::new(),
    };

    settlement.read(source_only(), at);
    settlement.forget(at);
    settlement.read(source_only(), at);
    let before = settlement.confirmed().len();
    settlement.woke(at.after(Duration::from_secs(1)));
    settlement.read(source_only(), at);

    assert_eq!((before, settlement.confirmed().len()), (0, 1));
}
