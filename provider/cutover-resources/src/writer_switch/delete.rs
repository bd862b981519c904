//! Deleting: removes what is ours while nothing has happened, and refuses to lose sight of the writer after that.

use cutover_core::validation::side::{Both, Side};
use cutover_core::writer_switch::control::Control;
use pulumi_host::{Context, Error, Prior};

use super::args::{OnSwitchDelete, WriterSwitchArgs};
use super::error::SwitchError;
use super::look::{Look, look};
use super::state::{WriterSwitchState, truth};
use super::wish::given;
use crate::migration::{Opened, leave, open, run_name};
use crate::provider::App;

/// Removes a switch from the stack.
pub(super) async fn delete(
    context: &Context<App>,
    prior: Option<Prior<WriterSwitchArgs, WriterSwitchState>>,
) -> Result<(), Error> {
    let Some(Prior { args, .. }) = prior else {
        // Without its inputs nothing can be reached; what is there stays, and closes what it closes.
        return Ok(());
    };
    if args.on_delete == OnSwitchDelete::Keep {
        context.log().warn("the switch is forgotten, as `onDelete` says; fences and control schemas stay as they are");
        return Ok(());
    }
    let app = context.app();
    let name = run_name(app.world.clock.now());
    let opened = open(app, given(&args), &name).await?;
    let removed = remove(context, &args, &opened).await;
    leave(&opened.writers).await;
    Ok(removed?)
}

async fn remove(
    context: &Context<App>,
    args: &WriterSwitchArgs,
    opened: &Opened,
) -> Result<(), SwitchError> {
    let writers = &opened.writers;
    let failed = |(side, failure)| SwitchError::database(side, failure);
    for side in Side::BOTH {
        let locked = writers.get(side).lock().await;
        if let Err(by) = locked.map_err(|failure| failed((side, failure)))? {
            return Err(SwitchError::NotHolder { side, by });
        }
    }
    match what_next(&look(writers).await.map_err(failed)?, &args.migration) {
        Removal::Refused(writer) => Err(SwitchError::Deleted(writer)),
        Removal::Stays(why) => {
            context.log().info(why);
            Ok(())
        }
        Removal::Removes(sides) => {
            for side in sides {
                let removed = writers.get(side).remove().await;
                removed.map_err(|failure| failed((side, failure)))?;
            }
            context
                .log()
                .info("nothing of cutover is left in either database, and both take writes");
            Ok(())
        }
    }
}

/// What deleting does.
#[derive(Debug, PartialEq, Eq)]
enum Removal {
    Refused(Side),
    Stays(&'static str),
    Removes(Vec<Side>),
}

fn what_next(look: &Look, migration: &str) -> Removal {
    let Some((writer, epoch)) = truth(&look.seen) else {
        return Removal::Stays("nothing of cutover is in either database");
    };
    let is_ours = |control: &Control| {
        let state = control.state.as_ref();
        state.is_none_or(|state| state.migration == migration)
    };
    let Both { source, target } = &look.seen;
    if !(is_ours(source) && is_ours(target)) {
        return Removal::Stays("what is there belongs to another migration, and stays");
    }
    if look.is_final {
        return Removal::Stays("the migration is finalized; the former writer stays closed");
    }
    if epoch == 0 {
        // The source first: should that fail, the target is still closed.
        return Removal::Removes(Side::BOTH.to_vec());
    }
    if target.state.is_none() {
        return Removal::Stays(
            "the target has no control schema any more; the source stays closed",
        );
    }
    Removal::Refused(writer)
}
