//! One revision of an object as something to read and seek in.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::sync::download::{Broken, again, unbegun, untouched};
use crate::sync::fault::Fault;
use crate::sync::options::payer;
use crate::sync::pace::Ear;
use crate::sync::report::{FailureReason, Progress, chain};
use crate::sync::session::{Session, Undone};

/// How much is asked for at first after a seek, in bytes.
const SMALLEST: u64 = 256 * 1024;

/// How much is asked for at a time by somebody who reads on, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// How many ranges are on their way to somebody who reads on: with [`LARGEST`], what is held
/// in memory.
const AHEAD: usize = 4;

/// The revision of an object that is read.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    pub(super) bucket: String,
    pub(super) key: String,
    /// In bytes.
    pub(super) bytes: u64,
    /// Without quotes.
    pub(super) etag: Option<String>,
}

/// What went wrong with the object, for whoever gave the reader away.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<Undone>>>);

impl Trouble {
    pub(super) fn take(&self) -> Option<Undone> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, undone: Undone) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(undone);
    }
}

/// Reads one revision of an object on a thread that may block, by ranges with `If-Match`.
pub(super) struct Ranges {
    session: Arc<Session>,
    runtime: Handle,
    revision: Arc<Revision>,
    trouble: Trouble,
    position: u64,
    /// What is at hand, from `start` on.
    at_hand: Bytes,
    start: u64,
    /// What is on its way; the first follows what is at hand.
    ahead: VecDeque<JoinHandle<Result<Bytes, Undone>>>,
    /// Up to where something is at hand or on its way.
    asked: u64,
    size: u64,
}

impl Ranges {
    /// Has to be called from within the runtime that the requests shall run on.
    pub(super) fn new(session: Arc<Session>, revision: Revision) -> (Self, Trouble) {
        let trouble = Trouble::default();
        let ranges = Self {
            session,
            runtime: Handle::current(),
            revision: Arc::new(revision),
            trouble: trouble.clone(),
            position: 0,
            at_hand: Bytes::new(),
            start: 0,
            ahead: VecDeque::new(),
            asked: 0,
            size: SMALLEST,
        };
        (ranges, trouble)
    }

    fn end_at_hand(&self) -> u64 {
        self.start + self.at_hand.len() as u64
    }

    /// Brings what is at the position to hand.
    fn fill(&mut self) -> io::Result<()> {
        if self.position < self.start || self.position >= self.asked {
            let reads_on = self.position == self.asked && self.asked > 0;
            if !reads_on {
                self.forget();
            }
        }
        while self.position >= self.end_at_hand() {
            self.ask();
            let Some(range) = self.ahead.pop_front() else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            let joined = self.runtime.block_on(range);
            let bytes = joined.unwrap_or_else(|_| Err(FailureReason::Lost.into()));
            self.start = self.end_at_hand();
            self.at_hand = bytes.map_err(|undone| {
                self.trouble.note(undone);
                io::Error::other("the archive could not be read to its end")
            })?;
        }
        Ok(())
    }

    /// Begins anew at the position.
    fn forget(&mut self) {
        self.ahead.drain(..).for_each(|range| range.abort());
        self.at_hand = Bytes::new();
        self.start = self.position;
        self.asked = self.position;
        self.size = SMALLEST;
    }

    /// Asks for what comes next: for more, and sooner, the longer somebody reads on.
    fn ask(&mut self) {
        let most = if self.size < LARGEST { 1 } else { AHEAD };
        while self.ahead.len() < most && self.asked < self.revision.bytes {
            let end = self.revision.bytes.min(self.asked + self.size);
            let fetch = fetch(
                Arc::clone(&self.session),
                Arc::clone(&self.revision),
                self.asked..end,
            );
            self.ahead.push_back(self.runtime.spawn(fetch));
            self.asked = end;
            self.size = LARGEST.min(self.size * 2);
        }
    }
}

impl Drop for Ranges {
    fn drop(&mut self) {
        self.ahead.drain(..).for_each(|range| range.abort());
    }
}

impl Read for Ranges {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.revision.bytes || buffer.is_empty() {
            return Ok(0);
        }
        if self.position < self.start || self.position >= self.end_at_hand() {
            self.fill()?;
        }
        let offset = usize::try_from(self.position - self.start).unwrap_or(usize::MAX);
        let rest = self.at_hand.get(offset..).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        self.position += taken as u64;
        Ok(taken)
    }
}

impl Seek for Ranges {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.revision.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

async fn fetch(
    session: Arc<Session>,
    revision: Arc<Revision>,
    range: Range<u64>,
) -> Result<Bytes, Undone> {
    let fetch = again(&session, || one_range(&session, &revision, range.clone()));
    session.unless_stopped(Box::pin(fetch)).await
}

async fn one_range(
    session: &Session,
    revision: &Revision,
    range: Range<u64>,
) -> Result<Bytes, (Broken, u64)> {
    let _request = session.request().await.map_err(untouched)?;
    let last = range.end - 1;
    let output = session
        .client
        .get_object()
        .bucket(&revision.bucket)
        .key(&revision.key)
        .set_if_match(revision.etag.as_ref().map(|etag| format!("\"{etag}\"")))
        .range(format!("bytes={}-{last}", range.start))
        .set_request_payer(payer(&session.options))
        .customize()
        .interceptor(Ear(Arc::clone(&session.pace)))
        .send()
        .await
        .map_err(|error| unbegun(Fault::of(&error)))?;
    // A server that ignores ranges would put the beginning in every place.
    let expected = format!("bytes {}-{last}/{}", range.start, revision.bytes);
    if output.content_range() != Some(expected.as_str()) {
        return Err(untouched(FailureReason::Damaged(
            "another range came than was asked for".to_owned(),
        )));
    }
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut content = Vec::with_capacity(length);
    let mut body = output.body;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| {
            let failure = FailureReason::Remote {
                operation: "download".to_owned(),
                detail: chain(&error),
            };
            (Broken::Again(failure), 0)
        })?;
        content.extend_from_slice(&chunk);
        session.tell(Progress::Moved {
            bytes: chunk.len() as u64,
        });
        if content.len() > length {
            break;
        }
    }
    if content.len() != length {
        let problem = format!("{} bytes came and not {length}", content.len());
        return Err((Broken::Again(FailureReason::Damaged(problem)), 0));
    }
    Ok(content.into())
}
