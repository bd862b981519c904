//! The codec between [`Value`](crate::Value) and `google.protobuf.Struct`.
//!
//! On the wire everything beyond JSON is dressed up as JSON: an unknown is a string with a fixed text, and a secret,
//! output, reference, asset or archive is an object whose *signature* property names its kind. The texts are facts of
//! the protocol (Pulumi SDK v3.245, `sdk/go/common/resource`), and they are named here and nowhere else.

mod decode;
mod encode;

use thiserror::Error;

use crate::PropertyPath;

pub use decode::{decode, decode_value};
pub use encode::{encode, encode_value};

const SIGNATURE: &str = "4dabf18193072939515e22adb298388d";
const ASSET: &str = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE: &str = "0def7320c3a5731c473e5ecbe6d01bc7";
const SECRET: &str = "1b47061264138c4ac30d75fd1eb44270";
const RESOURCE: &str = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT: &str = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/// The text that stands for an unknown of any type; the only one we write.
pub const UNKNOWN: &str = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/// The texts that stand for an unknown boolean, number, list, asset, archive and object; read, never written.
const TYPED_UNKNOWNS: [&str; 6] = [
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
];

/// The deepest nesting that is read, in levels of lists and objects: ours, far above what programs use, and low
/// enough that walking a value never exhausts a thread's stack.
pub const DEPTH_MAX: usize = 128;

/// Which kinds of value the other side of a call understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Calls about one custom resource, and provider configuration: secrets, but no outputs, so that dependencies
    /// are left out.
    Custom,
    /// Construct, Call and the resource monitor: secrets and outputs.
    Component,
}

/// Why a message does not hold a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("malformed value at `{path}`: {problem}")]
pub struct WireError {
    /// Where in the message the value is.
    pub path: PropertyPath,
    /// What is wrong with it.
    pub problem: WireProblem,
}

/// What is wrong with a value on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireProblem {
    /// The signature names a kind that the protocol did not have when this was written, or is not a text.
    #[error("its signature names no known kind of value")]
    UnknownSignature,
    /// A property that the kind needs is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A property of the kind has the wrong type.
    #[error("`{0}` is not {1}")]
    WrongType(&'static str, &'static str),
    /// A dependency or reference is not a URN.
    #[error("`{0}` is not a URN")]
    BrokenUrn(&'static str),
    /// A number is infinite or not a number.
    #[error("the number is not finite")]
    NotFinite,
    /// The value nests deeper than [`DEPTH_MAX`].
    #[error("it nests deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

fn is_unknown(text: &str) -> bool {
    // All of them have the length of a UUID, which spares long texts the comparisons.
    text.len() == UNKNOWN.len() && (text == UNKNOWN || TYPED_UNKNOWNS.contains(&text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_types::value::Kind;
    use prost_types::{Struct, Value as Wire};

    use super::encode::{list, string, wire};
    use super::*;
    use crate::asset::EMPTY_HASH;
    use crate::{Asset, AssetContent, Urn, Value};

    fn object<const N: usize>(fields: [(&str, Wire); N]) -> Struct {
        Struct {
            fields: fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }
    }

    fn tagged<const N: usize>(signature: &str, fields: [(&str, Wire); N]) -> Wire {
        let mut object = object(fields);
        object
            .fields
            .insert(SIGNATURE.to_owned(), string(signature));
        wire(Kind::StructValue(object))
    }

    fn read(value: Wire) -> Result<Value, WireError> {
        decode(object([("v", value)]))
            .map(|mut map| map.remove("v").expect("the property that was put in"))
    }

    #[test]
    fn reads_every_text_that_stands_for_an_unknown_and_writes_one() {
        for text in TYPED_UNKNOWNS.into_iter().chain([UNKNOWN]) {
            assert_eq!(read(string(text)), Ok(Value::Unknown));
        }
        assert_eq!(
            encode_value(&Value::Unknown, Dialect::Custom),
            string(UNKNOWN)
        );
    }

    #[test]
    fn secret_and_output_in_either_order_read_the_same() {
        let output = |inner| tagged(OUTPUT, [("value", inner)]);
        let secret = |inner| tagged(SECRET, [("value", inner)]);

        let expected = Ok(Value::secret(Value::Unknown));

        assert_eq!(read(secret(output(string(UNKNOWN)))), expected);
        assert_eq!(read(output(secret(string(UNKNOWN)))), expected);
        assert_eq!(read(secret(tagged(OUTPUT, []))), expected);
    }

    #[test]
    fn an_output_with_null_is_known_and_one_without_a_value_is_not() {
        assert_eq!(
            read(tagged(OUTPUT, [("value", wire(Kind::NullValue(0)))])),
            Ok(Value::Null)
        );
        assert_eq!(read(tagged(OUTPUT, [])), Ok(Value::Unknown));
    }

    #[test]
    fn an_empty_text_asset_is_told_from_an_elided_one() {
        let empty = Asset {
            hash: Some(EMPTY_HASH.to_owned()),
            content: AssetContent::Text(String::new()),
        };
        assert_eq!(
            read(tagged(ASSET, [("hash", string(EMPTY_HASH))])),
            Ok(Value::Asset(empty))
        );

        let elided = Asset {
            hash: Some("ab".to_owned()),
            content: AssetContent::Elided,
        };
        assert_eq!(
            read(tagged(ASSET, [("hash", string("ab"))])),
            Ok(Value::Asset(elided))
        );
    }

    #[test]
    fn dependencies_are_left_out_where_the_other_side_does_not_know_outputs() {
        let urn =
            Urn::parse("urn:pulumi:dev::shop::pkg:index:Type::name").expect("a well-formed URN");
        let value = Value::annotated(Value::from("x"), true, BTreeSet::from([urn]));

        let wire = encode_value(&value, Dialect::Custom);

        assert_eq!(read(wire), Ok(Value::secret("x")));
    }

    #[test]
    fn names_the_place_of_what_is_malformed() {
        let broken = tagged("no such kind", []);
        let error =
            decode(object([("steps", list(vec![string("fine"), broken]))])).expect_err("malformed");
        assert_eq!(
            error.to_string(),
            "malformed value at `steps[1]`: its signature names no known kind of value"
        );

        let no_value = read(tagged(SECRET, [])).expect_err("malformed");
        assert_eq!(no_value.problem, WireProblem::Missing("value"));

        let infinite = read(wire(Kind::NumberValue(f64::INFINITY))).expect_err("malformed");
        assert_eq!(infinite.problem, WireProblem::NotFinite);

        let urn = read(tagged(RESOURCE, [("urn", string("nonsense"))])).expect_err("malformed");
        assert_eq!(urn.problem, WireProblem::BrokenUrn("urn"));
    }

    #[test]
    fn refuses_nesting_beyond_the_limit() {
        let nest = |levels: usize| (0..levels).fold(string("core"), |inner, _| list(vec![inner]));

        assert!(read(nest(DEPTH_MAX - 1)).is_ok());
        assert_eq!(
            read(nest(DEPTH_MAX)).expect_err("too deep").problem,
            WireProblem::TooDeep
        );
    }
}
