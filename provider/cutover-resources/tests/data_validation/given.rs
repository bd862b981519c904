//! A provider over two simulated databases.

use std::sync::Arc;

use cutover_core::validation::catalog::{Engine, TableName};
use cutover_core::validation::facts::DbFailureClass;
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Clock, SystemClock, TlsWish, World};
use cutover_resources::{App, provider};
use cutover_sim::bank::{Bank, Kept, SimTable};
use cutover_sim::cloud::SimReplications;
use cutover_sim::{
    Cloud, CloudConfig, SimClock, SimDatabases, SimIam, SimSecrets, SimServiceRoles, SimTraffic,
    SimWriters,
};
use pulumi_testkit::{Failure, Harness, Stored, Subject};
use pulumi_value::{PropertyMap, PropertyPath, Value, to_map};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

pub(crate) const TOKEN: &str = "cutover:index:DataValidation";
pub(crate) const FUNCTION: &str = "cutover:index:validateData";

/// What must never be shown.
pub(crate) const PASSWORD: &str = "open-sesame";

/// A provider and its world.
pub(crate) struct Given {
    pub(crate) harness: Harness<App>,
    pub(crate) bank: Bank,
    pub(crate) databases: SimDatabases,
    clock: Arc<dyn Clock>,
    directory: TempDir,
}

pub(crate) fn table(name: &str) -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: name.to_owned(),
    }
}

/// Serves a provider whose two databases hold the same: 300 payments and 20 refunds. Time passes only when somebody waits.
pub(crate) async fn given() -> Given {
    given_on(Arc::new(SimClock::default())).await
}

/// The same in real time, for what has to be interrupted.
pub(crate) async fn given_in_real_time() -> Given {
    given_on(Arc::new(SystemClock)).await
}

async fn given_on(clock: Arc<dyn Clock>) -> Given {
    let engines = Both::of(|_| Engine::Postgres);
    let bank = Bank::new(Arc::clone(&clock), &engines);
    bank.with(|state| {
        state.add_table(&table("payments"), &SimTable::new(Kept::Heap, 1..=300));
        state.add_table(&table("refunds"), &SimTable::new(Kept::Heap, 1..=20));
    });
    let databases = SimDatabases::of(bank.clone());
    let harness = serve(Arc::clone(&clock), &databases).await;
    Given {
        harness,
        clock,
        bank,
        databases,
        directory: TempDir::new().expect("a directory"),
    }
}

async fn serve(clock: Arc<dyn Clock>, databases: &SimDatabases) -> Harness<App> {
    let elsewhere = SimClock::default();
    let cloud = Cloud::new(CloudConfig::default());
    let iam = SimIam::new("123456789012");
    let secrets = SimSecrets::default()
        .with(
            "rds",
            r#"{"engine":"postgres","username":"kept","password":"kept-password",
                "host":"db.internal","port":6432,"dbname":"shop"}"#,
        )
        .with("plain", "just-a-password")
        .with("part", r#"{"username":"kept","password":"kept-password"}"#);
    let engines = Both::of(|_| Engine::Postgres);
    let sim = SimTraffic::new(cloud, elsewhere.clone());
    let world = World {
        clock,
        service_roles: Arc::new(SimServiceRoles::new(iam, elsewhere.clone())),
        traffic: sim.traffic(),
        databases: Arc::new(databases.clone()),
        secrets: Arc::new(secrets),
        writers: Arc::new(SimWriters::new(Arc::new(elsewhere), &engines)),
        replications: Arc::new(SimReplications::over(&sim)),
    };
    let variable = |name: &str| (name == "SHOP_PASSWORD").then(|| "from-outside".to_owned());
    Harness::configured(provider(variable, move |_| world.clone())).await
}

pub(crate) fn map(inputs: &Json) -> PropertyMap {
    to_map(inputs).expect("JSON can be said in values")
}

/// Inputs of a validation of both databases; `change` is laid over it.
pub(crate) fn inputs(change: Json) -> Json {
    let side = |host: &str| {
        json!({
            "engine": "postgres",
            "host": host,
            "database": "shop",
            "user": "reader",
            "password": PASSWORD,
        })
    };
    let mut inputs = json!({ "source": side("old.internal"), "target": side("new.internal") });
    let Json::Object(change) = change else {
        panic!("a change is an object")
    };
    for (key, value) in change {
        inputs[key] = value;
    }
    inputs
}

/// The same in values, with passwords that are secret, as programs pass them.
pub(crate) fn with_secrets(inputs: &Json) -> PropertyMap {
    let mut inputs = map(inputs);
    for side in inputs.values_mut() {
        let Value::Map(side) = side else { continue };
        if let Some(password) = side.get_mut("password").filter(|value| !value.is_null()) {
            *password = Value::secret(std::mem::take(password));
        }
    }
    inputs
}

pub(crate) fn at(stored: &PropertyMap, path: &str) -> Value {
    let path: PropertyPath = path.parse().expect("a path");
    path.get(stored).cloned().unwrap_or_default()
}

pub(crate) fn text(stored: &PropertyMap, path: &str) -> String {
    let value = at(stored, path);
    value.as_str().unwrap_or_default().to_owned()
}

impl Given {
    /// Ends the provider and starts it anew, as the next `pulumi up` does.
    pub(crate) async fn restarted(mut self) -> Self {
        self.harness = serve(Arc::clone(&self.clock), &self.databases).await;
        self
    }

    pub(crate) fn validation(&self) -> Subject {
        self.harness.resource(TOKEN, "payments")
    }

    /// Inputs as Check completes them; passwords are secret.
    pub(crate) async fn checked(&self, inputs: &Json) -> PropertyMap {
        let inputs = with_secrets(inputs);
        let checked = self.validation().check(&inputs).await.expect("an answer");
        checked.accepted()
    }

    pub(crate) async fn checked_and_created(&self, inputs: &Json) -> Result<Stored, Failure> {
        let inputs = self.checked(inputs).await;
        self.validation().create(&inputs).await
    }

    /// What was opened, one line for each: `source reader@old.internal:5432/shop open-sesame 3`.
    pub(crate) fn opened(&self) -> Vec<String> {
        let opened = self.databases.opened();
        let line = |(side, at): &(Side, cutover_driver::Address)| {
            format!(
                "{side} {}@{}:{}/{} {} {}",
                at.user,
                at.host,
                at.port,
                at.database,
                at.password.reveal(),
                at.connections
            )
        };
        opened.iter().map(line).collect()
    }

    /// The certificates by which a side was verified.
    pub(crate) fn authorities(&self, side: Side) -> Option<String> {
        let opened = self.databases.opened();
        let (_, address) = opened.into_iter().find(|(of, _)| *of == side)?;
        match address.tls {
            TlsWish::Verified { authorities } => authorities,
            tls => panic!("{tls:?}"),
        }
    }

    pub(crate) fn refuses(&self, side: Side, class: DbFailureClass) {
        self.databases.refuse(side, class);
    }

    /// A place for a file.
    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Tells whether anything that was said holds a text.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        let logs = self.harness.engine.logs();
        logs.iter().any(|line| line.message.contains(text))
    }

    /// Expects that something was said.
    pub(crate) fn said(&self, text: &str) {
        let logs = self.harness.engine.logs();
        assert!(self.has_said(text), "{text}: {logs:#?}");
    }
}
