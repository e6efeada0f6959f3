//! What all transfers of one run share.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_sdk_s3::Client;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, mpsc, watch};

use super::direct::Direct;
use super::disk::Disk;
use super::ledger::Ledger;
use super::pace::{Pace, Permit};
use super::pool::Pool;
use super::report::{FailureReason, Progress};
use super::route::Route;
use super::stamp::Stamp;
use crate::resource::ObjectOptions;

/// How much of the files that go up in one request may be in memory, in KiB.
const MEMORY: u32 = 128 * 1024;

/// How much of the files that go together may be in memory, in KiB. It is apart from the
/// rest: who goes together holds memory and waits for a request, and who goes up alone holds
/// a request and waits for memory, and neither may wait for the other.
const MEMORY_TOGETHER: u32 = 64 * 1024;

const KIBIBYTE: u64 = 1024;

/// What all transfers of one run share.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) route: Route,
    pub(super) options: ObjectOptions,
    pub(super) pace: Arc<Pace>,
    pub(super) direct: Arc<Direct>,
    pub(super) pool: Arc<Pool>,
    pub(super) disk: Disk,
    /// Where uploads in parts are noted, so that a later run goes on with them.
    pub(super) ledger: Option<Ledger>,
    /// How many uploads in parts are left for a later run.
    unfinished: AtomicU64,
    memory: Arc<Semaphore>,
    memory_together: Arc<Semaphore>,
    events: mpsc::UnboundedSender<Progress>,
    stopped: watch::Receiver<bool>,
    /// Whether nothing more is to be begun.
    halted: AtomicBool,
}

/// What came of a transfer.
#[derive(Debug)]
pub(super) struct Moved {
    /// How many bytes it had.
    pub(super) bytes: u64,
    /// The stamp of the file and the entity tag of the object, where they are known to belong
    /// together.
    pub(super) fact: Option<(Stamp, String)>,
}

/// Why a transfer has not been done.
#[derive(Debug, Clone)]
pub(super) enum Undone {
    /// It failed.
    Failed(FailureReason),
    /// The run was stopped while it was under way; nothing is left of it.
    Stopped,
}

impl From<FailureReason> for Undone {
    fn from(reason: FailureReason) -> Self {
        Self::Failed(reason)
    }
}

impl Session {
    pub(super) fn new(
        client: Client,
        (route, options): (Route, ObjectOptions),
        (concurrency, journals): (usize, Option<&Path>),
        events: mpsc::UnboundedSender<Progress>,
        stopped: watch::Receiver<bool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            client,
            route,
            options,
            pace: Pace::new(concurrency),
            pool: Arc::default(),
            disk: Disk::default(),
            ledger: journals.map(Ledger::of),
            unfinished: AtomicU64::new(0),
            direct: Arc::default(),
            memory: Arc::new(Semaphore::new(MEMORY as usize)),
            memory_together: Arc::new(Semaphore::new(MEMORY_TOGETHER as usize)),
            events,
            stopped,
            halted: AtomicBool::new(false),
        })
    }

    /// The same session with another client, for a bucket in another region.
    pub(super) fn with(&self, client: Client) -> Arc<Self> {
        self.like(client, self.options.clone())
    }

    /// The same session, in which objects are stored in another way.
    pub(super) fn storing(&self, options: ObjectOptions) -> Arc<Self> {
        self.like(self.client.clone(), options)
    }

    fn like(&self, client: Client, options: ObjectOptions) -> Arc<Self> {
        Arc::new(Self {
            client,
            route: self.route.clone(),
            options,
            pace: Arc::clone(&self.pace),
            direct: Arc::default(),
            pool: Arc::clone(&self.pool),
            disk: Disk::default(),
            // A copy in parts is begun anew: no byte of it was sent from here.
            ledger: None,
            unfinished: AtomicU64::new(0),
            memory: Arc::clone(&self.memory),
            memory_together: Arc::clone(&self.memory_together),
            events: self.events.clone(),
            stopped: self.stopped.clone(),
            halted: AtomicBool::new(self.is_halted()),
        })
    }

    /// Waits until one more request may be in flight.
    pub(super) async fn request(&self) -> Result<Permit<'_>, FailureReason> {
        self.pace.request().await
    }

    /// Waits until a file of `bytes` bytes may be held in memory.
    pub(super) async fn memory(&self, bytes: u64) -> Result<SemaphorePermit<'_>, FailureReason> {
        share(&self.memory, bytes, MEMORY).await
    }

    /// The same for content that is handed on.
    pub(super) async fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, FailureReason> {
        let share = share_of(bytes, MEMORY);
        let permit = Arc::clone(&self.memory).acquire_many_owned(share).await;
        permit.map_err(|_| FailureReason::Lost)
    }

    /// Waits until files that go together, of `bytes` bytes in all, may be held in memory.
    pub(super) async fn memory_together(
        &self,
        bytes: u64,
    ) -> Result<SemaphorePermit<'_>, FailureReason> {
        share(&self.memory_together, bytes, MEMORY_TOGETHER).await
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, event: Progress) {
        if let Progress::Moved { bytes } = &event {
            self.pace.moved(*bytes);
        }
        // When the run has been dropped, nobody listens any more.
        let _nobody = self.events.send(event);
    }

    /// Counts an upload in parts that a later run goes on with.
    pub(super) fn leave_unfinished(&self) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
    }

    /// How many uploads in parts are left for a later run.
    pub(super) fn unfinished(&self) -> u64 {
        self.unfinished.load(Ordering::Relaxed)
    }

    /// Whether the run has been stopped.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Lets nothing more begin.
    pub(super) fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// Whether nothing more is to be begun.
    pub(super) fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// Does one of several transfers, unless one before it has failed as all others would.
    pub(super) async fn unless_halted<T>(
        &self,
        work: impl Future<Output = Result<T, Undone>> + Send,
    ) -> Result<T, Undone> {
        if self.is_halted() || self.is_stopped() {
            return Err(Undone::Stopped);
        }
        let done = work.await;
        if let Err(Undone::Failed(reason)) = &done
            && reason.stops_the_run()
        {
            self.halt();
        }
        done
    }

    /// Does `work`, or drops it when the run is stopped before it is done.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, FailureReason>> + Send,
    ) -> Result<T, Undone> {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            done = work => done.map_err(Undone::Failed),
            Ok(_) = stopped.wait_for(|stopped| *stopped) => Err(Undone::Stopped),
        }
    }
}

/// Takes the share of so many bytes of memory, and all of it where that is less.
async fn share(
    memory: &Semaphore,
    bytes: u64,
    all: u32,
) -> Result<SemaphorePermit<'_>, FailureReason> {
    // The semaphore lives as long as the run and is never closed.
    let permit = memory.acquire_many(share_of(bytes, all)).await;
    permit.map_err(|_| FailureReason::Lost)
}

/// So many bytes in KiB, and no more than all of them.
fn share_of(bytes: u64, all: u32) -> u32 {
    let share = u32::try_from(bytes.div_ceil(KIBIBYTE)).unwrap_or(all);
    share.clamp(1, all)
}
