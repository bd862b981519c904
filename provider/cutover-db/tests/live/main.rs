//! Whole validations of real databases: what differs is found and named, and what does not is not.

mod given;
mod model;
mod mutations;
mod types;
mod under_load;
