//! Alarms.

use std::time::Duration;

use cutover_core::Timestamp;

use super::super::{AwsError, Cloud, Service};
use super::MetricKey;
use super::stats::Stat;

/// The state of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// `OK`.
    Ok,
    /// `ALARM`.
    Alarm,
    /// `INSUFFICIENT_DATA`.
    InsufficientData,
}

impl AlarmState {
    /// Returns it as CloudWatch writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// What an alarm follows.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmMetric {
    /// The metric.
    pub key: MetricKey,
    /// The statistic.
    pub stat: String,
    /// The length of a period, in seconds.
    pub period_seconds: u32,
    /// How many of the last periods are looked at.
    pub evaluation_periods: u32,
    /// How many of them breach for an alarm.
    pub datapoints_to_alarm: u32,
    /// The threshold.
    pub threshold: f64,
    /// How values are compared to it.
    pub comparison: Comparison,
    /// What a period without data means: `missing`, `notBreaching`, `breaching`.
    pub treat_missing_data: String,
}

/// How a value is compared to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `GreaterThanThreshold`.
    Greater,
    /// `GreaterThanOrEqualToThreshold`.
    GreaterOrEqual,
    /// `LessThanThreshold`.
    Less,
    /// `LessThanOrEqualToThreshold`.
    LessOrEqual,
}

/// An alarm as it is described.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its state.
    pub state: AlarmState,
    /// Since when.
    pub state_updated_at: Timestamp,
    /// Why.
    pub state_reason: String,
    /// What is wrong with its evaluation: `EVALUATION_FAILURE`, `EVALUATION_ERROR`, `PARTIAL_DATA`.
    pub evaluation_state: Option<String>,
    /// What it follows.
    pub metric: Option<AlarmMetric>,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    made_at: Timestamp,
    metric: Option<AlarmMetric>,
    /// What its data say, from when on, for an alarm without a metric.
    data: Vec<(Timestamp, AlarmState)>,
    /// What it was set to by hand.
    set: Option<(Timestamp, AlarmState, String)>,
    evaluation_state: Option<String>,
}

/// How often an alarm is evaluated: AWS's figure for periods of a minute and more.
const EVALUATED_EVERY: Duration = Duration::from_mins(1);

/// The longest name of an alarm in characters, and the longest span that it looks at in seconds: AWS's limits. Periods of
/// an hour and more could span a week; ours is the stricter one.
const NAME_MAX: usize = 255;
const EVALUATED_SECONDS_MAX: u64 = 86_400;

/// How many periods are looked back for a change of state; ours.
const LOOKED_BACK: u32 = 24 * 60;

impl Cloud {
    /// Puts an alarm there. One without a metric has the state that [`Cloud::set_alarm_data`] says.
    pub fn put_alarm(&mut self, now: Timestamp, name: &str, metric: Option<AlarmMetric>) {
        let kept = Kept {
            made_at: now,
            metric,
            data: Vec::new(),
            set: None,
            evaluation_state: None,
        };
        self.cloudwatch.alarms.insert(name.to_owned(), kept);
    }

    /// Says what the data of an alarm without a metric show from now on.
    pub fn set_alarm_data(&mut self, now: Timestamp, name: &str, state: AlarmState) {
        if let Some(kept) = self.cloudwatch.alarms.get_mut(name) {
            kept.data.push((now, state));
        }
    }

    /// Says what is wrong with an alarm's evaluation.
    pub fn set_evaluation_state(&mut self, name: &str, state: Option<&str>) {
        if let Some(kept) = self.cloudwatch.alarms.get_mut(name) {
            kept.evaluation_state = state.map(str::to_owned);
        }
    }

    /// CloudWatch: makes an alarm that follows a metric, or replaces it.
    ///
    /// # Errors
    /// `ValidationError` for what cannot be followed.
    pub fn put_metric_alarm(
        &mut self,
        now: Timestamp,
        name: &str,
        metric: AlarmMetric,
    ) -> Result<(), AwsError> {
        self.call(Service::Other, "PutMetricAlarm", name, now, |cloud| {
            metric.check(name)?;
            cloud.put_alarm(now, name, Some(metric));
            Ok(())
        })
    }

    /// CloudWatch: reads alarms by their names; those that do not exist are not in the answer.
    ///
    /// # Errors
    /// `ValidationError` for more than 100 names.
    pub fn describe_alarms(
        &mut self,
        now: Timestamp,
        names: &[String],
    ) -> Result<Vec<Alarm>, AwsError> {
        self.call(
            Service::Other,
            "DescribeAlarms",
            &names.join(","),
            now,
            |cloud| {
                if names.len() > 100 {
                    let message = "Member must have length less than or equal to 100";
                    return Err(AwsError::bad("ValidationError", message));
                }
                let all = cloud.cloudwatch.alarms.iter();
                let asked = all.filter(|(name, _)| names.is_empty() || names.contains(name));
                Ok(asked
                    .map(|(name, kept)| cloud.described(name, kept, now))
                    .collect())
            },
        )
    }

    /// CloudWatch: sets the state of an alarm until it is next evaluated. Health checks do not follow that.
    ///
    /// # Errors
    /// `ResourceNotFound` without the alarm.
    pub fn set_alarm_state(
        &mut self,
        now: Timestamp,
        name: &str,
        state: AlarmState,
        reason: &str,
    ) -> Result<(), AwsError> {
        self.call(Service::Other, "SetAlarmState", name, now, |cloud| {
            let kept = cloud.cloudwatch.alarms.get_mut(name);
            let kept =
                kept.ok_or_else(|| AwsError::new("ResourceNotFound", 404, "Unknown alarm"))?;
            kept.set = Some((now, state, reason.to_owned()));
            Ok(())
        })
    }

    /// CloudWatch: removes alarms, all or none.
    ///
    /// # Errors
    /// `ResourceNotFound` when one of them does not exist.
    pub fn delete_alarms(&mut self, now: Timestamp, names: &[String]) -> Result<(), AwsError> {
        self.call(
            Service::Other,
            "DeleteAlarms",
            &names.join(","),
            now,
            |cloud| {
                let alarms = &mut cloud.cloudwatch.alarms;
                if names.iter().any(|name| !alarms.contains_key(name)) {
                    return Err(AwsError::new("ResourceNotFound", 404, "Unknown alarm"));
                }
                alarms.retain(|name, _| !names.contains(name));
                Ok(())
            },
        )
    }

    pub(in super::super) fn has_alarm(&self, name: &str) -> bool {
        self.cloudwatch.alarms.contains_key(name)
    }

    /// Returns what the data of an alarm show at a moment; `None` without the alarm.
    pub(in super::super) fn alarm_data_state(
        &self,
        name: &str,
        at: Timestamp,
    ) -> Option<AlarmState> {
        self.cloudwatch
            .alarms
            .get(name)
            .map(|kept| self.data_state(kept, at))
    }

    /// Returns the last state of an alarm for which there was data.
    pub(in super::super) fn alarm_last_known(
        &self,
        name: &str,
        at: Timestamp,
    ) -> Option<AlarmState> {
        let kept = self.cloudwatch.alarms.get(name)?;
        let known = |state: &AlarmState| *state != AlarmState::InsufficientData;
        match &kept.metric {
            None => {
                let mut data = kept.data.iter().rev().filter(|(from, _)| *from <= at);
                data.find(|(_, state)| known(state))
                    .map(|(_, state)| *state)
            }
            Some(metric) => moments_before(metric, at)
                .take_while(|moment| *moment >= kept.made_at)
                .map(|moment| self.evaluated(metric, moment))
                .find(known),
        }
    }

    fn data_state(&self, kept: &Kept, at: Timestamp) -> AlarmState {
        match &kept.metric {
            None => {
                let mut data = kept.data.iter().rev();
                let last = data.find(|(from, _)| *from <= at);
                last.map_or(AlarmState::InsufficientData, |(_, state)| *state)
            }
            Some(metric) => self.evaluated(metric, at),
        }
    }

    fn described(&self, name: &str, kept: &Kept, now: Timestamp) -> Alarm {
        let by_hand = kept
            .set
            .as_ref()
            .filter(|(at, _, _)| now.since(*at) < EVALUATED_EVERY);
        let (state, state_updated_at, state_reason) = if let Some((at, state, reason)) = by_hand {
            (*state, *at, reason.clone())
        } else {
            let state = self.data_state(kept, now);
            (
                state,
                self.state_since(kept, state, now),
                "evaluated".to_owned(),
            )
        };
        Alarm {
            name: name.to_owned(),
            arn: format!(
                "arn:aws:cloudwatch:{}:{}:alarm:{name}",
                self.config.region, self.config.account
            ),
            state,
            state_updated_at,
            state_reason,
            evaluation_state: kept.evaluation_state.clone(),
            metric: kept.metric.clone(),
        }
    }

    fn state_since(&self, kept: &Kept, state: AlarmState, now: Timestamp) -> Timestamp {
        match &kept.metric {
            None => {
                let data = kept.data.iter().rev().filter(|(from, _)| *from <= now);
                let same = data.take_while(|(_, was)| *was == state);
                same.last().map_or(kept.made_at, |(from, _)| *from)
            }
            Some(metric) => moments_before(metric, now)
                .take_while(|at| *at > kept.made_at && self.evaluated(metric, *at) == state)
                .last()
                .unwrap_or(kept.made_at),
        }
    }

    /// Evaluates an alarm over the last periods that have ended.
    fn evaluated(&self, metric: &AlarmMetric, at: Timestamp) -> AlarmState {
        let Some(stat) = Stat::parse(&metric.stat) else {
            return AlarmState::InsufficientData;
        };
        let period = i64::from(metric.period_seconds.max(1)) * 1000;
        let end = at.unix_millis().div_euclid(period) * period;
        let values: Vec<Option<f64>> = (1..=i64::from(metric.evaluation_periods))
            .map(|back| {
                let begin = end - back * period;
                let bucket = self.bucket(&metric.key, begin, begin + period, at);
                bucket.stat(stat)
            })
            .collect();
        let missing = u32::try_from(values.iter().filter(|value| value.is_none()).count())
            .unwrap_or(u32::MAX);
        let breaches = |value: &&f64| metric.comparison.holds(**value, metric.threshold);
        let found = values.iter().flatten().filter(breaches).count();
        let mut breaching = u32::try_from(found).unwrap_or(u32::MAX);
        if metric.treat_missing_data == "breaching" {
            breaching += missing;
        }
        let silent = !matches!(
            metric.treat_missing_data.as_str(),
            "breaching" | "notBreaching"
        );
        if breaching >= metric.datapoints_to_alarm {
            AlarmState::Alarm
        } else if silent && missing == metric.evaluation_periods {
            AlarmState::InsufficientData
        } else {
            AlarmState::Ok
        }
    }
}

impl AlarmMetric {
    /// Checks what an alarm is to follow, by AWS's documented limits.
    fn check(&self, name: &str) -> Result<(), AwsError> {
        let invalid = |message: &str| Err(AwsError::bad("ValidationError", message));
        if name.is_empty() || name.chars().count() > NAME_MAX {
            return invalid("AlarmName must have 1 to 255 characters");
        }
        if Stat::parse(&self.stat).is_none() {
            return invalid("The statistic is not valid");
        }
        let period = self.period_seconds;
        if period == 0 || !(matches!(period, 10 | 20 | 30) || period.is_multiple_of(60)) {
            return invalid("Period must be 10, 20, 30 or a multiple of 60");
        }
        if self.evaluation_periods == 0 {
            return invalid("EvaluationPeriods must be at least 1");
        }
        if !(1..=self.evaluation_periods).contains(&self.datapoints_to_alarm) {
            return invalid("DatapointsToAlarm must be from 1 to EvaluationPeriods");
        }
        if u64::from(period) * u64::from(self.evaluation_periods) > EVALUATED_SECONDS_MAX {
            return invalid("Metrics cannot be checked across more than a day");
        }
        let known = ["missing", "notBreaching", "breaching", "ignore"];
        if !known.contains(&self.treat_missing_data.as_str()) {
            return invalid("TreatMissingData must be breaching, notBreaching, ignore or missing");
        }
        Ok(())
    }
}

impl Comparison {
    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Greater => value > threshold,
            Self::GreaterOrEqual => value >= threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
        }
    }
}

/// The moments at which an alarm was evaluated anew, backwards.
fn moments_before(metric: &AlarmMetric, at: Timestamp) -> impl Iterator<Item = Timestamp> {
    let period = i64::from(metric.period_seconds.max(1)) * 1000;
    let last = at.unix_millis().div_euclid(period) * period;
    (0..i64::from(LOOKED_BACK)).map(move |back| Timestamp::from_unix_millis(last - back * period))
}
