//! Shifts a throw-away name forward and back, and measures how long it takes.

use std::fmt;
use std::time::Duration;

use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordChange, RecordSet, Verb, journal_name_of};
use cutover_core::shift::spec::Answer;
use cutover_core::{Failure, Timestamp};
use cutover_driver::{Applied, Batch, Question};
use serde::Serialize;

use super::verify::public_zone;
use crate::calls::{Followed, apply, follow, look, queued, stopped};
use crate::cli::DrillArgs;
use crate::console::{Console, Table, millis, span};
use crate::group::place;
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// What the two sides answer: addresses for documentation, at which nobody is. Source: RFC 5737.
const VALUES: [&str; 2] = ["192.0.2.1", "198.51.100.1"];

/// How often each name server is asked at the end of a move: ours; a few more than one, since it may stand for many.
const TIMES: u32 = 5;

/// How often the name servers are asked at the end of a move: ours.
const POLL: Duration = Duration::from_secs(2);

/// How long cleaning up is tried: ours.
const CLEAN_MAX: Duration = Duration::from_mins(2);

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Drilled {
    zone: String,
    name: String,
    ttl_seconds: u32,
    moves: Vec<Moved>,
    removed: bool,
}

/// One change of the drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    /// `make`, `forward` or `back`.
    change: &'static str,
    old: u16,
    new: u16,
    /// From asking until it was accepted.
    accepted_millis: u64,
    /// From then on until it was INSYNC.
    insync_millis: u64,
    /// From acceptance until every name server answered by it.
    answered_millis: u64,
    /// From acceptance until no resolver may answer otherwise: the above and the TTL.
    expired_millis: u64,
}

/// The records of a drill.
#[derive(Clone, Debug)]
struct Throwaway {
    zone: String,
    name: String,
    ttl_seconds: u32,
    /// Part of the set identifiers, so that only records of this very drill are removed.
    run: String,
}

pub(crate) async fn run(
    args: &DrillArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let zone = public_zone(here, &args.zone).await?;
    let place = place(&args.zone, &args.name);
    let is_within = args
        .name
        .strip_suffix(zone.name.as_str())
        .is_some_and(|rest| rest.ends_with('.'));
    if !is_within {
        let message = format!("the name is not below that of the zone, `{}`", zone.name);
        return Err(Problem::new(184, Exit::Usage, message).at(place));
    }
    let names = [args.name.clone(), journal_name_of(&args.name)];
    let found = look(here, || {
        here.traffic.zones.fetch_record_sets(&args.zone, &names)
    })
    .await?;
    if let Some(set) = found.first() {
        let message = format!(
            "there is a record of type {} under `{}`",
            set.record_type, set.name
        );
        return Err(Problem::new(184, Exit::Usage, message)
            .at(place)
            .next("a drill needs a name that does not exist; choose another one"));
    }
    let drill = Throwaway {
        zone: args.zone.clone(),
        name: args.name.clone(),
        ttl_seconds: args.ttl,
        run: here.run().as_str().to_owned(),
    };
    let mut drilled = Drilled {
        zone: args.zone.clone(),
        name: args.name.clone(),
        ttl_seconds: args.ttl,
        moves: Vec::new(),
        removed: false,
    };
    let ended = drill
        .walk(args, &zone.name_servers, here, console, &mut drilled)
        .await;
    // Whatever happened, an interruption included.
    drill.remove(here, console).await?;
    drilled.removed = true;
    ended.map_err(|problem| problem.at(place))?;
    console.report(&drilled);
    Ok(Exit::Done)
}

impl Throwaway {
    async fn walk(
        &self,
        args: &DrillArgs,
        servers: &[String],
        here: &Here,
        console: &mut Console<'_>,
        drilled: &mut Drilled,
    ) -> Result<(), Problem> {
        let mut before: Option<(u16, u16)> = None;
        for (change, weights) in [
            ("make", (100, 0)),
            ("forward", (0, 100)),
            ("back", (100, 0)),
        ] {
            if here.stop.is_cancelled() {
                return Err(stopped());
            }
            console.progress(&format!("{change}: {}/{}", weights.0, weights.1));
            let asked = here.now();
            let batch = self.batch(before, weights);
            let id = match apply(here, console, &batch, asked.after(args.timeout)).await? {
                Applied::Accepted { id } => id,
                Applied::Conflict { message } => {
                    let message = format!("somebody else changed the records: {message}");
                    return Err(Problem::new(190, Exit::Failed, message));
                }
                Applied::Queued => return Err(queued().into()),
            };
            let accepted = here.now();
            before = Some(weights);
            let insync = match follow(here, console, &id, args.timeout).await {
                Followed::Insync(after) => after,
                Followed::Pending => {
                    let message =
                        format!("change `{id}` was not INSYNC within {}", span(args.timeout));
                    return Err(Problem::new(188, Exit::Finding, message)
                        .next("a rollback would take as long; see the health of Route 53"));
                }
                Followed::Stopped => return Err(stopped()),
            };
            self.await_answers(weights, servers, args.timeout, here, console)
                .await?;
            let answered = here.now().since(accepted);
            let ttl = Duration::from_secs(u64::from(self.ttl_seconds));
            drilled.moves.push(Moved {
                change,
                old: weights.0,
                new: weights.1,
                accepted_millis: millis(accepted.since(asked)),
                insync_millis: millis(insync),
                answered_millis: millis(answered),
                expired_millis: millis(answered.saturating_add(ttl)),
            });
        }
        Ok(())
    }

    /// Asks until every server answers by the weights and nothing else.
    async fn await_answers(
        &self,
        (_, new): (u16, u16),
        servers: &[String],
        timeout: Duration,
        here: &Here,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        let [of_old, of_new] = VALUES.map(|value| Answer::Value(value.to_owned()));
        let question = Question {
            servers: servers.to_vec(),
            name: self.name.clone(),
            record_type: "A".to_owned(),
            old: of_old,
            new: of_new,
            times: TIMES,
        };
        let deadline = here.now().after(timeout);
        loop {
            let sample = look(here, || here.traffic.name_servers.sample(&question)).await?;
            let (wanted, unwanted) = if new > 0 {
                (sample.new, sample.old)
            } else {
                (sample.old, sample.new)
            };
            if wanted > 0 && unwanted == 0 && sample.other == 0 {
                return Ok(());
            }
            console.progress(&format!(
                "answers: {} old, {} new, {} other",
                sample.old, sample.new, sample.other
            ));
            if here.now() >= deadline {
                let message = "name servers still answer otherwise though the change is INSYNC";
                return Err(Problem::new(188, Exit::Finding, message).next(
                    "see whether something between here and the servers answers in their place",
                ));
            }
            if !here.wait(POLL).await {
                return Err(stopped());
            }
        }
    }

    /// Removes what this drill has made, if anything; not stopped by anyone.
    async fn remove(&self, here: &Here, console: &mut Console<'_>) -> Result<(), Problem> {
        let deadline = here.now().after(CLEAN_MAX);
        loop {
            let failure = match self.try_remove(here, console, deadline).await {
                Ok(true) => return Ok(()),
                Ok(false) => None,
                Err(failure) => Some(failure),
            };
            if here.now() >= deadline {
                let reason = failure.map_or_else(
                    || "they keep changing".to_owned(),
                    |failure| format!("`{}`: {}", failure.action, failure.message),
                );
                let [old, new] = self.identifiers();
                return Err(Problem::new(
                    192,
                    Exit::Failed,
                    format!("the records of the drill could not be removed: {reason}"),
                )
                .at(place(&self.zone, &self.name))
                .next(format!(
                    "delete the records `{old}` and `{new}` of type A by hand"
                )));
            }
            here.clock.sleep_until(here.now().after(POLL)).await;
        }
    }

    /// Looks, and removes what is there; tells whether nothing is left.
    async fn try_remove(
        &self,
        here: &Here,
        console: &mut Console<'_>,
        deadline: Timestamp,
    ) -> Result<bool, Failure> {
        let names = [self.name.clone()];
        let sets = here
            .traffic
            .zones
            .fetch_record_sets(&self.zone, &names)
            .await?;
        let ours = self.identifiers();
        let is_ours = |set: &RecordSet| matches!(&set.routing, Routing::Weighted { set_identifier, .. } if ours.contains(set_identifier));
        let changes: Vec<RecordChange> = sets
            .into_iter()
            .filter(is_ours)
            .map(|set| RecordChange {
                verb: Verb::Delete,
                set,
            })
            .collect();
        if changes.is_empty() {
            return Ok(true);
        }
        console.progress("removing the records");
        // Who stopped a drill does not wait until a change is everywhere that nobody needs any more.
        let batch = Batch {
            zone_id: self.zone.clone(),
            changes,
            urgent: true,
        };
        let applied = apply(here, console, &batch, deadline).await?;
        Ok(matches!(applied, Applied::Accepted { .. }))
    }

    /// As a shift does it: what was there goes, what becomes is made, or nothing.
    fn batch(&self, before: Option<(u16, u16)>, after: (u16, u16)) -> Batch {
        let changes = |verb, weights| self.sets(weights).map(|set| RecordChange { verb, set });
        let gone = before
            .into_iter()
            .flat_map(|before| changes(Verb::Delete, before));
        Batch {
            zone_id: self.zone.clone(),
            changes: gone.chain(changes(Verb::Create, after)).collect(),
            urgent: false,
        }
    }

    fn sets(&self, (old, new): (u16, u16)) -> [RecordSet; 2] {
        let [of_old, of_new] = self.identifiers();
        [(of_old, old, VALUES[0]), (of_new, new, VALUES[1])].map(
            |(set_identifier, weight, value)| RecordSet {
                name: self.name.clone(),
                record_type: "A".to_owned(),
                routing: Routing::Weighted {
                    set_identifier,
                    weight,
                },
                ttl_seconds: Some(self.ttl_seconds),
                values: vec![value.to_owned()],
                alias: None,
                health_check: None,
            },
        )
    }

    fn identifiers(&self) -> [String; 2] {
        ["old", "new"].map(|side| format!("drill-{side}-{}", self.run))
    }
}

impl fmt::Display for Drilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} in {}: shifted forward and back, records removed\n",
            self.name, self.zone
        )?;
        let mut table = Table::new(&[
            "change", "old/new", "accepted", "INSYNC", "answered", "expired",
        ]);
        for moved in &self.moves {
            let seconds = |millis: u64| span(Duration::from_millis(millis));
            table.row(vec![
                moved.change.to_owned(),
                format!("{}/{}", moved.old, moved.new),
                format!("{} ms", moved.accepted_millis),
                seconds(moved.insync_millis),
                seconds(moved.answered_millis),
                seconds(moved.expired_millis),
            ]);
        }
        writeln!(f, "{table}")?;
        writeln!(
            f,
            "  INSYNC, answered and expired count from acceptance; expired is answered and the TTL of {} s",
            self.ttl_seconds
        )
    }
}
