//! The operations.

use std::time::Duration;

use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Preview, Prior, Problem, ReadResult, Settled,
    Versions,
};

use super::conduct::{carry_out, timeout};
use super::diff::is_another_router;
use super::error::ShiftError;
use super::identity::{Place, shift_id};
use super::state::WeightedShiftState;
use super::wish::ask;
use super::{WeightedShiftArgs, delete, diff, look, preview};
use crate::provider::App;

/// Live traffic moved step by step, and back.
#[derive(Clone, Copy, Debug)]
pub struct WeightedShift;

impl CustomResource<App> for WeightedShift {
    const NAME: &'static str = "WeightedShift";

    type Args = WeightedShiftArgs;
    type State = WeightedShiftState;

    fn check(&self, args: &Self::Args, problems: &mut Vec<Problem>) {
        // Its name is not known here, and is well-formed by how it is made.
        problems.extend(ask(args, "check").problems);
    }

    fn diff(&self, versions: &Versions<'_, Self::Args, Self::State>, diff: &mut Diff) {
        diff::amend(versions, diff);
    }

    fn timeout(&self, args: &Self::Args) -> Duration {
        timeout(args)
    }

    async fn preview(
        &self,
        context: &Context<App>,
        args: &Self::Args,
        prior: Option<&Prior<Self::Args, Self::State>>,
    ) -> Result<Preview, Error> {
        preview::preview(context, args, prior).await
    }

    async fn create(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Created<Self::State>, Error> {
        let id = shift_id(context.urn());
        let (spec, settled) = carry_out(context, &args, &id, None).await?;
        Ok(Created {
            id: Place::of(&spec.router).to_id(),
            settled,
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
        let Prior {
            args: before,
            state,
        } = prior;
        if state.phase.is_live() && is_another_router(&before.router, &args.router) {
            let phase = state.phase.words();
            return Err(ShiftError::Replaced(phase).into());
        }
        let id = state.shift_id.clone();
        let (_, settled) = carry_out(context, &args, &id, Some(state)).await?;
        Ok(settled)
    }

    async fn delete(
        &self,
        context: &Context<App>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> Result<(), Error> {
        delete::delete(context, id, prior).await
    }
}
