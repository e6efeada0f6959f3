//! What a plan will cost in requests and in time, before anything is done.

use serde::Serialize;

use super::compare::{ONE_STREAM_LIMIT, SINGLE_REQUEST_LIMIT, part_count};
use super::place::Place;
use super::plan::SyncPlan;

/// What [`Estimate::of`] assumes, in words.
pub const ASSUMPTION: &str = "at 1 Gbit/s and 30 ms a request";

/// Bytes in a second: 1 Gbit/s.
const BYTES_PER_SECOND: u128 = 125_000_000;

/// Milliseconds from a request to its answer, and how many are in flight: what a run finds
/// near a bucket's region.
const LATENCY: u128 = 30;
const IN_FLIGHT: u128 = 64;

/// How many keys one request deletes; the limit of S3 (S3 API, `DeleteObjects`).
const DELETED_AT_ONCE: u64 = 1000;

/// How many requests a plan takes, and for how long.
///
/// The listing has been done by the time of a plan and is not counted; requests that are
/// tried again are not foreseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Estimate {
    /// Number of requests: for objects, for parts and ranges of large ones, for deletions.
    pub requests: u64,
    /// Seconds, rounded up, by [`ASSUMPTION`].
    pub seconds: u64,
}

impl Estimate {
    /// Estimates what is left to do of a plan.
    pub fn of(plan: &SyncPlan) -> Self {
        let sizes = plan.transfers.iter().map(|transfer| transfer.bytes);
        let each = match (&plan.from, &plan.to) {
            (Place::Folder(_), _) => requests_up,
            (Place::Prefix { .. }, Place::Folder(_)) => requests_down,
            (Place::Prefix { .. }, Place::Prefix { .. }) => |_| 1,
        };
        let moving = sizes.map(each).fold(0, u64::saturating_add);
        let deleting = match &plan.to {
            Place::Folder(_) => 0,
            Place::Prefix { .. } => (plan.deletions.len() as u64).div_ceil(DELETED_AT_ONCE),
        };
        let requests = moving.saturating_add(deleting);
        let bytes = match (&plan.from, &plan.to) {
            // What S3 copies itself does not come here.
            (Place::Prefix { .. }, Place::Prefix { .. }) => 0,
            (Place::Folder(_), _) | (_, Place::Folder(_)) => plan.transferred().bytes,
        };
        Self {
            requests,
            seconds: seconds(requests, bytes),
        }
    }
}

/// One request, or the beginning, the parts and the end of an upload.
fn requests_up(bytes: u64) -> u64 {
    if bytes <= SINGLE_REQUEST_LIMIT {
        1
    } else {
        part_count(bytes).saturating_add(2)
    }
}

/// One request, or a question and the ranges.
fn requests_down(bytes: u64) -> u64 {
    if bytes <= ONE_STREAM_LIMIT {
        1
    } else {
        part_count(bytes).saturating_add(1)
    }
}

/// Whatever takes longer: the bytes, or the requests.
fn seconds(requests: u64, bytes: u64) -> u64 {
    let moving = u128::from(bytes).div_ceil(BYTES_PER_SECOND);
    let waiting = (u128::from(requests) * LATENCY).div_ceil(IN_FLIGHT * 1000);
    u64::try_from(moving.max(waiting)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::sync::{Change, Deleted, Origin, Totals, Transfer};

    const MEBIBYTE: u64 = 1024 * 1024;

    fn estimate(ends: (Place, Place), sizes: &[u64], deletions: u64) -> (u64, u64) {
        let modified = Timestamp::UNIX_EPOCH;
        let plan = SyncPlan {
            from: ends.0,
            to: ends.1,
            transfers: sizes
                .iter()
                .map(|bytes| Transfer {
                    key: "a".to_owned(),
                    bytes: *bytes,
                    change: Change::New,
                    origin: Origin::File { modified },
                })
                .collect(),
            deletions: (0..deletions)
                .map(|number| Deleted {
                    key: number.to_string(),
                    bytes: 1,
                    modified,
                })
                .collect(),
            withheld: None,
            same: Totals::default(),
            skipped: Vec::new(),
            kept: Totals::default(),
            leftovers: Vec::new(),
            archive: None,
            options: crate::resource::ObjectOptions::default(),
            case_conflicts: Vec::new(),
            region: None,
        };
        let Estimate { requests, seconds } = Estimate::of(&plan);
        (requests, seconds)
    }

    fn folder() -> Place {
        Place::Folder("data".into())
    }

    fn prefix() -> Place {
        Place::prefix("bucket", "data")
    }

    #[test]
    fn uploads_are_counted_with_their_parts_and_deletions() {
        let up = |sizes: &[u64], deletions| estimate((folder(), prefix()), sizes, deletions);
        for (sizes, deletions, expected) in [
            (&[][..], 0, (0, 0)),
            (&[0], 0, (1, 1)),
            (&[8 * MEBIBYTE], 0, (1, 1)),
            (&[8 * MEBIBYTE + 1], 0, (4, 1)),
            (&[20 * MEBIBYTE, 1], 0, (6, 1)),
            (&[], 1000, (1, 1)),
            (&[1], 1001, (3, 1)),
            (&[125_000_000 * 60], 0, (897, 60)),
            (&[u64::MAX], 0, (3_435_973_839, 147_573_952_590)),
            (&[u64::MAX, u64::MAX], 0, (6_871_947_678, 147_573_952_590)),
        ] {
            assert_eq!(up(sizes, deletions), expected, "{sizes:?} {deletions}");
        }
        // 10,000 small files wait for answers, and not for bytes.
        assert_eq!(up(&vec![10_240; 10_000], 0), (10_000, 5));
    }

    #[test]
    fn downloads_are_counted_with_their_ranges() {
        let down = |sizes: &[u64], deletions| estimate((prefix(), folder()), sizes, deletions);
        for (sizes, deletions, expected) in [
            (&[0][..], 0, (1, 1)),
            (&[64 * MEBIBYTE], 0, (1, 1)),
            (&[64 * MEBIBYTE + 1], 0, (10, 1)),
            (&[1, 2, 3], 5000, (3, 1)),
        ] {
            assert_eq!(down(sizes, deletions), expected, "{sizes:?} {deletions}");
        }
    }

    #[test]
    fn what_s3_copies_itself_moves_no_bytes_here() {
        let across = estimate((prefix(), prefix()), &[u64::MAX, 1], 1);
        assert_eq!(across, (3, 1));
    }
}
