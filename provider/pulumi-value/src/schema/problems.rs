//! What is wrong with the properties that a program passed in: everything at once, each with its place.

use crate::{PropertyMap, PropertyPath, Value};

use super::{Limits, Named, Property, Shape, Type};

/// One thing that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub path: PropertyPath,
    /// What is wrong, without the place and without quoting the value.
    pub reason: String,
    /// Whether the value there is secret, so that nobody may print it beside the reason.
    pub secret: bool,
}

impl Problem {
    /// Names a problem with a value that is not secret.
    pub fn new(path: PropertyPath, reason: impl Into<String>) -> Self {
        Self {
            path,
            reason: reason.into(),
            secret: false,
        }
    }
}

/// Alike enough to be a typing error: the share of equal letters (Jaro-Winkler) from which a name is proposed.
/// Ours: at 0.8 swapped, missing and doubled letters are caught and unrelated names are not.
const ALIKE: f64 = 0.8;

impl Shape {
    /// Finds everything in `map` that does not fit this shape; unknowns fit everywhere.
    pub fn problems(&self, map: &PropertyMap) -> Vec<Problem> {
        let mut checker = Checker {
            shape: self,
            found: Vec::new(),
        };
        checker.object(&self.properties, map, &PropertyPath::root(), false);
        checker.found
    }
}

struct Checker<'s> {
    shape: &'s Shape,
    found: Vec<Problem>,
}

impl Checker<'_> {
    fn object(
        &mut self,
        properties: &[Property],
        map: &PropertyMap,
        path: &PropertyPath,
        secret: bool,
    ) {
        for (key, value) in map {
            // Null and absent mean the same.
            if value.is_null() {
                continue;
            }
            let below = path.key(key);
            match properties.iter().find(|property| property.name == *key) {
                Some(property) => {
                    self.value(&property.ty, value, &below, secret || property.secret);
                }
                None => self.report(
                    &below,
                    secret || value.contains_secret(),
                    unknown_property(key, properties),
                ),
            }
        }
        for property in properties {
            if property.required && map.get(&property.name).is_none_or(Value::is_null) {
                self.report(
                    &path.key(&property.name),
                    secret || property.secret,
                    "is required but missing",
                );
            }
        }
    }

    fn value(&mut self, ty: &Type, value: &Value, path: &PropertyPath, secret: bool) {
        let secret = secret || value.is_secret();
        let content = value.content();
        if matches!(content, Value::Unknown | Value::Null) {
            return;
        }
        match (ty, content) {
            (Type::Boolean, Value::Bool(_))
            | (Type::Asset, Value::Asset(_))
            | (Type::Archive, Value::Archive(_))
            // A reference stands for the id of what it refers to where a text is expected.
            | (Type::Resource | Type::String(_), Value::Resource(_))
            | (Type::Any, _) => {}
            (Type::Integer(limits), Value::Number(number)) => {
                if number.fract() != 0.0 {
                    self.report(path, secret, "must be a whole number");
                }
                self.within(*limits, *number, "", path, secret);
            }
            (Type::Number(limits), Value::Number(number)) => self.within(*limits, *number, "", path, secret),
            (Type::String(limits), Value::String(text)) => {
                self.within(*limits, length(text.chars().count()), "characters", path, secret);
            }
            (Type::List(items, limits), Value::List(list)) => {
                self.within(*limits, length(list.len()), "items", path, secret || content.contains_secret());
                for (index, item) in list.iter().enumerate() {
                    let path = path.index(index);
                    // Elsewhere null means absent, but a list has no gaps.
                    if item.is_null() && **items != Type::Any {
                        self.mismatch(self.expected(items), item.content(), &path, secret || item.is_secret());
                    }
                    self.value(items, item, &path, secret);
                }
            }
            (Type::Map(values), Value::Map(map)) => {
                for (key, value) in map {
                    self.value(values, value, &path.key(key), secret);
                }
            }
            (Type::Named(name), content) => self.named(name, content, path, secret),
            (ty, found) => self.mismatch(self.expected(ty), found, path, secret),
        }
    }

    fn named(&mut self, name: &str, content: &Value, path: &PropertyPath, secret: bool) {
        match (self.shape.named(name), content) {
            (
                Some(Named::Object {
                    properties,
                    exactly_one,
                    ..
                }),
                Value::Map(map),
            ) => {
                let given = map.values().filter(|value| !value.is_null()).count();
                if *exactly_one && given != 1 {
                    let names: Vec<_> = properties
                        .iter()
                        .map(|property| property.name.as_str())
                        .collect();
                    let secret = secret || content.contains_secret();
                    self.report(
                        path,
                        secret,
                        format!("must have exactly one of `{}`", names.join("`, `")),
                    );
                }
                self.object(properties, map, path, secret);
            }
            (Some(Named::Enum { values, .. }), Value::String(text)) => {
                if !values.iter().any(|allowed| allowed.value == *text) {
                    let names: Vec<_> = values
                        .iter()
                        .map(|allowed| allowed.value.as_str())
                        .collect();
                    let hint = if secret {
                        String::new()
                    } else {
                        did_you_mean(text, names.iter().copied())
                    };
                    self.report(
                        path,
                        secret,
                        format!("must be one of `{}`{hint}", names.join("`, `")),
                    );
                }
            }
            (Some(Named::Object { .. }), found) => self.mismatch("an object", found, path, secret),
            (Some(Named::Enum { .. }), found) => self.mismatch("a string", found, path, secret),
            (None, _) => {}
        }
    }

    fn expected(&self, ty: &Type) -> &'static str {
        match ty {
            Type::Named(name) if matches!(self.shape.named(name), Some(Named::Enum { .. })) => {
                "a string"
            }
            ty => ty.kind_name(),
        }
    }

    fn within(
        &mut self,
        limits: Limits,
        number: f64,
        unit: &str,
        path: &PropertyPath,
        secret: bool,
    ) {
        let outside = limits.min.is_some_and(|min| number < min)
            || limits.max.is_some_and(|max| number > max);
        if !outside {
            return;
        }
        let verb = if unit.is_empty() { "be" } else { "have" };
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(" {unit}")
        };
        let reason = match (limits.min, limits.max) {
            (Some(min), Some(max)) => format!("must {verb} between {min} and {max}{unit}"),
            (Some(min), None) => format!("must {verb} at least {min}{unit}"),
            (_, max) => format!("must {verb} at most {}{unit}", max.unwrap_or_default()),
        };
        self.report(path, secret, reason);
    }

    fn mismatch(&mut self, expected: &str, found: &Value, path: &PropertyPath, secret: bool) {
        let secret = secret || found.contains_secret();
        self.report(
            path,
            secret,
            format!("must be {expected}, found {}", found.kind_name()),
        );
    }

    fn report(&mut self, path: &PropertyPath, secret: bool, reason: impl Into<String>) {
        self.found.push(Problem {
            path: path.clone(),
            reason: reason.into(),
            secret,
        });
    }
}

impl Type {
    /// Names what is expected, as messages for people say it.
    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Type::Boolean => "a boolean",
            Type::Integer(_) => "a whole number",
            Type::Number(_) => "a number",
            Type::String(_) => "a string",
            Type::List(..) => "a list",
            Type::Map(_) | Type::Named(_) => "an object",
            Type::Asset => "an asset",
            Type::Archive => "an archive",
            Type::Resource => "a resource",
            Type::Any => "anything",
        }
    }
}

fn unknown_property(key: &str, properties: &[Property]) -> String {
    let hint = did_you_mean(
        key,
        properties.iter().map(|property| property.name.as_str()),
    );
    format!("is not a known property{hint}")
}

/// Proposes the candidate that is most alike, if one is alike enough.
fn did_you_mean<'c>(given: &str, candidates: impl Iterator<Item = &'c str>) -> String {
    let lower = given.to_lowercase();
    candidates
        .map(|candidate| {
            (
                strsim::jaro_winkler(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean `{candidate}`?")
        })
}

/// A length as a number: exact, since no message holds 2^53 of anything.
#[expect(
    clippy::cast_precision_loss,
    reason = "lengths of values that fit into memory are far below 2^53"
)]
fn length(count: usize) -> f64 {
    count as f64
}
