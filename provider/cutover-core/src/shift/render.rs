//! A plan as text for people who approve it.

use std::fmt::Write;
use std::time::Duration;

use super::plan::{Happening, Plan, Stage};

/// Renders the timeline: one line per moment, each with the earliest time after the beginning.
pub fn render_plan(plan: &Plan) -> String {
    let mut text = String::new();
    let steps = plan.stages.len();
    line(
        &mut text,
        format_args!(
            "{steps} {}, at least {}, at most {} without waiting for people",
            if steps == 1 { "step" } else { "steps" },
            render_duration(plan.duration_min()),
            render_duration(plan.duration_max())
        ),
    );
    for moment in plan.timeline() {
        let what = match moment.what {
            Happening::TtlLowered(change) => {
                format!(
                    "TTL {} s -> {} s, then {} until the last former answer is gone",
                    change.from_seconds,
                    change.to_seconds,
                    render_duration(change.wait())
                )
            }
            Happening::Approval(index) => format!("approval of step {} by a person", number(index)),
            Happening::Shift(index) => stage(plan, index, render_shift),
            Happening::BakeBegins(index) => stage(plan, index, |stage| {
                format!(
                    "bake of {} begins, {} after INSYNC",
                    render_duration(stage.bake),
                    render_duration(stage.settle)
                )
            }),
            Happening::BakeEnds(index) => stage(plan, index, |stage| {
                format!("bake ends: {}", render_gates(stage))
            }),
            Happening::PointOfNoReturn(_) => {
                "point of no return: from here on a breach holds and calls people".to_owned()
            }
            Happening::Completed if plan.preparation.is_some() => {
                "completed, TTL restored".to_owned()
            }
            Happening::Completed => "completed".to_owned(),
        };
        line(
            &mut text,
            format_args!("{:>9}  {what}", render_clock(moment.at)),
        );
    }
    text
}

fn stage(plan: &Plan, index: usize, render: impl FnOnce(&Stage) -> String) -> String {
    plan.stages.get(index).map(render).unwrap_or_default()
}

fn render_shift(stage: &Stage) -> String {
    let mut text = format!(
        "weights {} (old/new), step {}: {} to new",
        stage.pair,
        number(stage.index),
        stage.share
    );
    if let Some(name) = &stage.name {
        let _ = write!(text, ", {name}");
    }
    if !stage.entry_gates.is_empty() {
        let _ = write!(text, ", once open: {}", stage.entry_gates.join(", "));
    }
    text
}

fn render_gates(stage: &Stage) -> String {
    if stage.gates.is_empty() {
        "no gate has watched".to_owned()
    } else {
        format!("{} must have held", stage.gates.join(", "))
    }
}

fn number(index: usize) -> usize {
    index.saturating_add(1)
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{arguments}");
}

/// Renders a duration for people: `1 h 30 min`, `90 s`.
pub fn render_duration(duration: Duration) -> String {
    let (hours, minutes, seconds) = parts(duration);
    let units = [(hours, "h"), (minutes, "min"), (seconds, "s")];
    let words: Vec<_> = units
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if words.is_empty() {
        "0 s".to_owned()
    } else {
        words.join(" ")
    }
}

/// Renders a count for people: `27,373`.
pub fn render_count(count: f64) -> String {
    let digits = format!("{:.0}", count.max(0.0));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let is_group = digits
            .len()
            .checked_sub(index)
            .is_some_and(|left| left.is_multiple_of(3));
        if index > 0 && is_group {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn render_clock(duration: Duration) -> String {
    let (hours, minutes, seconds) = parts(duration);
    format!("+{hours}:{minutes:02}:{seconds:02}")
}

fn parts(duration: Duration) -> (u64, u64, u64) {
    let seconds = duration.as_secs();
    let split = |count: u64, unit: u64| {
        (
            count.checked_div(unit).unwrap_or(0),
            count.checked_rem(unit).unwrap_or(0),
        )
    };
    let (minutes, seconds) = split(seconds, 60);
    let (hours, minutes) = split(minutes, 60);
    (hours, minutes, seconds)
}

#[cfg(test)]
mod tests {
    use super::super::gates::payment_gates;
    use super::super::given::{a_spec, with_steps};
    use super::super::plan::plan;
    use super::*;

    #[test]
    fn the_first_runbook_reads_like_its_runbook() {
        let spec = a_spec(|wish| {
            wish.soak = Duration::from_hours(24);
            wish.gates.truncate(2);
            wish.steps[1].entry_gates = vec!["dmsTask".to_owned()];
            wish.steps[2].pause = true;
            wish.steps[0].name = Some("validation".to_owned());
        });

        insta::assert_snapshot!(render_plan(&plan(&spec, Some(300))), @"
        4 steps, at least 26 h 48 min, at most 55 h 41 min without waiting for people
         +0:00:00  TTL 300 s -> 60 s, then 5 min until the last former answer is gone
         +0:06:00  weights 90/10 (old/new), step 1: 10 % to new, validation
         +0:09:00  bake of 30 min begins, 2 min after INSYNC
         +0:39:00  bake ends: errorRate, latency must have held
         +0:39:00  weights 50/50 (old/new), step 2: 50 % to new, once open: dmsTask
         +0:42:00  bake of 1 h begins, 2 min after INSYNC
         +1:42:00  bake ends: errorRate, latency must have held
         +1:42:00  approval of step 3 by a person
         +1:42:00  weights 10/90 (old/new), step 3: 90 % to new
         +1:45:00  bake of 1 h begins, 2 min after INSYNC
         +2:45:00  bake ends: errorRate, latency must have held
         +2:45:00  weights 0/100 (old/new), step 4: 100 % to new
         +2:48:00  bake of 24 h begins, 2 min after INSYNC
        +26:48:00  bake ends: errorRate, latency must have held
        +26:48:00  completed, TTL restored
        ");
    }

    #[test]
    fn a_point_of_no_return_is_marked() {
        let mut spec = with_steps(&[(50.0, Some(30)), (100.0, None)], payment_gates());
        spec.policy.commit_after = Some(0);

        insta::assert_snapshot!(render_plan(&plan(&spec, None)), @"
        2 steps, at least 1 h 6 min, at most 3 h 18 min without waiting for people
         +0:00:00  weights 50/50 (old/new), step 1: 50 % to new
         +0:03:00  bake of 30 min begins, 2 min after INSYNC
         +0:33:00  bake ends: errorRate, latency, paymentFailures, availability, dbConnectionFailures, dataConsistency must have held
         +0:33:00  point of no return: from here on a breach holds and calls people
         +0:33:00  weights 0/100 (old/new), step 2: 100 % to new
         +0:36:00  bake of 30 min begins, 2 min after INSYNC
         +1:06:00  bake ends: errorRate, latency, paymentFailures, availability, dbConnectionFailures, dataConsistency must have held
         +1:06:00  completed
        ");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        let counts = [
            -1.0,
            0.0,
            999.4,
            999.6,
            27_373.0,
            1_234_567.0,
            f64::INFINITY,
        ];

        assert_eq!(
            counts.map(render_count),
            ["0", "0", "999", "1,000", "27,373", "1,234,567", "inf"]
        );
    }

    #[test]
    fn durations_leave_out_what_is_zero() {
        assert_eq!(render_duration(Duration::from_mins(90)), "1 h 30 min");
        assert_eq!(render_duration(Duration::from_secs(90)), "1 min 30 s");
        assert_eq!(render_duration(Duration::ZERO), "0 s");
    }
}
