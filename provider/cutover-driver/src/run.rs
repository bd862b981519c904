//! The one loop.

use std::fmt::Debug;
use std::pin::pin;

use cutover_core::{IllegalFact, Machine, Next, Why};

use crate::{Clock, Perform};

/// How a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended<M, O, S> {
    /// The machine came to its end.
    Finished {
        /// The machine at its end, with everything that it knows.
        machine: M,
        /// What came of it all.
        outcome: O,
    },
    /// It was told to stop. What the machine knows is in it.
    Stopped {
        /// The machine between two commands.
        machine: M,
        /// Why it was told to.
        stop: S,
    },
    /// A fact did not belong to its command: a mistake in an adapter. What the machine knows is in it.
    Broken {
        /// The machine before the fact.
        machine: M,
        /// What did not fit.
        illegal: IllegalFact,
    },
}

/// How a run has ended, without the machine.
#[derive(Debug)]
pub(crate) enum End<O, S> {
    Finished(O),
    Stopped(S),
    Broken(IllegalFact),
}

/// Runs a machine until its end, or until `stop` resolves.
///
/// A command that changes something is always finished, since nobody could say what became of a dropped one; looks and
/// waits are cut short. `status` is told what is being waited for, and shown the machine.
pub async fn run<M, S>(
    mut machine: M,
    world: &impl Perform<M::Command, M::Fact>,
    clock: &dyn Clock,
    stop: impl Future<Output = S>,
    mut status: impl FnMut(&M, &Why),
) -> Ended<M, M::Outcome, S>
where
    M: Machine,
    M::Command: Debug,
{
    let news = |machine: &mut M, why: Option<&Why>| {
        if let Some(why) = why {
            status(machine, why);
        }
    };
    match advance(&mut machine, world, clock, stop, news).await {
        End::Finished(outcome) => Ended::Finished { machine, outcome },
        End::Stopped(stop) => Ended::Stopped { machine, stop },
        End::Broken(illegal) => Ended::Broken { machine, illegal },
    }
}

/// The loop over a machine that stays with the caller. `news` is shown the machine after each fact, and before each wait
/// with what is waited for.
///
/// # Cancellation
/// When dropped, the machine knows everything but what became of the command in hand.
pub(crate) async fn advance<M, S>(
    machine: &mut M,
    world: &impl Perform<M::Command, M::Fact>,
    clock: &dyn Clock,
    stop: impl Future<Output = S>,
    mut news: impl FnMut(&mut M, Option<&Why>),
) -> End<M::Outcome, S>
where
    M: Machine,
    M::Command: Debug,
{
    let mut stop = pin!(stop);
    loop {
        let recorded = match machine.next() {
            Next::Done(outcome) => return End::Finished(outcome),
            Next::Do(command) => {
                // A stop that is due goes before the next command, whatever it is.
                tokio::select! {
                    biased;
                    stop = &mut stop => return End::Stopped(stop),
                    () = std::future::ready(()) => {}
                }
                tracing::trace!(?command, "performing");
                let fact = if world.only_looks(&command) {
                    tokio::select! {
                        biased;
                        stop = &mut stop => return End::Stopped(stop),
                        fact = world.perform(&command) => fact,
                    }
                } else {
                    world.perform(&command).await
                };
                let recorded = machine.record(fact, clock.now());
                news(machine, None);
                recorded
            }
            Next::WaitUntil { at, why } => {
                news(machine, Some(&why));
                // A wait holds nothing that a drop could lose.
                tokio::select! {
                    biased;
                    stop = &mut stop => return End::Stopped(stop),
                    () = clock.sleep_until(at) => {}
                }
                machine.wake(clock.now())
            }
        };
        if let Err(illegal) = recorded {
            return End::Broken(illegal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Mutex;
    use std::time::Duration;

    use cutover_core::Timestamp;
    use futures_util::future::BoxFuture;
    use tokio::time::Instant;

    use super::*;

    /// Asks for a number of pings, waiting an hour after each.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Pings {
        left: u32,
        pause_until: Option<Timestamp>,
    }

    impl Machine for Pings {
        type Command = &'static str;
        type Fact = &'static str;
        type Outcome = &'static str;

        fn next(&self) -> Next<&'static str, &'static str> {
            match (self.pause_until, self.left) {
                (Some(at), _) => Next::WaitUntil {
                    at,
                    why: Why {
                        phase: "pause",
                        text: format!("{} left", self.left),
                    },
                },
                (None, 0) => Next::Done("done"),
                (None, _) => Next::Do("ping"),
            }
        }

        fn record(&mut self, fact: &'static str, at: Timestamp) -> Result<(), IllegalFact> {
            if fact != "pong" {
                return Err(IllegalFact {
                    expected: "pong".to_owned(),
                    fact: fact.to_owned(),
                });
            }
            self.left -= 1;
            self.pause_until = Some(at.after(Duration::from_hours(1)));
            Ok(())
        }

        fn wake(&mut self, _at: Timestamp) -> Result<(), IllegalFact> {
            self.pause_until = None;
            Ok(())
        }
    }

    fn pings(left: u32) -> Pings {
        Pings {
            left,
            pause_until: None,
        }
    }

    #[derive(Debug)]
    struct Answers(&'static str, Mutex<u32>);

    impl Answers {
        fn with(fact: &'static str) -> Self {
            Self(fact, Mutex::default())
        }

        fn count(&self) -> u32 {
            *self.1.lock().unwrap()
        }
    }

    impl Perform<&'static str, &'static str> for Answers {
        fn perform<'a>(&'a self, _: &'a &'static str) -> BoxFuture<'a, &'static str> {
            *self.1.lock().unwrap() += 1;
            Box::pin(ready(self.0))
        }

        fn only_looks(&self, _: &&'static str) -> bool {
            false
        }
    }

    /// Wall time that follows the paused clock of the runtime.
    #[derive(Debug)]
    struct PausedClock(Instant);

    impl Clock for PausedClock {
        fn now(&self) -> Timestamp {
            Timestamp::default().after(self.0.elapsed())
        }

        fn sleep_until(&self, at: Timestamp) -> crate::Wait {
            Box::pin(tokio::time::sleep(at.since(self.now())))
        }
    }

    fn clock() -> PausedClock {
        PausedClock(Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn walks_to_the_end_and_says_what_it_waits_for() {
        let (world, clock, mut said) = (Answers::with("pong"), clock(), vec![]);

        let ended = run(pings(2), &world, &clock, pending::<()>(), |machine, why| {
            said.push((machine.left, why.text.clone()));
        })
        .await;

        assert_eq!(
            ended,
            Ended::Finished {
                machine: pings(0),
                outcome: "done"
            }
        );
        assert_eq!(
            (world.count(), said),
            (2, vec![(1, "1 left".to_owned()), (0, "0 left".to_owned())])
        );
        assert_eq!(
            clock.now().since(Timestamp::default()),
            Duration::from_hours(2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_cuts_a_wait_short_and_keeps_what_is_known() {
        let (world, clock) = (Answers::with("pong"), clock());
        let stop = async {
            tokio::time::sleep(Duration::from_mins(90)).await;
            "interrupted"
        };

        let ended = run(pings(3), &world, &clock, stop, |_, _| {}).await;

        let Ended::Stopped { machine, stop } = ended else {
            panic!("it was told to stop")
        };
        assert_eq!((stop, machine.left, world.count()), ("interrupted", 1, 2));
        assert_eq!(
            clock.now().since(Timestamp::default()),
            Duration::from_mins(90)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_that_came_first_lets_no_command_begin() {
        let world = Answers::with("pong");

        let ended = run(pings(1), &world, &clock(), ready(()), |_, _| {}).await;

        assert_eq!(
            ended,
            Ended::Stopped {
                machine: pings(1),
                stop: ()
            }
        );
        assert_eq!(world.count(), 0);
    }

    /// Takes ten seconds to answer.
    struct Slow {
        only_looks: bool,
    }

    impl Perform<&'static str, &'static str> for Slow {
        fn perform<'a>(&'a self, _: &'a &'static str) -> BoxFuture<'a, &'static str> {
            Box::pin(async {
                tokio::time::sleep(Duration::from_secs(10)).await;
                "pong"
            })
        }

        fn only_looks(&self, _: &&'static str) -> bool {
            self.only_looks
        }
    }

    /// Returns how many commands were left, and how many seconds it took, when the stop came after one second.
    async fn stopped_after_a_second(world: Slow) -> (u32, u64) {
        let began = Instant::now();
        let stop = tokio::time::sleep(Duration::from_secs(1));

        let Ended::Stopped { machine, .. } = run(pings(1), &world, &clock(), stop, |_, _| {}).await
        else {
            panic!("it was told to stop")
        };

        (machine.left, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_in_hand_is_finished_before_a_stop() {
        assert_eq!(
            stopped_after_a_second(Slow { only_looks: false }).await,
            (0, 10)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_is_dropped_for_a_stop() {
        assert_eq!(
            stopped_after_a_second(Slow { only_looks: true }).await,
            (1, 1)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_fact_that_does_not_fit_ends_the_run_with_what_is_known() {
        let ended = run(
            pings(1),
            &Answers::with("pang"),
            &clock(),
            pending::<()>(),
            |_, _| {},
        )
        .await;

        let Ended::Broken { machine, illegal } = ended else {
            panic!("the fact does not fit")
        };
        assert_eq!((machine, illegal.fact.as_str()), (pings(1), "pang"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_on_the_system_clock_is_as_long_as_asked_for() {
        let began = Instant::now();
        let clock = crate::SystemClock;

        clock
            .sleep_until(clock.now().after(Duration::from_secs(100)))
            .await;

        assert!(began.elapsed() >= Duration::from_secs(99));
        clock.sleep_until(Timestamp::default()).await;
    }
}
