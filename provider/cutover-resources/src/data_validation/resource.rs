//! The operations.

use std::time::Duration;

use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Found, Preview, Prior, Problem, ReadResult,
    Settled, Versions,
};
use pulumi_value::Urn;
use sha2::{Digest as _, Sha256};

use super::args::DataValidationArgs;
use super::conduct::{hexadecimal, run, settle};
use super::diff;
use super::narrate::describe;
use super::state::DataValidationState;
use super::wish::ask;
use crate::provider::App;

/// How long an operation may take when the program does not say: ours; the forecasts of 20 million rows are minutes.
const TIMEOUT: Duration = Duration::from_hours(2);

/// How many bytes of a digest name a validation: ours; sixteen characters, of which no two stacks share all by chance.
const ID_BYTES: usize = 8;

/// Two live databases, proven equal or proven different.
#[derive(Clone, Copy, Debug)]
pub struct DataValidation;

impl CustomResource<App> for DataValidation {
    const NAME: &'static str = "DataValidation";

    type Args = DataValidationArgs;
    type State = DataValidationState;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        problems.extend(ask(args, 0).problems);
    }

    fn diff(&self, versions: &Versions<'_, Self::Args, Self::State>, diff: &mut Diff) {
        diff::amend(versions, diff);
    }

    fn timeout(&self, _args: &Self::Args) -> Duration {
        TIMEOUT
    }

    async fn preview(
        &self,
        context: &Context<App>,
        args: &Self::Args,
        _prior: Option<&Prior<Self::Args, Self::State>>,
    ) -> Result<Preview, Error> {
        // What is wrong Check has told.
        if let Some(spec) = ask(args, 0).spec {
            context.log().info(describe(args, &spec));
        }
        Ok(Preview::unknown())
    }

    async fn create(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Created<Self::State>, Error> {
        let ran = run(context, &args).await?;
        Ok(Created {
            id: id(context.urn()),
            settled: settle(&args, ran),
        })
    }

    async fn read(
        &self,
        _context: &Context<App>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> ReadResult<Self::Args, Self::State> {
        // A validation is a fact about the past: nothing can have changed about it, and none can be found by its id.
        Ok(prior.map(|Prior { args, state }| Found {
            id: id.to_owned(),
            args,
            settled: Settled::Complete(state),
        }))
    }

    async fn update(
        &self,
        context: &Context<App>,
        _id: &str,
        args: Self::Args,
        _prior: Prior<Self::Args, Self::State>,
    ) -> Result<Settled<Self::State>, Error> {
        let ran = run(context, &args).await?;
        Ok(settle(&args, ran))
    }

    async fn delete(
        &self,
        _context: &Context<App>,
        _id: &str,
        _prior: Option<Prior<Self::Args, Self::State>>,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// Names a validation after where it is declared.
fn id(urn: Option<&Urn>) -> String {
    let digest = Sha256::digest(urn.map_or("", Urn::as_str).as_bytes());
    let digest = digest.get(..ID_BYTES).unwrap_or_default();
    format!("v{}", hexadecimal(digest))
}
