//! The provider as a whole.

use std::collections::BTreeMap;

use cutover_driver::World;
use pulumi_host::{Error, ErrorKind, Provider};
use pulumi_value::schema::PackageMetadata;
use serde_json::Value as Json;

use crate::config::Config;
use crate::data_validation::{DataValidation, ValidateData};
use crate::finalization::Finalization;
use crate::migration_cutover::MigrationCutover;
use crate::replication::Replication;
use crate::service_roles::DmsServiceRoles;
use crate::weighted_shift::{PaymentGates, WeightedShift};
use crate::writer_switch::WriterSwitch;

/// What the package says about itself.
const METADATA: PackageMetadata = PackageMetadata {
    name: "cutover",
    version: env!("CARGO_PKG_VERSION"),
    display_name: "Cutover",
    description: "Move a payment system to AWS: environments, migration, validation and weighted traffic shifts.",
    publisher: "cutover-dev",
    homepage: "https://github.com/cutover-dev/pulumi-cutover",
    repository: "https://github.com/cutover-dev/pulumi-cutover",
    license: "Apache-2.0",
    keywords: &[
        "aws",
        "migration",
        "cutover",
        "category/cloud",
        "kind/native",
    ],
    plugin_download_url: "github://api.github.com/cutover-dev/pulumi-cutover",
    node_package: "pulumi-cutover",
};

/// What the provider makes of its configuration.
#[derive(Clone, Debug)]
pub struct App {
    /// Everything outside of this process.
    pub world: World,
    /// Tags for everything that is made.
    pub default_tags: BTreeMap<String, String>,
    /// Reads a variable of the environment that a program names.
    pub variable: fn(&str) -> Option<String>,
}

/// Assembles the provider.
///
/// `variable` reads the environment. `connect` makes a world of a checked configuration, without calling anyone.
pub fn provider(
    variable: fn(&str) -> Option<String>,
    connect: impl Fn(&Config) -> World + Send + Sync + 'static,
) -> Provider<App> {
    assemble(variable, move |config| {
        Ok(App {
            world: connect(&config),
            default_tags: config.default_tags,
            variable,
        })
    })
}

/// Renders the package schema.
///
/// # Errors
/// When a type cannot be said in a schema: a mistake in this crate.
pub fn schema() -> Result<Json, Error> {
    // Nothing is configured for a schema.
    assemble(
        |_| None,
        |_| {
            Err(Error::new(
                ErrorKind::Unsupported,
                "this provider has no world",
            ))
        },
    )
    .schema()
}

fn assemble(
    variable: fn(&str) -> Option<String>,
    configure: impl Fn(Config) -> Result<App, Error> + Send + Sync + 'static,
) -> Provider<App> {
    Provider::builder(METADATA, variable, configure)
        .resource(DataValidation)
        .resource(DmsServiceRoles)
        .resource(Finalization)
        .resource(Replication)
        .resource(WeightedShift)
        .resource(WriterSwitch)
        .component(MigrationCutover)
        .function(PaymentGates)
        .function(ValidateData)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_offers_the_resource_and_says_where_the_plugin_is() {
        let schema = schema().expect("every type can be said in a schema");

        assert!(
            schema["resources"]["cutover:index:DmsServiceRoles"]["properties"]["vpcRole"]
                .is_object()
        );
        assert_eq!(
            schema["pluginDownloadURL"],
            "github://api.github.com/cutover-dev/pulumi-cutover"
        );
        for secret in ["accessKey", "secretKey", "token"] {
            assert_eq!(
                schema["config"]["variables"][secret]["secret"], true,
                "{secret}"
            );
        }
    }
}
