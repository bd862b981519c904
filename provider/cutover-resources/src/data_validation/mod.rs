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

pub use args::*;
pub use resource::DataValidation;
pub use state::{
    DataValidationState, FindingSeverity, ValidatedData, ValidatedRules, ValidatedSchema,
    ValidatedTable, ValidationFinding, ValidationProof, ValidationVerdict,
};
pub use validate_data::ValidateData;
