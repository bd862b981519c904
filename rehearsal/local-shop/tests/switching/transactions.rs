//! Transactions that are open when the fence is to be closed.

use std::time::Duration;

use cutover_core::validation::side::Side;
use cutover_core::writer_switch::facts::Command;
use cutover_core::writer_switch::machine::Outcome;
use cutover_core::writer_switch::spec::Pause;
use cutover_local_db::{Engine, Server};
use cutover_local_shop::{DATABASE, PASSWORD, SERVICE, schema};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Error, MySqlConnection, PgConnection,
};
use tokio::sync::oneshot;

use crate::ground::{Ground, close_shop};
use crate::meddling::Meddle;

/// How long after the fence is asked for a transaction is committed that it has to wait for.
const LATE: Duration = Duration::from_secs(5);

/// A service's transaction that has taken a payment and is not committed.
enum Open {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

impl Open {
    async fn begin(server: &Server, reference: &str) -> Result<Self, Error> {
        let mut open = match server.engine() {
            Engine::Postgres => {
                let options = server
                    .postgres_options(DATABASE)
                    .application_name("month-end");
                let options = options.username(SERVICE).password(PASSWORD);
                Self::Postgres(options.connect().await?)
            }
            Engine::MariaDb => {
                let options = server.mariadb_options(DATABASE);
                let options = options.username(SERVICE).password(PASSWORD);
                Self::MariaDb(options.connect().await?)
            }
        };
        let schema = schema(server.engine());
        let found = format!("FROM {schema}.payments WHERE reference = '{reference}'");
        open.run(&format!(
            "BEGIN; INSERT INTO {schema}.payments (reference, customer_id, amount, currency, status) \
             VALUES ('{reference}', 1, 1.00, 'EUR', 'captured'); \
             INSERT INTO {schema}.transactions (payment_id, kind, amount) SELECT id, 'capture', amount {found}; \
             INSERT INTO {schema}.audit_log (payment_id, event) SELECT id, 'captured' {found}"
        ))
        .await?;
        Ok(open)
    }

    async fn commit(mut self) -> Result<(), Error> {
        self.run("COMMIT").await?;
        match self {
            Self::Postgres(connection) => connection.close().await,
            Self::MariaDb(connection) => connection.close().await,
        }
    }

    async fn run(&mut self, statements: &str) -> Result<(), Error> {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements));
        match self {
            Self::Postgres(connection) => statements.execute(connection).await.map(drop),
            Self::MariaDb(connection) => statements.execute(connection).await.map(drop),
        }
    }
}

/// One that does not end: three attempts, payments in between, and it is named. Then one that ends while it is waited for: its
/// row is on the target.
async fn waits_for_transactions(engine: Engine) {
    let ground = Ground::of(engine).await;
    let shop = ground.open_shop("shop", 2, Duration::from_millis(5));
    ground.payments(20).await;
    never_ending(&ground).await;
    soon_over(&ground).await;
    close_shop(shop).await;
    ground.reckon(Side::Target);
}

async fn never_ending(ground: &Ground) {
    let open = Open::begin(&ground.servers.source, "never-ending").await;
    let open = open.expect("a service can begin one");
    let before = ground.ledger.count();
    let mut spec = ground.spec(Side::Target, &ground.forward);
    spec.max_transaction_age = Duration::from_mins(5);

    let (machine, outcome) = ground.go(spec, "in vain").await;

    let Outcome::CalledOff { reason } = &outcome else {
        panic!("{outcome:?} {:#?}", machine.log())
    };
    assert!(reason.contains("in 3 attempts"), "{reason}");
    assert!(reason.contains(SERVICE), "{reason}");
    ground.only_writer(Side::Source, before).await;
    // Two seconds each, and a busy machine.
    let silence = ground.ledger.longest_silence(before);
    assert!(silence < Duration::from_secs(4), "{silence:?}");
    open.commit().await.expect("nothing was done to it");
}

async fn soon_over(ground: &Ground) {
    let open = Open::begin(&ground.servers.source, "soon-over").await;
    let open = open.expect("a service can begin one");
    let before = ground.ledger.count();
    let mut spec = ground.spec(Side::Target, &ground.forward);
    spec.pause = Pause {
        lock: LATE * 2,
        ..spec.pause
    };
    spec.max_transaction_age = Duration::from_mins(5);
    let (asked, is_asked) = oneshot::channel();
    let mut asked = Some(asked);
    let moving = ground.go_through(spec, "patient", |command| {
        if matches!(command, Command::Fence { .. })
            && let Some(asked) = asked.take()
        {
            asked.send(()).expect("somebody waits for it");
        }
        Meddle::Nothing
    });
    let committing = async {
        is_asked.await.expect("the fence is asked for");
        tokio::time::sleep(LATE).await;
        open.commit().await
    };

    let (moved, committed) = tokio::join!(moving, committing);

    committed.expect("nobody is in its way");
    let (machine, outcome) = moved.expect("nobody kills it");
    assert_eq!(outcome, Outcome::Switched, "{:#?}", machine.log());
    assert!(machine.known().pause.is_some_and(|pause| pause >= LATE));
    ground.payments(10).await;
    assert_eq!(ground.ledger.overlaps(before, Side::Source), []);
    let schema = schema(ground.engine());
    let found = ground.servers.target.rows(
        DATABASE,
        &format!("SELECT reference FROM {schema}.payments WHERE reference IN ('never-ending', 'soon-over') ORDER BY 1"),
    );
    let found: Vec<_> = found
        .expect("it answers")
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert_eq!(found, ["never-ending", "soon-over"]);
}

/// D4, D5
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_postgresql_waits_for_transactions_and_names_the_one_that_does_not_end() {
    waits_for_transactions(Engine::Postgres).await;
}

/// D4, D5
#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_mariadb_waits_for_transactions_and_names_the_one_that_does_not_end() {
    waits_for_transactions(Engine::MariaDb).await;
}
