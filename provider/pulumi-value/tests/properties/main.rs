//! What holds for every value, every type and every path, shown on generated ones.

mod addresses;
mod codec;
mod comparing;
mod given;
mod shapes;
mod structs;
mod validating;
