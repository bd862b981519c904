//! Reads single values, and notes what is wrong with them or not known yet.

use std::time::Duration;

use cutover_core::shift::problem::{Code, Path, Segment};
use humantime::parse_duration;
use pulumi_host::Problem;
use pulumi_value::{Output, PropertyPath};

/// Reads values, and notes all problems on the way.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
    /// Whether everything was known so far.
    pub(super) whole: bool,
}

/// What a duration may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Least {
    /// Anything.
    Nothing,
    /// A second, since less would have it done all the time.
    Second,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            problems: Vec::new(),
            whole: true,
        }
    }

    pub(super) fn problem(&mut self, code: u16, path: PropertyPath, reason: impl AsRef<str>) {
        self.problems.push(Problem::new(
            path,
            format!("{}: {}", Code(code), reason.as_ref()),
        ));
    }

    /// Reads a text; one that is not known yet is stood in for.
    pub(super) fn text(&mut self, output: &Output<String>, stand_in: &str) -> String {
        if let Some(text) = output.get() {
            return text.clone();
        }
        self.whole = false;
        stand_in.to_owned()
    }

    /// Reads a duration; one that cannot be read is stood in for, so that it leads to no further problems.
    pub(super) fn duration(
        &mut self,
        path: &PropertyPath,
        text: &str,
        least: Least,
        stand_in: Duration,
    ) -> Duration {
        match parse_duration(text) {
            Ok(duration) if least == Least::Second && duration < Duration::from_secs(1) => {
                self.problem(100, path.clone(), "must be at least `1s`");
                stand_in
            }
            Ok(duration) => duration,
            Err(_) => {
                let reason =
                    format!("`{text}` is not a duration; it should look like `90s` or `1h30m`");
                self.problem(100, path.clone(), reason);
                stand_in
            }
        }
    }
}

/// Translates a place in a wish into one in the inputs.
pub(super) fn path_of(path: &Path) -> PropertyPath {
    path.segments()
        .iter()
        .fold(PropertyPath::root(), |path, segment| match segment {
            Segment::Name(name) => path.key(*name),
            Segment::Index(index) => path.index(*index),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Duration, Vec<String>) {
        let mut reader = Reader::new();
        let path = PropertyPath::root().key("soak");
        let duration = reader.duration(&path, text, Least::Second, Duration::from_mins(7));
        let problems = reader.problems.iter();
        (
            duration,
            problems
                .map(|problem| format!("{} {}", problem.path, problem.reason))
                .collect(),
        )
    }

    #[test]
    fn durations_are_read_as_they_are_written_in_runbooks() {
        for (text, seconds) in [
            ("90s", 90),
            ("30m", 1_800),
            ("1h30m", 5_400),
            ("1d", 86_400),
        ] {
            assert_eq!(read(text), (Duration::from_secs(seconds), vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_told_with_its_place_and_stood_in_for() {
        for text in ["", "30", "1h5", "soon", "-5m"] {
            let (duration, problems) = read(text);

            assert_eq!(duration, Duration::from_mins(7), "{text}");
            let expected = format!(
                "soak CUT-100: `{text}` is not a duration; it should look like `90s` or `1h30m`"
            );
            assert_eq!(problems, [expected]);
        }
        assert_eq!(read("5ms").1, ["soak CUT-100: must be at least `1s`"]);
    }
}
