//! `MigrationCutover`: replication, validation, the switch of the writer and the shift of traffic, as one declared goal.

mod args;
mod children;
mod component;
mod outputs;
mod turned;

pub use args::{
    MigrationCutoverArgs, MigrationFinalize, MigrationGoal, MigrationReplication, MigrationSwitch,
    MigrationValidation, WriterPlacement,
};
pub use component::MigrationCutover;
pub use outputs::MigrationCutoverOutputs;
