//! The decisions about the service roles, against a simulated IAM.

mod given;
mod properties;
mod stories;
mod sweep;
