//! Validations over two small databases in memory.

mod stories;
mod sweep;
mod world;
