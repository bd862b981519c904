//! From [`Value`] to Rust structs.

mod error;

use std::collections::btree_map;
use std::{iter, slice};

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::{PathSegment, PropertyMap, ResourceId, Value, passage};

pub use error::DecodeError;
pub(crate) use error::{UNKNOWN_MESSAGE, hand_over};

/// Reads a Rust value off a Pulumi value, looking through secrecy and dependencies.
///
/// # Errors
/// When the shape does not fit, or when an unknown stands where the type has no [`crate::Output`];
/// [`DecodeError::is_unknown`] tells the two apart.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, DecodeError> {
    T::deserialize(Reader(value))
}

/// Reads a Rust struct off a property map.
///
/// # Errors
/// As [`from_value`].
pub fn from_map<T: DeserializeOwned>(map: &PropertyMap) -> Result<T, DecodeError> {
    T::deserialize(MapReader(map))
}

#[derive(Clone, Copy)]
struct Reader<'de>(&'de Value);

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0.content() {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => visit_number(*number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items {
                rest: items.iter().enumerate(),
            }),
            Value::Map(map) => MapReader(map).deserialize_any(visitor),
            Value::Unknown => Err(DecodeError::unknown()),
            // A type that is no reference sees what the reference stands for.
            Value::Resource(reference) => match &reference.id {
                Some(ResourceId::Known(id)) => visitor.visit_borrowed_str(id),
                Some(ResourceId::Unknown) => Err(DecodeError::unknown()),
                None => visitor.visit_borrowed_str(reference.urn.as_str()),
            },
            special @ (Value::Asset(_) | Value::Archive(_) | Value::Annotated(_)) => Err(
                de::Error::custom(format_args!("{} cannot stand here", special.kind_name())),
            ),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == passage::NAME {
            passage::put(self.0.clone());
            return visitor.visit_unit();
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0.content() {
            Value::String(text) => {
                visitor.visit_enum(StringDeserializer::<DecodeError>::new(text.clone()))
            }
            Value::Map(map) => MapReader(map).deserialize_enum(name, variants, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Offers a whole number as an integer, so that both integer and floating-point fields accept it.
fn visit_number<'de, V: Visitor<'de>>(number: f64, visitor: V) -> Result<V::Value, DecodeError> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53, up to which every whole number has its own f64.
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and within the range just checked"
        )]
        return visitor.visit_i64(number as i64);
    }
    visitor.visit_f64(number)
}

/// The items of a list. Errors get their place here rather than in [`Reader`], since a type may also refuse what it
/// has read.
struct Items<'de> {
    rest: iter::Enumerate<slice::Iter<'de, Value>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, item)) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(Reader(item))
            .map(Some)
            .map_err(|error| error.below(PathSegment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The properties of an object. Errors get their place here, as in [`Items`].
struct Properties<'de> {
    rest: btree_map::Iter<'de, String, Value>,
    current: Option<(&'de String, &'de Value)>,
}

impl<'de> MapAccess<'de> for Properties<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        // Null and absent mean the same, and serde's defaults apply to the absent only.
        self.current = self.rest.find(|(_, value)| !value.is_null());
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(key))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let (key, value) = self
            .current
            .take()
            .ok_or_else(|| DecodeError::custom("a value was asked before its key"))?;
        seed.deserialize(Reader(value))
            .map_err(|error| error.below(PathSegment::Key(key.clone())))
    }
}

struct MapReader<'de>(&'de PropertyMap);

impl<'de> MapReader<'de> {
    fn access(&self) -> Properties<'de> {
        Properties {
            rest: self.0.iter(),
            current: None,
        }
    }
}

impl<'de> de::Deserializer<'de> for MapReader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_map(self.access())
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(MapAccessDeserializer::new(self.access()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    // The unit type is how a resource without properties of its own is written in Rust.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == passage::NAME {
            passage::put(Value::Map(self.0.clone()));
        }
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::{Output, ResourceReference, Secret, Urn};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Args {
        title: String,
        priority: Option<u8>,
        weight: f64,
        mode: Mode,
        password: Secret<String>,
        target: Output<String>,
        steps: Vec<Step>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Mode {
        Fast,
        Bounded { limit: u32 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Step {
        share: u8,
    }

    fn args() -> Vec<(&'static str, Value)> {
        vec![
            ("title", Value::from("x")),
            ("priority", Value::Null),
            ("weight", Value::from(2.0)),
            (
                "mode",
                Value::from([("bounded", Value::from([("limit", Value::from(3.0))]))]),
            ),
            ("password", Value::secret("hunter2")),
            ("target", Value::Unknown),
            (
                "steps",
                Value::from(vec![Value::from([("share", Value::from(5.0))])]),
            ),
        ]
    }

    fn read(changes: &[(&'static str, Value)]) -> Result<Args, DecodeError> {
        let all = args().into_iter().chain(changes.iter().cloned());
        from_map(&all.map(|(key, value)| (key.to_owned(), value)).collect())
    }

    #[test]
    fn reads_a_struct_with_unknown_and_secret_fields() {
        let expected = Args {
            title: "x".to_owned(),
            priority: None,
            weight: 2.0,
            mode: Mode::Bounded { limit: 3 },
            password: Secret::new("hunter2".to_owned()),
            target: Output::unknown(),
            steps: vec![Step { share: 5 }],
            labels: BTreeMap::new(),
        };

        assert_eq!(read(&[]), Ok(expected));
        assert_eq!(
            read(&[("mode", Value::from("fast"))]).map(|args| args.mode),
            Ok(Mode::Fast)
        );
    }

    #[test]
    fn an_error_names_the_place_and_never_the_value() {
        let wrong = Value::from(vec![Value::from([("share", Value::secret("hunter2"))])]);

        let error = read(&[("steps", wrong)]).expect_err("a string is no share");

        assert_eq!(
            error.to_string(),
            "`steps[0].share`: expected u8, found string"
        );
    }

    #[test]
    fn an_unknown_in_a_plain_field_is_told_from_a_wrong_one() {
        let error =
            read(&[("title", Value::Unknown)]).expect_err("the field has no room for an unknown");

        assert!(error.is_unknown());
        assert_eq!(error.path().to_string(), "title");
    }

    #[test]
    fn a_reference_passes_whole() {
        let reference = ResourceReference {
            urn: Urn::parse("urn:pulumi:dev::shop::pkg:index:Type::name")
                .expect("a well-formed URN"),
            id: None,
            package_version: None,
        };

        assert_eq!(
            from_value(&Value::secret(Value::Resource(reference.clone()))),
            Ok(reference)
        );
        assert!(from_value::<ResourceReference>(&Value::from("x")).is_err());
    }
}
