//! Whole shifts against a small world of its own, hours in milliseconds.

mod ownership;
mod properties;
mod rollback;
mod stories;
mod sweep;
mod wishes;
mod world;
