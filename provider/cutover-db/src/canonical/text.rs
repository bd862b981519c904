//! The text that servers hash themselves (the strategy `TextDigest`). Both engines' SQL must print it alike, so this is the
//! one place that says what it is.
//!
//! # A row
//!
//! The seed as 16 lower-case hexadecimal digits ([`seed`]), then for each column in the plan's order a [`UNIT`] and its
//! field. The key's text, for [`Buckets::Hashed`], is the same of the key's columns alone in the key's order. Both are
//! hashed as UTF-8 by SHA-256.
//!
//! # A field
//!
//! | Value | Field |
//! | --- | --- |
//! | null, of any form | [`NULL`] |
//! | `Integer` | decimal text; booleans as `0` and `1` |
//! | `Numeric` | as [`Form::Numeric`] |
//! | `Date`, `Time`, `Timestamp` | as the form; digits of the fraction cut to the form's |
//! | `Uuid` | 32 lower-case digits with four dashes; text: in lower case |
//! | `Bytes`, up to [`LONG`] bytes | lower-case hexadecimal digits, two for each byte |
//! | `Bytes`, longer | `#` and the SHA-256 of the bytes in lower-case hexadecimal digits |
//! | `Text`, `Printed`, `Json` | the length of the value in UTF-8 bytes in decimal, `:`, the value |
//! | `Float` | there is none: engines print floating point differently |
//!
//! Padded text and bytes are without their padding before anything else. JSON is what the engine prints, so a
//! difference may be one of writing only; [`rows`](cutover_driver::Database::rows) tells by its meaning.
//!
//! The length makes rows injective: what is in a text cannot look like the end of its field. The others contain neither
//! [`UNIT`] nor [`NULL`].
//!
//! # Digests
//!
//! The print of a row is the first sixteen bytes of its hash, the highest first. What is added up over a bucket are its
//! first eight bytes and its second eight, as unsigned numbers, the highest byte first; by exclusive or, or modulo 2^64.
//! The bucket of a row by [`Buckets::Hashed`] is the first eight bytes of the hash of its key's text modulo the count; of a
//! table without a key, the first eight bytes of the row's own hash.
//!
//! [`Form::Numeric`]: cutover_core::validation::plan::Form::Numeric
//! [`Buckets::Hashed`]: cutover_core::validation::plan::Buckets::Hashed

/// The code point before each field: the *unit separator* of ASCII.
pub const UNIT: u8 = 31;

/// The code point that stands for a null.
pub const NULL: u8 = 1;

/// Up to so many bytes are written out; of more, their hash is. Ours: hexadecimal digits double what is hashed, so from
/// about here a hash of its own costs less.
pub const LONG: u32 = 1_024;

/// Writes the seed as a row begins with it.
pub fn seed(seed: u64) -> String {
    format!("{seed:016x}")
}
