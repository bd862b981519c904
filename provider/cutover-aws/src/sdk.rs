//! The SDK's configuration and clients, made when they are first needed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::origin::Origin;
use cutover_core::{Failure, FailureClass, Timestamp};
use cutover_driver::Clock;
use tokio::sync::OnceCell;

use crate::skew::{ServiceClock, Skew};
use crate::{AssumeRole, Endpoints, Settings};

/// How long connecting may take: ours; a second packet lost is rare, a firewall that swallows packets is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one attempt may take: ours; the calls made here are answered within a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// What sessions are called in the audit log when nobody says: ours.
const SESSION_NAME: &str = "pulumi-cutover";

/// The SDK, configured. A clone shares everything, so that adapters have one set of credentials and one HTTP client.
#[derive(Clone, Debug)]
pub struct Sdk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    clock: Arc<dyn Clock>,
    http: Option<SharedHttpClient>,
    skew: Skew,
    loaded: OnceCell<Loaded>,
}

/// What was looked up.
#[derive(Debug)]
struct Loaded {
    config: SdkConfig,
    /// The credentials from before a role is assumed with them.
    source: Option<SharedCredentialsProvider>,
}

impl Sdk {
    /// Keeps the settings for when they are needed; does not look anything up.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self::with(settings, clock, None)
    }

    /// As [`Sdk::new`], with everything sent through another HTTP client.
    #[cfg(test)]
    pub(crate) fn through(
        settings: Settings,
        clock: Arc<dyn Clock>,
        http: SharedHttpClient,
    ) -> Self {
        Self::with(settings, clock, Some(http))
    }

    fn with(settings: Settings, clock: Arc<dyn Clock>, http: Option<SharedHttpClient>) -> Self {
        Self(Arc::new(Shared {
            settings,
            skew: Skew::new(Arc::clone(&clock)),
            clock,
            http,
            loaded: OnceCell::new(),
        }))
    }

    /// Returns the time as the services tell it, for decisions. The SDK itself goes by the clock that it was given, and
    /// minds the difference where it signs.
    pub fn service_clock(&self) -> ServiceClock {
        ServiceClock::new(self.0.skew.clone())
    }

    /// Returns the settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns the SDK's configuration, which the first call looks up.
    pub(crate) async fn config(&self) -> &SdkConfig {
        &self.loaded().await.config
    }

    /// Returns where credentials come from; with a role to assume, those that it is assumed with.
    pub(crate) async fn source(&self) -> Option<&SharedCredentialsProvider> {
        self.loaded().await.source.as_ref()
    }

    async fn loaded(&self) -> &Loaded {
        self.0.loaded.get_or_init(|| self.0.load()).await
    }

    /// Returns the configured region.
    ///
    /// # Errors
    /// [`FailureClass::Unconfigured`] when there is none.
    pub(crate) async fn region(&self, action: &'static str) -> Result<&str, Failure> {
        let region = self.config().await.region().map(AsRef::as_ref);
        region.ok_or_else(|| Failure {
            class: FailureClass::Unconfigured,
            action,
            message: "no region is configured".to_owned(),
        })
    }
}

impl Shared {
    async fn load(&self) -> Loaded {
        let settings = &self.settings;
        let http = self.http.clone().unwrap_or_else(|| {
            Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https()
        });
        let http = self.skew.watch(http);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        // Written out, so that defaults change in a commit and not by an update.
        let mut loader: ConfigLoader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http)
            .time_source(Hooks(Arc::clone(&self.clock)))
            .sleep_impl(Hooks(Arc::clone(&self.clock)))
            .timeout_config(timeouts)
            .retry_config(
                RetryConfig::standard().with_max_attempts(settings.retries.saturating_add(1)),
            );
        if let Ok(name) = AppName::new("pulumi-cutover") {
            loader = loader.app_name(name);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(keys) = &settings.keys {
            let keys = Credentials::new(
                &keys.access_key,
                &keys.secret_key,
                keys.token.clone(),
                None,
                "provider configuration",
            );
            loader = loader.credentials_provider(keys);
        }
        let base = loader.load().await;
        let source = base.credentials_provider();
        let config = match &settings.assume_role {
            Some(role) => self.assuming(role, base).await,
            None => base,
        };
        Loaded { config, source }
    }

    /// Puts a role between the credentials and the calls. The session is begun by the first call that needs it.
    async fn assuming(&self, role: &AssumeRole, base: SdkConfig) -> SdkConfig {
        let for_sts = sent_to(&base, self.settings.endpoints.sts.as_deref());
        let mut provider = AssumeRoleProvider::builder(&role.role_arn)
            .session_name(role.session_name.as_deref().unwrap_or(SESSION_NAME))
            .configure(&for_sts);
        if let Some(id) = &role.external_id {
            provider = provider.external_id(id);
        }
        if let Some(duration) = role.duration {
            provider = provider.session_length(duration);
        }
        let provider = match base.credentials_provider() {
            Some(own) => provider.build_from_provider(own).await,
            None => provider.build().await,
        };
        base.to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .build()
    }
}

/// A client of one service, made by the first call that needs it.
#[derive(Debug)]
pub(crate) struct Client<T> {
    sdk: Sdk,
    endpoint: fn(&Endpoints) -> Option<&String>,
    connect: fn(&SdkConfig) -> T,
    made: OnceCell<T>,
}

impl<T> Client<T> {
    /// Says how the client is made: with which endpoint of the settings, and by which constructor of the SDK.
    pub(crate) fn new(
        sdk: &Sdk,
        endpoint: fn(&Endpoints) -> Option<&String>,
        connect: fn(&SdkConfig) -> T,
    ) -> Self {
        Self {
            sdk: sdk.clone(),
            endpoint,
            connect,
            made: OnceCell::new(),
        }
    }

    /// Returns the client.
    ///
    /// # Errors
    /// [`FailureClass::Unconfigured`] when no region is configured.
    pub(crate) async fn get(&self, action: &'static str) -> Result<&T, Failure> {
        self.sdk.region(action).await?;
        let make = || async {
            let url = (self.endpoint)(&self.sdk.settings().endpoints);
            let config = sent_to(self.sdk.config().await, url.map(String::as_str));
            (self.connect)(&config)
        };
        Ok(self.made.get_or_init(make).await)
    }
}

/// The configuration with another endpoint, which goes before those of the environment and of shared files.
fn sent_to(config: &SdkConfig, url: Option<&str>) -> SdkConfig {
    let mut config = config.to_builder();
    if let Some(url) = url {
        config.set_endpoint_url(Some(url.to_owned()));
        config.insert_origin("endpoint_url", Origin::shared_config());
    }
    config.build()
}

/// The driver's clock as the SDK wants it, so that there is one clock in the process.
#[derive(Clone, Debug)]
struct Hooks(Arc<dyn Clock>);

impl TimeSource for Hooks {
    fn now(&self) -> SystemTime {
        let millis = self.0.now().unix_millis();
        let distance = Duration::from_millis(millis.unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        if millis < 0 {
            epoch.checked_sub(distance)
        } else {
            epoch.checked_add(distance)
        }
        .unwrap_or(epoch)
    }
}

impl AsyncSleep for Hooks {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(self.0.sleep_until(self.0.now().after(duration)))
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;
    use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

    use super::*;

    /// An environment that names an endpoint for every service.
    #[derive(Debug)]
    struct Environment;

    impl LoadServiceConfig for Environment {
        fn load_config(&self, _key: ServiceConfigKey<'_>) -> Option<String> {
            Some("http://environment".to_owned())
        }
    }

    fn check(url: Option<&str>, expected: &str) {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .service_config(Environment)
            .build();

        let made = aws_sdk_iam::config::Builder::from(&sent_to(&config, url)).build();

        let shown = format!("{made:?}");
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn an_endpoint_of_the_configuration_goes_before_one_of_the_environment() {
        check(Some("http://configuration"), "http://configuration");
        check(None, "http://environment");
    }

    #[tokio::test]
    async fn a_client_needs_a_region_before_anything_is_sent() {
        let sdk = Sdk::new(Settings::default(), Arc::new(cutover_driver::SystemClock));
        let loaded = Loaded {
            config: SdkConfig::builder().build(),
            source: None,
        };
        sdk.0.loaded.set(loaded).expect("nothing was looked up");
        let client = Client::new(&sdk, |to| to.iam.as_ref(), aws_sdk_iam::Client::new);

        let failure = client.get("iam:GetRole").await.unwrap_err();

        assert_eq!(
            (failure.class, failure.action),
            (FailureClass::Unconfigured, "iam:GetRole")
        );
    }
}
