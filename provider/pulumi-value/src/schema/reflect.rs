//! From the JSON Schema that `schemars` derives to a [`Shape`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json};

use super::{EnumValue, Limits, Named, Property, Shape, ShapeError, Type, keyword};

impl Shape {
    /// Reads the shape of a struct.
    ///
    /// # Errors
    /// When the type, or one it refers to, cannot be said in a Pulumi schema: tuples, untagged or internally tagged
    /// enums, variants with data that has no type of its own, 128-bit numbers, names that are not in camel case.
    pub fn of<T: JsonSchema>() -> Result<Shape, ShapeError> {
        let root = SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<T>();
        let empty = Object::new();
        let mut reader = Reader {
            type_name: T::schema_name().into_owned(),
            definitions: root
                .get("$defs")
                .and_then(Json::as_object)
                .unwrap_or(&empty),
            place: Vec::new(),
            types: BTreeMap::new(),
        };
        reader.root(root.as_value())
    }
}

/// Reads schemas and remembers where it is, for the error.
struct Reader<'s> {
    type_name: String,
    definitions: &'s Object,
    place: Vec<String>,
    types: BTreeMap<String, Named>,
}

type Object = Map<String, Json>;

/// The largest whole number with an `f64` of its own: 2^53.
pub(super) const EXACT: f64 = 9_007_199_254_740_992.0;

const DEFINITIONS: &str = "#/$defs/";

/// What is read nested in one property before a type is taken to contain itself without a struct between: ours.
const DEPTH_MAX: usize = 64;

impl<'s> Reader<'s> {
    fn root(&mut self, root: &Json) -> Result<Shape, ShapeError> {
        let root = root
            .as_object()
            .ok_or_else(|| self.fail("it is not a struct"))?;
        for (name, definition) in self.definitions {
            if is_alias(definition) {
                continue;
            }
            let named = self.inside(name, |reader| reader.named(definition))?;
            self.types.insert(name.clone(), named);
        }
        let properties = match text(root, "type") {
            "object" => self.properties(root)?,
            // The unit type: a resource without properties of its own.
            "null" => Vec::new(),
            _ => return Err(self.fail("it is not a struct")),
        };
        Ok(Shape {
            description: text(root, "description").to_owned(),
            properties,
            types: std::mem::take(&mut self.types),
        })
    }

    fn named(&mut self, schema: &Json) -> Result<Named, ShapeError> {
        let schema = schema
            .as_object()
            .ok_or_else(|| self.fail("it may be anything; use a struct"))?;
        let description = text(schema, "description").to_owned();
        if let Some(alternatives) = schema.get("oneOf").and_then(Json::as_array) {
            if schema.contains_key("properties") {
                return Err(self.fail("an enum cannot be flattened into a struct"));
            }
            return if alternatives
                .iter()
                .any(|alternative| is(alternative, "object"))
            {
                self.tagged(description, alternatives)
            } else {
                self.enumeration(description, alternatives)
            };
        }
        if schema.contains_key("enum") || schema.contains_key("const") {
            return self.enumeration(description, &[Json::Object(schema.clone())]);
        }
        if text(schema, "type") == "object" {
            let properties = self.properties(schema)?.into();
            return Ok(Named::Object {
                description,
                properties,
                exactly_one: false,
            });
        }
        Err(self.fail("it is neither a struct with named fields nor an enum"))
    }

    /// An enum without data: alternatives with one text each, those without doc comments gathered in one.
    fn enumeration(
        &mut self,
        description: String,
        alternatives: &[Json],
    ) -> Result<Named, ShapeError> {
        let mut values = Vec::new();
        for alternative in alternatives {
            let description = alternative
                .get("description")
                .and_then(Json::as_str)
                .unwrap_or_default();
            let single = alternative.get("const").into_iter();
            let several = alternative
                .get("enum")
                .and_then(Json::as_array)
                .into_iter()
                .flatten();
            for value in single.chain(several) {
                let value = value
                    .as_str()
                    .ok_or_else(|| self.fail("an enum may have texts only"))?;
                values.push(EnumValue {
                    value: value.to_owned(),
                    description: description.to_owned(),
                });
            }
        }
        if values.is_empty() {
            return Err(self.fail("an enum needs values"));
        }
        Ok(Named::Enum {
            description,
            values,
        })
    }

    /// An enum with data: alternatives that are objects with one property each.
    fn tagged(&mut self, description: String, alternatives: &[Json]) -> Result<Named, ShapeError> {
        let mut all = Vec::new();
        for alternative in alternatives {
            let alternative = alternative
                .as_object()
                .filter(|object| text(object, "type") == "object");
            let Some(object) = alternative.filter(|object| !is_internally_tagged(object)) else {
                return Err(self.fail(
                    "every variant of an enum with data must be written as an object with its name",
                ));
            };
            let Ok([property]) = <[Property; 1]>::try_from(self.properties(object)?) else {
                return Err(self.fail("a variant of an enum with data must hold one type"));
            };
            let own = alternative
                .map(|object| text(object, "description"))
                .unwrap_or_default();
            let description = if own.is_empty() {
                property.description
            } else {
                own.to_owned()
            };
            all.push(Property {
                required: false,
                description,
                ..property
            });
        }
        Ok(Named::Object {
            description,
            properties: all.into(),
            exactly_one: true,
        })
    }

    fn properties(&mut self, object: &Object) -> Result<Vec<Property>, ShapeError> {
        if ["oneOf", "anyOf", "allOf"]
            .iter()
            .any(|key| object.contains_key(*key))
        {
            return Err(
                self.fail("an enum or an optional struct cannot be flattened into a struct")
            );
        }
        if object
            .get("additionalProperties")
            .is_some_and(|values| *values != Json::Bool(false))
        {
            return Err(self.fail("a map cannot be flattened into a struct"));
        }
        let required: Vec<_> = object
            .get("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .collect();
        let properties = object
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flatten();
        properties
            .map(|(name, schema)| {
                let required = required
                    .iter()
                    .any(|required| required.as_str() == Some(name));
                self.inside(name, |reader| reader.property(name, schema, required))
            })
            .collect()
    }

    fn property(
        &mut self,
        name: &str,
        schema: &Json,
        required: bool,
    ) -> Result<Property, ShapeError> {
        if !is_camel_case(name) {
            return Err(self.fail(
                "its name is not in camel case; add `#[serde(rename_all = \"camelCase\")]`",
            ));
        }
        let ty = self.ty(schema)?;
        let empty = Object::new();
        let about = schema.as_object().unwrap_or(&empty);
        let flag = |key: &str| about.get(key).and_then(Json::as_bool).unwrap_or_default();
        let autoname = about.get(keyword::AUTONAME).and_then(Json::as_u64);
        let environment = about
            .get(keyword::ENVIRONMENT)
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        Ok(Property {
            name: name.to_owned(),
            description: text(about, "description").to_owned(),
            ty,
            required: required && autoname.is_none(),
            secret: self.hides(schema),
            replace: flag(keyword::REPLACE),
            plain: flag(keyword::PLAIN),
            default: about
                .get("default")
                .filter(|default| !default.is_null())
                .cloned(),
            environment: environment
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
            autoname: autoname.and_then(|length| usize::try_from(length).ok()),
            deprecated: about
                .get(keyword::DEPRECATED)
                .and_then(Json::as_str)
                .map(str::to_owned),
        })
    }

    /// Tells whether a property holds a secret: by itself, if it is there at all, or in a list or map.
    ///
    /// A Pulumi schema knows secrecy of properties only, so that a list of secrets is secret as a whole.
    fn hides(&self, schema: &Json) -> bool {
        let alternatives = schema
            .get("anyOf")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let mut inner = alternatives
            .chain(schema.get("items"))
            .chain(schema.get("additionalProperties"));
        schema.get(keyword::SECRET) == Some(&Json::Bool(true))
            || inner.any(|schema| self.hides(schema))
            || schema
                .get("$ref")
                .and_then(|name| self.alias(name))
                .is_some_and(|(_, schema)| self.hides(schema))
    }

    /// Looks up what a reference refers to, if that has no name in the package.
    fn alias(&self, reference: &Json) -> Option<(&'s str, &'s Json)> {
        let name = reference.as_str()?.strip_prefix(DEFINITIONS)?;
        let (name, definition) = self.definitions.get_key_value(name)?;
        is_alias(definition).then_some((name, definition))
    }

    fn ty(&mut self, schema: &Json) -> Result<Type, ShapeError> {
        let Some(schema) = schema.as_object() else {
            return Ok(Type::Any);
        };
        if let Some(reference) = schema.get("$ref") {
            if let Some((name, alias)) = self.alias(reference) {
                return self.inside(name, |reader| reader.ty(alias));
            }
            let name = reference
                .as_str()
                .and_then(|reference| reference.strip_prefix(DEFINITIONS));
            let name = name.filter(|name| self.definitions.contains_key(*name));
            return Ok(Type::Named(
                name.ok_or_else(|| self.fail("it refers to the whole"))?
                    .to_owned(),
            ));
        }
        if self.place.len() > DEPTH_MAX {
            return Err(self.fail("it contains itself"));
        }
        match text(schema, keyword::BUILT_IN) {
            "asset" => return Ok(Type::Asset),
            "archive" => return Ok(Type::Archive),
            "resource" => return Ok(Type::Resource),
            _ => {}
        }
        // An optional value is its type or null.
        if let Some(alternatives) = schema.get("anyOf").and_then(Json::as_array) {
            let present: Vec<_> = alternatives
                .iter()
                .filter(|schema| !is(schema, "null"))
                .collect();
            return match present.as_slice() {
                [only] => self.ty(only),
                _ => Err(self.fail("it has several alternatives")),
            };
        }
        let kinds: Vec<_> = match schema.get("type") {
            Some(Json::String(kind)) => vec![kind.as_str()],
            Some(Json::Array(kinds)) => kinds
                .iter()
                .filter_map(Json::as_str)
                .filter(|kind| *kind != "null")
                .collect(),
            _ => Vec::new(),
        };
        match kinds.as_slice() {
            ["boolean"] => Ok(Type::Boolean),
            ["integer"] => match text(schema, "format") {
                "int128" | "uint128" => {
                    Err(self.fail("a number cannot have 128 bits; use a string"))
                }
                format => Ok(Type::Integer(within(
                    format,
                    limits(schema, "minimum", "maximum"),
                ))),
            },
            ["number"] => Ok(Type::Number(limits(schema, "minimum", "maximum"))),
            ["string"] if schema.contains_key("enum") || schema.contains_key("const") => {
                Err(self.fail("an enum has to be a type of its own"))
            }
            ["string"] if schema.contains_key("pattern") => {
                Err(self.fail("a pattern would not be checked; let the resource check it"))
            }
            ["string"] => Ok(Type::String(limits(schema, "minLength", "maxLength"))),
            ["array"] => {
                let items = schema
                    .get("items")
                    .ok_or_else(|| self.fail("a tuple has to be a struct"))?;
                if admits_null(items) {
                    return Err(
                        self.fail("a list has no gaps, so that its items cannot be optional")
                    );
                }
                let items = self.inside("[]", |reader| reader.ty(items))?;
                Ok(Type::List(
                    Box::new(items),
                    limits(schema, "minItems", "maxItems"),
                ))
            }
            ["object"] => match schema.get("additionalProperties") {
                Some(values)
                    if !schema.contains_key("properties") && *values != Json::Bool(false) =>
                {
                    Ok(Type::Map(Box::new(
                        self.inside("{}", |reader| reader.ty(values))?,
                    )))
                }
                _ => Err(self
                    .fail("a struct has to be a type of its own, and the keys of a map any text")),
            },
            [] if !schema.contains_key("oneOf") => Ok(Type::Any),
            _ => Err(self.fail("it has several alternatives")),
        }
    }

    fn inside<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.place.push(step.to_owned());
        let result = read(self);
        self.place.pop();
        result
    }

    fn fail(&self, problem: &str) -> ShapeError {
        ShapeError {
            type_name: self.type_name.clone(),
            place: self.place.join("."),
            problem: problem.to_owned(),
        }
    }
}

fn text<'s>(schema: &'s Object, key: &str) -> &'s str {
    schema.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn is(schema: &Json, kind: &str) -> bool {
    schema.get("type").and_then(Json::as_str) == Some(kind)
}

fn admits_null(schema: &Json) -> bool {
    let kinds = schema
        .get("type")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    let alternatives = schema
        .get("anyOf")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    kinds.into_iter().any(|kind| kind == "null")
        || alternatives.into_iter().any(|schema| is(schema, "null"))
}

fn limits(schema: &Object, min: &str, max: &str) -> Limits {
    let number = |key: &str| schema.get(key).and_then(Json::as_f64);
    Limits {
        min: number(min),
        max: number(max),
    }
}

/// Narrows limits to what the Rust type behind `format` holds; beyond 2^53 a property value is not exact.
fn within(format: &str, limits: Limits) -> Limits {
    let (min, max) = match format {
        "int32" => (f64::from(i32::MIN), f64::from(i32::MAX)),
        "uint32" => (0.0, f64::from(u32::MAX)),
        "uint64" | "uint" => (0.0, EXACT),
        "int64" | "int" => (-EXACT, EXACT),
        _ => return limits,
    };
    Limits {
        min: Some(limits.min.map_or(min, |own| own.max(min))),
        max: Some(limits.max.map_or(max, |own| own.min(max))),
    }
}

/// Tells whether a definition is one of those that Pulumi has no names for: a newtype around anything but a struct
/// or an enum of its own.
fn is_alias(definition: &Json) -> bool {
    let Some(definition) = definition.as_object() else {
        return true;
    };
    let is_enum = ["oneOf", "anyOf", "enum", "const"]
        .iter()
        .any(|key| definition.contains_key(*key));
    let is_map =
        definition.contains_key("additionalProperties") && !definition.contains_key("properties");
    let is_map = is_map && definition.get("additionalProperties") != Some(&Json::Bool(false));
    !is_enum && (is_map || text(definition, "type") != "object")
}

/// Tells whether a variant says its name in a property rather than being a property of that name.
fn is_internally_tagged(variant: &Object) -> bool {
    let properties = variant
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten();
    properties
        .into_iter()
        .any(|(_, schema)| schema.get("const").is_some())
}

fn is_camel_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|char| char.is_ascii_alphanumeric())
}
