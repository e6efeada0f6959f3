//! When a lease ends.

use jiff::{SignedDuration, Timestamp};

use crate::resource::{Lease, LiveInstance, Mark};

/// When an instance's lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// At this instant.
    At(Timestamp),
    /// It cannot be told, because the tag or the launch time cannot be read.
    ///
    /// That counts as run out: nothing billable is without a deadline.
    Unreadable,
}

impl Deadline {
    /// Whether the lease has run out.
    pub fn is_over(self, now: Timestamp) -> bool {
        match self {
            Self::At(end) => end <= now,
            Self::Unreadable => true,
        }
    }

    /// Seconds left; negative when it has run out.
    pub fn seconds_left(self, now: Timestamp) -> Option<i64> {
        match self {
            Self::At(end) => Some(end.duration_since(now).as_secs()),
            Self::Unreadable => None,
        }
    }
}

/// When the lease of a live instance ends: the first launch plus the duration in its tag.
///
/// What the launch waited for capacity is taken off. The lease of an instance that
/// was taken over counts from then.
pub fn deadline(live: &LiveInstance, mark: &Mark) -> Deadline {
    match (mark.since.or(live.first_launched), mark.lease) {
        (Some(begin), Some(lease)) => end(begin, lease, mark.waited),
        (None, _) | (_, None) => Deadline::Unreadable,
    }
}

fn end(begin: Timestamp, lease: Lease, waited: u64) -> Deadline {
    let left = i64::try_from(lease.seconds().saturating_sub(waited)).unwrap_or(i64::MAX);
    begin
        .checked_add(SignedDuration::from_secs(left))
        .map_or(Deadline::Unreadable, Deadline::At)
}

#[cfg(test)]
#[path = "deadline_tests.rs"]
mod tests;
