//! `WeightedShift`: live traffic moved step by step, and back.

mod args;
mod conduct;
mod delete;
mod diff;
mod error;
mod identity;
mod look;
mod narrate;
mod payment_gates;
mod preview;
mod resource;
mod state;
mod wish;

pub use args::*;
pub(crate) use identity::run_id;
pub use payment_gates::{PaymentGates, PaymentGatesArgs, PaymentGatesResult, PaymentMetrics};
pub use resource::WeightedShift;
pub use state::{
    PlannedStep, ShiftHistoryEntry, ShiftPhase, ShiftRollbackReport, ShiftVerdict, ShiftWeights,
    WeightedShiftState,
};
