//! A second opinion on the wire: the adapters against moto over HTTP.
//!
//! moto knows the form of requests and answers. It is no judge of how AWS behaves: nothing is ever throttled, denied or
//! late there. `CloudWatch` is not among what is compared: the SDK talks to it in CBOR only, which moto does not know.

mod common;

use std::collections::BTreeMap;
use std::future::pending;

use aws_credential_types::Credentials;
use common::Moto;
use cutover_aws::{AwsParameters, AwsReplicationTasks, AwsSecrets, AwsServiceRoles, AwsTopics};
use cutover_core::service_roles::{
    Act, Ensure, Fact, Found, Look, Origin, Owner, Role, Standing, TrustPolicy, Wish,
};
use cutover_driver::{
    Ended, Ensuring, Hidden, Message, Parameters as _, ReplicationTasks as _, Secrets as _,
    ServiceRoles as _, Topics as _, run,
};
use cutover_sim::SimClock;

fn wish(owner: &str) -> Wish {
    let tags = BTreeMap::from([("team".to_owned(), "payments / more + @home".to_owned())]);
    Wish {
        owner: Owner::new(owner),
        tags,
        repair: false,
        account: None,
    }
}

/// Ensures the roles, with time that jumps over every wait.
async fn ensure(roles: &AwsServiceRoles, wish: Wish) -> cutover_core::service_roles::Ended {
    let clock = SimClock::default();
    match run(
        Ensure::new(wish),
        &Ensuring(roles),
        &clock,
        pending::<()>(),
        |_, _| {},
    )
    .await
    {
        Ended::Finished { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stack_makes_the_roles_and_another_adopts_them() {
    let moto = Moto::start();
    let roles = AwsServiceRoles::new(&moto.sdk());

    let first = ensure(&roles, wish("shop/dev/roles")).await;
    assert_eq!((first.obstacle, first.journal.changed), (None, true));

    let second = ensure(&AwsServiceRoles::new(&moto.sdk()), wish("shop/prod/roles")).await;
    assert_eq!((second.obstacle, second.journal.changed), (None, false));
    for role in Role::ALL {
        let Found::There { fact, standing } = &second.journal.roles[&role] else {
            panic!("`{role}` is missing")
        };
        assert_eq!(*standing, Standing::Ready);
        assert_eq!(fact.trust, TrustPolicy::for_dms());
        assert_eq!(fact.origin(&Owner::new("shop/dev/roles")), Origin::Created);
        assert_eq!(fact.origin(&Owner::new("shop/prod/roles")), Origin::Adopted);
    }

    let create = Act::Create {
        role: Role::Vpc,
        trust: TrustPolicy::for_dms(),
        tags: BTreeMap::new(),
    };
    assert_eq!(roles.apply(&create).await, Fact::AlreadyThere);
    let attach = Act::Attach {
        role: Role::Vpc,
        policy_arn: Role::Vpc.policy_arn("aws"),
    };
    assert_eq!(
        roles.apply(&attach).await,
        Fact::Attached(true),
        "attaching twice changes nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_so() {
    let moto = Moto::start();
    let roles = AwsServiceRoles::new(&moto.sdk());

    assert_eq!(roles.fetch(&Look::Role(Role::Vpc)).await, Fact::Role(None));
    assert_eq!(
        roles.fetch(&Look::Policies(Role::Vpc)).await,
        Fact::Policies(None)
    );
    let attach = Act::Attach {
        role: Role::Vpc,
        policy_arn: Role::Vpc.policy_arn("aws"),
    };
    assert_eq!(roles.apply(&attach).await, Fact::Attached(false));
    let Fact::Account { partition, account } = roles.fetch(&Look::Account).await else {
        panic!("an account")
    };
    assert_eq!((partition.as_str(), account.len()), ("aws", 12));
}

/// The SDK's own client, to make topics with.
fn sns(moto: &Moto) -> aws_sdk_sns::Client {
    let keys = Credentials::new("test", "test", None, None, "test");
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(aws_sdk_sns::config::BehaviorVersion::v2026_01_12())
        .region(aws_sdk_sns::config::Region::new("eu-central-1"))
        .credentials_provider(keys)
        .endpoint_url(moto.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sns::Client::from_conf(config)
}

/// F59
#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_made_read_and_set_again() {
    let moto = Moto::start();
    let parameters = AwsParameters::new(&moto.sdk());

    assert_eq!(parameters.fetch("/pay/control").await, Ok(None));
    assert_eq!(parameters.put("/pay/control", "run").await, Ok(()));
    assert_eq!(parameters.put("/pay/control", "hold: dinner").await, Ok(()));
    assert_eq!(
        parameters.fetch("/pay/control").await,
        Ok(Some("hold: dinner".to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_take_messages_when_they_are_there() {
    let moto = Moto::start();
    let topics = AwsTopics::new(&moto.sdk());
    let sns = sns(&moto);
    let plain = sns.create_topic().name("ops").send().await.unwrap();
    let ordered = sns
        .create_topic()
        .name("ops.fifo")
        .attributes("FifoTopic", "true");
    let ordered = ordered.send().await.unwrap();
    let message = Message {
        subject: "Step 2 of 4".to_owned(),
        body: r#"{"share":50}"#.to_owned(),
        key: "seq-7".to_owned(),
    };

    for topic in [plain.topic_arn().unwrap(), ordered.topic_arn().unwrap()] {
        assert_eq!(topics.fetch(topic).await, Ok(true), "{topic}");
        assert_eq!(topics.publish(topic, &message).await, Ok(()), "{topic}");
    }
    let gone = "arn:aws:sns:eu-central-1:123456789012:gone";
    assert_eq!(topics.fetch(gone).await, Ok(false));
    assert!(topics.publish(gone, &message).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replication_task_that_is_not_there_is_said_so() {
    let moto = Moto::start();
    let tasks = AwsReplicationTasks::new(&moto.sdk());

    let arn = "arn:aws:dms:eu-central-1:123456789012:task:gone";
    assert_eq!(tasks.fetch(arn).await, Ok(None));
}

/// The SDK's own client, to make secrets with.
fn secretsmanager(moto: &Moto) -> aws_sdk_secretsmanager::Client {
    use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Region};
    let keys = Credentials::new("test", "test", None, None, "test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(keys)
        .endpoint_url(moto.url())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_secretsmanager::Client::from_conf(config)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_read_by_its_name_and_by_its_arn_and_set_again() {
    let moto = Moto::start();
    let secrets = AwsSecrets::new(&moto.sdk());
    let text = r#"{"username":"reader","password":"open-sesame","port":5432}"#;
    let made = secretsmanager(&moto)
        .create_secret()
        .name("pay/reader")
        .secret_string(text);
    let made = made.send().await.unwrap();

    for id in ["pay/reader", made.arn().unwrap()] {
        let found = secrets.fetch(id).await.unwrap();
        assert_eq!(found.reveal(), text, "{id}");
    }
    let other = Hidden::new(r#"{"username":"writer"}"#);
    assert_eq!(secrets.put("pay/reader", &other).await, Ok(()));
    assert_eq!(secrets.fetch("pay/reader").await, Ok(other.clone()));
    let failure = secrets.put("pay/nobody", &other).await.unwrap_err();
    assert!(failure.message.contains("ResourceNotFound"), "{failure:?}");
    let failure = secrets.fetch("pay/nobody").await.unwrap_err();
    assert!(failure.message.contains("ResourceNotFound"), "{failure:?}");
}
