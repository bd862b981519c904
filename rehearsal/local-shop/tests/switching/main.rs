//! Whole moves of the writer between two real servers under a steady load of payments, there and back: what was acknowledged
//! must be in the surviving database exactly once, and never may both take payments at the same time.
//!
//! | File | Subject |
//! |---|---|
//! | `ground.rs` | two servers, the shop, replication, and what a move needs |
//! | `meddling.rs` | somebody who meddles with any command of a move |
//! | `hasty.rs` | a clock that does not wait for DMS |
//! | `moves.rs`, `pauses.rs` | there and back, and how long nobody can write |
//! | `deaths.rs`, `stops.rs` | a run that is killed or told to end at every command |
//! | `trouble.rs` | replication that stands still |
//! | `transactions.rs` | transactions that are open when the fence is to be closed |
//! | `runners.rs` | two runners at once, and one that has lost its sessions |
//! | `soak.rs` | a way back that is gone when it is needed |

mod deaths;
mod ground;
mod hasty;
mod meddling;
mod moves;
mod pauses;
mod runners;
mod soak;
mod stops;
mod transactions;
mod trouble;
