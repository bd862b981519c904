//! Compares two databases.

mod address;
mod file;
mod kept;
mod progress;
mod reach;
mod wish;

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use cutover_core::validation::advice::{advice_on, render_failure};
use cutover_core::validation::facts::DbFailure;
use cutover_core::validation::render::render_report;
use cutover_core::validation::report::{Report, Verdict};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Spec;
use cutover_driver::{Address, Checkpoint, Database, Validated, validate};
use cutover_report::{render_html, render_json};
use futures_util::future::join;
use serde::Serialize;
use tokio::sync::mpsc::unbounded_channel;

use self::kept::KeptFile;
use self::progress::Shown;
use self::wish::Wish;
use crate::cli::ValidateArgs;
use crate::console::Console;
use crate::problem::{Exit, Problem};
use crate::world::Here;

/// A report: in JSON what [`render_json`] gives.
#[derive(Serialize)]
#[serde(transparent)]
struct Told<'a>(&'a Report);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_report(self.0))
    }
}

pub(crate) async fn run(
    args: &ValidateArgs,
    here: &Here,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    let wish = wish::read(args)?;
    for path in &wish.reports {
        check_place(path)?;
    }
    let addresses = addresses(here, &wish).await?;
    let kept = args
        .progress
        .as_ref()
        .map(|path| KeptFile::new(path, &wish.spec, &addresses));
    let from = match &kept {
        Some(kept) => kept.read()?,
        None => None,
    };
    if from.is_some() {
        console.progress("going on where the last run was stopped");
    }
    let databases = tokio::select! {
        // Opening only looks, and may be dropped.
        opened = open(here, &addresses) => opened?,
        () = here.stop.cancelled() => return Err(stopped(kept.as_ref(), None)),
    };
    match compare(here, console, wish.spec, databases, from).await {
        Validated::Done { report, .. } => {
            if let Some(kept) = &kept {
                kept.remove();
            }
            conclude(&report, &wish.reports, wish.allow_inconclusive, console)
        }
        Validated::Stopped { progress, .. } => Err(stopped(kept.as_ref(), progress.as_deref())),
        Validated::Impossible {
            side,
            failure,
            progress,
        } => {
            let problem = impossible(side, &failure, &addresses);
            match keep(kept.as_ref(), progress.as_deref()) {
                Ok(Some(place)) => Err(Problem {
                    next: problem.next.map(|next| {
                        format!("{next}; with `--progress {place}` it then goes on from here")
                    }),
                    ..problem
                }),
                Ok(None) => Err(problem),
                Err(unkept) => {
                    console.problem(&unkept);
                    Err(problem)
                }
            }
        }
        Validated::Broken(illegal) => {
            Err(
                Problem::new(234, Exit::Failed, format!("a fact did not fit: {illegal}"))
                    .next("report it; nothing was written to either database"),
            )
        }
    }
}

/// Completes both addresses.
async fn addresses(here: &Here, wish: &Wish) -> Result<Both<Address>, Problem> {
    let complete = |side: Side| {
        reach::complete(
            here,
            side,
            wish.connections.get(side),
            wish.spec.limits.get(side).connections,
            *wish.statement_timeouts.get(side),
        )
    };
    Ok(Both {
        source: complete(Side::Source).await?,
        target: complete(Side::Target).await?,
    })
}

/// Opens both at once. When neither can be reached, the source is told first.
async fn open(here: &Here, addresses: &Both<Address>) -> Result<Both<Arc<dyn Database>>, Problem> {
    let open = |side: Side| here.databases.open(side, addresses.get(side));
    let (source, target) = join(open(Side::Source), open(Side::Target)).await;
    let opened = |side: Side, answer: Result<Arc<dyn Database>, DbFailure>| {
        answer.map_err(|failure| impossible(side, &failure, addresses))
    };
    Ok(Both {
        source: opened(Side::Source, source)?,
        target: opened(Side::Target, target)?,
    })
}

/// Compares, and shows how far it is meanwhile.
async fn compare(
    here: &Here,
    console: &mut Console<'_>,
    spec: Spec,
    databases: Both<Arc<dyn Database>>,
    from: Option<Checkpoint>,
) -> Validated<()> {
    let (news, mut told) = unbounded_channel();
    let tell = move |progress: &cutover_driver::Progress| {
        // Whoever listens does so to the end.
        let _ = news.send(progress.clone());
    };
    let mut shown = Shown::on(console);
    let mut comparing = pin!(validate(
        spec,
        databases,
        here.clock.as_ref(),
        from,
        here.stop.cancelled(),
        &tell,
    ));
    let validated = loop {
        tokio::select! {
            biased;
            // News may be dropped when it is over.
            Some(progress) = told.recv() => shown.show(&progress, here.now(), console),
            validated = &mut comparing => break validated,
        }
    };
    shown.end();
    validated
}

/// Prints the report, and writes it wherever it was wished.
fn conclude(
    report: &Report,
    files: &[PathBuf],
    allow_inconclusive: bool,
    console: &mut Console<'_>,
) -> Result<Exit, Problem> {
    console.report(&Told(report));
    for path in files {
        let text = if is_page(path) {
            render_html(report)
        } else {
            render_json(report)
        };
        std::fs::write(path, text).map_err(|error| unwritten(path, &error.to_string()))?;
        console.progress(&format!("the report is in `{}`", path.display()));
    }
    Ok(match report.verdict {
        Verdict::Matched => Exit::Done,
        Verdict::Inconclusive if allow_inconclusive => Exit::Done,
        Verdict::Inconclusive | Verdict::Mismatched => Exit::Finding,
    })
}

/// Makes sure that a report could be written, before hours are spent on it.
fn check_place(path: &Path) -> Result<(), Problem> {
    let is_json = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if !is_json && !is_page(path) {
        let message = format!("`{}` ends in neither `.html` nor `.json`", path.display());
        return Err(Problem::new(194, Exit::Usage, message)
            .next("name the file so that it is known how it should be written"));
    }
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty());
    if path.is_dir() || directory.is_some_and(|directory| !directory.is_dir()) {
        return Err(unwritten(path, "there is no such directory, or it is one"));
    }
    Ok(())
}

fn is_page(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("html"))
}

fn unwritten(path: &Path, why: &str) -> Problem {
    Problem::new(
        233,
        Exit::Failed,
        format!(
            "the report cannot be written to `{}`: {why}",
            path.display()
        ),
    )
    .next("make the directory, or name another place with `--report`")
}

fn impossible(side: Side, failure: &DbFailure, addresses: &Both<Address>) -> Problem {
    let advice = advice_on(failure.class);
    let Address {
        host,
        port,
        database,
        user,
        ..
    } = addresses.get(side);
    Problem::new(advice.code, Exit::Failed, render_failure(side, failure))
        .at(format!(
            "{side} `{database}` at `{host}:{port}`, user `{user}`"
        ))
        .next(advice.next)
}

/// Keeps how far a run was, and returns where; `None` where that was not wished, or there is nothing to keep.
fn keep(kept: Option<&KeptFile>, progress: Option<&Checkpoint>) -> Result<Option<String>, Problem> {
    let Some((kept, progress)) = kept.zip(progress) else {
        return Ok(None);
    };
    kept.write(progress).map_err(|error| {
        Problem::new(
            195,
            Exit::Failed,
            format!("the progress cannot be written: {error}"),
        )
        .at(format!("`{}`", kept.place()))
        .next("name another file with `--progress`; the next run begins anew")
    })?;
    Ok(Some(kept.place()))
}

/// What is said when somebody has said to stop.
fn stopped(kept: Option<&KeptFile>, progress: Option<&Checkpoint>) -> Problem {
    let place = match keep(kept, progress) {
        Ok(place) => place,
        Err(problem) => return problem,
    };
    let next = match (place, kept) {
        (Some(place), _) => format!("run the same command again, with `--progress {place}`, to go on from here"),
        (None, Some(_)) => "run the same command again; nothing was read yet".to_owned(),
        (None, None) => {
            "run the command again; it begins anew, and with `--progress FILE` it would go on from here".to_owned()
        }
    };
    Problem::new(
        232,
        Exit::Failed,
        "the validation was stopped before its end",
    )
    .next(next)
}
