//! Asks every authoritative name server, and compares its answers with the weights.

use std::fmt;

use cutover_core::shift::operate::{Answers, Split, judge_split};
use cutover_core::shift::records::RecordSet;
use cutover_core::shift::spec::Answer;
use cutover_core::weights::share_answered;
use cutover_driver::{Question, Sample, Zone};
use futures_util::future::join_all;
use serde::Serialize;

use crate::calls::look;
use crate::cli::VerifyArgs;
use crate::console::{Console, Table};
use crate::group::{Group, Slot, fetch, no_such_zone};
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// What the name servers answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verified {
    zone: String,
    name: String,
    agrees: bool,
    servers: Vec<ServerVerified>,
    findings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerVerified {
    server: String,
    name: String,
    #[serde(rename = "type")]
    record_type: &'static str,
    /// Percent of new, by the weights.
    expected: f64,
    /// Percent of new among the answers; absent when neither side was answered.
    observed: Option<f64>,
    old: u32,
    new: u32,
    other: u32,
    /// `agrees`, `differs` or `strangers`.
    verdict: &'static str,
}

pub(crate) async fn run(
    args: &VerifyArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let group = fetch(here, &args.place.zone, &args.place.name, &args.sides).await?;
    group.members()?;
    let zone = public_zone(here, &group.zone).await?;
    console.progress(&format!(
        "asking {} name servers {} times for each name and type",
        zone.name_servers.len(),
        args.times
    ));
    let mut verified = Verified {
        zone: group.zone.clone(),
        name: group.name.clone(),
        agrees: true,
        servers: Vec::new(),
        findings: compare_records(&group),
    };
    for slot in group.slots() {
        let Some((old, new)) = answers(&slot) else {
            continue;
        };
        let questions: Vec<Question> = zone
            .name_servers
            .iter()
            .map(|server| Question {
                servers: vec![server.clone()],
                name: slot.name.to_owned(),
                record_type: slot.kind.name().to_owned(),
                old: old.clone(),
                new: new.clone(),
                times: args.times,
            })
            .collect();
        let samples = questions
            .iter()
            .map(|question| look(here, || here.traffic.name_servers.sample(question)));
        for (question, sample) in questions.iter().zip(join_all(samples).await) {
            let [server] = question.servers.as_slice() else {
                continue;
            };
            verified.servers.push(judge(server, &slot, sample?));
        }
    }
    let servers_agree = verified
        .servers
        .iter()
        .all(|server| server.verdict == "agrees");
    verified.agrees = servers_agree && verified.findings.is_empty() && !verified.servers.is_empty();
    console.report(&verified);
    Ok(if verified.agrees {
        Exit::Done
    } else {
        Exit::Finding
    })
}

/// Reads a zone whose name servers can be asked.
pub(super) async fn public_zone(here: &Here, id: &str) -> Result<Zone, Problem> {
    let found = look(here, || here.traffic.zones.fetch_zone(id)).await?;
    let zone = found.ok_or_else(|| no_such_zone(id))?;
    if zone.private {
        let message = "the zone is private, so its name servers cannot be asked";
        return Err(Problem::new(181, Exit::Failed, message)
            .at(format!("hosted zone `{id}`"))
            .next("look at the weights with `cutover status`"));
    }
    Ok(zone)
}

/// What each side answers; `None` when that cannot be told apart, or neither side is there.
fn answers(slot: &Slot<'_>) -> Option<(Answer, Answer)> {
    if slot.old.is_none() && slot.new.is_none() {
        return None;
    }
    // No name server answers with an empty value.
    let nobody = || Answer::Value(String::new());
    let old = slot.old.map_or_else(nobody, answer);
    let new = slot.new.map_or_else(nobody, answer);
    (old != new).then_some((old, new))
}

fn answer(set: &RecordSet) -> Answer {
    match &set.alias {
        Some(alias) => Answer::Alias(alias.clone()),
        None => Answer::Value(set.values.first().cloned().unwrap_or_default()),
    }
}

/// What is wrong with the records themselves.
fn compare_records(group: &Group) -> Vec<String> {
    let mut findings = Vec::new();
    for slot in group.slots() {
        let about = format!("{} {}", slot.name, slot.kind.name());
        let (Some(old), Some(new)) = (slot.old, slot.new) else {
            if slot.old.is_none() && slot.new.is_none() {
                findings.push(format!("{about}: neither side has a record"));
            }
            continue;
        };
        if let (Some(of_old), Some(of_new)) = (old.ttl_seconds, new.ttl_seconds)
            && of_old != of_new
        {
            findings.push(format!(
                "{about}: the TTL of old is {of_old} s, that of new {of_new} s"
            ));
        }
        if answer(old) == answer(new) {
            findings.push(format!(
                "{about}: both sides answer the same, so they cannot be told apart"
            ));
        }
    }
    let is_even = group.live().is_none_or(|live| live.even);
    if !is_even {
        findings.push("names and types have different weights".to_owned());
    }
    findings
}

fn judge(server: &str, slot: &Slot<'_>, sample: Sample) -> ServerVerified {
    let (old, new) = slot.weights();
    let (weight_of_old, weight_of_new) = match (old, new) {
        // Without the other side, one is answered whatever its weight.
        (Some(_), None) => (1, 0),
        (None, Some(_)) => (0, 1),
        (old, new) => (old.unwrap_or(0), new.unwrap_or(0)),
    };
    let answers = Answers {
        old: sample.old,
        new: sample.new,
        other: sample.other,
    };
    let verdict = match judge_split(weight_of_old, weight_of_new, answers) {
        Split::Agrees => "agrees",
        Split::Differs => "differs",
        Split::Strangers => "strangers",
    };
    let total = f64::from(sample.old) + f64::from(sample.new);
    ServerVerified {
        server: server.to_owned(),
        name: slot.name.to_owned(),
        record_type: slot.kind.name(),
        expected: share_answered(weight_of_old, weight_of_new).fraction() * 100.0,
        observed: (total > 0.0).then(|| (f64::from(sample.new) / total * 10_000.0).round() / 100.0),
        old: sample.old,
        new: sample.new,
        other: sample.other,
        verdict,
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = if self.agrees {
            "every name server answers as the weights say"
        } else {
            "answers and records are not as they should be"
        };
        writeln!(f, "{} in {}: {heading}\n", self.name, self.zone)?;
        let mut table = Table::new(&[
            "server", "record", "type", "expected", "observed", "other", "verdict",
        ]);
        for server in &self.servers {
            table.row(vec![
                server.server.clone(),
                server.name.clone(),
                server.record_type.to_owned(),
                format!("{} %", server.expected),
                server
                    .observed
                    .map_or_else(|| "-".to_owned(), |share| format!("{share} %")),
                server.other.to_string(),
                server.verdict.to_owned(),
            ]);
        }
        writeln!(f, "{table}")?;
        for finding in &self.findings {
            writeln!(f, "finding: {finding}")?;
        }
        Ok(())
    }
}
