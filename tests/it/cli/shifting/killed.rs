//! Shifts whose run dies, wherever it is, and that are taken up again.
//!
//! A run dies in two ways: the plugin alone, which the engine outlives and reports; or engine and plugin together, as
//! when a machine is lost, after which the stack is locked and remembers an operation under way.

use std::thread;
use std::time::Duration;

use cutover_core::shift::journal::Mark;
use serde_json::{Value, json};

use super::super::pulumi::{Running, is_running, signal, until};
use super::world::{PARAMETER, SHIFT, World, a_zone, set_parameter, two_steps, waits};

/// How long a plugin may take to notice that its engine has gone, and to end.
const ORPHAN_MAX: Duration = Duration::from_secs(90);

/// Long enough to be killed in, and far below what stops a shift.
const WHILE: Duration = Duration::from_secs(20);

/// Where a run is when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The fence is taken, and the former TTL is waited out.
    Preparing,
    /// A condition for the first step does not hold.
    Waiting,
    /// The first weights are accepted, and are not everywhere yet.
    Shifting,
    /// They are everywhere, and clients may still keep former answers.
    Settling,
    /// The first step is watched.
    Baking,
    /// The last step is watched.
    Soaking,
    /// The kill switch is thrown, and the way back is on the way to the router.
    RollingBack,
    /// The way back is accepted, and is not everywhere yet.
    Converging,
}

/// What dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Plugin,
    Machine,
}

impl Place {
    const ALL: [Self; 8] = [
        Self::Preparing,
        Self::Waiting,
        Self::Shifting,
        Self::Settling,
        Self::Baking,
        Self::Soaking,
        Self::RollingBack,
        Self::Converging,
    ];

    fn goes_back(self) -> bool {
        matches!(self, Self::RollingBack | Self::Converging)
    }

    fn args(self) -> Value {
        two_steps(match self {
            Self::Waiting => json!({
                "entryGates": [{ "ssm": { "name": PARAMETER, "equals": "ready" } }],
            }),
            Self::Settling => json!({ "settle": { "clientLag": "6s" } }),
            Self::RollingBack | Self::Converging => json!({
                "control": { "ssmParameter": PARAMETER, "poll": "1s" },
            }),
            _ => json!({}),
        })
    }

    /// A world in which a shift stays in this place for a while.
    fn world(self) -> World {
        let ttl = if self == Self::Preparing { 8 } else { 1 };
        let mut cloud = a_zone(100, 0, ttl);
        match self {
            Self::Waiting => set_parameter(&mut cloud, "not yet"),
            Self::RollingBack | Self::Converging => set_parameter(&mut cloud, "run"),
            Self::Shifting => cloud.config.insync = Some(WHILE),
            _ => {}
        }
        World::over(cloud, &self.args())
    }

    /// Starts a run and waits until it is here.
    fn reach(self, world: &World) -> Running {
        match self {
            Self::Preparing => world.under_way("Preparing"),
            Self::Waiting => world.under_way("Waiting"),
            Self::Shifting => {
                let running = world.stack.start(&["up", "--skip-preview"]);
                // Not a moment later: nobody but the router knows yet that it has accepted.
                world.reaches(50);
                running
            }
            Self::Settling => world.under_way("Settling step 1"),
            Self::Baking => world.under_way("Baking step 1"),
            Self::Soaking => world.under_way("Soaking step 2"),
            Self::RollingBack | Self::Converging => {
                let running = world.under_way("Baking step 1");
                world.insync_after(WHILE);
                world.set_parameter("rollback: drill");
                if self == Self::Converging {
                    waits(&running, "Converging");
                } else {
                    world.reaches(0);
                }
                running
            }
        }
    }

    /// Lets everything come about that was waited for.
    fn release(self, world: &World) {
        world.insync_after(Duration::ZERO);
        if self == Self::Waiting {
            world.set_parameter("ready");
        }
    }
}

impl Death {
    fn strike(self, world: &World, running: Running) {
        let plugins = running.plugins("cutover");
        assert_eq!(plugins.len(), 1, "{plugins:?}");
        let running = match self {
            Self::Plugin => running,
            Self::Machine => running.killed(),
        };
        for plugin in plugins {
            signal("KILL", plugin);
        }
        running.finish_as_it_may().fails();
        if self == Self::Machine {
            world.stack.pulumi(&["cancel"]).succeeds();
        }
    }
}

/// Kills a run at a place, and demands that the next one brings the shift to its end as if nothing had happened.
fn dies_and_is_taken_up(place: Place, death: Death) {
    let world = place.world();
    let running = place.reach(&world);
    death.strike(&world, running);
    let before = world.shares();
    assert!(
        world.stack.state().find(SHIFT).is_none(),
        "{place:?}: it had no id yet"
    );
    place.release(&world);

    let up = world.stack.up();

    let (up, plan, mark) = if place.goes_back() {
        (up.fails().says("CUT-160"), vec![0, 50, 0], Mark::RolledBack)
    } else {
        (up.succeeds(), vec![0, 50, 100], Mark::Completed)
    };
    assert_eq!(world.shares(), plan, "{place:?}: {up}");
    assert!(plan.starts_with(&before), "{place:?}: {before:?}");
    world.has_ended(mark);
    // Each accepted batch is one step of the journal: none was sent again with another number.
    let (_, accepted) = world.writes();
    let seq = world.journal().map(|entry| entry.seq.to_string());
    assert_eq!(seq, Some(accepted.to_string()), "{place:?}");
    if death == Death::Machine {
        world
            .stack
            .pulumi(&["refresh", "--skip-preview", "--clear-pending-creates"])
            .succeeds();
        assert_eq!(world.stack.state().pending(), 0);
    }
}

fn all_at_once(places: &[Place], death: Death) {
    thread::scope(|scope| {
        let runs: Vec<_> = places
            .iter()
            .map(|place| (place, scope.spawn(|| dies_and_is_taken_up(*place, death))))
            .collect();
        let failed: Vec<_> = runs
            .into_iter()
            .filter_map(|(place, run)| run.join().is_err().then_some(place))
            .collect();
        assert!(failed.is_empty(), "{death:?} in {failed:?}");
    });
}

/// F8, F14
#[test]
fn a_shift_whose_plugin_was_killed_in_any_phase_is_taken_up_where_it_was() {
    all_at_once(&Place::ALL, Death::Plugin);
}

/// F8
#[test]
fn a_shift_whose_machine_was_lost_is_taken_up_where_it_was() {
    let places = [Place::Shifting, Place::Baking, Place::Converging];
    all_at_once(&places, Death::Machine);
}

/// F12
#[test]
fn a_plugin_whose_cli_was_killed_does_what_an_interruption_does_and_ends() {
    let world = World::of(&two_steps(json!({})));
    let running = world.under_way("Baking step 1");
    let plugins = running.plugins("cutover");

    running.killed().finish_as_it_may().fails();

    for plugin in plugins {
        until(ORPHAN_MAX, "the plugin ends", || {
            (!is_running(plugin)).then_some(())
        });
    }
    assert_eq!(world.shares(), [0, 50, 0]);
    assert_eq!(world.journal().map(|entry| entry.mark), Some(Mark::Back));
    world.stack.pulumi(&["cancel"]).succeeds();
    world.stack.up().fails().says("CUT-160");
    world.has_ended(Mark::RolledBack);
    assert_eq!(world.shares(), [0, 50, 0]);
}
