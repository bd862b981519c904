//! Source and target.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The database that rows come from.
    Source,
    /// The database that rows go to.
    Target,
}

impl Side {
    /// Both sides, source first.
    pub const BOTH: [Side; 2] = [Side::Source, Side::Target];

    /// Returns the other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Source => "source",
            Side::Target => "target",
        })
    }
}

/// The same of both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Both<T> {
    /// Of the source.
    pub source: T,
    /// Of the target.
    pub target: T,
}

impl<T> Both<T> {
    /// Makes a pair of what `of` gives for each side.
    pub fn of(mut of: impl FnMut(Side) -> T) -> Self {
        Self {
            source: of(Side::Source),
            target: of(Side::Target),
        }
    }

    /// Returns that of one side.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// Returns that of one side, to change it.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Source => &mut self.source,
            Side::Target => &mut self.target,
        }
    }

    /// Makes a pair of both, side by side.
    pub fn map<U>(self, mut map: impl FnMut(T) -> U) -> Both<U> {
        Both {
            source: map(self.source),
            target: map(self.target),
        }
    }

    /// Returns a pair that borrows from this one.
    pub fn as_ref(&self) -> Both<&T> {
        Both {
            source: &self.source,
            target: &self.target,
        }
    }
}
