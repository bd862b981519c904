//! Whole validations of real databases: what differs is found and named, and what does not is not.

mod cut;
mod given;
mod marker;
mod model;
mod mutations;
mod page;
mod rights;
mod stopping;
mod types;
mod under_load;
