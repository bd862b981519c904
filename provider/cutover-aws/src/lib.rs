//! Adapters between the decisions of `cutover-core` and the AWS SDK.
//!
//! An adapter turns each command into one call and each answer into one fact. It classifies what went wrong and does
//! nothing about it: when to try again is decided elsewhere, so the SDK's own retries are few.
//!
//! [`Settings`] say how to reach AWS. Nothing is looked up and nobody is called before the first command: not the
//! region, not the credentials, not the certificates of the system.
//!
//! TLS is rustls on ring, with the certificates that the system trusts.

mod failure;
mod sdk;
mod service_roles;
mod settings;
#[cfg(test)]
mod tests;
mod trust;

pub use sdk::Sdk;
pub use service_roles::AwsServiceRoles;
pub use settings::{AssumeRole, Endpoints, Keys, Settings};
