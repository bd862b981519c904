//! A provider over two simulated databases, and a DMS that moves their rows.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::validation::catalog::{Engine, TableName};
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Clock, Hidden, World};
use cutover_resources::{App, provider};
use cutover_sim::bank::{Bank, Kept, SimTable};
use cutover_sim::cloud::{
    DmsEndpoint, DmsPace, NewReplicationTask, ReplicationInstance, SimReplications,
};
use cutover_sim::{
    Cloud, CloudConfig, SimClock, SimDatabases, SimIam, SimSecrets, SimServiceRoles, SimTraffic,
    SimWriters,
};
use pulumi_testkit::{Failure, Harness, Stored, Subject};
use pulumi_value::{PropertyMap, PropertyPath, Value, to_map};
use serde_json::{Value as Json, json};

pub(crate) const REPLICATION: &str = "cutover:index:Replication";
pub(crate) const SWITCH: &str = "cutover:index:WriterSwitch";
pub(crate) const FINALIZATION: &str = "cutover:index:Finalization";

/// What must never be shown.
pub(crate) const PASSWORD: &str = "open-sesame";

/// The task from source to target.
pub(crate) const TASK: &str = "arn:aws:dms:eu-central-1:123456789012:task:FORTH";

const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:INSTANCE";

const MAPPINGS: &str = r#"{ "rules": [
    { "rule-type": "selection", "rule-id": "1", "rule-name": "1", "rule-action": "include",
      "object-locator": { "schema-name": "public", "table-name": "%" } },
    { "rule-type": "selection", "rule-id": "2", "rule-name": "2", "rule-action": "explicit",
      "object-locator": { "schema-name": "cutover_control", "table-name": "marker_forward" } }
] }"#;

/// A provider and its world.
pub(crate) struct Given {
    pub(crate) harness: Harness<App>,
    pub(crate) writers: SimWriters,
    pub(crate) bank: Bank,
    pub(crate) clock: SimClock,
    pub(crate) sim: SimTraffic,
}

pub(crate) fn endpoint_arn(name: &str) -> String {
    format!("arn:aws:dms:eu-central-1:123456789012:endpoint:{name}")
}

fn endpoint(name: &str, kind: &str, host: &str) -> DmsEndpoint {
    DmsEndpoint {
        identifier: name.to_lowercase(),
        endpoint_type: kind.to_owned(),
        engine: "postgres".to_owned(),
        host: host.to_owned(),
        port: 5432,
        database: "shop".to_owned(),
        user: "dms".to_owned(),
        password: Some(Hidden::new("pw")),
        ssl_mode: "require".to_owned(),
        ..DmsEndpoint::default()
    }
}

/// An account with an instance, endpoints in both directions, and a task from source to target that has not run.
fn account(now: Timestamp, writers: &SimWriters) -> Cloud {
    let mut cloud = Cloud::new(CloudConfig::default());
    cloud.config.dms = DmsPace {
        starting: Duration::from_secs(10),
        stopping: Duration::from_secs(5),
        loading: Duration::from_secs(30),
        ..DmsPace::at_once()
    };
    cloud.move_rows_by(Arc::new(writers.clone()));
    cloud.put_replication_instance(ReplicationInstance::usual(INSTANCE, "instance"));
    for (name, kind, host) in [
        ("SOURCE", "source", "old.internal"),
        ("TARGET", "target", "new.internal"),
        ("BACKSOURCE", "source", "new.internal"),
        ("BACKTARGET", "target", "old.internal"),
    ] {
        cloud
            .create_endpoint(now, endpoint(name, kind, host), Some(name))
            .expect("an endpoint");
        cloud
            .put_connection(now, INSTANCE, &endpoint_arn(name))
            .expect("a connection");
    }
    let task = NewReplicationTask {
        identifier: "forth".to_owned(),
        resource: Some("FORTH".to_owned()),
        source_endpoint_arn: endpoint_arn("SOURCE"),
        target_endpoint_arn: endpoint_arn("TARGET"),
        instance_arn: INSTANCE.to_owned(),
        migration_type: "full-load-and-cdc".to_owned(),
        table_mappings: MAPPINGS.to_owned(),
        ..NewReplicationTask::default()
    };
    cloud.create_replication_task(now, &task).expect("a task");
    cloud
}

/// Serves a provider. The source has ten payments; time passes only when somebody waits.
pub(crate) async fn given() -> Given {
    let clock = SimClock::default();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let engines = Both::of(|_| Engine::Postgres);
    let writers = SimWriters::new(Arc::clone(&shared), &engines);
    writers.with(|state| {
        state.hosts = Both {
            source: "old.internal".to_owned(),
            target: "new.internal".to_owned(),
        };
    });
    for id in 1..=10 {
        assert!(writers.pay(Side::Source, id), "the source takes payments");
    }
    let bank = Bank::new(Arc::clone(&shared), &engines);
    bank.with(|state| {
        let payments = TableName {
            schema: "public".to_owned(),
            name: "payments".to_owned(),
        };
        state.add_table(&payments, &SimTable::new(Kept::Heap, 1..=300));
    });
    let cloud = account(clock.now(), &writers);
    let sim = SimTraffic::new(cloud, clock.clone());
    let harness = serve(&clock, &writers, &bank, &sim).await;
    Given {
        harness,
        writers,
        bank,
        clock,
        sim,
    }
}

async fn serve(
    clock: &SimClock,
    writers: &SimWriters,
    bank: &Bank,
    sim: &SimTraffic,
) -> Harness<App> {
    let iam = SimIam::new("123456789012");
    let world = World {
        clock: Arc::new(clock.clone()),
        service_roles: Arc::new(SimServiceRoles::new(iam, clock.clone())),
        traffic: sim.traffic(),
        databases: Arc::new(SimDatabases::of(bank.clone())),
        secrets: Arc::new(SimSecrets::default()),
        writers: Arc::new(writers.clone()),
        replications: Arc::new(SimReplications::over(sim)),
    };
    Harness::configured(provider(|_| None, move |_| world.clone())).await
}

fn side(host: &str) -> Json {
    json!({
        "engine": "postgres",
        "host": host,
        "database": "shop",
        "user": "cutover",
        "password": PASSWORD,
    })
}

/// What every resource that reaches both databases gets.
pub(crate) fn place() -> Json {
    json!({
        "migration": "shop",
        "source": side("old.internal"),
        "target": side("new.internal"),
        "tables": ["public.payments"],
    })
}

/// Lays one object over another.
pub(crate) fn with(mut inputs: Json, change: Json) -> Json {
    let Json::Object(change) = change else {
        panic!("a change is an object")
    };
    for (key, value) in change {
        inputs[key] = value;
    }
    inputs
}

/// Inputs of a replication with markers.
pub(crate) fn replication(change: Json) -> Json {
    with(
        json!({ "taskArn": TASK, "poll": "10s", "markers": place() }),
        change,
    )
}

/// Inputs of a switch that everything drains through the task of, and that has a way back.
pub(crate) fn switch(change: Json) -> Json {
    let parts = json!({
        "drain": { "taskArn": TASK },
        "back": {
            "identifier": "back",
            "instanceArn": INSTANCE,
            "sourceEndpointArn": endpoint_arn("BACKSOURCE"),
            "targetEndpointArn": endpoint_arn("BACKTARGET"),
        },
    });
    with(with(place(), parts), change)
}

pub(crate) fn map(inputs: &Json) -> PropertyMap {
    to_map(inputs).expect("JSON can be said in values")
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
    pub(crate) fn resource(&self, token: &str) -> Subject {
        self.harness.resource(token, "shop")
    }

    /// Creates a resource of inputs that Check lets through.
    pub(crate) async fn create(&self, token: &str, inputs: &Json) -> Result<Stored, Failure> {
        let checked = self
            .resource(token)
            .check(&map(inputs))
            .await
            .expect("an answer");
        self.resource(token).create(&checked.accepted()).await
    }

    pub(crate) async fn created(&self, token: &str, inputs: &Json) -> Stored {
        self.create(token, inputs)
            .await
            .expect("it comes to its end")
    }

    /// Updates a resource to inputs that Check lets through.
    pub(crate) async fn update(
        &self,
        token: &str,
        stored: &Stored,
        inputs: &Json,
    ) -> Result<Stored, Failure> {
        let checked = self
            .resource(token)
            .check(&map(inputs))
            .await
            .expect("an answer");
        self.resource(token)
            .update(stored, &checked.accepted())
            .await
    }

    /// What an update would change without any change of the program.
    pub(crate) async fn drift(&self, token: &str, stored: &Stored) -> Vec<String> {
        let difference = self.resource(token).diff(stored, &stored.inputs).await;
        difference.expect("an answer").diffs
    }

    pub(crate) async fn refreshed(&self, token: &str, stored: &Stored) -> Stored {
        let found = self.resource(token).read(stored).await.expect("it is read");
        found.expect("it is there")
    }

    /// A replication that has loaded everything, and a switch that has not taken place.
    pub(crate) async fn replicating(&self) -> Stored {
        self.created(REPLICATION, &replication(json!({}))).await
    }

    /// Expects that something was said.
    pub(crate) fn said(&self, text: &str) {
        let logs = self.harness.engine.logs();
        let said = logs.iter().any(|line| line.message.contains(text));
        assert!(said, "{text}: {logs:#?}");
    }

    /// The status of a task.
    pub(crate) async fn status(&self, arn: &str) -> String {
        use cutover_driver::Replications as _;
        let port = SimReplications::over(&self.sim);
        let task = port.fetch(arn).await.expect("an answer");
        task.map_or_else(|| "gone".to_owned(), |task| task.status)
    }
}

/// The reasons of an operation that did not come to its end, with what was kept.
pub(crate) fn unfinished(failure: Failure, inputs: &Json) -> (Stored, String) {
    let found = failure.unfinished();
    let stored = Stored {
        id: found.id,
        inputs: map(inputs),
        outputs: found.outputs,
    };
    (stored, found.reasons.join("\n"))
}
