//! Property paths: the address of a value inside a property map, as Pulumi writes it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

use crate::{PropertyMap, Value};

/// The way from a property map to a value inside it, such as `steps[2].share` or `tags["cost.center"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PropertyPath(Vec<PathSegment>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSegment {
    /// A property of an object or a key of a map.
    Key(String),
    /// A position in a list, from 0.
    Index(usize),
    /// Every property or position, as `ignoreChanges` may say.
    Any,
}

/// Why a text is not a property path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is not a property path: {problem} at byte {offset}")]
pub struct PropertyPathError {
    text: String,
    problem: &'static str,
    offset: usize,
}

impl PropertyPath {
    /// Returns the path of the property map itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Returns this path with one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.then(PathSegment::Key(key.into()))
    }

    /// Returns this path with one more list position.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(PathSegment::Index(index))
    }

    /// Returns the segments from the outermost inwards.
    pub fn segments(&self) -> &[PathSegment] {
        &self.0
    }

    /// Tells whether this is the property map itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the top-level property that the path leads into; `None` for the root.
    pub fn first_key(&self) -> Option<&str> {
        match self.0.first() {
            Some(PathSegment::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// Follows the path through `map`, looking through annotations; `None` where it leads nowhere.
    pub fn get<'v>(&self, map: &'v PropertyMap) -> Option<&'v Value> {
        let (first, rest) = self.0.split_first()?;
        let PathSegment::Key(key) = first else {
            return None;
        };
        rest.iter().try_fold(map.get(key)?, |value, segment| {
            match (segment, value.content()) {
                (PathSegment::Key(key), Value::Map(map)) => map.get(key),
                (PathSegment::Index(index), Value::List(items)) => items.get(*index),
                _ => None,
            }
        })
    }

    /// Tells whether `other` is this path or lies below it; [`PathSegment::Any`] stands for one segment of any kind.
    pub fn covers(&self, other: &PropertyPath) -> bool {
        self.0.len() <= other.0.len()
            && self
                .0
                .iter()
                .zip(&other.0)
                .all(|(own, theirs)| *own == PathSegment::Any || own == theirs)
    }

    /// Returns this path with one more segment before it.
    pub(crate) fn under(mut self, segment: PathSegment) -> Self {
        self.0.insert(0, segment);
        self
    }

    fn then(&self, segment: PathSegment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl From<Vec<PathSegment>> for PropertyPath {
    fn from(segments: Vec<PathSegment>) -> Self {
        Self(segments)
    }
}

impl fmt::Display for PropertyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Key(key) if is_plain(key) => {
                    if position > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                PathSegment::Key(key) => {
                    write!(f, "[\"{}\"]", Quoted(key))?;
                }
                PathSegment::Index(index) => write!(f, "[{index}]")?,
                PathSegment::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// Tells whether a key can stand in a path without quotes.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key != "*" && !key.contains(['.', '[', ']', '"'])
}

/// Writes a key as it stands between quotes.
///
/// Pulumi itself escapes quotes and takes every other backslash for itself. So do we, as far as it can be read back:
/// a backslash is doubled only where the next character would make an escape of it.
struct Quoted<'k>(&'k str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars().peekable();
        while let Some(char) = chars.next() {
            match (char, chars.peek()) {
                ('"', _) => f.write_str("\\\"")?,
                ('\\', None | Some('\\' | '"')) => f.write_str("\\\\")?,
                (other, _) => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

impl FromStr for PropertyPath {
    type Err = PropertyPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rest = text;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let fail = |problem| PropertyPathError {
                text: text.to_owned(),
                problem,
                offset: text.len().saturating_sub(rest.len()),
            };
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let (key, after) =
                    unquote(quoted).ok_or_else(|| fail("the quoted key does not end"))?;
                segments.push(PathSegment::Key(key));
                rest = after
                    .strip_prefix(']')
                    .ok_or_else(|| fail("`]` is missing after the key"))?;
            } else if let Some(bracket) = rest.strip_prefix('[') {
                let (inner, after) = bracket
                    .split_once(']')
                    .ok_or_else(|| fail("`]` is missing"))?;
                segments.push(match inner {
                    "*" => PathSegment::Any,
                    digits => PathSegment::Index(
                        index(digits).ok_or_else(|| fail("the index is not a number"))?,
                    ),
                });
                rest = after;
            } else {
                let named = match rest.strip_prefix('.') {
                    Some(after) if !segments.is_empty() => after,
                    Some(_) => return Err(fail("a path does not start with a dot")),
                    None if segments.is_empty() => rest,
                    None => return Err(fail("a dot or a bracket is missing")),
                };
                let end = named.find(['.', '[']).unwrap_or(named.len());
                let (key, after) = named.split_at(end);
                segments.push(match key {
                    "" => return Err(fail("the key is empty")),
                    "*" => PathSegment::Any,
                    key => PathSegment::Key(key.to_owned()),
                });
                rest = after;
            }
        }
        Ok(Self(segments))
    }
}

/// Reads digits, without the sign that the standard library lets pass.
fn index(digits: &str) -> Option<usize> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

/// Reads up to the closing quote; returns the key and what follows the quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        match chars.next()? {
            '"' => return Some((key, chars.as_str())),
            '\\' if rest[1..].starts_with(['\\', '"']) => key.extend(chars.next()),
            other => key.push(other),
        }
        rest = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "a",
            "a.b",
            "a[0].b",
            "tags[\"cost.center\"]",
            "a[*].b",
            "[\"a.b\"][3]",
            "a[\"q\\\"uote\"]",
            "C:\\dir",
            "[\"C:\\dir.d\"]",
        ] {
            let path: PropertyPath = text.parse().expect("a path");
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_path() {
        for text in [".a", "a..b", "a[", "a[x]", "a[\"b", "a[0]b", "a."] {
            assert!(text.parse::<PropertyPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn finds_a_value_through_annotations() {
        let list = Value::secret(vec![Value::from([("share", Value::from(5.0))])]);
        let map = PropertyMap::from([("steps".to_owned(), list)]);

        let found = "steps[0].share"
            .parse::<PropertyPath>()
            .expect("a path")
            .get(&map)
            .cloned();

        assert_eq!(found, Some(Value::from(5.0)));
    }

    #[test]
    fn a_path_covers_itself_and_what_lies_below() {
        let wide: PropertyPath = "steps[*]".parse().expect("a path");
        assert!(wide.covers(&"steps[2].share".parse().expect("a path")));
        assert!(!wide.covers(&"steps".parse().expect("a path")));
        assert!(!wide.covers(&"gates[0]".parse().expect("a path")));
    }
}
