//! Instants as AWS writes them.

use std::time::Duration;

use jiff::Timestamp;

/// Formats an instant as EC2 does: UTC, three decimals, `Z`.
pub(crate) fn aws_time(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Gives `delay` after `instant`, or the last instant there is.
pub(crate) fn after(instant: Timestamp, delay: Duration) -> Timestamp {
    i128::try_from(delay.as_nanos())
        .ok()
        .and_then(|delay| instant.as_nanosecond().checked_add(delay))
        .and_then(|sum| Timestamp::from_nanosecond(sum).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Cuts an instant to whole seconds, which is how EC2 keeps launch times.
pub(crate) fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
