//! The ports of the driver over the cloud.

mod cloudwatch;
mod elb;
mod locks;
mod paused;
mod replications;
mod rest;
mod route53;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cutover_core::{Failure, Timestamp};
use cutover_driver::{Answered, Clock, Traffic};

use super::{AwsError, Cloud};

pub use paused::PausedClock;
pub use replications::SimReplications;

/// The cloud behind every port of [`Traffic`]. Clones show the same cloud.
#[derive(Clone, Debug)]
pub struct SimTraffic {
    cloud: Arc<Mutex<Cloud>>,
    clock: Arc<dyn Clock>,
}

impl SimTraffic {
    /// Puts a cloud behind the ports.
    pub fn new(cloud: Cloud, clock: impl Clock + 'static) -> Self {
        Self {
            cloud: Arc::new(Mutex::new(cloud)),
            clock: Arc::new(clock),
        }
    }

    /// Gives access to the cloud. Whoever holds it must not wait.
    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the ports.
    pub fn traffic(&self) -> Traffic {
        let this = || Arc::new(self.clone());
        Traffic {
            zones: this(),
            name_servers: this(),
            rules: this(),
            locks: this(),
            metrics: this(),
            parameters: this(),
            topics: this(),
            tasks: this(),
            credentials: this(),
        }
    }

    /// Makes a call: it takes its time, and hangs as the script says, before it is served.
    async fn call<T>(
        &self,
        operation: &'static str,
        serve: impl FnOnce(&mut Cloud, Timestamp) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let begun = self.clock.now();
        let takes = {
            let cloud = self.cloud();
            cloud.config.call + cloud.delay(operation, begun)
        };
        self.clock.sleep_until(begun.after(takes)).await;
        let now = self.clock.now();
        serve(&mut self.cloud(), now)
    }
}

/// Makes `None` of the errors that say that there is no such thing.
fn optional<T>(
    answer: Result<T, AwsError>,
    absent: &[&str],
    action: &'static str,
) -> Result<Option<T>, Failure> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if absent.contains(&error.code) => Ok(None),
        Err(error) => Err(error.into_failure(action)),
    }
}

/// Makes a failure of an error.
fn failed(action: &'static str) -> impl Fn(AwsError) -> Failure {
    move |error| error.into_failure(action)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
