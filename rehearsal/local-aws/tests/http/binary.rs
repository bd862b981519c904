//! The program, as a person runs it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::world::{ZONE, configure};

const SCENE: &str = r#"{
    "insyncSeconds": 0,
    "zones": [{ "id": "Z0123456789EXAMPLE", "name": "example.com", "records": [
        { "name": "pay.example.com", "type": "A", "setIdentifier": "old", "weight": 100, "ttl": 60, "values": ["192.0.2.1"] }
    ] }],
    "faults": [{ "operation": "GetHostedZone", "first": 1, "what": "throttled" }]
}"#;

/// A running program, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_says_where_it_is_and_ends_on_an_interrupt() {
    let folder = tempfile::tempdir().unwrap();
    let scene = folder.path().join("scene.json");
    std::fs::write(&scene, SCENE).unwrap();
    let process = Command::new(env!("CARGO_BIN_EXE_local-aws"))
        .arg("--scene")
        .arg(&scene)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running(process);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();

    let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let url = line["url"].as_str().unwrap();
    let client = aws_sdk_route53::Client::from_conf(configure!(aws_sdk_route53, url));
    let call = || client.get_hosted_zone().id(ZONE).send();
    assert!(call().await.is_err(), "the scene has a fault");
    let zone = call().await.unwrap().hosted_zone.unwrap();
    assert_eq!(zone.resource_record_set_count(), Some(3));

    let interrupted = Command::new("kill")
        .args(["-INT", &running.0.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    assert!(running.0.wait().unwrap().success());
    assert!(lines.next().is_none());
}

#[test]
fn a_scene_that_is_none_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let scene = folder.path().join("scene.json");
    std::fs::write(&scene, SCENE.replace("\"ttl\"", "\"timeToLive\"")).unwrap();

    let said = Command::new(env!("CARGO_BIN_EXE_local-aws"))
        .arg("--scene")
        .arg(&scene)
        .output()
        .unwrap();

    assert!(!said.status.success());
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("zones[0].records[0]"), "{said}");
    assert!(said.contains("timeToLive"), "{said}");
}
