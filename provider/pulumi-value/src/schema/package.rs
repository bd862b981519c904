//! The package schema that SDKs are generated from.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{Limits, Named, Property, Shape, ShapeError, Type};

/// What a package says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageMetadata {
    /// The package's name, the first part of every token.
    pub name: &'static str,
    /// The version, without a leading `v`.
    pub version: &'static str,
    /// The name as people write it.
    pub display_name: &'static str,
    /// What the package is for, in one sentence.
    pub description: &'static str,
    /// Who publishes it.
    pub publisher: &'static str,
    /// Its home on the web.
    pub homepage: &'static str,
    /// Where its source is.
    pub repository: &'static str,
    /// The licence's SPDX identifier.
    pub license: &'static str,
    /// Words to find it by.
    pub keywords: &'static [&'static str],
    /// Where the Pulumi CLI downloads the plugin from.
    pub plugin_download_url: &'static str,
    /// The name of the TypeScript package.
    pub node_package: &'static str,
}

/// Everything that a package offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// What the package says about itself.
    pub metadata: PackageMetadata,
    /// The provider's configuration.
    pub config: Shape,
    /// Resources by token.
    pub resources: BTreeMap<String, Resource>,
    /// Functions by token, methods among them.
    pub functions: BTreeMap<String, Function>,
}

/// A resource, custom or component.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Whether it is a component.
    pub component: bool,
    /// What the program passes in.
    pub inputs: Shape,
    /// What the program gets back; a custom resource's own state without its inputs.
    pub outputs: Shape,
    /// Method names with the tokens of their functions.
    pub methods: BTreeMap<String, String>,
}

/// A function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// What the program passes in.
    pub inputs: Shape,
    /// What the program gets back.
    pub outputs: Shape,
    /// The token of the resource whose method this is.
    pub method_of: Option<Method>,
}

/// The resource that a method belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The resource's token.
    pub resource: String,
}

impl Package {
    /// Renders the schema as the Pulumi CLI expects it; the same package always gives the same text.
    ///
    /// # Errors
    /// When two types of different shape share a name, or a property has a name that Pulumi keeps for itself.
    pub fn render(&self) -> Result<Json, ShapeError> {
        let mut types = Shape::default();
        let mut resources = Map::new();
        not_reserved(
            "the provider's configuration",
            &self.config,
            &["version", "pulumi"],
        )?;
        for (token, resource) in &self.resources {
            // A component has no id of its own, so that it may call an output that.
            let reserved: &[_] = if resource.component {
                &["urn", "pulumi"]
            } else {
                &["urn", "pulumi", "id"]
            };
            not_reserved(token, &resource.inputs, reserved)?;
            not_reserved(token, &resource.outputs, reserved)?;
            types = types
                .joined(&named_only(&resource.inputs))?
                .joined(&named_only(&resource.outputs))?;
            resources.insert(token.clone(), self.resource(resource)?);
        }
        let mut functions = Map::new();
        for (token, function) in &self.functions {
            types = types
                .joined(&named_only(&function.inputs))?
                .joined(&named_only(&function.outputs))?;
            functions.insert(token.clone(), self.function(function));
        }
        types = types.joined(&named_only(&self.config))?;
        let types: Map<_, _> = types
            .types
            .iter()
            .map(|(name, named)| (self.token(name), self.named(named)))
            .collect();
        let config = self.properties(&self.config.properties, Side::Config);
        let metadata = &self.metadata;
        Ok(json!({
            "name": metadata.name,
            "version": metadata.version,
            "displayName": metadata.display_name,
            "description": metadata.description,
            "publisher": metadata.publisher,
            "homepage": metadata.homepage,
            "repository": metadata.repository,
            "license": metadata.license,
            "keywords": metadata.keywords,
            "pluginDownloadURL": metadata.plugin_download_url,
            "meta": { "moduleFormat": "(.*)" },
            "language": { "nodejs": {
                "packageName": metadata.node_package,
                "respectSchemaVersion": true,
                "dependencies": { "@pulumi/pulumi": "^3.142.0" },
                "devDependencies": { "@types/node": "^20", "typescript": "^5.9.0" },
            } },
            "config": { "variables": config },
            "provider": {
                "description": self.config.description,
                "inputProperties": config,
                "requiredInputs": required(&self.config.properties, Side::Config),
            },
            "types": types,
            "resources": resources,
            "functions": functions,
        }))
    }

    fn token(&self, name: &str) -> String {
        format!("{}:index:{name}", self.metadata.name)
    }

    fn resource(&self, resource: &Resource) -> Result<Json, ShapeError> {
        let outputs = if resource.component {
            resource.outputs.clone()
        } else {
            resource.inputs.joined(&resource.outputs)?
        };
        let mut rendered = json!({
            "description": resource.inputs.description,
            "inputProperties": self.properties(&resource.inputs.properties, Side::Input),
            "requiredInputs": required(&resource.inputs.properties, Side::Input),
            "properties": self.properties(&outputs.properties, Side::Output),
            "required": required(&outputs.properties, Side::Output),
        });
        if resource.component {
            rendered["isComponent"] = true.into();
        }
        if !resource.methods.is_empty() {
            rendered["methods"] = json!(resource.methods);
        }
        Ok(rendered)
    }

    fn function(&self, function: &Function) -> Json {
        let mut inputs = self.object(&function.inputs.properties, Side::Input);
        if let Some(method) = &function.method_of {
            inputs["properties"]["__self__"] =
                json!({ "$ref": format!("#/resources/{}", method.resource) });
            if let Some(required) = inputs["required"].as_array_mut() {
                required.push("__self__".into());
            }
        }
        let mut rendered = json!({ "description": function.inputs.description, "inputs": inputs });
        if !function.outputs.properties.is_empty() {
            rendered["outputs"] = self.object(&function.outputs.properties, Side::Output);
            rendered["outputs"]["description"] = function.outputs.description.as_str().into();
        }
        rendered
    }

    fn named(&self, named: &Named) -> Json {
        match named {
            Named::Object {
                description,
                properties,
                exactly_one,
            } => {
                let mut rendered = self.object(properties, Side::Input);
                let rule =
                    exactly_one.then(|| "Exactly one of the properties is given.".to_owned());
                rendered["description"] = paragraphs([Some(description.clone()), rule]).into();
                rendered
            }
            Named::Enum {
                description,
                values,
            } => json!({
                "type": "string",
                "description": description,
                "enum": values.iter().map(|value| json!({
                    "name": pascal_case(&value.value),
                    "value": value.value,
                    "description": value.description,
                })).collect::<Vec<_>>(),
            }),
        }
    }

    fn object(&self, properties: &[Property], side: Side) -> Json {
        json!({
            "type": "object",
            "properties": self.properties(properties, side),
            "required": required(properties, side),
        })
    }

    fn properties(&self, properties: &[Property], side: Side) -> Json {
        let rendered: Map<_, _> = properties
            .iter()
            .map(|property| (property.name.clone(), self.property(property, side)))
            .collect();
        Json::Object(rendered)
    }

    fn property(&self, property: &Property, side: Side) -> Json {
        let mut rendered = self.ty(&property.ty);
        rendered["description"] = describe(property, side).into();
        if property.secret {
            rendered["secret"] = true.into();
        }
        if let Some(deprecated) = &property.deprecated {
            rendered["deprecationMessage"] = deprecated.as_str().into();
        }
        if side == Side::Config && !property.environment.is_empty() {
            rendered["defaultInfo"] = json!({ "environment": property.environment });
        }
        if side != Side::Output {
            if property.replace {
                rendered["willReplaceOnChanges"] = true.into();
            }
            if property.plain {
                make_plain(&mut rendered);
            }
            // Lists and objects have no defaults in a Pulumi schema; Check applies theirs.
            if let Some(default @ (Json::Bool(_) | Json::Number(_) | Json::String(_))) =
                &property.default
            {
                rendered["default"] = default.clone();
            }
        }
        rendered
    }

    fn ty(&self, ty: &Type) -> Json {
        match ty {
            Type::Boolean => json!({ "type": "boolean" }),
            Type::Integer(_) => json!({ "type": "integer" }),
            Type::Number(_) => json!({ "type": "number" }),
            Type::String(_) => json!({ "type": "string" }),
            Type::List(items, _) => json!({ "type": "array", "items": self.ty(items) }),
            Type::Map(values) => {
                json!({ "type": "object", "additionalProperties": self.ty(values) })
            }
            Type::Named(name) => json!({ "$ref": format!("#/types/{}", self.token(name)) }),
            Type::Asset => json!({ "$ref": "pulumi.json#/Asset" }),
            Type::Archive => json!({ "$ref": "pulumi.json#/Archive" }),
            Type::Resource | Type::Any => json!({ "$ref": "pulumi.json#/Any" }),
        }
    }
}

/// Which way the values of a shape travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// From stack configuration, the program or the environment to the provider.
    Config,
    /// From the program to the provider.
    Input,
    /// From the provider to the program.
    Output,
}

fn required(properties: &[Property], side: Side) -> Vec<&str> {
    let given = |property: &&Property| match side {
        Side::Config => {
            property.required && property.default.is_none() && property.environment.is_empty()
        }
        Side::Input => property.required && property.default.is_none(),
        // What has a default is always there once Check has run.
        Side::Output => {
            property.required || property.default.is_some() || property.autoname.is_some()
        }
    };
    properties
        .iter()
        .filter(given)
        .map(|property| property.name.as_str())
        .collect()
}

/// The doc comment, and what the schema has no keyword for or SDKs do not show: limits and defaults.
fn describe(property: &Property, side: Side) -> String {
    let default = property
        .default
        .as_ref()
        .filter(|default| side != Side::Output && !is_empty(default));
    paragraphs([
        Some(property.description.clone()),
        allowed(&property.ty).map(|allowed| format!("Allowed: {allowed}.")),
        default.map(|default| format!("Default: `{}`.", plainly(default))),
    ])
}

fn paragraphs<const N: usize>(parts: [Option<String>; N]) -> String {
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// A default as a program would write it: a whole number without the fraction that its Rust type adds.
fn plainly(default: &Json) -> String {
    match default {
        Json::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// Tells whether a default is what everybody expects of an absent list or map.
fn is_empty(default: &Json) -> bool {
    default.as_array().is_some_and(Vec::is_empty) || default.as_object().is_some_and(Map::is_empty)
}

fn allowed(ty: &Type) -> Option<String> {
    match ty {
        Type::Integer(limits) | Type::Number(limits) => range(*limits, ""),
        Type::String(limits) => range(*limits, " characters"),
        Type::List(items, limits) => match (range(*limits, " items"), allowed(items)) {
            (Some(own), Some(each)) => Some(format!("{own}, each {each}")),
            (None, Some(each)) => Some(format!("each {each}")),
            (own, None) => own,
        },
        Type::Map(values) => allowed(values).map(|each| format!("each {each}")),
        _ => None,
    }
}

fn range(limits: Limits, unit: &str) -> Option<String> {
    // The limits of the wide number types are nothing that a program comes near to.
    let min = limits.min.filter(|min| *min > f64::from(i32::MIN));
    let max = limits.max.filter(|max| *max < f64::from(i32::MAX));
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}{unit}")),
        // Every unsigned type begins at zero and every text and list at no length; saying so helps nobody.
        (Some(min), None) if min > 0.0 => Some(format!("{min}{unit} or more")),
        (None, Some(max)) => Some(format!("up to {max}{unit}")),
        _ => None,
    }
}

/// Marks a type as known in previews all the way down: an element that is not known leaves nothing of the whole.
fn make_plain(rendered: &mut Json) {
    rendered["plain"] = true.into();
    for inner in ["items", "additionalProperties"] {
        if rendered.get(inner).is_some() {
            make_plain(&mut rendered[inner]);
        }
    }
}

fn not_reserved(owner: &str, shape: &Shape, reserved: &[&str]) -> Result<(), ShapeError> {
    match shape
        .properties
        .iter()
        .find(|property| reserved.contains(&property.name.as_str()))
    {
        None => Ok(()),
        Some(property) => Err(ShapeError {
            type_name: owner.to_owned(),
            place: property.name.clone(),
            problem: "the name is reserved by Pulumi".to_owned(),
        }),
    }
}

fn named_only(shape: &Shape) -> Shape {
    Shape {
        types: shape.types.clone(),
        ..Shape::default()
    }
}

fn pascal_case(value: &str) -> String {
    let words = value
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(|word| {
            let mut chars = word.chars();
            chars
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .chain(chars)
                .collect::<String>()
        })
        .collect()
}
