//! Completing what a program passed in: defaults, names, secrecy, and configuration that arrives as text.

use serde_json::Value as Json;

use crate::{PropertyMap, PropertyPath, Value};

use super::{Named, Problem, Property, Shape, Type};

impl Shape {
    /// Adds defaults for what is absent and marks secret what must be.
    ///
    /// What the program gave is returned as it was given: same representation, same wrappers at the same depth.
    #[must_use]
    pub fn complete(&self, mut map: PropertyMap) -> PropertyMap {
        self.complete_object(&self.properties, &mut map);
        map
    }

    fn complete_object(&self, properties: &[Property], map: &mut PropertyMap) {
        for property in properties {
            let absent = map.get(&property.name).is_none_or(Value::is_null);
            match &property.default {
                Some(default) if absent => {
                    map.insert(property.name.clone(), from_json(default));
                }
                _ => {}
            }
            if let Some(value) = map.get_mut(&property.name) {
                self.complete_value(&property.ty, value);
                if property.secret && !value.is_null() {
                    *value = Value::secret(std::mem::take(value));
                }
            }
        }
    }

    fn complete_value(&self, ty: &Type, value: &mut Value) {
        if let Value::Annotated(_) = value {
            let (mut content, secret, dependencies) = std::mem::take(value).into_parts();
            self.complete_value(ty, &mut content);
            *value = Value::annotated(content, secret, dependencies);
            return;
        }
        match (ty, value) {
            (Type::List(items, _), Value::List(list)) => {
                for item in list {
                    self.complete_value(items, item);
                }
            }
            (Type::Map(values), Value::Map(map)) => {
                for value in map.values_mut() {
                    self.complete_value(values, value);
                }
            }
            (Type::Named(_), Value::Map(map)) => {
                if let Some(properties) = self.object(ty) {
                    self.complete_object(properties, map);
                }
            }
            _ => {}
        }
    }

    /// Fills absent top-level properties from the environment variables that the shape names.
    #[must_use]
    pub fn with_environment(
        &self,
        mut map: PropertyMap,
        variable: impl Fn(&str) -> Option<String>,
    ) -> PropertyMap {
        for property in &self.properties {
            if map.get(&property.name).is_none_or(Value::is_null)
                && let Some(value) = property.environment.iter().find_map(|name| variable(name))
            {
                map.insert(property.name.clone(), Value::String(value));
            }
        }
        map
    }

    /// Reads configuration in which everything may have arrived as text: stack configuration is text throughout, and
    /// generated SDKs pass whatever is not text as JSON in a text.
    ///
    /// # Errors
    /// One problem for each text that should be JSON and is not.
    pub fn parse_texts(&self, map: &PropertyMap) -> Result<PropertyMap, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut parsed = map.clone();
        for property in &self.properties {
            let Some(value) = parsed.get_mut(&property.name) else {
                continue;
            };
            let (Some(text), false) = (value.as_str(), self.is_text(&property.ty)) else {
                continue;
            };
            match serde_json::from_str::<Json>(text) {
                Ok(json) => {
                    let (_, secret, dependencies) = std::mem::take(value).into_parts();
                    *value = Value::annotated(from_json(&json), secret, dependencies);
                }
                Err(_) => problems.push(Problem {
                    path: PropertyPath::root().key(&property.name),
                    reason: format!(
                        "must be {}, and the text given is not one in JSON",
                        property.ty.kind_name()
                    ),
                    secret: property.secret || value.is_secret(),
                }),
            }
        }
        if problems.is_empty() {
            Ok(parsed)
        } else {
            Err(problems)
        }
    }

    fn is_text(&self, ty: &Type) -> bool {
        match ty {
            Type::String(_) | Type::Any => true,
            Type::Named(name) => matches!(self.named(name), Some(Named::Enum { .. })),
            _ => false,
        }
    }
}

/// A JSON value as a property value; JSON has nothing that a property value cannot hold.
fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(map) => Value::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), from_json(value)))
                .collect(),
        ),
    }
}
