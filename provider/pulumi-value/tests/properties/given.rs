//! Generated values.

use std::collections::BTreeSet;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use pulumi_value::{
    Archive, ArchiveContent, Asset, AssetContent, AssetOrArchive, PropertyMap, ResourceId,
    ResourceReference, Urn, Value,
};

/// What every text that stands inside a secret contains, once [`hushed`] has seen the value.
pub(crate) const HUSH: &str = "hush";

pub(crate) fn urn() -> impl Strategy<Value = Urn> {
    ("[a-z]{1,4}", "[A-Z][a-z]{0,3}", "\\PC{1,6}").prop_map(|(project, own_type, name)| {
        Urn::parse(&format!(
            "urn:pulumi:dev::{project}::pkg:index:{own_type}::{name}"
        ))
        .expect("a well-formed URN")
    })
}

pub(crate) fn reference() -> impl Strategy<Value = ResourceReference> {
    let id = option::of(prop_oneof![
        "[a-z0-9-]{1,8}".prop_map(ResourceId::Known),
        Just(ResourceId::Unknown)
    ]);
    (urn(), id, option::of("[0-9.]{1,5}")).prop_map(|(urn, id, package_version)| {
        ResourceReference {
            urn,
            id,
            package_version,
        }
    })
}

/// Assets in the form that reading gives them: an empty text has its hash, and texts and hashes are not empty else.
pub(crate) fn asset() -> impl Strategy<Value = Asset> {
    let content = prop_oneof![
        "\\PC{1,8}".prop_map(AssetContent::Text),
        "[a-z./]{1,8}".prop_map(AssetContent::Path),
        "[a-z:/]{1,8}".prop_map(AssetContent::Uri),
        Just(AssetContent::Elided),
    ];
    let empty_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    prop_oneof![
        9 => (hash(), content).prop_map(|(hash, content)| Asset { hash, content }),
        1 => Just(Asset { hash: Some(empty_hash.to_owned()), content: AssetContent::Text(String::new()) }),
    ]
}

pub(crate) fn archive() -> impl Strategy<Value = Archive> {
    let content = prop_oneof![
        "[a-z./]{1,8}".prop_map(ArchiveContent::Path),
        "[a-z:/]{1,8}".prop_map(ArchiveContent::Uri),
        Just(ArchiveContent::Elided),
    ];
    let leaf = (hash(), content).prop_map(|(hash, content)| Archive { hash, content });
    leaf.prop_recursive(3, 8, 3, |inner| {
        let member = prop_oneof![
            asset().prop_map(AssetOrArchive::Asset),
            inner.prop_map(AssetOrArchive::Archive)
        ];
        (hash(), btree_map("\\PC{0,6}", member, 0..3)).prop_map(|(hash, members)| Archive {
            hash,
            content: ArchiveContent::Assets(members),
        })
    })
}

fn hash() -> impl Strategy<Value = Option<String>> {
    option::of("[0-9a-f]{8}")
}

pub(crate) fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        (-1000..1000_i32).prop_map(f64::from),
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
    ]
}

/// Values of all kinds, with annotations anywhere.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        "\\PC{0,8}".prop_map(Value::String),
        asset().prop_map(Value::Asset),
        archive().prop_map(Value::Archive),
        reference().prop_map(Value::Resource),
        Just(Value::Unknown),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            btree_map(key(), inner.clone(), 0..4).prop_map(Value::Map),
            wrapped(inner),
        ]
    })
}

/// Keys that meet each other now and then, besides any text.
pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]", "\\PC{0,6}"]
}

pub(crate) fn map() -> impl Strategy<Value = PropertyMap> {
    btree_map(key(), value(), 0..5)
}

/// Secrecy and dependencies, one of them, or neither.
pub(crate) fn wrapped(content: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (content, any::<bool>(), btree_set(urn(), 0..3))
        .prop_map(|(content, secret, dependencies)| Value::annotated(content, secret, dependencies))
}

/// Makes every text and key inside a secret contain [`HUSH`].
pub(crate) fn hushed(value: Value, inside: bool) -> Value {
    let hush = |text: String| {
        if inside {
            format!("{HUSH}-{text}")
        } else {
            text
        }
    };
    match value {
        Value::Annotated(annotated) => {
            let (content, secret, dependencies) = annotated.into_parts();
            Value::annotated(hushed(content, inside || secret), secret, dependencies)
        }
        Value::String(text) => Value::String(hush(text)),
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| hushed(item, inside)).collect())
        }
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (hush(key), hushed(value, inside)))
                .collect(),
        ),
        Value::Asset(asset) if inside => Value::Asset(Asset {
            content: AssetContent::Text(HUSH.to_owned()),
            ..asset
        }),
        Value::Archive(archive) if inside => Value::Archive(Archive {
            content: ArchiveContent::Path(HUSH.to_owned()),
            ..archive
        }),
        other => other,
    }
}

/// The value without any annotation's dependencies.
pub(crate) fn without_dependencies(value: Value) -> Value {
    match value {
        Value::Annotated(annotated) => {
            let (content, secret, _) = annotated.into_parts();
            Value::annotated(without_dependencies(content), secret, BTreeSet::new())
        }
        Value::List(items) => Value::List(items.into_iter().map(without_dependencies).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (key, without_dependencies(value)))
                .collect(),
        ),
        other => other,
    }
}

/// The value with something known wherever something is not.
pub(crate) fn all_known(value: Value) -> Value {
    match value {
        Value::Annotated(annotated) => {
            let (content, secret, dependencies) = annotated.into_parts();
            Value::annotated(all_known(content), secret, dependencies)
        }
        Value::List(items) => Value::List(items.into_iter().map(all_known).collect()),
        Value::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, value)| (key, all_known(value)))
                .collect(),
        ),
        Value::Resource(reference) => {
            let id = reference.id.map(|_| ResourceId::Known("id".to_owned()));
            Value::Resource(ResourceReference { id, ..reference })
        }
        Value::Unknown => Value::from("known"),
        other => other,
    }
}

/// Walks two maps of one type through `change`.
pub(crate) fn each(map: PropertyMap, change: impl Fn(Value) -> Value) -> PropertyMap {
    map.into_iter()
        .map(|(key, value)| (key, change(value)))
        .collect()
}
