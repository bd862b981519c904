//! The other package: one resource.

use pulumi_host::{
    Context, Created, CustomResource, Error, ErrorKind, Found, Prior, ProviderConfig, ReadResult,
    Settled,
};
use pulumi_value::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The configuration of the parts provider.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Config {
    /// What the serial numbers begin with.
    pub maker: Option<String>,
}

impl ProviderConfig for Config {}

/// A bolt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoltArgs {
    /// What it is called.
    pub label: Option<String>,
    /// What nobody must read.
    pub secret_note: Option<Secret<String>>,
    /// Makes its creation fail.
    pub fail: Option<bool>,
}

/// What a bolt becomes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct BoltState {
    /// Its serial number.
    pub serial: String,
}

/// The resource.
#[derive(Debug)]
pub struct BoltResource;

impl CustomResource<Config> for BoltResource {
    const NAME: &'static str = "Bolt";
    type Args = BoltArgs;
    type State = BoltState;

    async fn create(
        &self,
        context: &Context<Config>,
        args: BoltArgs,
    ) -> Result<Created<BoltState>, Error> {
        if args.fail == Some(true) {
            return Err(
                Error::new(ErrorKind::Refused, "the bolt broke").with_next("take another one")
            );
        }
        let maker = context.app().maker.as_deref().unwrap_or("bolt");
        let serial = format!("{maker}-{}", args.label.as_deref().unwrap_or("plain"));
        Ok(Created {
            id: serial.clone(),
            settled: Settled::Complete(BoltState { serial }),
        })
    }

    async fn read(
        &self,
        _: &Context<Config>,
        id: &str,
        prior: Option<Prior<BoltArgs, BoltState>>,
    ) -> ReadResult<BoltArgs, BoltState> {
        let args = prior.map_or(
            BoltArgs {
                label: None,
                secret_note: None,
                fail: None,
            },
            |prior| prior.args,
        );
        let settled = Settled::Complete(BoltState {
            serial: id.to_owned(),
        });
        Ok(Some(Found {
            id: id.to_owned(),
            args,
            settled,
        }))
    }

    async fn update(
        &self,
        _: &Context<Config>,
        _: &str,
        _: BoltArgs,
        prior: Prior<BoltArgs, BoltState>,
    ) -> Result<Settled<BoltState>, Error> {
        Ok(Settled::Complete(prior.state))
    }

    async fn delete(
        &self,
        _: &Context<Config>,
        _: &str,
        _: Option<Prior<BoltArgs, BoltState>>,
    ) -> Result<(), Error> {
        Ok(())
    }
}
