//! Every operation that a shift uses, with every fault: whatever happens, the router's history keeps what always holds.

use cutover_core::shift::machine::Shift;
use cutover_sim::CloudFault;
use cutover_sim::cloud::{What, When};

use super::*;

/// How a call fails.
const FAULTS: [What; 7] = [
    What::Throttled,
    What::Denied,
    What::Broken,
    What::Unavailable,
    What::LostBefore,
    What::AnswerLost,
    What::Hang(seconds(20)),
];

/// A small shift; new breaks in its bake or stays well.
fn story(breaking: bool) -> (Shop, Site, Program) {
    let (shop, site, mut program) = pay();
    program.wish.soak = minutes(10);
    if breaking {
        breaks(&shop, Side::New, minutes(6));
    }
    (shop, site, program)
}

/// A run of a story under a fault, and the runs that follow a death.
struct Lived {
    shop: Shop,
    site: Site,
    shifts: Vec<Shift>,
    died: bool,
    label: String,
}

async fn live(
    breaking: bool,
    label: String,
    fault: impl FnOnce(&Program) -> Vec<CloudFault>,
) -> Lived {
    let (shop, site, program) = story(breaking);
    let faults = fault(&program);
    shop.sim.cloud().script(faults);
    let mut shifts = Vec::new();
    let first = program.up("run-1").await;
    let died = matches!(first, Life::Died);
    match first {
        Life::Ended(conducted) => shifts.push(conducted.shift),
        Life::Died => shifts.push(program.up("run-2").await.ended().shift),
    }
    Lived {
        shop,
        site,
        shifts,
        died,
        label,
    }
}

impl Lived {
    /// Checks what always holds: (a) to (e) of the router's history, (f) of the time that a share stood.
    fn check(&self) {
        let (site, label) = (&self.site, &self.label);
        let cloud = self.shop.sim.cloud();
        let weights = site.weights_of(&cloud, "A");
        assert_eq!(weights, site.weights_of(&cloud, "AAAA"), "{label}: uneven");
        let sum = |(_, old, new): &cutover_sim::shop::Weights| old.unwrap_or(0) + new.unwrap_or(0);
        assert!(
            weights.iter().all(|pair| sum(pair) > 0),
            "{label}: {weights:?}"
        );
        let pairs = site.pairs(&cloud);
        let forward = pairs
            .iter()
            .zip(&WHOLE)
            .take_while(|(one, other)| one == other)
            .count();
        let rest = &pairs[forward..];
        assert!(rest.is_empty() || rest == [(100, 0)], "{label}: {pairs:?}");
        let entries = journal(site, &cloud);
        let is_next = entries
            .windows(2)
            .all(|pair| pair[1].seq == pair[0].seq + 1);
        assert!(is_next, "{label}: {entries:?}");
        drop(cloud);
        self.check_return(&weights);
        if pairs.get(2) == Some(&(0, 100)) {
            let stood = weights[2].0.since(weights[1].0);
            assert!(stood >= minutes(12), "{label}: {stood:?}");
        }
        for second in (0..30 * 60).step_by(20) {
            let at = self.shop.at(seconds(second));
            let (_, _, none) = site.ask(&mut self.shop.sim.cloud(), at, 3);
            assert_eq!(none, 0, "{label}: no answer after {second} s");
        }
    }

    /// After the decision to go back nothing raises the share.
    fn check_return(&self, weights: &[cutover_sim::shop::Weights]) {
        let events = self.shifts.iter().flat_map(Shift::events);
        let decided = events
            .filter(|event| event.what.to_string().starts_with("rollback: "))
            .map(|event| event.at)
            .min();
        let Some(decided) = decided else { return };
        let after = weights.iter().filter(|(at, _, _)| *at > decided);
        let shares: Vec<u64> = after.map(|(_, _, new)| new.unwrap_or(0)).collect();
        assert!(
            shares.iter().all(|share| *share == 0),
            "{}: {shares:?}",
            self.label
        );
    }

    fn log(&self) -> Vec<String> {
        let events = self.shifts.iter().flat_map(|shift| shift.events().to_vec());
        cutover_sim::shop::log(&events.collect::<Vec<_>>())
    }
}

/// Returns the operations of a story and how often each is called.
async fn operations(breaking: bool) -> Vec<(&'static str, usize)> {
    let (shop, _, program) = story(breaking);
    program.up("run-1").await;
    let mut counts = std::collections::BTreeMap::new();
    for request in shop.sim.cloud().requests() {
        *counts.entry(request.operation).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

/// F1, F7, F8: every operation, every fault, once, twice, and the run killed after the call
#[tokio::test(start_paused = true)]
async fn whatever_fails_on_the_way_forward_keeps_what_always_holds() {
    sweep(false).await;
}

/// F2, F5, F6: the same on the way back
#[tokio::test(start_paused = true)]
async fn whatever_fails_on_the_way_back_keeps_what_always_holds() {
    sweep(true).await;
}

/// Lets the first, the middle and the last call of every operation fail in every way.
async fn sweep(breaking: bool) {
    let mut runs = 0;
    for (operation, count) in operations(breaking).await {
        for first in [1, count.div_ceil(2), count] {
            for (index, what) in FAULTS.iter().enumerate() {
                // Twice for the first and the last.
                let most = if first == 1 || first == count { 2 } else { 1 };
                for times in 1..=most {
                    let label =
                        format!("breaking {breaking}: {operation} {first} {what:?} x{times}");
                    let when = When::Occurrence { first, times };
                    let fault = CloudFault {
                        operation,
                        when,
                        what: what.clone(),
                    };
                    let lived = live(breaking, label, |_| vec![fault.clone()]).await;
                    lived.check();
                    runs += 1;
                    // The same again is the same, whatever goes wrong.
                    if (runs + index) % 20 == 0 {
                        let again = live(breaking, String::new(), |_| vec![fault]).await;
                        assert_eq!(again.log(), lived.log(), "{}", lived.label);
                    }
                }
            }
            let label = format!("breaking {breaking}: killed after {operation} {first}");
            let lived = live(breaking, label, |program| {
                vec![program.killed_after(operation, first)]
            })
            .await;
            assert!(lived.died, "{}", lived.label);
            lived.check();
            runs += 1;
        }
    }

    assert!(runs > 250, "{runs}");
}
