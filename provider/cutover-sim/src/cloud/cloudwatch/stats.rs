//! Statistics of the datapoints of a period.

use super::Datum;

/// The datapoints of one period of one metric.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Bucket {
    /// Values, and how often each came.
    samples: Vec<(f64, f64)>,
    /// Values that were summed up before they came here.
    folded: Vec<Folded>,
}

#[derive(Clone, Copy, Debug)]
struct Folded {
    count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stat {
    SampleCount,
    Sum,
    Average,
    Minimum,
    Maximum,
    /// From 0 to 1.
    Percentile(f64),
}

impl Stat {
    /// Reads a statistic as CloudWatch writes it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "SampleCount" => Some(Self::SampleCount),
            "Sum" => Some(Self::Sum),
            "Average" => Some(Self::Average),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            _ => {
                let digits = text.strip_prefix('p')?;
                let written = digits
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.');
                let percent: f64 = digits.parse().ok().filter(|_| written)?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Percentile(percent / 100.0))
            }
        }
    }
}

impl Bucket {
    /// Adds a value that came so often.
    pub(in super::super) fn add(&mut self, value: f64, count: f64) {
        self.samples.push((value, count));
    }

    pub(super) fn put(&mut self, datum: &Datum) {
        match datum {
            Datum::Value(value) => self.add(*value, 1.0),
            Datum::Values(values) => self.samples.extend(values),
            Datum::Statistics {
                count,
                sum,
                minimum,
                maximum,
            } => self.folded.push(Folded {
                count: *count,
                sum: *sum,
                minimum: *minimum,
                maximum: *maximum,
            }),
        }
    }

    /// Returns a statistic; `None` without datapoints, or when it cannot be told from them.
    pub(super) fn stat(&self, stat: Stat) -> Option<f64> {
        let all = self.samples.iter().map(|(value, count)| Folded {
            count: *count,
            sum: value * count,
            minimum: *value,
            maximum: *value,
        });
        let all = all
            .chain(self.folded.iter().copied())
            .reduce(|a, b| Folded {
                count: a.count + b.count,
                sum: a.sum + b.sum,
                minimum: a.minimum.min(b.minimum),
                maximum: a.maximum.max(b.maximum),
            })?;
        match stat {
            Stat::SampleCount => Some(all.count),
            Stat::Sum => Some(all.sum),
            Stat::Average => (all.count > 0.0).then(|| all.sum / all.count),
            Stat::Minimum => Some(all.minimum),
            Stat::Maximum => Some(all.maximum),
            Stat::Percentile(share) => self.percentile(share),
        }
    }

    /// AWS: percentiles are not to be had of values that were summed up, unless those are one value.
    fn percentile(&self, share: f64) -> Option<f64> {
        let mut samples = self.samples.clone();
        for folded in &self.folded {
            if folded.minimum < folded.maximum {
                return None;
            }
            samples.push((folded.minimum, folded.count));
        }
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = samples.iter().map(|(_, count)| count).sum();
        let mut passed = 0.0;
        let reaches = |(_, count): &&(f64, f64)| {
            passed += count;
            // Counts are sums of parts; this much is lost in adding them up.
            passed >= share * total * (1.0 - 1e-9)
        };
        samples
            .iter()
            .find(reaches)
            .or(samples.last())
            .map(|(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_follow_from_values_and_sums_together() {
        let mut bucket = Bucket::default();
        bucket.put(&Datum::Values(vec![(1.0, 2.0), (4.0, 1.0)]));
        bucket.put(&Datum::Statistics {
            count: 3.0,
            sum: 30.0,
            minimum: 5.0,
            maximum: 15.0,
        });

        assert_eq!(bucket.stat(Stat::SampleCount), Some(6.0));
        assert_eq!(bucket.stat(Stat::Sum), Some(36.0));
        assert_eq!(bucket.stat(Stat::Average), Some(6.0));
        assert_eq!(bucket.stat(Stat::Minimum), Some(1.0));
        assert_eq!(bucket.stat(Stat::Maximum), Some(15.0));
        assert_eq!(bucket.stat(Stat::Percentile(0.5)), None);
    }

    #[test]
    fn a_percentile_is_the_value_that_so_many_do_not_exceed() {
        let mut bucket = Bucket::default();
        for value in 1..=100 {
            bucket.add(f64::from(value), 1.0);
        }

        assert_eq!(bucket.stat(Stat::Percentile(0.95)), Some(95.0));
        assert_eq!(bucket.stat(Stat::Percentile(1.0)), Some(100.0));
        assert_eq!(Bucket::default().stat(Stat::Percentile(0.5)), None);
    }

    #[test]
    fn statistics_are_read_as_cloudwatch_writes_them() {
        assert_eq!(Stat::parse("p95"), Some(Stat::Percentile(0.95)));
        assert_eq!(Stat::parse("sum"), None);
        assert_eq!(Stat::parse("p101"), None);
        assert_eq!(Stat::parse("p"), None);
    }
}
