//! Refuses a wish that cannot be kept, with every problem at once and before DMS is asked.

use std::fmt;
use std::time::Duration;

use super::spec::Spec;

/// How often DMS is asked at most and at least. Its API answers about 100 calls a second for a whole account, and its
/// statistics are seldom fresher than some seconds; a lag that is looked at less often than every ten minutes tells nothing.
/// Both ours.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// How often a table is loaded again at most. Ours: what failed ten times fails for a reason.
const RELOADS_MAX: u32 = 10;

/// Something wrong with a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable name of the kind of problem: `not_an_arn`.
    pub name: &'static str,
    /// Where it is, as a program writes it: `lag.max`.
    pub path: &'static str,
    /// What it is, for people.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

/// Finds everything in a wish that cannot be kept, in the order of the inputs.
pub fn check(spec: &Spec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |is_wrong: bool, name, path, message: &str| {
        if is_wrong {
            let message = message.to_owned();
            problems.push(Problem {
                name,
                path,
                message,
            });
        }
    };
    let is_task = spec.arn.contains(":dms:") && spec.arn.contains(":task:");
    let is_config = spec.arn.contains(":dms:") && spec.arn.contains(":replication-config:");
    refuse(
        !spec.arn.starts_with("arn:") || !(is_task || is_config),
        "not_an_arn",
        "arn",
        "is not the ARN of a replication task, nor of the configuration of a replication without server",
    );
    if let Some(assessment) = &spec.assessment {
        refuse(
            is_config,
            "assessment_needs_a_task",
            "assessment",
            "is for tasks: DMS does not assess a replication without server in this way",
        );
        refuse(
            !assessment.role_arn.starts_with("arn:"),
            "not_an_arn",
            "assessment.roleArn",
            "is not an ARN",
        );
        refuse(
            assessment.bucket.is_empty() || assessment.bucket.contains(['/', ':']),
            "not_a_bucket",
            "assessment.bucket",
            "is the name of a bucket alone, without a path or an address",
        );
    }
    refuse(
        spec.lag.max.is_zero(),
        "no_lag_at_all",
        "lag.max",
        "cannot be zero: every change takes some time",
    );
    refuse(
        spec.lag.samples == 0,
        "no_samples",
        "lag.samples",
        "at least one sample is needed",
    );
    refuse(
        spec.poll < POLL.0 || spec.poll > POLL.1,
        "poll_out_of_range",
        "poll",
        "is from 1 s to 10 min",
    );
    refuse(
        spec.load_limit < spec.poll,
        "limit_too_short",
        "loadLimit",
        "is over before DMS is asked a second time",
    );
    let proof = spec
        .lag
        .over
        .max(spec.poll.saturating_mul(spec.lag.samples.saturating_sub(1)));
    refuse(
        spec.catch_up_limit < proof,
        "limit_too_short",
        "catchUpLimit",
        "is over before there can be as many samples as are asked for",
    );
    refuse(
        spec.reloads > RELOADS_MAX,
        "too_many_reloads",
        "reloads",
        "is 10 at most",
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::super::machine::tests::a_spec;
    use super::super::spec::Assessment;
    use super::*;

    fn check_of(change: impl FnOnce(&mut Spec)) -> Vec<(&'static str, &'static str)> {
        let mut spec = a_spec();
        change(&mut spec);
        let problems = check(&spec);
        problems
            .into_iter()
            .map(|problem| (problem.name, problem.path))
            .collect()
    }

    #[test]
    fn a_usual_wish_is_kept() {
        assert_eq!(check_of(|_| {}), []);
    }

    #[test]
    fn everything_that_cannot_be_kept_is_told_at_once() {
        let found = check_of(|spec| {
            spec.arn = "payments".to_owned();
            spec.assessment = Some(Assessment {
                role_arn: "dms".to_owned(),
                bucket: "s3://reports".to_owned(),
            });
            spec.lag.max = Duration::ZERO;
            spec.lag.samples = 0;
            spec.poll = Duration::ZERO;
            spec.reloads = 11;
        });

        assert_eq!(
            found,
            [
                ("not_an_arn", "arn"),
                ("not_an_arn", "assessment.roleArn"),
                ("not_a_bucket", "assessment.bucket"),
                ("no_lag_at_all", "lag.max"),
                ("no_samples", "lag.samples"),
                ("poll_out_of_range", "poll"),
                ("too_many_reloads", "reloads"),
            ]
        );
    }

    #[test]
    fn limits_leave_time_for_what_they_limit() {
        let short = check_of(|spec| {
            spec.load_limit = Duration::from_secs(1);
            spec.catch_up_limit = Duration::from_secs(59);
        });

        assert_eq!(
            short,
            [
                ("limit_too_short", "loadLimit"),
                ("limit_too_short", "catchUpLimit")
            ]
        );
    }

    #[test]
    fn a_replication_without_server_is_not_assessed() {
        let found = check_of(|spec| {
            spec.arn = "arn:aws:dms:eu-west-1:123456789012:replication-config:ABC".to_owned();
        });

        assert_eq!(found, [("assessment_needs_a_task", "assessment")]);
    }
}
