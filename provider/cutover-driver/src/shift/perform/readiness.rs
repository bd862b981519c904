//! Whether a step can be entered: everything around the shift, gathered at once and judged by the core.

use std::collections::BTreeMap;

use cutover_core::shift::facts::Fact;
use cutover_core::shift::gates::Side;
use cutover_core::shift::preflight::{Probe, Surroundings, check_surroundings};
use cutover_core::shift::sources::{self, Fitness};
use cutover_core::shift::spec::Router;
use cutover_core::{Failure, FailureClass, Timestamp};
use futures_util::future::try_join_all;
use tokio::try_join;

use super::{Got, Shifting, names_of};
use crate::Targets;

/// What the gates and counts say before a step.
struct Measured {
    probes: Vec<Probe>,
    requests_per_second: Option<f64>,
}

/// The targets of both sides.
struct Counted {
    old: BTreeMap<String, Targets>,
    new: BTreeMap<String, Targets>,
}

impl Shifting {
    pub(super) async fn fetch_readiness(&self, step: usize) -> Got<Fact> {
        let now = self.clock.now();
        let (around, measured, counted, credentials_end) = try_join!(
            self.router_around(),
            self.probe(step, now),
            self.count_targets(),
            self.traffic.credentials.fetch_end(),
        )?;
        let has_begun = self.known().has_begun;
        let new_unfit = match sources::fitness(&self.spec.router, has_begun, &counted.new) {
            Fitness::Fit => None,
            Fitness::Unfit(reason) => Some(reason),
            Fitness::Unchecked(message) => {
                return Err(Failure {
                    class: FailureClass::Unavailable,
                    action: "elasticloadbalancing:DescribeTargetHealth",
                    message,
                });
            }
        };
        let around = Surroundings {
            gates: measured.probes,
            requests_per_second: measured.requests_per_second,
            credentials_end,
            new_unfit,
            ..around
        };
        let problems = check_surroundings(&self.spec, &self.plan, &around, now);
        self.known().problems.clone_from(&problems);
        let old_is_warm = self.is_warm(&counted.old);
        Ok(Fact::Ready {
            problems,
            old_is_warm,
        })
    }

    async fn router_around(&self) -> Got<Surroundings> {
        let router = &self.spec.router;
        match router {
            Router::Route53 { zone_id, .. } => {
                let (zone, sets) = try_join!(self.traffic.zones.fetch_zone(zone_id), async {
                    Ok(self.fetch_sets(zone_id).await)
                })?;
                let router_unusable = match &zone {
                    None => Some(format!("there is no hosted zone `{zone_id}`")),
                    Some(zone) if zone.private => {
                        Some("the zone is private, and its servers cannot be asked".to_owned())
                    }
                    Some(_) => None,
                };
                // Without a zone there is nothing to read in it.
                let sets = if zone.is_none() { Vec::new() } else { sets? };
                let mut known = self.known();
                known.zone = zone;
                Ok(Surroundings {
                    router_unusable,
                    records: sources::surrounding(router, &sets, known.has_begun),
                    ..Surroundings::default()
                })
            }
            Router::Alb { rule_arn, .. } => {
                let rule = self.traffic.rules.fetch_rule(rule_arn).await?;
                let router_unusable = rule
                    .is_none()
                    .then(|| format!("there is no rule `{rule_arn}`"));
                Ok(Surroundings {
                    router_unusable,
                    stickiness: rule.and_then(|rule| rule.stickiness),
                    ..Surroundings::default()
                })
            }
        }
    }

    /// Looks whether everything that will be judged has data, and how many requests there are.
    async fn probe(&self, step: usize, now: Timestamp) -> Got<Measured> {
        let asked = sources::queries(&self.spec, &self.sources, step);
        let requests = sources::request_queries(&self.sources);
        let wire = sources::wire(
            asked
                .iter()
                .flat_map(|(_, queries)| queries)
                .chain(requests.iter().map(|(_, query)| query)),
        );
        let alarms = sources::alarms(&self.spec, &self.sources, step);
        let names = names_of(&alarms);
        let from = now.before(sources::ALIVE_WITHIN);
        let (answers, alarms_read) =
            try_join!(self.fetch_wire(&wire, from, now), self.fetch_alarms(&names))?;
        let failed = |message| Failure {
            class: FailureClass::Unavailable,
            action: "cloudwatch:GetMetricData",
            message,
        };
        let series = sources::readings(&asked, &wire, &answers);
        let alarms = alarms
            .into_iter()
            .map(|(gate, alarm)| (gate, alarms_read.get(&alarm).cloned()))
            .collect();
        let probes = sources::probes(&self.spec, step, &self.sources.overall, &series, &alarms)
            .map_err(failed)?;
        let (old, new) = sources::split(&requests, &wire, &answers, from).map_err(failed)?;
        let requests_per_second =
            (!requests.is_empty()).then(|| (old + new) / sources::ALIVE_WITHIN.as_secs_f64());
        Ok(Measured {
            probes,
            requests_per_second,
        })
    }

    async fn count_targets(&self) -> Got<Counted> {
        let (old, new) = try_join!(self.count_side(Side::Old), self.count_side(Side::New))?;
        Ok(Counted { old, new })
    }

    async fn count_side(&self, side: Side) -> Got<BTreeMap<String, Targets>> {
        let counted = self.groups_of(side).into_iter().map(|arn| async move {
            let targets = self.traffic.rules.fetch_targets(&arn).await?;
            Ok((arn, targets))
        });
        Ok(try_join_all(counted).await?.into_iter().collect())
    }

    /// The groups whose targets are counted; those of a rule are known without being named.
    fn groups_of(&self, side: Side) -> Vec<String> {
        let named = self.sources.target_groups.get(&side);
        match (&self.spec.router, named) {
            (_, Some(named)) if !named.is_empty() => named.clone(),
            (
                Router::Alb {
                    old_arn, new_arn, ..
                },
                _,
            ) => match side {
                Side::Old => vec![old_arn.clone()],
                Side::New => vec![new_arn.clone()],
            },
            (Router::Route53 { .. }, _) => Vec::new(),
        }
    }

    /// Tells whether old can take everything: each group has healthy targets, and not fewer than at the start are
    /// registered.
    fn is_warm(&self, old: &BTreeMap<String, Targets>) -> bool {
        let mut known = self.known();
        old.iter().all(|(arn, targets)| {
            let at_start = *known
                .registered
                .entry(arn.clone())
                .or_insert(targets.registered);
            targets.healthy > 0 && targets.registered >= at_start
        })
    }
}
