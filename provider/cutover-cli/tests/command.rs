//! The real binary: what it says about itself, and what it refuses.

use std::process::{Command, Output};

fn cutover(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(args)
        .env_remove("AWS_REGION")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("is text")
}

#[test]
fn help_says_everything_about_each_command() {
    let commands = [
        "status",
        "rollback",
        "hold",
        "resume",
        "approve",
        "unlock",
        "verify",
        "drill",
        "simulate",
        "validate",
        "explain",
        "completions",
    ];
    insta::assert_snapshot!("help", text(&cutover(&["--help"]).stdout));
    for command in commands {
        let output = cutover(&[command, "--help"]);

        assert!(output.status.success(), "{command}");
        insta::assert_snapshot!(format!("help-{command}"), text(&output.stdout));
    }
}

#[test]
fn what_cannot_be_meant_exits_with_2_and_prints_nothing_as_a_result() {
    let lines: [&[&str]; 8] = [
        &[],
        &["rolback"],
        &["rollback"],
        &[
            "rollback",
            "--zone",
            "Z0AB",
            "--name",
            "pay.example.com",
            "--parameter",
            "/a",
        ],
        &[
            "rollback",
            "--zone",
            "Z0AB",
            "--name",
            "pay.example.com",
            "--old",
            "a",
        ],
        &["status", "--zone", "Z-", "--name", "pay.example.com"],
        &["approve", "--parameter", "/a", "--step", "0"],
        &["explain", "CUT-999"],
    ];
    for line in lines {
        let output = cutover(line);

        assert_eq!(output.status.code(), Some(2), "{line:?}");
        assert_eq!(text(&output.stdout), "", "{line:?}");
        assert!(!output.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn completions_are_scripts_that_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = cutover(&["completions", shell]);

        assert!(output.status.success(), "{shell}");
        let script = text(&output.stdout);
        for word in ["cutover", "rollback", "unlock", "endpoint-url"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn errors_are_json_when_that_is_asked_for() {
    let output = cutover(&["explain", "CUT-999", "--json"]);

    let error: serde_json::Value = serde_json::from_slice(&output.stderr).expect("is JSON");
    assert_eq!(error["error"]["code"], "CUT-193");
    assert_eq!(error["error"]["next"], "run `cutover explain` for a list");
}
