//! A payment system on two real databases, for rehearsals and tests: whoever pays is told whether the payment was taken, and
//! at the end every payment that was taken must be in the surviving database exactly once.
//!
//! | File | Subject |
//! |---|---|
//! | `tables.rs` | [`furnish`] and [`fill`]: the database, its four tables, its users |
//! | `cashier.rs` | [`Cashier`]: somebody who takes payments all the while, where the setting says or where he always did |
//! | `till.rs` | one payment as one transaction, on either engine |
//! | `ledger.rs` | [`Ledger`]: what was acknowledged, and what became of it |

mod cashier;
mod ledger;
mod tables;
mod till;

pub use cashier::{Cashier, Setting};
pub use ledger::{Ledger, Reckoning, Taken};
pub use tables::{APPLIER, DATABASE, PASSWORD, SERVICE, fill, furnish, schema, table_names};
