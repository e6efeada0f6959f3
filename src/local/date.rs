//! When a request says that it was signed.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::service::Service;
use super::wire::{Refusal, after};

/// So far may the clock of a client be off, either way.
const MOST_SKEW: Duration = Duration::from_mins(15);

/// How the header writes an instant.
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Refuses a request that was signed too long ago, or will be. One that does not say
/// when is none of it.
pub(super) fn check(service: Service, headers: &HeaderMap, now: Timestamp) -> Result<(), Refusal> {
    let Some(signed) = signed(headers) else {
        return Ok(());
    };
    let expired = after(signed, MOST_SKEW) < now;
    if !expired && signed <= after(now, MOST_SKEW) {
        return Ok(());
    }
    let (signed, now) = (signed.strftime(FORMAT), now.strftime(FORMAT));
    let message = if expired {
        format!("Signature expired: {signed} is now earlier than {now} - 15 min.")
    } else {
        format!("Signature not yet current: {signed} is still later than {now} + 15 min.")
    };
    Err(match service {
        Service::Ec2 => Refusal::new("RequestExpired", "Request has expired."),
        Service::Sts | Service::Federation => Refusal::new("SignatureDoesNotMatch", message),
        Service::Ssm => Refusal::new("InvalidSignatureException", message),
        Service::S3 => Refusal::new(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
    })
}

fn signed(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get("x-amz-date")?.to_str().ok()?;
    let instant = DateTime::strptime(FORMAT, text).ok()?;
    TimeZone::UTC.to_timestamp(instant).ok()
}
