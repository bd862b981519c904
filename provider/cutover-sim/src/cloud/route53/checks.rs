//! Health checks that follow alarms.

use cutover_core::Timestamp;

use super::super::{AlarmState, AwsError, Cloud, Service};

/// A health check to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateHealthCheck {
    /// Makes asking twice the same as asking once.
    pub caller_reference: String,
    /// `CLOUDWATCH_METRIC`; others are refused.
    pub kind: String,
    /// The alarm's name.
    pub alarm_name: String,
    /// The alarm's region.
    pub alarm_region: String,
    /// What insufficient data means: `Healthy`, `Unhealthy`, `LastKnownStatus`.
    pub insufficient_data: Option<String>,
    /// Whether healthy and unhealthy change places.
    pub inverted: bool,
    /// Whether it always counts as healthy.
    pub disabled: bool,
}

/// A health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheckInfo {
    /// Its id.
    pub id: String,
    /// What it was made of.
    pub check: CreateHealthCheck,
}

#[derive(Clone, Debug)]
pub(super) struct KeptCheck {
    info: HealthCheckInfo,
}

impl Cloud {
    /// Route 53: makes a health check; the same reference and settings return the one that was made.
    ///
    /// # Errors
    /// `HealthCheckAlreadyExists` for the same reference with other settings, `InvalidInput`.
    pub fn create_health_check(
        &mut self,
        now: Timestamp,
        input: &CreateHealthCheck,
    ) -> Result<HealthCheckInfo, AwsError> {
        let reference = &input.caller_reference;
        self.call(Service::Route53, "CreateHealthCheck", reference, now, |cloud| {
            input.check(cloud.has_alarm(&input.alarm_name))?;
            let mut kept = cloud.route53.checks.values().map(|kept| &kept.info);
            if let Some(found) = kept.find(|info| info.check.caller_reference == *reference) {
                return if found.check == *input {
                    Ok(found.clone())
                } else {
                    let message = format!("A health check with caller reference {reference} exists with other settings");
                    Err(AwsError::new("HealthCheckAlreadyExists", 409, message))
                };
            }
            let serial = cloud.next_serial();
            let info = HealthCheckInfo {
                id: format!("00000000-0000-4000-9000-{serial:012x}"),
                check: input.clone(),
            };
            let kept = KeptCheck { info: info.clone() };
            cloud.route53.checks.insert(info.id.clone(), kept);
            Ok(info)
        })
    }

    /// Route 53: reads a health check.
    ///
    /// # Errors
    /// `NoSuchHealthCheck` when there is none.
    pub fn get_health_check(
        &mut self,
        now: Timestamp,
        id: &str,
    ) -> Result<HealthCheckInfo, AwsError> {
        self.call(Service::Route53, "GetHealthCheck", id, now, |cloud| {
            let kept = cloud.route53.checks.get(id);
            kept.map(|kept| kept.info.clone())
                .ok_or_else(|| no_check(id))
        })
    }

    /// Route 53: removes a health check, even one that a record set names.
    ///
    /// # Errors
    /// `NoSuchHealthCheck` when there is none.
    pub fn delete_health_check(&mut self, now: Timestamp, id: &str) -> Result<(), AwsError> {
        self.call(Service::Route53, "DeleteHealthCheck", id, now, |cloud| {
            let gone = cloud.route53.checks.remove(id);
            gone.map(|_| ()).ok_or_else(|| no_check(id))
        })
    }

    /// Route 53: lists the health checks, in the order of their ids.
    ///
    /// # Errors
    /// What the script says.
    pub fn list_health_checks(&mut self, now: Timestamp) -> Result<Vec<HealthCheckInfo>, AwsError> {
        self.call(Service::Route53, "ListHealthChecks", "", now, |cloud| {
            Ok(cloud.health_checks())
        })
    }

    /// Returns the health checks that there are, without a call.
    pub fn health_checks(&self) -> Vec<HealthCheckInfo> {
        let kept = self.route53.checks.values();
        kept.map(|kept| kept.info.clone()).collect()
    }

    /// Tells whether a health check holds at a moment; one that is gone counts as healthy.
    pub(super) fn is_healthy(&self, id: &str, at: Timestamp) -> bool {
        let Some(KeptCheck { info }) = self.route53.checks.get(id) else {
            return true;
        };
        if info.check.disabled {
            return true;
        }
        let by_data = |state| match state {
            AlarmState::Ok => Some(true),
            AlarmState::Alarm => Some(false),
            AlarmState::InsufficientData => None,
        };
        let name = &info.check.alarm_name;
        let now = self.alarm_data_state(name, at).and_then(by_data);
        let healthy = now.unwrap_or_else(|| match info.check.insufficient_data.as_deref() {
            Some("Healthy") => true,
            Some("Unhealthy") => false,
            // AWS: the last state for which there was data; healthy before there was any.
            _ => self
                .alarm_last_known(name, at)
                .and_then(by_data)
                .unwrap_or(true),
        });
        healthy != info.check.inverted
    }
}

impl CreateHealthCheck {
    fn check(&self, alarm_exists: bool) -> Result<(), AwsError> {
        let invalid = |message: &str| Err(AwsError::bad("InvalidInput", message));
        if !(1..=64).contains(&self.caller_reference.len()) {
            return invalid("Invalid parameter: CallerReference must have 1 to 64 characters");
        }
        if self.kind != "CLOUDWATCH_METRIC" {
            return invalid("Invalid parameter: Type");
        }
        if !matches!(
            self.insufficient_data.as_deref(),
            None | Some("Healthy" | "Unhealthy" | "LastKnownStatus")
        ) {
            return invalid("Invalid parameter: InsufficientDataHealthStatus");
        }
        if !alarm_exists {
            return invalid(
                "The CloudWatch alarm that the health check is to follow does not exist",
            );
        }
        Ok(())
    }
}

fn no_check(id: &str) -> AwsError {
    let message = format!("No health check exists with the specified ID: {id}");
    AwsError::new("NoSuchHealthCheck", 404, message)
}
