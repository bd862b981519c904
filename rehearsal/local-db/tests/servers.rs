//! Real servers, started, asked, restarted and gone.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cutover_local_db::{Engine, Error, Options, Server, Tls};
use rustix::process::{Pid, test_kill_process};
use sqlx::mysql::MySqlSslMode;
use sqlx::postgres::PgSslMode;
use sqlx::{ConnectOptions as _, Connection as _};

#[test]
fn answers_over_tls_to_a_client_that_checks_everything() {
    for server in [Server::shared_postgres(), Server::shared_mariadb()] {
        let answer = ask_over_tls(server);

        assert_eq!(answer.unwrap(), 42, "{}", server.engine());
    }
}

#[test]
fn shows_an_expired_certificate_when_asked_to() {
    for engine in ENGINES {
        let server = start(engine, &Options::default().tls(Tls::Expired));

        let refused = ask_over_tls(&server).unwrap_err().to_string();

        assert!(refused.contains("expired"), "{engine}: {refused}");
    }
}

#[test]
fn shows_the_certificate_of_another_host_when_asked_to() {
    for engine in ENGINES {
        let server = start(engine, &Options::default().tls(Tls::WrongHost));

        let refused = ask_over_tls(&server).unwrap_err().to_string();

        assert!(
            refused.contains("not valid for name"),
            "{engine}: {refused}"
        );
    }
}

#[test]
fn keeps_its_rows_and_its_port_when_it_is_restarted_or_killed() {
    for engine in ENGINES {
        let server = start(engine, &Options::default());
        let port = server.port();
        server.create_database("Shop").unwrap();
        let insert = "CREATE TABLE payments (id int); INSERT INTO payments VALUES (7)";
        server.run_script("Shop", insert).unwrap();

        let first = server.process_id();
        server.restart().unwrap();
        let second = server.process_id();
        server.kill();
        server.restart().unwrap();

        let rows = server.rows("Shop", "SELECT id, NULL FROM payments");
        assert_eq!(rows.unwrap(), [[Some("7".to_owned()), None]], "{engine}");
        assert_eq!(server.port(), port);
        assert_ne!(first, second);
        assert_ne!(server.process_id(), second);
    }
}

#[test]
fn does_not_answer_while_it_is_stopped() {
    for engine in ENGINES {
        let server = start(engine, &Options::default());

        server.stop();

        assert_eq!(server.process_id(), None);
        assert!(
            TcpStream::connect((server.host(), server.port())).is_err(),
            "{engine}"
        );
        let refused = server.rows("any", "SELECT 1");
        assert!(matches!(refused, Err(Error::Stopped { .. })), "{refused:?}");
    }
}

#[test]
fn leaves_no_process_and_no_folder_when_it_is_dropped() {
    for engine in ENGINES {
        let server = start(engine, &Options::default());
        let process = server
            .process_id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        let process = process.unwrap();
        let folder = server.data_folder();
        assert!(test_kill_process(process).is_ok() && folder.exists());

        drop(server);

        assert!(test_kill_process(process).is_err(), "{engine}");
        assert!(!folder.parent().unwrap().exists(), "{engine}");
    }
}

#[test]
fn leaves_nothing_when_the_process_that_started_it_dies() {
    const NAME: &str = "leaves_nothing_when_the_process_that_started_it_dies";
    const DYING: &str = "CUTOVER_LOCAL_DB_DYING";
    if std::env::var_os(DYING).is_some() {
        for server in [Server::shared_postgres(), Server::shared_mariadb()] {
            let folder = server.data_folder();
            let line = format!("left {} {}\n", server.port(), folder.display());
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
        std::process::abort();
    }

    let said = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(DYING, "1")
        .output()
        .unwrap();

    let text = String::from_utf8(said.stderr).unwrap();
    let left: Vec<(u16, &Path)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("left ")?.split_once(' '))
        .map(|(port, folder)| (port.parse().unwrap(), Path::new(folder)))
        .collect();
    assert_eq!(left.len(), 2, "{text}");
    for (port, folder) in left {
        let end = Instant::now() + Duration::from_mins(1);
        while folder.parent().unwrap().exists() && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        assert!(!folder.parent().unwrap().exists());
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}

#[test]
fn takes_the_settings_of_its_engine() {
    let postgres = start(Engine::Postgres, &Options::default().set("work_mem", "7MB"));
    let mariadb = start(
        Engine::MariaDb,
        &Options::default().set("default-time-zone", "+09:00"),
    );

    assert_eq!(value(&postgres, "SHOW work_mem"), "7MB");
    assert_eq!(value(&mariadb, "SELECT @@time_zone"), "+09:00");
}

#[test]
fn shows_the_log_when_a_setting_is_not_known() {
    for engine in ENGINES {
        let options = Options::default().set("no_such.setting!", "1");

        let refused = match engine {
            Engine::Postgres => Server::postgres(&options),
            Engine::MariaDb => Server::mariadb(&options),
        };

        let said = refused.unwrap_err().to_string();
        assert!(said.contains("no_such"), "{said}");
    }
}

#[test]
fn says_so_when_its_port_was_taken_while_it_was_stopped() {
    for engine in ENGINES {
        let server = start(engine, &Options::default());
        server.stop();
        let _taken = TcpListener::bind((server.host(), server.port())).unwrap();

        let refused = server.restart().unwrap_err().to_string();

        assert!(refused.contains("Address already in use"), "{refused}");
        assert_eq!(server.process_id(), None);
    }
}

#[test]
fn runs_another_major_version_of_postgresql() {
    let other = start(Engine::Postgres, &Options::default().other_version());

    let versions = [Server::shared_postgres(), &other].map(|server| {
        let version = value(server, "SHOW server_version_num");
        version.parse::<u32>().unwrap() / 10_000
    });

    assert_ne!(versions[0], versions[1]);
}

#[test]
fn refuses_a_database_that_is_there_already() {
    for server in [Server::shared_postgres(), Server::shared_mariadb()] {
        server.create_database("twice").unwrap();

        let refused = server.create_database("twice");

        assert!(matches!(refused, Err(Error::Sql { .. })), "{refused:?}");
    }
}

#[test]
fn tells_no_password_in_its_debug_form() {
    let server = Server::shared_postgres();

    assert!(!format!("{server:?}").contains(server.password()));
}

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::MariaDb];

fn start(engine: Engine, options: &Options) -> Server {
    let started = match engine {
        Engine::Postgres => Server::postgres(options),
        Engine::MariaDb => Server::mariadb(options),
    };
    started.unwrap_or_else(|error| panic!("{error}"))
}

fn value(server: &Server, query: &str) -> String {
    let database = match server.engine() {
        Engine::Postgres => "postgres",
        Engine::MariaDb => "",
    };
    let rows = server.rows(database, query).expect("the query is right");
    rows[0][0].clone().expect("the value is not NULL")
}

/// Connects as a careful client does: to a server with the right name and a certificate by the authority.
#[tokio::main(flavor = "current_thread")]
async fn ask_over_tls(server: &Server) -> Result<i32, sqlx::Error> {
    let authority = server.authority().expect("it has a certificate");
    let authority = authority.as_bytes().to_vec();
    match server.engine() {
        Engine::Postgres => {
            let options = server.postgres_options("postgres");
            let options = options
                .ssl_mode(PgSslMode::VerifyFull)
                .ssl_root_cert_from_pem(authority);
            let mut connection = options.connect().await?;
            let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
            let encrypted = sqlx::query_scalar(encrypted);
            assert!(encrypted.fetch_one(&mut connection).await?);
            let answer = sqlx::query_scalar("SELECT 42").fetch_one(&mut connection);
            let answer = answer.await?;
            connection.close().await?;
            Ok(answer)
        }
        Engine::MariaDb => {
            let options = server.mariadb_options("");
            let options = options
                .ssl_mode(MySqlSslMode::VerifyIdentity)
                .ssl_ca_from_pem(authority);
            let mut connection = options.connect().await?;
            let (_, cipher): (String, String) = sqlx::query_as("SHOW STATUS LIKE 'Ssl_cipher'")
                .fetch_one(&mut connection)
                .await?;
            assert!(!cipher.is_empty());
            let answer = sqlx::query_scalar("SELECT 42").fetch_one(&mut connection);
            let answer = answer.await?;
            connection.close().await?;
            Ok(answer)
        }
    }
}
