//! Moves the writer: performs what the machine of `cutover_core::writer_switch` asks for, and brings it to a safe end when it
//! is told to stop.

mod check;
mod conduct;
#[cfg(test)]
pub(crate) mod fakes;
mod perform;
#[cfg(test)]
mod tests;

pub use check::FinalCheck;
pub use conduct::{Moved, SwitchTell, switch_writer};
pub use perform::{BackTask, Switching};
