//! From Rust structs to [`Value`].

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

use crate::{PropertyMap, Value, passage};

/// Why a Rust value cannot be a Pulumi value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError(String);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EncodeError {}

impl ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes a Rust value as a Pulumi value; struct fields that are `None` are left out.
///
/// # Errors
/// For numbers that a Pulumi value cannot hold exactly, for bytes, and for map keys that are not text.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, EncodeError> {
    value.serialize(Writer)
}

/// Writes a Rust struct as a property map.
///
/// # Errors
/// As [`to_value`], and when the value is not written as an object.
pub fn to_map<T: Serialize + ?Sized>(value: &T) -> Result<PropertyMap, EncodeError> {
    match to_value(value)? {
        Value::Map(map) => Ok(map),
        // The unit type is how a resource without properties of its own is written in Rust.
        Value::Null => Ok(PropertyMap::new()),
        other => Err(ser::Error::custom(format_args!(
            "expected an object, found {}",
            other.kind_name()
        ))),
    }
}

struct Writer;

/// The largest whole number with an `f64` of its own: 2^53.
const EXACT: u64 = 1 << 53;

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = EncodeError;
    type SerializeSeq = ListWriter;
    type SerializeTuple = ListWriter;
    type SerializeTupleStruct = ListWriter;
    type SerializeTupleVariant = Impossible<Value, EncodeError>;
    type SerializeMap = ObjectWriter;
    type SerializeStruct = ObjectWriter;
    type SerializeStructVariant = ObjectWriter;

    fn serialize_bool(self, flag: bool) -> Result<Value, EncodeError> {
        Ok(Value::Bool(flag))
    }

    fn serialize_i8(self, number: i8) -> Result<Value, EncodeError> {
        Ok(Value::Number(number.into()))
    }

    fn serialize_i16(self, number: i16) -> Result<Value, EncodeError> {
        Ok(Value::Number(number.into()))
    }

    fn serialize_i32(self, number: i32) -> Result<Value, EncodeError> {
        Ok(Value::Number(number.into()))
    }

    fn serialize_i64(self, number: i64) -> Result<Value, EncodeError> {
        if number.unsigned_abs() > EXACT {
            return Err(ser::Error::custom(
                "a whole number beyond 2^53 has to be passed as a string",
            ));
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact within the range just checked"
        )]
        Ok(Value::Number(number as f64))
    }

    fn serialize_u8(self, number: u8) -> Result<Value, EncodeError> {
        Ok(Value::Number(number.into()))
    }

    fn serialize_u16(self, number: u16) -> Result<Value, EncodeError> {
        Ok(Value::Number(number.into()))
    }

    fn serialize_u32(self, number: u32) -> Result<Value, EncodeError> {
        Ok(Value::Number(number.into()))
    }

    fn serialize_u64(self, number: u64) -> Result<Value, EncodeError> {
        let signed = i64::try_from(number).map_err(ser::Error::custom)?;
        self.serialize_i64(signed)
    }

    fn serialize_f32(self, number: f32) -> Result<Value, EncodeError> {
        self.serialize_f64(number.into())
    }

    fn serialize_f64(self, number: f64) -> Result<Value, EncodeError> {
        if number.is_finite() {
            Ok(Value::Number(number))
        } else {
            Err(ser::Error::custom(
                "a number that is not finite cannot be a Pulumi value",
            ))
        }
    }

    fn serialize_char(self, char: char) -> Result<Value, EncodeError> {
        Ok(Value::String(char.into()))
    }

    fn serialize_str(self, text: &str) -> Result<Value, EncodeError> {
        Ok(Value::from(text))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, EncodeError> {
        Err(ser::Error::custom(
            "bytes cannot be a Pulumi value; encode them as text",
        ))
    }

    fn serialize_none(self) -> Result<Value, EncodeError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, EncodeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Value, EncodeError> {
        if name == passage::NAME {
            return passage::take()
                .ok_or_else(|| ser::Error::custom("a Pulumi value got lost on its way"));
        }
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, EncodeError> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, EncodeError> {
        Ok(Value::from([(variant, to_value(value)?)]))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<ListWriter, EncodeError> {
        Ok(ListWriter(Vec::with_capacity(length.unwrap_or_default())))
    }

    fn serialize_tuple(self, length: usize) -> Result<ListWriter, EncodeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<ListWriter, EncodeError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, EncodeError> {
        Err(ser::Error::custom(format_args!(
            "`{name}` has a variant with several unnamed fields"
        )))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<ObjectWriter, EncodeError> {
        Ok(ObjectWriter::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<ObjectWriter, EncodeError> {
        Ok(ObjectWriter::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<ObjectWriter, EncodeError> {
        Ok(ObjectWriter {
            variant: Some(variant),
            ..ObjectWriter::default()
        })
    }
}

struct ListWriter(Vec<Value>);

impl ListWriter {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.0.push(to_value(value)?);
        Ok(())
    }
}

impl ser::SerializeSeq for ListWriter {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(Value::List(self.0))
    }
}

impl ser::SerializeTuple for ListWriter {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(Value::List(self.0))
    }
}

impl ser::SerializeTupleStruct for ListWriter {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(Value::List(self.0))
    }
}

#[derive(Default)]
struct ObjectWriter {
    variant: Option<&'static str>,
    map: PropertyMap,
    key: Option<String>,
}

impl ObjectWriter {
    fn field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let value = to_value(value)?;
        // Null and absent mean the same; absent is what a program's author sees as "not set".
        if value != Value::Null {
            self.map.insert(key.to_owned(), value);
        }
        Ok(())
    }

    fn finish(self) -> Value {
        match self.variant {
            Some(variant) => Value::from([(variant, Value::Map(self.map))]),
            None => Value::Map(self.map),
        }
    }
}

impl ser::SerializeMap for ObjectWriter {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.key = Some(match to_value(key)? {
            Value::String(text) => text,
            other => {
                return Err(ser::Error::custom(format_args!(
                    "{} cannot be a key",
                    other.kind_name()
                )));
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = self
            .key
            .take()
            .ok_or_else(|| ser::Error::custom("a map value came without its key"))?;
        self.map.insert(key, to_value(value)?);
        Ok(())
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeStruct for ObjectWriter {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.field(key, value)
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(self.finish())
    }
}

impl ser::SerializeStructVariant for ObjectWriter {
    type Ok = Value;
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.field(key, value)
    }

    fn end(self) -> Result<Value, EncodeError> {
        Ok(self.finish())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::{Output, Secret};

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct State {
        change_id: String,
        note: Option<String>,
        password: Secret<String>,
        endpoint: Output<String>,
        shares: Vec<u8>,
    }

    #[test]
    fn writes_a_struct_with_unknown_and_secret_fields() {
        let state = State {
            change_id: "C1".to_owned(),
            note: None,
            password: Secret::new("hunter2".to_owned()),
            endpoint: Output::unknown(),
            shares: vec![5, 95],
        };

        let expected = Value::from([
            ("changeId", Value::from("C1")),
            ("password", Value::secret("hunter2")),
            ("endpoint", Value::Unknown),
            ("shares", Value::from(vec![5.0, 95.0])),
        ]);
        assert_eq!(to_value(&state), Ok(expected));
    }

    #[test]
    fn refuses_numbers_that_would_change_on_the_way() {
        assert!(to_value(&(EXACT + 1)).is_err());
        assert!(to_value(&u64::MAX).is_err());
        assert!(to_value(&f64::NAN).is_err());
        assert_eq!(to_value(&-7_i64), Ok(Value::from(-7.0)));
    }
}
