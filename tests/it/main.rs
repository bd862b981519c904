//! Tests that cross the borders of the crates.

mod cli;
