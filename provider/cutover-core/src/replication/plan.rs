//! The steps, as a preview shows them and as they are walked.

use super::spec::Spec;
use crate::shift::render::render_duration;
use crate::validation::side::Side;

/// One step. What is performed and what a preview shows are both made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Read the task and its instance.
    Look,
    /// Have the instance test the connection to an endpoint.
    Test(Side),
    /// Have DMS assess the migration.
    Assess,
    /// Have it run: started, resumed, or found running.
    Run,
    /// Wait until everything is loaded.
    Load,
    /// Wait until the target has caught up.
    CatchUp,
}

impl Step {
    /// The name of a step, as outputs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Test(Side::Source) => "testSource",
            Self::Test(Side::Target) => "testTarget",
            Self::Assess => "assess",
            Self::Run => "run",
            Self::Load => "load",
            Self::CatchUp => "catchUp",
        }
    }

    /// Tells whether it is left out for a task that runs already.
    pub fn is_before_running(self) -> bool {
        matches!(self, Self::Test(_) | Self::Assess)
    }
}

/// Makes the plan: the very steps that are walked.
pub fn plan(spec: &Spec) -> Vec<Step> {
    let mut steps = vec![Step::Look];
    if spec.test_connections {
        steps.extend(Side::BOTH.map(Step::Test));
    }
    if spec.assessment.is_some() {
        steps.push(Step::Assess);
    }
    steps.extend([Step::Run, Step::Load, Step::CatchUp]);
    steps
}

/// Writes the plan: a line for each step, with what is waited for and for how long at most.
pub fn lines(spec: &Spec) -> Vec<String> {
    plan(spec)
        .into_iter()
        .map(|step| line(spec, step))
        .collect()
}

fn line(spec: &Spec, step: Step) -> String {
    let duration = render_duration;
    match step {
        Step::Look => format!("look at `{}` and its instance", spec.arn),
        Step::Test(side) => {
            format!("test the connection to the {side} endpoint, unless the task runs already")
        }
        Step::Assess => {
            let bucket = spec.assessment.as_ref();
            let bucket = bucket.map_or("", |assessment| assessment.bucket.as_str());
            format!(
                "have DMS assess the migration, unless the task has run before; its report goes to `{bucket}`"
            )
        }
        Step::Run => {
            let reload = if spec.allow_reload {
                "loaded anew if its log is gone, which empties the target"
            } else {
                "held if its log is gone"
            };
            format!("start the task, or resume it; {reload}")
        }
        Step::Load => format!(
            "wait until every table is loaded, {} at most; tables in error are loaded again up to {} times",
            duration(spec.load_limit),
            spec.reloads,
        ),
        Step::CatchUp => {
            let measured = if spec.markers {
                "by markers from end to end and by CloudWatch"
            } else {
                "by CloudWatch alone"
            };
            format!(
                "wait until the lag is below {} in {} samples in a row over {}, {measured}; {} at most, longer as long as it \
                 shrinks",
                duration(spec.lag.max),
                spec.lag.samples,
                duration(spec.lag.over),
                duration(spec.catch_up_limit),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::tests::a_spec;
    use super::*;

    #[test]
    fn a_preview_reads_as_the_steps_that_are_walked() {
        insta::assert_snapshot!(lines(&a_spec()).join("\n"), @"
        look at `arn:aws:dms:eu-west-1:123456789012:task:ABCDEFGH` and its instance
        test the connection to the source endpoint, unless the task runs already
        test the connection to the target endpoint, unless the task runs already
        have DMS assess the migration, unless the task has run before; its report goes to `assessments`
        start the task, or resume it; held if its log is gone
        wait until every table is loaded, 12 h at most; tables in error are loaded again up to 2 times
        wait until the lag is below 10 s in 3 samples in a row over 1 min, by markers from end to end and by CloudWatch; 4 h at most, longer as long as it shrinks
        ");
    }

    #[test]
    fn what_is_not_wished_for_is_not_in_the_plan() {
        let spec = Spec {
            test_connections: false,
            assessment: None,
            ..a_spec()
        };

        assert_eq!(
            plan(&spec),
            [Step::Look, Step::Run, Step::Load, Step::CatchUp]
        );
    }
}
