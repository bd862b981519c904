//! Refreshing: looks at the clock alone.

use pulumi_host::{Context, Found, Prior, Settled};

use super::args::FinalizationArgs;
use super::state::{FinalizationPhase, FinalizationState};
use super::wish::ask;
use crate::provider::App;

/// Says whether it is time. What was carried out is a fact about the past, and is not looked at again.
pub(super) fn read(
    context: &Context<App>,
    id: &str,
    prior: Option<Prior<FinalizationArgs, FinalizationState>>,
) -> Option<Found<FinalizationArgs, FinalizationState>> {
    prior.map(|Prior { args, state }| {
        let now = context.app().world.clock.now();
        let is_due = ask(&args).due_at.is_some_and(|due_at| due_at <= now);
        let state = FinalizationState {
            phase: match state.phase {
                FinalizationPhase::Waiting if is_due => FinalizationPhase::Due,
                phase => phase,
            },
            ..state
        };
        Found {
            id: id.to_owned(),
            args,
            settled: Settled::Complete(state),
        }
    })
}
