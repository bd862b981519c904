//! `DataValidation`: two live databases, proven equal or proven different.

mod address;
mod args;
mod conduct;
mod diff;
mod error;
mod files;
mod judge;
mod narrate;
mod resource;
mod state;
mod validate_data;
mod wish;

pub(crate) use address::{Terms, complete};
pub use args::*;
pub(crate) use conduct::hexadecimal;
pub(crate) use error::ValidationError;
pub use resource::DataValidation;
pub use state::{
    DataValidationState, FindingSeverity, ValidatedData, ValidatedRules, ValidatedSchema,
    ValidatedTable, ValidationFinding, ValidationProof, ValidationVerdict,
};
pub use validate_data::ValidateData;
pub(crate) use wish::{Reader, ask, side_key};
