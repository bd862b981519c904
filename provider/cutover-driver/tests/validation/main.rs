//! Validations over simulated databases, on a paused clock.

mod drills;
mod final_check;
mod given;
mod passes;
mod sweep;
mod whole;
