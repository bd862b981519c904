//! `Finalization`: the end of a migration, once nobody wants to go back any more.

mod args;
mod conduct;
mod diff;
mod error;
mod look;
mod resource;
mod state;
mod wish;

pub use args::FinalizationArgs;
pub use resource::Finalization;
pub use state::{FinalizationPhase, FinalizationState};
