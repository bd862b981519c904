//! Two servers with a shop on them, those who pay there, an account with a task between them, and a stack that migrates.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_core::replication::mappings::table_mappings;
use cutover_core::validation::catalog::TableName;
use cutover_core::validation::side::{Both, Side};
use cutover_driver::{Clock as _, Hidden, SystemClock};
use cutover_local_aws::{LocalAws, Options as AwsOptions};
use cutover_local_db::{Options, Server, Tls};
use cutover_local_dms::LocalMover;
use cutover_local_shop::{
    APPLIER, Cashier, DATABASE, Ledger, PASSWORD, Setting, fill, furnish, schema, table_names,
};
use cutover_sim::cloud::{
    Cloud, CloudConfig, DmsEndpoint, DmsPace, NewReplicationTask, ReplicationInstance,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::super::pulumi::{Run, Running, Stack, until};

/// The resources in the program, and below it.
pub(super) const SHOP: &str = "shop";
pub(super) const REPLICATION: &str = "shop-replication";
pub(super) const BEFORE: &str = "shop-before";
pub(super) const SWITCH: &str = "shop-switch";
pub(super) const AFTER: &str = "shop-after";

/// The parameter that services read.
const PARAMETER: &str = "/shop/writer";

/// What the parameter says while a side writes. It is secret, so that it must be no word that people are to read.
const SAYS: Both<&str> = Both {
    source: "the-old-database",
    target: "the-new-database",
};

/// The schema for what is ours, as it is when the program names none.
const CONTROL: &str = "cutover_control";

const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:LOCAL";

/// Who looks and fences. Its password is nowhere else.
const OPERATOR: &str = "operator";
pub(super) const SECRET: &str = "opens-the-shop-only";

/// The access key in the environment of every run; the local endpoints check no signature.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// What a text is found in that is nowhere.
pub(super) const NOWHERE: [PathBuf; 0] = [];

/// Between two payments of one cashier.
const EVERY: Duration = Duration::from_millis(40);

/// Longer than anything here takes on a slow machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(100);

/// All of it.
pub(super) struct World {
    pub(super) stack: Stack,
    pub(super) servers: Both<Server>,
    pub(super) ledger: Ledger,
    /// The ARN of the task from source to target.
    forward: String,
    /// Endpoints that read a side, and that write it.
    readers: Both<String>,
    writers: Both<String>,
    aws: Arc<LocalAws>,
    // Last, since the account and those who pay run on it.
    runtime: Runtime,
}

impl World {
    /// A shop with rows on the source, nothing on the target, a task that has not run yet, and a stack.
    pub(super) fn new() -> Self {
        let options = Options::default().replicating().tls(Tls::Valid);
        let servers = Both::of(|_| Server::postgres(&options).expect("it starts"));
        for side in Side::BOTH {
            let server = servers.get(side);
            furnish(server).expect("an empty server takes a database");
            let role = format!("CREATE ROLE {OPERATOR} LOGIN SUPERUSER PASSWORD '{SECRET}'");
            server.run_script(DATABASE, &role).expect("it is SQL");
        }
        fill(&servers.source, 50, 500).expect("an empty database takes rows");

        let mut cloud = Cloud::new(CloudConfig {
            dms: DmsPace::at_once(),
            ..CloudConfig::default()
        });
        cloud.move_rows_by(Arc::new(LocalMover::new()));
        cloud.put_replication_instance(ReplicationInstance::usual(INSTANCE, "local"));
        let readers = Both::of(|side| endpoint(&mut cloud, servers.get(side), side, "source"));
        let writers = Both::of(|side| endpoint(&mut cloud, servers.get(side), side, "target"));
        // Somebody has tested the way back; the way there is tested by the migration.
        for endpoint in [&readers.target, &writers.source] {
            let tested = cloud.by_others(|cloud| cloud.put_connection(now(), INSTANCE, endpoint));
            tested.expect("both are there");
        }
        let forward = task(&mut cloud, &servers, &readers.source, &writers.target);

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread can be started");
        let aws = LocalAws::start(cloud, Arc::new(SystemClock), AwsOptions::default());
        let aws = runtime.block_on(aws).expect("there is a free port");
        let world = Self {
            stack: Stack::of_user("migration")
                .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
                .env("AWS_SECRET_ACCESS_KEY", "test"),
            servers,
            ledger: Ledger::default(),
            forward,
            readers,
            writers,
            aws: Arc::new(aws),
            runtime,
        };
        world.configure();
        world
    }

    /// Leads the stack's calls to the account, and says the password.
    fn configure(&self) {
        let url = self.aws.url();
        let services = ["cloudwatch", "databasemigration", "ssm", "sts"];
        let mut settings = vec!["cutover:region=eu-central-1".to_owned()];
        settings.extend(services.map(|service| format!("cutover:endpoints.{service}={url}")));
        let mut arguments = vec!["config", "set-all", "--path"];
        for setting in &settings {
            arguments.extend(["--plaintext", setting]);
        }
        self.stack.pulumi(&arguments).succeeds();
        self.stack.secret("password", SECRET);
    }

    /// How a database is reached, without the password.
    fn connection(&self, side: Side) -> Value {
        let server = self.servers.get(side);
        json!({
            "engine": "postgres",
            "host": server.host(),
            "port": server.port(),
            "database": DATABASE,
            "user": OPERATOR,
            "tls": { "ca": server.authority().expect("it has a certificate") },
        })
    }

    /// The arguments of a migration towards a goal, with some of them changed.
    pub(super) fn args(&self, goal: &str, changes: Value) -> Value {
        let engine = self.servers.source.engine();
        let mut args = json!({
            "migration": "shop",
            "goal": goal,
            "source": self.connection(Side::Source),
            "target": self.connection(Side::Target),
            "tables": table_names(engine),
            "applyUsers": { "source": [APPLIER], "target": [APPLIER] },
            "replication": {
                "taskArn": self.forward,
                "lagSamples": 2,
                "lagOver": "1s",
                "poll": "1s",
            },
            "switch": {
                "slotPlugin": "pgoutput",
                "pause": { "spacing": "1s" },
                "setting": { "parameter": PARAMETER, "source": SAYS.source, "target": SAYS.target },
                "back": {
                    "identifier": "shop-back",
                    "instanceArn": INSTANCE,
                    "sourceEndpointArn": self.readers.target,
                    "targetEndpointArn": self.writers.source,
                    "limit": "2m",
                },
            },
        });
        merge(&mut args, changes);
        args
    }

    /// Says what the program asks for.
    pub(super) fn ask(&self, goal: &str, changes: Value) {
        let args = self.args(goal, changes);
        self.stack.config("args", &args.to_string());
    }

    /// Starts an update and waits until its run tells something.
    #[track_caller]
    pub(super) fn under_way(&self, told: &str) -> Running {
        let running = self.stack.start(&["up", "--skip-preview"]);
        until(PATIENCE, told, || running.has_said(told).then_some(()));
        running
    }

    /// What services read.
    fn setting(&self) -> Setting {
        let aws = Arc::clone(&self.aws);
        Arc::new(move || {
            let says = aws
                .cloud()
                .by_others(|cloud| cloud.get_parameter(now(), PARAMETER, true));
            match says {
                Ok(says) if says.value == SAYS.target => Side::Target,
                _ => Side::Source,
            }
        })
    }

    /// Two who follow the setting, and one at the source who does not.
    pub(super) fn open_shop(&self) -> Vec<Cashier> {
        let _inside = self.runtime.enter();
        let follow = (0..2).map(|number| {
            let name = format!("cashier-{number}");
            let servers = self.servers.as_ref();
            Cashier::start(name, servers, self.setting(), EVERY, &self.ledger)
        });
        let mut cashiers: Vec<_> = follow.collect();
        cashiers.push(self.stubborn(Side::Source));
        cashiers
    }

    /// One who pays at one side whatever anybody says. At the target only once it is closed: nobody has reason to before.
    pub(super) fn stubborn(&self, side: Side) -> Cashier {
        let _inside = self.runtime.enter();
        let name = format!("stubborn-{side}");
        let servers = self.servers.as_ref();
        Cashier::stubborn(name, servers, side, EVERY, &self.ledger)
    }

    /// Sends those who pay home.
    pub(super) fn close_shop(&self, cashiers: Vec<Cashier>) {
        for cashier in cashiers {
            self.runtime.block_on(cashier.stop());
        }
    }

    /// Waits until so many more payments are acknowledged.
    #[track_caller]
    pub(super) fn payments(&self, more: usize) {
        let wanted = self.ledger.count() + more;
        until(PATIENCE, "payments are acknowledged", || {
            (self.ledger.count() >= wanted).then_some(())
        });
    }

    /// Holds the ledger against the one who writes: nothing lost, nothing doubled, nothing that a service should not see.
    #[track_caller]
    pub(super) fn reckon(&self, writer: Side) {
        let reckoning = self.ledger.reckon(self.servers.get(writer));
        let reckoning = reckoning.expect("it answers");
        assert_eq!(reckoning.lost, Vec::<String>::new(), "lost");
        assert_eq!(reckoning.doubled, Vec::<String>::new(), "doubled");
        assert_eq!(self.ledger.odd(), Vec::<String>::new());
    }

    /// Demands that applications can write to this side, and to no other.
    #[track_caller]
    pub(super) fn takes_writes(&self, writer: Side) {
        assert!(self.lets_write(writer), "the {writer} is closed");
        let other = writer.other();
        assert!(!self.lets_write(other), "the {other} is open");
    }

    /// Tells whether an application can write to a side.
    pub(super) fn lets_write(&self, side: Side) -> bool {
        let write = "SET ROLE shop_service; UPDATE customers SET name = name WHERE id = 1";
        self.servers.get(side).run_script(DATABASE, write).is_ok()
    }

    /// Runs statements as replication would: nothing of ours refuses them.
    pub(super) fn meddle(&self, side: Side, statements: &str) {
        let script = format!("SET session_replication_role = replica; {statements}");
        let done = self.servers.get(side).run_script(DATABASE, &script);
        done.expect("it is SQL");
    }

    /// Tells whether there is anything of ours in a database.
    pub(super) fn has_control(&self, side: Side) -> bool {
        let query = format!("SELECT nspname FROM pg_namespace WHERE nspname = '{CONTROL}'");
        let rows = self.servers.get(side).rows(DATABASE, &query);
        !rows.expect("it answers").is_empty()
    }

    /// How many calls that change anything the account was sent.
    pub(super) fn writes(&self) -> usize {
        let cloud = self.aws.cloud();
        let is_write = |operation: &str| {
            !["Describe", "Get", "List"]
                .iter()
                .any(|reading| operation.starts_with(reading))
        };
        let requests = cloud.requests().iter();
        requests
            .filter(|request| is_write(request.operation))
            .count()
    }

    /// What the state has kept of a resource.
    #[track_caller]
    pub(super) fn stored(&self, resource: &str) -> Value {
        self.stack.state().resource(resource)["outputs"].clone()
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn endpoint(cloud: &mut Cloud, server: &Server, side: Side, kind: &str) -> String {
    let endpoint = DmsEndpoint {
        identifier: format!("shop-{side}-as-{kind}"),
        endpoint_type: kind.to_owned(),
        engine: "postgres".to_owned(),
        host: server.host().to_owned(),
        port: server.port(),
        database: DATABASE.to_owned(),
        user: APPLIER.to_owned(),
        password: Some(Hidden::new(PASSWORD)),
        ssl_mode: "none".to_owned(),
        ..DmsEndpoint::default()
    };
    let made = cloud.by_others(|cloud| cloud.create_endpoint(now(), endpoint, None));
    made.expect("nothing is wrong with it").arn
}

/// Makes the task from source to target.
fn task(cloud: &mut Cloud, servers: &Both<Server>, source: &str, target: &str) -> String {
    let engine = servers.source.engine();
    let schema = schema(engine);
    let pairs: Vec<_> = table_names(engine)
        .iter()
        .filter_map(|full| full.split_once('.'))
        .map(|(_, name)| {
            let table = TableName {
                schema: schema.to_owned(),
                name: name.to_owned(),
            };
            Both::of(|_| table.clone())
        })
        .collect();
    let mappings = table_mappings(Side::Source, &pairs, CONTROL);
    let new = NewReplicationTask {
        identifier: "shop-forward".to_owned(),
        source_endpoint_arn: source.to_owned(),
        target_endpoint_arn: target.to_owned(),
        instance_arn: INSTANCE.to_owned(),
        migration_type: "full-load-and-cdc".to_owned(),
        table_mappings: serde_json::to_string(&mappings).expect("it is JSON"),
        ..NewReplicationTask::default()
    };
    let made = cloud.by_others(|cloud| cloud.create_replication_task(now(), &new));
    made.expect("everything that it needs is there").arn
}

/// Changes some values, those within objects too.
fn merge(args: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        *args = changes;
        return;
    };
    for (name, value) in changes {
        merge(&mut args[name], value);
    }
}

/// The lines that a run has told to stay.
pub(super) fn lines(run: &Run) -> Vec<String> {
    let messages = run.messages().into_iter();
    messages
        .filter(|(severity, _, ephemeral)| !ephemeral && severity != "debug")
        .map(|(_, message, _)| message)
        .collect()
}
