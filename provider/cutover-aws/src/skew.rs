//! How far the clock of this machine is from that of the services.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use cutover_core::Timestamp;
use cutover_driver::{Clock, Wait};

/// What a difference means nothing below, in milliseconds: ours. Answers tell whole seconds, and are on their way for a
/// while.
const SKEW_MILLIS_MIN: i64 = 2_000;

/// From which difference on people are told, in milliseconds: ours, the shortest time between two looks at gates.
const SKEW_TOLD_MILLIS: i64 = 30_000;

/// What is added to a moment that was cut to whole seconds, so that it is right on average.
const HALF_A_SECOND_MILLIS: i64 = 500;

/// How far the services are ahead of this machine, as the last answer told, in milliseconds. A clone shares it.
#[derive(Clone, Debug)]
pub(crate) struct Skew {
    clock: Arc<dyn Clock>,
    ahead_millis: Arc<Mutex<Option<i64>>>,
}

impl Skew {
    /// Knows nothing before the first answer.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ahead_millis: Arc::default(),
        }
    }

    /// Returns how far the services are ahead, negative when they are behind; `None` before the first answer. What is
    /// below two seconds means nothing.
    pub(crate) fn ahead_millis(&self) -> Option<i64> {
        *self
            .ahead_millis
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches the answers that come through an HTTP client.
    pub(crate) fn watch(&self, http: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(Watched {
            http,
            skew: self.clone(),
        })
    }

    fn note(&self, answer: &HttpResponse, asked: Timestamp) {
        let told = answer.headers().get("date");
        let told = told.and_then(|told| DateTime::from_str(told, Format::HttpDate).ok());
        let Some(told) = told.and_then(|told| told.to_millis().ok()) else {
            return;
        };
        // The service wrote the second somewhere between question and answer.
        let here = i64::midpoint(asked.unix_millis(), self.clock.now().unix_millis());
        let ahead = told
            .saturating_add(HALF_A_SECOND_MILLIS)
            .saturating_sub(here);
        *self
            .ahead_millis
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(ahead);
    }
}

/// The time as the services tell it, so that what is measured and judged is of the minutes that it seems to be of.
///
/// Until the first answer, and as long as the two differ by less than two seconds, it is that of this machine. Waits are
/// those of this machine's clock, and as long as asked for, whatever is learned meanwhile.
#[derive(Clone, Debug)]
pub struct ServiceClock {
    skew: Skew,
    /// What is added to the time of this machine, in milliseconds.
    added: Arc<Mutex<Added>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Added {
    millis: i64,
    is_told: bool,
}

impl ServiceClock {
    pub(crate) fn new(skew: Skew) -> Self {
        Self {
            skew,
            added: Arc::default(),
        }
    }

    /// Returns what is to be added now. It stays as it is while answers differ by what means nothing.
    fn added_millis(&self) -> i64 {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = self.skew.ahead_millis().unwrap_or(added.millis);
        if ahead.saturating_sub(added.millis).saturating_abs() >= SKEW_MILLIS_MIN {
            added.millis = ahead;
        }
        if added.millis.saturating_abs() > SKEW_TOLD_MILLIS && !added.is_told {
            added.is_told = true;
            tracing::warn!(
                ahead_seconds = added.millis / 1_000,
                "the clock of this machine is wrong; the time of the services is used"
            );
        }
        added.millis
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Timestamp {
        let here = self.skew.clock.now().unix_millis();
        Timestamp::from_unix_millis(here.saturating_add(self.added_millis()))
    }

    fn sleep_until(&self, at: Timestamp) -> Wait {
        let clock = &self.skew.clock;
        clock.sleep_until(clock.now().after(at.since(self.now())))
    }
}

/// An HTTP client, or one connector of it, whose answers are watched.
#[derive(Debug)]
struct Watched<T> {
    http: T,
    skew: Skew,
}

impl HttpClient for Watched<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Watched {
            http: self.http.http_connector(settings, components),
            skew: self.skew.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.http.connector_metadata()
    }
}

impl HttpConnector for Watched<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = self.skew.clock.now();
        let answer = self.http.call(request);
        let skew = self.skew.clone();
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            skew.note(&answer, asked);
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests;
