//! The form of requests to Route 53, and what is concluded from its answers.

use cutover_core::FailureClass;
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::preflight::Routing;
use cutover_core::shift::records::{RecordChange, RecordSet, Verb};
use cutover_core::shift::spec::Alias;
use cutover_driver::{Applied, Batch, HealthCheck, HostedZones as _, Zone};

use super::AwsHostedZones;
use super::record_sets::normal;
use crate::testing::{Log, lines, scripted};

const XMLNS: &str = "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"";

fn zones<B: Into<String>>(answers: impl IntoIterator<Item = (u16, B)>) -> (AwsHostedZones, Log) {
    let (sdk, sent) = scripted(answers);
    (AwsHostedZones::new(&sdk), sent)
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><ErrorResponse {XMLNS}><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

fn set(name: &str, rest: &str) -> String {
    format!("<ResourceRecordSet><Name>{name}</Name><Type>A</Type>{rest}</ResourceRecordSet>")
}

const VALUE: &str = "<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>\
    </ResourceRecord></ResourceRecords>";

/// A page of record sets; `next` is what the following page begins with.
fn page(sets: &[String], next: Option<(&str, Option<&str>)>) -> (u16, String) {
    let sets = sets.concat();
    let end = match next {
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
        Some((name, member)) => {
            let member = member.map_or_else(String::new, |member| {
                format!("<NextRecordIdentifier>{member}</NextRecordIdentifier>")
            });
            format!(
                "<IsTruncated>true</IsTruncated><NextRecordName>{name}</NextRecordName>\
                 <NextRecordType>A</NextRecordType>{member}"
            )
        }
    };
    let body = format!(
        "<ListResourceRecordSetsResponse {XMLNS}><ResourceRecordSets>{sets}</ResourceRecordSets>{end}\
         <MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
    );
    (200, body)
}

async fn routing(rest: &str) -> Routing {
    let (zones, _) = zones([page(
        &[set("pay.example.com.", &format!("{rest}{VALUE}"))],
        None,
    )]);
    let sets = zones
        .fetch_record_sets("Z1", &["pay.example.com".to_owned()])
        .await;
    sets.unwrap().remove(0).routing
}

fn member(weight: u16) -> RecordSet {
    RecordSet {
        name: "pay.example.com".to_owned(),
        record_type: "A".to_owned(),
        routing: Routing::Weighted {
            set_identifier: "old".to_owned(),
            weight,
        },
        ttl_seconds: Some(60),
        values: vec!["192.0.2.1".to_owned()],
        alias: None,
        health_check: Some("hc-1".to_owned()),
    }
}

fn batch(changes: Vec<(Verb, RecordSet)>) -> Batch {
    Batch {
        zone_id: "Z1".to_owned(),
        changes: changes
            .into_iter()
            .map(|(verb, set)| RecordChange { verb, set })
            .collect(),
        urgent: false,
    }
}

async fn applied(status: u16, body: String) -> Result<Applied, FailureClass> {
    let (zones, _) = zones([(status, body)]);
    let batch = batch(vec![(Verb::Upsert, member(1))]);
    zones.apply(&batch).await.map_err(|failure| failure.class)
}

#[tokio::test]
async fn reads_a_zone_with_its_servers() {
    let body = format!(
        "<GetHostedZoneResponse {XMLNS}><HostedZone><Id>/hostedzone/Z1</Id><Name>Example.com.</Name>\
         <CallerReference>c</CallerReference><Config><PrivateZone>false</PrivateZone></Config></HostedZone>\
         <DelegationSet><NameServers><NameServer>NS-1.awsdns-01.com.</NameServer></NameServers></DelegationSet>\
         </GetHostedZoneResponse>"
    );
    let (zones, sent) = zones([(200, body)]);

    let zone = zones.fetch_zone("Z1").await.unwrap();

    let expected = Zone {
        name: "example.com".to_owned(),
        private: false,
        name_servers: vec!["ns-1.awsdns-01.com".to_owned()],
    };
    assert_eq!(zone, Some(expected));
    assert_eq!(lines(&sent), ["GET /2013-04-01/hostedzone/Z1 "]);
}

#[tokio::test]
async fn a_private_zone_has_no_servers_of_its_own() {
    let body = format!(
        "<GetHostedZoneResponse {XMLNS}><HostedZone><Id>/hostedzone/Z1</Id><Name>corp.</Name>\
         <CallerReference>c</CallerReference><Config><PrivateZone>true</PrivateZone></Config></HostedZone>\
         <VPCs><VPC><VPCRegion>eu-central-1</VPCRegion><VPCId>vpc-1</VPCId></VPC></VPCs></GetHostedZoneResponse>"
    );
    let (zones, _) = zones([(200, body)]);

    let zone = zones.fetch_zone("Z1").await.unwrap().unwrap();

    assert!(zone.private && zone.name_servers.is_empty(), "{zone:?}");
}

/// F23
#[tokio::test]
async fn a_zone_that_is_gone_is_a_fact_to_readers_and_a_refusal_to_writers() {
    let gone = || error("NoSuchHostedZone", "No hosted zone found with ID: Z1");
    let (zones, _) = zones([(404, gone())]);

    assert_eq!(zones.fetch_zone("Z1").await, Ok(None));
    assert_eq!(applied(404, gone()).await, Err(FailureClass::Refused));
}

#[tokio::test]
async fn names_that_are_neighbours_take_one_call() {
    let sets = [
        set(
            "pay.example.com.",
            &format!("<SetIdentifier>old</SetIdentifier><Weight>90</Weight>{VALUE}"),
        ),
        set("_cutover.pay.example.com.", VALUE),
        set("zebra.example.com.", VALUE),
    ];
    let (zones, sent) = zones([page(&sets, Some(("zulu.example.com.", None)))]);

    let names = [
        "_cutover.pay.example.com".to_owned(),
        "Pay.example.com.".to_owned(),
    ];
    let found = zones.fetch_record_sets("Z1", &names).await.unwrap();

    let found: Vec<&str> = found.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(found, ["pay.example.com", "_cutover.pay.example.com"]);
    assert_eq!(
        lines(&sent),
        ["GET /2013-04-01/hostedzone/Z1/rrset?name=pay.example.com "]
    );
}

#[tokio::test]
async fn a_name_is_read_to_its_end_over_pages() {
    let member = |id: &str| {
        set(
            "pay.example.com.",
            &format!("<SetIdentifier>{id}</SetIdentifier><Weight>1</Weight>{VALUE}"),
        )
    };
    let (zones, sent) = zones([
        page(&[member("a")], Some(("pay.example.com.", Some("b")))),
        page(&[member("b")], Some(("quay.example.com.", None))),
    ]);

    let found = zones
        .fetch_record_sets("Z1", &["pay.example.com".to_owned()])
        .await;

    assert_eq!(found.unwrap().len(), 2);
    assert_eq!(
        lines(&sent)[1],
        "GET /2013-04-01/hostedzone/Z1/rrset?name=pay.example.com.&type=A&identifier=b "
    );
}

#[tokio::test]
async fn names_far_from_each_other_take_a_call_each() {
    let other = set("b.example.com.", VALUE);
    let (zones, sent) = zones([
        page(
            &[set("a.example.com.", VALUE), other.clone()],
            Some(("c.example.com.", None)),
        ),
        page(&[other], None),
    ]);

    let names = ["x.example.com".to_owned(), "a.example.com".to_owned()];
    let found = zones.fetch_record_sets("Z1", &names).await.unwrap();

    assert_eq!(found.len(), 1, "only exact names count: {found:?}");
    assert_eq!(lines(&sent).len(), 2);
}

#[tokio::test]
async fn a_list_that_never_ends_is_given_up() {
    let same = page(
        &[set("a.example.com.", VALUE)],
        Some(("a.example.com.", Some("x"))),
    );
    let (zones, sent) = zones(vec![same; 200]);

    let found = zones
        .fetch_record_sets("Z1", &["a.example.com".to_owned()])
        .await;

    assert_eq!(found.unwrap_err().class, FailureClass::Refused);
    assert_eq!(lines(&sent).len(), super::PAGES_MAX);
}

#[test]
fn names_are_compared_in_one_form() {
    assert_eq!(normal("\\052.Example.COM."), "*.example.com");
    assert_eq!(normal("example.com"), "example.com");
}

/// F25
#[tokio::test]
async fn every_policy_is_told_apart() {
    let other = |policy: &str| Routing::Other {
        policy: policy.to_owned(),
        set_identifier: "m".to_owned(),
    };
    let id = "<SetIdentifier>m</SetIdentifier>";
    let with = |rest: &str| format!("{id}{rest}");

    assert_eq!(routing("").await, Routing::Simple);
    assert_eq!(
        routing(&with("<Weight>0</Weight>")).await,
        Routing::Weighted {
            set_identifier: "m".to_owned(),
            weight: 0
        }
    );
    assert_eq!(
        routing(&with("<Region>eu-west-1</Region>")).await,
        other("latency")
    );
    assert_eq!(
        routing(&with("<Failover>PRIMARY</Failover>")).await,
        other("failover")
    );
    let place = "<GeoLocation><CountryCode>DE</CountryCode></GeoLocation>";
    assert_eq!(routing(&with(place)).await, other("geolocation"));
    let near = "<GeoProximityLocation><AWSRegion>eu-west-1</AWSRegion></GeoProximityLocation>";
    assert_eq!(routing(&with(near)).await, other("geoproximity"));
    let cidr = "<CidrRoutingConfig><CollectionId>c</CollectionId><LocationName>l</LocationName></CidrRoutingConfig>";
    assert_eq!(routing(&with(cidr)).await, other("CIDR block"));
    let many = "<MultiValueAnswer>true</MultiValueAnswer>";
    assert_eq!(routing(&with(many)).await, other("multivalue answer"));
    let instance = "<Weight>1</Weight><TrafficPolicyInstanceId>t</TrafficPolicyInstanceId>";
    assert_eq!(routing(&with(instance)).await, other("traffic policy"));
    assert!(matches!(routing(id).await, Routing::Other { .. }));
}

#[tokio::test]
async fn an_alias_is_read_without_the_dot_at_its_end() {
    let alias = "<SetIdentifier>old</SetIdentifier><Weight>100</Weight><AliasTarget><HostedZoneId>Z9</HostedZoneId>\
        <DNSName>Old.elb.amazonaws.com.</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>\
        <HealthCheckId>hc</HealthCheckId>";
    let (zones, _) = zones([page(&[set("pay.example.com.", alias)], None)]);

    let found = zones
        .fetch_record_sets("Z1", &["pay.example.com".to_owned()])
        .await
        .unwrap()
        .remove(0);

    let expected = Alias {
        dns_name: "old.elb.amazonaws.com".to_owned(),
        zone_id: "Z9".to_owned(),
        evaluate_target_health: true,
    };
    assert_eq!(found.alias, Some(expected));
    assert_eq!(
        (found.ttl_seconds, found.health_check.as_deref()),
        (None, Some("hc"))
    );
}

#[tokio::test]
async fn a_batch_is_sent_in_its_order_with_everything_that_a_delete_repeats() {
    let accepted = format!(
        "<ChangeResourceRecordSetsResponse {XMLNS}><ChangeInfo><Id>/change/C7</Id><Status>PENDING</Status>\
         <SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>"
    );
    let (zones, sent) = zones([(200, accepted)]);

    let batch = batch(vec![
        (Verb::Delete, member(100)),
        (Verb::Create, member(90)),
    ]);
    let applied = zones.apply(&batch).await;

    assert_eq!(
        applied,
        Ok(Applied::Accepted {
            id: "C7".to_owned()
        })
    );
    let change = |action: &str, weight: u16| {
        format!(
            "<Change><Action>{action}</Action><ResourceRecordSet><Name>pay.example.com</Name><Type>A</Type>\
             <SetIdentifier>old</SetIdentifier><Weight>{weight}</Weight><TTL>60</TTL><ResourceRecords><ResourceRecord>\
             <Value>192.0.2.1</Value></ResourceRecord></ResourceRecords><HealthCheckId>hc-1</HealthCheckId>\
             </ResourceRecordSet></Change>"
        )
    };
    let changes = format!(
        "<Changes>{}{}</Changes>",
        change("DELETE", 100),
        change("CREATE", 90)
    );
    let sent = lines(&sent).remove(0);
    assert!(
        sent.starts_with("POST /2013-04-01/hostedzone/Z1/rrset "),
        "{sent}"
    );
    assert!(
        sent.contains(&format!("<Comment>cutover</Comment>{changes}")),
        "{sent}"
    );
}

#[tokio::test]
async fn only_weighted_and_simple_record_sets_are_sent() {
    let mut latency = member(1);
    latency.routing = Routing::Other {
        policy: "latency".to_owned(),
        set_identifier: "eu".to_owned(),
    };
    let (zones, sent) = zones::<String>([]);

    let failure = zones
        .apply(&batch(vec![(Verb::Delete, latency)]))
        .await
        .unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
    assert_eq!(lines(&sent), Vec::<String>::new());
}

/// F21
#[tokio::test]
async fn a_batch_that_expected_something_else_is_a_conflict() {
    for message in [
        "[Tried to delete resource record set [name='a.', type='A', set identifier='old'] but the values provided do \
         not match the current values]",
        "[Tried to delete resource record set [name='a.', type='TXT'] but it was not found]",
        "[Tried to create resource record set [name='a.', type='TXT'] but it already exists]",
    ] {
        let applied = applied(400, error("InvalidChangeBatch", message)).await;
        assert_eq!(
            applied,
            Ok(Applied::Conflict {
                message: message.to_owned()
            })
        );
    }
}

#[tokio::test]
async fn a_conflict_is_understood_in_the_older_form() {
    let message = "Tried to delete resource record set [name='a.', type='A'] but it was not found";
    let body = format!(
        "<?xml version=\"1.0\"?><InvalidChangeBatch {XMLNS}><Messages><Message>{message}</Message></Messages>\
         <RequestId>r</RequestId></InvalidChangeBatch>"
    );

    assert_eq!(
        applied(400, body).await,
        Ok(Applied::Conflict {
            message: message.to_owned()
        })
    );
}

/// F28
#[tokio::test]
async fn a_protected_record_is_refused_with_the_reason() {
    let said = "The resource record set is protected by `lock-1`";
    let (zones, _) = zones([(400, error("InvalidChangeBatch", said))]);

    let failure = zones
        .apply(&batch(vec![(Verb::Upsert, member(1))]))
        .await
        .unwrap_err();

    assert_eq!(failure.class, FailureClass::Refused);
    assert!(failure.message.contains(said), "{failure:?}");
}

#[tokio::test]
async fn a_zone_that_is_busy_throttles() {
    for code in ["PriorRequestNotComplete", "Throttling"] {
        let applied = applied(400, error(code, "m")).await;
        assert_eq!(applied, Err(FailureClass::Throttled), "{code}");
    }
    assert_eq!(
        applied(500, error("InternalFailure", "m")).await,
        Err(FailureClass::Unknown)
    );
    assert_eq!(
        applied(403, error("AccessDenied", "m")).await,
        Err(FailureClass::Denied)
    );
}

#[tokio::test]
async fn a_change_is_pending_insync_or_not_known() {
    let info = |status: &str| {
        let body = format!(
            "<GetChangeResponse {XMLNS}><ChangeInfo><Id>/change/C7</Id><Status>{status}</Status>\
             <SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo></GetChangeResponse>"
        );
        (200, body)
    };
    let (zones, sent) = zones([
        info("PENDING"),
        info("INSYNC"),
        (404, error("NoSuchChange", "m")),
    ]);

    assert_eq!(zones.fetch_change("C7").await, Ok(ChangeState::Pending));
    assert_eq!(zones.fetch_change("C7").await, Ok(ChangeState::Insync));
    assert_eq!(zones.fetch_change("C7").await, Ok(ChangeState::Unknown));
    assert_eq!(lines(&sent)[0], "GET /2013-04-01/change/C7 ");
}

const ALARM: &str = "<HealthCheckConfig><Type>CLOUDWATCH_METRIC</Type><AlarmIdentifier><Region>eu-central-1</Region>\
    <Name>payments</Name></AlarmIdentifier><InsufficientDataHealthStatus>LastKnownStatus\
    </InsufficientDataHealthStatus></HealthCheckConfig>";

fn health_check(id: &str, reference: &str, config: &str) -> String {
    format!(
        "<HealthCheck><Id>{id}</Id><CallerReference>{reference}</CallerReference>{config}\
         <HealthCheckVersion>1</HealthCheckVersion></HealthCheck>"
    )
}

fn health_checks(checks: &str, marker: Option<&str>) -> (u16, String) {
    let marker = marker.map_or_else(String::new, |at| format!("<NextMarker>{at}</NextMarker>"));
    let body = format!(
        "<ListHealthChecksResponse {XMLNS}><HealthChecks>{checks}</HealthChecks><Marker></Marker>\
         <IsTruncated>true</IsTruncated>{marker}<MaxItems>100</MaxItems></ListHealthChecksResponse>"
    );
    (200, body)
}

fn guard() -> HealthCheck {
    HealthCheck {
        reference: "shift-1".to_owned(),
        alarm: "payments".to_owned(),
        region: None,
    }
}

#[tokio::test]
async fn a_health_check_follows_an_alarm_of_the_configured_region() {
    let made = health_check("hc-1", "shift-1", ALARM);
    let body = format!("<CreateHealthCheckResponse {XMLNS}>{made}</CreateHealthCheckResponse>");
    let (zones, sent) = zones([(201, body)]);

    assert_eq!(
        zones.ensure_health_check(&guard()).await.as_deref(),
        Ok("hc-1")
    );

    let sent = lines(&sent).remove(0);
    assert!(sent.starts_with("POST /2013-04-01/healthcheck "), "{sent}");
    assert!(
        sent.contains(&format!(
            "<CallerReference>shift-1</CallerReference>{ALARM}"
        )),
        "{sent}"
    );
}

#[tokio::test]
async fn a_health_check_that_was_made_before_is_found_again() {
    let taken = || (409, error("HealthCheckAlreadyExists", "m"));
    let ours = health_check("hc-1", "shift-1", ALARM);
    let first = health_checks(&health_check("hc-0", "shift-0", ALARM), Some("hc-1"));
    let (found, sent) = zones([taken(), first, health_checks(&ours, None)]);
    assert_eq!(
        found.ensure_health_check(&guard()).await.as_deref(),
        Ok("hc-1")
    );
    assert_eq!(lines(&sent)[2], "GET /2013-04-01/healthcheck?marker=hc-1 ");

    let (gone, _) = zones([taken(), health_checks("", None)]);
    let failure = gone.ensure_health_check(&guard()).await.unwrap_err();
    assert!(failure.message.contains("is gone"), "{failure:?}");

    let other = health_check("hc-1", "shift-1", &ALARM.replace("payments", "orders"));
    let (other, _) = zones([taken(), health_checks(&other, None)]);
    let failure = other.ensure_health_check(&guard()).await.unwrap_err();
    assert!(
        failure.message.contains("follows something else"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_health_check_that_is_gone_counts_as_removed() {
    let done = format!("<DeleteHealthCheckResponse {XMLNS}/>");
    let missing = error("NoSuchHealthCheck", "m");
    let used = error("HealthCheckInUse", "m");
    let (zones, sent) = zones([(200, done), (404, missing), (400, used)]);

    assert_eq!(zones.delete_health_check("hc-1").await, Ok(()));
    assert_eq!(zones.delete_health_check("hc-1").await, Ok(()));
    let failure = zones.delete_health_check("hc-1").await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Refused);
    assert_eq!(lines(&sent)[0], "DELETE /2013-04-01/healthcheck/hc-1 ");
}
