//! A second opinion on the wire: the adapter against moto's IAM over HTTP.
//!
//! moto knows the form of requests and answers. It is no judge of how IAM behaves: nothing is ever throttled, denied or
//! late there.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cutover_aws::{AwsServiceRoles, Endpoints, Keys, Sdk, Settings};
use cutover_core::service_roles::{
    Act, Ensure, Fact, Found, Look, Origin, Owner, Role, Standing, TrustPolicy, Wish,
};
use cutover_driver::{Ended, Ensuring, ServiceRoles as _, SystemClock, run};
use cutover_sim::SimClock;

/// A running moto, ended with the test.
struct Moto {
    process: Child,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let program = path_of_moto();
        let mut process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            // Without it moto knows none of the policies that AWS manages.
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be started ({error}): run `make setup`")
            });
        let lines = BufReader::new(process.stderr.take().expect("it was piped")).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("Running on ")
                    .map(|(_, url)| url.trim().to_owned())
            })
            .expect("moto says where it listens");
        Self { process, url }
    }

    /// An adapter with credentials that moto takes for those of its only account.
    fn service_roles(&self) -> AwsServiceRoles {
        let keys = Keys {
            access_key: "test".to_owned(),
            secret_key: "test".to_owned(),
            token: None,
        };
        let endpoints = Endpoints {
            iam: Some(self.url.clone()),
            sts: Some(self.url.clone()),
        };
        let settings = Settings {
            region: Some("eu-central-1".to_owned()),
            keys: Some(keys),
            endpoints,
            ..Settings::default()
        };
        AwsServiceRoles::new(Sdk::new(settings, Arc::new(SystemClock)))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn path_of_moto() -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/moto");
    let said = Command::new(tool)
        .arg("--path")
        .output()
        .expect("tools/moto can be run");
    let path = String::from_utf8(said.stdout)
        .expect("a path")
        .trim()
        .to_owned();
    assert!(
        Path::new(&path).exists(),
        "moto is not installed: run `make setup`"
    );
    path
}

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
        |_| {},
    )
    .await
    {
        Ended::Finished(ended) => ended,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stack_makes_the_roles_and_another_adopts_them() {
    let moto = Moto::start();
    let roles = moto.service_roles();

    let first = ensure(&roles, wish("shop/dev/roles")).await;
    assert_eq!((first.obstacle, first.journal.changed), (None, true));

    let second = ensure(&moto.service_roles(), wish("shop/prod/roles")).await;
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
    let roles = moto.service_roles();

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
