//! Validations under the real engine: a program in TypeScript, the plugin and the SDK as users install them, and real
//! databases.
//!
//! The user that reads has the rights that `docs/data-validation.md` lists, and no others. What is claimed is read from
//! the stack's state, and from what the CLI has printed.

mod pair;

mod asked;
mod differs;
mod engines;
mod example;
mod interrupted;
mod matches;
mod refused;
