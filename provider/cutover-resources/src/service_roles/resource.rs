//! The operations.

use std::pin::pin;
use std::time::Duration;

use cutover_core::Why;
use cutover_core::service_roles::{
    Ensure, Intent, Journal, Obstacle, Owner, PATIENCE, PATIENCE_OF_A_PREVIEW, Role, Survey,
    Surveyed, Wish, plan,
};
use cutover_driver::{Ended, Ensuring, Surveying, run};
use futures_util::future::{Either, select};
use pulumi_host::{
    Context, Created, CustomResource, Diff, Error, Found, Preview, Prior, ReadResult, Settled,
    Versions,
};
use pulumi_value::Output;
use serde::Serialize;

use super::state::{DmsServiceRolesState, ServiceRole};
use super::{DmsServiceRolesArgs, diff};
use crate::error::ServiceRolesError;
use crate::provider::App;

/// How long creating and updating may take: ours, more than the limits inside add up to; it is in the resource's
/// description.
const TIMEOUT: Duration = Duration::from_mins(10);

/// How long a preview looks before it leaves things unknown: ours; people watch it.
const PREVIEW_MAX: Duration = Duration::from_secs(10);

/// The two account-wide roles of AWS DMS.
#[derive(Clone, Copy, Debug)]
pub struct DmsServiceRoles;

/// What a preview knows; a role that would be made is unknown until it is, since another stack may be faster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Foreseen {
    account_id: String,
    vpc_role: Output<ServiceRole>,
    cloudwatch_logs_role: Output<ServiceRole>,
}

impl CustomResource<App> for DmsServiceRoles {
    const NAME: &'static str = "DmsServiceRoles";

    type Args = DmsServiceRolesArgs;
    type State = DmsServiceRolesState;

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
        let world = &context.app().world;
        let limit = world
            .clock
            .sleep_until(world.clock.now().after(PREVIEW_MAX));
        // Nothing but looks is under way, so it may be dropped.
        let surveyed = match select(
            pin!(survey(context, Survey::new(PATIENCE_OF_A_PREVIEW))),
            limit,
        )
        .await
        {
            Either::Left((Ok(surveyed), _)) => surveyed,
            Either::Left((Err(error), _)) => {
                context
                    .log()
                    .warn(format!("the roles could not be looked at: {error}"));
                return Ok(Preview::unknown());
            }
            Either::Right(_) => {
                context
                    .log()
                    .warn("AWS did not answer in time, so that it is not known what will be done");
                return Ok(Preview::unknown());
            }
        };
        let wish = wish(
            context,
            args,
            prior.map(|prior| prior.state.account_id.clone()),
        );
        foresee(context, &surveyed, &wish)
    }

    async fn create(
        &self,
        context: &Context<App>,
        args: Self::Args,
    ) -> Result<Created<Self::State>, Error> {
        let settled = ensure(context, &args, None).await?;
        let (Settled::Complete(state) | Settled::Unfinished { state, .. }) = &settled;
        Ok(Created {
            id: state.account_id.clone(),
            settled,
        })
    }

    async fn read(
        &self,
        context: &Context<App>,
        id: &str,
        prior: Option<Prior<Self::Args, Self::State>>,
    ) -> ReadResult<Self::Args, Self::State> {
        let account = parse_id(id)?;
        let surveyed = survey(context, Survey::new(PATIENCE)).await?;
        if surveyed.account.id != account {
            let (expected, found) = (account.to_owned(), surveyed.account.id);
            return Err(ServiceRolesError::OtherAccount { expected, found }.into());
        }
        if surveyed
            .roles
            .values()
            .all(|found| *found == cutover_core::service_roles::Found::Missing)
        {
            return Ok(None);
        }
        // The engine may ask instead of continuing an update that was stopped while the roles were settling, and takes
        // what it is told here for the end of it.
        let world = &context.app().world;
        if let Some(at) = surveyed.settles_at(world.clock.now()) {
            context
                .log()
                .status("settle", "letting IAM settle: a role was made moments ago");
            world.clock.sleep_until(at).await;
        }
        let state =
            DmsServiceRolesState::of_survey(surveyed, &owner(context)).ok_or_else(incomplete)?;
        let args = prior.map(|prior| prior.args).unwrap_or_default();
        Ok(Some(Found {
            id: id.to_owned(),
            args,
            settled: Settled::Complete(state),
        }))
    }

    async fn update(
        &self,
        context: &Context<App>,
        id: &str,
        args: Self::Args,
        _prior: Prior<Self::Args, Self::State>,
    ) -> Result<Settled<Self::State>, Error> {
        let account = parse_id(id)?;
        ensure(context, &args, Some(account.to_owned())).await
    }

    async fn delete(
        &self,
        context: &Context<App>,
        id: &str,
        _prior: Option<Prior<Self::Args, Self::State>>,
    ) -> Result<(), Error> {
        for role in Role::ALL {
            context.log().info(format!(
                "`{role}` stays in account `{id}`, since every stack there shares it; once nothing uses DMS any more, \
                 detach `{}` from it and delete it by hand",
                role.policy_name()
            ));
        }
        Ok(())
    }
}

/// Reads the id: the account's.
fn parse_id(id: &str) -> Result<&str, ServiceRolesError> {
    if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(id)
    } else {
        Err(ServiceRolesError::MalformedId(id.to_owned()))
    }
}

/// For whom roles are made: the same for every run of a stack.
fn owner(context: &Context<App>) -> Owner {
    let name = context
        .urn()
        .map(|urn| format!("{}/{}/{}", urn.project(), urn.stack(), urn.name()));
    Owner::new(&name.unwrap_or_default())
}

fn wish(context: &Context<App>, args: &DmsServiceRolesArgs, account: Option<String>) -> Wish {
    let tags = context.app().default_tags.clone();
    Wish {
        owner: owner(context),
        tags,
        repair: args.repair,
        account,
    }
}

fn incomplete() -> Error {
    Error::bug("the run ended without a look at both roles")
}

/// Looks, and changes nothing.
async fn survey(context: &Context<App>, survey: Survey) -> Result<Surveyed, Error> {
    let world = &context.app().world;
    let roles = Surveying(world.service_roles.as_ref());
    match run(
        survey,
        &roles,
        world.clock.as_ref(),
        context.scope().stopped(),
        |_, why| status(context, why),
    )
    .await
    {
        Ended::Finished {
            outcome: result, ..
        } => result.map_err(|obstacle| ServiceRolesError::from(obstacle).into()),
        Ended::Stopped { stop, .. } => Err(stop.into()),
        Ended::Broken { illegal, .. } => Err(Error::bug(illegal)),
    }
}

/// Sees to it that both roles are there and fit.
async fn ensure(
    context: &Context<App>,
    args: &DmsServiceRolesArgs,
    account: Option<String>,
) -> Result<Settled<DmsServiceRolesState>, Error> {
    let world = &context.app().world;
    let roles = Ensuring(world.service_roles.as_ref());
    let machine = Ensure::new(wish(context, args, account));
    let ended = run(
        machine,
        &roles,
        world.clock.as_ref(),
        context.scope().stopped(),
        |_, why| status(context, why),
    )
    .await;
    match ended {
        Ended::Finished { outcome: ended, .. } => match ended.obstacle {
            None => {
                let state = DmsServiceRolesState::of_journal(&ended.journal, &owner(context))
                    .ok_or_else(incomplete)?;
                report(context, &state);
                Ok(Settled::Complete(state))
            }
            Some(obstacle) => {
                unfinished(context, &ended.journal, ServiceRolesError::from(obstacle))
            }
        },
        Ended::Stopped { machine, stop } => {
            let journal = machine.into_journal();
            if journal.changed {
                unfinished(
                    context,
                    &journal,
                    ServiceRolesError::Stopped(stop.to_string()),
                )
            } else {
                Err(stop.into())
            }
        }
        Ended::Broken { illegal, .. } => Err(Error::bug(illegal)),
    }
}

fn status(context: &Context<App>, why: &Why) {
    context.log().status(why.phase, &why.text);
}

/// Says for each role what became of it, as a line that stays.
fn report(context: &Context<App>, state: &DmsServiceRolesState) {
    for role in state.roles() {
        let what = if role.status == super::ServiceRoleStatus::Created {
            "was made here"
        } else {
            "is adopted"
        };
        context.log().info(format!(
            "`{}` in account `{}` {what}",
            role.name, state.account_id
        ));
    }
}

/// An end before the roles are fit: an error where nothing was changed, and else what there is, with the reason.
fn unfinished(
    context: &Context<App>,
    journal: &Journal,
    error: ServiceRolesError,
) -> Result<Settled<DmsServiceRolesState>, Error> {
    match DmsServiceRolesState::of_journal(journal, &owner(context)) {
        Some(state) if journal.changed => Ok(Settled::Unfinished {
            state,
            reasons: vec![error.into_reason()],
        }),
        _ => Err(error.into()),
    }
}

/// Says what the plan would do, and what is certain of the outputs.
fn foresee(context: &Context<App>, surveyed: &Surveyed, wish: &Wish) -> Result<Preview, Error> {
    let intents = match plan(surveyed, wish) {
        Ok(intents) => intents,
        Err(obstacle @ Obstacle::OtherAccount { .. }) => {
            return Err(ServiceRolesError::from(obstacle).into());
        }
        Err(obstacle) => {
            // The program may be about to mend it with a resource of another provider.
            context
                .log()
                .warn(ServiceRolesError::from(obstacle).into_reason());
            return Ok(Preview::unknown());
        }
    };
    let account = &surveyed.account;
    let role = |role: Role| match (intents.get(&role), surveyed.roles.get(&role)) {
        (Some(Intent::Keep(_)), Some(found)) => {
            Output::known(ServiceRole::new(role, found, account, &wish.owner))
        }
        (Some(Intent::Attach(_)), _) => {
            context.log().info(format!(
                "`{role}` will get its policy `{}`",
                role.policy_name()
            ));
            Output::unknown()
        }
        _ => {
            context.log().info(format!(
                "`{role}` does not exist in account `{}` and will be made",
                account.id
            ));
            Output::unknown()
        }
    };
    Ok(Preview::known(&Foreseen {
        account_id: account.id.clone(),
        vpc_role: role(Role::Vpc),
        cloudwatch_logs_role: role(Role::CloudwatchLogs),
    }))
}
