//! Moves rows between real servers, as replication tasks of DMS would, for rehearsals and tests.
//!
//! The rules of DMS itself (states, names, what it refuses) are those of `cutover-sim`; this is what moves rows for it, by
//! the engines' own means: logical replication between two PostgreSQL servers, the binary log between two of MariaDB.
//!
//! How it differs from DMS, on purpose:
//! - The tables of the target must be there, and have the names and columns of the source: nothing is mapped or created.
//! - Rows are followed, statements are not: what a trigger or `ALTER TABLE` changes about a table stays where it is. With
//!   PostgreSQL a `TRUNCATE` is followed too.
//! - With PostgreSQL a table without primary key (or another replica identity) is refused, as the source would refuse its
//!   updates once it is published.
//! - Changes are not counted for each table: `inserts`, `updates` and `deletes` stay 0.
//! - A change that cannot be applied ends the job. DMS would note it and go on.
//!
//! Triggers of the target do not fire for what is moved, with one exception: rows that are loaded on MariaDB come by
//! ordinary `INSERT` of the endpoint's user, so a fence must let that user through.
//!
//! A job leaves what it needs in the databases: a publication and a subscription, or with MariaDB a row of its position in
//! the database `cutover_local_dms` of the target. [`remove`](cutover_sim::cloud::Mover::remove) takes it away again. When
//! a [`LocalMover`] is dropped its threads end, and what PostgreSQL does by itself goes on.
//!
//! | File | Subject |
//! |---|---|
//! | `mover.rs` | [`LocalMover`]: the calls, none of which waits |
//! | `job.rs` | the task behind each job: orders in, progress out |
//! | `progress.rs` | how a job is |
//! | `tables.rs` | which tables belong to it, and how they are written in SQL |
//! | `problem.rs` | what went wrong |
//! | `postgres.rs`, `postgres/` | publications and subscriptions |
//! | `mariadb.rs`, `mariadb/` | loading by a snapshot, following the binary log |

mod job;
mod mariadb;
mod mover;
mod postgres;
mod problem;
mod progress;
mod tables;

pub use mover::LocalMover;
