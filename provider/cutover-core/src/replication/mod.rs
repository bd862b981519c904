//! One direction of replication by DMS: endpoints tested, loaded, caught up, and held there.
//!
//! | File | Subject |
//! |---|---|
//! | `task.rs` | what DMS says about a task |
//! | `spec.rs` | what is wished; `check.rs` refuses what cannot be kept |
//! | `facts.rs` | commands and facts |
//! | `machine/` | what is next |
//! | `advice.rs` | what a status, a stop reason or a state of a table means, and what to do about it |
//! | `plan.rs` | the steps as a preview shows them |

pub mod facts;
pub mod spec;
pub mod task;
