//! Waits for a marker.

use std::time::Duration;

use cutover_core::validation::facts::DbFailure;

use crate::{Clock, WriterControl};

/// How often a side is asked for a marker. Ours: short beside the second that a drain takes, and for the server one look by
/// primary key.
const POLL: Duration = Duration::from_millis(20);

/// Asks a side for a marker until it is there or the time is over. Only looks.
pub(crate) async fn seek(
    side: &dyn WriterControl,
    number: u64,
    limit: Duration,
    clock: &dyn Clock,
) -> Result<bool, DbFailure> {
    let until = clock.now().after(limit);
    loop {
        // Whoever does not answer in time has not got it; the answer of a look can be dropped.
        let found = tokio::select! {
            biased;
            found = side.has_marker(number) => found?,
            () = async { clock.sleep_until(until).await } => false,
        };
        let now = clock.now();
        if found || now >= until {
            return Ok(found);
        }
        clock.sleep_until(now.after(POLL).min(until)).await;
    }
}
