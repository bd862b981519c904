//! Messages of every size and shape.

use prost::bytes::{Buf as _, BufMut as _};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as Wire};
use pulumi_testkit::proto::{CheckRequest, CreateRequest};
use pulumi_testkit::{map, urn};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};

use super::given::{NOTE, a_note, a_specimen, text};

#[tokio::test]
async fn a_hundred_mebibytes_pass_in_both_directions() {
    let specimen = a_specimen().await;
    let body = "0123456789abcdef".repeat(100 * 1024 * 1024 / 16);
    let inputs = map([("title", "a".into()), ("body", body.as_str().into())]);

    let checked = specimen
        .resource(NOTE, "a")
        .check(&inputs)
        .await
        .expect("a check")
        .accepted();

    assert!(text(&checked, "body") == body, "the text came back changed");
}

/// A check of a note with lists in lists.
fn nested(levels: usize) -> CheckRequest {
    let core = Wire {
        kind: Some(Kind::StringValue("core".to_owned())),
    };
    let nested = (0..levels).fold(core, |inner, _| Wire {
        kind: Some(Kind::ListValue(ListValue {
            values: vec![inner],
        })),
    });
    let news = Struct {
        fields: [("body".to_owned(), nested)].into(),
    };
    CheckRequest {
        urn: urn(NOTE, "a").as_str().to_owned(),
        news: Some(news),
        ..CheckRequest::default()
    }
}

#[tokio::test]
async fn nesting_beyond_reason_is_refused_and_nothing_else_suffers() {
    let specimen = a_specimen().await;

    let refusal = specimen
        .client
        .raw()
        .check(nested(500))
        .await
        .expect_err("too deep");
    assert!(
        !matches!(refusal.code(), Code::Unavailable | Code::Unknown | Code::Ok),
        "{refusal:?}"
    );

    let read = specimen
        .client
        .raw()
        .check(nested(25))
        .await
        .expect("deep, but read")
        .into_inner();
    assert!(
        read.failures
            .iter()
            .any(|failure| failure.property == "body"),
        "{read:?}"
    );
    specimen
        .resource(NOTE, "a")
        .create(&a_note("a"))
        .await
        .expect("it works as before");
}

#[tokio::test]
async fn bytes_that_are_no_message_are_refused_and_nothing_else_suffers() {
    let specimen = a_specimen().await;
    let channel =
        Endpoint::from_shared(format!("http://{}", specimen.address())).expect("an address");
    let channel = channel.connect().await.expect("the provider listens");
    let whole = prost::Message::encode_to_vec(&nested(3));
    let truncated = whole[..whole.len() - 3].to_vec();

    for bytes in [vec![0xff; 64], truncated, b"GET / HTTP/1.1".to_vec()] {
        for method in [
            "Handshake",
            "CheckConfig",
            "Configure",
            "Check",
            "Diff",
            "Create",
            "Construct",
            "Invoke",
        ] {
            let path = PathAndQuery::try_from(format!("/pulumirpc.ResourceProvider/{method}"))
                .expect("a path");
            let mut client = Grpc::new(channel.clone());
            client.ready().await.expect("the connection lives");
            let answer = client.unary(Request::new(bytes.clone()), path, Raw).await;
            let refusal = answer.expect_err("no message");
            assert!(
                !matches!(refusal.code(), Code::Unavailable | Code::Unknown),
                "{method}: {refusal:?}"
            );
        }
    }
    specimen
        .resource(NOTE, "a")
        .create(&a_note("a"))
        .await
        .expect("it works as before");
}

#[tokio::test]
async fn an_urn_that_is_none_is_refused_by_every_call() {
    let specimen = a_specimen().await;
    let mut raw = specimen.client.raw();
    let broken = "urn:pulumi:dev::shop";

    let check = CheckRequest {
        urn: broken.to_owned(),
        ..CheckRequest::default()
    };
    let create = CreateRequest {
        urn: broken.to_owned(),
        ..CreateRequest::default()
    };

    for refusal in [
        raw.check(check).await.expect_err("no URN"),
        raw.create(create).await.expect_err("no URN"),
    ] {
        assert_eq!(refusal.code(), Code::InvalidArgument);
        assert!(refusal.message().contains(broken), "{}", refusal.message());
    }
}

/// Bytes as they are.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length).to_vec()))
    }
}
