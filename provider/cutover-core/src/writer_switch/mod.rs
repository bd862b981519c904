//! The one moment at which the writer changes, and the way back, which is the same the other way round.
//!
//! At every instant at most one of the two databases takes writes of applications. Each carries a *fence*, triggers that
//! refuse them and let replication through, and a row that says who the writer is. A move of the writer fences the side
//! that writes, waits until everything is on the other, proves it, notes where the other side's log stands, and opens the
//! other side in one transaction: the commit point. Before it every failure goes back, after it every failure goes forward.
//!
//! | File | Subject |
//! |---|---|
//! | `control.rs` | what both databases say about who writes |
//! | `spec.rs` | what is wished; `check.rs` refuses what cannot be kept |
//! | `plan.rs` | the steps in their order; `render.rs` tells them to people |
//! | `facts.rs` | commands and facts |
//! | `machine/` | what is next |
//! | `identities.rs` | from where the new writer counts on |
//! | `events.rs` | what is told on the way |

pub mod check;
pub mod control;
pub mod events;
pub mod facts;
pub mod identities;
pub mod machine;
pub mod plan;
pub mod render;
pub mod spec;
