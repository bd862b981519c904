//! Tests of connections.

use cutover_core::Timestamp;

use super::listing::{Known, RECORDS_MAX};
use super::{AwsError, Cloud, DmsPage, DmsQuery, wrong_state};
use crate::cloud::Service;

/// The last test of the connection from an instance to an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DmsConnection {
    /// The instance.
    pub instance_arn: String,
    /// Its identifier.
    pub instance_identifier: String,
    /// The endpoint.
    pub endpoint_arn: String,
    /// Its identifier.
    pub endpoint_identifier: String,
    /// `testing`, `successful`, `failed`.
    pub status: String,
    /// Why it failed.
    pub failure: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) connection: DmsConnection,
    /// Not before when the test is over.
    until: Timestamp,
    /// Whether the mover tests.
    moved: bool,
}

const FILTERS: Known<'_, DmsConnection> = &[
    ("endpoint-arn", |it| &it.endpoint_arn),
    ("replication-instance-arn", |it| &it.instance_arn),
];

impl Cloud {
    /// DMS: begins a test of the connection from an instance to an endpoint.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` for an instance that is not available.
    pub fn test_connection(
        &mut self,
        now: Timestamp,
        instance_arn: &str,
        endpoint_arn: &str,
    ) -> Result<DmsConnection, AwsError> {
        self.call(
            Service::Other,
            "TestConnection",
            endpoint_arn,
            now,
            |cloud| {
                let connection = cloud.connection(instance_arn, endpoint_arn, "testing")?;
                if cloud.instance(instance_arn)?.status != "available" {
                    return Err(wrong_state("The replication instance is not available"));
                }
                let database = cloud.moved_database(endpoint_arn)?;
                if let Some(mover) = &cloud.dms.mover {
                    mover.test(&database);
                }
                let kept = Kept {
                    until: now.after(cloud.config.dms.testing),
                    moved: cloud.dms.mover.is_some(),
                    connection: connection.clone(),
                };
                let key = (instance_arn.to_owned(), endpoint_arn.to_owned());
                cloud.dms.connections.insert(key, kept);
                Ok(connection)
            },
        )
    }

    /// DMS: reads what tests of connections gave. Filters: `endpoint-arn`, `replication-instance-arn`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there was no test of what is asked for.
    pub fn describe_connections(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<DmsConnection>, AwsError> {
        let about = query.about();
        self.call(
            Service::Other,
            "DescribeConnections",
            &about,
            now,
            |cloud| {
                let all = cloud.dms.connections.values();
                let all = all.map(|kept| kept.connection.clone()).collect();
                let found = query.some(query.pick(all, FILTERS)?, "Connections")?;
                query.page(found, RECORDS_MAX)
            },
        )
    }

    /// Has a connection tested well, at once and by nobody.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` without instance or endpoint.
    pub fn put_connection(
        &mut self,
        now: Timestamp,
        instance_arn: &str,
        endpoint_arn: &str,
    ) -> Result<(), AwsError> {
        let connection = self.connection(instance_arn, endpoint_arn, "successful")?;
        let key = (instance_arn.to_owned(), endpoint_arn.to_owned());
        let kept = Kept {
            connection,
            until: now,
            moved: false,
        };
        self.dms.connections.insert(key, kept);
        Ok(())
    }

    fn connection(
        &self,
        instance_arn: &str,
        endpoint_arn: &str,
        status: &str,
    ) -> Result<DmsConnection, AwsError> {
        let instance = self.instance(instance_arn)?;
        let endpoint = self.dms_endpoint(endpoint_arn)?;
        Ok(DmsConnection {
            instance_arn: instance.arn.clone(),
            instance_identifier: instance.identifier.clone(),
            endpoint_arn: endpoint.arn.clone(),
            endpoint_identifier: endpoint.identifier.clone(),
            status: status.to_owned(),
            failure: None,
        })
    }

    /// Tells whether the last test of a connection went well.
    pub(super) fn is_connected(&self, instance_arn: &str, endpoint_arn: &str) -> bool {
        let key = (instance_arn.to_owned(), endpoint_arn.to_owned());
        let kept = self.dms.connections.get(&key);
        kept.is_some_and(|kept| kept.connection.status == "successful")
    }

    pub(super) fn advance_connections(&mut self, now: Timestamp) {
        let mover = self.dms.mover.clone();
        for kept in self.dms.connections.values_mut() {
            if kept.connection.status != "testing" || now < kept.until {
                continue;
            }
            let endpoint_arn = &kept.connection.endpoint_arn;
            let broken = self.dms.unreachable.get(endpoint_arn);
            let result = match (broken, &mover) {
                (Some(message), _) => Some(Err(message.clone())),
                (None, Some(mover)) if kept.moved => mover.tested(endpoint_arn),
                (None, _) => Some(Ok(())),
            };
            let status = match &result {
                None => continue,
                Some(Ok(())) => "successful",
                Some(Err(_)) => "failed",
            };
            status.clone_into(&mut kept.connection.status);
            kept.connection.failure = result.and_then(Result::err);
        }
    }
}
