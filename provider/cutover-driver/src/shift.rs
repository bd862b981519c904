//! How a shift of traffic is performed and conducted.
//!
//! [`Shifting`] performs its commands over the ports, [`Budgeted`] keeps the requests to Route 53 within what an account
//! may make, [`Herald`] tells people, and [`conduct`] runs it all.

mod budgeted;
mod conduct;
mod herald;
mod perform;

pub use budgeted::{Allowance, Budgeted};
pub use conduct::{Conducted, Tell, conduct};
pub use herald::{Herald, Notify, Undelivered};
pub use perform::{Guard, Shifting};

#[cfg(test)]
pub(crate) mod given;
