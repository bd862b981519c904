//! Every decision that cutover makes, as plain functions of facts and time.
//!
//! A long operation is a [`Machine`]: asked what is next, it names a command, a moment to wait for, or the outcome;
//! told what came of it, it goes on. Something else performs the commands. So hours of a migration run in
//! milliseconds in a test, and every fault can be put on any command.
//!
//! # Where things are
//!
//! | Module | Subject |
//! | --- | --- |
//! | `machine` | the contract between a decision and what carries it out |
//! | `time` | moments, and nothing that reads a clock |
//! | `failure` | why a call came to nothing, in the classes that decisions tell apart |
//! | `backoff` | how long to wait before trying again, and when to give up |
//! | [`weights`] | shares of traffic, and the weights that bring them about |
//! | [`service_roles`] | the two account-wide roles of AWS DMS |
//! | [`shift`] | traffic moved step by step, and back |
//! | [`validation`] | two live databases, proven equal or different |
//! | [`replication`] | one direction of replication, loaded and caught up |
//! | [`writer_switch`] | the one moment at which the writer changes, and the way back |
//! | [`teardown`] | the end of a migration: what was there for the way back is stopped and removed |
//!
//! Invariants: no input or output, no async, no clock, no randomness, no environment, no order that differs between
//! runs. Arithmetic is checked or saturating, and the choice is deliberate.

#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod backoff;
mod failure;
mod machine;
pub mod replication;
pub mod service_roles;
pub mod shift;
pub mod teardown;
mod time;
pub mod validation;
pub mod weights;
pub mod writer_switch;

pub use backoff::Backoff;
pub use failure::{Failure, FailureClass};
pub use machine::{IllegalFact, Machine, Next, Why};
pub use time::Timestamp;
