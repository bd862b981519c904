//! moto, started for a test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cutover_aws::{Endpoints, Keys, Sdk, Settings};
use cutover_driver::SystemClock;

/// A running moto, ended with the test.
pub(crate) struct Moto {
    process: Child,
    url: String,
}

impl Moto {
    /// Starts one on a free port.
    pub(crate) fn start() -> Self {
        let program = path_of_moto();
        let mut process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            // Without it moto knows none of the policies that AWS manages.
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be started ({error}): run `make setup`")
            });
        let lines = BufReader::new(process.stderr.take().expect("it was piped")).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("Running on ")
                    .map(|(_, url)| url.trim().to_owned())
            })
            .expect("moto says where it listens");
        Self { process, url }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An SDK with credentials that moto takes for those of its only account, and everything sent to moto.
    pub(crate) fn sdk(&self) -> Sdk {
        let keys = Keys {
            access_key: "test".to_owned(),
            secret_key: "test".to_owned(),
            token: None,
        };
        let url = || Some(self.url.clone());
        let endpoints = Endpoints {
            cloudwatch: url(),
            dms: url(),
            dynamodb: url(),
            elbv2: url(),
            iam: url(),
            route53: url(),
            secrets: url(),
            sns: url(),
            ssm: url(),
            sts: url(),
            name_server: None,
        };
        let settings = Settings {
            region: Some("eu-central-1".to_owned()),
            keys: Some(keys),
            endpoints,
            ..Settings::default()
        };
        Sdk::new(settings, Arc::new(SystemClock))
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn path_of_moto() -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/moto");
    let said = Command::new(tool)
        .arg("--path")
        .output()
        .expect("tools/moto can be run");
    let path = String::from_utf8(said.stdout)
        .expect("a path")
        .trim()
        .to_owned();
    assert!(
        Path::new(&path).exists(),
        "moto is not installed: run `make setup`"
    );
    path
}
