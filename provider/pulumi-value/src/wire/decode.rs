//! From messages to [`Value`].

use std::collections::{BTreeMap, BTreeSet};

use prost_types::value::Kind;
use prost_types::{Struct, Value as Wire};

use crate::asset::EMPTY_HASH;
use crate::{
    Archive, ArchiveContent, Asset, AssetContent, AssetOrArchive, PathSegment, PropertyMap,
    PropertyPath, ResourceId, ResourceReference, Urn, Value,
};

use super::{
    ARCHIVE, ASSET, DEPTH_MAX, OUTPUT, RESOURCE, SECRET, SIGNATURE, WireError, WireProblem,
    is_unknown,
};

/// Reads a property map.
///
/// # Errors
/// When a special object is malformed, a number is not finite, or the nesting is too deep.
pub fn decode(message: Struct) -> Result<PropertyMap, WireError> {
    Decoder::default().map(message.fields)
}

/// Reads a single value, such as a replacement trigger.
///
/// # Errors
/// As [`decode`].
pub fn decode_value(message: Wire) -> Result<Value, WireError> {
    Decoder::default().value(message)
}

type Fields = BTreeMap<String, Wire>;

/// Reads messages and remembers how deep it is.
///
/// Where it is gets known only when something is wrong: each level adds its step to an error that passes through,
/// which spares the common case a path for every value.
#[derive(Default)]
struct Decoder {
    depth: usize,
}

impl Decoder {
    fn value(&mut self, message: Wire) -> Result<Value, WireError> {
        Ok(match message.kind {
            None | Some(Kind::NullValue(_)) => Value::Null,
            Some(Kind::BoolValue(flag)) => Value::Bool(flag),
            Some(Kind::NumberValue(number)) if number.is_finite() => Value::Number(number),
            Some(Kind::NumberValue(_)) => return Err(fail(WireProblem::NotFinite)),
            Some(Kind::StringValue(text)) if is_unknown(&text) => Value::Unknown,
            Some(Kind::StringValue(text)) => Value::String(text),
            Some(Kind::ListValue(items)) => {
                let items = items.values.into_iter().enumerate();
                let read = items.map(|(index, item)| {
                    self.below(item)
                        .map_err(|error| inside(PathSegment::Index(index), error))
                });
                Value::List(read.collect::<Result<_, _>>()?)
            }
            Some(Kind::StructValue(object)) => self.object(object.fields)?,
        })
    }

    fn map(&mut self, fields: Fields) -> Result<PropertyMap, WireError> {
        let read = fields
            .into_iter()
            .map(|(key, value)| match self.below(value) {
                Ok(value) => Ok((key, value)),
                Err(error) => Err(inside(PathSegment::Key(key), error)),
            });
        read.collect()
    }

    /// Reads a value one level deeper.
    fn below(&mut self, message: Wire) -> Result<Value, WireError> {
        if self.depth == DEPTH_MAX {
            return Err(fail(WireProblem::TooDeep));
        }
        self.depth += 1;
        let result = self.value(message);
        self.depth -= 1;
        result
    }

    fn object(&mut self, mut fields: Fields) -> Result<Value, WireError> {
        let Some(signature) = fields.remove(SIGNATURE) else {
            return self.map(fields).map(Value::Map);
        };
        match signature.kind {
            Some(Kind::StringValue(kind)) => match kind.as_str() {
                SECRET => {
                    let content = fields
                        .remove("value")
                        .ok_or_else(|| fail(WireProblem::Missing("value")))?;
                    self.below(content).map(Value::secret)
                }
                OUTPUT => self.output(fields),
                RESOURCE => reference(&mut fields).map(Value::Resource),
                ASSET => asset(&mut fields).map(Value::Asset),
                ARCHIVE => self.archive(&mut fields).map(Value::Archive),
                _ => Err(fail(WireProblem::UnknownSignature)),
            },
            _ => Err(fail(WireProblem::UnknownSignature)),
        }
    }

    fn output(&mut self, mut fields: Fields) -> Result<Value, WireError> {
        let content = match fields.remove("value") {
            Some(content) => self.below(content)?,
            None => Value::Unknown,
        };
        let secret = match fields.remove("secret").and_then(|value| value.kind) {
            None | Some(Kind::NullValue(_)) => false,
            Some(Kind::BoolValue(flag)) => flag,
            Some(_) => return Err(fail(WireProblem::WrongType("secret", "a boolean"))),
        };
        let dependencies = match fields.remove("dependencies").and_then(|value| value.kind) {
            None | Some(Kind::NullValue(_)) => BTreeSet::new(),
            Some(Kind::ListValue(list)) => {
                list.values
                    .into_iter()
                    .map(|value| match value.kind {
                        Some(Kind::StringValue(text)) => Urn::parse(&text)
                            .map_err(|_| fail(WireProblem::BrokenUrn("dependencies"))),
                        _ => Err(fail(WireProblem::WrongType(
                            "dependencies",
                            "a list of URNs",
                        ))),
                    })
                    .collect::<Result<_, _>>()?
            }
            Some(_) => {
                return Err(fail(WireProblem::WrongType(
                    "dependencies",
                    "a list of URNs",
                )));
            }
        };
        Ok(Value::annotated(content, secret, dependencies))
    }

    fn archive(&mut self, fields: &mut Fields) -> Result<Archive, WireError> {
        let hash = non_empty(fields, "hash")?;
        let content = match fields.remove("assets").and_then(|value| value.kind) {
            Some(Kind::StructValue(members)) => {
                ArchiveContent::Assets(self.members(members.fields)?)
            }
            None | Some(Kind::NullValue(_)) => {
                if let Some(path) = non_empty(fields, "path")? {
                    ArchiveContent::Path(path)
                } else if let Some(uri) = non_empty(fields, "uri")? {
                    ArchiveContent::Uri(uri)
                } else {
                    ArchiveContent::Elided
                }
            }
            Some(_) => return Err(fail(WireProblem::WrongType("assets", "an object"))),
        };
        Ok(Archive { hash, content })
    }

    fn members(&mut self, fields: Fields) -> Result<BTreeMap<String, AssetOrArchive>, WireError> {
        let wrong = WireProblem::WrongType("assets", "an object of assets and archives");
        self.map(fields)?
            .into_iter()
            .map(|(path, member)| match member {
                Value::Asset(asset) => Ok((path, AssetOrArchive::Asset(asset))),
                Value::Archive(archive) => Ok((path, AssetOrArchive::Archive(archive))),
                _ => Err(inside(PathSegment::Key(path), fail(wrong.clone()))),
            })
            .collect()
    }
}

fn reference(fields: &mut Fields) -> Result<ResourceReference, WireError> {
    let urn = text(fields, "urn")?.ok_or_else(|| fail(WireProblem::Missing("urn")))?;
    let urn = Urn::parse(&urn).map_err(|_| fail(WireProblem::BrokenUrn("urn")))?;
    let id = text(fields, "id")?.map(|id| {
        if id.is_empty() || is_unknown(&id) {
            ResourceId::Unknown
        } else {
            ResourceId::Known(id)
        }
    });
    let package_version = text(fields, "packageVersion")?.filter(|version| !version.is_empty());
    Ok(ResourceReference {
        urn,
        id,
        package_version,
    })
}

fn asset(fields: &mut Fields) -> Result<Asset, WireError> {
    let hash = non_empty(fields, "hash")?;
    let content = if let Some(text) = non_empty(fields, "text")? {
        AssetContent::Text(text)
    } else if let Some(path) = non_empty(fields, "path")? {
        AssetContent::Path(path)
    } else if let Some(uri) = non_empty(fields, "uri")? {
        AssetContent::Uri(uri)
    } else if hash.as_deref() == Some(EMPTY_HASH) {
        AssetContent::Text(String::new())
    } else {
        AssetContent::Elided
    };
    Ok(Asset { hash, content })
}

fn text(fields: &mut Fields, key: &'static str) -> Result<Option<String>, WireError> {
    match fields.remove(key).and_then(|value| value.kind) {
        None | Some(Kind::NullValue(_)) => Ok(None),
        Some(Kind::StringValue(text)) => Ok(Some(text)),
        Some(_) => Err(fail(WireProblem::WrongType(key, "a string"))),
    }
}

fn non_empty(fields: &mut Fields, key: &'static str) -> Result<Option<String>, WireError> {
    Ok(text(fields, key)?.filter(|text| !text.is_empty()))
}

fn fail(problem: WireProblem) -> WireError {
    WireError {
        path: PropertyPath::root(),
        problem,
    }
}

fn inside(step: PathSegment, error: WireError) -> WireError {
    WireError {
        path: error.path.under(step),
        ..error
    }
}
