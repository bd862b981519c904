//! `DmsServiceRoles` as the engine sees it, against a simulated IAM.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::FailureClass;
use cutover_core::service_roles::{Act, Command, Role, SETTLE, TrustPolicy};
use cutover_core::validation::catalog::Engine;
use cutover_core::validation::side::Both;
use cutover_driver::{Clock as _, World};
use cutover_resources::{App, provider};
use cutover_sim::cloud::SimReplications;
use cutover_sim::{
    Call, Cloud, CloudConfig, Fault, Happening, SimClock, SimDatabases, SimIam, SimSecrets,
    SimServiceRoles, SimTraffic, SimWriters,
};
use pulumi_testkit::{Harness, Stored, Subject};
use pulumi_value::{PropertyMap, PropertyPath, Value};

const ACCOUNT: &str = "123456789012";
const TOKEN: &str = "cutover:index:DmsServiceRoles";

/// A provider whose world is a simulated account.
struct Given {
    harness: Harness<App>,
    roles: SimServiceRoles,
    clock: SimClock,
}

impl Given {
    fn roles(&self) -> Subject {
        self.harness.resource(TOKEN, "roles")
    }

    async fn created(&self) -> Stored {
        self.roles()
            .create(&inputs(false))
            .await
            .expect("the roles are made")
    }

    fn said(&self, text: &str) -> bool {
        self.harness
            .engine
            .logs()
            .iter()
            .any(|line| line.message.contains(text))
    }
}

async fn given(iam: SimIam) -> Given {
    let clock = SimClock::default();
    let roles = SimServiceRoles::new(iam, clock.clone());
    let sim = SimTraffic::new(Cloud::new(CloudConfig::default()), clock.clone());
    let engines = Both::of(|_| Engine::Postgres);
    let world = World {
        clock: Arc::new(clock.clone()),
        service_roles: Arc::new(roles.clone()),
        traffic: sim.traffic(),
        databases: Arc::new(SimDatabases::default()),
        secrets: Arc::new(SimSecrets::default()),
        writers: Arc::new(SimWriters::new(Arc::new(clock.clone()), &engines)),
        replications: Arc::new(SimReplications::over(&sim)),
    };
    let harness = Harness::configured(provider(|_| None, move |_| world.clone())).await;
    Given {
        harness,
        roles,
        clock,
    }
}

fn account() -> SimIam {
    SimIam::new(ACCOUNT)
}

fn account_with_both_roles() -> SimIam {
    Role::ALL.into_iter().fold(account(), |iam, role| {
        iam.with_role(role, TrustPolicy::for_dms(), true)
    })
}

fn failing(call: Call, class: FailureClass, times: usize) -> Vec<Fault> {
    vec![Fault {
        call,
        occurrence: 1,
        times,
        what: Happening::Fails(class),
    }]
}

fn inputs(repair: bool) -> PropertyMap {
    [("repair".to_owned(), Value::Bool(repair))]
        .into_iter()
        .collect()
}

fn status(outputs: &PropertyMap, role: &str) -> String {
    let path = PropertyPath::root().key(role).key("status");
    path.get(outputs)
        .and_then(Value::as_str)
        .unwrap_or("unknown")
        .to_owned()
}

fn statuses(outputs: &PropertyMap) -> [String; 2] {
    [
        status(outputs, "vpcRole"),
        status(outputs, "cloudwatchLogsRole"),
    ]
}

#[tokio::test]
async fn makes_the_roles_and_says_where_they_are() {
    let given = given(account()).await;

    let stored = given.created().await;

    assert_eq!(stored.id, ACCOUNT);
    assert_eq!(statuses(&stored.outputs), ["created", "created"]);
    let arn = PropertyPath::root().key("vpcRole").key("arn");
    let arn = arn.get(&stored.outputs).and_then(Value::as_str);
    assert_eq!(arn, Some("arn:aws:iam::123456789012:role/dms-vpc-role"));
}

#[tokio::test]
async fn a_second_stack_adopts_what_the_first_made() {
    let given = given(account()).await;
    given.created().await;

    let second = given
        .harness
        .resource(TOKEN, "others")
        .create(&inputs(false))
        .await
        .expect("they are there");

    assert_eq!(statuses(&second.outputs), ["adopted", "adopted"]);
    assert_eq!(given.roles.iam().acts().len(), 4);
}

#[tokio::test]
async fn a_preview_says_what_will_be_adopted_and_made_and_changes_nothing() {
    let given = given(account().with_role(Role::Vpc, TrustPolicy::for_dms(), true)).await;

    let outputs = given
        .roles()
        .preview_create(&inputs(false))
        .await
        .expect("a preview");

    assert_eq!(statuses(&outputs), ["adopted", "unknown"]);
    assert!(given.said(
        "`dms-cloudwatch-logs-role` does not exist in account `123456789012` and will be made"
    ));
    assert!(given.roles.iam().acts().is_empty());
}

#[tokio::test]
async fn a_preview_without_credentials_leaves_everything_unknown() {
    let given =
        given(account().scripted(failing(Call::FetchAccount, FailureClass::Unconfigured, 99)))
            .await;

    let outputs = given
        .roles()
        .preview_create(&inputs(false))
        .await
        .expect("a preview");

    assert_eq!(statuses(&outputs), ["unknown", "unknown"]);
    assert!(given.said("CUT-001"));
}

#[tokio::test]
async fn a_cloud_that_cannot_be_reached_is_given_up_after_a_minute_with_nothing_changed() {
    let given =
        given(account().scripted(failing(Call::FetchAccount, FailureClass::Unavailable, 99))).await;
    let began_at = given.clock.now();

    let failure = given
        .roles()
        .create(&inputs(false))
        .await
        .expect_err("it is given up");

    assert!(
        failure
            .message
            .starts_with("CUT-004: `sts:GetCallerIdentity` could not be served"),
        "{failure:?}"
    );
    let took = given.clock.now().since(began_at);
    assert!((50..=70).contains(&took.as_secs()), "{took:?}");
    assert!(given.roles.iam().acts().is_empty());
}

#[tokio::test]
async fn a_role_that_dms_may_not_assume_is_refused_with_advice() {
    let given = given(account().with_role(Role::Vpc, TrustPolicy::Statements(vec![]), true)).await;

    let failure = given
        .roles()
        .create(&inputs(false))
        .await
        .expect_err("it is refused");

    assert!(
        failure
            .message
            .starts_with("CUT-020: DMS may not assume the existing role `dms-vpc-role`"),
        "{failure:?}"
    );
    assert!(given.roles.iam().acts().is_empty());
}

#[tokio::test]
async fn a_policy_is_attached_to_the_role_of_somebody_else_only_when_asked_for() {
    let given =
        given(account_with_both_roles().with_role(Role::Vpc, TrustPolicy::for_dms(), false)).await;

    let failure = given
        .roles()
        .create(&inputs(false))
        .await
        .expect_err("it is refused");
    let stored = given
        .roles()
        .create(&inputs(true))
        .await
        .expect("it is repaired");

    assert!(
        failure.message.contains("set `repair: true`"),
        "{failure:?}"
    );
    assert_eq!(statuses(&stored.outputs), ["adopted", "adopted"]);
}

#[tokio::test]
async fn what_was_made_before_a_failure_is_stored_and_the_next_run_goes_on() {
    let given = given(account().scripted(failing(Call::Attach, FailureClass::Denied, 1))).await;

    let failure = given
        .roles()
        .create(&inputs(false))
        .await
        .expect_err("it is not finished");
    let unfinished = failure.unfinished();
    assert!(unfinished.reasons[0].starts_with("CUT-002: `iam:AttachRolePolicy` is not allowed"));
    assert_eq!(statuses(&unfinished.outputs), ["policyMissing", "missing"]);

    let stored = Stored {
        id: unfinished.id,
        inputs: inputs(false),
        outputs: unfinished.outputs,
    };
    let diff = given
        .roles()
        .diff(&stored, &inputs(false))
        .await
        .expect("a diff");
    assert!(
        !diff.is_none(),
        "the next preview shows why there is an update"
    );
    let finished = given
        .roles()
        .update(&stored, &inputs(false))
        .await
        .expect("it is finished");
    assert_eq!(statuses(&finished.outputs), ["created", "created"]);
}

#[tokio::test]
async fn a_refresh_finds_a_role_that_has_vanished_and_the_update_makes_it_again() {
    let given = given(account()).await;
    let stored = given.created().await;
    *given.roles.iam() = account().with_role(Role::Vpc, TrustPolicy::for_dms(), true);

    let fresh = given
        .roles()
        .read(&stored)
        .await
        .expect("a look")
        .expect("one is there");
    assert_eq!(statuses(&fresh.outputs), ["adopted", "missing"]);
    assert!(
        !given
            .roles()
            .diff(&fresh, &inputs(false))
            .await
            .expect("a diff")
            .is_none()
    );

    let again = given
        .roles()
        .update(&fresh, &inputs(false))
        .await
        .expect("it is made");
    assert_eq!(statuses(&again.outputs), ["adopted", "created"]);
}

#[tokio::test]
async fn a_refresh_lets_roles_settle_that_were_made_moments_ago() {
    let given = given(account_with_both_roles()).await;
    let stored = given.created().await;
    let made_at = given.clock.now();
    *given.roles.iam() = account();
    for role in Role::ALL {
        let create = Act::Create {
            role,
            trust: TrustPolicy::for_dms(),
            tags: BTreeMap::new(),
        };
        let policy_arn = role.policy_arn("aws");
        for act in [create, Act::Attach { role, policy_arn }] {
            given.roles.iam().perform(&Command::Apply(act), made_at);
        }
    }
    given.clock.pass(Duration::from_secs(2));

    let fresh = given.roles().read(&stored).await.expect("a look");
    let settled_at = given.clock.now();
    given.roles().read(&stored).await.expect("a look");

    let fresh = fresh.expect("they are there");
    assert_eq!(statuses(&fresh.outputs), ["adopted", "adopted"]);
    assert_eq!(settled_at, made_at.after(SETTLE));
    let again = given.clock.now().since(settled_at);
    assert!(
        again < Duration::from_secs(1),
        "what has settled is not waited for: {again:?}"
    );
}

#[tokio::test]
async fn a_refresh_without_either_role_finds_nothing() {
    let given = given(account()).await;
    let stored = given.created().await;
    *given.roles.iam() = account();

    assert!(given.roles().read(&stored).await.expect("a look").is_none());
}

#[tokio::test]
async fn a_refresh_with_credentials_of_another_account_is_an_error_and_finds_nothing_gone() {
    let given = given(account()).await;
    let stored = given.created().await;
    *given.roles.iam() = SimIam::new("210987654321");

    let failure = given
        .roles()
        .read(&stored)
        .await
        .expect_err("it is another account");

    assert!(failure.message.starts_with("CUT-007"), "{failure:?}");
}

#[tokio::test]
async fn an_import_needs_the_account_only_and_shows_no_difference() {
    let given = given(account_with_both_roles()).await;

    let stored = given
        .roles()
        .import(ACCOUNT)
        .await
        .expect("a look")
        .expect("they are there");

    assert_eq!(statuses(&stored.outputs), ["adopted", "adopted"]);
    assert!(
        given
            .roles()
            .diff(&stored, &stored.inputs)
            .await
            .expect("a diff")
            .is_none()
    );
    let failure = given
        .roles()
        .import("dms-vpc-role")
        .await
        .expect_err("it is not an account");
    assert!(failure.message.starts_with("CUT-008"), "{failure:?}");
}

#[tokio::test]
async fn deleting_keeps_the_roles_and_says_so() {
    let given = given(account()).await;
    let stored = given.created().await;
    let calls = given.roles.iam().trace().len();

    given
        .roles()
        .delete(&stored)
        .await
        .expect("there is nothing to fail");

    assert_eq!(given.roles.iam().trace().len(), calls);
    assert!(given.said("`dms-vpc-role` stays in account `123456789012`"));
}

#[tokio::test]
async fn an_update_with_nothing_to_do_changes_nothing() {
    let given = given(account_with_both_roles()).await;
    let stored = given.created().await;

    let again = given
        .roles()
        .update(&stored, &inputs(false))
        .await
        .expect("nothing to do");

    assert_eq!(again.outputs, stored.outputs);
    assert!(given.roles.iam().acts().is_empty());
}

#[tokio::test]
async fn a_slow_iam_is_waited_for_within_the_limits() {
    let given = given(account().lagging(Duration::from_secs(30))).await;

    assert_eq!(
        statuses(&given.created().await.outputs),
        ["created", "created"]
    );
}

#[tokio::test]
async fn a_mistyped_endpoint_is_found_before_anything_runs() {
    let given = given(account()).await;
    let endpoints: PropertyMap = [("cloudwach".to_owned(), Value::from("http://127.0.0.1:1"))]
        .into_iter()
        .collect();
    let news: PropertyMap = [("endpoints".to_owned(), Value::Map(endpoints))]
        .into_iter()
        .collect();

    let checked = given
        .harness
        .client
        .check_config(news)
        .await
        .expect("an answer");

    let reasons: Vec<_> = checked
        .failures
        .iter()
        .map(|(_, reason)| reason.clone())
        .collect();
    assert_eq!(
        reasons,
        ["is not a known property; did you mean `cloudwatch`?"]
    );
}
