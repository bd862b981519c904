//! Sends everything back to old, with zone, name and credentials only.

use std::fmt;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::journal::{Entry, Mark, RunId};
use cutover_core::shift::operate::{Fence, HEARTBEATS_MISSED, fence};
use cutover_core::shift::records::{RecordChange, journal_name_of, return_batch, without_old};
use cutover_core::weights::WeightPair;
use cutover_driver::{Applied, Batch};
use serde::Serialize;

use super::switch;
use crate::calls::{Followed, apply, follow, queued};
use crate::cli::RollbackArgs;
use crate::console::{Console, Table, millis, span};
use crate::group::{Group, fetch};
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// How often a shift renews its fence when nobody says otherwise: stated.
const HEARTBEAT: Duration = Duration::from_mins(5);

/// The weight of a side that gets nothing.
const NEW_ZERO: Option<u16> = Some(0);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Returned {
    zone: String,
    name: String,
    /// `alreadyBack`, `written` or `insync`.
    outcome: &'static str,
    records: Vec<RecordReturned>,
    change_id: Option<String>,
    accepted_millis: Option<u64>,
    insync_millis: Option<u64>,
    /// How long resolvers may keep former answers after that.
    ttl_seconds: Option<u32>,
    /// A run that may be alive and holds the fence.
    held_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordReturned {
    name: String,
    #[serde(rename = "type")]
    record_type: &'static str,
    before: Weights,
    after: Weights,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Weights {
    old: Option<u16>,
    new: Option<u16>,
}

pub(crate) async fn run(
    args: &RollbackArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    if let Some(parameter) = &args.parameter {
        return switch::rollback(parameter, &args.reason.reason, here, console).await;
    }
    let (Some(zone), Some(name)) = (&args.zone, &args.name) else {
        // The command line requires them.
        return Err(Problem::new(
            182,
            Exit::Usage,
            "no zone and name were given",
        ));
    };
    let group = fetch(here, zone, name, &args.sides).await?;
    let members = group.members()?;
    let lost = without_old(members, &group.sets);
    let mut returned = Returned::of(&group, here.now());
    if is_back(&group) {
        console.report(&returned);
        return Ok(Exit::Done);
    }
    if !lost.is_empty() {
        return Err(Problem::new(
            191,
            Exit::Failed,
            format!("there is no record of old to go back to: {}", lost.join(", ")),
        )
        .at(group.place())
        .next("nothing was written; make the records of old again with weight 0, then run the command again"));
    }
    confirm(args, &group, console)?;

    let decided = here.now();
    let batch = back(&group, here.run(), decided);
    let deadline = decided.after(args.timeout);
    console.progress(&format!(
        "sending everything of {} back to old: {}",
        group.place(),
        args.reason.reason
    ));
    let id = match apply(here, console, &batch, deadline).await {
        Ok(Applied::Accepted { id }) => id,
        Ok(Applied::Conflict { message }) => {
            let problem = Problem::new(
                190,
                Exit::Failed,
                format!("the change was refused: {message}"),
            );
            return Err(problem.at(group.place()).next(by_hand(&batch)));
        }
        Ok(Applied::Queued) => {
            return Err(Problem::from(queued())
                .at(group.place())
                .next(by_hand(&batch)));
        }
        Err(failure) => {
            return Err(Problem::from(failure)
                .at(group.place())
                .next(by_hand(&batch)));
        }
    };
    let accepted = here.now().since(decided);
    console.progress(&format!(
        "change {id}: accepted after {} ms",
        millis(accepted)
    ));
    let followed = follow(here, console, &id, args.timeout).await;
    returned.written(id.clone(), accepted);
    let insync = match followed {
        Followed::Insync(after) => Some(after),
        Followed::Pending | Followed::Stopped => None,
    };
    returned.insync(insync);
    console.report(&returned);
    if insync.is_some() {
        return Ok(Exit::Done);
    }
    console.problem(
        &Problem::new(
            188,
            Exit::Finding,
            format!("change `{id}` was accepted and not seen INSYNC"),
        )
        .at(group.place())
        .next("it takes effect by itself; ask the name servers with `cutover verify`"),
    );
    Ok(Exit::Finding)
}

/// Tells whether nothing of any name and type is sent to new.
fn is_back(group: &Group) -> bool {
    group.slots().iter().all(|slot| {
        let (old, new) = slot.weights();
        let is_without_new = new.is_none() || (new == NEW_ZERO && old.is_some_and(|old| old > 0));
        is_without_new && (old.is_some() || new.is_none())
    })
}

fn confirm(args: &RollbackArgs, group: &Group, console: &mut Console<'_>) -> Result<(), Problem> {
    if args.yes {
        return Ok(());
    }
    if !console.is_terminal() {
        return Err(
            Problem::new(185, Exit::Usage, "there is no terminal to ask at")
                .at(group.place())
                .next("give `--yes`"),
        );
    }
    let slots = group.slots();
    let records: Vec<String> = slots
        .iter()
        .map(|slot| format!("{} {}", slot.name, slot.kind.name()))
        .collect();
    let question = format!(
        "Send everything back to old in {}: {}?",
        group.zone,
        records.join(", ")
    );
    if console.confirms(&question) {
        return Ok(());
    }
    Err(
        Problem::new(185, Exit::Usage, "nobody confirmed it; nothing was written")
            .at(group.place()),
    )
}

/// Makes the batch. A journal that is there is gone on with, so that the next run of the shift knows; none is made where
/// there is none, nor is one touched that cannot be read.
fn back(group: &Group, run: RunId, now: Timestamp) -> Batch {
    let members = group.members.as_deref().unwrap_or_default();
    let journal = journal_name_of(&group.name);
    let changes = match &group.journal {
        JournalRead::Entry(left) => {
            return_batch(&journal, members, &entry(left, run, now), &group.sets)
        }
        JournalRead::Absent | JournalRead::Unreadable(_) => {
            // The entry is left out again, whatever it says.
            let nobody = Entry {
                shift: String::new(),
                run,
                seq: 0,
                attempt: 0,
                mark: Mark::RolledBack,
                step: 0,
                at: now,
                exposed: now,
                bake: None,
                plan: 0,
                ttl_seconds: None,
            };
            let mut changes = return_batch(&journal, members, &nobody, &group.sets);
            changes.retain(|change| change.set.name != journal);
            changes
        }
    };
    Batch {
        zone_id: group.zone.clone(),
        changes,
        urgent: true,
    }
}

/// The entry that follows on another. The next run of the shift finds that the way back was decided, and finishes it.
fn entry(left: &Entry, run: RunId, now: Timestamp) -> Entry {
    Entry {
        run,
        seq: left.seq.saturating_add(1),
        mark: match left.mark {
            Mark::RolledBack => Mark::RolledBack,
            Mark::Preparing | Mark::Going | Mark::Baked | Mark::Back | Mark::Completed => {
                Mark::Back
            }
        },
        at: now.whole_second(),
        bake: None,
        ..left.clone()
    }
}

/// The same without this program.
fn by_hand(batch: &Batch) -> String {
    let changes: Vec<serde_json::Value> = batch.changes.iter().map(change_json).collect();
    let text = serde_json::json!({ "Changes": changes }).to_string();
    format!(
        "run the command again, or without it: aws route53 change-resource-record-sets --hosted-zone-id {} --change-batch '{}'",
        batch.zone_id,
        text.replace('\'', "'\\''")
    )
}

fn change_json(change: &RecordChange) -> serde_json::Value {
    use cutover_core::shift::preflight::Routing;
    use serde_json::{Value, json};

    let set = &change.set;
    let mut made = json!({ "Name": set.name, "Type": set.record_type });
    let mut put = |key: &str, value: Value| {
        made[key] = value;
    };
    if let Routing::Weighted {
        set_identifier,
        weight,
    } = &set.routing
    {
        put("SetIdentifier", json!(set_identifier));
        put("Weight", json!(weight));
    }
    if let Some(ttl) = set.ttl_seconds {
        put("TTL", json!(ttl));
    }
    if let Some(alias) = &set.alias {
        let alias = json!({
            "HostedZoneId": alias.zone_id,
            "DNSName": alias.dns_name,
            "EvaluateTargetHealth": alias.evaluate_target_health,
        });
        put("AliasTarget", alias);
    } else {
        let values: Vec<Value> = set
            .values
            .iter()
            .map(|value| json!({ "Value": value }))
            .collect();
        put("ResourceRecords", Value::Array(values));
    }
    if let Some(check) = &set.health_check {
        put("HealthCheckId", json!(check));
    }
    json!({ "Action": "UPSERT", "ResourceRecordSet": made })
}

impl Returned {
    fn of(group: &Group, now: Timestamp) -> Self {
        let held = match (&group.journal, fence(&group.journal, now, HEARTBEAT)) {
            // Who is on the way back raises nothing; it may have been this very command.
            (JournalRead::Entry(entry), Fence::Held(_)) if entry.mark != Mark::Back => {
                Some(entry.run.as_str().to_owned())
            }
            _ => None,
        };
        let records = group.slots().into_iter().map(|slot| {
            let (old, new) = slot.weights();
            let before = Weights { old, new };
            RecordReturned {
                name: slot.name.to_owned(),
                record_type: slot.kind.name(),
                before,
                after: before,
            }
        });
        Self {
            zone: group.zone.clone(),
            name: group.name.clone(),
            outcome: "alreadyBack",
            records: records.collect(),
            change_id: None,
            accepted_millis: None,
            insync_millis: None,
            ttl_seconds: None,
            held_by: held,
        }
        .with_ttl(group)
    }

    /// An alias is kept as long as its target says, for load balancers a minute.
    fn with_ttl(mut self, group: &Group) -> Self {
        let plain = group.live().and_then(|live| live.ttl_seconds);
        self.ttl_seconds = plain.or(Some(cutover_core::shift::spec::TTL_SECONDS));
        self
    }

    fn written(&mut self, id: String, accepted: Duration) {
        self.outcome = "written";
        self.change_id = Some(id);
        self.accepted_millis = Some(millis(accepted));
        self.held_by = None;
        for record in &mut self.records {
            record.after = Weights {
                old: Some(WeightPair::ALL_OLD.old().get()),
                new: record
                    .before
                    .new
                    .map(|_| WeightPair::ALL_OLD.new_side().get()),
            };
        }
    }

    fn insync(&mut self, after: Option<Duration>) {
        if let Some(after) = after {
            self.outcome = "insync";
            self.insync_millis = Some(millis(after));
        }
    }
}

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match self.outcome {
            "alreadyBack" => "already at old, nothing was written",
            "written" => "written, not seen everywhere yet",
            _ => "back on old",
        };
        writeln!(f, "{} in {}: {heading}\n", self.name, self.zone)?;
        let text = |weights: Weights| {
            let side = |weight: Option<u16>| {
                weight.map_or_else(|| "-".to_owned(), |weight| weight.to_string())
            };
            format!("{}/{}", side(weights.old), side(weights.new))
        };
        let mut table = Table::new(&["record", "type", "before", "now"]);
        for record in &self.records {
            table.row(vec![
                record.name.clone(),
                record.record_type.to_owned(),
                text(record.before),
                text(record.after),
            ]);
        }
        writeln!(f, "{table}")?;
        if let Some(accepted) = self.accepted_millis {
            writeln!(f, "  accepted  after {accepted} ms")?;
        }
        if let Some(insync) = self.insync_millis {
            writeln!(
                f,
                "  INSYNC    {} later",
                span(Duration::from_millis(insync))
            )?;
        }
        if let (Some(ttl), Some(_)) = (self.ttl_seconds, self.accepted_millis) {
            writeln!(
                f,
                "  TTL       resolvers keep former answers for up to {ttl} s more"
            )?;
        }
        if let Some(run) = &self.held_by {
            let minutes = HEARTBEAT.saturating_mul(HEARTBEATS_MISSED).as_secs() / 60;
            writeln!(
                f,
                "run {run} has renewed its fence within {minutes} minutes and may go on; stop it with `cutover hold` or `cutover rollback --parameter`"
            )?;
        }
        Ok(())
    }
}
