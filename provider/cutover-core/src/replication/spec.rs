//! What is wished.

use std::time::Duration;

/// A task that is to replicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The ARN of the task, or of the configuration of a replication without server.
    pub arn: String,
    /// Whether the connections to both endpoints are tested first.
    pub test_connections: bool,
    /// Whether DMS's own assessment is run first, and where its result goes.
    pub assessment: Option<Assessment>,
    /// When it has caught up.
    pub lag: Lag,
    /// How long the load may take.
    pub load_limit: Duration,
    /// How long catching up may take; longer as long as it gets better.
    pub catch_up_limit: Duration,
    /// How often DMS is asked.
    pub poll: Duration,
    /// How often tables in error are loaded again before people are called.
    pub reloads: u32,
    /// Whether markers are written and looked for, so that the lag is measured from end to end.
    pub markers: bool,
    /// Whether a task that was loaded before and whose log is gone is loaded anew. Empties the target.
    pub allow_reload: bool,
}

/// When a replication counts as caught up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The lag must be below this.
    pub max: Duration,
    /// In so many samples in a row.
    pub samples: u32,
    /// Over at least this time.
    pub over: Duration,
}

impl Default for Lag {
    /// Below 10 s in three samples over a minute. The requirements' and the design's figures.
    fn default() -> Self {
        Self {
            max: Duration::from_secs(10),
            samples: 3,
            over: Duration::from_mins(1),
        }
    }
}

/// An assessment before a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The role that may write the result.
    pub role_arn: String,
    /// The bucket that it goes to.
    pub bucket: String,
}
