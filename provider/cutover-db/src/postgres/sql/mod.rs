//! Statements of plans, as text.
//!
//! | Module | Subject |
//! | --- | --- |
//! | `column` | a column of one side, and what it is selected as |
//! | `text` | canonical text of a value and of a row |
//! | `record` | values for `hash_record_extended` |
//! | `bucket` | numbers of buckets, and conditions on them |
//! | `key` | conditions on keys |
//! | `hashed` | rows with their hashes, and what adds those up |

pub(super) mod bucket;
pub(super) mod column;
pub(super) mod hashed;
pub(super) mod key;
pub(super) mod record;
pub(super) mod text;
