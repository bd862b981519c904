//! The operations.

use std::time::Duration;

use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Preview, Prior, Problem, ReadResult, Settled,
    Versions,
};

use super::args::{SwitchWriter, WriterSwitchArgs};
use super::conduct::{carry_out, is_withheld};
use super::narrate::describe;
use super::state::WriterSwitchState;
use super::wish::{as_it_stands, ask};
use super::{delete, diff, look};
use crate::migration::id_of;
use crate::provider::App;

/// How long an operation may take when the program does not say: ours; attempts are minutes, and the rest is waiting for the
/// replication back.
const TIMEOUT: Duration = Duration::from_hours(1);

/// The one moment at which the writer changes, and the way back.
#[derive(Clone, Copy, Debug)]
pub struct WriterSwitch;

impl CustomResource<App> for WriterSwitch {
    const NAME: &'static str = "WriterSwitch";

    type Args = WriterSwitchArgs;
    type State = WriterSwitchState;

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
        prior: Option<&Prior<Self::Args, Self::State>>,
    ) -> Result<Preview, Error> {
        // What is wrong Check has told.
        let Some(spec) = ask(args, 0).spec else {
            return Ok(Preview::unknown());
        };
        if prior.is_some_and(|prior| prior.state.is_settled(args.writer)) {
            context
                .log()
                .info("looks at both databases, and goes on where something is left to do");
            return Ok(Preview::unknown());
        }
        if args.writer == SwitchWriter::Target && is_withheld(args) {
            context
                .log()
                .info("waits before the switch while `approved` is false; after that:");
        }
        let back = prior.and_then(|prior| prior.state.back_task_arn.clone());
        context.log().info(describe(&as_it_stands(spec, back)));
        Ok(Preview::unknown())
    }

    async fn create(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Created<Self::State>, Error> {
        Ok(Created {
            id: id_of('w', context.urn()),
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
        context: &Context<App>,
        _id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> Result<(), Error> {
        delete::delete(context, prior).await
    }
}
