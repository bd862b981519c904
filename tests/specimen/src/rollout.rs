//! A resource whose creation takes long and leaves traces: what interruption, crash and resumption are tested with.
//!
//! The outside world is a folder. `operation.json` says how far the one operation has come; `events.log` has a line
//! for everything that was done, so that a test can see whether anything was done twice.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, ErrorKind, Found, Guidance, Preview, Prior,
    ReadResult, Settled, Stop, Versions,
};
use pulumi_value::PropertyPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that is rolled out step by step.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutArgs {
    /// What is rolled out.
    pub target: String,
    /// The folder in which the rollout is recorded. It must exist.
    #[schemars(extend("pulumi:replace" = true))]
    pub journal: String,
    /// How many steps it takes.
    #[schemars(range(min = 1, max = 1000))]
    pub steps: u32,
    /// How long a step takes, in milliseconds.
    #[serde(default = "step_milliseconds")]
    pub step_milliseconds: u32,
}

fn step_milliseconds() -> u32 {
    10
}

/// How far a rollout has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutState {
    /// The operation's own id.
    pub operation: String,
    /// What is rolled out.
    pub rolled: String,
    /// How many steps are done.
    pub done: u32,
    /// How many there are.
    pub total: u32,
}

/// What is certain before a rollout begins.
#[derive(Serialize)]
struct Certain<'a> {
    rolled: &'a str,
    done: u32,
    total: u32,
}

/// What the outside world may do wrong.
#[derive(Debug, thiserror::Error)]
#[error("the journal `{path}` cannot be used")]
pub struct JournalError {
    path: PathBuf,
    source: io::Error,
}

impl Guidance for JournalError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }

    fn next(&self) -> Option<String> {
        Some("make sure that the folder exists and can be written".to_owned())
    }
}

/// The resource.
#[derive(Debug)]
pub struct RolloutResource;

struct Journal<'a>(&'a Path);

impl Journal<'_> {
    fn operation(&self) -> PathBuf {
        self.0.join("operation.json")
    }

    fn load(&self) -> Result<Option<RolloutState>, JournalError> {
        match fs::read(self.operation()) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| self.fail(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Replaces the record as a whole, so that a crash leaves the old one or the new one.
    fn save(&self, state: &RolloutState, event: &str) -> Result<(), JournalError> {
        let write = || {
            let draft = self.0.join("operation.json.new");
            fs::write(&draft, serde_json::to_vec(state)?)?;
            fs::rename(draft, self.operation())?;
            let mut log = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(self.0.join("events.log"))?;
            writeln!(log, "{event}")
        };
        write().map_err(|error| self.fail(error))
    }

    fn remove(&self) -> Result<(), JournalError> {
        match fs::remove_file(self.operation()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.fail(error)),
            _ => Ok(()),
        }
    }

    fn fail(&self, source: io::Error) -> JournalError {
        JournalError {
            path: self.0.to_owned(),
            source,
        }
    }
}

impl RolloutState {
    fn is_done(&self) -> bool {
        self.done >= self.total
    }

    fn reasons(&self, why: &str) -> Vec<String> {
        let Self {
            operation,
            done,
            total,
            ..
        } = self;
        vec![format!(
            "{why}: `{operation}` stands at step {done} of {total}; run `pulumi up` to continue from there"
        )]
    }
}

/// Goes on from what the journal says until it is done or it is time to stop.
async fn advance<A: Send + Sync>(
    context: &Context<A>,
    args: &RolloutArgs,
    mut state: RolloutState,
) -> Result<Settled<RolloutState>, Error> {
    let journal = Journal(Path::new(&args.journal));
    let step = Duration::from_millis(args.step_milliseconds.into());
    while !state.is_done() {
        if let Err(stop) = context.scope().run(tokio::time::sleep(step)).await {
            let why = match stop {
                Stop::Cancelled => "interrupted".to_owned(),
                Stop::TimedOut { .. } => stop.to_string(),
            };
            let reasons = state.reasons(&why);
            return Ok(Settled::Unfinished { state, reasons });
        }
        state.done = state.done.saturating_add(1);
        journal.save(
            &state,
            &format!("step {} of {}", state.done, state.operation),
        )?;
        context.log().status(
            &state.done.to_string(),
            &format!("step {} of {}", state.done, state.total),
        );
    }
    Ok(Settled::Complete(state))
}

impl<A: Send + Sync + 'static> CustomResource<A> for RolloutResource {
    const NAME: &'static str = "Rollout";
    type Args = RolloutArgs;
    type State = RolloutState;

    fn diff(&self, versions: &Versions<'_, RolloutArgs, RolloutState>, diff: &mut Diff) {
        diff.delete_before_replace();
        diff.stable("operation");
        if versions.old_state.is_some_and(|state| !state.is_done()) {
            diff.output_changes(PropertyPath::root().key("done"));
        }
    }

    async fn preview(
        &self,
        context: &Context<A>,
        args: &RolloutArgs,
        prior: Option<&Prior<RolloutArgs, RolloutState>>,
    ) -> Result<Preview, Error> {
        if let Some(prior) = prior.filter(|prior| !prior.state.is_done()) {
            let RolloutState {
                operation,
                done,
                total,
                ..
            } = &prior.state;
            context.log().info(format!(
                "resuming `{operation}` from step {done} of {total}"
            ));
        }
        Ok(Preview::known(&Certain {
            rolled: &args.target,
            done: args.steps,
            total: args.steps,
        }))
    }

    async fn create(
        &self,
        context: &Context<A>,
        args: RolloutArgs,
    ) -> Result<Created<RolloutState>, Error> {
        let journal = Journal(Path::new(&args.journal));
        let operation = format!(
            "rollout-{}",
            context
                .urn()
                .map(pulumi_value::Urn::name)
                .unwrap_or_default()
        );
        let state = match journal.load()? {
            // An earlier attempt got this far before anyone could save its state.
            Some(state) if state.operation == operation => RolloutState {
                total: args.steps,
                ..state
            },
            Some(state) => {
                let message = format!("the journal belongs to `{}`", state.operation);
                return Err(
                    Error::new(ErrorKind::Conflict, message).with_next("use a folder of its own")
                );
            }
            None => {
                let state = RolloutState {
                    operation: operation.clone(),
                    rolled: args.target.clone(),
                    done: 0,
                    total: args.steps,
                };
                journal.save(&state, &format!("begin {operation}"))?;
                state
            }
        };
        context.log().info(format!(
            "`{operation}` is under way; its id is `{}`",
            args.journal
        ));
        let id = args.journal.clone();
        Ok(Created {
            id,
            settled: advance(context, &args, state).await?,
        })
    }

    async fn read(
        &self,
        _: &Context<A>,
        id: &str,
        prior: Option<Prior<RolloutArgs, RolloutState>>,
    ) -> ReadResult<RolloutArgs, RolloutState> {
        let Some(state) = Journal(Path::new(id)).load()? else {
            return Ok(None);
        };
        let args = prior.map_or_else(
            || RolloutArgs {
                target: state.rolled.clone(),
                journal: id.to_owned(),
                steps: state.total,
                step_milliseconds: step_milliseconds(),
            },
            |prior| prior.args,
        );
        let settled = if state.is_done() {
            Settled::Complete(state)
        } else {
            let reasons = state.reasons("not finished");
            Settled::Unfinished { state, reasons }
        };
        Ok(Some(Found {
            id: id.to_owned(),
            args,
            settled,
        }))
    }

    async fn update(
        &self,
        context: &Context<A>,
        _: &str,
        args: RolloutArgs,
        prior: Prior<RolloutArgs, RolloutState>,
    ) -> Result<Settled<RolloutState>, Error> {
        let journal = Journal(Path::new(&args.journal));
        let found = journal.load()?.unwrap_or(prior.state);
        let state = RolloutState {
            total: args.steps,
            rolled: args.target.clone(),
            ..found
        };
        advance(context, &args, state).await
    }

    async fn delete(
        &self,
        _: &Context<A>,
        id: &str,
        _: Option<Prior<RolloutArgs, RolloutState>>,
    ) -> Result<(), Error> {
        Ok(Journal(Path::new(id)).remove()?)
    }
}
