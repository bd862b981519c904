//! Two databases, a user that may read them, and stacks that compare them.

use cutover_local_db::{Engine, Server};
use serde_json::{Value, json};

use super::super::pulumi::{Run, Stack};

/// The name of the resource in the program.
pub(super) const VALIDATION: &str = "validation";

/// Which of the two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Target,
}

/// Two databases of one server, and a user that may read them.
pub(super) struct Pair {
    server: &'static Server,
    name: String,
}

impl Pair {
    /// Makes both databases in PostgreSQL, with the same in them. The name is theirs and the reader's.
    pub(super) fn postgres(name: &str, script: &str) -> Self {
        let pair = Self::of(Server::shared_postgres(), name, script);
        let (reader, password) = (pair.reader(), pair.password());
        pair.run(
            Side::Source,
            &format!("CREATE ROLE {reader} LOGIN PASSWORD '{password}'"),
        );
        for side in [Side::Source, Side::Target] {
            let database = pair.database(side);
            pair.run(
                side,
                &format!(
                    "GRANT CONNECT ON DATABASE {database} TO {reader};
                     GRANT USAGE ON SCHEMA public TO {reader};
                     GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};
                     GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {reader};"
                ),
            );
        }
        pair
    }

    /// The same in MariaDB.
    pub(super) fn mariadb(name: &str, script: &str) -> Self {
        let pair = Self::of(Server::shared_mariadb(), name, script);
        let (reader, password) = (pair.reader(), pair.password());
        let [source, target] = [Side::Source, Side::Target].map(|side| pair.database(side));
        pair.run(
            Side::Source,
            &format!(
                "CREATE USER '{reader}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;
                 GRANT SELECT, SHOW VIEW, TRIGGER ON {source}.* TO '{reader}'@'%';
                 GRANT SELECT, SHOW VIEW, TRIGGER ON {target}.* TO '{reader}'@'%';"
            ),
        );
        pair
    }

    fn of(server: &'static Server, name: &str, script: &str) -> Self {
        let pair = Self {
            server,
            name: name.to_owned(),
        };
        for side in [Side::Source, Side::Target] {
            let made = server.create_database(&pair.database(side));
            made.expect("the name is not taken");
            pair.run(side, script);
        }
        pair
    }

    /// The name of a database.
    pub(super) fn database(&self, side: Side) -> String {
        match side {
            Side::Source => format!("{}_source", self.name),
            Side::Target => format!("{}_target", self.name),
        }
    }

    /// The name of the user that reads.
    pub(super) fn reader(&self) -> String {
        format!("{}_reader", self.name)
    }

    /// The password of the user that reads; no other test has the same.
    pub(super) fn password(&self) -> String {
        format!("opens-{}-only", self.name)
    }

    /// Runs statements as somebody who may do everything.
    pub(super) fn run(&self, side: Side, script: &str) {
        let done = self.server.run_script(&self.database(side), script);
        done.expect("the script is SQL");
    }

    /// The certificate that vouches for the server.
    pub(super) fn authority(&self) -> &'static str {
        let authority = self.server.authority();
        authority.expect("the shared servers have certificates")
    }

    /// How a database is reached, without the password.
    pub(super) fn connection(&self, side: Side) -> Value {
        json!({
            "engine": match self.server.engine() {
                Engine::Postgres => "postgres",
                Engine::MariaDb => "mariadb",
            },
            "host": self.server.host(),
            "port": self.server.port(),
            "database": self.database(side),
            "user": self.reader(),
            "tls": { "ca": self.authority() },
        })
    }

    /// The arguments of a validation of both, with some of them changed.
    pub(super) fn args(&self, changes: Value) -> Value {
        let mut args = json!({
            "source": self.connection(Side::Source),
            "target": self.connection(Side::Target),
        });
        if let Value::Object(changes) = changes {
            for (name, value) in changes {
                args[name] = value;
            }
        }
        args
    }

    /// A stack whose one resource validates both.
    pub(super) fn stack(&self, changes: Value) -> Stack {
        stack_of(&self.args(changes), &self.password())
    }
}

/// A stack whose one resource, or question, has these arguments.
pub(super) fn stack_of(args: &Value, password: &str) -> Stack {
    let stack = Stack::of_user("validation");
    let args = format!("validation:args={args}");
    let password = format!("validation:password={password}");
    let arguments = [
        "config",
        "set-all",
        "--plaintext",
        &args,
        "--secret",
        &password,
    ];
    stack.pulumi(&arguments).succeeds();
    stack
}

/// Changes what the program asks for.
pub(super) fn ask(stack: &Stack, args: &Value) {
    stack.config("args", &args.to_string());
}

/// What the state has kept of the validation.
pub(super) fn stored(stack: &Stack) -> Value {
    stack.state().resource(VALIDATION)["outputs"].clone()
}

/// The lines that a run has told to stay.
pub(super) fn lines(run: &Run) -> Vec<String> {
    let messages = run.messages().into_iter();
    messages
        .filter(|(severity, _, ephemeral)| !ephemeral && severity != "debug")
        .map(|(_, message, _)| message)
        .collect()
}

/// A small system of payments.
pub(super) const PAYMENTS: &str = "
    CREATE TABLE customers (id bigint PRIMARY KEY, email varchar(60) NOT NULL);
    CREATE TABLE payments (
        id bigint PRIMARY KEY,
        customer_id bigint NOT NULL REFERENCES customers (id),
        amount numeric(12, 2) NOT NULL CHECK (amount >= 0),
        currency varchar(3) NOT NULL,
        status varchar(20) NOT NULL,
        created_at timestamp(6) NOT NULL
    );
    CREATE TABLE transactions (
        id bigint PRIMARY KEY,
        payment_id bigint NOT NULL REFERENCES payments (id),
        kind varchar(20) NOT NULL,
        amount numeric(12, 2) NOT NULL
    );
    CREATE TABLE audit_log (
        id bigint PRIMARY KEY,
        payment_id bigint NOT NULL REFERENCES payments (id),
        action varchar(20) NOT NULL,
        created_at timestamp(6) NOT NULL
    );
";

/// Rows for it, in PostgreSQL: 100 customers, 500 payments, and a transaction and an entry of the audit log for each.
pub(super) const ROWS: &str = "
    INSERT INTO customers SELECT n, 'customer-' || n || '@example.com' FROM generate_series(1, 100) AS n;
    INSERT INTO payments
        SELECT n, 1 + n % 100, n * 1.25, 'EUR', 'settled', timestamp '2026-01-01' + n * interval '1 minute'
        FROM generate_series(1, 500) AS n;
    INSERT INTO transactions SELECT n, n, 'capture', n * 1.25 FROM generate_series(1, 500) AS n;
    INSERT INTO audit_log
        SELECT n, n, 'settled', timestamp '2026-01-01' + n * interval '1 minute' FROM generate_series(1, 500) AS n;
";

/// Both.
pub(super) fn payments() -> String {
    format!("{PAYMENTS}{ROWS}")
}
