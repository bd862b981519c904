//! Adapters between the decisions of `cutover-core` and the AWS SDK.
//!
//! An adapter turns each command into one call and each answer into one fact. It classifies what went wrong and does
//! nothing about it: when to try again is decided elsewhere, so the SDK's own retries are few.
//!
//! [`Settings`] say how to reach AWS. Nothing is looked up and nobody is called before the first command: not the
//! region, not the credentials, not the certificates of the system.
//!
//! TLS is rustls on ring, with the certificates that the system trusts.
//!
//! # Where things are
//!
//! | Module | Subject |
//! | --- | --- |
//! | `settings`, `sdk`, `trust` | how AWS is reached |
//! | `skew` | what time it is for the services, and the clock that tells it |
//! | `failure` | what can be concluded from a failed call |
//! | `credentials` | how long the credentials last |
//! | `hosted_zones`, `name_servers` | Route 53: record sets, changes, health checks; and what its servers answer |
//! | `listener_rules` | Elastic Load Balancing: rules, their tags, targets |
//! | `metrics`, `series` | CloudWatch: metrics, alarms, publishing |
//! | `parameters`, `secrets`, `topics` | Systems Manager, Secrets Manager and SNS |
//! | `dms`, `tasks`, `replications` | DMS: what its adapters share; how far tasks are behind; tasks driven |
//! | `service_roles` | the roles of DMS in IAM |

mod credentials;
mod dms;
mod failure;
mod hosted_zones;
mod listener_rules;
mod locks;
mod metrics;
mod name_servers;
mod parameters;
mod replications;
mod sdk;
mod secrets;
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
pub use locks::AwsLocks;
pub use metrics::AwsMetrics;
pub use name_servers::DnsNameServers;
pub use parameters::AwsParameters;
pub use replications::AwsReplications;
pub use sdk::Sdk;
pub use secrets::AwsSecrets;
pub use service_roles::AwsServiceRoles;
pub use settings::{AssumeRole, Endpoints, Keys, Settings};
pub use skew::ServiceClock;
pub use tasks::AwsReplicationTasks;
pub use topics::AwsTopics;
pub use traffic::traffic;
