//! That the simulation is as strict as what it stands for.

use std::time::Duration;

use cutover_core::writer_switch::control::{Entry, Fence, LogPosition};
use cutover_core::writer_switch::facts::Row;
use cutover_driver::Closing;
use futures_util::FutureExt;

use super::*;
use crate::SimClock;
use crate::cloud::{Job, JobStart, MovedDatabase, Mover};

const SECOND: Duration = Duration::from_secs(1);
const AT_FIRST: Row = Row {
    writer: Side::Source,
    epoch: 0,
};
const SWITCHED: Row = Row {
    writer: Side::Target,
    epoch: 1,
};

struct World {
    clock: SimClock,
    writers: SimWriters,
    controls: Both<Arc<dyn WriterControl>>,
}

#[test]
fn a_payment_is_acknowledged_only_while_the_fence_lets_it_through() {
    let world = World::prepared(Engine::Postgres);

    assert!(world.writers.pay(Side::Source, 1));
    assert!(!world.writers.pay(Side::Target, 2));
    world.fence(5 * SECOND);
    assert!(!world.writers.pay(Side::Source, 3));
    world.clock.pass(5 * SECOND);
    assert!(world.writers.pay(Side::Source, 4));

    assert_eq!(world.writers.with(|state| state.refused.len()), 2);
    world.writers.assert_nothing_lost();
}

#[test]
fn a_fence_that_opened_by_itself_is_not_closed_for_good() {
    let world = World::prepared(Engine::Postgres);

    world.fence(SECOND);
    world.clock.pass(SECOND);

    assert_eq!(world.close(), Closing::Expired);
    assert_eq!(world.look(Side::Source).fence, Fence::Expired);
}

#[test]
fn a_move_of_the_writer_loses_nothing_and_the_way_back_has_everything() {
    for engine in [Engine::Postgres, Engine::Mysql] {
        let world = World::prepared(engine);
        let (source, target) = (&world.controls.source, &world.controls.target);
        for id in 1..=5 {
            assert!(world.writers.pay(Side::Source, id));
        }

        world.fence(30 * SECOND);
        done(source.mark(7));
        assert!(!done(target.has_marker(7)));
        world.clock.pass(SECOND);
        assert!(done(target.has_marker(7)));
        let position = done(target.capture("back_1"));
        assert!(matches!(world.close(), Closing::Closed { .. }));
        done(target.open(0, &SWITCHED, &entry("commit"))).expect("the epoch is as expected");
        done(source.record(&SWITCHED, &entry("record")));
        assert!(world.writers.pay(Side::Target, 6));
        world.writers.with(|state| {
            state.links.source.running = false;
            state
                .replicate(Side::Target, &position.cdc_start())
                .expect("the log is kept");
        });
        world.clock.pass(SECOND);

        world.writers.assert_nothing_lost();
        let on_source = world
            .writers
            .with(|state| state.servers.source.payments.clone());
        assert_eq!(on_source, (1..=6).collect());
        let captured = world.look(Side::Target).captured.expect("it was noted");
        assert_eq!(captured.position, position);
        assert_eq!(
            matches!(position, LogPosition::Slot { .. }),
            engine == Engine::Postgres
        );
    }
}

#[test]
fn a_way_back_that_begins_too_early_echoes() {
    let world = World::prepared(Engine::Postgres);
    let too_early = done(world.controls.target.capture("back_1"));
    world.writers.pay(Side::Source, 1);
    world.clock.pass(SECOND);

    world.writers.with(|state| {
        state
            .replicate(Side::Target, &too_early.cdc_start())
            .expect("the log is kept");
    });
    world.clock.pass(SECOND);

    assert_eq!(
        world
            .writers
            .with(|state| state.links.target.echoes.clone()),
        [1]
    );
    assert_eq!(world.look(Side::Source).exceptions, Some(1));
}

#[test]
fn a_log_that_is_gone_is_no_place_to_begin() {
    for engine in [Engine::Postgres, Engine::Mariadb] {
        let world = World::prepared(engine);
        let position = done(world.controls.source.capture("there"));
        world.writers.pay(Side::Source, 1);

        let begun = world.writers.with(|state| {
            state.servers.source.lose_log();
            state.replicate(Side::Source, &position.cdc_start())
        });

        assert!(begun.expect_err("it is gone").ends_with("is gone"));
    }
}

#[test]
fn what_is_dropped_on_the_way_is_found_missing() {
    let world = World::prepared(Engine::Postgres);
    world.writers.pay(Side::Source, 1);
    world.writers.with(|state| state.links.source.drops = 1);

    world.clock.pass(SECOND);
    world.fence(30 * SECOND);
    done(world.controls.target.open(0, &SWITCHED, &entry("commit"))).expect("epoch 0");

    assert_eq!(world.writers.lost(), [1]);
    assert_eq!(world.look(Side::Target).exceptions, Some(1));
}

#[test]
fn a_link_without_a_lag_waits_for_each_step() {
    let world = World::prepared(Engine::Postgres);
    world.writers.with(|state| state.links.source.lag = None);
    world.writers.pay(Side::Source, 1);
    done(world.controls.source.mark(1));
    world.clock.pass(60 * SECOND);

    assert_eq!(world.writers.with(|state| state.behind(Side::Source)), 2);
    assert!(world.writers.step(Side::Source));
    assert!(!done(world.controls.target.has_marker(1)));
    assert!(world.writers.step(Side::Source));
    assert!(done(world.controls.target.has_marker(1)));
    assert!(!world.writers.step(Side::Source));
}

#[test]
fn locks_that_are_kept_hold_a_fence_up_or_off() {
    let world = World::prepared(Engine::Postgres);
    let begin = world.clock.now();
    let block = |until: Option<Timestamp>| {
        world.writers.with(|state| {
            state.servers.source.blockers = vec![(until, "app@10.0.3.7".to_owned())];
        });
    };

    block(None);
    let blockers = vec!["app@10.0.3.7".to_owned()];
    assert_eq!(world.fence(30 * SECOND), Closing::NoLock { blockers });
    assert_eq!(world.look(Side::Source).fence, Fence::Open);
    assert!(world.clock.now().since(begin) >= 2 * SECOND);
    block(Some(world.clock.now().after(SECOND)));
    let closed = world.fence(30 * SECOND);

    assert!(matches!(closed, Closing::Closed { locked } if locked > SECOND / 2));
}

#[test]
fn a_failure_comes_before_the_effect_or_after_it() {
    let world = World::prepared(Engine::Postgres);
    let target = &world.controls.target;
    let nth = |nth, what| WriterFault::nth(Side::Target, "open", nth, what);
    world
        .writers
        .fault(nth(1, WriterWhat::Fails(DbFailureClass::Busy)));
    world
        .writers
        .fault(nth(2, WriterWhat::AnswerLost(DbFailureClass::Lost)));
    world.fence(30 * SECOND);

    let commit = entry("commit");
    let first = failed(target.open(0, &SWITCHED, &commit));
    assert_eq!(first, DbFailureClass::Busy);
    assert_eq!(world.look(Side::Target).fence, Fence::Closed);
    let second = failed(target.open(0, &SWITCHED, &commit));
    assert_eq!(second, DbFailureClass::Lost);

    assert_eq!(failed(target.probe()), DbFailureClass::Lost);
    assert_eq!(done(target.lock()), Ok(()));
    assert_eq!(done(target.open(0, &SWITCHED, &commit)), Err(1));
    assert_eq!(world.look(Side::Target).fence, Fence::Open);
}

#[test]
fn one_runner_at_a_time_holds_the_lock() {
    let world = World::prepared(Engine::Postgres);
    let second = world.writers.control(Side::Source, &fenced("run 2"));

    assert_eq!(
        done(second.lock()),
        Err("session 1, run 1".to_owned()),
        "it is held"
    );
    world
        .writers
        .with(|state| state.break_session(Side::Source));
    assert_eq!(done(second.lock()), Ok(()));
    assert_eq!(
        failed(world.controls.source.mark(1)),
        DbFailureClass::Lost,
        "the former session is gone"
    );
    assert_eq!(
        done(world.controls.source.lock()),
        Err("session 3, run 2".to_owned())
    );
}

#[test]
fn whoever_dies_leaves_the_lock_and_what_was_done() {
    let world = World::prepared(Engine::Postgres);
    let dies = WriterFault::nth(Side::Source, "fence", 1, WriterWhat::DiesAfter);
    world.writers.fault(dies);

    let source = &world.controls.source;
    let fence = entry("fence");
    let answer = source.fence(2 * SECOND, 30 * SECOND, &fence);

    assert_eq!(answer.now_or_never(), None);
    assert!(matches!(
        world.look(Side::Source).fence,
        Fence::Paused { .. }
    ));
    for side in Side::BOTH {
        let next = world.writers.control(side, &fenced("run 2"));
        assert_eq!(done(next.lock()), Ok(()));
    }
}

#[test]
fn both_sides_taking_writes_is_a_complaint() {
    let world = World::prepared(Engine::Postgres);

    done(world.controls.target.open(0, &SWITCHED, &entry("commit"))).expect("epoch 0");

    assert!(world.writers.complaints()[0].starts_with("both sides take writes"));
}

#[test]
fn an_application_sees_how_long_it_was_refused() {
    let world = World::prepared(Engine::Postgres);
    world.writers.pay_every(Side::Source, SECOND / 10);

    world.clock.pass(SECOND);
    world.fence(2 * SECOND);
    world.clock.pass(3 * SECOND);

    let refused = world.writers.with(|state| state.refused.clone());
    let paused = refused[refused.len() - 1].0.since(refused[0].0);
    assert!(paused > SECOND && paused <= 2 * SECOND, "{paused:?}");
    world.writers.assert_nothing_lost();
}

#[test]
fn a_new_writer_whose_numbers_were_not_moved_on_collides() {
    let world = World::prepared(Engine::Postgres);
    world.writers.pay_every(Side::Source, SECOND);
    world.clock.pass(5 * SECOND);
    world.writers.stop_paying();
    world.fence(30 * SECOND);
    world.clock.pass(SECOND);
    done(world.controls.target.open(0, &SWITCHED, &entry("commit"))).expect("epoch 0");

    let pay_next = || world.writers.with(|state| state.pay_next(Side::Target));
    assert_eq!(pay_next(), None);
    let next = [("shop.payments.id".to_owned(), 10_006)];
    done(world.controls.target.set_identities(&next));
    assert_eq!(pay_next(), Some(10_006));
}

#[test]
fn a_task_of_the_cloud_loads_follows_and_stops() {
    let world = World::prepared(Engine::Postgres);
    world
        .writers
        .with(|state| state.links.source.running = false);
    world.writers.pay(Side::Source, 1);

    world.writers.start(job(JobStart::Anew, None));
    world.writers.pay(Side::Source, 2);
    let behind = world.writers.seen("task").expect("it was started");
    world.clock.pass(SECOND);
    let caught_up = world.writers.seen("task").expect("it was started");
    world.writers.stop("task");
    world.writers.pay(Side::Source, 3);
    world.clock.pass(SECOND);

    assert!(behind.running && behind.loaded);
    assert_eq!(behind.tables[0].state, "Table completed");
    assert_eq!(caught_up.latency_target, Some(Duration::ZERO));
    let arrived = world
        .writers
        .with(|state| state.servers.target.payments.clone());
    assert_eq!(arrived, [1, 2].into());
    assert!(!world.writers.seen("task").expect("it is kept").running);
    world.writers.start(job(JobStart::Resume, None));
    world.clock.pass(SECOND);
    assert_eq!(world.writers.with(|state| state.behind(Side::Source)), 0);
}

#[test]
fn a_task_without_its_slot_fails() {
    let world = World::prepared(Engine::Postgres);
    let position = done(world.controls.source.capture("there"));
    let at = JobStart::At(position.cdc_start());

    world.writers.start(job(at.clone(), Some("elsewhere")));
    let without = world.writers.seen("task").expect("it was started");
    world.writers.start(job(at, Some("there")));
    let with = world.writers.seen("task").expect("it was started");

    assert!(!without.running);
    assert_eq!(
        without.failure.as_deref(),
        Some("replication slot \"elsewhere\" does not exist")
    );
    assert!(with.running && with.failure.is_none());
}

#[test]
fn an_endpoint_is_tested_by_its_host() {
    let world = World::prepared(Engine::Postgres);
    let mut unknown = database(Side::Target, None);
    unknown.endpoint_arn = "unknown".to_owned();
    unknown.host = "elsewhere.example.com".to_owned();

    world.writers.test(&database(Side::Source, None));
    world.writers.test(&unknown);

    assert_eq!(world.writers.tested("endpoint of the source"), Some(Ok(())));
    assert!(
        world
            .writers
            .tested("unknown")
            .is_some_and(|it| it.is_err())
    );
    assert_eq!(world.writers.tested("endpoint of the target"), None);
}

impl World {
    fn prepared(engine: Engine) -> Self {
        let clock = SimClock::default();
        let engines = Both::of(|_| engine);
        let writers = SimWriters::new(Arc::new(clock.clone()), &engines);
        let controls = Both::of(|side| writers.control(side, &fenced("run 1")));
        for side in Side::BOTH {
            assert_eq!(done(controls.get(side).lock()), Ok(()));
            done(controls.get(side).prepare(&AT_FIRST));
        }
        Self {
            clock,
            writers,
            controls,
        }
    }

    fn fence(&self, expires_in: Duration) -> Closing {
        let source = &self.controls.source;
        done(source.fence(2 * SECOND, expires_in, &entry("fence")))
    }

    fn close(&self) -> Closing {
        done(self.controls.source.close(2 * SECOND, &entry("close")))
    }

    fn look(&self, side: Side) -> cutover_core::writer_switch::control::Control {
        let control = self.writers.control(side, &fenced("a look"));
        done(control.look(SECOND))
    }
}

fn job(start: JobStart, slot: Option<&str>) -> Job {
    Job {
        task_arn: "task".to_owned(),
        source: database(Side::Source, slot),
        target: database(Side::Target, None),
        load: start == JobStart::Anew,
        start,
        changes: true,
        include: vec![("shop".to_owned(), "payments".to_owned())],
        exclude: Vec::new(),
    }
}

fn database(side: Side, slot: Option<&str>) -> MovedDatabase {
    MovedDatabase {
        endpoint_arn: format!("endpoint of the {side}"),
        engine: "postgres".to_owned(),
        host: format!("{side}.example.com"),
        port: 5432,
        database: "shop".to_owned(),
        user: "dms".to_owned(),
        password: "secret".to_owned(),
        slot: slot.map(str::to_owned),
    }
}

fn fenced(run: &str) -> Fenced {
    Fenced {
        migration: "payments_1".to_owned(),
        schema: "cutover_control".to_owned(),
        tables: Vec::new(),
        apply_users: Vec::new(),
        slot_plugin: "test_decoding".to_owned(),
        run: run.to_owned(),
    }
}

fn entry(step: &str) -> Entry {
    Entry {
        run: "run 1".to_owned(),
        epoch: 0,
        step: step.to_owned(),
        text: String::new(),
    }
}

fn done<T>(asked: Asked<'_, T>) -> T {
    let answer = asked.now_or_never().expect("the clock jumps");
    answer.unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn failed<T>(asked: Asked<'_, T>) -> DbFailureClass {
    let answer = asked.now_or_never().expect("the clock jumps");
    match answer {
        Ok(_) => panic!("it did not fail"),
        Err(failure) => failure.class,
    }
}
