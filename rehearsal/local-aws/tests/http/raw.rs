//! What arrives at the endpoint without a client of AWS: requests that none of them would write.

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover_driver::SystemClock;
use cutover_local_aws::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, ZONE};

/// Sends a request and returns the whole answer.
async fn send(world: &World, head: &str, body: &str) -> String {
    let length = body.len();
    exchange(
        world,
        &format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"),
    )
    .await
}

async fn exchange(world: &World, request: &str) -> String {
    let url = world.aws.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // CBOR is not all text.
    String::from_utf8_lossy(&answer).into_owned()
}

fn signed(service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-central-1/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=0123"
    )
}

fn assert_refused(answer: &str, status: u16, code: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(answer.contains(code), "{answer}");
    assert!(answer.contains("x-amzn-requestid: "), "{answer}");
    assert!(answer.contains("date: "), "{answer}");
}

#[tokio::test]
async fn an_unsigned_request_is_refused_in_its_own_form() {
    let world = World::start().await;
    let form = "Content-Type: application/x-www-form-urlencoded";

    let rest = send(
        &world,
        &format!("GET /2013-04-01/hostedzone/{ZONE} HTTP/1.1"),
        "",
    )
    .await;
    assert_refused(&rest, 403, "<Code>MissingAuthenticationToken</Code>");
    let query = send(
        &world,
        &format!("POST / HTTP/1.1\r\n{form}"),
        "Action=Publish",
    )
    .await;
    assert_refused(&query, 403, "<Code>MissingAuthenticationToken</Code>");
    let json = "POST / HTTP/1.1\r\nX-Amz-Target: AmazonSSM.GetParameter";
    let json = send(&world, json, "{}").await;
    assert_refused(
        &json,
        400,
        "\"__type\":\"MissingAuthenticationTokenException\"",
    );
    assert!(world.aws.cloud().requests().is_empty());
}

#[tokio::test]
async fn a_scope_that_names_no_service_is_refused() {
    let world = World::start().await;

    let head = "GET / HTTP/1.1\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=h, Signature=0";
    let answer = send(&world, head, "").await;
    assert_refused(&answer, 400, "<Code>IncompleteSignature</Code>");

    let answer = send(&world, &format!("GET / HTTP/1.1\r\n{}", signed("s3")), "").await;
    assert_refused(&answer, 404, "<Code>UnknownOperationException</Code>");
}

#[tokio::test]
async fn an_unknown_access_key_is_refused_and_known_ones_are_not_shown() {
    let options = Options {
        access_keys: Some(BTreeSet::from(["AKIAOTHER".to_owned()])),
        ..Options::default()
    };
    assert!(!format!("{options:?}").contains("AKIAOTHER"));
    let world = World::start_on(Arc::new(SystemClock), options).await;

    let head = format!(
        "GET /2013-04-01/hostedzone/{ZONE} HTTP/1.1\r\n{}",
        signed("route53")
    );
    let answer = send(&world, &head, "").await;
    assert_refused(&answer, 403, "<Code>InvalidClientTokenId</Code>");

    let known = head.replace("AKIAEXAMPLE", "AKIAOTHER");
    let answer = send(&world, &known, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn an_operation_that_does_not_exist_is_the_error_of_its_form() {
    let world = World::start().await;
    let form = "Content-Type: application/x-www-form-urlencoded";

    let head = format!(
        "DELETE /2013-04-01/hostedzone/{ZONE} HTTP/1.1\r\n{}",
        signed("route53")
    );
    let rest = send(&world, &head, "").await;
    assert_refused(&rest, 404, "<Code>UnknownOperationException</Code>");

    let head = format!("POST / HTTP/1.1\r\n{form}\r\n{}", signed("sns"));
    let query = send(&world, &head, "Action=DeleteTopic&Version=2010-03-31").await;
    assert_refused(&query, 400, "<Code>InvalidAction</Code>");
    let query = send(&world, &head, "Action=Publish&Version=2011-01-01").await;
    assert_refused(
        &query,
        400,
        "Could not find operation Publish for version 2011-01-01",
    );

    let head = format!(
        "POST / HTTP/1.1\r\nX-Amz-Target: AmazonSSM.DeleteParameter\r\n{}",
        signed("ssm")
    );
    let json = send(&world, &head, "{}").await;
    assert_refused(&json, 400, "\"__type\":\"UnknownOperationException\"");

    let path = "/service/GraniteServiceVersion20100801/operation/DeleteDashboards";
    let head = format!(
        "POST {path} HTTP/1.1\r\nsmithy-protocol: rpc-v2-cbor\r\n{}",
        signed("monitoring")
    );
    let cbor = send(&world, &head, "").await;
    assert_refused(
        &cbor,
        404,
        "x-amzn-query-error: UnknownOperationException;Sender",
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_read_changes_nothing() {
    let world = World::start().await;
    let before = world.aws.cloud().records(ZONE);

    let head = format!(
        "POST /2013-04-01/hostedzone/{ZONE}/rrset HTTP/1.1\r\n{}",
        signed("route53")
    );
    let answer = send(
        &world,
        &head,
        "<ChangeResourceRecordSetsRequest><ChangeBatch>",
    )
    .await;
    assert_refused(&answer, 400, "<Code>MalformedInput</Code>");

    let head = format!(
        "POST / HTTP/1.1\r\nX-Amz-Target: AmazonSSM.GetParameter\r\n{}",
        signed("ssm")
    );
    let answer = send(&world, &head, "{\"Name\":1}").await;
    assert_refused(&answer, 400, "\"__type\":\"SerializationException\"");

    assert_eq!(world.aws.cloud().records(ZONE), before);
}

#[tokio::test]
async fn a_member_that_the_cloud_does_not_know_is_refused_and_not_overlooked() {
    let world = World::start().await;
    let before = world.aws.cloud().records(ZONE);

    let head = format!(
        "POST /2013-04-01/hostedzone/{ZONE}/rrset/ HTTP/1.1\r\n{}",
        signed("route53")
    );
    let body = "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>\
                <Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>x.example.com</Name><Type>A</Type>\
                <CidrRoutingConfig><CollectionId>c</CollectionId></CidrRoutingConfig></ResourceRecordSet></Change>\
                </Changes></ChangeBatch></ChangeResourceRecordSetsRequest>";
    let answer = send(&world, &head, body).await;

    assert_refused(&answer, 400, "CidrRoutingConfig");
    assert_eq!(world.aws.cloud().records(ZONE), before);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_before_it_comes() {
    let world = World::start().await;

    let head = format!(
        "POST /2013-04-01/hostedzone/{ZONE}/rrset HTTP/1.1\r\n{}",
        signed("route53")
    );
    let announced = format!("{head}\r\nContent-Length: {}\r\n\r\n", 2 * 1024 * 1024 + 1);
    let answer = exchange(&world, &announced).await;

    assert_refused(&answer, 413, "<Code>RequestEntityTooLarge</Code>");
}

#[tokio::test]
async fn a_request_without_end_does_not_hold_up_the_end() {
    let world = World::start().await;
    let url = world.aws.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let head = format!(
        "POST /2013-04-01/hostedzone/{ZONE}/rrset HTTP/1.1\r\n{}",
        signed("route53")
    );
    let request = format!("{head}\r\nHost: local\r\nContent-Length: 100\r\n\r\n<");
    stream.write_all(request.as_bytes()).await.unwrap();
    while world.aws.calls_under_way() == 0 {
        tokio::task::yield_now().await;
    }

    world.aws.stop().await;

    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}
