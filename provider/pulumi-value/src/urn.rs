//! Uniform resource names, Pulumi's address of a resource in a stack.

use std::fmt;

use thiserror::Error;

const PREFIX: &str = "urn:pulumi:";
const SEPARATOR: &str = "::";

/// A well-formed resource name: `urn:pulumi:<stack>::<project>::<parent types$type>::<name>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Urn(Box<str>);

/// Why a text is not a URN.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UrnError {
    /// The text starts otherwise.
    #[error("a URN starts with `urn:pulumi:`, this one is `{0}`")]
    Prefix(String),
    /// There are fewer than four parts, or one of them is empty.
    #[error("a URN has the parts stack, project, type and name divided by `::`, this one is `{0}`")]
    Parts(String),
}

impl Urn {
    /// Reads a URN.
    ///
    /// # Errors
    /// When the text lacks the prefix or one of the four parts.
    pub fn parse(text: &str) -> Result<Self, UrnError> {
        let body = text
            .strip_prefix(PREFIX)
            .ok_or_else(|| UrnError::Prefix(text.to_owned()))?;
        // The name comes last and may hold the separator itself.
        let parts: Vec<_> = body.splitn(4, SEPARATOR).collect();
        if parts.len() < 4 || parts.iter().any(|part| part.is_empty()) {
            return Err(UrnError::Parts(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// Returns the whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the stack's name.
    pub fn stack(&self) -> &str {
        self.part(0)
    }

    /// Returns the project's name.
    pub fn project(&self) -> &str {
        self.part(1)
    }

    /// Returns the resource's own type token, without those of its parents.
    pub fn type_token(&self) -> &str {
        let qualified = self.part(2);
        qualified.rsplit_once('$').map_or(qualified, |(_, own)| own)
    }

    /// Returns the resource's name in the program.
    pub fn name(&self) -> &str {
        self.part(3)
    }

    fn part(&self, index: usize) -> &str {
        self.0[PREFIX.len()..]
            .splitn(4, SEPARATOR)
            .nth(index)
            .unwrap_or_default()
    }
}

impl fmt::Display for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Urn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<&str> for Urn {
    type Error = UrnError;

    fn try_from(text: &str) -> Result<Self, UrnError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_its_parts_from_the_text() {
        let urn = Urn::parse("urn:pulumi:dev::shop::a:b:Parent$c:d:Child::my::name")
            .expect("well-formed");

        assert_eq!(
            (urn.stack(), urn.project(), urn.type_token(), urn.name()),
            ("dev", "shop", "c:d:Child", "my::name")
        );
    }

    #[test]
    fn refuses_a_text_that_is_not_a_urn() {
        for broken in [
            "",
            "urn:pulumi:",
            "urn:pulumi:dev::shop::t",
            "urn:pulumi:dev::::t::n",
            "dev::shop::t::n",
        ] {
            assert!(Urn::parse(broken).is_err(), "{broken}");
        }
    }
}
