//! When a lease ends.

use jiff::Timestamp;

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
pub fn deadline(live: &LiveInstance, mark: &Mark) -> Deadline {
    match (live.first_launched, mark.lease) {
        (Some(launched), Some(lease)) => end(launched, lease),
        (None, _) | (_, None) => Deadline::Unreadable,
    }
}

fn end(launched: Timestamp, lease: Lease) -> Deadline {
    launched
        .checked_add(lease.span())
        .map_or(Deadline::Unreadable, Deadline::At)
}

#[cfg(test)]
#[path = "deadline_tests.rs"]
mod tests;
