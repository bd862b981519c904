//! Replays gates over metrics of the past, and says when each would have fired.

use std::collections::BTreeMap;
use std::fmt;

use cutover_core::shift::gates::{GateKind, Readings, Severity};
use cutover_core::shift::simulate::{Firing, Replay, Said, simulate};
use cutover_core::shift::sources::{readings, wire};
use serde::Serialize;

use crate::calls::look;
use crate::cli::SimulateArgs;
use crate::console::{Console, Table, moment};
use crate::gates;
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// What the gates would have said.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Simulated {
    from: String,
    until: String,
    gates: Vec<GateSimulated>,
    /// Gates on alarms, whose state in the past cannot be read.
    left_out: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct GateSimulated {
    gate: String,
    severity: &'static str,
    firings: Vec<FiringSimulated>,
    healthy_percent: f64,
    inconclusive_percent: f64,
    blind_percent: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct FiringSimulated {
    at: String,
    since: String,
    value: Option<f64>,
    shared: bool,
}

pub(crate) async fn run(
    args: &SimulateArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let place = format!("`{}`", args.spec.display());
    if args.until <= args.from || args.until > here.now() {
        let message = "the time must end after it begins, and in the past";
        return Err(Problem::new(189, Exit::Usage, message)
            .next("check `--from` and `--until`; times are UTC"));
    }
    let text = std::fs::read_to_string(&args.spec)
        .map_err(|error| Problem::new(189, Exit::Usage, error.to_string()).at(place.clone()))?;
    let declared = gates::read(&text).map_err(|problems| {
        Problem::new(189, Exit::Usage, problems.join("; "))
            .at(place)
            .next("`docs/command.md` describes the file")
    })?;

    let queries = wire(declared.asked.iter().flat_map(|(_, queries)| queries));
    console.progress(&format!("reading {} metrics", queries.len()));
    let metrics = &here.traffic.metrics;
    let answers = if queries.is_empty() {
        Vec::new()
    } else {
        look(here, || {
            metrics.fetch_series(&queries, args.from, args.until)
        })
        .await?
    };
    let readings = Readings {
        series: readings(&declared.asked, &queries, &answers),
        alarms: BTreeMap::new(),
    };
    let replays = simulate(&declared.gates, &readings, args.from, args.until);
    let has_fired = replays.iter().any(|replay| !replay.firings.is_empty());
    let alarms = declared
        .gates
        .iter()
        .filter(|gate| gate.kind == GateKind::Alarm);
    console.report(&Simulated {
        from: moment(args.from),
        until: moment(args.until),
        left_out: alarms.map(|gate| gate.name.clone()).collect(),
        gates: replays.into_iter().map(simulated).collect(),
    });
    Ok(if has_fired { Exit::Finding } else { Exit::Done })
}

fn simulated(replay: Replay) -> GateSimulated {
    let Said {
        healthy,
        inconclusive,
        blind,
        breached,
    } = replay.said;
    let all = f64::from(healthy) + f64::from(inconclusive) + f64::from(blind) + f64::from(breached);
    let percent = |of: u32| (f64::from(of) / all.max(1.0) * 1_000.0).round() / 10.0;
    GateSimulated {
        gate: replay.gate,
        severity: severity(replay.severity),
        firings: replay.firings.iter().map(firing).collect(),
        healthy_percent: percent(healthy),
        inconclusive_percent: percent(inconclusive),
        blind_percent: percent(blind),
    }
}

fn firing(firing: &Firing) -> FiringSimulated {
    FiringSimulated {
        at: moment(firing.at),
        since: moment(firing.breach.since),
        value: firing.breach.value,
        shared: firing.breach.shared,
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Hold => "hold",
        Severity::Warn => "warn",
        Severity::DryRun => "dryRun",
    }
}

impl fmt::Display for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} to {}\n", self.from, self.until)?;
        let mut table = Table::new(&[
            "gate",
            "severity",
            "fired",
            "healthy",
            "inconclusive",
            "blind",
        ]);
        for gate in &self.gates {
            table.row(vec![
                gate.gate.clone(),
                gate.severity.to_owned(),
                gate.firings.len().to_string(),
                format!("{} %", gate.healthy_percent),
                format!("{} %", gate.inconclusive_percent),
                format!("{} %", gate.blind_percent),
            ]);
        }
        writeln!(f, "{table}")?;
        for gate in &self.gates {
            for firing in &gate.firings {
                let value = firing
                    .value
                    .map_or_else(|| "no data".to_owned(), |value| format!("{value:.4}"));
                let shared = if firing.shared { ", old as well" } else { "" };
                writeln!(
                    f,
                    "{}  {} fires: {value} since {}{shared}",
                    firing.at, gate.gate, firing.since
                )?;
            }
        }
        for gate in &self.left_out {
            writeln!(
                f,
                "left out: {gate}, since the past of an alarm cannot be read"
            )?;
        }
        Ok(())
    }
}
