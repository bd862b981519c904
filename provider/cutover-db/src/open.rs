//! An address becomes a database.

/// Opens databases by their addresses.
#[derive(Clone, Copy, Debug)]
pub struct Connections;
