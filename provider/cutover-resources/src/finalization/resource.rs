//! The operations.

use std::time::Duration;

use cutover_core::teardown::spec::chores;
use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Preview, Prior, Problem, ReadResult, Settled,
    Versions,
};

use super::args::FinalizationArgs;
use super::conduct::carry_out;
use super::state::{FinalizationPhase, FinalizationState};
use super::wish::ask;
use super::{diff, look};
use crate::migration::id_of;
use crate::provider::App;

/// How long an operation may take when the program does not say: ours; two tasks that take a quarter of an hour each to stop
/// and to go.
const TIMEOUT: Duration = Duration::from_mins(90);

/// The end of a migration.
#[derive(Clone, Copy, Debug)]
pub struct Finalization;

impl CustomResource<App> for Finalization {
    const NAME: &'static str = "Finalization";

    type Args = FinalizationArgs;
    type State = FinalizationState;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        problems.extend(ask(args).problems);
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
        prior: Option<&Prior<Self::Args, Self::State>>,
    ) -> Result<Preview, Error> {
        let asked = ask(args);
        // What is wrong Check has told.
        let Some(spec) = asked.spec else {
            return Ok(Preview::unknown());
        };
        if prior.is_some_and(|prior| prior.state.phase == FinalizationPhase::Finalized) {
            return Ok(Preview::unknown());
        }
        let when = match asked.due_at {
            Some(due_at) if due_at > context.app().world.clock.now() => {
                format!(
                    "waits until {}; the first `pulumi up` after that would",
                    due_at.to_utc()
                )
            }
            Some(_) => "it is time:".to_owned(),
            None => "once the writer has changed and the safety period is over:".to_owned(),
        };
        let lines = chores(&spec)
            .into_iter()
            .map(|chore| format!("\n  {}", chore.text()));
        context
            .log()
            .info(format!("{when}{}", lines.collect::<String>()));
        Ok(Preview::unknown())
    }

    async fn create(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Created<Self::State>, Error> {
        Ok(Created {
            id: id_of('f', context.urn()),
            settled: carry_out(context, &args, None).await?,
        })
    }

    async fn read(
        &self,
        context: &Context<App>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> ReadResult<Self::Args, Self::State> {
        Ok(look::read(context, id, prior))
    }

    async fn update(
        &self,
        context: &Context<App>,
        _id: &str,
        args: Self::Args,
        prior: Prior<Self::Args, Self::State>,
    ) -> Result<Settled<Self::State>, Error> {
        carry_out(context, &args, Some(prior.state)).await
    }

    async fn delete(
        &self,
        _context: &Context<App>,
        _id: &str,
        _prior: Option<Prior<Self::Args, Self::State>>,
    ) -> Result<(), Error> {
        // What was ended stays ended.
        Ok(())
    }
}
