//! The shape of a Rust type, read once and used for everything that needs it.
//!
//! [`Shape::of`] reads a struct through `schemars`: names, types, doc comments, defaults, limits. From it come the
//! Pulumi package schema ([`Package`]), the check of what a program passed in ([`Shape::problems`]), the completion
//! with defaults and secrecy ([`Shape::complete`]) and the comparison of old with new ([`Shape::changes`]). What Rust
//! types cannot say is said with `#[schemars(extend(...))]` and a name from [`keyword`].

mod changes;
mod complete;
mod package;
mod problems;
mod reflect;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use thiserror::Error;

pub use changes::{Change, ChangeKind};
pub use package::{Function, Method, Package, PackageMetadata, Resource};
pub use problems::Problem;

/// Names for what a Rust type cannot say about a property, used as `#[schemars(extend("pulumi:replace" = true))]`.
pub mod keyword {
    /// `true`: a change of the property replaces the resource.
    pub const REPLACE: &str = "pulumi:replace";
    /// A list of environment variables that give the value when the program does not; provider configuration only.
    pub const ENVIRONMENT: &str = "pulumi:environment";
    /// `true`: the value must be known in previews, since it decides which resources exist.
    pub const PLAIN: &str = "pulumi:plain";
    /// The longest name, in characters, to make up when the program gives none.
    pub const AUTONAME: &str = "pulumi:autoname";
    /// Why the property should not be used any more and what to use instead.
    pub const DEPRECATED: &str = "pulumi:deprecated";
    /// `true`: the value is secret. Set by [`crate::Secret`]; not for hand-written use.
    pub(crate) const SECRET: &str = "pulumi:secret";
    /// `asset`, `archive` or `resource`. Set by the types of this crate; not for hand-written use.
    pub(crate) const BUILT_IN: &str = "pulumi:builtIn";
}

/// The properties of an object with everything they refer to.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Shape {
    /// What the whole is, from the struct's doc comment.
    pub description: String,
    /// The properties, in the order of the struct's fields.
    pub properties: Vec<Property>,
    /// Named types that the properties use, by name.
    pub types: BTreeMap<String, Named>,
}

/// One property of an object.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about a property, as the schema lists them"
)]
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// The name as programs write it, in camel case.
    pub name: String,
    /// What it means, from the field's doc comment.
    pub description: String,
    /// What it may hold.
    pub ty: Type,
    /// Whether it must be given.
    pub required: bool,
    /// Whether its value must be encrypted and never shown.
    pub secret: bool,
    /// Whether a change of it replaces the resource.
    pub replace: bool,
    /// Whether it must be known in previews.
    pub plain: bool,
    /// The value that stands when it is not given.
    pub default: Option<Json>,
    /// Environment variables that give it, in order of preference.
    pub environment: Vec<String>,
    /// The longest name to make up when it is not given, in characters.
    pub autoname: Option<usize>,
    /// Why not to use it any more.
    pub deprecated: Option<String>,
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// `true` or `false`.
    Boolean,
    /// A whole number within limits.
    Integer(Limits),
    /// A number within limits.
    Number(Limits),
    /// A text with a length in characters within limits.
    String(Limits),
    /// A list with a length within limits.
    List(Box<Type>, Limits),
    /// A map from text to values of one type.
    Map(Box<Type>),
    /// One of [`Shape::types`].
    Named(String),
    /// A file-like content.
    Asset,
    /// A folder-like content.
    Archive,
    /// A reference to a resource.
    Resource,
    /// Anything.
    Any,
}

/// Inclusive limits of a number or a length.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Limits {
    /// The smallest allowed.
    pub min: Option<f64>,
    /// The largest allowed.
    pub max: Option<f64>,
}

/// A type with a name of its own in the package.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// An object with fixed properties.
    Object {
        /// What it is.
        description: String,
        /// Its properties, in the order of the struct's fields.
        properties: Arc<[Property]>,
        /// Whether exactly one of the properties must be given: a Rust enum whose variants carry data.
        exactly_one: bool,
    },
    /// One of several texts.
    Enum {
        /// What it is.
        description: String,
        /// The texts in the order of the enum's variants, except that those without a doc comment come first.
        values: Vec<EnumValue>,
    },
}

/// One text of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// The text as programs write it.
    pub value: String,
    /// What it means.
    pub description: String,
}

/// Why a Rust type has no Pulumi shape: always a mistake of the type's author.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{type_name}` cannot be a Pulumi type: {}{problem}", at(place))]
pub struct ShapeError {
    pub(crate) type_name: String,
    pub(crate) place: String,
    pub(crate) problem: String,
}

fn at(place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!("at `{place}`, ")
    }
}

impl Shape {
    /// Returns the property with the given name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == name)
    }

    /// Joins two shapes: the outputs of a resource are its inputs and its state.
    ///
    /// # Errors
    /// When both have a named type of the same name but of different shape. A property of `other` replaces one of
    /// the same name.
    pub fn joined(&self, other: &Shape) -> Result<Shape, ShapeError> {
        let mut joined = self.clone();
        for property in &other.properties {
            match joined
                .properties
                .iter_mut()
                .find(|own| own.name == property.name)
            {
                Some(own) => *own = property.clone(),
                None => joined.properties.push(property.clone()),
            }
        }
        for (name, named) in &other.types {
            let own = joined
                .types
                .entry(name.clone())
                .or_insert_with(|| named.clone());
            if own != named {
                return Err(ShapeError {
                    type_name: name.clone(),
                    place: String::new(),
                    problem: "another type of the package has the same name".to_owned(),
                });
            }
        }
        Ok(joined)
    }

    /// Looks a named type up; reflection has made sure that it is there.
    fn named(&self, name: &str) -> Option<&Named> {
        self.types.get(name)
    }

    /// Returns the properties of an object type, for walking into a value.
    fn object(&self, ty: &Type) -> Option<&[Property]> {
        match ty {
            Type::Named(name) => match self.named(name)? {
                Named::Object { properties, .. } => Some(properties),
                Named::Enum { .. } => None,
            },
            _ => None,
        }
    }
}
