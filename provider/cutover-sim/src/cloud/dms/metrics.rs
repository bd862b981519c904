//! What CloudWatch is told.

use std::collections::BTreeMap;

use cutover_core::Timestamp;

use super::course::Kept;
use super::{Cloud, ReplicationTask};
use crate::cloud::MetricKey;
use crate::cloud::cloudwatch::Bucket;

const INSTANCE: &str = "ReplicationInstanceIdentifier";
const TASK: &str = "ReplicationTaskIdentifier";

impl Cloud {
    /// Gathers what DMS has published of a metric from `start` until `end`, in milliseconds.
    ///
    /// A task has the dimensions of instance and task, both; with one of them missing there is nothing.
    pub(in crate::cloud) fn gather_dms(
        &self,
        key: &MetricKey,
        start: i64,
        end: i64,
        bucket: &mut Bucket,
    ) {
        if key.namespace != "AWS/DMS" || start >= end {
            return;
        }
        if let Some(percent) = self.cpu(&key.name, &key.dimensions) {
            bucket.add(percent, 1.0);
        }
        let mut tasks = self.dms.tasks.values();
        let found = tasks.find(|kept| is_of(&kept.task, &key.dimensions));
        if let Some(kept) = found {
            kept.gather(&key.name, start, end, bucket);
        }
    }

    fn cpu(&self, name: &str, dimensions: &BTreeMap<String, String>) -> Option<f64> {
        let identifier = dimensions
            .get(INSTANCE)
            .filter(|_| name == "CPUUtilization")?;
        let others = dimensions.keys().any(|key| key != INSTANCE && key != TASK);
        let mut instances = self.dms.instances.values();
        let kept = instances.find(|kept| kept.instance.identifier == *identifier)?;
        kept.instance.cpu.filter(|_| !others)
    }
}

impl Kept {
    fn gather(&self, name: &str, start: i64, end: i64, bucket: &mut Bucket) {
        let is_source = match name {
            "CDCLatencySource" => true,
            "CDCLatencyTarget" => false,
            _ => return,
        };
        for sample in &self.samples {
            let latency = if is_source {
                sample.source
            } else {
                sample.target
            };
            if let Some(latency) = latency
                && (start..end).contains(&sample.at.unix_millis())
            {
                bucket.add(latency.as_secs_f64(), 1.0);
            }
        }
        let at = Timestamp::from_unix_millis(start);
        let mut known = self.lags.iter().rev();
        let lag = known.find(|(from, _)| *from <= at);
        if let Some((_, Some(lag))) = lag {
            let value = if is_source { 0.0 } else { lag.as_secs_f64() };
            bucket.add(value, 1.0);
        }
    }
}

fn is_of(task: &ReplicationTask, dimensions: &BTreeMap<String, String>) -> bool {
    dimensions.len() == 2
        && dimensions.get(INSTANCE) == Some(&task.instance_identifier)
        && dimensions.get(TASK) == Some(&task.identifier)
}
