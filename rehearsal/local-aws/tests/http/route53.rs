//! Route 53 through its real client.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_route53::Client;
use aws_sdk_route53::error::ProvideErrorMetadata as _;
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types::{
    AlarmIdentifier, AliasTarget, Change, ChangeAction, ChangeBatch, ChangeStatus,
    CloudWatchRegion, HealthCheckConfig, HealthCheckType, InsufficientDataHealthStatus,
    ResourceRecord, ResourceRecordSet, RrType,
};
use cutover_local_aws::Options;
use cutover_sim::SimClock;

use crate::cloudwatch::put_alarm;
use crate::world::{NAME, REGION, World, ZONE};

fn weighted(set_identifier: &str, weight: i64, value: &str) -> ResourceRecordSet {
    ResourceRecordSet::builder()
        .name(NAME)
        .r#type(RrType::A)
        .set_identifier(set_identifier)
        .weight(weight)
        .ttl(60)
        .resource_records(ResourceRecord::builder().value(value).build().unwrap())
        .build()
        .unwrap()
}

fn change(action: ChangeAction, set: ResourceRecordSet) -> Change {
    Change::builder()
        .action(action)
        .resource_record_set(set)
        .build()
        .unwrap()
}

async fn apply(
    client: &Client,
    changes: Vec<Change>,
) -> Result<String, ChangeResourceRecordSetsError> {
    let batch = ChangeBatch::builder()
        .set_changes(Some(changes))
        .build()
        .unwrap();
    let accepted = client
        .change_resource_record_sets()
        .hosted_zone_id(ZONE)
        .change_batch(batch)
        .send()
        .await
        .map_err(aws_sdk_route53::error::SdkError::into_service_error)?;
    Ok(accepted.change_info.unwrap().id)
}

#[tokio::test]
async fn a_zone_is_read_with_its_name_servers() {
    let world = World::start().await;

    let found = world
        .route53()
        .get_hosted_zone()
        .id(ZONE)
        .send()
        .await
        .unwrap();

    let zone = found.hosted_zone().unwrap();
    assert_eq!(
        (zone.id(), zone.name()),
        (&*format!("/hostedzone/{ZONE}"), "example.com.")
    );
    assert!(!zone.config().unwrap().private_zone());
    assert_eq!(zone.resource_record_set_count(), Some(4));
    assert_eq!(found.delegation_set().unwrap().name_servers().len(), 4);
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_its_own_error() {
    let world = World::start().await;

    let error = world
        .route53()
        .get_hosted_zone()
        .id("ZNONE")
        .send()
        .await
        .unwrap_err();

    let error = error.into_service_error();
    assert!(error.is_no_such_hosted_zone(), "{error:?}");
    assert_eq!(error.message(), Some("No hosted zone found with ID: ZNONE"));
}

#[tokio::test]
async fn a_batch_is_accepted_and_comes_to_be_insync() {
    let world = World::start().await;
    let client = world.route53();

    let changes = vec![
        change(ChangeAction::Upsert, weighted("old", 90, "192.0.2.1")),
        change(ChangeAction::Upsert, weighted("new", 10, "192.0.2.2")),
    ];
    let id = apply(&client, changes).await.unwrap();
    let change = client.get_change().id(id).send().await.unwrap();

    assert_eq!(
        change.change_info().unwrap().status(),
        &ChangeStatus::Insync
    );
    assert_eq!(
        world.weights(),
        [("new".to_owned(), 10), ("old".to_owned(), 90)].into()
    );
}

#[tokio::test]
async fn what_was_written_is_read_back_exactly() {
    let world = World::start().await;
    let client = world.route53();
    let alias = AliasTarget::builder()
        .hosted_zone_id("Z215JYRZR1TBD5")
        .dns_name("lb-1.eu-central-1.elb.amazonaws.com.")
        .evaluate_target_health(true)
        .build()
        .unwrap();
    let alias = ResourceRecordSet::builder()
        .name("alias.example.com.")
        .r#type(RrType::A)
        .set_identifier("only & one")
        .weight(0)
        .alias_target(alias)
        .build()
        .unwrap();
    let text = ResourceRecordSet::builder()
        .name("text.example.com.")
        .r#type(RrType::Txt)
        .ttl(300)
        .resource_records(
            ResourceRecord::builder()
                .value("\"a <b> & 'c'\" \"d\"")
                .build()
                .unwrap(),
        )
        .resource_records(
            ResourceRecord::builder()
                .value("\"second\"")
                .build()
                .unwrap(),
        )
        .build()
        .unwrap();

    let changes = [&alias, &text].map(|set| change(ChangeAction::Create, set.clone()));
    apply(&client, changes.to_vec()).await.unwrap();
    let listed = client
        .list_resource_record_sets()
        .hosted_zone_id(ZONE)
        .send()
        .await
        .unwrap();

    let named = |name: &str| {
        listed
            .resource_record_sets()
            .iter()
            .find(|set| set.name() == name)
    };
    assert_eq!(named("alias.example.com."), Some(&alias));
    assert_eq!(named("text.example.com."), Some(&text));
}

#[tokio::test]
async fn a_listing_comes_in_pages() {
    let world = World::start().await;
    world.aws.cloud().config.route53_requests_per_second = 100;
    let client = world.route53();
    let all = client
        .list_resource_record_sets()
        .hosted_zone_id(ZONE)
        .send()
        .await
        .unwrap();
    assert!(!all.is_truncated());

    let mut paged = Vec::new();
    let (mut name, mut kind, mut identifier) = (None, None, None);
    loop {
        let page = client
            .list_resource_record_sets()
            .hosted_zone_id(ZONE)
            .max_items(1)
            .set_start_record_name(name)
            .set_start_record_type(kind)
            .set_start_record_identifier(identifier)
            .send()
            .await
            .unwrap();
        assert_eq!(
            (page.resource_record_sets().len(), page.max_items()),
            (1, 1)
        );
        paged.extend(page.resource_record_sets);
        if !page.is_truncated {
            break;
        }
        (name, kind, identifier) = (
            page.next_record_name,
            page.next_record_type,
            page.next_record_identifier,
        );
    }

    assert_eq!(paged, all.resource_record_sets);
    assert_eq!(paged.len(), 4);
}

#[tokio::test]
async fn a_refused_batch_leaves_everything_as_it_was() {
    let world = World::start().await;
    let before = world.aws.cloud().records(ZONE);

    let changes = vec![
        change(ChangeAction::Upsert, weighted("old", 50, "192.0.2.1")),
        change(ChangeAction::Delete, weighted("new", 7, "192.0.2.2")),
        change(ChangeAction::Create, weighted("old", 1, "192.0.2.1")),
    ];
    let error = apply(&world.route53(), changes).await.unwrap_err();

    assert!(error.is_invalid_change_batch(), "{error:?}");
    let message = error.message().unwrap();
    assert!(
        message.starts_with('[') && message.ends_with(']'),
        "{message}"
    );
    assert!(message.contains("pay.example.com."), "{message}");
    assert_eq!(world.aws.cloud().records(ZONE), before);
}

#[tokio::test]
async fn a_weight_that_is_none_is_refused() {
    let world = World::start().await;
    let before = world.aws.cloud().records(ZONE);

    let changes = vec![change(
        ChangeAction::Upsert,
        weighted("old", 256, "192.0.2.1"),
    )];
    let error = apply(&world.route53(), changes).await.unwrap_err();

    assert!(
        error.is_invalid_input() || error.is_invalid_change_batch(),
        "{error:?}"
    );
    assert_eq!(world.aws.cloud().records(ZONE), before);
}

#[tokio::test]
async fn more_than_five_requests_a_second_are_throttled() {
    // Time stands still, however long the calls really take.
    let clock = SimClock::default();
    let world = World::start_on(Arc::new(clock.clone()), Options::default()).await;
    let client = world.route53();
    let call = || client.get_hosted_zone().id(ZONE).send();

    let answers = futures_util::future::join_all((0..12).map(|_| call())).await;
    let throttled: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    clock.pass(Duration::from_secs(1));
    let later = call().await;

    assert_eq!(throttled.len(), 7, "{throttled:?}");
    for error in throttled {
        let status = error.raw_response().unwrap().status().as_u16();
        let error = error.into_service_error();
        assert_eq!((error.code(), status), (Some("Throttling"), 400));
        assert_eq!(error.message(), Some("Rate exceeded"));
    }
    assert!(later.is_ok(), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_compare_and_swap_exactly_one_wins() {
    let world = World::start().await;
    world.aws.cloud().config.route53_requests_per_second = usize::MAX;
    let swap = |before, after, client: Client| async move {
        let changes = vec![
            change(ChangeAction::Delete, weighted("new", before, "192.0.2.2")),
            change(ChangeAction::Create, weighted("new", after, "192.0.2.2")),
        ];
        (after, apply(&client, changes).await)
    };

    let mut before = 0;
    for round in 1..=20 {
        let (one, other) = tokio::join!(
            tokio::spawn(swap(before, round, world.route53())),
            tokio::spawn(swap(before, round + 100, world.route53()))
        );
        let answers = [one.unwrap(), other.unwrap()].into_iter();
        let (won, lost): (Vec<_>, Vec<_>) = answers.partition(|(_, answer)| answer.is_ok());

        let ([(after, Ok(_))], [(_, Err(error))]) = (won.as_slice(), lost.as_slice()) else {
            panic!("in round {round} {won:?} won and {lost:?} lost");
        };
        assert!(error.is_invalid_change_batch(), "{error:?}");
        assert_eq!(world.weights()["new"], u64::try_from(*after).unwrap());
        before = *after;
    }
}

#[tokio::test]
async fn a_health_check_follows_an_alarm_from_its_making_to_its_end() {
    let world = World::start().await;
    world.aws.cloud().config.route53_requests_per_second = 100;
    put_alarm(&world.cloudwatch(), "failures").await;
    let client = world.route53();
    let alarm = AlarmIdentifier::builder()
        .name("failures")
        .region(CloudWatchRegion::from(REGION))
        .build()
        .unwrap();
    let config = HealthCheckConfig::builder()
        .r#type(HealthCheckType::CloudwatchMetric)
        .alarm_identifier(alarm)
        .insufficient_data_health_status(InsufficientDataHealthStatus::LastKnownStatus)
        .build()
        .unwrap();
    let create = || {
        client
            .create_health_check()
            .caller_reference("shift-1")
            .health_check_config(config.clone())
            .send()
    };

    let made = create().await.unwrap();
    let again = create().await.unwrap();
    let check = made.health_check().unwrap();
    assert_eq!(again.health_check().unwrap().id(), check.id());
    assert!(made.location().ends_with(check.id()), "{}", made.location());

    let got = client
        .get_health_check()
        .health_check_id(check.id())
        .send()
        .await
        .unwrap();
    let got = got.health_check().unwrap();
    assert_eq!(got.caller_reference(), "shift-1");
    let followed = got
        .health_check_config()
        .unwrap()
        .alarm_identifier()
        .unwrap();
    assert_eq!(
        (followed.name(), followed.region().as_str()),
        ("failures", REGION)
    );

    let listed = client.list_health_checks().send().await.unwrap();
    let ids: Vec<&str> = listed
        .health_checks()
        .iter()
        .map(aws_sdk_route53::types::HealthCheck::id)
        .collect();
    assert_eq!((ids, listed.is_truncated()), (vec![check.id()], false));

    client
        .delete_health_check()
        .health_check_id(check.id())
        .send()
        .await
        .unwrap();
    let gone = client
        .delete_health_check()
        .health_check_id(check.id())
        .send()
        .await;
    assert!(
        gone.unwrap_err()
            .into_service_error()
            .is_no_such_health_check()
    );
}
