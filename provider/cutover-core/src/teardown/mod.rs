//! The end of a migration: what was only there for the way back is stopped and removed, in an order in which nothing is
//! missed while something else still needs it.
//!
//! | File | Subject |
//! |---|---|
//! | `spec.rs` | what is wished, and the chores that it comes to, in their order |
//! | `facts.rs` | commands and facts |
//! | `machine.rs` | what is next |

pub mod facts;
pub mod machine;
pub mod spec;
