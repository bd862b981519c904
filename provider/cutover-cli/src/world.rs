//! How AWS and databases are reached, and when to stop.

use std::sync::Arc;
use std::time::Duration;

use cutover_aws::{AwsSecrets, Endpoints, Sdk, Settings, traffic};
use cutover_core::Timestamp;
use cutover_core::shift::journal::RunId;
use cutover_db::Connections;
use cutover_driver::{Allowance, Clock, Databases, Secrets, SystemClock, Traffic};
use tokio_util::sync::CancellationToken;

use crate::cli::AwsArgs;

/// How often the SDK repeats a call by itself: ours, the SDK's own figure. Calls that may pass are repeated here besides.
const RETRIES: u32 = 2;

/// Where a command runs.
#[derive(Clone, Debug)]
pub struct Here {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What directs traffic.
    pub traffic: Traffic,
    /// Databases that are compared.
    pub databases: Arc<dyn Databases>,
    /// Secrets that are only named.
    pub secrets: Arc<dyn Secrets>,
    /// Reads a variable of the environment.
    pub variable: fn(&str) -> Option<String>,
    /// Whether somebody has said to stop.
    pub stop: CancellationToken,
}

/// Makes a world with AWS and databases in it, without calling anyone.
pub fn connect(args: &AwsArgs) -> Here {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let url = || args.endpoint_url.clone();
    let settings = Settings {
        region: args.region.clone(),
        profile: args.profile.clone(),
        endpoints: Endpoints {
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
            name_server: args.name_server.clone(),
        },
        retries: RETRIES,
        ..Settings::default()
    };
    let sdk = Sdk::new(settings, Arc::clone(&clock));
    let allowance = Arc::new(Allowance::new(Arc::clone(&clock)));
    Here {
        traffic: traffic(&sdk, &allowance),
        databases: Arc::new(Connections),
        secrets: Arc::new(AwsSecrets::new(&sdk)),
        variable: |name| std::env::var(name).ok(),
        clock,
        stop: CancellationToken::new(),
    }
}

impl Here {
    /// Returns the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits, and tells whether it was to the end: somebody may say to stop.
    pub(crate) async fn wait(&self, duration: Duration) -> bool {
        if self.stop.is_cancelled() {
            return false;
        }
        let end = self.clock.sleep_until(self.now().after(duration));
        tokio::select! {
            // Both may be dropped: nothing is in hand while waiting.
            () = end => true,
            () = self.stop.cancelled() => false,
        }
    }

    /// Names this run, unlike any other.
    pub(crate) fn run(&self) -> RunId {
        RunId::new(&format!(
            "cli-{}-{}",
            std::process::id(),
            self.now().unix_millis()
        ))
    }
}
