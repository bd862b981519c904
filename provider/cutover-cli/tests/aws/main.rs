//! The real binary against the endpoints of AWS over HTTP, and a name server over UDP.

#![expect(
    clippy::unwrap_used,
    reason = "Clippy knows tests by their attribute, and not what they share"
)]

mod access;
mod control;
mod drill;
mod gates;
mod live;
mod look;
mod name_server;
mod rollback;
mod world;
