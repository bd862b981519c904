//! Commands against the simulated cloud, in this process.

mod bench;
mod control;
mod drill;
mod look;
mod rollback;
mod validate;
