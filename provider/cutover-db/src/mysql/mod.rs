//! MySQL and MariaDB.
//!
//! | Module | Subject |
//! | --- | --- |
//! | `session` | how they are spoken to |
//! | `cancel` | ending on the server what was dropped here |
//! | `look`, `catalog` | what kind of server it is, and what it holds |
//! | `flavour` | what the two do not share, as far as reading rows is concerned |
//! | `database` | the port, and which file keeps each of its promises |
//! | `layout` | how a table is kept |
//! | `read` | rows of a piece: added up, or as prints |
//! | `digest`, `text` | rows that the server hashes itself, as text |
//! | `again` | rows read again by their keys |
//! | `spans`, `bind` | which rows a piece holds, and the values that statements are given |
//! | `wire`, `push` | values as the server sends them, handed to the printer |
//! | `columns` | one side's part of a plan |
//! | `rules` | sums, rows that are wrong, and values of queries |
//! | `progress` | how busy a server is, how far its log is, and what a replica has had of it |
//! | `quote` | names and text within statements |

mod again;
mod bind;
mod cancel;
mod catalog;
mod columns;
pub(crate) mod control;
mod database;
mod digest;
mod flavour;
mod layout;
mod look;
mod progress;
mod push;
mod quote;
mod read;
mod rules;
mod session;
mod spans;
#[cfg(test)]
mod tests;
mod text;
mod wire;

pub use session::Mysql;
