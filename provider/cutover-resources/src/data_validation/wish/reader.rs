//! Reads single values, and notes what is wrong with them.

use std::time::Duration;

use humantime::parse_duration;
use pulumi_host::Problem;
use pulumi_value::PropertyPath;

use crate::code::Code;

/// Reads values, and notes all problems on the way.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) problems: Vec<Problem>,
    /// The code of what cannot be read.
    malformed: Code,
}

impl Reader {
    /// Begins with no problems; `malformed` is the code of what cannot be read.
    pub(crate) const fn new(malformed: Code) -> Self {
        Self {
            problems: Vec::new(),
            malformed,
        }
    }

    /// Notes a problem.
    pub(crate) fn refuse(&mut self, code: Code, path: PropertyPath, reason: impl AsRef<str>) {
        let reason = format!("{code}: {}", reason.as_ref());
        self.problems.push(Problem::new(path, reason));
    }

    /// Notes an input that cannot be read.
    pub(crate) fn malformed(&mut self, path: PropertyPath, reason: impl AsRef<str>) {
        self.refuse(self.malformed, path, reason);
    }

    /// Reads a duration; one that is absent, or cannot be read, is stood in for.
    pub(crate) fn duration(
        &mut self,
        path: &PropertyPath,
        text: Option<&str>,
        stand_in: Duration,
    ) -> Duration {
        let Some(text) = text else {
            return stand_in;
        };
        parse_duration(text).unwrap_or_else(|_| {
            let reason =
                format!("`{text}` is not a duration; it should look like `700ms` or `1h30m`");
            self.malformed(path.clone(), reason);
            stand_in
        })
    }
}
