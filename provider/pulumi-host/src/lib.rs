//! A framework for Pulumi providers.
//!
//! An author writes Rust types for what a resource takes and what it becomes, implements [`CustomResource`],
//! [`Component`], [`Function`] or [`Method`], registers them with a [`Provider`] and hands that to [`serve`]. The
//! framework does everything else that the Pulumi engine expects of a plugin:
//!
//! - the handshake, attaching to a running process, schema, configuration from stack and environment;
//! - the check of inputs against the Rust types, with every problem at once and a path for each; defaults, generated
//!   names, secrets that stay secret at the depth at which the program put them;
//! - differences, previews in which what is not known stays unknown, state that echoes the inputs;
//! - one mechanism that stops a call, for cancellation and time limits alike ([`Scope`]);
//! - partial state on every exit that leaves something behind ([`Settled::Unfinished`]);
//! - messages to the engine in two voices ([`Log`]), with a sign of life on long calls;
//! - components with children of any package ([`Construction`]);
//! - panics turned into reports of a bug that fail one call and nothing else; an end when the engine has gone.
//!
//! It knows the Pulumi protocol and nothing of what a provider is for.
//!
//! # Where things are
//!
//! | Module | Subject |
//! | --- | --- |
//! | `provider` | registration; what the package offers |
//! | `resource`, `registered` | the trait of custom resources; the code that turns requests into calls of it |
//! | `component`, `function`, `config` | the other traits that authors implement, each with the code that calls it |
//! | `inputs` | reading what the program passed in, and finding what is wrong with it |
//! | `construct` | the client through which a component registers itself and its children |
//! | `scope` | cancellation and time limits |
//! | `claims` | one change of a resource at a time |
//! | `secrecy` | the secrets of a call, kept out of outputs, messages and reasons |
//! | `log`, `cadence` | the bridge to the engine's log, and when to speak |
//! | `error`, `bug` | what can go wrong, and how it is put on the wire |
//! | `service` | the gRPC methods, one short function each |
//! | `process` | the plugin as a process: port line, signals, orphans |

#[doc = include_str!("../README.md")]
mod guide {}

mod bug;
mod cadence;
mod claims;
mod component;
mod config;
mod construct;
mod context;
mod diff;
mod engine;
mod error;
mod function;
mod inputs;
mod log;
mod naming;
mod process;
mod provider;
mod registered;
mod resource;
mod scope;
mod secrecy;
mod service;

pub use component::Component;
pub use config::ProviderConfig;
pub use construct::{Child, ChildBuilder, Construction, Timeouts};
pub use context::Context;
pub use diff::{Diff, Versions};
pub use engine::EngineFeatures;
pub use error::{Error, ErrorKind, Guidance};
pub use function::{Function, Method, MethodCall};
pub use log::Log;
pub use process::{Launch, serve};
pub use provider::{Builder, Provider};
pub use pulumi_value::schema::Problem;
pub use resource::{Created, CustomResource, Found, Preview, Prior, ReadResult, Settled};
pub use scope::{Scope, Stop};
pub use service::Service;

/// The largest message that is sent or accepted, in bytes: what the engine itself allows (Pulumi v3.245,
/// `sdk/go/common/util/rpcutil`).
pub const MESSAGE_BYTES_MAX: usize = 400 * 1024 * 1024;
