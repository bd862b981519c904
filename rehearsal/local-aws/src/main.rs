//! Runs the endpoints until Ctrl-C, for a person who tries things by hand.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use cutover_driver::{Clock as _, SystemClock};
use cutover_local_aws::scene::Scene;
use cutover_local_aws::{LocalAws, Options};

/// AWS's endpoints on loopback: Route 53, CloudWatch, load balancers, SNS, SSM, STS, secrets, and DMS.
///
/// Prints one line of JSON with the address, and runs until Ctrl-C. Set `AWS_ENDPOINT_URL` to the address to use it with
/// any client of AWS.
#[derive(Debug, Parser)]
#[command(name = "local-aws")]
struct Arguments {
    /// The port; one that is free when not given.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A JSON file with what is there at the beginning: zones, records, rules, alarms, tasks, faults.
    #[arg(long, value_name = "FILE")]
    scene: Option<PathBuf>,
    /// An access key that is known; any is when none is given.
    #[arg(long, value_name = "ID")]
    access_key: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scene = match &arguments.scene {
        Some(file) => {
            let read = std::fs::read_to_string(file);
            let text = read.with_context(|| format!("`{}` cannot be read", file.display()))?;
            Scene::parse(&text).with_context(|| format!("`{}` is no scene", file.display()))?
        }
        None => Scene::default(),
    };
    let clock = Arc::new(SystemClock);
    let cloud = scene.into_cloud(clock.now())?;
    let keys: BTreeSet<String> = arguments.access_key.into_iter().collect();
    let options = Options {
        port: arguments.port,
        access_keys: (!keys.is_empty()).then_some(keys),
    };
    let aws = LocalAws::start(cloud, clock, options).await?;
    let line = serde_json::json!({ "url": aws.url() });
    let mut out = io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    aws.stop().await;
    Ok(())
}
