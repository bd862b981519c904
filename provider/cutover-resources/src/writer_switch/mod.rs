//! `WriterSwitch`: the one moment at which the writer changes, and the way back.

mod after;
mod args;
mod conduct;
mod delete;
mod diff;
mod error;
mod look;
mod narrate;
mod resource;
mod state;
mod wish;

pub use args::*;
pub use resource::WriterSwitch;
pub use state::{SwitchClient, SwitchPhase, WritePolicy, WriterNow, WriterSwitchState};
