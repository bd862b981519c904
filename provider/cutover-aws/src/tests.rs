//! The form of requests, and what is concluded from answers.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_iam::operation::get_role::GetRoleError;
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use cutover_core::service_roles::{Act, Fact, Look, Role, TrustPolicy};
use cutover_core::{FailureClass, Timestamp};
use cutover_driver::{ServiceRoles as _, SystemClock};

use crate::failure::classify;
use crate::testing::settings;
use crate::{AwsServiceRoles, Endpoints, Sdk, Settings};

const ROLE_XML: &str = "<Role><Path>/</Path><Arn>arn:aws:iam::123456789012:role/dms-vpc-role</Arn>\
    <RoleName>dms-vpc-role</RoleName><RoleId>AROA</RoleId><CreateDate>2026-01-01T00:00:01Z</CreateDate>\
    <AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22\
    %3A%22dms.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D</AssumeRolePolicyDocument>\
    <Tags><member><Key>cutover:owner</Key><Value>shop/dev/roles</Value></member></Tags></Role>";

/// An adapter whose every call is answered like this, and what was sent.
fn answered(status: u16, body: String) -> (AwsServiceRoles, Arc<Mutex<Vec<String>>>) {
    let sent = Arc::new(Mutex::new(vec![]));
    let recorder = Arc::clone(&sent);
    let http = infallible_client_fn(move |request| {
        let body_sent =
            String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        recorder.lock().unwrap().push(format!(
            "{} {body_sent}",
            request.uri().host().unwrap_or_default()
        ));
        let response = HttpResponse::new(
            StatusCode::try_from(status).unwrap(),
            SdkBody::from(body.as_str()),
        );
        response.try_into_http1x().unwrap()
    });
    let sdk = Sdk::through(settings(), Arc::new(SystemClock), http);
    (AwsServiceRoles::new(&sdk), sent)
}

fn ok(operation: &str, result: &str) -> String {
    let result = format!("<{operation}Result>{result}</{operation}Result>");
    format!(
        "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{result}</{operation}Response>"
    )
}

fn error(code: &str, message: &str) -> String {
    let error = format!(
        "<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    format!("<ErrorResponse>{error}<RequestId>id</RequestId></ErrorResponse>")
}

async fn class_of(status: u16, code: &str) -> FailureClass {
    let (roles, _) = answered(status, error(code, "m"));
    match roles
        .apply(&Act::Attach {
            role: Role::Vpc,
            policy_arn: "arn:x".to_owned(),
        })
        .await
    {
        Fact::Failed(failure) => failure.class,
        fact => panic!("{code}: {fact:?}"),
    }
}

#[tokio::test]
async fn reads_a_role_with_trust_owner_and_age() {
    let (roles, sent) = answered(200, ok("GetRole", ROLE_XML));

    let Fact::Role(Some(fact)) = roles.fetch(&Look::Role(Role::Vpc)).await else {
        panic!("a role")
    };

    assert!(fact.trust.admits_dms());
    assert_eq!(fact.owner.as_deref(), Some("shop/dev/roles"));
    assert_eq!(fact.made_at, Timestamp::from_unix_millis(1_767_225_601_000));
    assert_eq!(
        *sent.lock().unwrap(),
        ["iam.amazonaws.com Action=GetRole&Version=2010-05-08&RoleName=dms-vpc-role"]
    );
}

#[tokio::test]
async fn asks_for_service_policies_only() {
    let member = "<member><PolicyName>n</PolicyName><PolicyArn>arn:p</PolicyArn></member>";
    let list =
        format!("<IsTruncated>false</IsTruncated><AttachedPolicies>{member}</AttachedPolicies>");
    let (roles, sent) = answered(200, ok("ListAttachedRolePolicies", &list));

    assert_eq!(
        roles.fetch(&Look::Policies(Role::Vpc)).await,
        Fact::Policies(Some(vec!["arn:p".to_owned()]))
    );
    assert!(
        sent.lock().unwrap()[0].ends_with("RoleName=dms-vpc-role&PathPrefix=%2Fservice-role%2F")
    );
}

#[tokio::test]
async fn makes_a_role_with_trust_and_tags() {
    let (roles, sent) = answered(200, ok("CreateRole", ROLE_XML));
    let tags = [("a".to_owned(), "b c".to_owned())].into();

    let fact = roles
        .apply(&Act::Create {
            role: Role::Vpc,
            trust: TrustPolicy::for_dms(),
            tags,
        })
        .await;

    assert!(matches!(fact, Fact::Made(_)), "{fact:?}");
    let sent = sent.lock().unwrap()[0].clone();
    assert!(sent.contains(
        "Action=CreateRole&Version=2010-05-08&RoleName=dms-vpc-role&AssumeRolePolicyDocument=%7B"
    ));
    assert!(sent.contains("dms.amazonaws.com"));
    assert!(
        sent.contains("Tags.member.1.Key=a&Tags.member.1.Value=b%20c"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_missing_role_and_a_taken_name_are_facts() {
    let (missing, _) = answered(
        404,
        error(
            "NoSuchEntity",
            "The role with name dms-vpc-role cannot be found.",
        ),
    );
    assert_eq!(
        missing.fetch(&Look::Role(Role::Vpc)).await,
        Fact::Role(None)
    );
    assert_eq!(
        missing.fetch(&Look::Policies(Role::Vpc)).await,
        Fact::Policies(None)
    );
    let attach = Act::Attach {
        role: Role::Vpc,
        policy_arn: "arn:x".to_owned(),
    };
    assert_eq!(missing.apply(&attach).await, Fact::Attached(false));

    let (taken, _) = answered(409, error("EntityAlreadyExists", "m"));
    let create = Act::Create {
        role: Role::Vpc,
        trust: TrustPolicy::for_dms(),
        tags: [].into(),
    };
    assert_eq!(taken.apply(&create).await, Fact::AlreadyThere);
}

#[tokio::test]
async fn a_policy_that_does_not_exist_is_refused() {
    let (roles, _) = answered(
        404,
        error(
            "NoSuchEntity",
            "Policy arn:x does not exist or is not attachable.",
        ),
    );

    let fact = roles
        .apply(&Act::Attach {
            role: Role::Vpc,
            policy_arn: "arn:x".to_owned(),
        })
        .await;

    assert!(matches!(fact, Fact::Failed(failure) if failure.class == FailureClass::Refused));
}

#[tokio::test]
async fn errors_are_told_apart_by_what_can_be_concluded() {
    assert_eq!(class_of(403, "AccessDenied").await, FailureClass::Denied);
    assert_eq!(class_of(400, "Throttling").await, FailureClass::Throttled);
    assert_eq!(class_of(429, "Whatever").await, FailureClass::Throttled);
    assert_eq!(
        class_of(403, "ExpiredToken").await,
        FailureClass::Unconfigured
    );
    assert_eq!(
        class_of(403, "InvalidClientTokenId").await,
        FailureClass::Unconfigured
    );
    assert_eq!(
        class_of(503, "ServiceUnavailable").await,
        FailureClass::Unavailable
    );
    assert_eq!(
        class_of(409, "ConcurrentModification").await,
        FailureClass::Unavailable
    );
    assert_eq!(class_of(500, "ServiceFailure").await, FailureClass::Unknown);
    assert_eq!(class_of(409, "LimitExceeded").await, FailureClass::Refused);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_it_open_what_happened() {
    let (roles, _) = answered(200, "<html>".to_owned());
    let create = Act::Create {
        role: Role::Vpc,
        trust: TrustPolicy::for_dms(),
        tags: [].into(),
    };

    let fact = roles.apply(&create).await;

    assert!(
        matches!(&fact, Fact::Failed(failure) if failure.class == FailureClass::Unknown),
        "{fact:?}"
    );
}

#[tokio::test]
async fn what_is_said_about_a_bad_signature_is_not_repeated() {
    let said = "The Canonical String should have been 'x-amz-security-token:hunter2'";
    let (roles, _) = answered(403, error("SignatureDoesNotMatch", said));

    let fact = roles.fetch(&Look::Role(Role::Vpc)).await;

    assert!(
        matches!(&fact, Fact::Failed(failure) if failure.message == "`SignatureDoesNotMatch`"),
        "{fact:?}"
    );
    assert!(!format!("{:?}", settings()).contains("hunter2"));
}

/// Calls a port on this machine and tells how the failure is classified.
async fn class_behind(port: u16) -> FailureClass {
    let iam = Some(format!("http://127.0.0.1:{port}"));
    let endpoints = Endpoints {
        iam,
        ..Endpoints::default()
    };
    let settings = Settings {
        endpoints,
        ..settings()
    };
    let roles = AwsServiceRoles::new(&Sdk::new(settings, Arc::new(SystemClock)));
    match roles
        .apply(&Act::Attach {
            role: Role::Vpc,
            policy_arn: "arn:x".to_owned(),
        })
        .await
    {
        Fact::Failed(failure) => failure.class,
        fact => panic!("{fact:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_was_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);

    assert_eq!(class_behind(port).await, FailureClass::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_may_have_acted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Read as _;
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 1024]);
        }
    });

    assert_eq!(class_behind(port).await, FailureClass::Unknown);
}

#[test]
fn credentials_that_were_not_to_be_had_are_told_apart() {
    let cause = || CredentialsError::not_loaded("no profile `x`");
    let errors: [SdkError<GetRoleError, HttpResponse>; 2] = [
        SdkError::construction_failure(cause()),
        SdkError::dispatch_failure(ConnectorError::other(cause().into(), None)),
    ];

    for error in errors {
        let failure = classify("iam:GetRole", &error);
        assert_eq!(failure.class, FailureClass::Unconfigured);
        assert!(failure.message.contains("no profile `x`"), "{failure:?}");
    }
}
