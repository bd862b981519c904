//! A second opinion on the wire: the adapter for replication against moto's DMS over HTTP.
//!
//! Of tasks and instances that are there moto tells moments as texts, which the protocol does not have and the SDK cannot read;
//! so only connections are compared, and what is not there.

mod common;

use aws_credential_types::Credentials;
use aws_sdk_databasemigration::Client;
use aws_sdk_databasemigration::config::{BehaviorVersion, Region};
use aws_sdk_databasemigration::types::ReplicationEndpointTypeValue;
use common::Moto;
use cutover_aws::AwsReplications;
use cutover_core::FailureClass;
use cutover_core::replication::task::{ConnectionSeen, StartKind};
use cutover_driver::Replications as _;

/// The instance that [`make_instance`] makes: moto puts names into ARNs.
const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:machine";

const GONE: &str = "arn:aws:dms:eu-central-1:123456789012:task:GONE";

fn client(moto: &Moto) -> Client {
    let config = aws_sdk_databasemigration::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .endpoint_url(moto.url())
        .build();
    Client::from_conf(config)
}

async fn make_instance(client: &Client) {
    let call = client
        .create_replication_instance()
        .replication_instance_identifier("machine")
        .replication_instance_class("dms.t3.medium");
    // It is made, and then told with a moment that cannot be read.
    let told = call.send().await;
    assert!(
        told.is_err(),
        "moto tells moments as numbers by now: compare more"
    );
}

async fn make_endpoint(client: &Client) -> String {
    let call = client
        .create_endpoint()
        .endpoint_identifier("source")
        .endpoint_type(ReplicationEndpointTypeValue::Source)
        .engine_name("mysql");
    let made = Box::pin(call.send()).await.expect("moto makes it");
    let endpoint = made.endpoint.expect("moto makes it");
    endpoint.endpoint_arn.expect("moto makes it")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_tested_and_told() {
    let moto = Moto::start();
    let (dms, client) = (AwsReplications::new(&moto.sdk()), client(&moto));
    make_instance(&client).await;
    let endpoint = Box::pin(make_endpoint(&client)).await;

    assert_eq!(dms.fetch_connection(INSTANCE, &endpoint).await, Ok(None));
    assert_eq!(dms.test_connection(INSTANCE, &endpoint).await, Ok(()));
    let expected = ConnectionSeen {
        status: "successful".to_owned(),
        failure: None,
    };
    assert_eq!(
        dms.fetch_connection(INSTANCE, &endpoint).await,
        Ok(Some(expected))
    );
    let nowhere = dms.test_connection("arn:nowhere", &endpoint).await;
    assert_eq!(
        nowhere.expect_err("there is none").class,
        FailureClass::Refused
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_none_or_gone_already_and_cannot_be_driven() {
    let moto = Moto::start();
    let dms = AwsReplications::new(&moto.sdk());

    assert_eq!(dms.fetch(GONE).await, Ok(None));
    assert_eq!(dms.find("gone").await, Ok(None));
    assert_eq!(dms.delete(GONE).await, Ok(()));
    assert_eq!(dms.delete_instance(INSTANCE).await, Ok(()));
    for refused in [
        dms.start(GONE, StartKind::Start).await,
        dms.stop(GONE).await,
    ] {
        let failure = refused.expect_err("there is none");
        assert!(
            failure.message.contains("ResourceNotFoundFault"),
            "{failure:?}"
        );
    }
}
