//! Replication instances.

use cutover_core::Timestamp;

use super::listing::{Known, RECORDS_MAX};
use super::{AwsError, Cloud, DmsPage, DmsQuery, not_found, wrong_state};
use crate::cloud::Service;

/// A replication instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicationInstance {
    /// Its ARN.
    pub arn: String,
    /// Its identifier.
    pub identifier: String,
    /// `available`, `modifying`, `maintenance`, `deleting`.
    pub status: String,
    /// Its class: `dms.t3.medium`.
    pub class: String,
    /// The version of its engine.
    pub engine_version: String,
    /// Whether a second one stands by.
    pub multi_az: bool,
    /// Its storage, in GB.
    pub allocated_storage: u32,
    /// When maintenance is done: `sun:06:00-sun:14:00`.
    pub maintenance_window: String,
    /// Percent of its processor.
    pub cpu: Option<f64>,
    /// Maintenance that is pending.
    pub maintenance: Vec<Maintenance>,
}

/// Maintenance that is pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// `os-upgrade`, `db-upgrade`.
    pub action: String,
    /// What it is, for people.
    pub description: String,
    /// When it is done.
    pub apply_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) instance: ReplicationInstance,
    gone_at: Option<Timestamp>,
}

const FILTERS: Known<'_, ReplicationInstance> = &[
    ("replication-instance-arn", |it| &it.arn),
    ("replication-instance-id", |it| &it.identifier),
    ("replication-instance-class", |it| &it.class),
    ("engine-version", |it| &it.engine_version),
];

impl ReplicationInstance {
    /// Makes one that is available and like many.
    pub fn usual(arn: &str, identifier: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            identifier: identifier.to_owned(),
            status: "available".to_owned(),
            class: "dms.t3.medium".to_owned(),
            engine_version: "3.5.4".to_owned(),
            allocated_storage: 50,
            maintenance_window: "sun:06:00-sun:14:00".to_owned(),
            cpu: Some(10.0),
            ..Self::default()
        }
    }
}

impl Cloud {
    /// Puts a replication instance there, or replaces it.
    pub fn put_replication_instance(&mut self, instance: ReplicationInstance) {
        let kept = Kept {
            gone_at: None,
            instance,
        };
        self.dms.instances.insert(kept.instance.arn.clone(), kept);
    }

    /// DMS: reads replication instances. Filters: `replication-instance-arn`, `replication-instance-id`,
    /// `replication-instance-class`, `engine-version`.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` when there is none of those that are asked for.
    pub fn describe_replication_instances(
        &mut self,
        now: Timestamp,
        query: &DmsQuery,
    ) -> Result<DmsPage<ReplicationInstance>, AwsError> {
        let operation = "DescribeReplicationInstances";
        self.call(Service::Other, operation, &query.about(), now, |cloud| {
            let all = cloud.dms.instances.values();
            let all = all.map(|kept| kept.instance.clone()).collect();
            let found = query.some(query.pick(all, FILTERS)?, "Instances")?;
            query.page(found, RECORDS_MAX)
        })
    }

    /// DMS: reads pending maintenance, of one instance by its ARN or of all; instances that have none are left out.
    ///
    /// # Errors
    /// `ResourceNotFoundFault` without the instance.
    pub fn describe_pending_maintenance_actions(
        &mut self,
        now: Timestamp,
        arn: Option<&str>,
    ) -> Result<Vec<ReplicationInstance>, AwsError> {
        let operation = "DescribePendingMaintenanceActions";
        let about = arn.unwrap_or_default();
        self.call(Service::Other, operation, about, now, |cloud| {
            if let Some(arn) = arn {
                cloud.instance(arn)?;
            }
            let all = cloud.dms.instances.values().map(|kept| &kept.instance);
            let meant = all.filter(|it| arn.is_none_or(|arn| it.arn == arn));
            Ok(meant
                .filter(|it| !it.maintenance.is_empty())
                .cloned()
                .collect())
        })
    }

    /// DMS: removes a replication instance; returns it as it is from now on.
    ///
    /// # Errors
    /// `ResourceNotFoundFault`, `InvalidResourceStateFault` while it has tasks or is not available.
    pub fn delete_replication_instance(
        &mut self,
        now: Timestamp,
        arn: &str,
    ) -> Result<ReplicationInstance, AwsError> {
        let operation = "DeleteReplicationInstance";
        self.call(Service::Other, operation, arn, now, |cloud| {
            if cloud.instance(arn)?.status == "deleting" {
                return Err(wrong_state("The replication instance is being deleted"));
            }
            let mut tasks = cloud.dms.tasks.values();
            if tasks.any(|kept| kept.task.instance_arn == arn) {
                let message = "Replication instance has tasks; they must be deleted before it";
                return Err(wrong_state(message));
            }
            let takes = cloud.config.dms.deleting;
            let kept = cloud.dms.instances.get_mut(arn);
            let kept = kept.ok_or_else(|| none(arn))?;
            kept.gone_at = Some(now.after(takes));
            "deleting".clone_into(&mut kept.instance.status);
            Ok(kept.instance.clone())
        })
    }

    pub(super) fn instance(&self, arn: &str) -> Result<&ReplicationInstance, AwsError> {
        let kept = self.dms.instances.get(arn).ok_or_else(|| none(arn))?;
        Ok(&kept.instance)
    }

    pub(super) fn advance_instances(&mut self, now: Timestamp) {
        let is_there = |kept: &Kept| kept.gone_at.is_none_or(|gone_at| now < gone_at);
        let dms = &mut self.dms;
        dms.instances.retain(|_, kept| is_there(kept));
        dms.connections
            .retain(|(instance, _), _| dms.instances.contains_key(instance));
    }
}

fn none(arn: &str) -> AwsError {
    not_found(format!("Replication instance {arn} not found."))
}
