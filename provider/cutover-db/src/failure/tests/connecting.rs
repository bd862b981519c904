//! Servers that cannot be reached, or let nobody in.

use std::time::Duration;

use cutover_core::validation::facts::DbFailureClass as Class;
use cutover_core::validation::side::Side;
use cutover_driver::{Hidden, TlsWish};
use cutover_local_db::{Options, Server, Tls};

use super::{opens, refused};
use crate::failure::failed;
use crate::testing::{address, database_of};
use crate::{Mysql, Postgres};

/// D44
#[tokio::test]
async fn a_certificate_that_has_expired_is_refused_and_named() {
    for server in servers(&Options::default().tls(Tls::Expired)) {
        let mut at = address(&server, first_database(&server));
        at.tls = verified(&server);

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Untrusted, "{failure:?}");
        assert!(failure.message.contains("has expired"), "{failure:?}");
    }
}

/// D44
#[tokio::test]
async fn a_certificate_for_another_host_is_refused_and_let_through_for_any_name() {
    for server in servers(&Options::default().tls(Tls::WrongHost)) {
        let mut at = address(&server, first_database(&server));
        at.tls = verified(&server);

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Untrusted, "{failure:?}");
        assert!(
            failure.message.contains("not for `127.0.0.1`"),
            "{failure:?}"
        );

        at.tls = TlsWish::AnyName {
            authorities: server.authority().map(str::to_owned),
        };
        opens(&at).await;
    }
}

/// D44
#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_unless_anyones_will_do() {
    for server in shared() {
        let mut at = address(server, first_database(server));
        for wish in [
            TlsWish::Verified { authorities: None },
            TlsWish::AnyName { authorities: None },
        ] {
            at.tls = wish;
            let failure = refused(&at).await;
            assert_eq!(failure.class, Class::Untrusted, "{failure:?}");
        }

        at.tls = TlsWish::Unverified;
        opens(&at).await;
        at.tls = verified(server);
        opens(&at).await;
    }
}

/// D44
#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_asked_for() {
    for server in servers(&Options::default()) {
        let mut at = address(&server, first_database(&server));
        at.tls = TlsWish::Unverified;

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::NoTls, "{failure:?}");
    }
}

/// D44
#[tokio::test]
async fn a_server_that_takes_encrypted_connections_only_says_so() {
    let server = Server::mariadb(&Options::default().tls(Tls::Valid)).expect("MariaDB starts");
    server
        .run_script("mysql", "SET GLOBAL require_secure_transport = ON")
        .expect("it can be set at any time");
    let mut at = address(&server, "mysql");

    let failure = refused(&at).await;

    assert_eq!(failure.class, Class::Login, "{failure:?}");
    assert!(
        failure.message.contains("encrypted connections only"),
        "{failure:?}"
    );
    at.tls = verified(&server);
    opens(&at).await;
}

#[tokio::test]
async fn authorities_that_are_not_pem_are_refused_without_being_quoted() {
    for server in shared() {
        let mut at = address(server, first_database(server));
        let authorities = "-----BEGIN CERTIFICATE-----\nnot base 64\n-----END CERTIFICATE-----\n";
        at.tls = TlsWish::Verified {
            authorities: Some(authorities.to_owned()),
        };

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Untrusted, "{failure:?}");
        assert!(!failure.message.contains("base 64"), "{failure:?}");
    }
}

/// D45
#[tokio::test]
async fn a_wrong_password_is_a_matter_of_the_login() {
    for server in shared() {
        let mut at = address(server, first_database(server));
        at.password = Hidden::new("yesterdays-password");

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Login, "{failure:?}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    for server in shared() {
        let failure = refused(&address(server, "nowhere")).await;

        assert_eq!(failure.class, Class::NoDatabase, "{failure:?}");
        assert!(failure.message.contains("nowhere"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_refused_at_once() {
    for server in shared() {
        let mut at = address(server, first_database(server));
        // Port 1 is of a service that nobody runs.
        at.port = 1;

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Unreachable, "{failure:?}");
        assert!(failure.message.contains("refused"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_host_whose_name_is_not_known_is_unreachable() {
    for server in shared() {
        let mut at = address(server, first_database(server));
        // A name that is reserved for never being one: RFC 2606.
        at.host = "database.invalid".to_owned();

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Unreachable, "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_is_silent_is_given_up_in_time() {
    for server in shared() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let mut at = address(server, first_database(server));
        at.port = silent.local_addr().expect("it is bound").port();
        at.connect_timeout = Duration::from_millis(200);

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Unreachable, "{failure:?}");
        assert!(failure.message.contains("within 0.2 s"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_died_is_unreachable_and_a_connection_that_broke_is_replaced() {
    for server in servers(&Options::default()) {
        let at = address(&server, first_database(&server));
        let mut at = at;
        at.connect_timeout = Duration::from_secs(1);
        match server.engine() {
            cutover_local_db::Engine::Postgres => {
                let database = Postgres::open(Side::Source, &at).await.expect("it runs");
                let mut session = database.session("trying").await.expect("it runs");
                server.kill();
                let broken = sqlx::raw_sql("SELECT 1").execute(&mut *session).await;
                let broken = failed("trying", &broken.expect_err("the server is dead"));
                assert_eq!(broken.class, Class::Lost, "{broken:?}");
                drop(session);
                let dead = database.session("trying").await.map(drop);
                assert_eq!(
                    dead.map_err(|failure| failure.class),
                    Err(Class::Unreachable)
                );

                server.restart().expect("it starts again");
                database.session("trying").await.expect("it runs again");
            }
            cutover_local_db::Engine::MariaDb => {
                let database = Mysql::open(Side::Source, &at).await.expect("it runs");
                let mut session = database.session("trying").await.expect("it runs");
                server.kill();
                let broken = sqlx::raw_sql("SELECT 1").execute(&mut *session).await;
                let broken = failed("trying", &broken.expect_err("the server is dead"));
                assert_eq!(broken.class, Class::Lost, "{broken:?}");
                drop(session);
                let dead = database.session("trying").await.map(drop);
                assert_eq!(
                    dead.map_err(|failure| failure.class),
                    Err(Class::Unreachable)
                );

                server.restart().expect("it starts again");
                database.session("trying").await.expect("it runs again");
            }
        }
    }
}

#[tokio::test]
async fn a_server_with_no_connection_to_spare_is_busy() {
    for (server, limit) in [
        (
            Server::shared_postgres(),
            "CREATE ROLE failure_full LOGIN PASSWORD 'never-to-be-seen' CONNECTION LIMIT 0",
        ),
        (
            Server::shared_mariadb(),
            "CREATE USER failure_full IDENTIFIED BY 'never-to-be-seen' WITH MAX_QUERIES_PER_HOUR 1",
        ),
    ] {
        let mut at = database_of(server, "failure_full", limit);
        (at.user, at.password) = ("failure_full".to_owned(), Hidden::new("never-to-be-seen"));
        if server.engine() == cutover_local_db::Engine::MariaDb {
            server
                .run_script(
                    "failure_full",
                    "GRANT SELECT ON failure_full.* TO failure_full",
                )
                .expect("the superuser may do that");
        }

        let failure = refused(&at).await;

        assert_eq!(failure.class, Class::Busy, "{failure:?}");
    }
}

#[tokio::test]
async fn all_connections_of_ours_being_in_use_is_busy_and_not_unreachable() {
    let mut at = database_of(Server::shared_postgres(), "failure_pool", "");
    at.connect_timeout = Duration::from_secs(1);
    let database = Postgres::open(Side::Source, &at)
        .await
        .expect("it is there");
    let mut held = Vec::new();
    for _ in 0..=at.connections {
        held.push(
            database
                .session("holding")
                .await
                .expect("one more than are read by"),
        );
    }

    let refused = database.session("trying").await.map(drop);

    assert_eq!(refused.map_err(|failure| failure.class), Err(Class::Busy));
}

fn servers(options: &Options) -> [Server; 2] {
    [
        Server::postgres(options).expect("PostgreSQL starts"),
        Server::mariadb(options).expect("MariaDB starts"),
    ]
}

fn shared() -> [&'static Server; 2] {
    [Server::shared_postgres(), Server::shared_mariadb()]
}

fn first_database(server: &Server) -> &'static str {
    match server.engine() {
        cutover_local_db::Engine::Postgres => "postgres",
        cutover_local_db::Engine::MariaDb => "mysql",
    }
}

fn verified(server: &Server) -> TlsWish {
    TlsWish::Verified {
        authorities: server.authority().map(str::to_owned),
    }
}
