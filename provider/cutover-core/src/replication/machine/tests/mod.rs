//! Replications over a small DMS in memory.

mod lag;
mod stories;
mod sweep;
mod world;

pub(in super::super) use world::a_spec;
