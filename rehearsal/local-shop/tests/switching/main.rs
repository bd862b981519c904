//! Whole moves of the writer between two real servers under a steady load of payments, there and back: what was acknowledged
//! must be in the surviving database exactly once, and never may both take payments at the same time.

mod deaths;
mod ground;
mod meddling;
mod moves;
mod pauses;
mod trouble;
