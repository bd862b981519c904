//! What of DMS is there at the beginning.

use std::fmt;
use std::time::Duration;

use cutover_core::Timestamp;
use cutover_driver::Hidden;
use cutover_sim::cloud::{
    AwsError, Cloud, DmsEndpoint, DmsPace, DmsQuery, Maintenance, ReplicationInstance,
    ReplicationTask, TableStatistics,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// When maintenance is done that is pending at the beginning: ours.
const MAINTENANCE_IN: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Instance {
    arn: String,
    identifier: String,
    class: Option<String>,
    status: Option<String>,
    #[serde(default)]
    multi_az: bool,
    /// What is pending, as DMS describes it.
    #[serde(default)]
    maintenance: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Endpoint {
    identifier: String,
    /// The last part of its ARN; the identifier in capitals when not given.
    resource: Option<String>,
    r#type: String,
    engine: String,
    #[serde(default)]
    host: String,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    database: String,
    #[serde(default)]
    user: String,
    password: Option<String>,
    secret: Option<String>,
    ssl_mode: Option<String>,
    #[serde(default)]
    settings: Map<String, Value>,
    /// Whether its connections from every instance were tested, and well.
    #[serde(default)]
    tested: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Task {
    arn: String,
    identifier: String,
    instance_arn: String,
    instance_identifier: String,
    status: String,
    lag_seconds: Option<u64>,
    #[serde(default)]
    tables: Vec<Statistics>,
    /// Both endpoints by their ARNs, for a task that is to be started.
    #[serde(default)]
    source_endpoint_arn: String,
    #[serde(default)]
    target_endpoint_arn: String,
    #[serde(default)]
    migration_type: String,
    #[serde(default = "none")]
    table_mappings: Value,
    #[serde(default = "none")]
    settings: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Statistics {
    schema: String,
    table: String,
    #[serde(default = "completed")]
    state: String,
    #[serde(default = "validated")]
    validation_state: String,
    #[serde(default)]
    failed_records: u64,
    #[serde(default)]
    suspended_records: u64,
}

fn completed() -> String {
    "Table completed".to_owned()
}

fn validated() -> String {
    "Validated".to_owned()
}

fn none() -> Value {
    Value::Object(Map::new())
}

/// Lets everything that DMS does take so many seconds.
pub(super) fn pace(seconds: u64) -> DmsPace {
    let takes = Duration::from_secs(seconds);
    DmsPace {
        creating: takes,
        modifying: takes,
        starting: takes,
        stopping: takes,
        deleting: takes,
        testing: takes,
        assessing: takes,
        former: Duration::ZERO,
        loading: takes,
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Endpoint")
            .field("identifier", &self.identifier)
            .finish_non_exhaustive()
    }
}

impl Instance {
    /// Makes it as it is at a moment.
    pub(super) fn made(self, now: Timestamp) -> ReplicationInstance {
        let usual = ReplicationInstance::usual(&self.arn, &self.identifier);
        let pending = |description| Maintenance {
            action: "os-upgrade".to_owned(),
            description,
            apply_at: Some(now.after(MAINTENANCE_IN)),
        };
        ReplicationInstance {
            class: self.class.unwrap_or(usual.class),
            status: self.status.unwrap_or(usual.status),
            multi_az: self.multi_az,
            maintenance: self.maintenance.into_iter().map(pending).collect(),
            ..usual
        }
    }
}

impl Endpoint {
    /// Puts it there.
    pub(super) fn put(self, cloud: &mut Cloud, now: Timestamp) -> Result<(), AwsError> {
        let resource = self.resource;
        let resource = resource.unwrap_or_else(|| self.identifier.to_ascii_uppercase());
        let endpoint = DmsEndpoint {
            identifier: self.identifier,
            endpoint_type: self.r#type,
            engine: self.engine,
            host: self.host,
            port: self.port,
            database: self.database,
            user: self.user,
            password: self.password.map(Hidden::new),
            secret: self.secret,
            ssl_mode: self.ssl_mode.unwrap_or_else(|| "none".to_owned()),
            settings: self.settings,
            ..DmsEndpoint::default()
        };
        let made = cloud.create_endpoint(now, endpoint, Some(&resource))?;
        if self.tested {
            let instances = cloud.describe_replication_instances(now, &DmsQuery::default())?;
            for instance in instances.items {
                cloud.put_connection(now, &instance.arn, &made.arn)?;
            }
        }
        Ok(())
    }
}

impl From<Task> for ReplicationTask {
    fn from(task: Task) -> Self {
        let tables = task.tables.into_iter().map(|table| TableStatistics {
            schema: table.schema,
            table: table.table,
            state: table.state,
            validation_state: table.validation_state,
            failed_records: table.failed_records,
            suspended_records: table.suspended_records,
            ..TableStatistics::default()
        });
        Self {
            arn: task.arn,
            identifier: task.identifier,
            instance_arn: task.instance_arn,
            instance_identifier: task.instance_identifier,
            status: task.status,
            tables: tables.collect(),
            lag: task.lag_seconds.map(Duration::from_secs),
            source_endpoint_arn: task.source_endpoint_arn,
            target_endpoint_arn: task.target_endpoint_arn,
            migration_type: task.migration_type,
            table_mappings: task.table_mappings.to_string(),
            settings: task.settings.to_string(),
            ..Self::default()
        }
    }
}
