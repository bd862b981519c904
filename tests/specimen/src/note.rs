//! A plain resource without an outside world: everything follows from its inputs.

use std::collections::BTreeMap;

use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Found, Preview, Prior, Problem, ReadResult,
    Settled, Versions,
};
use pulumi_value::{PropertyPath, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A note with a title.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoteArgs {
    /// What it is about; also its id.
    pub title: String,
    /// What it says.
    pub body: Option<String>,
    /// How urgent it is.
    pub priority: Option<i32>,
    /// Where it is kept; a note cannot be moved.
    #[schemars(extend("pulumi:replace" = true))]
    pub slot: Option<String>,
    /// What opens it.
    pub password: Option<Secret<String>>,
    /// Labels by name.
    pub labels: Option<BTreeMap<String, String>>,
    /// Its lines.
    pub lines: Option<Vec<Line>>,
}

/// A line of a note.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What the line says.
    pub text: String,
    /// How much it weighs.
    pub weight: Option<f64>,
}

/// What a note becomes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NoteState {
    /// SHA-256 of title and body in hex.
    pub digest: String,
    /// How often it was written, from 1.
    pub revision: u32,
}

/// What is certain before a note is written.
#[derive(Serialize)]
struct Certain {
    digest: String,
    revision: u32,
}

/// The resource.
#[derive(Debug)]
pub struct NoteResource;

fn digest(args: &NoteArgs) -> String {
    let body = args.body.as_deref().unwrap_or_default();
    let hash = Sha256::digest(format!("{}\n{body}", args.title));
    hash.iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn note(args: &NoteArgs, revision: u32) -> NoteState {
    NoteState {
        digest: digest(args),
        revision,
    }
}

impl<A: Send + Sync + 'static> CustomResource<A> for NoteResource {
    const NAME: &'static str = "Note";
    type Args = NoteArgs;
    type State = NoteState;

    fn check(&self, args: &NoteArgs, problems: &mut Vec<Problem>) {
        if args.title.is_empty() {
            problems.push(Problem::new(
                PropertyPath::root().key("title"),
                "must not be empty",
            ));
        }
        if args
            .password
            .as_ref()
            .is_some_and(|password| password.expose().len() < 4)
        {
            problems.push(Problem::new(
                PropertyPath::root().key("password"),
                "is too short",
            ));
        }
    }

    fn diff(&self, _: &Versions<'_, NoteArgs, NoteState>, diff: &mut Diff) {
        // The title is the id, and ids do not change.
        diff.replace_on("title");
    }

    async fn preview(
        &self,
        _: &Context<A>,
        args: &NoteArgs,
        prior: Option<&Prior<NoteArgs, NoteState>>,
    ) -> Result<Preview, Error> {
        let revision = prior.map_or(1, |prior| prior.state.revision.saturating_add(1));
        Ok(Preview::known(&Certain {
            digest: digest(args),
            revision,
        }))
    }

    async fn create(&self, _: &Context<A>, args: NoteArgs) -> Result<Created<NoteState>, Error> {
        assert!(args.title != "panic", "a note that panics");
        Ok(Created {
            id: args.title.clone(),
            settled: Settled::Complete(note(&args, 1)),
        })
    }

    async fn read(
        &self,
        _: &Context<A>,
        id: &str,
        prior: Option<Prior<NoteArgs, NoteState>>,
    ) -> ReadResult<NoteArgs, NoteState> {
        if id == "gone" {
            return Ok(None);
        }
        let imported = || NoteArgs {
            title: id.to_owned(),
            body: None,
            priority: None,
            slot: None,
            password: None,
            labels: None,
            lines: None,
        };
        let (args, revision) = prior.map_or_else(
            || (imported(), 1),
            |prior| (prior.args, prior.state.revision),
        );
        let settled = Settled::Complete(note(&args, revision));
        Ok(Some(Found {
            id: id.to_owned(),
            args,
            settled,
        }))
    }

    async fn update(
        &self,
        _: &Context<A>,
        _: &str,
        args: NoteArgs,
        prior: Prior<NoteArgs, NoteState>,
    ) -> Result<Settled<NoteState>, Error> {
        Ok(Settled::Complete(note(
            &args,
            prior.state.revision.saturating_add(1),
        )))
    }

    async fn delete(
        &self,
        _: &Context<A>,
        _: &str,
        _: Option<Prior<NoteArgs, NoteState>>,
    ) -> Result<(), Error> {
        Ok(())
    }
}
