//! What tests of adapters share: AWS played by a function.

use std::sync::{Arc, Mutex};

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use cutover_driver::SystemClock;
use serde_json::{Map, Value, json};

use crate::{Keys, Sdk, Settings};

/// A request as it went out.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The operation, where path or header name it.
    pub(crate) operation: String,
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
}

/// Everything that was sent, in its order.
pub(crate) type Log = Arc<Mutex<Vec<Sent>>>;

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

/// An SDK whose every call the function answers, with a status and a body, and what was sent.
pub(crate) fn answering(
    answer: impl Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync + 'static,
) -> (Sdk, Log) {
    let log = Log::default();
    let recorder = Arc::clone(&log);
    let http = infallible_client_fn(move |request| {
        let header = request.headers().get("x-amz-target");
        let target = header.and_then(|value| value.to_str().ok());
        let named = target.unwrap_or_else(|| request.uri().path());
        let sent = Sent {
            operation: named.rsplit(['.', '/']).next().unwrap().to_owned(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        let (status, body) = answer(&sent);
        recorder.lock().unwrap().push(sent);
        let status = StatusCode::try_from(status).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        let headers = response.headers_mut();
        headers.insert("smithy-protocol", "rpc-v2-cbor");
        response.try_into_http1x().unwrap()
    });
    (Sdk::through(settings(), Arc::new(SystemClock), http), log)
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
