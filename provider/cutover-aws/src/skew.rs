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
use cutover_driver::Clock;

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

    /// Returns how far the services are ahead, negative when they are behind; `None` before the first answer. Answers
    /// tell whole seconds, and are on their way for a while: what is below two seconds means nothing.
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
mod tests {
    use super::*;
    use crate::script::dated;
    use cutover_driver::SystemClock;

    /// F53
    #[tokio::test]
    async fn the_date_of_an_answer_tells_how_far_the_services_are_ahead() {
        let now = SystemClock.now().unix_millis();
        for ahead_seconds in [300, 0, -300] {
            let moment = DateTime::from_millis(now + ahead_seconds * 1000);
            let date = moment.fmt(Format::HttpDate).unwrap();
            let sdk = dated(Arc::new(SystemClock), Some(&date));
            assert_eq!(sdk.ahead_millis(), None, "nobody has answered yet");

            let zones = crate::AwsHostedZones::new(&sdk);
            cutover_driver::HostedZones::fetch_zone(&zones, "Z1")
                .await
                .unwrap();

            let ahead = sdk.ahead_millis().unwrap();
            let off = ahead - ahead_seconds * 1000;
            assert!((-2000..=2000).contains(&off), "{ahead}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_date_that_can_be_read_tells_nothing() {
        for date in [None, Some("yesterday")] {
            let sdk = dated(Arc::new(SystemClock), date);
            let zones = crate::AwsHostedZones::new(&sdk);

            cutover_driver::HostedZones::fetch_zone(&zones, "Z1")
                .await
                .unwrap();

            assert_eq!(sdk.ahead_millis(), None);
        }
    }
}
