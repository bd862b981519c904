//! One direction of replication by DMS: endpoints tested, loaded, caught up, and held there.
//!
//! | File | Subject |
//! |---|---|
//! | `task.rs` | what DMS says about a task |
//! | `spec.rs` | what is wished; `check.rs` refuses what cannot be kept |
//! | `facts.rs` | commands and facts |
//! | `fences.rs` | whether rows may flow to the target, and where the control schema is missing |
//! | `machine/` | what is next |
//! | `advice.rs` | what a status, a stop reason or a state of a table means, and what to do about it |
//! | `events.rs` | what is told on the way |
//! | `plan.rs` | the steps as a preview shows them |
//! | `mappings.rs`, `settings.rs` | what a task that we make replicates, and how it behaves |

pub mod advice;
pub mod check;
pub mod events;
pub mod facts;
pub mod fences;
pub mod machine;
pub mod mappings;
pub mod plan;
pub mod settings;
pub mod spec;
pub mod task;
