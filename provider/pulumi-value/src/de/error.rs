//! Why a value does not fit a Rust type.

use std::cell::RefCell;
use std::fmt;

use serde::de;

use crate::{PathSegment, PropertyPath};

/// What the message of an error says when an unknown stood in the way; how it is told from a wrong shape.
pub(crate) const UNKNOWN_MESSAGE: &str = "the value is not known yet";

/// Why a value does not fit a Rust type. Never quotes the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Segments from the innermost outwards: they are added while the error travels up.
    reversed: Vec<PathSegment>,
    message: String,
}

impl DecodeError {
    /// Returns the place of the value that does not fit.
    pub fn path(&self) -> PropertyPath {
        PropertyPath::from(self.reversed.iter().rev().cloned().collect::<Vec<_>>())
    }

    /// Returns what does not fit, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Tells whether the value is merely not known yet, as opposed to wrong.
    pub fn is_unknown(&self) -> bool {
        self.message == UNKNOWN_MESSAGE
    }

    pub(super) fn below(mut self, segment: PathSegment) -> Self {
        self.reversed.push(segment);
        self
    }

    pub(super) fn unknown() -> Self {
        de::Error::custom(UNKNOWN_MESSAGE)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reversed.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.path(), self.message)
        }
    }
}

impl std::error::Error for DecodeError {}

thread_local! {
    /// An error on its way through a type that reads its content by itself, see [`hand_over`].
    static HANDED_OVER: RefCell<Option<DecodeError>> = const { RefCell::new(None) };
}

/// Turns an error from a content that a type has read by itself into an error of the deserializer around it.
///
/// Serde lets errors of other types through as text only, which would take the path apart. If the deserializer is
/// ours, it gets the error as it is.
pub(crate) fn hand_over<E: de::Error>(error: DecodeError) -> E {
    let shown = error.to_string();
    HANDED_OVER.set(Some(error));
    let received = E::custom(shown);
    HANDED_OVER.take();
    received
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        HANDED_OVER.take().unwrap_or_else(|| Self {
            reversed: Vec::new(),
            message: message.to_string(),
        })
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!(
            "expected {expected}, found {}",
            kind_of(&found)
        ))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!(
            "expected {expected}, found another {}",
            kind_of(&found)
        ))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "has a property that is none of `{}`",
            expected.join("`, `")
        ))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("expected one of `{}`", expected.join("`, `")))
    }
}

/// Names the kind of what was found without quoting it: it may be secret.
fn kind_of(found: &de::Unexpected<'_>) -> &'static str {
    match found {
        de::Unexpected::Bool(_) => "boolean",
        de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) | de::Unexpected::Float(_) => {
            "number"
        }
        de::Unexpected::Char(_) | de::Unexpected::Str(_) => "string",
        de::Unexpected::Seq => "list",
        de::Unexpected::Map => "object",
        de::Unexpected::Unit | de::Unexpected::Option => "null",
        _ => "kind of value",
    }
}
