//! Tests of connections.

use cutover_sim::cloud::{Cloud, DmsConnection};
use serde::{Deserialize, Serialize};

use super::{Describe, answer_one, answer_page};
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::services::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Test {
    replication_instance_arn: String,
    endpoint_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Connection {
    replication_instance_arn: String,
    replication_instance_identifier: String,
    endpoint_arn: String,
    endpoint_identifier: String,
    status: String,
    last_failure_message: Option<String>,
}

impl From<DmsConnection> for Connection {
    fn from(connection: DmsConnection) -> Self {
        Self {
            replication_instance_arn: connection.instance_arn,
            replication_instance_identifier: connection.instance_identifier,
            endpoint_arn: connection.endpoint_arn,
            endpoint_identifier: connection.endpoint_identifier,
            status: connection.status,
            last_failure_message: connection.failure,
        }
    }
}

pub(super) fn test(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Test = call.json()?;
    let (instance, endpoint) = (&input.replication_instance_arn, &input.endpoint_arn);
    let connection = cloud.test_connection(call.now, instance, endpoint)?;
    Ok(answer_one("Connection", &Connection::from(connection)))
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let page = cloud.describe_connections(call.now, &input.into())?;
    let connections = page.items.into_iter().map(Connection::from).collect();
    Ok(answer_page("Connections", connections, page.marker))
}
