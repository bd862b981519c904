//! Migrations under the real engine: a program in TypeScript, the plugin and the SDK as users install them, two real servers
//! of PostgreSQL with a shop on them, and AWS on loopback, whose tasks of DMS move rows.
//!
//! What is claimed is read from both databases, from the ledger of those who pay all the while, from the stack's state, and
//! from what the CLI has printed.

mod world;

mod blocked;
mod killed;
mod moved;
mod refused;
mod removed;
