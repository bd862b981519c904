//! The package schema as SDK generators read it.

use std::collections::BTreeMap;

use pulumi_value::schema::{Function, Method, Package, PackageMetadata, Resource, Shape};
use pulumi_value::{Archive, Asset, Output, ResourceReference, Secret, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the tide is watched and where the results go.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Config {
    /// The station that answers.
    #[schemars(extend("pulumi:environment" = ["TIDE_STATION"]))]
    station: String,
    /// The token that the station asks for.
    token: Option<Secret<String>>,
    /// Calls for one reading before giving up.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    attempts: u8,
    /// Whether to read without ever writing.
    #[serde(default)]
    read_only: bool,
    /// Words that go along with every reading.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Who is told when a reading fails.
    contact: Option<Contact>,
    /// Stations to ask when the first does not answer.
    fallbacks: Option<Vec<String>>,
}

fn three() -> u8 {
    3
}

/// A way to reach somebody.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Contact {
    /// Where mail goes.
    mail: String,
    /// Hours of the day, from 0, at which nobody may be disturbed.
    #[serde(default)]
    quiet_hours: Vec<Hour>,
}

/// An hour of the day.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Hour(#[schemars(range(min = 0, max = 23))] u8);

/// A gauge that reads the tide.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GaugeArgs {
    /// The gauge's name at the station; made up when not given.
    #[schemars(extend("pulumi:autoname" = 24))]
    gauge_name: String,
    /// Where the gauge stands. Moving it makes another gauge of it.
    #[schemars(extend("pulumi:replace" = true))]
    place: Place,
    /// How readings become a curve.
    #[serde(default)]
    smoothing: Smoothing,
    /// What happens to a reading that is out of the ordinary.
    alarm: Option<Alarm>,
    /// Seconds between readings.
    #[serde(default = "sixty")]
    #[schemars(range(min = 1, max = 3600))]
    interval_seconds: u32,
    /// The password of the gauge's own page.
    password: Secret<String>,
    /// Keys of those who may read, newest first.
    readers: Option<Vec<Secret<String>>>,
    /// A drawing of the place.
    drawing: Option<Asset>,
    /// Earlier readings.
    history: Option<Archive>,
    /// The former name of `gaugeName`.
    #[schemars(extend("pulumi:deprecated" = "use `gaugeName`"))]
    title: Option<String>,
}

fn sixty() -> u32 {
    60
}

/// A place on the coast.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Place {
    /// Degrees north.
    #[schemars(range(min = -90, max = 90))]
    latitude: f64,
    /// Degrees east.
    longitude: f64,
    /// Metres above chart datum.
    #[serde(default)]
    height: f64,
}

/// How readings become a curve.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Smoothing {
    /// Every reading is a point.
    #[default]
    None,
    /// A mean over the last few readings.
    MovingMean,
}

/// What happens to a reading that is out of the ordinary.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Alarm {
    /// Somebody is told.
    Notify(Contact),
    /// A lamp is lit for this many seconds.
    Lamp(u16),
}

/// What is known of a gauge once it stands.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GaugeState {
    /// The gauge's number at the station.
    serial: u64,
    /// The address that readings are sent to, with the key to it.
    endpoint: Secret<String>,
    /// What the station said last, in its own words.
    raw: Option<Value>,
}

/// A row of gauges along a coast.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CoastArgs {
    /// Names of the places, which decide how many gauges there are.
    #[schemars(extend("pulumi:plain" = true))]
    places: Vec<String>,
    /// Metres between two gauges.
    spacing_metres: Output<f64>,
    /// The gauge to compare the others with.
    reference: Option<ResourceReference>,
    /// The password of every gauge.
    password: Option<Output<Secret<String>>>,
}

/// What is known of a coast.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct CoastOutputs {
    /// Where each gauge can be reached, by place.
    endpoints: Output<BTreeMap<String, String>>,
}

/// Computes the height of the water at a moment.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HeightArgs {
    /// The moment, in seconds since 1970.
    at_seconds: f64,
}

/// The height of the water.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HeightResult {
    /// Metres above chart datum.
    metres: f64,
}

/// Sets every gauge of the coast back to zero.
#[derive(Serialize, Deserialize, JsonSchema)]
struct ResetArgs {}

fn shape<T: JsonSchema>() -> Shape {
    Shape::of::<T>().expect("a type that can be said in a schema")
}

fn tide() -> Package {
    Package {
        metadata: PackageMetadata {
            name: "tide",
            version: "1.2.3",
            display_name: "Tide",
            description: "Gauges that read the tide.",
            publisher: "The harbour office",
            homepage: "https://tide.example.com",
            repository: "https://git.example.com/tide",
            license: "Apache-2.0",
            keywords: &["pulumi", "kind/native"],
            plugin_download_url: "https://tide.example.com/plugin",
            node_package: "@harbour/tide",
        },
        config: shape::<Config>(),
        resources: BTreeMap::from([
            (
                "tide:index:Gauge".to_owned(),
                Resource {
                    component: false,
                    inputs: shape::<GaugeArgs>(),
                    outputs: shape::<GaugeState>(),
                    methods: BTreeMap::new(),
                },
            ),
            (
                "tide:index:Coast".to_owned(),
                Resource {
                    component: true,
                    inputs: shape::<CoastArgs>(),
                    outputs: shape::<CoastOutputs>(),
                    methods: BTreeMap::from([
                        ("height".to_owned(), "tide:index:Coast/height".to_owned()),
                        ("reset".to_owned(), "tide:index:Coast/reset".to_owned()),
                    ]),
                },
            ),
        ]),
        functions: BTreeMap::from([
            (
                "tide:index:getHeight".to_owned(),
                Function {
                    inputs: shape::<HeightArgs>(),
                    outputs: shape::<HeightResult>(),
                    method_of: None,
                },
            ),
            (
                "tide:index:Coast/height".to_owned(),
                Function {
                    inputs: shape::<HeightArgs>(),
                    outputs: shape::<HeightResult>(),
                    method_of: Some(Method {
                        resource: "tide:index:Coast".to_owned(),
                    }),
                },
            ),
            (
                "tide:index:Coast/reset".to_owned(),
                Function {
                    inputs: shape::<ResetArgs>(),
                    outputs: shape::<()>(),
                    method_of: Some(Method {
                        resource: "tide:index:Coast".to_owned(),
                    }),
                },
            ),
        ]),
    }
}

#[test]
fn a_package_renders_to_the_reviewed_schema() {
    let rendered = tide().render().expect("a package without contradictions");

    insta::assert_snapshot!(serde_json::to_string_pretty(&rendered).expect("JSON"));
}

#[test]
fn a_name_that_pulumi_keeps_for_itself_is_refused() {
    /// A buoy.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Buoy {
        /// A number.
        id: String,
    }
    let buoy = |component| {
        let mut package = tide();
        let resource = Resource {
            component,
            inputs: Shape::default(),
            outputs: shape::<Buoy>(),
            methods: BTreeMap::new(),
        };
        package
            .resources
            .insert("tide:index:Buoy".to_owned(), resource);
        package.render()
    };

    let error = buoy(false).expect_err("a custom resource has an id already");
    assert_eq!(
        error.to_string(),
        "`tide:index:Buoy` cannot be a Pulumi type: at `id`, the name is reserved by Pulumi"
    );
    assert!(buoy(true).is_ok());
}

#[test]
fn two_types_of_one_name_are_refused_unless_they_are_the_same() {
    mod elsewhere {
        /// Another place altogether.
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only its shape is used")]
        pub(super) struct Place {
            /// A street.
            street: String,
        }
    }
    /// A shop.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its shape is used")]
    struct Shop {
        /// Where it is.
        place: elsewhere::Place,
    }
    let mut package = tide();
    let function = Function {
        inputs: shape::<Shop>(),
        outputs: Shape::default(),
        method_of: None,
    };

    package
        .functions
        .insert("tide:index:getShop".to_owned(), function);

    let error = package.render().expect_err("two types are called `Place`");
    assert!(
        error
            .to_string()
            .contains("another type of the package has the same name"),
        "{error}"
    );
}
