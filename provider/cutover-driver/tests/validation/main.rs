//! Validations over simulated databases, on a paused clock.

mod drills;
mod given;
mod passes;
mod sweep;
mod whole;
