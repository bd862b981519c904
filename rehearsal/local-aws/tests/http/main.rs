//! The real clients of AWS, and our own adapters, against the endpoints over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "Clippy knows tests by their attribute, and not what they share"
)]

mod adapters;
mod binary;
mod cloudwatch;
mod elb;
mod faults;
mod migration;
mod others;
mod raw;
mod replications;
mod route53;
mod world;
