//! Takes away the fence of a run that is gone.

use std::fmt;
use std::time::Duration;

use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::operate::{Fence, fence};
use cutover_core::shift::records::{RecordChange, Verb};
use cutover_driver::{Applied, Batch};
use serde::Serialize;

use crate::calls::{apply, queued, stopped};
use crate::cli::{SideArgs, UnlockArgs};
use crate::console::{Console, span};
use crate::group::{Group, fetch};
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// How long writing is tried: ours; longer outages need a person anyway.
const TRY_MAX: Duration = Duration::from_mins(1);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unlocked {
    zone: String,
    name: String,
    #[serde(rename = "unlocked")]
    done: bool,
    shift: Option<String>,
    run: Option<String>,
    age_seconds: Option<u64>,
    change_id: Option<String>,
}

pub(crate) async fn run(
    args: &UnlockArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let place = &args.place;
    let group = fetch(here, &place.zone, &place.name, &SideArgs::default()).await?;
    let mut unlocked = Unlocked::of(&group, here);
    let held = fence(&group.journal, here.now(), args.heartbeat.heartbeat);
    match held {
        Fence::Free => {
            console.report(&unlocked);
            return Ok(Exit::Done);
        }
        Fence::Stale(_) => {}
        Fence::Held(_) | Fence::Unreadable if args.force => {}
        Fence::Held(age) => return Err(held_by(&group, age)),
        Fence::Unreadable => {
            return Err(
                Problem::new(183, Exit::Finding, "the journal cannot be read")
                    .at(group.place())
                    .next("look who wrote it; `--force` deletes it"),
            );
        }
    }
    let Some(journal) = group.journal_set() else {
        return Err(
            Problem::new(183, Exit::Failed, "there is more than one journal")
                .at(group.place())
                .next("look who wrote them, and delete what is not ours by hand"),
        );
    };
    if here.stop.is_cancelled() {
        return Err(stopped());
    }
    // A DELETE must repeat what is stored, so a run that has renewed its fence meanwhile keeps it.
    let batch = Batch {
        zone_id: group.zone.clone(),
        changes: vec![RecordChange {
            verb: Verb::Delete,
            set: journal.clone(),
        }],
        urgent: false,
    };
    let deadline = here.now().after(TRY_MAX);
    match apply(here, console, &batch, deadline).await {
        Ok(Applied::Accepted { id }) => {
            unlocked.done = true;
            unlocked.change_id = Some(id);
            console.report(&unlocked);
            Ok(Exit::Done)
        }
        Ok(Applied::Conflict { message }) => {
            let message = format!("the journal was changed meanwhile: {message}");
            Err(Problem::new(190, Exit::Finding, message)
                .at(group.place())
                .next("somebody is at work; look with `cutover status`"))
        }
        Ok(Applied::Queued) => Err(Problem::from(queued()).at(group.place())),
        Err(failure) => Err(Problem::from(failure).at(group.place())),
    }
}

fn held_by(group: &Group, age: Duration) -> Problem {
    let run = match &group.journal {
        JournalRead::Entry(entry) => {
            format!("run `{}` of shift `{}`", entry.run.as_str(), entry.shift)
        }
        JournalRead::Absent | JournalRead::Unreadable(_) => "somebody".to_owned(),
    };
    let message = format!("{run} holds the fence, renewed {} ago", span(age));
    Problem::new(183, Exit::Finding, message)
        .at(group.place())
        .next("wait until it is stale, or end that run and give `--force`")
}

impl Unlocked {
    fn of(group: &Group, here: &Here) -> Self {
        let entry = match &group.journal {
            JournalRead::Entry(entry) => Some(entry),
            JournalRead::Absent | JournalRead::Unreadable(_) => None,
        };
        Self {
            zone: group.zone.clone(),
            name: group.name.clone(),
            done: false,
            shift: entry.map(|entry| entry.shift.clone()),
            run: entry.map(|entry| entry.run.as_str().to_owned()),
            age_seconds: entry.map(|entry| here.now().since(entry.at).as_secs()),
            change_id: None,
        }
    }
}

impl fmt::Display for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("{} in {}", self.name, self.zone);
        if !self.done {
            return writeln!(f, "{place}: nobody holds a fence, nothing was written");
        }
        let run = self.run.as_deref().unwrap_or("nobody knows whom");
        let age = self
            .age_seconds
            .map(Duration::from_secs)
            .map(span)
            .unwrap_or_default();
        writeln!(
            f,
            "{place}: the fence of {run} is gone, which was renewed {age} ago"
        )
    }
}
