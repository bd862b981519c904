//! Replication instances.

use cutover_sim::cloud::{Cloud, Maintenance, ReplicationInstance};
use serde::{Deserialize, Serialize};

use super::{Describe, answer_one, answer_page, moment};
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::services::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    replication_instance_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MaybeNamed {
    replication_instance_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Instance {
    replication_instance_identifier: String,
    replication_instance_arn: String,
    replication_instance_status: String,
    replication_instance_class: String,
    allocated_storage: u32,
    #[serde(rename = "MultiAZ")]
    multi_az: bool,
    engine_version: String,
    preferred_maintenance_window: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Upkeep {
    resource_identifier: String,
    pending_maintenance_action_details: Vec<Due>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Due {
    action: String,
    description: String,
    current_apply_date: Option<f64>,
}

impl From<ReplicationInstance> for Instance {
    fn from(instance: ReplicationInstance) -> Self {
        Self {
            replication_instance_identifier: instance.identifier,
            replication_instance_arn: instance.arn,
            replication_instance_status: instance.status,
            replication_instance_class: instance.class,
            allocated_storage: instance.allocated_storage,
            multi_az: instance.multi_az,
            engine_version: instance.engine_version,
            preferred_maintenance_window: instance.maintenance_window,
        }
    }
}

impl From<Maintenance> for Due {
    fn from(maintenance: Maintenance) -> Self {
        Self {
            action: maintenance.action,
            description: maintenance.description,
            current_apply_date: moment(maintenance.apply_at),
        }
    }
}

pub(super) fn describe(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Describe = call.json()?;
    let page = cloud.describe_replication_instances(call.now, &input.into())?;
    let instances = page.items.into_iter().map(Instance::from).collect();
    Ok(answer_page("ReplicationInstances", instances, page.marker))
}

pub(super) fn delete(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: Named = call.json()?;
    let arn = input.replication_instance_arn;
    let deleted = cloud.delete_replication_instance(call.now, &arn)?;
    Ok(answer_one("ReplicationInstance", &Instance::from(deleted)))
}

pub(super) fn maintenance(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let input: MaybeNamed = call.json()?;
    let arn = input.replication_instance_arn.as_deref();
    let found = cloud.describe_pending_maintenance_actions(call.now, arn)?;
    let pending = found.into_iter().map(|instance| Upkeep {
        resource_identifier: instance.arn,
        pending_maintenance_action_details: instance
            .maintenance
            .into_iter()
            .map(Due::from)
            .collect(),
    });
    let pending = pending.collect();
    Ok(answer_page("PendingMaintenanceActions", pending, None))
}
