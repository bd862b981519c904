//! A component with many independent children of another package.

use futures_util::future::try_join_all;
use pulumi_host::{Component, Construction, Error};
use pulumi_value::{Output, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A shelf full of bolts.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ShelfArgs {
    /// How many bolts there are.
    #[schemars(extend("pulumi:plain" = true))]
    pub size: u32,
    /// What their labels begin with.
    pub prefix: Option<Output<String>>,
}

/// What a shelf offers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShelfOutputs {
    /// The ids of the bolts.
    pub ids: Vec<Output<String>>,
    /// How many there are.
    pub count: u32,
}

/// The component.
#[derive(Debug)]
pub struct ShelfComponent;

impl<A: Send + Sync + 'static> Component<A> for ShelfComponent {
    const NAME: &'static str = "Shelf";
    type Args = ShelfArgs;
    type Outputs = ShelfOutputs;

    async fn construct(
        &self,
        construction: &Construction<A>,
        args: ShelfArgs,
    ) -> Result<ShelfOutputs, Error> {
        let prefix = args.prefix.unwrap_or_else(|| Output::known(String::new()));
        let bolts = (0..args.size).map(|index| {
            construction
                .child("parts:index:Bolt", &format!("bolt-{index}"))
                .input(
                    "label",
                    &prefix.clone().map(|prefix| format!("{prefix}-{index}")),
                )
                .input("secretNote", &Secret::new(format!("note {index}")))
                .register()
        });
        let bolts = try_join_all(bolts).await?;
        Ok(ShelfOutputs {
            ids: bolts.iter().map(pulumi_host::Child::id).collect(),
            count: args.size,
        })
    }
}
