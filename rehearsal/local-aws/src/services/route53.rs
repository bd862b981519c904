//! Route 53: zones, record sets, changes and health checks.

mod checks;
mod record;

use cutover_sim::cloud::{ChangeInfo, Cloud, HostedZone, ListRecordSets, RecordSetPage};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::{Call, Operation, Service};
use crate::answer::Answer;
use crate::moments;
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::xml;
use record::{RecordSet, RecordSets};

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

pub(super) const SERVICE: Service = Service {
    scope: "route53",
    protocol: Protocol::RestXml,
    namespace: NAMESPACE,
    version: "2013-04-01",
    operations: &[
        Operation {
            name: "GetHostedZone",
            serve: get_hosted_zone,
        },
        Operation {
            name: "ListResourceRecordSets",
            serve: list_resource_record_sets,
        },
        Operation {
            name: "ChangeResourceRecordSets",
            serve: change_resource_record_sets,
        },
        Operation {
            name: "GetChange",
            serve: get_change,
        },
        Operation {
            name: "CreateHealthCheck",
            serve: checks::create,
        },
        Operation {
            name: "GetHealthCheck",
            serve: checks::get,
        },
        Operation {
            name: "DeleteHealthCheck",
            serve: checks::delete,
        },
        Operation {
            name: "ListHealthChecks",
            serve: checks::list,
        },
    ],
};

/// Finds the operation that a method and a path name, and the id in the path.
pub(super) fn find<'p>(method: &Method, path: &'p str) -> Option<(&'static str, &'p str)> {
    let path = path.strip_prefix("/2013-04-01/")?;
    let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let named = match (method.as_str(), parts.as_slice()) {
        ("GET", ["hostedzone", id]) => ("GetHostedZone", *id),
        ("GET", ["hostedzone", id, "rrset"]) => ("ListResourceRecordSets", *id),
        ("POST", ["hostedzone", id, "rrset"]) => ("ChangeResourceRecordSets", *id),
        ("GET", ["change", id]) => ("GetChange", *id),
        ("POST", ["healthcheck"]) => ("CreateHealthCheck", ""),
        ("GET", ["healthcheck"]) => ("ListHealthChecks", ""),
        ("GET", ["healthcheck", id]) => ("GetHealthCheck", *id),
        ("DELETE", ["healthcheck", id]) => ("DeleteHealthCheck", *id),
        _ => return None,
    };
    Some(named)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetHostedZoneResponse {
    hosted_zone: Zone,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegation_set: Option<DelegationSet>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Zone {
    id: String,
    name: String,
    caller_reference: String,
    config: ZoneConfig,
    resource_record_set_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ZoneConfig {
    private_zone: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DelegationSet {
    name_servers: NameServers,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NameServers {
    name_server: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListResourceRecordSetsResponse {
    resource_record_sets: RecordSets,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_record_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_record_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_record_identifier: Option<String>,
    max_items: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeRequest {
    change_batch: ChangeBatch,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeBatch {
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    changes: Changes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Changes {
    #[serde(default)]
    change: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Change {
    action: String,
    resource_record_set: RecordSet,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeResponse {
    change_info: Info,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    id: String,
    status: &'static str,
    submitted_at: String,
}

fn get_hosted_zone(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let zone = cloud.get_hosted_zone(call.now, call.resource)?;
    Ok(answer("GetHostedZoneResponse", &render_zone(zone)))
}

fn list_resource_record_sets(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let text = |name| call.parameters.text(name).map(str::to_owned);
    let input = ListRecordSets {
        start_name: text("name"),
        start_type: text("type"),
        start_identifier: text("identifier"),
        max_items: call.parameters.parsed("maxitems")?,
    };
    let page = cloud.list_resource_record_sets(call.now, call.resource, &input)?;
    Ok(answer("ListResourceRecordSetsResponse", &render_page(page)))
}

fn change_resource_record_sets(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let request: ChangeRequest = xml::parse(call.body)?;
    let changes = request
        .change_batch
        .changes
        .change
        .into_iter()
        .map(|change| {
            Ok::<_, Refusal>(cutover_sim::cloud::Change {
                action: record::read_action(&change.action)?,
                set: change.resource_record_set.into(),
            })
        });
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let info = cloud.change_resource_record_sets(call.now, call.resource, &changes)?;
    Ok(answer(
        "ChangeResourceRecordSetsResponse",
        &render_change(&info),
    ))
}

fn get_change(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let info = cloud.get_change(call.now, call.resource)?;
    Ok(answer("GetChangeResponse", &render_change(&info)))
}

fn answer(root: &str, content: &impl Serialize) -> Answer {
    Answer::ok(xml::render(root, NAMESPACE, content))
}

fn render_zone(zone: HostedZone) -> GetHostedZoneResponse {
    let delegation_set = (!zone.private).then_some(DelegationSet {
        name_servers: NameServers {
            name_server: zone.name_servers,
        },
    });
    GetHostedZoneResponse {
        hosted_zone: Zone {
            id: format!("/hostedzone/{}", zone.id),
            name: zone.name,
            caller_reference: zone.caller_reference,
            config: ZoneConfig {
                private_zone: zone.private,
            },
            resource_record_set_count: zone.record_count,
        },
        delegation_set,
    }
}

fn render_page(page: RecordSetPage) -> ListResourceRecordSetsResponse {
    ListResourceRecordSetsResponse {
        resource_record_sets: page.sets.into_iter().map(RecordSet::from).collect(),
        is_truncated: page.is_truncated,
        next_record_name: page.next_name,
        next_record_type: page.next_type,
        next_record_identifier: page.next_identifier,
        max_items: page.max_items,
    }
}

fn render_change(info: &ChangeInfo) -> ChangeResponse {
    ChangeResponse {
        change_info: Info {
            id: format!("/change/{}", info.id),
            status: if info.insync { "INSYNC" } else { "PENDING" },
            submitted_at: moments::iso(info.submitted_at),
        },
    }
}
