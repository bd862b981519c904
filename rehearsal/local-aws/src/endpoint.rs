//! One request: from its bytes to the service it is for, and back.

use std::io::Read as _;

use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, DATE, HeaderName};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use thiserror::Error;

use crate::answer::Answer;
use crate::form::Form;
use crate::moments;
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::server::Account;
use crate::services::{Call, Service};
use crate::signature;

/// Names a request in every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The longest body, in bytes, packed or not: ours; the longest that one of these services takes is 1 MB, of
/// `PutMetricData`.
const BODY_MAX: usize = 2 * 1024 * 1024;

/// The namespace of errors before anybody knows for whom the request was.
const NO_SERVICE: &str = "https://aws.amazon.com/";

/// The answer does not come: the connection ends instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the answer was lost on script")]
pub(crate) struct Lost;

/// Answers a request.
pub(crate) async fn answer(
    request: Request<Incoming>,
    account: &Account,
) -> Result<Response<Full<Bytes>>, Lost> {
    let _counted = account.enter();
    let id = account.next_request_id();
    let (head, body) = request.into_parts();
    let protocol = Protocol::of(&head);
    let mut namespace = NO_SERVICE;
    let served = serve(&head, body, account, &id, &mut namespace).await;
    let mut answer = match served {
        Ok(answer) => answer,
        Err(Refusal::Said(said)) => protocol.render_refusal(&said, namespace, &id),
        Err(Refusal::Lost) => return Err(Lost),
    };
    protocol.mark(&mut answer);
    answer.header(REQUEST_ID, &id);
    answer.header(DATE, &moments::http(account.clock.now()));
    Ok(answer.into_response())
}

async fn serve(
    head: &Parts,
    body: Incoming,
    account: &Account,
    id: &str,
    namespace: &mut &'static str,
) -> Result<Answer, Refusal> {
    let protocol = Protocol::of(head);
    let scope = signature::read_service(&head.headers, protocol, &account.options)?;
    let service = Service::find(scope, protocol)?;
    *namespace = service.namespace;
    let read = account.unless_stopped(read(head, body)).await;
    let body = read.ok_or(Refusal::Lost)??;
    let parameters = match protocol {
        Protocol::Query => Form::parse(&body)?,
        _ => Form::parse(head.uri.query().unwrap_or_default().as_bytes())?,
    };
    let (operation, resource) = service.find_operation(head, &parameters)?;
    let delay = account.cloud().delay(operation.name, account.clock.now());
    if !delay.is_zero() {
        let hang = account.clock.sleep_until(account.clock.now().after(delay));
        account.unless_stopped(hang).await.ok_or(Refusal::Lost)?;
    }
    let mut cloud = account.cloud();
    let call = Call {
        // Read under the lock, so that calls are served in the order of their moments.
        now: account.clock.now(),
        id,
        resource,
        parameters: &parameters,
        body: &body,
    };
    operation.serve(&call, &mut cloud)
}

/// Reads a body to its end, and unpacks it.
async fn read(head: &Parts, body: Incoming) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > BODY_MAX as u64 {
        return Err(too_large());
    }
    let read = Limited::new(body, BODY_MAX).collect().await;
    let packed = match read {
        Ok(read) => read.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large()),
        // The client has gone.
        Err(_) => return Err(Refusal::Lost),
    };
    match head.headers.get(CONTENT_ENCODING) {
        None => Ok(packed),
        Some(encoding) if encoding == "gzip" => unpack(&packed),
        Some(encoding) => {
            let message = format!("Content-Encoding {encoding:?} is not supported");
            Err(Refusal::sender("InvalidRequest", message))
        }
    }
}

fn unpack(packed: &[u8]) -> Result<Bytes, Refusal> {
    let mut body = Vec::new();
    GzDecoder::new(packed)
        .take(BODY_MAX as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|error| Refusal::malformed("InvalidRequest", &error))?;
    if body.len() > BODY_MAX {
        return Err(too_large());
    }
    Ok(body.into())
}

fn too_large() -> Refusal {
    let message = format!("A body must have at most {BODY_MAX} bytes");
    Refusal::new("RequestEntityTooLarge", 413, message)
}
