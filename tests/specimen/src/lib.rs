//! Two small providers for tests and benchmarks.
//!
//! *Specimen* uses everything that the framework offers: plain and long-running resources, components with children
//! of its own and of another package, functions, methods, configuration of every type. *Parts* is that other package.
//! Neither is shipped; both are as strict as a real provider, so that a mistake in a test program is found.

pub mod cabinet;
pub mod join;
pub mod note;
pub mod parts;
pub mod rollout;
pub mod shelf;

use std::collections::BTreeMap;

use pulumi_host::{Problem, Provider, ProviderConfig};
use pulumi_value::schema::PackageMetadata;
use pulumi_value::{PropertyPath, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The configuration of the specimen provider.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// Where the specimens live.
    #[schemars(extend("pulumi:environment" = ["SPECIMEN_REGION"]))]
    pub region: Option<String>,
    /// What opens the cabinet.
    pub token: Option<Secret<String>>,
    /// Whose specimens they are; those of another account cannot be reached.
    #[schemars(extend("pulumi:replace" = true))]
    pub account: Option<String>,
    /// How often to try.
    #[schemars(range(min = 1, max = 10))]
    pub attempts: Option<u8>,
    /// Whether to be strict.
    pub strict: Option<bool>,
    /// Labels for every specimen.
    pub labels: Option<BTreeMap<String, String>>,
    /// How the cabinet is locked.
    pub lock: Option<Lock>,
    /// Needed when `SPECIMEN_DEMANDS_OWNER` is set: shows how missing configuration is reported.
    #[schemars(extend("pulumi:environment" = ["SPECIMEN_OWNER"]))]
    #[serde(default = "nobody")]
    pub owner: String,
}

fn nobody() -> String {
    "nobody".to_owned()
}

/// How a cabinet is locked.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Lock {
    /// The secret combination.
    pub combination: Secret<String>,
}

impl ProviderConfig for Config {
    fn check(&self, problems: &mut Vec<Problem>) {
        if self
            .region
            .as_ref()
            .is_some_and(|region| region.contains(' '))
        {
            let path = PropertyPath::root().key("region");
            problems.push(Problem::new(path, "must not contain spaces"));
        }
    }
}

/// The provider whose configuration lacks what it needs: refused when it is configured.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct DemandingConfig {
    /// Who owns the specimens.
    pub owner: String,
}

impl ProviderConfig for DemandingConfig {}

/// What the specimen package says about itself.
pub const SPECIMEN: PackageMetadata = PackageMetadata {
    name: "specimen",
    version: env!("CARGO_PKG_VERSION"),
    display_name: "Specimen",
    description: "Everything that the framework offers, for its tests.",
    publisher: "cutover",
    homepage: "https://example.com",
    repository: "https://example.com/specimen",
    license: "Apache-2.0",
    keywords: &[],
    plugin_download_url: "https://example.com/specimen",
    node_package: "pulumi-specimen",
};

/// What the parts package says about itself.
pub const PARTS: PackageMetadata = PackageMetadata {
    name: "parts",
    display_name: "Parts",
    description: "A package whose resources are children of other packages' components, for tests.",
    node_package: "pulumi-parts",
    plugin_download_url: "https://example.com/parts",
    ..SPECIMEN
};

/// Puts the specimen provider together.
pub fn specimen(variable: fn(&str) -> Option<String>) -> Provider<Config> {
    Provider::builder(SPECIMEN, variable, Ok)
        .resource(note::NoteResource)
        .resource(rollout::RolloutResource)
        .component(shelf::ShelfComponent)
        .component(cabinet::CabinetComponent)
        .method(cabinet::Describe)
        .function(join::Join)
        .function(join::Stall)
        .build()
}

/// The specimen provider with configuration that it cannot do without.
pub fn demanding(variable: fn(&str) -> Option<String>) -> Provider<DemandingConfig> {
    Provider::builder(SPECIMEN, variable, Ok).build()
}

/// The provider of another package.
pub fn parts(variable: fn(&str) -> Option<String>) -> Provider<parts::Config> {
    Provider::builder(PARTS, variable, Ok)
        .resource(parts::BoltResource)
        .build()
}
