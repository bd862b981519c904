//! Values in their canonical form, and prints of them.
//!
//! What the forms are is said by [`Form`](cutover_core::validation::plan::Form); this is the one place that writes them.
