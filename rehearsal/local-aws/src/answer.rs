//! Answers on their way out.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

/// An answer of a service.
#[derive(Debug)]
pub(crate) struct Answer(Response<Full<Bytes>>);

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let mut response = Response::new(Full::new(body.into()));
        // A status that is none comes from nowhere but a mistake in here.
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self(response)
    }

    /// Answers with what was asked for.
    pub(crate) fn ok(body: impl Into<Bytes>) -> Self {
        Self::new(200, body)
    }

    /// Sets a header; one whose value cannot be written is left out.
    pub(crate) fn header(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        self.0
    }
}
