//! How long everything takes.

use std::time::Duration;

/// How long what DMS does takes. All figures are ours: AWS publishes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmsPace {
    /// From `creating` to `ready`.
    pub creating: Duration,
    /// From `modifying` back.
    pub modifying: Duration,
    /// From `starting` to `running`.
    pub starting: Duration,
    /// From `stopping` to `stopped`.
    pub stopping: Duration,
    /// From `deleting` to gone.
    pub deleting: Duration,
    /// How long a test of a connection takes.
    pub testing: Duration,
    /// How long an assessment takes.
    pub assessing: Duration,
    /// How long the former status of a task is described after it was started.
    pub former: Duration,
    /// How long one table is loaded, where no rows really move; one table after the other.
    pub loading: Duration,
}

impl Default for DmsPace {
    fn default() -> Self {
        Self {
            creating: Duration::from_secs(20),
            modifying: Duration::from_secs(10),
            starting: Duration::from_secs(30),
            stopping: Duration::from_secs(10),
            deleting: Duration::from_secs(20),
            testing: Duration::from_secs(10),
            assessing: Duration::from_mins(2),
            former: Duration::ZERO,
            loading: Duration::from_mins(1),
        }
    }
}

impl DmsPace {
    /// Everything at once, for tests over real time.
    pub fn at_once() -> Self {
        let none = Duration::ZERO;
        Self {
            creating: none,
            modifying: none,
            starting: none,
            stopping: none,
            deleting: none,
            testing: none,
            assessing: none,
            former: none,
            loading: none,
        }
    }
}
