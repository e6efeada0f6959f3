//! The walk and the listing side by side, key by key.

use std::cmp::Ordering;
use std::vec;

use tokio::sync::mpsc;

use super::error::SurveyError;
use super::list::{Listed, RemoteObject};
use super::plan::SkipReason;
use super::walk::{Found, LocalFile};

/// One key of either side or of both.
#[derive(Debug)]
pub(super) enum Joined {
    Local(LocalFile),
    Remote(RemoteObject),
    Both(LocalFile, RemoteObject),
    SkippedLocal { key: String, reason: SkipReason },
    SkippedRemote { key: String, reason: SkipReason },
}

/// What a worker sends: a batch, `None` for the end, or why there is none.
///
/// The end is said and never inferred: a worker that dies must not look like a
/// side that has no more files.
pub(super) type Batch<T> = Result<Option<Vec<T>>, SurveyError>;

/// One side: batches from a worker, taken one by one.
pub(super) struct Feed<T> {
    batches: mpsc::Receiver<Batch<T>>,
    batch: vec::IntoIter<T>,
    head: Option<T>,
    ended: bool,
}

impl<T> Feed<T> {
    pub(super) fn new(batches: mpsc::Receiver<Batch<T>>) -> Self {
        Self {
            batches,
            batch: Vec::new().into_iter(),
            head: None,
            ended: false,
        }
    }

    /// Makes sure that the head is filled unless the side is at its end.
    pub(super) async fn fill(&mut self) -> Result<(), SurveyError> {
        while self.head.is_none() && !self.ended {
            self.head = self.batch.next();
            if self.head.is_none() {
                match self.batches.recv().await.ok_or(SurveyError::Lost)?? {
                    Some(batch) => self.batch = batch.into_iter(),
                    None => self.ended = true,
                }
            }
        }
        Ok(())
    }

    /// What comes next, once it has been filled; nothing at the end.
    pub(super) fn head(&self) -> Option<&T> {
        self.head.as_ref()
    }

    /// Takes what comes next.
    pub(super) fn take(&mut self) -> Option<T> {
        self.head.take()
    }
}

/// Both sides in one order; holds one batch of each.
pub(super) struct Merge {
    local: Feed<Found>,
    remote: Feed<Listed>,
}

impl Merge {
    pub(super) fn new(
        local: mpsc::Receiver<Batch<Found>>,
        remote: mpsc::Receiver<Batch<Listed>>,
    ) -> Self {
        Self {
            local: Feed::new(local),
            remote: Feed::new(remote),
        }
    }

    /// The next key, or `None` after both sides have ended without an error.
    pub(super) async fn next(&mut self) -> Result<Option<Joined>, SurveyError> {
        self.local.fill().await?;
        self.remote.fill().await?;
        let order = match (&self.local.head, &self.remote.head) {
            (None, None) => return Ok(None),
            // What is skipped joins nothing and may be out of order.
            (Some(Found::Skipped { .. }), _) | (Some(_), None) => Ordering::Less,
            (_, Some(Listed::Skipped { .. })) | (None, Some(_)) => Ordering::Greater,
            (Some(Found::File(file)), Some(Listed::Object(object))) => file.key.cmp(&object.key),
        };
        let local = order.is_le().then(|| self.local.head.take()).flatten();
        let remote = order.is_ge().then(|| self.remote.head.take()).flatten();
        Ok(join(local, remote))
    }
}

fn join(local: Option<Found>, remote: Option<Listed>) -> Option<Joined> {
    match (local, remote) {
        (Some(Found::File(file)), Some(Listed::Object(object))) => Some(Joined::Both(file, object)),
        (Some(Found::File(file)), _) => Some(Joined::Local(file)),
        (Some(Found::Skipped { key, reason }), _) => Some(Joined::SkippedLocal { key, reason }),
        (None, Some(Listed::Object(object))) => Some(Joined::Remote(object)),
        (None, Some(Listed::Skipped { key, reason })) => {
            Some(Joined::SkippedRemote { key, reason })
        }
        (None, None) => None,
    }
}
