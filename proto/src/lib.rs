//! The part of Pulumi's wire protocol that a resource provider speaks.
//!
//! # Purpose
//!
//! The engine of Pulumi and its plugins talk gRPC. This crate holds our own definitions of the
//! messages and services that we use of it, in `pulumi/*.proto`, and what `build.rs` makes of them:
//! message types, clients and server traits. The README tells which version they follow.
//!
//! | Service | Served by | Client | Server |
//! | --- | --- | --- | --- |
//! | `ResourceProvider` | the provider | [`resource_provider_client`] | [`resource_provider_server`] |
//! | `ResourceMonitor` | the engine | [`resource_monitor_client`] | [`resource_monitor_server`] |
//! | `Engine` | the engine | [`engine_client`] | [`engine_server`] |
//! | `ResourceStatus` | the engine | [`resource_status_client`] | [`resource_status_server`] |
//! | `Health` | the engine | [`health::health_client`] | [`health::health_server`] |
//!
//! A provider uses one server and the clients of the others; test doubles of the engine use the
//! rest. Types of the package `pulumirpc` are at the root of the crate, [`google::rpc::Status`],
//! which carries the details of errors, keeps its own path.
//!
//! # Place in the house
//!
//! The lowest layer: it depends on nothing of ours. Property bags stay
//! [`prost_types::Struct`] here; their meaning (secrets, unknowns, assets, references) belongs to
//! the crate of values above.
//!
//! # Invariants
//!
//! - Every name, number and type agrees with the official protocol. `tests/wire_compat.rs` holds
//!   this, and lists what the official protocol has beyond it.
//! - Maps are ordered, so that equal messages have equal bytes.
//! - Each message knows its full name ([`prost::Name`]), and
//!   [`prost_types::Any::from_msg`] gives the type URL that Go readers expect.
//! - There is no hand-written logic, and no compression or TLS: all connections are on the
//!   loopback interface.
//!
//! Beware of a glob import: the protocol has an enum named [`Result`](enum@Result).

/// What Google's own packages add to the protocol.
pub mod google {
    /// The package `google.rpc`.
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

/// The package `pulumirpc`.
///
/// `missing_docs` stays on: it proves that each message and field has a comment.
#[expect(
    clippy::allow_attributes_without_reason,
    clippy::default_trait_access,
    clippy::doc_markdown,
    clippy::missing_errors_doc,
    clippy::struct_excessive_bools,
    clippy::too_many_lines,
    reason = "the protocol has messages with many flags; the rest is how the generators write"
)]
mod pulumirpc {
    tonic::include_proto!("pulumirpc");
}

pub use pulumirpc::*;

/// The package `grpc.health.v1`, by which the engine shows that it is alive.
pub use tonic_health::pb as health;

/// The definitions that this crate was made from, with everything they import, as an encoded
/// `google.protobuf.FileDescriptorSet` without comments.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
