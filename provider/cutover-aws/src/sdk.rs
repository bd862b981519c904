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
use cutover_driver::Clock;
use tokio::sync::OnceCell;

use crate::{AssumeRole, Settings};

/// How long connecting may take: ours; a second packet lost is rare, a firewall that swallows packets is not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one attempt may take: ours; the calls made here are answered within a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// What sessions are called in the audit log when nobody says: ours.
const SESSION_NAME: &str = "pulumi-cutover";

/// The SDK, configured.
#[derive(Debug)]
pub struct Sdk {
    settings: Settings,
    clock: Arc<dyn Clock>,
    http: Option<SharedHttpClient>,
    loaded: OnceCell<SdkConfig>,
}

impl Sdk {
    /// Keeps the settings for when they are needed; does not look anything up.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            clock,
            http: None,
            loaded: OnceCell::new(),
        }
    }

    /// Sends everything through another HTTP client.
    #[cfg(test)]
    pub(crate) fn through(self, http: SharedHttpClient) -> Self {
        Self {
            http: Some(http),
            ..self
        }
    }

    /// Returns the settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the SDK's configuration, which the first call looks up.
    pub(crate) async fn config(&self) -> &SdkConfig {
        self.loaded.get_or_init(|| self.load()).await
    }

    async fn load(&self) -> SdkConfig {
        let settings = &self.settings;
        let http = self.http.clone().unwrap_or_else(|| {
            Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https()
        });
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
        match &settings.assume_role {
            Some(role) => self.assuming(role, base).await,
            None => base,
        }
    }

    /// Puts a role between the credentials and the calls. The session is begun by the first call that needs it.
    async fn assuming(&self, role: &AssumeRole, base: SdkConfig) -> SdkConfig {
        let mut for_sts = base.to_builder();
        for_sts.set_endpoint_url(self.settings.endpoints.sts.clone());
        let for_sts = for_sts.build();
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
