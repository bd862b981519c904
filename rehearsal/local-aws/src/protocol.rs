//! The forms in which AWS's services talk.

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use serde::Serialize;

use crate::answer::Answer;
use crate::refusal::Said;
use crate::xml;

/// Tells how an RPC call is written; the newest of the forms has a header for it.
pub(crate) const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

/// Names the operation of a JSON call.
pub(crate) const AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Repeats the code of an error in the form that it had in the query protocol.
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// The type of bodies in JSON 1.0.
const JSON_10: &str = "application/x-amz-json-1.0";

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Methods and paths, with XML.
    RestXml,
    /// A form as the request, XML as the answer.
    Query,
    /// JSON 1.1, with the operation in a header.
    Json,
    /// JSON 1.0, which says so and is else the same.
    Json10,
    /// CBOR, with the operation in the path.
    Cbor,
}

#[derive(Serialize)]
struct TypedError<'s> {
    #[serde(rename = "__type")]
    code: &'s str,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorResponse<'s> {
    error: XmlError<'s>,
    request_id: &'s str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct XmlError<'s> {
    r#type: &'s str,
    code: &'s str,
    message: String,
}

impl Protocol {
    /// Recognises the form of a request.
    pub(crate) fn of(head: &Parts) -> Self {
        let is_form = |value: &HeaderValue| {
            value
                .as_bytes()
                .starts_with(b"application/x-www-form-urlencoded")
        };
        if head.headers.contains_key(SMITHY_PROTOCOL) {
            Self::Cbor
        } else if head.headers.contains_key(AMZ_TARGET) {
            match head.headers.get(CONTENT_TYPE) {
                Some(value) if value == JSON_10 => Self::Json10,
                _ => Self::Json,
            }
        } else if head.headers.get(CONTENT_TYPE).is_some_and(is_form) {
            Self::Query
        } else {
            Self::RestXml
        }
    }

    /// Returns the type of the bodies of answers.
    fn content_type(self) -> &'static str {
        match self {
            Self::RestXml | Self::Query => "text/xml",
            Self::Json => "application/x-amz-json-1.1",
            Self::Json10 => JSON_10,
            Self::Cbor => "application/cbor",
        }
    }

    /// Puts what every answer of this form says about itself on one.
    pub(crate) fn mark(self, answer: &mut Answer) {
        answer.header(CONTENT_TYPE, self.content_type());
        if self == Self::Cbor {
            answer.header(SMITHY_PROTOCOL, "rpc-v2-cbor");
        }
    }

    /// Writes what a service says.
    pub(crate) fn render_refusal(self, said: &Said, namespace: &str, request_id: &str) -> Answer {
        let (code, message) = (said.code, said.message());
        let body = match self {
            Self::RestXml | Self::Query => {
                let error = XmlError {
                    r#type: said.at_fault(),
                    code,
                    message,
                };
                let response = ErrorResponse { error, request_id };
                xml::render("ErrorResponse", namespace, &response)
            }
            Self::Json | Self::Json10 => serde_json::to_vec(&TypedError { code, message })
                .expect("texts can be written as JSON"),
            Self::Cbor => render_cbor(&TypedError { code, message }),
        };
        let mut answer = Answer::new(said.status, body);
        if self == Self::Cbor {
            let repeated = format!("{code};{}", said.at_fault());
            answer.header(QUERY_ERROR, &repeated);
        }
        answer
    }
}

/// Writes CBOR.
pub(crate) fn render_cbor(value: &impl Serialize) -> Vec<u8> {
    let mut body = Vec::new();
    ciborium::into_writer(value, &mut body).expect("memory takes everything that can be written");
    body
}
