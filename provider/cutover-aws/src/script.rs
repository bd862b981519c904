//! Answers on script, for tests of what is sent and of what is concluded.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use cutover_driver::{Clock, SystemClock};

use crate::Sdk;
use crate::testing::settings;

/// What was sent: method, path with query, and body of each request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<Mutex<Vec<String>>>);

impl Sent {
    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// An SDK whose calls get these answers, status and body, in their order. The ids of the requests are `request-1` and so
/// on.
pub(crate) fn answering<B: Into<String>>(
    answers: impl IntoIterator<Item = (u16, B)>,
) -> (Sdk, Sent) {
    let answers: VecDeque<(u16, String)> = answers
        .into_iter()
        .map(|(status, body)| (status, body.into()))
        .collect();
    let answers = Mutex::new(answers);
    let sent = Sent::default();
    let recorder = sent.clone();
    let http = infallible_client_fn(move |request| {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let target = request.uri().path_and_query().map(ToString::to_string);
        let target = target.unwrap_or_default();
        let line = format!("{} {target} {body}", request.method());
        let number = {
            let mut sent = recorder.0.lock().unwrap();
            sent.push(line.clone());
            sent.len()
        };
        let next = answers.lock().unwrap().pop_front();
        let (status, body) = next.unwrap_or_else(|| panic!("nothing on script for: {line}"));
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        let headers = response.headers_mut();
        headers.insert("x-amzn-requestid", format!("request-{number}"));
        response.try_into_http1x().unwrap()
    });
    (Sdk::through(settings(), Arc::new(SystemClock), http), sent)
}

/// An SDK whose every call finds nothing, answered with this `Date`.
pub(crate) fn dated(clock: Arc<dyn Clock>, date: Option<&str>) -> Sdk {
    let date = date.map(str::to_owned);
    let http = infallible_client_fn(move |_| {
        let body = "<ErrorResponse><Error><Code>NoSuchHostedZone</Code></Error></ErrorResponse>";
        let status = StatusCode::try_from(404).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        if let Some(date) = date.clone() {
            response.headers_mut().insert("date", date);
        }
        response.try_into_http1x().unwrap()
    });
    Sdk::through(settings(), clock, http)
}
