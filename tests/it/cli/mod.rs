//! The framework under the real Pulumi engine: programs as users write them, the stack's state in a folder.
//!
//! What one of these tests claims has been seen at the place where users see it: in the terminal, in the stack's
//! state, in the engine's events. They need the tools of `make setup` and the plugins of `make build`.

mod account;
mod pulumi;

mod delivery;
mod failures;
mod interruption;
mod lifecycle;
mod migrating;
mod options;
mod product;
mod providers;
mod secrets;
mod shifting;
mod validating;
