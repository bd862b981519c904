//! Values in their canonical form, and prints of them.
//!
//! What the forms are is said by [`Form`](cutover_core::validation::plan::Form); this is the one place that writes them.
//! An adapter makes a [`Printer`] of a plan, and for each row pushes its values in the plan's order, by what the wire
//! gave: a number, text, a moment. The printer writes them in the form of their column into one buffer, and hashes that.
//!
//! | Module | Subject |
//! | --- | --- |
//! | `printer` | [`Printer`]: values of a row in, prints, key and bucket out |
//! | `decimal` | numbers, whole and decimal |
//! | `moment` | dates, times of day and moments |
//! | `json` | JSON by its meaning |
//! | [`text`] | the text that servers hash themselves, which is another form of the same values |

mod decimal;
mod json;
mod moment;
mod printer;
pub mod text;

pub use printer::{Printer, whole_row_key};

pub(crate) use decimal::write_decimal;
pub(crate) use printer::halves;
