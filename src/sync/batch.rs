//! Small files, several at a time.
//!
//! To hand a file from one thread to another and back takes longer than to read it, when it
//! is small. So small neighbours in a plan go together: one worker reads all of them at one
//! go and sends them one after another, or gets them one after another and writes all of
//! them at one go. Towards the end the batches become smaller, so that no worker has many
//! files left while others have none.

use std::iter::Peekable;
use std::sync::Arc;

use super::across::Copies;
use super::compare::Direction;
use super::download::{download, download_together};
use super::plan::Transfer;
use super::pool::SMALL;
use super::report::Progress;
use super::session::{Moved, Session, Undone};
use super::transfers::{self, Transfers};
use super::upload::{upload, upload_together};

/// The most files that go together.
const MOST_FILES: usize = 8;
/// The most bytes that files have which go together.
const MOST_BYTES: u64 = SMALL;

/// What came of one transfer, and the entity tag of what S3 has copied.
pub(super) type Outcome = (Result<Moved, Undone>, Option<String>);

/// What a worker answers: the place of its first transfer in the plan, and what came of that
/// one and of those behind it.
pub(super) type Answer = (usize, Vec<Outcome>);

/// Divides the transfers of a plan among workers, in their order.
pub(super) struct Batches<'a> {
    rest: Peekable<transfers::Iter<'a>>,
    /// How many of them have been given out.
    begun: usize,
    /// How many may go together.
    most: usize,
}

impl<'a> Batches<'a> {
    /// Small files go together; objects that S3 copies do not.
    pub(super) fn of(transfers: &'a Transfers, are_copies: bool) -> Self {
        Self {
            rest: transfers.iter().peekable(),
            begun: 0,
            most: if are_copies { 1 } else { MOST_FILES },
        }
    }

    /// What the next of so many workers is to do, and the place of the first in the plan.
    pub(super) fn next(&mut self, workers: usize) -> Option<(usize, Vec<Transfer>)> {
        let share = (self.left() / (2 * workers.max(1))).clamp(1, self.most);
        let first = self.rest.next()?;
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while batch.len() < share
            && let Some(next) = self.rest.next_if(|next| {
                bytes = bytes.saturating_add(next.bytes);
                bytes <= MOST_BYTES
            })
        {
            batch.push(next);
        }
        let begin = self.begun;
        self.begun += batch.len();
        Some((begin, batch))
    }

    /// How many transfers nobody has been given.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }
}

/// Does the transfers of one batch, of which the first has this place in the plan.
pub(super) async fn work(
    session: Arc<Session>,
    copies: Option<Arc<Copies>>,
    (first, transfers): (usize, Vec<Transfer>),
) -> Answer {
    let outcomes = match (copies, session.route.direction) {
        (Some(copies), _) => copy(&session, &copies, &transfers).await,
        (None, direction) => {
            let moved = match (direction, &transfers[..]) {
                (Direction::Up, [one]) => {
                    begin(&session, one);
                    vec![upload(&session, one).await]
                }
                (Direction::Down, [one]) => {
                    begin(&session, one);
                    vec![download(&session, one).await]
                }
                (Direction::Up, several) => upload_together(&session, several).await,
                (Direction::Down, several) => download_together(&session, several).await,
            };
            moved.into_iter().map(|moved| (moved, None)).collect()
        }
    };
    (first, outcomes)
}

/// Tells that a transfer begins.
pub(super) fn begin(session: &Session, transfer: &Transfer) {
    session.tell(Progress::Started {
        key: transfer.key.clone(),
        bytes: transfer.bytes,
    });
}

async fn copy(
    session: &Arc<Session>,
    copies: &Arc<Copies>,
    transfers: &[Transfer],
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for transfer in transfers {
        begin(session, transfer);
        outcomes.push(match copies.copy(session, transfer).await {
            Ok((moved, etag)) => (Ok(moved), etag),
            Err(undone) => (Err(undone), None),
        });
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Change, Origin};

    fn transfers(sizes: &[u64]) -> Transfers {
        let transfer = |(place, bytes): (usize, &u64)| Transfer {
            key: format!("{place:05}"),
            bytes: *bytes,
            change: Change::New,
            origin: Origin::File {
                modified: jiff::Timestamp::UNIX_EPOCH,
            },
        };
        sizes.iter().enumerate().map(transfer).collect()
    }

    fn batches(sizes: &[u64], workers: usize, are_copies: bool) -> Vec<usize> {
        let transfers = transfers(sizes);
        let mut batches = Batches::of(&transfers, are_copies);
        let (mut lengths, mut end) = (Vec::new(), 0);
        while let Some((begin, batch)) = batches.next(workers) {
            assert_eq!(begin, end, "none is left out, and none is done twice");
            for transfer in &batch {
                assert_eq!(transfer.key, format!("{end:05}"));
                end += 1;
            }
            assert_eq!(batches.left(), sizes.len() - end);
            lengths.push(batch.len());
        }
        assert_eq!(end, sizes.len());
        lengths
    }

    #[test]
    fn small_files_go_together_and_towards_the_end_alone() {
        let lengths = batches(&[10_240; 200], 4, false);
        assert_eq!(lengths[..17], [8; 17]);
        assert!(lengths.is_sorted_by(|one, next| one >= next));
        assert!(lengths.ends_with(&[1; 8]), "{lengths:?}");
        assert_eq!(batches(&[], 4, false), [0; 0]);
        assert_eq!(batches(&[1; 3], 0, false), [1; 3]);
    }

    #[test]
    fn large_files_and_copies_go_alone() {
        assert_eq!(batches(&[10_240; 200], 4, true), [1; 200]);
        assert_eq!(batches(&[MOST_BYTES + 1; 50], 1, false), [1; 50]);
        let mut sizes = [10_240; 40];
        sizes[3] = u64::MAX / 2;
        assert_eq!(batches(&sizes, 1, false)[..3], [3, 1, 8]);
        assert_eq!(batches(&[MOST_BYTES / 2; 40], 1, false)[0], 2);
    }
}
