//! `WeightedShift` as the engine sees it, over a simulated cloud in which traffic runs.
//!
//! Hours pass in milliseconds: the runtime's clock is paused, and jumps whenever everybody waits.

mod given;
mod inputs;
mod life;
mod outside;
mod preview;
mod telling;
mod trouble;
