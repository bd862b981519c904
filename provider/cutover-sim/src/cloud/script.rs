//! Faults on script: which call, when, and what happens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cutover_core::Timestamp;

use super::Cloud;

/// A line of a script.
#[derive(Clone, Debug)]
pub struct CloudFault {
    /// The operation as AWS names it: `ChangeResourceRecordSets`; `*` is any.
    pub operation: &'static str,
    /// Which of its calls.
    pub when: When,
    /// What happens.
    pub what: What,
}

/// Which calls a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// From the first of these, from 1, so many in a row.
    Occurrence {
        /// The first.
        first: usize,
        /// How many.
        times: usize,
    },
    /// Those that begin in a span of time, its end not included.
    During {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Every one.
    Always,
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum What {
    /// It came too fast.
    Throttled,
    /// It is refused with a code and a message, and status 400.
    Refused(&'static str, &'static str),
    /// The credentials may not do it.
    Denied,
    /// The credentials are not valid any more.
    Expired,
    /// The service fails: status 500, without effect.
    Broken,
    /// The service says that it cannot serve now: status 503, without effect.
    Unavailable,
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// It is lost on its way, without effect.
    LostBefore,
    /// It is served so much later; see [`Cloud::delay`].
    Hang(Duration),
    /// Somebody else acts just before it.
    Rival(Rival),
}

/// What somebody else does.
#[derive(Clone)]
pub struct Rival(Arc<RivalAct>);

type RivalAct = dyn Fn(&mut Cloud, Timestamp) + Send + Sync;

impl Rival {
    /// Makes a rival of what it does.
    pub fn new(act: impl Fn(&mut Cloud, Timestamp) + Send + Sync + 'static) -> Self {
        Self(Arc::new(act))
    }

    pub(super) fn act(&self, cloud: &mut Cloud, now: Timestamp) {
        (self.0)(cloud, now);
    }
}

impl fmt::Debug for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rival")
    }
}

impl CloudFault {
    /// Makes a line about the calls from `first` on, `times` in a row.
    pub fn nth(operation: &'static str, first: usize, times: usize, what: What) -> Self {
        let when = When::Occurrence { first, times };
        Self {
            operation,
            when,
            what,
        }
    }

    /// Makes a line about a span of time.
    pub fn during(operation: &'static str, from: Timestamp, until: Timestamp, what: What) -> Self {
        let when = When::During { from, until };
        Self {
            operation,
            when,
            what,
        }
    }

    pub(super) fn hits(&self, operation: &str, occurrence: usize, now: Timestamp) -> bool {
        (self.operation == operation || self.operation == "*")
            && match self.when {
                When::Occurrence { first, times } => {
                    (first..first.saturating_add(times)).contains(&occurrence)
                }
                When::During { from, until } => (from..until).contains(&now),
                When::Always => true,
            }
    }
}
