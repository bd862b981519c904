//! A simulated clock and a simulated AWS with faults on script, for tests.
//!
//! [`SimClock`] jumps to the moment that is waited for. [`SimIam`] holds roles in plain maps, shows changes only after
//! a while as IAM does, and does what a script says on chosen calls. [`walk`] runs a machine without a runtime and
//! ends when nothing settles. The same IAM stands behind the port of the driver as [`SimServiceRoles`].
//!
//! [`Cloud`] is everything else of AWS that a shift of traffic touches, as strict as AWS is: what its operations refuse,
//! what its name servers answer, and the traffic that follows from that. [`SimTraffic`] puts it behind the ports of the
//! driver, on [`SimClock`] for one run, or on [`PausedClock`] for many beside each other.
//!
//! [`bank`] is two databases, of which one follows the other, while somebody writes and a script of faults goes on.
//! [`SimDatabases`] is how they are reached, and [`SimSecrets`] are the secrets of Secrets Manager.
//!
//! [`writers`] is two databases whose writer changes, and an application that pays.
//!
//! [`shop`] is a payment system in that cloud, and the program that moves it.
//!
//! Nothing here reads the real clock, so that every run is the same.

pub mod bank;
mod clock;
pub mod cloud;
mod iam;
mod reach;
mod secrets;
pub mod shop;
pub mod writers;

pub use clock::{Endless, SimClock, walk};
pub use cloud::{Cloud, CloudConfig, CloudFault, PausedClock, SimTraffic};
pub use iam::{Call, Fault, Happening, SimIam, SimServiceRoles, Traced};
pub use reach::SimDatabases;
pub use secrets::SimSecrets;
pub use writers::SimWriters;
