//! Rust structs, by way of values.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use pulumi_value::schema::Shape;
use pulumi_value::{
    Archive, Asset, Output, PropertyMap, ResourceId, ResourceReference, Secret, Value, from_map,
    from_value, to_map, to_value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::given;

/// One field of each kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Rich {
    flag: bool,
    small: u8,
    signed: i32,
    wide: i64,
    number: f64,
    letter: char,
    text: String,
    nothing: Option<String>,
    list: Vec<Inner>,
    map: BTreeMap<String, Option<Inner>>,
    mode: Mode,
    choice: Choice,
    newtype: Metres,
    boxed: Option<Box<Inner>>,
    secret: Secret<String>,
    secrets: Vec<Secret<Inner>>,
    output: Output<Inner>,
    outputs: Vec<Output<String>>,
    maybe_output: Option<Output<Vec<u16>>>,
    asset: Option<Asset>,
    archive: Option<Archive>,
    resource: Option<ResourceReference>,
    any: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Inner {
    share: u8,
    #[serde(default)]
    note: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Mode {
    Slow,
    VeryFast,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Choice {
    Number(f64),
    Inner(Inner),
    ManyOf(Vec<Inner>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Metres(f64);

fn inner() -> impl Strategy<Value = Inner> {
    (any::<u8>(), "\\PC{0,6}").prop_map(|(share, note)| Inner { share, note })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Slow), Just(Mode::VeryFast)]
}

fn output<T: Clone + std::fmt::Debug>(
    content: impl Strategy<Value = T>,
) -> impl Strategy<Value = Output<T>> {
    (
        option::of(content),
        any::<bool>(),
        btree_set(given::urn(), 0..2),
    )
        .prop_map(|(content, secret, urns)| {
            let output = content
                .map_or_else(Output::unknown, Output::known)
                .depending_on(urns);
            if secret { output.into_secret() } else { output }
        })
}

prop_compose! {
    fn plain()(
        (flag, small, signed, letter) in any::<(bool, u8, i32, char)>(),
        wide in -(1_i64 << 53)..=(1 << 53),
        number in given::number(),
        text in "\\PC{0,6}",
        nothing in option::of("\\PC{0,6}"),
        list in vec(inner(), 0..3),
        map in btree_map("\\PC{0,6}", inner().prop_map(Some), 0..3),
        mode in mode(),
        choice in prop_oneof![
            given::number().prop_map(Choice::Number),
            inner().prop_map(Choice::Inner),
            vec(inner(), 0..3).prop_map(Choice::ManyOf),
        ],
        newtype in given::number().prop_map(Metres),
        boxed in option::of(inner().prop_map(Box::new)),
    ) -> Rich {
        Rich {
            flag, small, signed, wide, number, letter, text, nothing, list, map, mode, choice, newtype, boxed,
            secret: Secret::new(String::new()),
            secrets: Vec::new(),
            output: Output::unknown(),
            outputs: Vec::new(),
            maybe_output: None,
            asset: None,
            archive: None,
            resource: None,
            any: None,
        }
    }
}

prop_compose! {
    fn rich()(
        plain in plain(),
        secret in "\\PC{0,6}",
        secrets in vec(inner().prop_map(Secret::new), 0..3),
        output in output(inner()),
        outputs in vec(output("\\PC{0,6}"), 0..3),
        maybe_output in option::of(output(vec(any::<u16>(), 0..3))),
        asset in option::of(given::asset()),
        archive in option::of(given::archive()),
        resource in option::of(given::reference()),
        any in option::of(given::value().prop_filter("null is absent", |value| !value.is_null())),
    ) -> Rich {
        Rich {
            secret: Secret::new(secret),
            secrets, output, outputs, maybe_output, asset, archive, resource, any,
            ..plain
        }
    }
}

proptest! {
    #[test]
    fn a_struct_is_read_as_it_was_written(rich in rich()) {
        let map = to_map(&rich).expect("a struct of property values");

        prop_assert_eq!(from_map(&map), Ok(rich.clone()));
        prop_assert_eq!(to_value(&rich), Ok(Value::Map(map.clone())));
        prop_assert_eq!(from_value(&Value::secret(map)), Ok(rich));
    }

    #[test]
    fn a_struct_that_was_written_fits_its_own_shape(rich in rich()) {
        let map = to_map(&rich).expect("a struct of property values");

        prop_assert_eq!(shape().problems(&map), vec![]);
    }

    #[test]
    fn any_value_is_read_as_it_was_written(value in given::value()) {
        prop_assert_eq!(to_value(&value), Ok(value.clone()));
        prop_assert_eq!(from_value(&value), Ok(value));
    }

    #[test]
    fn what_fits_the_shape_is_read_and_what_does_not_is_an_error(
        rich in rich(),
        key in proptest::sample::select(NAMES),
        value in given::value(),
    ) {
        let mut map = to_map(&rich).expect("a struct of property values");
        map.insert(key.to_owned(), value);

        let fits = shape().problems(&map).is_empty();
        let read = from_map::<Rich>(&map);

        match read {
            Ok(_) => {}
            Err(error) if error.is_unknown() => prop_assert!(Value::Map(map).contains_unknown()),
            // A letter is a text for the schema, which only the type knows to be one character long.
            Err(error) => prop_assert!(!fits || key == "letter", "{}", error),
        }
    }

    #[test]
    fn an_error_leads_to_the_place_through_outputs(position in 0..3_usize, texts in vec("[a-z]{0,3}", 3)) {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only its reading is of interest")]
        struct Args {
            steps: Vec<Output<BTreeMap<String, u8>>>,
        }
        let step = |index: usize| {
            let wrong = Value::from([("share", Value::secret(texts[index].clone()))]);
            if index == position { wrong } else { Value::Unknown }
        };
        let map = PropertyMap::from([("steps".to_owned(), Value::List((0..3).map(step).collect()))]);

        let error = from_map::<Args>(&map).expect_err("a text is no number");

        prop_assert_eq!(error.to_string(), format!("`steps[{position}].share`: expected u8, found string"));
    }
}

const NAMES: &[&str] = &[
    "flag",
    "small",
    "signed",
    "wide",
    "number",
    "letter",
    "text",
    "nothing",
    "list",
    "map",
    "mode",
    "choice",
    "newtype",
    "boxed",
    "secret",
    "secrets",
    "output",
    "outputs",
    "maybeOutput",
    "asset",
    "archive",
    "resource",
    "any",
];

fn shape() -> Shape {
    Shape::of::<Rich>().expect("a struct that can be said in a schema")
}

#[test]
fn the_unit_type_is_read_from_whatever_stands_beside_it() {
    let map = PropertyMap::from([("title".to_owned(), Value::from("x"))]);

    assert_eq!(from_map::<()>(&map), Ok(()));
    assert_eq!(to_map(&()), Ok(PropertyMap::new()));
}

#[test]
fn a_key_that_a_struct_does_not_know_is_not_quoted() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is of interest")]
    struct Strict {
        share: u8,
    }
    let map = PropertyMap::from([("hunter2".to_owned(), Value::from(1))]);

    let error = from_map::<Strict>(&map).expect_err("there is no such field");

    assert_eq!(error.to_string(), "has a property that is none of `share`");
}

#[test]
fn a_reference_is_read_as_a_text_by_its_id_or_its_urn() {
    let urn = pulumi_value::Urn::parse("urn:pulumi:dev::shop::pkg:index:Type::name")
        .expect("a well-formed URN");
    let read = |id| {
        let reference = ResourceReference {
            urn: urn.clone(),
            id,
            package_version: None,
        };
        from_value::<String>(&Value::Resource(reference))
    };

    assert_eq!(
        read(Some(ResourceId::Known("i-1".to_owned()))),
        Ok("i-1".to_owned())
    );
    assert_eq!(read(None), Ok(urn.to_string()));
    assert!(
        read(Some(ResourceId::Unknown))
            .expect_err("the id is not known yet")
            .is_unknown()
    );
}

#[test]
fn keys_that_are_no_texts_are_refused() {
    assert!(to_value(&BTreeMap::from([(1, "one")])).is_err());
}
