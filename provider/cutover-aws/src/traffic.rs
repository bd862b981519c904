//! Every port of what directs traffic, over one SDK.

use std::sync::Arc;

use cutover_driver::{Allowance, Budgeted, HostedZones, Traffic};

use crate::{
    AwsCredentials, AwsHostedZones, AwsListenerRules, AwsLocks, AwsMetrics, AwsParameters,
    AwsReplicationTasks, AwsTopics, DnsNameServers, Sdk,
};

/// Makes the ports to AWS and its name servers, without calling anyone. Requests to Route 53 keep to the allowance,
/// which whoever uses the same account in this process shares.
pub fn traffic(sdk: &Sdk, allowance: &Arc<Allowance>) -> Traffic {
    let zones: Arc<dyn HostedZones> = Arc::new(AwsHostedZones::new(sdk));
    Traffic {
        zones: Arc::new(Budgeted::new(zones, Arc::clone(allowance))),
        name_servers: Arc::new(DnsNameServers::new(sdk)),
        rules: Arc::new(AwsListenerRules::new(sdk)),
        locks: Arc::new(AwsLocks::new(sdk)),
        metrics: Arc::new(AwsMetrics::new(sdk)),
        parameters: Arc::new(AwsParameters::new(sdk)),
        topics: Arc::new(AwsTopics::new(sdk)),
        tasks: Arc::new(AwsReplicationTasks::new(sdk)),
        credentials: Arc::new(AwsCredentials::new(sdk)),
    }
}
