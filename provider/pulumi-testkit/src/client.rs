//! The calls that an engine makes about the provider as a whole.

use std::collections::BTreeMap;

use pulumi_proto::resource_provider_client::ResourceProviderClient;
use pulumi_proto::{
    CheckRequest, CheckResponse, ConfigureRequest, ConfigureResponse, DiffRequest,
    GetSchemaRequest, PluginAttach, ProviderHandshakeRequest, ProviderHandshakeResponse,
};
use pulumi_value::wire::{Dialect, decode, encode};
use pulumi_value::{PropertyMap, Urn};
use tonic::transport::{Channel, Endpoint};

use crate::failure::Failure;
use crate::subject::{Difference, Subject};

/// The largest list of headers that the engine accepts, in bytes: what gRPC for Go sets by default.
const HEADER_BYTES_MAX: u32 = 16 * 1024 * 1024;

/// An engine's view of a provider. Cheap to clone; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    raw: ResourceProviderClient<Channel>,
}

/// What became of a check.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The inputs that the engine stores.
    pub inputs: PropertyMap,
    /// What is wrong: property paths, empty where the CLI must not print the value, and reasons.
    pub failures: Vec<(String, String)>,
}

impl Checked {
    /// Returns the inputs.
    ///
    /// # Panics
    /// When something is wrong with them.
    pub fn accepted(self) -> PropertyMap {
        assert_eq!(self.failures, [], "the inputs are refused");
        self.inputs
    }
}

impl From<CheckResponse> for Checked {
    fn from(response: CheckResponse) -> Self {
        let failures = response.failures.into_iter();
        Self {
            inputs: decode(response.inputs.unwrap_or_default()).expect("readable inputs"),
            failures: failures
                .map(|failure| (failure.property, failure.reason))
                .collect(),
        }
    }
}

impl Client {
    /// Connects to a provider, with the limits that an engine has.
    pub async fn connect(address: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let endpoint = endpoint.http2_max_header_list_size(HEADER_BYTES_MAX);
        let channel = endpoint
            .connect()
            .await
            .expect("the provider listens before it says so");
        let limit = pulumi_host::MESSAGE_BYTES_MAX;
        let raw = ResourceProviderClient::new(channel);
        Self {
            raw: raw
                .max_decoding_message_size(limit)
                .max_encoding_message_size(limit),
        }
    }

    /// Returns the generated client, for messages that no engine would send.
    pub fn raw(&self) -> ResourceProviderClient<Channel> {
        self.raw.clone()
    }

    /// Shakes hands as an engine of version 3.245 does; `engine` is its address.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn handshake(&self, engine: &str) -> Result<ProviderHandshakeResponse, Failure> {
        let request = ProviderHandshakeRequest {
            engine_address: engine.to_owned(),
            configure_with_urn: true,
            supports_views: true,
            supports_refresh_before_update: true,
            invoke_with_preview: true,
            ..ProviderHandshakeRequest::default()
        };
        Ok(self.raw().handshake(request).await?.into_inner())
    }

    /// Attaches to a provider that was started by hand.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn attach(&self, engine: &str) -> Result<(), Failure> {
        self.raw()
            .attach(PluginAttach {
                address: engine.to_owned(),
            })
            .await?;
        Ok(())
    }

    /// Returns the plugin's version.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn plugin_version(&self) -> Result<String, Failure> {
        Ok(self.raw().get_plugin_info(()).await?.into_inner().version)
    }

    /// Returns the package schema.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn schema(&self) -> Result<String, Failure> {
        Ok(self
            .raw()
            .get_schema(GetSchemaRequest::default())
            .await?
            .into_inner()
            .schema)
    }

    /// Checks a configuration.
    ///
    /// # Errors
    /// When the provider refuses the call.
    pub async fn check_config(&self, news: PropertyMap) -> Result<Checked, Failure> {
        let request = CheckRequest {
            urn: self.provider_urn(),
            news: Some(encode(&news, Dialect::Custom)),
            ..CheckRequest::default()
        };
        Ok(self.raw().check_config(request).await?.into_inner().into())
    }

    /// Compares two configurations.
    ///
    /// # Errors
    /// When the provider refuses the call.
    pub async fn diff_config(
        &self,
        olds: &PropertyMap,
        news: &PropertyMap,
    ) -> Result<Difference, Failure> {
        let olds = encode(olds, Dialect::Custom);
        let request = DiffRequest {
            urn: self.provider_urn(),
            olds: Some(olds.clone()),
            old_inputs: Some(olds),
            news: Some(encode(news, Dialect::Custom)),
            ..DiffRequest::default()
        };
        Ok(self.raw().diff_config(request).await?.into_inner().into())
    }

    /// Configures the provider. As an engine does, it also sends everything as text, which providers ignore.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub async fn configure(&self, args: PropertyMap) -> Result<ConfigureResponse, Failure> {
        let texts = args
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_str()?)));
        let variables: BTreeMap<_, _> = texts
            .map(|(key, text)| (format!("any:config:{key}"), text.to_owned()))
            .collect();
        let request = ConfigureRequest {
            variables,
            args: Some(encode(&args, Dialect::Custom)),
            accept_secrets: true,
            accept_resources: true,
            sends_old_inputs: true,
            sends_old_inputs_to_delete: true,
            ..ConfigureRequest::default()
        };
        Ok(self.raw().configure(request).await?.into_inner())
    }

    /// Ends a run.
    ///
    /// # Errors
    /// Never in a provider that works.
    pub async fn cancel(&self) -> Result<(), Failure> {
        self.raw().cancel(()).await?;
        Ok(())
    }

    /// Returns a resource to make calls about.
    pub fn resource(&self, token: &str, name: &str) -> Subject {
        Subject::new(self.clone(), crate::urn(token, name))
    }

    /// Returns the resource of a URN to make calls about.
    pub fn resource_of(&self, urn: &Urn) -> Subject {
        Subject::new(self.clone(), urn.clone())
    }

    #[expect(clippy::unused_self, reason = "every client stands for one provider")]
    fn provider_urn(&self) -> String {
        crate::urn("pulumi:providers:any", "default")
            .as_str()
            .to_owned()
    }
}
