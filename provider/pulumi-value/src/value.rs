//! The value itself.

mod convert;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{Archive, Asset, Urn};

/// Properties by name, sorted, so that everything derived from them is the same on every run.
pub type PropertyMap = BTreeMap<String, Value>;

/// A Pulumi property value.
///
/// Unknowns, secrets and dependencies may sit at any depth. `Debug` shows the shape of a value but never the
/// content of a secret.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// JSON null. An absent property and a null one mean the same.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A finite number. Whole numbers are exact up to 2^53.
    Number(f64),
    /// A text.
    String(String),
    /// A list; its order is significant.
    List(Vec<Value>),
    /// An object or a map.
    Map(PropertyMap),
    /// A file or a text that is passed by content.
    Asset(Asset),
    /// A folder or a packed archive that is passed by content.
    Archive(Archive),
    /// A reference to another resource of the stack.
    Resource(ResourceReference),
    /// A value that will be known only when the update runs.
    Unknown,
    /// A value that carries secrecy, dependencies or both.
    Annotated(Box<Annotated>),
}

/// What a value carries besides its content.
///
/// Always in normal form: the content is not annotated itself, and there is something to say (`secret` is true or
/// `dependencies` is not empty). [`Value::annotated`] is the only way to make one.
#[derive(Clone, PartialEq)]
pub struct Annotated {
    content: Value,
    secret: bool,
    dependencies: BTreeSet<Urn>,
}

impl Annotated {
    /// Returns the content, which may be [`Value::Unknown`].
    pub fn content(&self) -> &Value {
        &self.content
    }

    /// Tells whether the content must not be shown or stored in clear.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// Returns the resources that must exist before the content does.
    pub fn dependencies(&self) -> &BTreeSet<Urn> {
        &self.dependencies
    }

    /// Takes the annotation apart into content, secrecy and dependencies.
    pub fn into_parts(self) -> (Value, bool, BTreeSet<Urn>) {
        (self.content, self.secret, self.dependencies)
    }
}

/// A reference to a resource of the same stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceReference {
    /// The resource's URN.
    pub urn: Urn,
    /// The provider-assigned id; `None` for a component, which has no id.
    pub id: Option<ResourceId>,
    /// The version of the package that defines the resource, where the sender knew it.
    pub package_version: Option<String>,
}

/// The id of a custom resource as a reference carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceId {
    /// The resource exists under this id.
    Known(String),
    /// The resource will get its id when the update runs.
    Unknown,
}

impl Value {
    /// Wraps `content` as a secret; nested annotations are merged.
    pub fn secret(content: impl Into<Value>) -> Self {
        Self::annotated(content.into(), true, BTreeSet::new())
    }

    /// Annotates `content` with secrecy and dependencies.
    ///
    /// The result is in normal form: annotations around annotations are merged, and a content with nothing to add
    /// is returned as it is.
    pub fn annotated(content: Value, secret: bool, dependencies: BTreeSet<Urn>) -> Self {
        match content {
            Value::Annotated(inner) => {
                let Annotated {
                    content,
                    secret: inner_secret,
                    dependencies: mut all,
                } = *inner;
                all.extend(dependencies);
                Self::annotated(content, secret || inner_secret, all)
            }
            content if !secret && dependencies.is_empty() => content,
            content => Value::Annotated(Box::new(Annotated {
                content,
                secret,
                dependencies,
            })),
        }
    }

    /// Returns the content without this level's annotation; what lies deeper keeps its own.
    pub fn content(&self) -> &Value {
        match self {
            Value::Annotated(annotated) => &annotated.content,
            other => other,
        }
    }

    /// Takes the content out of this level's annotation.
    #[must_use]
    pub fn into_content(self) -> Value {
        match self {
            Value::Annotated(annotated) => annotated.content,
            other => other,
        }
    }

    /// Takes the value apart into the content of this level, its secrecy and its dependencies.
    pub fn into_parts(self) -> (Value, bool, BTreeSet<Urn>) {
        match self {
            Value::Annotated(annotated) => annotated.into_parts(),
            other => (other, false, BTreeSet::new()),
        }
    }

    /// Tells whether this level is marked secret.
    pub fn is_secret(&self) -> bool {
        matches!(self, Value::Annotated(annotated) if annotated.secret)
    }

    /// Tells whether this level is unknown, secret or not.
    pub fn is_unknown(&self) -> bool {
        matches!(self.content(), Value::Unknown)
    }

    /// Tells whether this level is null, secret or not.
    pub fn is_null(&self) -> bool {
        matches!(self.content(), Value::Null)
    }

    /// Tells whether an unknown sits at this level or anywhere below it.
    pub fn contains_unknown(&self) -> bool {
        self.any(&|value| {
            matches!(
                value,
                Value::Unknown
                    | Value::Resource(ResourceReference {
                        id: Some(ResourceId::Unknown),
                        ..
                    })
            )
        })
    }

    /// Tells whether a secret sits at this level or anywhere below it.
    pub fn contains_secret(&self) -> bool {
        self.any(&Value::is_secret)
    }

    /// Returns every dependency named at this level or anywhere below it.
    pub fn all_dependencies(&self) -> BTreeSet<Urn> {
        let mut found = BTreeSet::new();
        self.visit(&mut |value| match value {
            Value::Annotated(annotated) => found.extend(annotated.dependencies.iter().cloned()),
            Value::Resource(reference) => {
                found.insert(reference.urn.clone());
            }
            _ => {}
        });
        found
    }

    /// Returns the value with every annotation taken off, at every depth.
    ///
    /// What was secret is in clear afterwards: for comparing and computing, never for showing or storing.
    #[must_use]
    pub fn stripped(&self) -> Value {
        match self {
            Value::Annotated(annotated) => annotated.content.stripped(),
            Value::List(items) => Value::List(items.iter().map(Value::stripped).collect()),
            Value::Map(map) => Value::Map(
                map.iter()
                    .map(|(key, value)| (key.clone(), value.stripped()))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// Compares contents at every depth; secrecy and dependencies do not count, and null equals absent.
    pub fn same_content(&self, other: &Value) -> bool {
        match (self.content(), other.content()) {
            (Value::List(left), Value::List(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(left, right)| left.same_content(right))
            }
            (Value::Map(left), Value::Map(right)) => {
                let covers = |a: &PropertyMap, b: &PropertyMap| {
                    a.iter()
                        .all(|(key, value)| value.same_content(b.get(key).unwrap_or(&Value::Null)))
                };
                covers(left, right) && covers(right, left)
            }
            (Value::Asset(left), Value::Asset(right)) => left.same_content(right),
            (Value::Archive(left), Value::Archive(right)) => left.same_content(right),
            (Value::Resource(left), Value::Resource(right)) => {
                left.urn == right.urn && left.id == right.id
            }
            (left, right) => left == right,
        }
    }

    /// Returns the text of a known string at this level.
    pub fn as_str(&self) -> Option<&str> {
        match self.content() {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number at this level.
    pub fn as_number(&self) -> Option<f64> {
        match self.content() {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the boolean at this level.
    pub fn as_bool(&self) -> Option<bool> {
        match self.content() {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Returns the items of a list at this level.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self.content() {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the properties of an object at this level.
    pub fn as_map(&self) -> Option<&PropertyMap> {
        match self.content() {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Names the kind of the content, as messages for people say it.
    pub fn kind_name(&self) -> &'static str {
        match self.content() {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
            Value::Asset(_) => "an asset",
            Value::Archive(_) => "an archive",
            Value::Resource(_) => "a resource",
            Value::Unknown => "unknown",
            // `content` has already taken the annotation off.
            Value::Annotated(_) => "an annotated value",
        }
    }

    fn any(&self, holds: &impl Fn(&Value) -> bool) -> bool {
        holds(self)
            || match self {
                Value::Annotated(annotated) => annotated.content.any(holds),
                Value::List(items) => items.iter().any(|item| item.any(holds)),
                Value::Map(map) => map.values().any(|value| value.any(holds)),
                _ => false,
            }
    }

    fn visit(&self, see: &mut impl FnMut(&Value)) {
        see(self);
        match self {
            Value::Annotated(annotated) => annotated.content.visit(see),
            Value::List(items) => items.iter().for_each(|item| item.visit(see)),
            Value::Map(map) => map.values().for_each(|value| value.visit(see)),
            _ => {}
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(flag) => fmt::Debug::fmt(flag, f),
            Value::Number(number) => fmt::Debug::fmt(number, f),
            Value::String(text) => fmt::Debug::fmt(text, f),
            Value::List(items) => f.debug_list().entries(items).finish(),
            Value::Map(map) => f.debug_map().entries(map).finish(),
            Value::Asset(asset) => fmt::Debug::fmt(asset, f),
            Value::Archive(archive) => fmt::Debug::fmt(archive, f),
            Value::Resource(reference) => fmt::Debug::fmt(reference, f),
            Value::Unknown => f.write_str("unknown"),
            Value::Annotated(annotated) => fmt::Debug::fmt(annotated, f),
        }
    }
}

impl fmt::Debug for Annotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret {
            return f.write_str("[secret]");
        }
        f.debug_struct("Output")
            .field("content", &self.content)
            .field("dependencies", &self.dependencies)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urn(name: &str) -> Urn {
        Urn::parse(&format!("urn:pulumi:dev::shop::pkg:index:Type::{name}"))
            .expect("a well-formed URN")
    }

    #[test]
    fn nested_annotations_are_merged() {
        let inner = Value::annotated(Value::Unknown, false, BTreeSet::from([urn("a")]));
        let outer = Value::secret(Value::annotated(inner, false, BTreeSet::from([urn("b")])));

        let Value::Annotated(annotated) = outer else {
            panic!("expected an annotation")
        };
        assert!(annotated.is_secret());
        assert_eq!(annotated.content(), &Value::Unknown);
        assert_eq!(
            annotated.dependencies(),
            &BTreeSet::from([urn("a"), urn("b")])
        );
    }

    #[test]
    fn an_annotation_with_nothing_to_say_is_dropped() {
        assert_eq!(
            Value::annotated(Value::from("x"), false, BTreeSet::new()),
            Value::from("x")
        );
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let value = Value::from([("list", Value::from(vec![Value::secret("hunter2")]))]);

        let shown = format!("{value:?}");

        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("[secret]"), "{shown}");
    }

    #[test]
    fn secrecy_and_absence_do_not_make_a_difference_in_content() {
        let left = Value::from([("a", Value::secret("x")), ("b", Value::Null)]);
        let right = Value::from([("a", Value::from("x"))]);

        assert!(left.same_content(&right));
        assert!(right.same_content(&left));
        assert!(!left.same_content(&Value::from([("a", Value::from("y"))])));
    }

    #[test]
    fn a_reference_to_an_uncreated_resource_counts_as_unknown() {
        let reference = ResourceReference {
            urn: urn("a"),
            id: Some(ResourceId::Unknown),
            package_version: None,
        };

        assert!(Value::Resource(reference).contains_unknown());
    }
}
