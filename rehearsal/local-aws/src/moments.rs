//! How moments are written.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use ciborium::tag::Required;
use cutover_core::Timestamp;

/// A moment in CBOR: tag 1, seconds since the Unix epoch.
pub(crate) type CborMoment = Required<f64, 1>;

/// Writes `2026-01-01T00:00:00Z`.
pub(crate) fn iso(at: Timestamp) -> String {
    write(at, Format::DateTime)
}

/// Writes `Thu, 01 Jan 2026 00:00:00 GMT`.
pub(crate) fn http(at: Timestamp) -> String {
    // A header's date has whole seconds.
    write(at.whole_second(), Format::HttpDate)
}

fn write(at: Timestamp, format: Format) -> String {
    DateTime::from_millis(at.unix_millis())
        .fmt(format)
        .unwrap_or_default()
}

/// Makes seconds of a moment.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds fit until the year 287396"
)]
pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.unix_millis() as f64 / 1000.0
}

/// Makes a moment of seconds, to the millisecond.
#[expect(
    clippy::cast_possible_truncation,
    reason = "casting saturates, and no number that is no moment is sent by a client"
)]
pub(crate) fn from_seconds(seconds: f64) -> Timestamp {
    Timestamp::from_unix_millis((seconds * 1000.0).round() as i64)
}

/// Makes a moment as CBOR has it.
pub(crate) fn cbor(at: Timestamp) -> CborMoment {
    Required(seconds(at))
}
