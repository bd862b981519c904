//! Two real servers with a shop on them, a local DMS between them, and what a move of the writer needs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cutover_core::Timestamp;
use cutover_core::replication::mappings::table_mappings;
use cutover_core::replication::settings::changes_only;
use cutover_core::replication::task::{StartKind, TaskSeen};
use cutover_core::validation::catalog::{self, TableName};
use cutover_core::validation::side::{Both, Side};
use cutover_core::validation::spec::Spec as ValidationSpec;
use cutover_core::writer_switch::facts::{Command, Row};
use cutover_core::writer_switch::machine::{Outcome, Switch};
use cutover_core::writer_switch::spec::{Back, Drain, Pause, Setting, SettingKind, Spec};
use cutover_db::Connections;
use cutover_driver::{
    Address, BackTask, Clock, Database, Databases, Fenced, FinalCheck, Hidden, Moved,
    Replications as _, Switching, SystemClock, TlsWish, WriterControl, Writers, switch_writer,
};
use cutover_local_db::{Engine, Options, Server};
use cutover_local_dms::LocalMover;
use cutover_local_shop::{
    APPLIER, Cashier, DATABASE, Ledger, PASSWORD, Setting as Asked, Taken, fill, furnish, schema,
    table_names,
};
use cutover_sim::SimSecrets;
use cutover_sim::cloud::{
    Cloud, CloudConfig, DmsEndpoint, DmsPace, NewReplicationTask, ReplicationInstance,
    SimReplications, SimTraffic,
};

use crate::hasty::Hasty;
use crate::meddling::{Meddle, Meddling, Signals};

/// The migration's name.
pub(crate) const MIGRATION: &str = "shop";

/// The parameter that services read.
pub(crate) const PARAMETER: &str = "/shop/writer";

/// Where everything of ours is.
pub(crate) const CONTROL: &str = "cutover_control";

const INSTANCE: &str = "arn:aws:dms:eu-central-1:123456789012:rep:LOCAL";

/// How long anything may take that takes milliseconds on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Two servers, a shop, and replication from one to the other.
pub(crate) struct Ground {
    pub(crate) servers: Both<Server>,
    pub(crate) traffic: SimTraffic,
    pub(crate) replications: Arc<SimReplications>,
    pub(crate) ledger: Ledger,
    /// The task from source to target.
    pub(crate) forward: String,
    clock: Arc<dyn Clock>,
    /// Endpoints that read a side, and that write it.
    readers: Both<String>,
    writers: Both<String>,
}

impl Ground {
    /// Furnishes two servers of an engine, fills the source, and replicates until the target has everything.
    pub(crate) async fn of(engine: Engine) -> Self {
        let options = Options::default().replicating();
        let servers = Both::of(|_| {
            match engine {
                Engine::Postgres => Server::postgres(&options),
                Engine::MariaDb => Server::mariadb(&options),
            }
            .expect("it starts")
        });
        for side in Side::BOTH {
            furnish(servers.get(side)).expect("an empty server takes a database");
        }
        fill(&servers.source, 50, 2_000).expect("an empty database takes rows");

        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut cloud = Cloud::new(CloudConfig {
            call: Duration::from_millis(1),
            dms: DmsPace::at_once(),
            ..CloudConfig::default()
        });
        cloud.move_rows_by(Arc::new(LocalMover::new()));
        cloud.put_replication_instance(ReplicationInstance::usual(INSTANCE, "local"));
        let now = clock.now();
        let readers = Both::of(|side| endpoint(&mut cloud, now, servers.get(side), side, "source"));
        let writers = Both::of(|side| endpoint(&mut cloud, now, servers.get(side), side, "target"));
        let traffic = SimTraffic::new(cloud, SystemClock);
        let ground = Self {
            replications: Arc::new(SimReplications::over(&traffic)),
            traffic,
            ledger: Ledger::default(),
            forward: String::new(),
            clock,
            readers,
            writers,
            servers,
        };
        ground.begin().await
    }

    /// Prepares both sides, and loads the target.
    async fn begin(mut self) -> Self {
        for side in Side::BOTH {
            let control = self.control(side, "begin").await;
            control
                .lock()
                .await
                .expect("it answers")
                .expect("nobody else is here");
            let row = Row {
                writer: Side::Source,
                epoch: 0,
            };
            control.prepare(&row).await.expect("it can be prepared");
            control.leave().await;
        }
        for (endpoint, side) in [
            (&self.readers.source, Side::Source),
            (&self.writers.target, Side::Target),
        ] {
            self.connect(endpoint, side).await;
        }
        for (endpoint, side) in [
            (&self.readers.target, Side::Target),
            (&self.writers.source, Side::Source),
        ] {
            self.connect(endpoint, side).await;
        }
        let mappings = table_mappings(Side::Source, &self.pairs(), CONTROL);
        let new = NewReplicationTask {
            identifier: "shop-forward".to_owned(),
            source_endpoint_arn: self.readers.source.clone(),
            target_endpoint_arn: self.writers.target.clone(),
            instance_arn: INSTANCE.to_owned(),
            migration_type: "full-load-and-cdc".to_owned(),
            table_mappings: serde_json::to_string(&mappings).expect("it is JSON"),
            ..NewReplicationTask::default()
        };
        let now = self.clock.now();
        let made = self.traffic.cloud().create_replication_task(now, &new);
        self.forward = made.expect("everything that it needs is there").arn;
        self.task_that(|task| task.status == "ready").await;
        self.replications
            .start(&self.forward, StartKind::Start)
            .await
            .expect("it can be started");
        self.task_that(|task| task.status == "running" && task.loaded_at.is_some())
            .await;
        self
    }

    /// Waits until a connection is tested well.
    async fn connect(&self, endpoint: &str, side: Side) {
        self.replications
            .test_connection(INSTANCE, endpoint)
            .await
            .expect("it can be tested");
        until(&format!("the {side} is reached"), async || {
            let seen = self.replications.fetch_connection(INSTANCE, endpoint).await;
            let seen = seen.expect("it answers")?;
            assert_ne!(seen.status, "failed", "{:?}", seen.failure);
            (seen.status == "successful").then_some(())
        })
        .await;
    }

    /// Waits until the task from source to target is as it should be.
    pub(crate) async fn task_that(&self, fits: impl Fn(&TaskSeen) -> bool) -> TaskSeen {
        until("the task is as it should be", async || {
            let seen = self.replications.fetch(&self.forward).await;
            let seen = seen.expect("it answers").expect("it is there");
            assert_ne!(seen.status, "failed", "{:?}", seen.failure);
            fits(&seen).then_some(seen)
        })
        .await
    }

    pub(crate) fn engine(&self) -> Engine {
        self.servers.source.engine()
    }

    /// How we come in, to look and to fence: as the superuser, who may do everything.
    pub(crate) fn address(&self, side: Side) -> Address {
        let server = self.servers.get(side);
        Address {
            engine: match server.engine() {
                Engine::Postgres => catalog::Engine::Postgres,
                Engine::MariaDb => catalog::Engine::Mariadb,
            },
            host: server.host().to_owned(),
            port: server.port(),
            database: DATABASE.to_owned(),
            user: server.superuser().to_owned(),
            password: Hidden::new(server.password()),
            tls: TlsWish::Off,
            connections: 3,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_mins(1),
        }
    }

    pub(crate) fn tables(&self) -> Vec<TableName> {
        let names = table_names(self.engine());
        let schema = schema(self.engine());
        let name = |full: &String| TableName {
            schema: schema.to_owned(),
            name: full
                .trim_start_matches(schema)
                .trim_start_matches('.')
                .to_owned(),
        };
        names.iter().map(name).collect()
    }

    fn pairs(&self) -> Vec<Both<TableName>> {
        let pair = |table: TableName| Both {
            source: table.clone(),
            target: table,
        };
        self.tables().into_iter().map(pair).collect()
    }

    /// Opens one side for a run.
    pub(crate) async fn control(&self, side: Side, run: &str) -> Arc<dyn WriterControl> {
        let fenced = Fenced {
            migration: MIGRATION.to_owned(),
            schema: CONTROL.to_owned(),
            tables: self.tables(),
            apply_users: vec![APPLIER.to_owned()],
            slot_plugin: "pgoutput".to_owned(),
            run: run.to_owned(),
        };
        let address = self.address(side);
        let opened = Writers::open(&Connections, side, &address, &fenced).await;
        opened.expect("it can be reached")
    }

    /// A move of the writer to a side, through the given replication, with a way back.
    pub(crate) fn spec(&self, writer: Side, drain: &str) -> Spec {
        Spec {
            migration: MIGRATION.to_owned(),
            writer,
            tables: Both::of(|_| self.tables()),
            pause: Pause {
                spacing: Duration::from_secs(1),
                ..Pause::default()
            },
            max_lag: Duration::from_secs(10),
            max_transaction_age: Duration::from_secs(10),
            identity_gap: 10_000,
            check: true,
            setting: Some(Setting {
                kind: SettingKind::Parameter,
                name: PARAMETER.to_owned(),
            }),
            drain: Some(Drain {
                arn: drain.to_owned(),
                stop: true,
            }),
            back: Some(Back {
                identifier: format!("shop-to-{}", writer.other()),
                source_endpoint_arn: self.readers.get(writer).clone(),
                target_endpoint_arn: self.writers.get(writer.other()).clone(),
                instance_arn: INSTANCE.to_owned(),
                // In the time of a hasty clock, which counts each look at DMS as five seconds.
                limit: Duration::from_hours(1),
            }),
        }
    }

    /// What performs a move, with sessions of its own.
    pub(crate) async fn switching(&self, spec: Spec, run: &str) -> Switching {
        let writers = Both {
            source: self.control(Side::Source, run).await,
            target: self.control(Side::Target, run).await,
        };
        let databases = Both {
            source: self.database(Side::Source, spec.former()).await,
            target: self.database(Side::Target, spec.writer).await,
        };
        let mut check = ValidationSpec::new(7);
        check.require_tls = false;
        check.scope.include = table_names(self.engine());
        let traffic = self.traffic.traffic();
        Switching {
            writers,
            replications: self.replications.clone(),
            parameters: traffic.parameters,
            secrets: Arc::new(SimSecrets::default()),
            values: Both::of(|side| Hidden::new(side.to_string())),
            back: Some(BackTask {
                mappings: table_mappings(spec.writer, &self.pairs(), CONTROL),
                settings: changes_only(CONTROL),
                tags: Vec::new(),
            }),
            check: Some(FinalCheck::new(databases, check, |_| String::new())),
            clock: self.clock.clone(),
            spec,
        }
    }

    /// Opens a database of ours as one side of a comparison.
    async fn database(&self, side: Side, of: Side) -> Arc<dyn Database> {
        let opened = Databases::open(&Connections, side, &self.address(of)).await;
        opened.expect("it can be reached")
    }

    /// Moves the writer to its end.
    pub(crate) async fn go(&self, spec: Spec, run: &str) -> (Switch, Outcome) {
        let nothing = |_: &Command| Meddle::Nothing;
        let moved = self.go_through(spec, run, nothing).await;
        moved.expect("nobody kills it")
    }

    /// Moves the writer to its end, while somebody meddles with its commands; `None` when it was killed.
    pub(crate) async fn go_through(
        &self,
        spec: Spec,
        run: &str,
        meddle: impl FnMut(&Command) -> Meddle + Send,
    ) -> Option<(Switch, Outcome)> {
        let (signals, killed, stopped) = Signals::new();
        let world = Meddling::new(self.switching(spec.clone(), run).await, meddle, signals);
        let clock = Hasty::default();
        let machine = Switch::new(spec, run.to_owned(), clock.now());
        let moving = switch_writer(machine, &world, &clock, stopped, |_, _| {});
        let moved: Moved<()> = tokio::select! {
            moved = moving => moved,
            // What is dropped here is what a process that is killed leaves behind: its sessions end without a word.
            () = killed => return None,
        };
        for side in Side::BOTH {
            world.inner().writers.get(side).leave().await;
        }
        assert_eq!(moved.broken, None);
        let outcome = moved.outcome.expect("it comes to its end in time");
        Some((moved.machine, outcome))
    }

    /// Moves the writer to its end as the next run does after one that was killed, as often as it is told that the sessions of
    /// that one are still there.
    pub(crate) async fn take_up(&self, spec: &Spec) -> (Switch, Outcome) {
        until("the sessions of who was killed are gone", async || {
            let (machine, outcome) = self.go(spec.clone(), "next").await;
            let is_held = matches!(outcome, Outcome::NotHolder { .. });
            (!is_held).then_some((machine, outcome))
        })
        .await
    }

    /// Moves the writer to a side and has it succeed; returns the replication back. The one that it has drained through is
    /// removed, as it has no more use.
    pub(crate) async fn succeed(&self, writer: Side, drain: &str, epoch: u64) -> (Switch, String) {
        let before = self.ledger.count();
        let (machine, outcome) = self.take_up(&self.spec(writer, drain)).await;
        assert_eq!(outcome, Outcome::Switched, "{:#?}", machine.log());
        self.payments(10).await;
        assert_eq!(self.ledger.overlaps(before, writer.other()), []);
        self.forget(drain).await;
        (machine, self.back(writer, epoch).await)
    }

    /// Removes a replication that is stopped.
    pub(crate) async fn forget(&self, task: &str) {
        until("it can be removed", async || {
            self.replications.delete(task).await.ok()
        })
        .await;
        until("it is removed", async || {
            let found = self.replications.fetch(task).await.expect("it answers");
            found.is_none().then_some(())
        })
        .await;
    }

    /// The ARN of the replication back that a move to `writer` made, when it became the writer for the `epoch`th time.
    pub(crate) async fn back(&self, writer: Side, epoch: u64) -> String {
        let identifier = format!("shop-to-{}-{epoch}", writer.other());
        let found = self.replications.find(&identifier).await;
        found.expect("it answers").expect("it was made").arn
    }

    /// Waits until a replication is in a state.
    pub(crate) async fn task_is(&self, task: &str, status: &str) {
        until(status, async || {
            let seen = self.replications.fetch(task).await.expect("it answers");
            (seen?.status == status).then_some(())
        })
        .await;
    }

    /// Tells whether there is a replication back to the source of an epoch.
    pub(crate) async fn replications_back(&self, epoch: u64) -> bool {
        let found = self
            .replications
            .find(&format!("shop-to-source-{epoch}"))
            .await;
        found.expect("it answers").is_some()
    }

    /// What the setting says.
    pub(crate) fn setting(&self) -> Asked {
        let traffic = self.traffic.clone();
        Arc::new(move || {
            let now = SystemClock.now();
            let says = traffic.cloud().get_parameter(now, PARAMETER, true);
            match says {
                Ok(says) if says.value == Side::Target.to_string() => Side::Target,
                _ => Side::Source,
            }
        })
    }

    /// So many cashiers who follow the setting, and one at each side who does not.
    pub(crate) fn open_shop(&self, name: &str, cashiers: usize, every: Duration) -> Vec<Cashier> {
        let servers = || self.servers.as_ref();
        let follow = (0..cashiers).map(|number| {
            let name = format!("{name}-{number}");
            Cashier::start(name, servers(), self.setting(), every, &self.ledger)
        });
        let stubborn = Side::BOTH.map(|side| {
            let name = format!("{name}-{side}");
            Cashier::stubborn(name, servers(), side, every, &self.ledger)
        });
        follow.chain(stubborn).collect()
    }

    /// Waits until the side takes payments, and fails when the other has taken any since the given one.
    pub(crate) async fn only_writer(&self, writer: Side, first: usize) {
        self.payments(10).await;
        let others = |taken: &Taken| taken.side != writer;
        let taken: Vec<_> = self
            .ledger
            .since(first)
            .into_iter()
            .filter(others)
            .collect();
        assert_eq!(taken, [], "taken by another than the {writer}");
    }

    /// Waits until so many more payments are acknowledged.
    pub(crate) async fn payments(&self, more: usize) {
        let wanted = self.ledger.count() + more;
        until("payments are acknowledged", async || {
            (self.ledger.count() >= wanted).then_some(())
        })
        .await;
    }

    /// Holds the ledger against the one who writes: nothing lost, nothing doubled, nothing that a service should not see.
    pub(crate) fn reckon(&self, writer: Side) {
        let reckoning = self
            .ledger
            .reckon(self.servers.get(writer))
            .expect("it answers");
        assert_eq!(reckoning.lost, Vec::<String>::new(), "lost");
        assert_eq!(reckoning.doubled, Vec::<String>::new(), "doubled");
        assert_eq!(self.ledger.odd(), Vec::<String>::new());
    }
}

/// Closes the shop.
pub(crate) async fn close_shop(cashiers: Vec<Cashier>) {
    for cashier in cashiers {
        cashier.stop().await;
    }
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not yet, after {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn endpoint(cloud: &mut Cloud, now: Timestamp, server: &Server, side: Side, kind: &str) -> String {
    let made = cloud.create_endpoint(
        now,
        DmsEndpoint {
            identifier: format!("shop-{side}-as-{kind}"),
            endpoint_type: kind.to_owned(),
            engine: match server.engine() {
                Engine::Postgres => "postgres",
                Engine::MariaDb => "mariadb",
            }
            .to_owned(),
            host: server.host().to_owned(),
            port: server.port(),
            database: DATABASE.to_owned(),
            user: APPLIER.to_owned(),
            password: Some(Hidden::new(PASSWORD)),
            ssl_mode: "none".to_owned(),
            ..DmsEndpoint::default()
        },
        None,
    );
    made.expect("nothing is wrong with it").arn
}
