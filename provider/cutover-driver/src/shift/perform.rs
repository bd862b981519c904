//! Performs what a shift asks for: few calls, and those that do not need each other at the same time.

mod locked;
mod readiness;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover_core::shift::facts::{
    Act, Change, ChangeState, Command, Control, EntryGate, Fact, JournalRead, Live,
};
use cutover_core::shift::gates::{AlarmReading, Reading, Readings, SeriesId};
use cutover_core::shift::locks;
use cutover_core::shift::plan::{Plan, plan};
use cutover_core::shift::problem::Problem;
use cutover_core::shift::records::RecordSet;
use cutover_core::shift::rules::Rule;
use cutover_core::shift::sources::{self, Asked, EntrySource, Learned, Query, Sources};
use cutover_core::shift::spec::{Router, Spec};
use cutover_core::shift::{records, rules};
use cutover_core::weights::WeightPair;
use cutover_core::{Failure, FailureClass, Timestamp};
use futures_util::future::{BoxFuture, join, join_all, try_join_all};

use crate::{Applied, Batch, Clock, HealthCheck, Perform, Question, Traffic, Zone};

/// What acts when this program is gone: a health check on the members of new that follows an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The alarm's name.
    pub alarm: String,
    /// The alarm's region; `None`: the region of the credentials.
    pub region: Option<String>,
}

/// Performs the commands of a shift over the ports.
#[derive(Debug)]
pub struct Shifting {
    traffic: Traffic,
    clock: Arc<dyn Clock>,
    spec: Spec,
    plan: Plan,
    sources: Sources,
    guard: Option<Guard>,
    /// Never held across an await.
    known: Mutex<Known>,
}

/// What was learned on the way.
#[derive(Debug, Default)]
struct Known {
    zone: Option<Zone>,
    /// What was last read of the fence in a table.
    lock: Option<locks::Seen>,
    /// The guard's health check, once this run has made or found it.
    health_check: Option<String>,
    /// Whether the shift has a journal, so that the members are its own.
    has_begun: bool,
    /// How many targets each group of old had when they were first counted.
    registered: BTreeMap<String, u32>,
    problems: Vec<Problem>,
}

/// What a call gave, or the fact that it came to nothing.
type Got<T> = Result<T, Failure>;

impl Shifting {
    /// Makes the performer of a shift's commands.
    pub fn new(
        traffic: Traffic,
        clock: Arc<dyn Clock>,
        spec: Spec,
        sources: Sources,
        guard: Option<Guard>,
    ) -> Self {
        Self {
            traffic,
            clock,
            plan: plan(&spec, None),
            spec,
            sources,
            guard,
            known: Mutex::default(),
        }
    }

    /// Returns what was last found to stand against a step, warnings included.
    pub fn problems(&self) -> Vec<Problem> {
        self.known().problems.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, command: &Command) -> Got<Fact> {
        Ok(match command {
            Command::FetchLive => Fact::Live(self.fetch_live().await?),
            Command::FetchReadiness { step } => self.fetch_readiness(*step).await?,
            Command::FetchEntryGates { step } => Fact::EntryGates(self.entry_gates(*step).await),
            Command::Apply(change) => self.apply(change).await?,
            Command::FetchChange { id } => Fact::Change(self.fetch_change(id).await?),
            Command::SampleAnswers { pair } => Fact::Sampled(self.sample(*pair).await?),
            Command::Measure { step, from, until } => {
                Fact::Measured(self.measure(*step, *from, *until).await?)
            }
            Command::FetchSplit { from, until } => self.fetch_split(*from, *until).await?,
            Command::FetchControl => Fact::Control(self.fetch_control().await?),
            Command::CloseNew => self.close_new().await?,
            Command::FetchReverseLag => self.fetch_reverse_lag().await?,
        })
    }

    async fn fetch_sets(&self, zone_id: &str) -> Got<Vec<RecordSet>> {
        let names = records::names(&self.spec.router);
        self.traffic.zones.fetch_record_sets(zone_id, &names).await
    }

    async fn fetch_rule(&self, rule_arn: &str) -> Got<Rule> {
        let rule = self.traffic.rules.fetch_rule(rule_arn).await?;
        rule.ok_or_else(|| {
            Failure::refused(
                "elasticloadbalancing:DescribeRules",
                "there is no such rule",
            )
        })
    }

    async fn fetch_live(&self) -> Got<Live> {
        let live = match &self.spec.router {
            Router::Route53 { zone_id, .. } => {
                let sets = self.fetch_sets(zone_id).await?;
                let health_check = self.known().health_check.clone();
                records::read(&self.spec.router, health_check.as_deref(), &sets)
            }
            Router::Alb { rule_arn, .. } => match &self.spec.policy.lock_table {
                Some(table) => self.fetch_locked(rule_arn, table).await?,
                None => rules::read(&self.spec.router, &self.fetch_rule(rule_arn).await?),
            },
        };
        self.known().has_begun = matches!(
            &live.journal,
            JournalRead::Entry(entry) if entry.shift == self.spec.id && !entry.mark.is_over()
        );
        Ok(live)
    }

    async fn apply(&self, change: &Change) -> Got<Fact> {
        let applied = match &self.spec.router {
            Router::Route53 { zone_id, .. } => self.apply_batch(zone_id, change).await?,
            Router::Alb { .. } => {
                if let Some(table) = &self.spec.policy.lock_table {
                    self.apply_locked(table, change).await?
                } else {
                    let change = rules::change(&self.spec.router, change);
                    self.traffic.rules.apply(&change).await?
                }
            }
        };
        Ok(match applied {
            Applied::Accepted { id } => {
                self.known().has_begun = !change.entry.mark.is_over();
                Fact::Accepted { id }
            }
            Applied::Conflict { message } => {
                tracing::debug!(message, "the router refuses a change");
                Fact::Conflict
            }
            Applied::Queued => Fact::Queued,
        })
    }

    async fn apply_batch(&self, zone_id: &str, change: &Change) -> Got<Applied> {
        let urgent = matches!(change.act, Act::Return(_));
        // Going back waits for nothing, and needs no guard any more.
        let health_check = if urgent {
            None
        } else {
            self.ensure_guard().await?
        };
        let batch = Batch {
            zone_id: zone_id.to_owned(),
            changes: records::batch(&self.spec.router, health_check.as_deref(), change),
            urgent,
        };
        let applied = self.traffic.zones.apply(&batch).await?;
        if matches!(change.act, Act::Finish { .. }) && matches!(applied, Applied::Accepted { .. }) {
            self.remove_guard().await;
        }
        Ok(applied)
    }

    /// Makes the guard before anything is written, or finds the one of an earlier run; returns its id.
    async fn ensure_guard(&self) -> Got<Option<String>> {
        let Some(guard) = &self.guard else {
            return Ok(None);
        };
        let known = self.known().health_check.clone();
        if known.is_some() {
            return Ok(known);
        }
        let check = HealthCheck {
            reference: self.spec.id.clone(),
            alarm: guard.alarm.clone(),
            region: guard.region.clone(),
        };
        let id = self.traffic.zones.ensure_health_check(&check).await?;
        self.known().health_check = Some(id.clone());
        Ok(Some(id))
    }

    /// Takes the guard away. What is left of it costs little and does nothing, so a failure is only noted.
    async fn remove_guard(&self) {
        let Some(id) = self.known().health_check.take() else {
            return;
        };
        if let Err(failure) = self.traffic.zones.delete_health_check(&id).await {
            tracing::warn!(?failure, "a health check is left over");
        }
    }

    async fn fetch_change(&self, id: &str) -> Got<ChangeState> {
        match &self.spec.router {
            Router::Route53 { .. } => self.traffic.zones.fetch_change(id).await,
            // A rule's change has no name to ask by; what the rule answers tells.
            Router::Alb { .. } => Ok(ChangeState::Unknown),
        }
    }

    async fn sample(&self, pair: WeightPair) -> Got<bool> {
        let (zone_id, records) = match &self.spec.router {
            Router::Route53 {
                zone_id, records, ..
            } => (zone_id, records),
            Router::Alb { .. } => return Ok(self.fetch_live().await?.has(pair)),
        };
        let zone = self.fetch_zone(zone_id).await?;
        let servers = u32::try_from(zone.name_servers.len()).unwrap_or(u32::MAX);
        let questions: Vec<Question> = records
            .iter()
            .flat_map(|record| record.types.iter().map(move |of| (record, of)))
            .map(|(record, record_type)| Question {
                servers: zone.name_servers.clone(),
                name: record.name.clone(),
                record_type: record_type.name().to_owned(),
                old: record.old.answer.clone(),
                new: record.new.answer.clone(),
                times: sources::draws(pair).div_ceil(servers.max(1)),
            })
            .collect();
        let asked = questions
            .iter()
            .map(|question| self.traffic.name_servers.sample(question));
        let samples = try_join_all(asked).await?;
        Ok(samples
            .iter()
            .all(|sample| sources::agree(pair, sample.old, sample.new, sample.other)))
    }

    async fn fetch_zone(&self, zone_id: &str) -> Got<Zone> {
        let known = self.known().zone.clone();
        if let Some(zone) = known {
            return Ok(zone);
        }
        let zone = self.traffic.zones.fetch_zone(zone_id).await?;
        let zone = zone.ok_or_else(|| {
            Failure::refused("route53:GetHostedZone", "there is no such hosted zone")
        })?;
        self.known().zone = Some(zone.clone());
        Ok(zone)
    }

    /// Reads everything in one call for metrics and one for alarms. What could not be read is part of the answer, unless
    /// that is everything.
    async fn measure(&self, step: usize, from: Timestamp, until: Timestamp) -> Got<Readings> {
        let asked = sources::queries(&self.spec, &self.sources, step);
        let alarms = sources::alarms(&self.spec, &self.sources, step);
        let names = names_of(&alarms);
        let (series, alarms_read) = join(
            self.fetch_series(&asked, from, until),
            self.fetch_alarms(&names),
        )
        .await;
        if let (Err(failure), true) = (&series, names.is_empty() || alarms_read.is_err()) {
            return Err(failure.clone());
        }
        let series = series.unwrap_or_else(|failure| {
            let failed = |(id, _): &Asked| (id.clone(), Reading::Failed(failure.message.clone()));
            asked.iter().map(failed).collect()
        });
        let alarms = match alarms_read {
            Ok(read) => sources::alarm_readings(&alarms, &read),
            Err(failure) if asked.is_empty() => return Err(failure),
            Err(failure) => alarms
                .keys()
                .map(|gate| (gate.clone(), AlarmReading::Failed(failure.message.clone())))
                .collect(),
        };
        Ok(Readings { series, alarms })
    }

    async fn fetch_series(
        &self,
        asked: &[Asked],
        from: Timestamp,
        until: Timestamp,
    ) -> Got<BTreeMap<SeriesId, Reading>> {
        let wire = sources::wire(asked.iter().flat_map(|(_, queries)| queries));
        let answers = self.fetch_wire(&wire, from, until).await?;
        Ok(sources::readings(asked, &wire, &answers))
    }

    async fn fetch_wire(
        &self,
        wire: &[Query],
        from: Timestamp,
        until: Timestamp,
    ) -> Got<Vec<Reading>> {
        if wire.is_empty() {
            return Ok(Vec::new());
        }
        self.traffic.metrics.fetch_series(wire, from, until).await
    }

    async fn fetch_alarms(&self, names: &[String]) -> Got<BTreeMap<String, AlarmReading>> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.traffic.metrics.fetch_alarms(names).await
    }

    async fn fetch_split(&self, from: Timestamp, until: Timestamp) -> Got<Fact> {
        let asked = sources::request_queries(&self.sources);
        let wire = sources::wire(asked.iter().map(|(_, query)| query));
        let answers = self.fetch_wire(&wire, from, until).await?;
        let (old, new) =
            sources::split(&asked, &wire, &answers, from).map_err(|message| Failure {
                class: FailureClass::Unavailable,
                action: "cloudwatch:GetMetricData",
                message,
            })?;
        Ok(Fact::Split { old, new })
    }

    async fn entry_gates(&self, step: usize) -> Vec<EntryGate> {
        let names = self.spec.steps.get(step).map(|step| &step.entry_gates);
        let names = names.map(Vec::as_slice).unwrap_or_default();
        let gates = names.iter().map(|name| async move {
            let source = self.sources.entry_gates.get(name);
            let learned = match source {
                Some(source) => self
                    .learn(source)
                    .await
                    .unwrap_or_else(|failure| Learned::Failed(failure.message)),
                None => Learned::Failed("nothing was read".to_owned()),
            };
            sources::entry_gate(name, source, &learned)
        });
        join_all(gates).await
    }

    async fn learn(&self, source: &EntrySource) -> Got<Learned> {
        Ok(match source {
            EntrySource::DmsTask { arn, .. } => Learned::Task(self.traffic.tasks.fetch(arn).await?),
            EntrySource::Alarm { name } => {
                let names = [name.clone()];
                let mut read = self.traffic.metrics.fetch_alarms(&names).await?;
                Learned::Alarm(read.remove(name))
            }
            EntrySource::Parameter { name, .. } => {
                Learned::Parameter(self.traffic.parameters.fetch(name).await?)
            }
        })
    }

    async fn fetch_control(&self) -> Got<Control> {
        const ACTION: &str = "ssm:GetParameter";
        let Some(name) = &self.spec.policy.control_parameter else {
            return Err(Failure::refused(ACTION, "no parameter is named"));
        };
        let value = self.traffic.parameters.fetch(name).await?;
        let value = value.ok_or_else(|| Failure::refused(ACTION, "there is no such parameter"))?;
        Ok(Control::parse(&value))
    }

    async fn close_new(&self) -> Got<Fact> {
        let Some(name) = &self.sources.write_fence_parameter else {
            return Err(Failure::refused(
                "ssm:PutParameter",
                "no parameter is named",
            ));
        };
        let closed = self.traffic.parameters.put(name, sources::CLOSED);
        closed.await?;
        Ok(Fact::NewClosed)
    }

    async fn fetch_reverse_lag(&self) -> Got<Fact> {
        const ACTION: &str = "dms:DescribeReplicationTasks";
        let Some(arn) = &self.sources.reverse_task else {
            return Err(Failure::refused(ACTION, "no task is named"));
        };
        let task = self.traffic.tasks.fetch(arn).await?;
        let task = task.ok_or_else(|| Failure::refused(ACTION, "there is no such task"))?;
        match task.lag.filter(|_| task.is_running()) {
            Some(lag) => Ok(Fact::ReverseLag { lag, rows: None }),
            None => Err(Failure {
                class: FailureClass::Unavailable,
                action: ACTION,
                message: format!("the task is `{}`, and its lag is not known", task.status),
            }),
        }
    }
}

impl Perform<Command, Fact> for Shifting {
    fn perform<'a>(&'a self, command: &'a Command) -> BoxFuture<'a, Fact> {
        Box::pin(async move { self.answer(command).await.unwrap_or_else(Fact::Failed) })
    }

    fn only_looks(&self, command: &Command) -> bool {
        !matches!(command, Command::Apply(_) | Command::CloseNew)
    }
}

/// The names of alarms, each once.
fn names_of(alarms: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = alarms.values().cloned().collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
