//! Health checks as Route 53's XML has them.

use cutover_sim::cloud::{Cloud, CreateHealthCheck, HealthCheckInfo};
use hyper::header::LOCATION;
use serde::{Deserialize, Serialize};

use super::answer;
use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::services::{Call, Nothing};
use crate::xml;

/// The most health checks of a page: AWS's limit.
const PAGE_MAX: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateRequest {
    caller_reference: String,
    health_check_config: Config,
}

/// What a health check looks at. Members that only other kinds of checks have are refused.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Config {
    r#type: String,
    #[serde(default)]
    inverted: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alarm_identifier: Option<AlarmIdentifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    insufficient_data_health_status: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AlarmIdentifier {
    region: String,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HealthCheckResponse {
    health_check: Check,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Check {
    id: String,
    caller_reference: String,
    health_check_config: Config,
    health_check_version: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListResponse {
    health_checks: HealthChecks,
    marker: String,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    max_items: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HealthChecks {
    health_check: Vec<Check>,
}

pub(super) fn create(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let request: CreateRequest = xml::parse(call.body)?;
    let config = request.health_check_config;
    let Some(alarm) = config.alarm_identifier else {
        let message = "Invalid parameter: AlarmIdentifier";
        return Err(Refusal::sender("InvalidInput", message));
    };
    let input = CreateHealthCheck {
        caller_reference: request.caller_reference,
        kind: config.r#type,
        alarm_name: alarm.name,
        alarm_region: alarm.region,
        insufficient_data: config.insufficient_data_health_status,
        inverted: config.inverted,
        disabled: config.disabled,
    };
    let made = cloud.create_health_check(call.now, &input)?;
    let location = format!(
        "https://route53.amazonaws.com/2013-04-01/healthcheck/{}",
        made.id
    );
    let body = xml::render(
        "CreateHealthCheckResponse",
        super::NAMESPACE,
        &respond(made),
    );
    let mut answer = Answer::new(201, body);
    answer.header(LOCATION, &location);
    Ok(answer)
}

pub(super) fn get(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let found = cloud.get_health_check(call.now, call.resource)?;
    Ok(answer("GetHealthCheckResponse", &respond(found)))
}

pub(super) fn delete(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    cloud.delete_health_check(call.now, call.resource)?;
    Ok(answer("DeleteHealthCheckResponse", &Nothing {}))
}

pub(super) fn list(call: &Call<'_>, cloud: &mut Cloud) -> Result<Answer, Refusal> {
    let marker = call
        .parameters
        .text("marker")
        .unwrap_or_default()
        .to_owned();
    let wanted = call.parameters.parsed("maxitems")?;
    let max_items = wanted.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let mut checks = cloud.list_health_checks(call.now)?.into_iter();
    let mut rest = checks.by_ref().skip_while(|check| check.id < marker);
    let page = rest.by_ref().take(max_items).map(render).collect();
    let next_marker = rest.next().map(|check| check.id);
    let response = ListResponse {
        health_checks: HealthChecks { health_check: page },
        marker,
        is_truncated: next_marker.is_some(),
        next_marker,
        max_items,
    };
    Ok(answer("ListHealthChecksResponse", &response))
}

fn respond(info: HealthCheckInfo) -> HealthCheckResponse {
    HealthCheckResponse {
        health_check: render(info),
    }
}

fn render(info: HealthCheckInfo) -> Check {
    let check = info.check;
    Check {
        id: info.id,
        caller_reference: check.caller_reference,
        health_check_config: Config {
            r#type: check.kind,
            inverted: check.inverted,
            disabled: check.disabled,
            alarm_identifier: Some(AlarmIdentifier {
                region: check.alarm_region,
                name: check.alarm_name,
            }),
            insufficient_data_health_status: check.insufficient_data,
        },
        health_check_version: 1,
    }
}
