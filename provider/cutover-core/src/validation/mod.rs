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
//! | [`forms`] | in which form two columns are compared |
//! | [`plan`] | which columns, key, strategy and buckets a table is compared by |
//! | [`digest`] | prints of rows, and what adds up over a bucket |
//! | [`pace`] | how fast a server is read |
//! | [`facts`] | commands, and what comes of them |
//! | [`settle`] | candidates, until nothing is open |
//! | [`machine`] | the whole, step by step |
//! | [`report`] | what came of it all, and the verdict |
//! | [`render`] | the report as text |

pub mod catalog;
pub mod digest;
pub mod facts;
pub mod plan;
pub mod report;
pub mod side;
pub mod spec;
