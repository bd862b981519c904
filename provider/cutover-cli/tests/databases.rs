//! The real binary against real databases.

use std::path::Path;
use std::process::{Command, Output};

use cutover_local_db::Server;

const ROWS: &str = "CREATE TABLE payments (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, status text NOT NULL);
INSERT INTO payments SELECT n, n * 1.25, 'settled' FROM generate_series(1, 500) AS n;";

/// Two databases of the shared server, of which the second is a little different if so wished.
fn databases(name: &str, change: &str) -> [String; 2] {
    let server = Server::shared_postgres();
    let [source, target] = ["source", "target"].map(|side| format!("{name}_{side}"));
    for (database, script) in [
        (&source, ROWS.to_owned()),
        (&target, format!("{ROWS}\n{change}")),
    ] {
        server
            .create_database(database)
            .expect("the name is not taken");
        server
            .run_script(database, &script)
            .expect("the script is SQL");
    }
    [source, target]
}

fn validate(folder: &Path, databases: &[String; 2], password: &str, more: &[&str]) -> Output {
    let server = Server::shared_postgres();
    let authority = folder.join("authority.pem");
    let pem = server
        .authority()
        .expect("the shared server has a certificate");
    std::fs::write(&authority, pem).expect("the folder is ours");
    let [source, target] = databases.each_ref().map(|database| {
        let (user, host, port) = (server.superuser(), server.host(), server.port());
        format!("postgres://{user}@{host}:{port}/{database}")
    });
    Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["validate", "--source", &source, "--target", &target])
        .arg("--ca-file")
        .arg(&authority)
        .args(more)
        .current_dir(folder)
        .env("CUTOVER_SOURCE_PASSWORD", server.password())
        .env("CUTOVER_TARGET_PASSWORD", password)
        .output()
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("is text")
}

#[test]
fn equal_databases_match_and_the_reports_are_written() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let databases = databases("cli_equal", "");
    let password = Server::shared_postgres().password();
    let more = [
        "--report",
        "v.html",
        "--report",
        "v.json",
        "--progress",
        "v.progress",
        "--json",
    ];

    let output = validate(folder.path(), &databases, password, &more);

    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
    assert_eq!(report["verdict"], "matched");
    assert_eq!(report["proof"], "full");
    assert_eq!(report["servers"]["source"]["tls"]["verified"], true);
    let written = std::fs::read_to_string(folder.path().join("v.json")).expect("was written");
    assert_eq!(written, out.trim_end());
    let page = std::fs::read_to_string(folder.path().join("v.html")).expect("was written");
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(!folder.path().join("v.progress").exists());
    assert!(
        !err.contains('\u{1b}') && !err.contains('\r'),
        "plain lines: {err:?}"
    );
}

#[test]
fn a_row_that_differs_is_named_with_its_table_and_column() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let change = "UPDATE payments SET amount = amount + 0.01 WHERE id = 417;";
    let databases = databases("cli_changed", change);
    let password = Server::shared_postgres().password();

    let output = validate(folder.path(), &databases, password, &[]);

    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(out.starts_with("mismatched"), "{out}");
    for word in ["payments", "417", "amount"] {
        assert!(out.contains(word), "{word}: {out}");
    }
    assert!(!out.contains("521.2"), "no value of a row: {out}");
}

#[test]
fn a_wrong_password_fails_with_a_code_and_is_not_printed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let databases = databases("cli_password", "");

    let output = validate(folder.path(), &databases, "wrong-hunter2", &["--json"]);

    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{out}{err}");
    assert_eq!(out, "");
    let last = err.lines().last().unwrap_or_default();
    let error: serde_json::Value = serde_json::from_str(last).expect("is JSON");
    assert_eq!(error["error"]["code"], "CUT-213", "{err}");
    let real = Server::shared_postgres().password();
    for secret in ["wrong-hunter2", real] {
        assert!(!err.contains(secret), "{err}");
    }
}
