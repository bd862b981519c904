//! The operations.

use std::time::Duration;

use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Preview, Prior, Problem, ReadResult, Settled,
    Versions,
};

use super::args::ReplicationArgs;
use super::conduct::carry_out;
use super::narrate::describe;
use super::state::ReplicationState;
use super::wish::ask;
use super::{diff, look};
use crate::migration::id_of;
use crate::provider::App;

/// What may come upon load and catching up: ours; tests of connections, an assessment, and reloads of single tables.
const MARGIN: Duration = Duration::from_hours(1);

/// A task of DMS, loaded, caught up, and held there.
#[derive(Clone, Copy, Debug)]
pub struct Replication;

impl CustomResource<App> for Replication {
    const NAME: &'static str = "Replication";

    type Args = ReplicationArgs;
    type State = ReplicationState;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        problems.extend(ask(args).problems);
    }

    fn diff(&self, versions: &Versions<'_, Self::Args, Self::State>, diff: &mut Diff) {
        diff::amend(versions, diff);
    }

    fn timeout(&self, args: &Self::Args) -> Duration {
        let spec = ask(args).spec;
        spec.map_or(MARGIN, |spec| {
            // Catching up may take longer as long as it gets better.
            let catching_up = spec.catch_up_limit.saturating_mul(2);
            MARGIN
                .saturating_add(spec.load_limit)
                .saturating_add(catching_up)
        })
    }

    async fn preview(
        &self,
        context: &Context<App>,
        args: &Self::Args,
        _prior: Option<&Prior<Self::Args, Self::State>>,
    ) -> Result<Preview, Error> {
        // What is wrong Check has told.
        if let Some(spec) = ask(args).spec {
            context.log().info(describe(args, &spec));
        }
        Ok(Preview::unknown())
    }

    async fn create(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Created<Self::State>, Error> {
        Ok(Created {
            id: id_of('r', context.urn()),
            settled: carry_out(context, &args, None).await?,
        })
    }

    async fn read(
        &self,
        context: &Context<App>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> ReadResult<Self::Args, Self::State> {
        look::read(context, id, prior).await
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
        // The task, its data and the fences stay as they are: whoever made the task removes it.
        Ok(())
    }
}
