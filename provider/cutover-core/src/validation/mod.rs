//! Two live databases, compared until they are proven equal or proven different.
//!
//! One **pass** reads each side of a table once and gives a digest for each of some thousand *buckets* of rows. Only
//! buckets that differ are **drilled** into, down to keys. Both sides are in use and one lags behind the other, so that a
//! key that differs is a *candidate* at first: it is **read again** on both sides, after the target has had everything
//! that the source had, until it is equal, or differs from a source row that stood still.
//!
//! # Where things are
//!
//! | Module | Subject |
//! | --- | --- |
//! | [`side`] | source and target |
//! | [`spec`] | what is wished: tables, checks, limits |
//! | [`check`] | refuses a wish that cannot be kept, with codes and paths |
//! | [`catalog`] | what a database says that it holds, in words common to all engines |
//! | [`differences`] | one catalog against the other |
//! | [`tables`] | catalogs and wish to plans; the key, scope, rules and sums of each table have a file beside it |
//! | [`preset`] | ready sets of checks |
//! | [`quote`] | names and text within statements |
//! | [`forms`] | in which form two columns are compared |
//! | [`plan`] | which columns, key, strategy and buckets a table is compared by |
//! | [`digest`] | prints of rows, and what adds up over a bucket |
//! | [`pace`] | how fast a server is read |
//! | [`facts`] | commands, and what comes of them |
//! | [`settle`] | candidates, until nothing is open |
//! | [`machine`] | the whole, step by step |
//! | [`report`] | what came of it all, and the verdict |
//! | [`render`] | the report as text |
//! | [`strategy`] | which methods a table can be compared by, and which is the quickest |
//! | [`passage`] | waiting until the target has had what the source had |
//! | [`checkpoint`] | what a run that stops leaves for the next one |
//! | [`verdict`] | from what was found to a verdict |
//! | [`shown`] | keys of rows as a report shows them |
//! | [`fingerprint`] | short digests of what we made ourselves |
//! | [`blind_spots`] | what each way of looking cannot see |
//! | [`advice`] | codes of failures, and what to do about them |

pub mod advice;
pub mod blind_spots;
pub mod catalog;
pub mod check;
pub mod checkpoint;
pub mod differences;
pub mod digest;
mod expression;
pub mod facts;
pub mod fingerprint;
pub mod forms;
#[cfg(test)]
mod given_catalogs;
mod key;
pub mod machine;
pub mod pace;
pub mod passage;
pub mod plan;
pub mod preset;
pub mod quote;
pub mod render;
pub mod report;
mod rules;
mod scope;
pub mod settle;
pub mod shown;
pub mod side;
pub mod spec;
mod sql;
pub mod strategy;
mod sums;
pub mod tables;
pub mod verdict;
