//! Ways of running the plugins that differ from the usual one.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::pulumi::{Stack, plugins, signal, until};

/// A plugin that was started by hand, for engines to attach to.
struct Plugin {
    process: Child,
    port: u16,
}

impl Plugin {
    fn start(name: &str) -> Self {
        let mut process = Command::new(plugins().join(format!("pulumi-resource-{name}")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a plugin can be started");
        let output = process.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("a plugin says its port");
        let port = line.trim().parse().expect("a port is a number");
        Self { process, port }
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // Only a test that fails leaves it running.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn one_process_that_engines_attach_to_serves_one_run_after_another() {
    let mut plugin = Plugin::start("specimen");
    let stack = Stack::of("lifecycle");
    let stack = stack.env(
        "PULUMI_DEBUG_PROVIDERS",
        format!("specimen:{}", plugin.port),
    );

    stack.preview().succeeds();
    // A preview and an update, each of which ends with a cancel.
    stack.pulumi(&["up"]).succeeds();
    stack.preview().changes_nothing();
    stack.destroy().succeeds();

    assert!(
        plugin
            .process
            .try_wait()
            .is_ok_and(|status| status.is_none())
    );
    let told = Instant::now();
    signal("INT", plugin.process.id());
    let status = until(Duration::from_secs(5), "the plugin ends", || {
        plugin
            .process
            .try_wait()
            .expect("a child can be waited for")
    });
    assert!(status.success(), "{status}");
    assert!(
        told.elapsed() < Duration::from_secs(1),
        "{:?}",
        told.elapsed()
    );
}

#[test]
fn an_engine_without_its_newer_features_gets_by() {
    let stack = Stack::of("lifecycle")
        .env("PULUMI_DISABLE_PROVIDER_PREVIEW", "true")
        .env("PULUMI_DISABLE_OUTPUT_VALUES", "true")
        .env("PULUMI_DISABLE_RESOURCE_REFERENCES", "true");

    // Without references this engine crashes over calls of methods (Pulumi v3.245, `resource/deploy`, `Call`).
    stack.config("methods", "false");
    stack.pulumi(&["up"]).succeeds();
    stack.preview().changes_nothing();
    stack.refresh().changes_nothing();
    let update = stack.config("body", "recounted").pulumi(&["up"]).succeeds();
    assert_eq!(update.changes()["update"], 1);
    stack.destroy().succeeds();
}

#[test]
fn the_schemas_of_the_plugins_bind() {
    let stack = Stack::of("lifecycle");

    for (name, resource) in [("specimen", "Cabinet"), ("parts", "Bolt")] {
        let plugin = plugins().join(format!("pulumi-resource-{name}"));
        let plugin = plugin.to_str().expect("paths of builds are text");
        let run = stack.pulumi(&["package", "get-schema", plugin]).succeeds();

        let schema: Value = serde_json::from_str(&run.stdout).expect("a schema is JSON");
        assert_eq!(schema["name"], name);
        assert_eq!(schema["version"], "0.1.0");
        assert!(schema["resources"][format!("{name}:index:{resource}")].is_object());
        assert_eq!(run.stderr, "", "binding has complaints");
    }
}

#[test]
fn the_types_of_all_test_programs_are_right() {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");

    let check = Command::new("node")
        .arg("node_modules/typescript/bin/tsc")
        .args(["--project", "."])
        .current_dir(programs)
        .output()
        .expect("`node` is on PATH: run `make setup`");

    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stdout)
    );
}
