//! From [`Value`] to messages.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Wire};

use crate::asset::EMPTY_HASH;
use crate::{
    Archive, ArchiveContent, Asset, AssetContent, AssetOrArchive, PropertyMap, ResourceId,
    ResourceReference, Value,
};

use super::{ARCHIVE, ASSET, Dialect, OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN};

/// Writes a property map in the given dialect.
pub fn encode(map: &PropertyMap, dialect: Dialect) -> Struct {
    Struct {
        fields: map
            .iter()
            .map(|(key, value)| (key.clone(), encode_value(value, dialect)))
            .collect(),
    }
}

/// Writes a single value in the given dialect.
pub fn encode_value(value: &Value, dialect: Dialect) -> Wire {
    match value {
        Value::Null => wire(Kind::NullValue(0)),
        Value::Bool(flag) => wire(Kind::BoolValue(*flag)),
        Value::Number(number) => wire(Kind::NumberValue(*number)),
        Value::String(text) => string(text),
        Value::List(items) => list(
            items
                .iter()
                .map(|item| encode_value(item, dialect))
                .collect(),
        ),
        Value::Map(map) => wire(Kind::StructValue(encode(map, dialect))),
        Value::Asset(asset) => encode_asset(asset),
        Value::Archive(archive) => encode_archive(archive),
        Value::Resource(reference) => encode_reference(reference),
        Value::Unknown => string(UNKNOWN),
        Value::Annotated(annotated) => {
            let content = annotated.content();
            let dependencies = annotated.dependencies();
            if dependencies.is_empty() || dialect == Dialect::Custom {
                let content = encode_value(content, dialect);
                return if annotated.is_secret() {
                    special(SECRET, [("value", Some(content))])
                } else {
                    content
                };
            }
            special(
                OUTPUT,
                [
                    (
                        "value",
                        (!content.is_unknown()).then(|| encode_value(content, dialect)),
                    ),
                    (
                        "secret",
                        annotated.is_secret().then(|| wire(Kind::BoolValue(true))),
                    ),
                    (
                        "dependencies",
                        Some(list(
                            dependencies
                                .iter()
                                .map(|urn| string(urn.as_str()))
                                .collect(),
                        )),
                    ),
                ],
            )
        }
    }
}

fn encode_asset(asset: &Asset) -> Wire {
    let content = match &asset.content {
        AssetContent::Text(text) => Some(("text", text)),
        AssetContent::Path(path) => Some(("path", path)),
        AssetContent::Uri(uri) => Some(("uri", uri)),
        AssetContent::Elided => None,
    };
    let hash = match &asset.content {
        // Without its hash an empty text would read back as an asset whose content was left out.
        AssetContent::Text(text) if text.is_empty() => Some(EMPTY_HASH),
        _ => asset.hash.as_deref(),
    };
    special(
        ASSET,
        [
            ("hash", hash.map(string)),
            content.map_or(("text", None), |(key, text)| (key, Some(string(text)))),
        ],
    )
}

fn encode_archive(archive: &Archive) -> Wire {
    let content = match &archive.content {
        ArchiveContent::Assets(members) => {
            let fields = members
                .iter()
                .map(|(path, member)| {
                    let member = match member {
                        AssetOrArchive::Asset(asset) => encode_asset(asset),
                        AssetOrArchive::Archive(archive) => encode_archive(archive),
                    };
                    (path.clone(), member)
                })
                .collect();
            ("assets", Some(wire(Kind::StructValue(Struct { fields }))))
        }
        ArchiveContent::Path(path) => ("path", Some(string(path))),
        ArchiveContent::Uri(uri) => ("uri", Some(string(uri))),
        ArchiveContent::Elided => ("path", None),
    };
    special(
        ARCHIVE,
        [("hash", archive.hash.as_deref().map(string)), content],
    )
}

fn encode_reference(reference: &ResourceReference) -> Wire {
    let id = reference.id.as_ref().map(|id| match id {
        ResourceId::Known(id) => string(id),
        ResourceId::Unknown => string(""),
    });
    special(
        RESOURCE,
        [
            ("urn", Some(string(reference.urn.as_str()))),
            ("id", id),
            (
                "packageVersion",
                reference.package_version.as_deref().map(string),
            ),
        ],
    )
}

pub(super) fn wire(kind: Kind) -> Wire {
    Wire { kind: Some(kind) }
}

pub(super) fn string(text: &str) -> Wire {
    wire(Kind::StringValue(text.to_owned()))
}

pub(super) fn list(values: Vec<Wire>) -> Wire {
    wire(Kind::ListValue(ListValue { values }))
}

fn special<const N: usize>(signature: &str, properties: [(&str, Option<Wire>); N]) -> Wire {
    let mut fields = BTreeMap::from([(SIGNATURE.to_owned(), string(signature))]);
    fields.extend(
        properties
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?))),
    );
    wire(Kind::StructValue(Struct { fields }))
}
