//! What is wrong with a wish or its surroundings, and where, as data.

use std::fmt;

/// Something wrong with what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its number, listed with advice: `CUT-101`.
    pub code: Code,
    /// Whether it refuses the shift.
    pub level: Level,
    /// Where it is.
    pub path: Path,
    /// What it is, for people.
    pub message: String,
}

/// A stable number of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CUT-{:03}", self.0)
    }
}

/// Whether a problem refuses the shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is told.
    Warning,
    /// It refuses.
    Error,
}

/// Where an input is: names of properties and places in lists, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Segment>);

/// A part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A property.
    Name(&'static str),
    /// A place in a list, counted from 0.
    Index(usize),
}

impl Path {
    /// Begins at a property.
    pub fn new(name: &'static str) -> Self {
        Self(vec![Segment::Name(name)])
    }

    /// Returns the segments, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Goes on to a property.
    #[must_use]
    pub fn name(&self, name: &'static str) -> Self {
        self.then(Segment::Name(name))
    }

    /// Goes on to a place in a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Segment::Index(index))
    }

    fn then(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Name(name) if place == 0 => f.write_str(name)?,
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_program() {
        let path = Path::new("steps").index(1).name("share");

        assert_eq!(path.to_string(), "steps[1].share");
        assert_eq!(Code(101).to_string(), "CUT-101");
    }
}
