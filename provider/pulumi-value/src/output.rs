//! Field types for values that may be unknown and for values that must stay secret.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{self, Serialize, Serializer};

use crate::de::hand_over;
use crate::{DecodeError, EncodeError, Urn, Value, from_value, passage, to_value};

/// A typed value that may not be known yet, may be secret, and may depend on resources.
///
/// As a field of arguments it accepts an unknown during a preview. As a field of a component's outputs it carries
/// where the value came from to the program.
#[derive(Clone, PartialEq)]
pub struct Output<T> {
    content: Option<T>,
    secret: bool,
    dependencies: BTreeSet<Urn>,
}

impl<T> Output<T> {
    /// Makes a plainly known output.
    pub const fn known(content: T) -> Self {
        Self {
            content: Some(content),
            secret: false,
            dependencies: BTreeSet::new(),
        }
    }

    /// Makes an output that is not known yet.
    pub const fn unknown() -> Self {
        Self {
            content: None,
            secret: false,
            dependencies: BTreeSet::new(),
        }
    }

    /// Returns the content when it is known.
    pub const fn get(&self) -> Option<&T> {
        self.content.as_ref()
    }

    /// Takes the content out when it is known.
    pub fn into_known(self) -> Option<T> {
        self.content
    }

    /// Tells whether the content must not be shown or stored in clear.
    pub const fn is_secret(&self) -> bool {
        self.secret
    }

    /// Returns the resources that must exist before the content does.
    pub const fn dependencies(&self) -> &BTreeSet<Urn> {
        &self.dependencies
    }

    /// Marks the output secret.
    #[must_use]
    pub fn into_secret(self) -> Self {
        Self {
            secret: true,
            ..self
        }
    }

    /// Adds dependencies.
    #[must_use]
    pub fn depending_on(mut self, urns: impl IntoIterator<Item = Urn>) -> Self {
        self.dependencies.extend(urns);
        self
    }

    /// Applies `with` to the content when it is known; secrecy and dependencies carry over.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Output<U> {
        Output {
            content: self.content.map(with),
            secret: self.secret,
            dependencies: self.dependencies,
        }
    }

    /// Combines two outputs: known when both are, secret when one is, depending on what either depends on.
    pub fn zip<U>(self, other: Output<U>) -> Output<(T, U)> {
        Output {
            content: self.content.zip(other.content),
            secret: self.secret || other.secret,
            dependencies: self
                .dependencies
                .into_iter()
                .chain(other.dependencies)
                .collect(),
        }
    }
}

impl<T: DeserializeOwned> Output<T> {
    /// Reads an output off a value; an unknown where `T` has no room for one makes the whole output unknown.
    ///
    /// # Errors
    /// When a known content does not have the shape of `T`.
    pub fn from_value(value: &Value) -> Result<Self, DecodeError> {
        let content = match from_value(value) {
            Ok(content) => Some(content),
            Err(error) if error.is_unknown() => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            content,
            secret: value.contains_secret(),
            dependencies: value.all_dependencies(),
        })
    }
}

impl<T: Serialize> Output<T> {
    /// Writes the output as a value.
    ///
    /// # Errors
    /// When the content cannot be a Pulumi value.
    pub fn to_value(&self) -> Result<Value, EncodeError> {
        to_value(self)
    }
}

impl<T> From<T> for Output<T> {
    fn from(content: T) -> Self {
        Self::known(content)
    }
}

impl<T: fmt::Debug> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            _ if self.secret => f.write_str("[secret]"),
            Some(content) => content.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// A known value that must never be shown or stored in clear.
///
/// In arguments it makes the property secret in the schema, so that the engine encrypts it even when the program
/// passed it plainly. In state it is always written as a secret. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Seals a value.
    pub const fn new(content: T) -> Self {
        Self(content)
    }

    /// Gives access to the content, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the content out, for the one place that needs it.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T: Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = to_value(&self.0).map_err(ser::Error::custom)?;
        passage::serialize(Value::secret(content), serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert(crate::schema::keyword::SECRET.to_owned(), true.into());
        schema
    }
}

impl<T: JsonSchema> JsonSchema for Output<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

impl<T: Serialize> Serialize for Output<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = match &self.content {
            Some(content) => to_value(content).map_err(ser::Error::custom)?,
            None => Value::Unknown,
        };
        passage::serialize(
            Value::annotated(content, self.secret, self.dependencies.clone()),
            serializer,
        )
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Output<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&passage::deserialize(deserializer)?).map_err(hand_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_inside_a_plain_type_makes_the_whole_output_unknown() {
        let list = Value::secret(vec![Value::from("a"), Value::Unknown]);

        let output = Output::<Vec<String>>::from_value(&list).expect("a list of strings");

        assert!(output.get().is_none());
        assert!(output.is_secret());
    }

    #[test]
    fn an_unknown_inside_an_output_inside_leaves_the_outer_one_known() {
        let list = Value::from(vec![Value::from("a"), Value::Unknown]);

        let output = Output::<Vec<Output<String>>>::from_value(&list).expect("a list of outputs");

        assert_eq!(
            output.get(),
            Some(&vec![Output::known("a".to_owned()), Output::unknown()])
        );
    }

    #[test]
    fn combining_outputs_keeps_what_each_carries() {
        let urn =
            Urn::parse("urn:pulumi:dev::shop::pkg:index:Type::name").expect("a well-formed URN");
        let host = Output::known("db".to_owned()).depending_on([urn.clone()]);
        let password = Output::known("hunter2".to_owned()).into_secret();

        let address = host
            .zip(password)
            .map(|(host, password)| format!("{password}@{host}"));

        assert_eq!(address.get().map(String::as_str), Some("hunter2@db"));
        assert!(address.is_secret());
        assert!(address.dependencies().contains(&urn));
        assert_eq!(format!("{address:?}"), "[secret]");
    }

    #[test]
    fn other_formats_refuse_what_they_would_show_in_clear() {
        assert!(serde_json::to_string(&Secret::new("hunter2")).is_err());
        assert!(serde_json::to_string(&Output::known("x").into_secret()).is_err());
        assert!(serde_json::to_string(&Value::secret("hunter2")).is_err());
    }
}
