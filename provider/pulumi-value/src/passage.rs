//! The passage through which a whole [`Value`] crosses serde.
//!
//! Serde's data model has no room for unknowns, secrets or references. Types that carry them hand the value over in
//! a slot of the current thread and send a mark through serde instead; this crate's own serializer and deserializer
//! know the mark. Other formats do not, and get an error: so a secret cannot end up in a JSON text by mistake.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{self, Serialize, Serializer};

use crate::{Archive, Asset, ResourceReference, Value};

/// The mark: a serde type name that no Rust type can have.
pub(crate) const NAME: &str = "$pulumi::Value";

thread_local! {
    static SLOT: RefCell<Option<Value>> = const { RefCell::new(None) };
}

/// Puts `value` into the slot and sends the mark; the receiver takes it in the same call.
pub(crate) fn serialize<S: Serializer>(value: Value, serializer: S) -> Result<S::Ok, S::Error> {
    put(value);
    let sent = serializer.serialize_unit_struct(NAME);
    match take() {
        None => sent,
        // Nobody took it: the format is not ours and has written the mark as a unit.
        Some(_) => Err(ser::Error::custom(
            "this type can be written as a Pulumi value only",
        )),
    }
}

/// Asks for a value by the mark and takes it out of the slot.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_unit_struct(NAME, Slot)
}

pub(crate) fn put(value: Value) {
    SLOT.with(|slot| slot.replace(Some(value)));
}

pub(crate) fn take() -> Option<Value> {
    SLOT.with(RefCell::take)
}

struct Slot;

impl Visitor<'_> for Slot {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Pulumi value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        take().ok_or_else(|| E::custom("this type can be read from a Pulumi value only"))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.clone(), serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

/// Lets a type that is one case of [`Value`] stand as a field of arguments, state and outputs.
macro_rules! one_case {
    ($case:ident, $type:ty, $schema:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize(Value::$case(self.clone()), serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match deserialize(deserializer)?.into_content() {
                    Value::$case(found) => Ok(found),
                    Value::Unknown => Err(de::Error::custom(crate::de::UNKNOWN_MESSAGE)),
                    other => Err(de::Error::custom(format_args!(
                        concat!("expected ", stringify!($schema), ", found {}"),
                        other.kind_name()
                    ))),
                }
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($case).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ crate::schema::keyword::BUILT_IN: stringify!($schema) })
            }
        }
    };
}

one_case!(Asset, Asset, asset);
one_case!(Archive, Archive, archive);
one_case!(Resource, ResourceReference, resource);

impl schemars::JsonSchema for Value {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Any".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!(true)
    }
}
