//! Shows weights, journal and fence of a name, and what is wrong with them.

use std::fmt;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::shift::facts::JournalRead;
use cutover_core::shift::journal::{Entry, Mark};
use cutover_core::shift::operate::{Fence, Finding, fence, findings};
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::RecordSet;
use serde::Serialize;

use crate::cli::StatusArgs;
use crate::console::{Console, Table, moment, span};
use crate::group::{Group, fetch, weight};
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// How a name stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    zone: String,
    name: String,
    at: String,
    /// Percent of new; absent while nobody has said which side is which, or nobody answers.
    share: Option<f64>,
    members: Vec<MemberStatus>,
    journal: Option<JournalStatus>,
    fence: FenceStatus,
    findings: Vec<FindingStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberStatus {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    side: Option<&'static str>,
    set_identifier: String,
    weight: u16,
    ttl_seconds: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct JournalStatus {
    /// Why it cannot be read; everything else is absent then.
    unreadable: Option<String>,
    #[serde(flatten)]
    entry: Option<EntryStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryStatus {
    shift: String,
    run: String,
    seq: u64,
    attempt: u32,
    phase: &'static str,
    /// Counted from 1.
    step: Option<u32>,
    written_at: String,
    age_seconds: u64,
    exposed_since: String,
    bake_since: Option<String>,
    plan: String,
    ttl_restored_seconds: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct FenceStatus {
    state: &'static str,
    age_seconds: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct FindingStatus {
    name: &'static str,
    message: String,
}

pub(crate) async fn run(
    args: &StatusArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let mut shown: Option<Status> = None;
    loop {
        let group = fetch(here, &args.place.zone, &args.place.name, &args.sides).await?;
        let status = Status::of(&group, here.now(), args.heartbeat.heartbeat);
        if shown.as_ref().is_none_or(|shown| shown.differs(&status)) {
            console.report(&status);
        }
        let exit = if status.findings.is_empty() {
            Exit::Done
        } else {
            Exit::Finding
        };
        // What nobody goes on with does not change by itself.
        let is_over = matches!(status.fence.state, "free" | "unreadable");
        if !args.watch || is_over || !here.wait(args.every).await {
            return Ok(exit);
        }
        shown = Some(status);
    }
}

impl Status {
    /// Says how a name stands.
    pub(crate) fn of(group: &Group, now: Timestamp, heartbeat: Duration) -> Self {
        let live = group.live();
        let found = match &live {
            Some(live) => findings(live, now, heartbeat),
            None => unnamed(group),
        };
        let share = live.and_then(|live| live.share());
        Self {
            zone: group.zone.clone(),
            name: group.name.clone(),
            at: moment(now),
            share: share.map(|share| share.fraction() * 100.0),
            members: members(group),
            journal: journal(&group.journal, now),
            fence: fence_status(fence(&group.journal, now, heartbeat)),
            findings: found
                .into_iter()
                .map(|finding| FindingStatus {
                    name: finding.name(),
                    message: finding.to_string(),
                })
                .collect(),
        }
    }

    /// Tells whether there is anything new but the time.
    fn differs(&self, other: &Self) -> bool {
        let seq = |status: &Self| {
            let journal = status.journal.as_ref()?;
            journal.entry.as_ref().map(|entry| (entry.seq, entry.phase))
        };
        self.members != other.members
            || self.findings != other.findings
            || self.fence.state != other.fence.state
            || seq(self) != seq(other)
    }
}

/// What is wrong while nobody has said which side is which.
fn unnamed(group: &Group) -> Vec<Finding> {
    let is_weighted = |set: &RecordSet| matches!(set.routing, Routing::Weighted { .. });
    let mut found = Vec::new();
    if !group.sets.iter().any(is_weighted) {
        found.push(Finding::NoRecords);
    }
    if matches!(group.journal, JournalRead::Unreadable(_)) {
        found.push(Finding::JournalUnreadable);
    }
    found
}

fn members(group: &Group) -> Vec<MemberStatus> {
    let slots = group.slots();
    let mut members = Vec::new();
    for set in &group.sets {
        let Routing::Weighted { set_identifier, .. } = &set.routing else {
            continue;
        };
        let is = |side: Option<&_>| side.is_some_and(|side| std::ptr::eq(side, set));
        let side = if slots.iter().any(|slot| is(slot.old)) {
            Some("old")
        } else if slots.iter().any(|slot| is(slot.new)) {
            Some("new")
        } else {
            None
        };
        members.push(MemberStatus {
            name: set.name.clone(),
            record_type: set.record_type.clone(),
            side,
            set_identifier: set_identifier.clone(),
            weight: weight(set).unwrap_or_default(),
            ttl_seconds: set.ttl_seconds,
        });
    }
    members
}

fn journal(journal: &JournalRead, now: Timestamp) -> Option<JournalStatus> {
    match journal {
        JournalRead::Absent => None,
        JournalRead::Unreadable(reason) => Some(JournalStatus {
            unreadable: Some(reason.to_string()),
            entry: None,
        }),
        JournalRead::Entry(entry) => Some(JournalStatus {
            unreadable: None,
            entry: Some(entry_status(entry, now)),
        }),
    }
}

fn entry_status(entry: &Entry, now: Timestamp) -> EntryStatus {
    EntryStatus {
        shift: entry.shift.clone(),
        run: entry.run.as_str().to_owned(),
        seq: entry.seq,
        attempt: entry.attempt,
        phase: phase(entry),
        // Before the first step the journal's figure means nothing.
        step: (entry.mark != Mark::Preparing).then(|| entry.step.saturating_add(1)),
        written_at: moment(entry.at),
        age_seconds: now.since(entry.at).as_secs(),
        exposed_since: moment(entry.exposed),
        bake_since: entry.bake.map(moment),
        plan: format!("{:x}", entry.plan),
        ttl_restored_seconds: entry.ttl_seconds,
    }
}

const fn phase(entry: &Entry) -> &'static str {
    match entry.mark {
        Mark::Preparing => "preparing",
        Mark::Going if entry.bake.is_some() => "baking",
        Mark::Going => "shifting",
        Mark::Baked => "baked",
        Mark::Back => "rollingBack",
        Mark::Completed => "completed",
        Mark::RolledBack => "rolledBack",
    }
}

fn fence_status(fence: Fence) -> FenceStatus {
    let (state, age) = match fence {
        Fence::Free => ("free", None),
        Fence::Held(age) => ("held", Some(age)),
        Fence::Stale(age) => ("stale", Some(age)),
        Fence::Unreadable => ("unreadable", None),
    };
    FenceStatus {
        state,
        age_seconds: age.map(|age| age.as_secs()),
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = self.share.map_or_else(
            || "share of new unknown".to_owned(),
            |share| format!("{share} % on new"),
        );
        writeln!(f, "{} in {}: {share}, {}\n", self.name, self.zone, self.at)?;
        let mut table = Table::new(&["record", "type", "side", "set identifier", "weight", "ttl"]);
        for member in &self.members {
            table.row(vec![
                member.name.clone(),
                member.record_type.clone(),
                member.side.unwrap_or("-").to_owned(),
                member.set_identifier.clone(),
                member.weight.to_string(),
                member
                    .ttl_seconds
                    .map_or_else(|| "alias".to_owned(), |ttl| format!("{ttl} s")),
            ]);
        }
        writeln!(f, "{table}")?;
        let has_sides = self.members.iter().any(|member| member.side.is_some());
        if !has_sides && !self.members.is_empty() {
            writeln!(
                f,
                "  no journal says which side is which; give `--old` and `--new`\n"
            )?;
        }
        match &self.journal {
            None => writeln!(f, "  journal  none")?,
            Some(journal) => journal.fmt(f)?,
        }
        let age = self.fence.age_seconds.map(Duration::from_secs);
        match age {
            Some(age) => writeln!(
                f,
                "  fence    {}, renewed {} ago",
                self.fence.state,
                span(age)
            )?,
            None => writeln!(f, "  fence    {}", self.fence.state)?,
        }
        for finding in &self.findings {
            writeln!(f, "\nfinding: {}", finding.message)?;
        }
        Ok(())
    }
}

impl fmt::Display for JournalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.unreadable {
            writeln!(f, "  journal  {reason}")?;
        }
        let Some(entry) = &self.entry else {
            return Ok(());
        };
        writeln!(f, "  shift    {}, attempt {}", entry.shift, entry.attempt)?;
        let step = entry
            .step
            .map(|step| format!(", step {step}"))
            .unwrap_or_default();
        writeln!(f, "  phase    {}{step}", entry.phase)?;
        writeln!(
            f,
            "  journal  change {} by run {} at {}",
            entry.seq, entry.run, entry.written_at
        )?;
        match &entry.bake_since {
            Some(since) => writeln!(f, "  bake     since {since}"),
            None => Ok(()),
        }
    }
}
