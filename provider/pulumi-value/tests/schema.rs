//! What is read off Rust types, what is refused, and what configuration that arrives as text becomes.
#![expect(dead_code, reason = "of most types here only the shape is used")]

use std::collections::BTreeMap;

use pulumi_value::schema::{EnumValue, Limits, Named, Property, Shape, Type};
use pulumi_value::{Archive, Asset, Output, PropertyMap, ResourceReference, Secret, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

fn shape<T: JsonSchema>() -> Shape {
    Shape::of::<T>().expect("a type that can be said in a schema")
}

fn property<T: JsonSchema>(name: &str) -> Property {
    shape::<T>()
        .property(name)
        .expect("a property of the type")
        .clone()
}

fn refusal<T: JsonSchema>() -> String {
    Shape::of::<T>()
        .expect_err("a type that cannot be said in a schema")
        .to_string()
}

fn between(min: impl Into<Option<f64>>, max: impl Into<Option<f64>>) -> Limits {
    Limits {
        min: min.into(),
        max: max.into(),
    }
}

/// A bridge over
/// the river.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Bridge {
    /// The name on the sign.
    ///
    /// In the local language.
    #[schemars(length(min = 1, max = 40))]
    sign_name: String,
    #[schemars(range(min = 1, max = 8))]
    lanes: Option<u8>,
    #[serde(default = "ten")]
    height: u32,
    mass: u64,
    slope: f64,
    #[schemars(length(max = 3))]
    colours: Vec<Colour>,
    load: Load,
    labels: BTreeMap<String, Pier>,
    key: Secret<String>,
    spare_key: Option<Secret<Pier>>,
    keys: Vec<Secret<String>>,
    by_owner: BTreeMap<String, Secret<String>>,
    length: Output<Metres>,
    plan: Option<Asset>,
    photos: Archive,
    road: ResourceReference,
    note: Value,
    /// Where it stands.
    #[schemars(extend("pulumi:replace" = true, "pulumi:plain" = true))]
    place: Pier,
    #[schemars(extend("pulumi:autoname" = 12))]
    code: String,
    #[schemars(extend("pulumi:environment" = ["RIVER", "WATER"], "pulumi:deprecated" = "rivers move"))]
    river: String,
}

fn ten() -> u32 {
    10
}

/// A pier of a bridge.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Pier {
    /// Above the ground.
    height: Metres,
    /// The next one.
    next: Option<Box<Pier>>,
}

/// A length.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Metres(#[schemars(range(min = 0, max = 900))] f64);

/// A colour of paint.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    /// As the sky.
    LightBlue,
    Rust,
}

/// What it carries.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Load {
    /// So many cars.
    Cars(u16),
    /// Somebody on foot.
    OnFoot(Pier),
}

#[test]
fn descriptions_are_the_doc_comments() {
    let shape = shape::<Bridge>();

    assert_eq!(shape.description, "A bridge over\nthe river.");
    assert_eq!(
        property::<Bridge>("signName").description,
        "The name on the sign.\n\nIn the local language."
    );
    assert_eq!(property::<Bridge>("place").description, "Where it stands.");
    assert!(
        matches!(&shape.types["Pier"], Named::Object { description, .. } if description == "A pier of a bridge.")
    );
}

#[test]
fn types_and_limits_are_those_of_the_fields() {
    let ty = |name| property::<Bridge>(name).ty;

    assert_eq!(ty("signName"), Type::String(between(1.0, 40.0)));
    assert_eq!(ty("lanes"), Type::Integer(between(1.0, 8.0)));
    assert_eq!(ty("height"), Type::Integer(between(0.0, 4_294_967_295.0)));
    assert_eq!(
        ty("mass"),
        Type::Integer(between(0.0, 9_007_199_254_740_992.0))
    );
    assert_eq!(ty("slope"), Type::Number(between(None, None)));
    assert_eq!(
        ty("colours"),
        Type::List(
            Box::new(Type::Named("Colour".to_owned())),
            between(None, 3.0)
        )
    );
    assert_eq!(
        ty("labels"),
        Type::Map(Box::new(Type::Named("Pier".to_owned())))
    );
    assert_eq!(ty("plan"), Type::Asset);
    assert_eq!(ty("photos"), Type::Archive);
    assert_eq!(ty("road"), Type::Resource);
    assert_eq!(ty("note"), Type::Any);
}

#[test]
fn a_newtype_is_what_it_wraps() {
    assert_eq!(
        property::<Bridge>("length").ty,
        Type::Number(between(0.0, 900.0))
    );
    assert!(!shape::<Bridge>().types.contains_key("Metres"));
}

#[test]
fn a_field_may_be_left_out_if_it_is_optional_or_has_a_default_or_a_made_up_name() {
    let required = |name| property::<Bridge>(name).required;

    assert!(required("signName") && required("length") && required("key") && required("note"));
    assert!(
        !required("lanes") && !required("height") && !required("spareKey") && !required("code")
    );
    assert_eq!(property::<Bridge>("height").default, Some(json!(10)));
    assert_eq!(property::<Bridge>("code").autoname, Some(12));
}

#[test]
fn a_property_is_secret_wherever_in_it_the_secret_is() {
    for name in ["key", "spareKey", "keys", "byOwner"] {
        assert!(property::<Bridge>(name).secret, "{name}");
    }
    assert!(!property::<Bridge>("place").secret);
}

#[test]
fn keywords_say_what_types_cannot() {
    let place = property::<Bridge>("place");
    assert!(place.replace && place.plain);

    let river = property::<Bridge>("river");
    assert_eq!(river.environment, ["RIVER", "WATER"]);
    assert_eq!(river.deprecated.as_deref(), Some("rivers move"));
}

#[test]
fn an_enum_without_data_lists_its_texts() {
    let blue = EnumValue {
        value: "light-blue".to_owned(),
        description: "As the sky.".to_owned(),
    };
    let rust = EnumValue {
        value: "rust".to_owned(),
        description: String::new(),
    };

    let Named::Enum {
        description,
        values,
    } = shape::<Bridge>().types["Colour"].clone()
    else {
        panic!("expected an enum");
    };

    assert_eq!(description, "A colour of paint.");
    assert_eq!(values, [rust, blue]);
}

#[test]
fn an_enum_with_data_is_an_object_with_exactly_one_property() {
    let Named::Object {
        description,
        properties,
        exactly_one,
    } = shape::<Bridge>().types["Load"].clone()
    else {
        panic!("expected an object");
    };

    assert_eq!(
        (description.as_str(), exactly_one),
        ("What it carries.", true)
    );
    let found: Vec<_> = properties
        .iter()
        .map(|it| (it.name.as_str(), it.description.as_str(), &it.ty))
        .collect();
    assert_eq!(
        found[0],
        (
            "cars",
            "So many cars.",
            &Type::Integer(between(0.0, 65535.0))
        )
    );
    assert_eq!(
        found[1],
        (
            "onFoot",
            "Somebody on foot.",
            &Type::Named("Pier".to_owned())
        )
    );
    assert!(properties.iter().all(|property| !property.required));
}

#[test]
fn a_documented_enum_of_one_text_is_an_enum() {
    #[derive(JsonSchema)]
    #[schemars(rename_all = "camelCase")]
    enum Only {
        /// There is no other.
        One,
    }
    #[derive(JsonSchema)]
    struct Holder {
        only: Only,
    }

    assert!(
        matches!(&shape::<Holder>().types["Only"], Named::Enum { values, .. } if values[0].value == "one")
    );
}

#[test]
fn the_unit_type_has_no_properties() {
    assert_eq!(shape::<()>(), Shape::default());
}

/// Defines a struct with one field and tells why it has no shape.
macro_rules! refused {
    ($field:ty) => {
        refused!($field,)
    };
    ($field:ty, $(#[$attribute:meta])*) => {{
        #[derive(JsonSchema)]
        #[schemars(rename_all = "camelCase")]
        struct Holder {
            $(#[$attribute])*
            field: $field,
        }
        refusal::<Holder>()
    }};
}

#[test]
fn what_a_schema_cannot_say_is_refused_with_its_place() {
    #[derive(JsonSchema)]
    #[schemars(rename_all = "camelCase", tag = "kind")]
    enum Internal {
        One { share: u8 },
        Two,
    }
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    enum Untagged {
        Number(u8),
        Text(String),
    }
    #[derive(JsonSchema)]
    #[schemars(rename_all = "camelCase")]
    enum Mixed {
        One(u8),
        Two,
    }
    #[derive(JsonSchema)]
    #[schemars(rename_all = "camelCase")]
    enum Inline {
        One { share: u8 },
    }
    #[derive(JsonSchema)]
    struct Endless(Vec<Endless>);

    let variant = "every variant of an enum with data must be written as an object with its name";
    let of_its_own = "a struct has to be a type of its own, and the keys of a map any text";
    for (found, place, problem) in [
        (
            refused!((u8, String)),
            "field",
            "a tuple has to be a struct",
        ),
        (
            refused!(u128),
            "field",
            "a number cannot have 128 bits; use a string",
        ),
        (
            refused!(Vec<Option<u8>>),
            "field",
            "a list has no gaps, so that its items cannot be optional",
        ),
        (
            refused!(String, #[schemars(regex(pattern = "^a"))]),
            "field",
            "a pattern would not be checked; let the resource check it",
        ),
        (refused!(BTreeMap<u8, String>), "field", of_its_own),
        (refused!(Internal), "Internal", variant),
        (refused!(Mixed), "Mixed", variant),
        (
            refused!(Untagged),
            "Untagged",
            "it is neither a struct with named fields nor an enum",
        ),
        (refused!(Inline), "Inline.one", of_its_own),
        (
            refused!(u8, #[schemars(rename = "snake_case")]),
            "snake_case",
            "its name is not in camel case; add `#[serde(rename_all = \"camelCase\")]`",
        ),
    ] {
        assert_eq!(
            found,
            format!("`Holder` cannot be a Pulumi type: at `{place}`, {problem}")
        );
    }
    assert!(refused!(Endless).ends_with("it contains itself"));
    assert_eq!(
        refusal::<String>(),
        "`string` cannot be a Pulumi type: it is not a struct"
    );
}

#[test]
fn what_is_flattened_has_to_be_a_struct() {
    #[derive(JsonSchema)]
    struct WithMap {
        #[schemars(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(JsonSchema)]
    struct WithEnum {
        #[schemars(flatten)]
        load: Load,
    }
    #[derive(JsonSchema)]
    struct WithStruct {
        own: bool,
        #[schemars(flatten)]
        pier: Pier,
    }

    assert!(refusal::<WithMap>().ends_with("a map cannot be flattened into a struct"));
    assert!(
        refusal::<WithEnum>()
            .ends_with("an enum or an optional struct cannot be flattened into a struct")
    );
    let names: Vec<_> = shape::<WithStruct>()
        .properties
        .into_iter()
        .map(|property| property.name)
        .collect();
    assert_eq!(names, ["own", "height", "next"]);
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
struct Settings {
    #[schemars(extend("pulumi:environment" = ["HARBOUR_REGION", "REGION"]))]
    region: Option<String>,
    retries: Option<u8>,
    verbose: Option<bool>,
    colour: Option<Colour>,
    token: Option<Secret<Vec<String>>>,
}

fn settings(properties: &[(&str, Value)]) -> PropertyMap {
    properties
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

#[test]
fn configuration_given_as_text_reads_as_what_it_stands_for() {
    let texts = settings(&[
        ("region", Value::from("5")),
        ("retries", Value::from("5")),
        ("verbose", Value::from("true")),
        ("colour", Value::from("rust")),
        ("token", Value::secret("[\"a\"]")),
        ("version", Value::from("1.0.0")),
    ]);
    let native = settings(&[
        ("region", Value::from("5")),
        ("retries", Value::from(5)),
        ("verbose", Value::from(true)),
        ("colour", Value::from("rust")),
        ("token", Value::secret(vec!["a"])),
        ("version", Value::from("1.0.0")),
    ]);

    let shape = shape::<Settings>();
    assert_eq!(shape.parse_texts(&texts), Ok(native.clone()));
    assert_eq!(shape.parse_texts(&native), Ok(native));
}

#[test]
fn configuration_that_cannot_be_read_is_named_all_at_once_and_never_quoted() {
    let texts = settings(&[
        ("retries", Value::from("many")),
        ("token", Value::secret("hunter2")),
    ]);

    let problems = shape::<Settings>()
        .parse_texts(&texts)
        .expect_err("neither is JSON");

    let found: Vec<_> = problems
        .iter()
        .map(|it| (it.path.to_string(), it.reason.as_str(), it.secret))
        .collect();
    assert_eq!(
        found[0],
        (
            "retries".to_owned(),
            "must be a whole number, and the text given is not one in JSON",
            false
        )
    );
    assert_eq!(
        found[1],
        (
            "token".to_owned(),
            "must be a list, and the text given is not one in JSON",
            true
        )
    );
}

#[test]
fn the_first_environment_variable_that_is_set_stands_in_for_what_is_absent() {
    let shape = shape::<Settings>();
    let region = |name: &str| (name == "REGION").then(|| "south".to_owned());

    let filled = shape.with_environment(PropertyMap::new(), region);
    assert_eq!(filled, settings(&[("region", Value::from("south"))]));

    let given = settings(&[("region", Value::Unknown)]);
    assert_eq!(shape.with_environment(given.clone(), region), given);
}

#[test]
fn an_unknown_property_is_reported_with_what_was_probably_meant() {
    let map = settings(&[
        ("retires", Value::from(1)),
        ("colour", Value::from("rsut")),
        ("other", Value::Null),
    ]);

    let found = shape::<Settings>().problems(&map);

    let found: Vec<_> = found
        .iter()
        .map(|it| format!("{} {}", it.path, it.reason))
        .collect();
    assert_eq!(
        found,
        [
            "colour must be one of `rust`, `light-blue`; did you mean `rust`?",
            "retires is not a known property; did you mean `retries`?"
        ]
    );
}
