//! PostgreSQL.
//!
//! | Module | Subject |
//! | --- | --- |
//! | `session` | how it is spoken to |
//! | `look`, `catalog` | what kind of server it is, and what it holds |
//! | `database` | the port, method by method |
//! | `reading`, `snapshots` | a connection that reads, now or at a moment that several share |
//! | `layout`, `part` | how a table is kept, and pieces of it |
//! | `tally` | rows added up by buckets, and their prints |
//! | `rows` | rows read again by their keys, and rows that changed |
//! | `sums`, `seek` | sums, rows that are wrong, and values of queries |
//! | `position` | how busy a server is, how far its log is, and what was applied of another's |
//! | `calibrate` | fixed values, to see whether two servers hash alike |
//! | `control` | who writes: the fence, the row, the journal, markers, the place in the log |
//! | `sql` | statements as text |
//! | `copy`, `wire` | rows and values as they arrive |
//! | `quote` | names and text within statements |

mod calibrate;
mod catalog;
pub(crate) mod control;
mod copy;
mod database;
mod layout;
mod look;
mod part;
mod position;
mod quote;
mod reading;
mod rows;
mod seek;
mod session;
mod snapshots;
mod sql;
mod sums;
mod tally;
#[cfg(test)]
mod tests;
mod wire;

pub use session::Postgres;
