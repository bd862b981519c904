//! Running a validation, and saying what has come of it.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use cutover_core::validation::report::{Report, Verdict};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::{Proof, Spec};
use cutover_driver::{Address, Checkpoint, Database, Progress, Validated, validate};
use futures_util::future::join;
use pulumi_host::{Context, Error, Log, Settled, Stop};
use sha2::{Digest as _, Sha256};

use super::address::{Terms, complete};
use super::args::DataValidationArgs;
use super::error::ValidationError;
use super::files::{self, Kept};
use super::narrate::{inherited_lines, table_line, verdict_line, why};
use super::state::DataValidationState;
use super::wish::ask;
use crate::provider::App;

/// What a run has come to.
#[derive(Debug)]
pub(super) enum Ran {
    /// There is a report.
    Done(Box<Report>, DataValidationState),
    /// It was stopped before there was one.
    Stopped {
        /// Why.
        stop: Stop,
        /// Whether its progress is kept.
        is_kept: bool,
        /// Where it stands.
        state: DataValidationState,
    },
}

/// Runs a validation from its beginning, or from where one of the same arguments was interrupted. Nothing but reading
/// is under way, so that every part of it may be dropped.
///
/// # Errors
/// When either database cannot be reached or asked.
pub(super) async fn run(context: &Context<App>, args: &DataValidationArgs) -> Result<Ran, Error> {
    let app = context.app();
    let asked = ask(args, RandomState::new().build_hasher().finish());
    let Some(spec) = asked.spec else {
        let message = "the inputs of the validation cannot be carried out";
        return Err(Error::invalid(message, asked.problems));
    };
    if let Some(path) = &args.report_file {
        files::check_place(path)?;
    }
    let began_at = app.world.clock.now().to_utc();
    let given = Both {
        source: &args.source,
        target: &args.target,
    };
    let terms = Both::of(|side| Terms {
        connections: spec.limits.get(side).connections,
        statement_timeout: *asked.statement_timeouts.get(side),
    });
    let opening = async {
        let addresses = complete(app, given, terms).await?;
        let databases = open(app, &addresses).await?;
        Ok::<_, ValidationError>((addresses, databases))
    };
    let stopped = |stop, is_kept| Ran::Stopped {
        stop,
        is_kept,
        state: DataValidationState::stopped(stop.to_string(), began_at.clone()),
    };
    let (addresses, databases) = match context.scope().run(opening).await {
        Ok(opened) => opened?,
        Err(stop) => return Ok(stopped(stop, false)),
    };
    let asked = fingerprint(&spec, &addresses);
    let from = resume(context.log(), args, &asked);
    let teller = Teller::new(context.log().clone());
    let clock = app.world.clock.as_ref();
    let stop = context.scope().stopped();
    match validate(spec, databases, clock, from, stop, &|progress| {
        teller.tell(progress);
    })
    .await
    {
        Validated::Done { report, proof } => conclude(context.log(), args, report, proof),
        Validated::Impossible {
            side,
            failure,
            progress,
        } => {
            keep(context.log(), args, asked, progress);
            Err(ValidationError::Database(side, failure).into())
        }
        Validated::Broken(illegal) => Err(ValidationError::Broken(illegal).into()),
        Validated::Stopped { progress, why } => {
            Ok(stopped(why, keep(context.log(), args, asked, progress)))
        }
    }
}

/// Opens both at once. When neither can be reached, the source is told first.
async fn open(
    app: &App,
    addresses: &Both<Address>,
) -> Result<Both<Arc<dyn Database>>, ValidationError> {
    let databases = &app.world.databases;
    let open = |side: Side| async move {
        let opened = databases.open(side, addresses.get(side)).await;
        opened.map_err(|failure| ValidationError::Database(side, failure))
    };
    let (source, target) = join(open(Side::Source), open(Side::Target)).await;
    Ok(Both {
        source: source?,
        target: target?,
    })
}

/// Finds the progress of a run of the same arguments that did not end.
fn resume(log: &Log, args: &DataValidationArgs, asked: &str) -> Option<Checkpoint> {
    let path = args.report_file.as_ref()?;
    let kept = files::read_progress(path, asked)?;
    log.info("goes on where the run before ended");
    Some(kept.checkpoint)
}

/// Keeps the progress of a run that did not end, and tells whether it is kept.
fn keep(
    log: &Log,
    args: &DataValidationArgs,
    asked: String,
    progress: Option<Box<Checkpoint>>,
) -> bool {
    let Some((path, checkpoint)) = args.report_file.as_ref().zip(progress) else {
        return false;
    };
    let checkpoint = *checkpoint;
    let written = files::write_progress(path, &Kept { asked, checkpoint });
    if let Err(error) = &written {
        log.warn(format!(
            "the progress cannot be kept beside `{path}`: {error}"
        ));
    }
    written.is_ok()
}

/// Tells the verdict, writes the report, and makes the state of it.
fn conclude(
    log: &Log,
    args: &DataValidationArgs,
    report: Box<Report>,
    proof: Option<Proof>,
) -> Result<Ran, Error> {
    let json = cutover_report::render_json(&report);
    let digest = cutover_report::digest(&report);
    let proof = proof.map(|proof| serde_json::to_string(&proof));
    let proof = proof.transpose().map_err(Error::bug)?;
    if let Some(path) = &args.report_file {
        files::forget_progress(path);
        match files::write_report(path, &report, &json) {
            Ok(()) => log.info(format!("the report is in `{path}`")),
            // The verdict does not become another for it, and the report is in the outputs.
            Err(error) => log.warn(format!("the report cannot be written to `{path}`: {error}")),
        }
    }
    for table in &report.data_validation.tables {
        if table.verdict != Verdict::Matched {
            log.warn(table_line(table));
        }
    }
    for line in inherited_lines(&report) {
        log.warn(line);
    }
    match report.verdict {
        Verdict::Matched => log.info(verdict_line(&report)),
        Verdict::Inconclusive | Verdict::Mismatched => log.warn(verdict_line(&report)),
    }
    let state = DataValidationState::of(&report, json, digest, proof);
    Ok(Ran::Done(report, state))
}

/// Says whether a run came to what was asked for.
pub(super) fn settle(args: &DataValidationArgs, ran: Ran) -> Settled<DataValidationState> {
    let (state, error) = match ran {
        Ran::Done(_, state) if state.is_accepted(args.allow_inconclusive) => {
            return Settled::Complete(state);
        }
        Ran::Done(report, state) => {
            let error = match report.verdict {
                Verdict::Mismatched => ValidationError::Mismatched(why(&report)),
                Verdict::Inconclusive | Verdict::Matched => {
                    ValidationError::Inconclusive(why(&report))
                }
            };
            (state, error)
        }
        Ran::Stopped {
            stop,
            is_kept,
            state,
        } => (state, interrupted(stop, is_kept)),
    };
    Settled::Unfinished {
        state,
        reasons: vec![error.into_reason()],
    }
}

/// The error of a run that was stopped.
pub(super) fn interrupted(stop: Stop, is_kept: bool) -> ValidationError {
    ValidationError::Stopped {
        stop: stop.to_string(),
        rest: if is_kept {
            "the next run goes on from here"
        } else {
            "the next run begins anew; with a `reportFile` it would go on from here"
        },
    }
}

/// Tells progress: what is going on in the status line, and each table once when it is done.
#[derive(Debug)]
struct Teller {
    log: Log,
    told: Mutex<Told>,
}

/// What was told last.
#[derive(Debug, Default)]
struct Told {
    tables_done: usize,
    table: Option<String>,
}

impl Teller {
    fn new(log: Log) -> Self {
        Self {
            log,
            told: Mutex::default(),
        }
    }

    fn tell(&self, progress: &Progress) {
        let Progress {
            tables_done,
            tables,
            ..
        } = progress;
        let before = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(
                &mut *told,
                Told {
                    tables_done: *tables_done,
                    table: progress.table.clone(),
                },
            )
        };
        if *tables_done > before.tables_done {
            let line = match before.table {
                Some(table) => format!("`{table}` is done, {tables_done} of {tables} tables"),
                None => format!("{tables_done} of {tables} tables are done"),
            };
            self.log.info(line);
        }
        self.log.status(progress.phase, &progress.text);
    }
}

/// What tells one wish from another: everything but its seed and its secrets.
fn fingerprint(spec: &Spec, addresses: &Both<Address>) -> String {
    let spec = Spec {
        seed: 0,
        ..spec.clone()
    };
    // Passwords are never printed.
    let text = format!("{spec:?} {addresses:?}");
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Writes bytes as people do.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
