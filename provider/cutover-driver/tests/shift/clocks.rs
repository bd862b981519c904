//! Clocks that are wrong, and hours that pass at once.

use std::sync::Arc;

use cutover_core::shift::gates::payment_gates;
use cutover_driver::Wait;
use cutover_sim::PausedClock;
use cutover_sim::shop::steps;

use super::*;

/// A clock that is ahead of the world's by so many milliseconds, and from a moment on by so many others.
#[derive(Debug)]
struct Skewed {
    world: PausedClock,
    ahead: i64,
    from: Timestamp,
    then: i64,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let now = self.world.now();
        let ahead = if now < self.from {
            self.ahead
        } else {
            self.then
        };
        Timestamp::from_unix_millis(now.unix_millis() + ahead)
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        // As the clock of a machine does it: the length of the wait is measured monotonically.
        let wait = at.since(self.now());
        self.world.sleep_until(self.world.now().after(wait))
    }
}

/// F53
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_in_a_bake_shortens_nothing() {
    for jump in [300_000, -300_000] {
        let (shop, site, mut program) = pay();
        program.clock = Some(Arc::new(Skewed {
            world: shop.clock,
            ahead: 0,
            from: shop.at(minutes(8)),
            then: jump,
        }));

        let conducted = program.up("run-1").await.ended();

        // Nothing goes back for it. Data that seem to be late make it extend the bake, and at worst pause.
        assert!(!told(&conducted, "rollback: "), "{jump}");
        assert!(
            matches!(
                conducted.outcome,
                Some(Outcome::Completed | Outcome::Paused(_))
            ),
            "{jump}: {:?}",
            conducted.outcome
        );
        let weights = site.weights_of(&shop.sim.cloud(), "A");
        let until = weights.get(2).map_or(shop.clock.now(), |(at, _, _)| *at);
        let stood = until.since(weights[1].0);
        // Until it is INSYNC, for the TTL and the lag of clients, and the bake.
        assert!(stood >= minutes(12), "{jump}: {stood:?}");
    }
}

/// The first runbook with the runbooks' error and payment gates.
fn runbook(program: &mut Program) {
    program.wish.steps = steps(&[(10.0, 30), (50.0, 60), (90.0, 60), (100.0, 0)]);
    program.wish.soak = minutes(30);
    let known = ["errorRate", "paymentFailures"];
    program.wish.gates = payment_gates();
    program
        .wish
        .gates
        .retain(|gate| known.contains(&gate.name.as_str()));
}

/// F74
#[tokio::test(start_paused = true)]
async fn three_hours_and_twelve_minutes_have_the_same_log_each_time() {
    let mut logs = Vec::new();
    for _ in 0..2 {
        let (shop, site, mut program) = pay();
        runbook(&mut program);

        let life = program.up("run-1").await;

        let passed = shop.clock.now().since(shop.start);
        assert!((minutes(190)..minutes(200)).contains(&passed), "{passed:?}");
        assert_eq!(
            site.pairs(&shop.sim.cloud()),
            [(100, 0), (90, 10), (50, 50), (10, 90), (0, 100)]
        );
        logs.push(life.log());
        assert_eq!(life.ended().outcome, Some(Outcome::Completed));
    }

    assert_eq!(logs[0], logs[1]);
}
