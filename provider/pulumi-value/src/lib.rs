//! Typed Pulumi values and everything that is known about them without talking to anyone.
//!
//! A Pulumi program passes *property values* around: JSON-like data in which any part may be not yet known
//! (during a preview), secret, an output with dependencies, a reference to a resource, an asset or an archive.
//! This crate holds
//!
//! - [`Value`] and [`PropertyMap`], the one representation used from the first byte off the wire to the last one on it;
//! - [`wire`], the codec between [`Value`] and `google.protobuf.Struct`;
//! - [`PropertyPath`] and [`Urn`], the two kinds of address that appear in messages for people;
//! - [`from_value`] and [`to_value`], the bridge to Rust structs through serde, with [`Output`] and [`Secret`] for
//!   fields that may be unknown or must stay secret;
//! - [`schema`], which reads the shape of a Rust type with its doc comments once and uses it three times: for the
//!   Pulumi package schema, for validating what a program passed in, and for comparing old with new.
//!
//! Invariants: decoding never panics whatever it is given; encoding then decoding gives back an equal value;
//! `Debug` never prints what a secret holds. There is no async, no gRPC service and no knowledge of any cloud here.

mod asset;
mod de;
mod output;
mod passage;
mod path;
pub mod schema;
mod ser;
mod urn;
mod value;
pub mod wire;

pub use asset::{Archive, ArchiveContent, Asset, AssetContent, AssetOrArchive};
pub use de::{DecodeError, from_map, from_value};
pub use output::{Output, Secret};
pub use path::{PathSegment, PropertyPath, PropertyPathError};
pub use ser::{EncodeError, to_map, to_value};
pub use urn::{Urn, UrnError};
pub use value::{Annotated, PropertyMap, ResourceId, ResourceReference, Value};
