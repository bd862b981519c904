//! Stands in for the Pulumi engine in tests of a provider.
//!
//! | Type | What it is |
//! | --- | --- |
//! | [`FakeEngine`] | the engine's own services on a port of their own: it records what a provider says and registers, and answers as told |
//! | [`Client`], [`Subject`] | the calls that an engine makes, in property maps instead of messages |
//! | [`Failure`] | a failed call with its details read |
//! | [`Harness`] | a provider served in this process, beside an engine |
//! | [`Plugin`] | a provider as a process of its own, which never outlives the test |
//! | [`Lifecycle`] | one resource from its check to its end, held against the rules that hold for every resource |
//!
//! Test code: a surprise panics with what was expected. Nothing sleeps; waiting is for a condition, with a deadline
//! ([`until`]).

mod client;
mod construct;
mod engine;
mod failure;
mod harness;
mod lifecycle;
mod plugin;
mod subject;
mod wait;

pub use client::{Checked, Client};
pub use construct::{Called, ConstructCall, Constructed, Invoked};
pub use engine::{FakeEngine, Invocation, LogLine, Outputs, Registration, Reply};
pub use failure::{Failure, InitFailed};
pub use harness::Harness;
pub use lifecycle::Lifecycle;
pub use plugin::{Plugin, PluginCommand};
pub use pulumi_proto as proto;
pub use subject::{Difference, Stored, Subject};
pub use wait::{Gate, PATIENCE, until};

use pulumi_value::{PropertyMap, Urn, Value};

/// The stack that all tests are about.
pub const STACK: &str = "dev";

/// The project that all tests are about.
pub const PROJECT: &str = "shop";

/// Writes a property map down.
pub fn map<const N: usize>(properties: [(&str, Value); N]) -> PropertyMap {
    properties
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Returns the URN of a resource without a parent.
pub fn urn(token: &str, name: &str) -> Urn {
    let text = format!("urn:pulumi:{STACK}::{PROJECT}::{token}::{name}");
    Urn::parse(&text).expect("put together from its parts")
}
