//! What must hold for any bytes at all: the bodies of the fuzz targets, and of the bounded run among the tests.
//!
//! `cargo +nightly fuzz run decode` in this folder's parent looks for bytes for which it does not. What it finds goes
//! into the corpus, under a name that says what was wrong.
#![allow(dead_code, reason = "each user needs some of it")]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use prost::Message;
use pulumi_value::schema::{ChangeKind, Shape};
use pulumi_value::wire::{self, Dialect};
use pulumi_value::{
    Archive, Asset, Output, PropertyMap, PropertyPath, ResourceReference, Secret, Urn, Value,
    from_map, to_map,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads the bytes as a message and, if it holds properties, takes them through everything that a provider does.
pub(crate) fn decode(bytes: &[u8]) {
    let Ok(message) = prost_types::Struct::decode(bytes) else {
        return;
    };
    let Ok(map) = wire::decode(message) else {
        return;
    };

    let written = wire::encode(&map, Dialect::Component);
    let reread = prost_types::Struct::decode(written.encode_to_vec().as_slice())
        .expect("our own message is read");
    assert_eq!(
        wire::decode(reread).as_ref(),
        Ok(&map),
        "encoding and decoding gives back the same"
    );
    let plain =
        wire::decode(wire::encode(&map, Dialect::Custom)).expect("our own message holds values");
    assert_eq!(
        wire::decode(wire::encode(&plain, Dialect::Custom)).as_ref(),
        Ok(&plain)
    );

    let whole = Value::Map(map.clone());
    let stripped = whole.stripped();
    assert!(!stripped.contains_secret(), "nothing is secret any more");
    assert!(
        whole.same_content(&stripped) && stripped.same_content(&whole),
        "wrappers are no content"
    );
    assert_eq!(stripped.contains_unknown(), whole.contains_unknown());
    assert!(!format!("{whole:?}").is_empty(), "any value can be shown");

    let shape = shape();
    for problem in shape.problems(&map) {
        assert!(!problem.path.is_root() && !problem.reason.is_empty());
    }
    let completed = shape.complete(map.clone());
    assert_eq!(
        shape.complete(completed.clone()),
        completed,
        "completing twice changes nothing more"
    );
    compare(shape, &map, &completed);

    // What fits the shape can be read, once everything is known.
    let read = from_map::<Everything>(&completed);
    if let (Err(error), true) = (&read, shape.problems(&completed).is_empty()) {
        assert!(
            error.is_unknown(),
            "the shape accepts what the type does not: {error}"
        );
    }
    if let Ok(everything) = read {
        let again = to_map(&everything).expect("what was read can be written");
        assert_eq!(
            from_map(&again).as_ref(),
            Ok(&everything),
            "writing and reading gives back the same"
        );
    }
}

fn compare(shape: &Shape, old: &PropertyMap, new: &PropertyMap) {
    let there = shape.changes(old, new);
    let back = shape.changes(new, old);
    let turned = |kind| match kind {
        ChangeKind::Add => ChangeKind::Delete,
        ChangeKind::Delete => ChangeKind::Add,
        ChangeKind::Update => ChangeKind::Update,
    };
    let expected: Vec<_> = there
        .iter()
        .map(|change| (change.path.clone(), turned(change.kind)))
        .collect();
    let found: Vec<_> = back
        .iter()
        .map(|change| (change.path.clone(), change.kind))
        .collect();
    assert_eq!(found, expected, "the way back changes the same places");
    let same = Value::Map(old.clone()).same_content(&Value::Map(new.clone()));
    let certain =
        !Value::Map(old.clone()).contains_unknown() && !Value::Map(new.clone()).contains_unknown();
    if certain {
        assert_eq!(there.is_empty(), same, "no changes means the same content");
    }
}

/// Reads the bytes as a property path and as a URN; what is read must be written as it was or read the same again.
pub(crate) fn paths(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(path) = text.parse::<PropertyPath>() {
        assert_eq!(
            path.to_string().parse().as_ref(),
            Ok(&path),
            "writing and reading gives back the same"
        );
        assert!(path.covers(&path));
        let map = PropertyMap::from([(
            path.first_key().unwrap_or_default().to_owned(),
            Value::Unknown,
        )]);
        let _ = path.get(&map);
    }
    if let Ok(urn) = Urn::parse(text) {
        assert_eq!(urn.as_str(), text);
        let parts = [urn.stack(), urn.project(), urn.type_token(), urn.name()];
        assert!(parts.iter().all(|part| text.contains(part)));
    }
}

/// One property of each kind that a Rust type can have.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Everything {
    flag: bool,
    whole: i32,
    #[schemars(range(min = 1, max = 100))]
    share: Option<u8>,
    number: Option<f64>,
    #[schemars(length(min = 1, max = 8))]
    text: Option<String>,
    list: Vec<u16>,
    map: BTreeMap<String, String>,
    mode: Mode,
    choice: Option<Choice>,
    nested: Option<Box<Nested>>,
    secret: Option<Secret<String>>,
    output: Option<Output<Vec<String>>>,
    asset: Option<Asset>,
    archive: Option<Archive>,
    resource: Option<ResourceReference>,
    any: Option<Value>,
}

/// An enum without data.
#[derive(Debug, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    #[default]
    Slow,
    Fast,
}

/// An enum with data.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Choice {
    Number(f64),
    Nested(Box<Nested>),
}

/// A struct inside a struct, and itself.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Nested {
    title: String,
    #[serde(default = "seven")]
    amount: u32,
    inner: Option<Box<Nested>>,
}

fn seven() -> u32 {
    7
}

fn shape() -> &'static Shape {
    static SHAPE: OnceLock<Shape> = OnceLock::new();
    SHAPE.get_or_init(|| Shape::of::<Everything>().expect("every kind of property can be said"))
}
