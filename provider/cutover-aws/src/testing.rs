//! What tests of adapters share: AWS played by a function.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use cutover_driver::{Clock, SystemClock};
use serde_json::{Map, Value, json};

use crate::{Keys, Sdk, Settings};

/// A request as it went out.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The operation, where path or header name it.
    pub(crate) operation: String,
    /// Method and path with query.
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body of a protocol in CBOR; moments are texts such as `@60`, in seconds.
    pub(crate) fn cbor(&self) -> Value {
        decode(&mut Decoder::new(&self.body))
    }

    /// Method, path with query, and body.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.target, self.text())
    }
}

/// Everything that was sent, in its order.
pub(crate) type Log = Arc<Mutex<Vec<Sent>>>;

/// Returns everything that was sent so far, as lines.
pub(crate) fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().iter().map(Sent::line).collect()
}

pub(crate) fn settings() -> Settings {
    let keys = Keys {
        access_key: "AKID".to_owned(),
        secret_key: "hunter2".to_owned(),
        token: None,
    };
    Settings {
        region: Some("eu-central-1".to_owned()),
        keys: Some(keys),
        ..Settings::default()
    }
}

/// An SDK whose every call the function answers, with a status and a body, and what was sent. The ids of the requests
/// are `request-1` and so on.
pub(crate) fn answering(
    answer: impl Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync + 'static,
) -> (Sdk, Log) {
    through(Arc::new(SystemClock), None, answer)
}

/// An SDK whose calls get these answers, status and body, in their order, and what was sent.
pub(crate) fn scripted<B: Into<String>>(answers: impl IntoIterator<Item = (u16, B)>) -> (Sdk, Log) {
    let answers: VecDeque<(u16, String)> = answers
        .into_iter()
        .map(|(status, body)| (status, body.into()))
        .collect();
    let answers = Mutex::new(answers);
    answering(move |sent| {
        let next = answers.lock().unwrap().pop_front();
        let (status, body) =
            next.unwrap_or_else(|| panic!("nothing on script for: {}", sent.line()));
        (status, body.into_bytes())
    })
}

/// As [`answering`], by a clock and with a `Date`.
pub(crate) fn through(
    clock: Arc<dyn Clock>,
    date: Option<&str>,
    answer: impl Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync + 'static,
) -> (Sdk, Log) {
    let log = Log::default();
    let (recorder, date) = (Arc::clone(&log), date.map(str::to_owned));
    let http = infallible_client_fn(move |request| {
        let header = request.headers().get("x-amz-target");
        let target = header.and_then(|value| value.to_str().ok());
        let named = target.unwrap_or_else(|| request.uri().path());
        let path = request.uri().path_and_query().map(ToString::to_string);
        let sent = Sent {
            operation: named.rsplit(['.', '/']).next().unwrap().to_owned(),
            target: format!("{} {}", request.method(), path.unwrap_or_default()),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        let (status, body) = answer(&sent);
        let number = {
            let mut log = recorder.lock().unwrap();
            log.push(sent);
            log.len()
        };
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        let headers = response.headers_mut();
        headers.insert("smithy-protocol", "rpc-v2-cbor");
        headers.insert("x-amzn-requestid", format!("request-{number}"));
        if let Some(date) = date.clone() {
            headers.insert("date", date);
        }
        response.try_into_http1x().unwrap()
    });
    (Sdk::through(settings(), clock, http), log)
}

/// A body in CBOR; texts such as `@60` become moments.
pub(crate) fn cbor(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(vec![]);
    encode(&mut encoder, value);
    encoder.into_writer()
}

fn encode(to: &mut Encoder, value: &Value) {
    match value {
        Value::Null => to.null(),
        Value::Bool(value) => to.boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => to.long(whole),
            None => to.double(number.as_f64().unwrap()),
        },
        Value::String(text) => match text.strip_prefix('@') {
            Some(seconds) => to.timestamp(&DateTime::from_secs_f64(seconds.parse().unwrap())),
            None => to.str(text),
        },
        Value::Array(items) => {
            to.array(items.len());
            for item in items {
                encode(to, item);
            }
            to
        }
        Value::Object(map) => {
            to.map(map.len());
            for (key, value) in map {
                to.str(key);
                encode(to, value);
            }
            to
        }
    };
}

fn decode(from: &mut Decoder<'_>) -> Value {
    let more = |from: &mut Decoder<'_>, read: u64, count: Option<u64>| match count {
        Some(count) => read < count,
        None if from.datatype().unwrap() == Type::Break => {
            from.skip().unwrap();
            false
        }
        None => true,
    };
    match from.datatype().unwrap() {
        Type::Bool => json!(from.boolean().unwrap()),
        Type::F16 | Type::F32 | Type::F64 => json!(from.double().unwrap()),
        Type::String | Type::StringIndef => json!(from.string().unwrap()),
        Type::Tag => json!(format!("@{}", from.timestamp().unwrap().as_secs_f64())),
        Type::Array | Type::ArrayIndef => {
            let (count, mut items) = (from.list().unwrap(), vec![]);
            while more(from, items.len() as u64, count) {
                items.push(decode(from));
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let (count, mut map) = (from.map().unwrap(), Map::new());
            while more(from, map.len() as u64, count) {
                let key = from.string().unwrap();
                map.insert(key, decode(from));
            }
            Value::Object(map)
        }
        _ => json!(from.long().unwrap()),
    }
}
