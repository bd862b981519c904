//! The framework against the contract with the engine (`docs/contract.md`), call by call: the specimen provider beside a
//! stand-in for the engine, in this process or as a plugin of its own.

mod asking;
mod check;
mod config;
mod construct;
mod diff;
mod document;
mod given;
mod interruption;
mod life;
mod log;
mod process;
mod wire;
