//! Whole shifts against a small world of its own, hours in milliseconds.

mod adopted;
mod ownership;
mod properties;
mod queue;
mod rollback;
mod stories;
mod sweep;
mod wishes;
mod world;
