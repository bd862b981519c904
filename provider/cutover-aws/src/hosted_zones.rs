//! Hosted zones of Route 53: one call for each question, apart from paging.

mod record_sets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use aws_sdk_route53::Client as Route53;
use aws_sdk_route53::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_route53::types::{
    AlarmIdentifier, ChangeBatch, ChangeInfo, ChangeStatus, CloudWatchRegion, DelegationSet,
    HealthCheckConfig, HealthCheckType, HostedZoneConfig, InsufficientDataHealthStatus, RrType,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::operation::BuildError;
use cutover_core::Failure;
use cutover_core::shift::facts::ChangeState;
use cutover_core::shift::records::RecordSet;
use cutover_driver::{Answered, Applied, Batch, HealthCheck, HostedZones, Zone};

use crate::failure::{classify, unexpected};
use crate::sdk::{Client, Sdk};
use record_sets::{change_of, normal, record_set_of};

/// What stands beside a batch in the audit log; ours, and without business words, since many may read it.
const COMMENT: &str = "cutover";

/// How many pages of record sets or health checks are read before giving up: ours. A page holds 300 record sets or 100
/// health checks, so that this is far more than the quotas of an account allow by default.
const PAGES_MAX: usize = 100;

/// How the service says that a record set is not as a batch expects. Source: docs/FIGURES.md, "Route 53 change batches".
const CONFLICTS: [&str; 3] = [
    "but the values provided do not match the current values",
    "but it was not found",
    "but it already exists",
];

/// The hosted zones of the account of the configured credentials.
#[derive(Debug)]
pub struct AwsHostedZones {
    sdk: Sdk,
    route53: Client<Route53>,
}

impl AwsHostedZones {
    /// Makes the adapter; does not call anyone.
    pub fn new(sdk: &Sdk) -> Self {
        Self {
            sdk: sdk.clone(),
            route53: Client::new(sdk, |to| to.route53.as_ref(), Route53::new),
        }
    }

    async fn find_zone(&self, zone_id: &str) -> Result<Option<Zone>, Failure> {
        let action = "route53:GetHostedZone";
        let call = self.route53.get(action).await?.get_hosted_zone();
        let answer = match call.id(zone_id).send().await {
            Ok(answer) => answer,
            Err(error) if has_code(&error, "NoSuchHostedZone") => return Ok(None),
            Err(error) => return Err(classify(action, &error)),
        };
        let zone = answer.hosted_zone().ok_or_else(|| unexpected(action))?;
        let servers = answer.delegation_set().map(DelegationSet::name_servers);
        Ok(Some(Zone {
            name: normal(zone.name()),
            private: zone.config().is_some_and(HostedZoneConfig::private_zone),
            name_servers: servers
                .unwrap_or_default()
                .iter()
                .map(|it| normal(it))
                .collect(),
        }))
    }

    /// Reads record sets in walks: each begins at a name and goes on while what follows is asked for as well. Names that
    /// are neighbours, such as a name and one below it, so take one call together.
    async fn list_record_sets(
        &self,
        zone_id: &str,
        names: &[String],
    ) -> Result<Vec<RecordSet>, Failure> {
        let mut wanted: Vec<String> = names.iter().map(|name| normal(name)).collect();
        wanted.sort_by_cached_key(|name| backwards(name));
        let mut open: BTreeSet<String> = wanted.iter().cloned().collect();
        let mut found = vec![];
        for name in wanted {
            if open.contains(&name) {
                let sets = self.walk(zone_id, &name, &open).await?;
                open.remove(&name);
                for set in &sets {
                    open.remove(&set.name);
                }
                found.extend(sets);
            }
        }
        Ok(found)
    }

    /// Reads the record sets of a name, and of those that follow it without a gap at the ends of pages. A name is either
    /// read to its end or not at all.
    async fn walk(
        &self,
        zone_id: &str,
        name: &str,
        open: &BTreeSet<String>,
    ) -> Result<Vec<RecordSet>, Failure> {
        let action = "route53:ListResourceRecordSets";
        let client = self.route53.get(action).await?;
        let mut found = vec![];
        let mut from: (String, Option<RrType>, Option<String>) = (name.to_owned(), None, None);
        for _ in 0..PAGES_MAX {
            let page = client
                .list_resource_record_sets()
                .hosted_zone_id(zone_id)
                .start_record_name(&from.0)
                .set_start_record_type(from.1)
                .set_start_record_identifier(from.2)
                .send()
                .await
                .map_err(|error| classify(action, &error))?;
            let sets = page.resource_record_sets().iter().map(record_set_of);
            found.extend(sets.filter(|set| open.contains(&set.name)));
            let next = page.next_record_name().filter(|_| page.is_truncated());
            match next {
                Some(next) if open.contains(&normal(next)) => {
                    from = (
                        next.to_owned(),
                        page.next_record_type().cloned(),
                        page.next_record_identifier().map(str::to_owned),
                    );
                }
                _ => return Ok(found),
            }
        }
        Err(endless(action))
    }

    async fn change_record_sets(&self, batch: &Batch) -> Result<Applied, Failure> {
        let action = "route53:ChangeResourceRecordSets";
        let client = self.route53.get(action).await?;
        let mut changes = vec![];
        for change in &batch.changes {
            changes.push(change_of(change).map_err(|message| Failure::refused(action, message))?);
        }
        let changes = ChangeBatch::builder()
            .comment(COMMENT)
            .set_changes(Some(changes))
            .build()
            .map_err(|error| unsendable(action, &error))?;
        let call = client
            .change_resource_record_sets()
            .hosted_zone_id(&batch.zone_id);
        match call.change_batch(changes).send().await {
            Ok(answer) => {
                let info = answer.change_info().ok_or_else(|| unexpected(action))?;
                let id = bare(info.id()).to_owned();
                Ok(Applied::Accepted { id })
            }
            Err(error) => match said_of_batch(&error) {
                Some(message) if CONFLICTS.iter().any(|it| message.contains(it)) => {
                    Ok(Applied::Conflict { message })
                }
                Some(message) => Err(Failure::refused(
                    action,
                    format!("`InvalidChangeBatch`: {message}"),
                )),
                None => Err(classify(action, &error)),
            },
        }
    }

    async fn get_change(&self, id: &str) -> Result<ChangeState, Failure> {
        let action = "route53:GetChange";
        let call = self.route53.get(action).await?.get_change();
        match call.id(id).send().await {
            Ok(answer) => match answer.change_info().map(ChangeInfo::status) {
                Some(ChangeStatus::Pending) => Ok(ChangeState::Pending),
                Some(ChangeStatus::Insync) => Ok(ChangeState::Insync),
                _ => Err(unexpected(action)),
            },
            Err(error) if has_code(&error, "NoSuchChange") => Ok(ChangeState::Unknown),
            Err(error) => Err(classify(action, &error)),
        }
    }

    async fn create_health_check(&self, check: &HealthCheck) -> Result<String, Failure> {
        let action = "route53:CreateHealthCheck";
        let client = self.route53.get(action).await?;
        let region = match &check.region {
            Some(region) => region,
            None => self.sdk.region(action).await?,
        };
        let alarm = AlarmIdentifier::builder()
            .name(&check.alarm)
            .region(CloudWatchRegion::from(region))
            .build()
            .map_err(|error| unsendable(action, &error))?;
        let config = HealthCheckConfig::builder()
            .r#type(HealthCheckType::CloudwatchMetric)
            .alarm_identifier(alarm)
            // An alarm without data says nothing, which is no reason to move anybody.
            .insufficient_data_health_status(InsufficientDataHealthStatus::LastKnownStatus)
            .build()
            .map_err(|error| unsendable(action, &error))?;
        let call = client
            .create_health_check()
            .caller_reference(&check.reference);
        match call.health_check_config(config.clone()).send().await {
            Ok(answer) => {
                let made = answer.health_check().ok_or_else(|| unexpected(action))?;
                Ok(made.id().to_owned())
            }
            Err(error) if has_code(&error, "HealthCheckAlreadyExists") => {
                self.find_health_check(&check.reference, &config).await
            }
            Err(error) => Err(classify(action, &error)),
        }
    }

    /// Finds the health check that was made under a reference. The service has no question for it but the whole list.
    async fn find_health_check(
        &self,
        reference: &str,
        wish: &HealthCheckConfig,
    ) -> Result<String, Failure> {
        let action = "route53:ListHealthChecks";
        let client = self.route53.get(action).await?;
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let call = client.list_health_checks().set_marker(marker);
            let page = call
                .send()
                .await
                .map_err(|error| classify(action, &error))?;
            let mut checks = page.health_checks().iter();
            if let Some(found) = checks.find(|it| it.caller_reference() == reference) {
                let same = found.health_check_config().is_some_and(|config| {
                    config.r#type() == wish.r#type()
                        && config.alarm_identifier() == wish.alarm_identifier()
                });
                return if same {
                    Ok(found.id().to_owned())
                } else {
                    let id = found.id();
                    let message = format!(
                        "health check `{id}` was made under the same reference and follows something else"
                    );
                    Err(Failure::refused(action, message))
                };
            }
            marker = page.next_marker().map(str::to_owned);
            if marker.is_none() {
                let message = format!(
                    "reference `{reference}` belongs to a health check that is gone; it cannot be used again"
                );
                return Err(Failure::refused(action, message));
            }
        }
        Err(endless(action))
    }

    async fn remove_health_check(&self, id: &str) -> Result<(), Failure> {
        let action = "route53:DeleteHealthCheck";
        let call = self.route53.get(action).await?.delete_health_check();
        match call.health_check_id(id).send().await {
            Ok(_) => Ok(()),
            Err(error) if has_code(&error, "NoSuchHealthCheck") => Ok(()),
            Err(error) => Err(classify(action, &error)),
        }
    }
}

impl HostedZones for AwsHostedZones {
    fn fetch_zone<'a>(&'a self, zone_id: &'a str) -> Answered<'a, Option<Zone>> {
        Box::pin(self.find_zone(zone_id))
    }

    fn fetch_record_sets<'a>(
        &'a self,
        zone_id: &'a str,
        names: &'a [String],
    ) -> Answered<'a, Vec<RecordSet>> {
        Box::pin(self.list_record_sets(zone_id, names))
    }

    fn apply<'a>(&'a self, batch: &'a Batch) -> Answered<'a, Applied> {
        Box::pin(self.change_record_sets(batch))
    }

    fn fetch_change<'a>(&'a self, id: &'a str) -> Answered<'a, ChangeState> {
        Box::pin(self.get_change(id))
    }

    fn ensure_health_check<'a>(&'a self, check: &'a HealthCheck) -> Answered<'a, String> {
        Box::pin(self.create_health_check(check))
    }

    fn delete_health_check<'a>(&'a self, id: &'a str) -> Answered<'a, ()> {
        Box::pin(self.remove_health_check(id))
    }
}

/// What the service says about a batch that it refuses as invalid; `None` for any other error.
fn said_of_batch<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    if has_code(error, "InvalidChangeBatch") {
        return Some(error.message().unwrap_or_default().to_owned());
    }
    // Until 2024 the error had a form of its own, which the SDK does not read; stand-ins for the service keep it alive.
    let body = error.raw_response()?.body().bytes()?;
    let body = std::str::from_utf8(body).ok()?;
    body.contains("<InvalidChangeBatch").then(|| {
        let messages = body.split("<Message>").skip(1);
        let messages = messages.filter_map(|rest| Some(rest.split_once("</Message>")?.0));
        messages.collect::<Vec<_>>().join(", ")
    })
}

fn has_code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, code: &str) -> bool {
    error.code() == Some(code)
}

/// The id in an answer such as `/change/C1`.
fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The labels from the last to the first: what Route 53 sorts by, near enough to find neighbours.
fn backwards(name: &str) -> Vec<String> {
    name.rsplit('.').map(str::to_owned).collect()
}

fn unsendable(action: &'static str, error: &BuildError) -> Failure {
    Failure::refused(action, error.to_string())
}

fn endless(action: &'static str) -> Failure {
    Failure::refused(
        action,
        format!("the list has not ended after {PAGES_MAX} pages"),
    )
}
