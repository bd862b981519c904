//! `DataValidation` and `validateData` as the engine sees them, over simulated databases.

mod given;
mod inputs;
mod life;
mod reach;
