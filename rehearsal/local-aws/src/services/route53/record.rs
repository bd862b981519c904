//! Record sets as Route 53's XML has them.

use std::collections::BTreeMap;

use cutover_sim::cloud::{AliasTarget, ChangeAction, ResourceRecordSet};
use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// Record sets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordSets {
    resource_record_set: Vec<RecordSet>,
}

/// A record set. Members of routing policies that the cloud does not know are refused, and not overlooked.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RecordSet {
    name: String,
    r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_identifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    geo_location: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failover: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multi_value_answer: Option<bool>,
    #[serde(rename = "TTL", default, skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_records: Option<Records>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alias_target: Option<Alias>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    health_check_id: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Records {
    #[serde(default)]
    resource_record: Vec<Record>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Record {
    value: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Alias {
    hosted_zone_id: String,
    #[serde(rename = "DNSName")]
    dns_name: String,
    evaluate_target_health: bool,
}

/// Reads what becomes of a record set.
pub(super) fn read_action(action: &str) -> Result<ChangeAction, Refusal> {
    match action {
        "CREATE" => Ok(ChangeAction::Create),
        "DELETE" => Ok(ChangeAction::Delete),
        "UPSERT" => Ok(ChangeAction::Upsert),
        _ => {
            let message = format!("Invalid XML ; '{action}' is not one of CREATE, DELETE, UPSERT");
            Err(Refusal::sender("InvalidInput", message))
        }
    }
}

impl FromIterator<RecordSet> for RecordSets {
    fn from_iter<I: IntoIterator<Item = RecordSet>>(sets: I) -> Self {
        Self {
            resource_record_set: sets.into_iter().collect(),
        }
    }
}

impl From<RecordSet> for ResourceRecordSet {
    fn from(set: RecordSet) -> Self {
        let records = set.resource_records.unwrap_or_default().resource_record;
        Self {
            name: set.name,
            record_type: set.r#type,
            set_identifier: set.set_identifier,
            weight: set.weight,
            region: set.region,
            failover: set.failover,
            multi_value_answer: set.multi_value_answer,
            geo_location: set.geo_location,
            ttl: set.ttl,
            values: records.into_iter().map(|record| record.value).collect(),
            alias: set.alias_target.map(|alias| AliasTarget {
                dns_name: alias.dns_name,
                hosted_zone_id: alias.hosted_zone_id,
                evaluate_target_health: alias.evaluate_target_health,
            }),
            health_check_id: set.health_check_id,
        }
    }
}

impl From<ResourceRecordSet> for RecordSet {
    fn from(set: ResourceRecordSet) -> Self {
        let records = set.values.into_iter().map(|value| Record { value });
        let records = Records {
            resource_record: records.collect(),
        };
        Self {
            name: set.name,
            r#type: set.record_type,
            set_identifier: set.set_identifier,
            weight: set.weight,
            region: set.region,
            geo_location: set.geo_location,
            failover: set.failover,
            multi_value_answer: set.multi_value_answer,
            ttl: set.ttl,
            // An alias has no values, not even an empty list of them.
            resource_records: set.alias.is_none().then_some(records),
            alias_target: set.alias.map(|alias| Alias {
                hosted_zone_id: alias.hosted_zone_id,
                dns_name: alias.dns_name,
                evaluate_target_health: alias.evaluate_target_health,
            }),
            health_check_id: set.health_check_id,
        }
    }
}
