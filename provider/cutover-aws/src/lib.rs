//! Adapters between the decisions of `cutover-core` and the AWS SDK.
//!
//! An adapter turns each command into one call and each answer into one fact. It classifies what went wrong and does
//! nothing about it: when to try again is decided elsewhere, so the SDK's own retries are few.
//!
//! [`Settings`] say how to reach AWS. Nothing is looked up and nobody is called before the first command: not the
//! region, not the credentials, not the certificates of the system.
//!
//! TLS is rustls on ring, with the certificates that the system trusts.

mod credentials;
mod failure;
mod hosted_zones;
mod listener_rules;
mod metrics;
mod name_servers;
mod parameters;
#[cfg(test)]
mod script;
mod sdk;
mod series;
mod service_roles;
mod settings;
mod skew;
mod tasks;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod topics;
mod traffic;
mod trust;

pub use credentials::AwsCredentials;
pub use hosted_zones::AwsHostedZones;
pub use listener_rules::AwsListenerRules;
pub use metrics::AwsMetrics;
pub use name_servers::DnsNameServers;
pub use parameters::AwsParameters;
pub use sdk::Sdk;
pub use service_roles::AwsServiceRoles;
pub use settings::{AssumeRole, Endpoints, Keys, Settings};
pub use tasks::AwsReplicationTasks;
pub use topics::AwsTopics;
pub use traffic::traffic;
