//! Faults on script, as they reach a client.

use std::time::Duration;

use aws_sdk_route53::error::{ProvideErrorMetadata as _, SdkError};
use cutover_driver::{Clock as _, SystemClock};
use cutover_sim::cloud::{CloudFault, What};

use crate::world::{World, ZONE};

#[tokio::test]
async fn a_scripted_error_has_its_code_in_every_form() {
    let world = World::start().await;
    world.script([
        CloudFault::nth(
            "GetHostedZone",
            1,
            1,
            What::Refused("InvalidInput", "scripted & said"),
        ),
        CloudFault::nth("DescribeAlarms", 1, 1, What::Unavailable),
        CloudFault::nth("GetCallerIdentity", 1, 1, What::Expired),
        CloudFault::nth("GetParameter", 1, 1, What::Denied),
    ]);

    let rest = world
        .route53()
        .get_hosted_zone()
        .id(ZONE)
        .send()
        .await
        .unwrap_err();
    let rest = rest.into_service_error();
    assert_eq!(
        (rest.code(), rest.message()),
        (Some("InvalidInput"), Some("scripted & said"))
    );

    let cbor = world
        .cloudwatch()
        .describe_alarms()
        .send()
        .await
        .unwrap_err();
    assert_eq!(cbor.raw_response().unwrap().status().as_u16(), 503);
    assert_eq!(cbor.into_service_error().code(), Some("ServiceUnavailable"));

    let query = world.sts().get_caller_identity().send().await.unwrap_err();
    assert_eq!(query.raw_response().unwrap().status().as_u16(), 403);
    assert_eq!(query.into_service_error().code(), Some("ExpiredToken"));

    let json = world
        .ssm()
        .get_parameter()
        .name("/a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(json.into_service_error().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn a_fault_has_its_occurrence_and_the_next_call_is_served() {
    let world = World::start().await;
    world.script([CloudFault::nth("GetHostedZone", 2, 1, What::Broken)]);
    let client = world.route53();
    let call = || client.get_hosted_zone().id(ZONE).send();

    assert!(call().await.is_ok());
    let error = call().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 500);
    assert!(call().await.is_ok());
}

#[tokio::test]
async fn a_lost_answer_ends_the_connection_after_the_effect() {
    let world = World::start().await;
    world.script([CloudFault::nth("PutParameter", 1, 1, What::AnswerLost)]);
    let client = world.ssm();

    let put = client
        .put_parameter()
        .name("/pay/shift")
        .value("run")
        .r#type(aws_sdk_ssm::types::ParameterType::String)
        .send()
        .await;

    assert!(matches!(put, Err(SdkError::DispatchFailure(_))), "{put:?}");
    let got = client
        .get_parameter()
        .name("/pay/shift")
        .send()
        .await
        .unwrap();
    assert_eq!(got.parameter().unwrap().value(), Some("run"));
}

#[tokio::test]
async fn a_call_that_is_lost_on_its_way_has_no_effect() {
    let world = World::start().await;
    world.script([CloudFault::nth("PutParameter", 1, 1, What::LostBefore)]);
    let client = world.ssm();

    let put = client
        .put_parameter()
        .name("/pay/shift")
        .value("run")
        .send()
        .await;

    assert!(matches!(put, Err(SdkError::DispatchFailure(_))), "{put:?}");
    let got = client.get_parameter().name("/pay/shift").send().await;
    assert!(
        got.unwrap_err()
            .into_service_error()
            .is_parameter_not_found()
    );
}

#[tokio::test]
async fn a_call_that_hangs_is_served_after_so_long() {
    let hang = Duration::from_millis(120);
    let world = World::start().await;
    world.script([CloudFault::nth("GetCallerIdentity", 1, 1, What::Hang(hang))]);
    let before = SystemClock.now();

    world.sts().get_caller_identity().send().await.unwrap();

    let took = SystemClock.now().since(before);
    assert!(took >= hang, "it took {took:?}");
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_call_that_hangs() {
    let world = World::start().await;
    let hang = What::Hang(Duration::from_hours(1));
    world.script([CloudFault::nth("GetCallerIdentity", 1, 1, hang)]);
    let client = world.sts();
    let call = tokio::spawn(async move { client.get_caller_identity().send().await });
    while world.aws.calls_under_way() == 0 {
        tokio::task::yield_now().await;
    }

    world.aws.stop().await;

    assert!(matches!(
        call.await.unwrap(),
        Err(SdkError::DispatchFailure(_))
    ));
}

#[tokio::test]
async fn nobody_is_answered_after_the_end() {
    let world = World::start().await;
    let client = world.sts();
    client.get_caller_identity().send().await.unwrap();

    world.aws.stop().await;

    let after = client.get_caller_identity().send().await;
    assert!(
        matches!(after, Err(SdkError::DispatchFailure(_))),
        "{after:?}"
    );
}
