//! DMS: replication tasks and replications without server, and what they need.

mod assessments;
mod connections;
mod endpoints;
mod instances;
mod replications;
mod tables;
mod tasks;

use std::collections::BTreeMap;

use cutover_core::Timestamp;
use cutover_sim::cloud::DmsQuery;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Call, Operation, Service, answer_json};
use crate::answer::Answer;
use crate::moments;
use crate::protocol::Protocol;
use crate::refusal::Refusal;

pub(super) const SERVICE: Service = Service {
    scope: "dms",
    protocol: Protocol::Json,
    namespace: "AmazonDMSv20160101.",
    version: "2016-01-01",
    operations: &[
        operation("CreateEndpoint", endpoints::create),
        operation("ModifyEndpoint", endpoints::modify),
        operation("DescribeEndpoints", endpoints::describe),
        operation("DeleteEndpoint", endpoints::delete),
        operation("DescribeReplicationInstances", instances::describe),
        operation("DeleteReplicationInstance", instances::delete),
        operation("DescribePendingMaintenanceActions", instances::maintenance),
        operation("TestConnection", connections::test),
        operation("DescribeConnections", connections::describe),
        operation("DescribeReplicationTasks", tasks::describe),
        operation("CreateReplicationTask", tasks::create),
        operation("ModifyReplicationTask", tasks::modify),
        operation("StartReplicationTask", tasks::start),
        operation("StopReplicationTask", tasks::stop),
        operation("DeleteReplicationTask", tasks::delete),
        operation("DescribeTableStatistics", tables::describe),
        operation("ReloadTables", tables::reload),
        operation("StartReplicationTaskAssessmentRun", assessments::start),
        operation(
            "DescribeReplicationTaskAssessmentRuns",
            assessments::describe_runs,
        ),
        operation(
            "DescribeReplicationTaskIndividualAssessments",
            assessments::describe_checks,
        ),
        operation("CreateReplicationConfig", replications::create),
        operation("DescribeReplications", replications::describe),
        operation("StartReplication", replications::start),
        operation("StopReplication", replications::stop),
        operation("DeleteReplicationConfig", replications::delete),
        operation(
            "DescribeReplicationTableStatistics",
            replications::describe_tables,
        ),
        operation("ReloadReplicationTables", replications::reload),
    ],
};

type Serve = fn(&Call<'_>, &mut cutover_sim::cloud::Cloud) -> Result<Answer, Refusal>;

const fn operation(name: &'static str, serve: Serve) -> Operation {
    Operation { name, serve }
}

/// What every list is asked by.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Describe {
    filters: Vec<Filter>,
    max_records: Option<u32>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    name: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl From<Describe> for DmsQuery {
    fn from(asked: Describe) -> Self {
        let filters = asked.filters.into_iter();
        Self {
            filters: filters.map(|filter| (filter.name, filter.values)).collect(),
            max_records: asked.max_records,
            marker: asked.marker,
        }
    }
}

fn tags(tags: Vec<Tag>) -> BTreeMap<String, String> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn moment(at: Option<Timestamp>) -> Option<f64> {
    at.map(moments::seconds)
}

/// Answers with one member.
fn answer_one(name: &str, value: &impl Serialize) -> Answer {
    let value = serde_json::to_value(value).expect("keys are texts and numbers are finite");
    let mut result = Value::Object(Map::from_iter([(name.to_owned(), value)]));
    drop_nulls(&mut result);
    answer_json(&result)
}

/// Answers with a part of a list.
fn answer_page<T: Serialize>(name: &str, page: Vec<T>, marker: Option<String>) -> Answer {
    let page = serde_json::to_value(page).expect("keys are texts and numbers are finite");
    let members = [
        (name.to_owned(), page),
        (
            "Marker".to_owned(),
            marker.map_or(Value::Null, Value::String),
        ),
    ];
    let mut result = Value::Object(Map::from_iter(members));
    drop_nulls(&mut result);
    answer_json(&result)
}

/// Leaves out what is not there, as DMS does.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
