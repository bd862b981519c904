//! `Replication`, `WriterSwitch`, `Finalization` and `MigrationCutover` as the engine sees them, over simulated databases
//! whose rows DMS moves.

mod component;
mod finalization;
mod given;
mod replication;
mod switch;
