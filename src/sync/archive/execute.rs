//! Does what a plan with an archive says.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_s3::Client;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;

use super::entries::visit;
use super::packing::{ArchiveWork, Packing};
use super::ranges::{Ranges, Revision};
use super::send::{Order, Unsent, send};
use super::survey::journal_of;
use super::unpack::Unpacker;
use crate::sync::copy::attend;
use crate::sync::delete::{BATCH, delete, events};
use crate::sync::descriptors::affordable;
use crate::sync::filter::Filter;
use crate::sync::journal::{Journal, Record, Writer};
use crate::sync::plan::{Origin, SyncPlan, Transfer};
use crate::sync::report::{Control, Failure, FailureReason, Progress, SyncReport, chain};
use crate::sync::route::Route;
use crate::sync::session::{Session, Undone};
use crate::sync::stamp::Stamp;

/// What the workers of a run have in common.
struct Run<'a> {
    plan: &'a SyncPlan,
    packing: &'a Packing,
    session: Arc<Session>,
    events: mpsc::UnboundedSender<Progress>,
    journal: Option<Journal>,
}

/// Packs and sends, or fetches and unpacks, what a plan says.
pub(in crate::sync) async fn execute(
    client: &Client,
    (plan, packing): (&SyncPlan, &Packing),
    route: Route,
    control: &Control<'_>,
) -> SyncReport {
    if plan.is_empty() {
        return SyncReport::default();
    }
    if (control.cancelled)() {
        return stopped(plan);
    }
    let (events, heard) = mpsc::unbounded_channel();
    let (stop, is_stopped) = watch::channel(false);
    // What moves is told of in bytes of the files, and not in those of the archive.
    let (unheard, _) = mpsc::unbounded_channel();
    let journal = control
        .journals
        .map(|journals| journal_of(journals, &route, &packing.key));
    let most = affordable(control.concurrency.max(1));
    // A stream cannot be gone on with, so nothing is noted.
    let whom = (route, plan.options.clone());
    let session = Session::new(client.clone(), whom, (most, None), unheard, is_stopped);
    let run = Run {
        plan,
        packing,
        session: Arc::clone(&session),
        events,
        journal,
    };
    let work = async move {
        match &packing.work {
            ArchiveWork::Pack { .. } => run.pack().await,
            ArchiveWork::Unpack { bytes, etag } => run.unpack(*bytes, etag.clone()).await,
        }
    };
    Box::pin(attend(work, (control, &session), heard, stop)).await
}

fn stopped(plan: &SyncPlan) -> SyncReport {
    SyncReport {
        not_transferred: plan.carried().files,
        not_deleted: plan.deletions.len() as u64,
        cancelled: true,
        ..SyncReport::default()
    }
}

impl Run<'_> {
    fn tell(&self, event: Progress) {
        // When the run has been dropped, nobody listens any more.
        let _nobody = self.events.send(event);
    }

    async fn pack(self) -> SyncReport {
        let (plan, packing) = (self.plan, self.packing);
        let failed = |failure: Failure| {
            self.tell(Progress::Failed(failure.clone()));
            SyncReport {
                failures: vec![failure],
                not_transferred: packing.whole.files,
                not_deleted: plan.deletions.len() as u64,
                ..SyncReport::default()
            }
        };
        let ArchiveWork::Pack {
            include,
            exclude,
            listing,
        } = &packing.work
        else {
            return stopped(plan);
        };
        let filter = match Filter::new(include, exclude) {
            Ok(filter) => filter,
            Err(error) => {
                return failed(Failure {
                    key: packing.key.clone(),
                    reason: FailureReason::Local {
                        operation: "use a filter".to_owned(),
                        detail: error.to_string(),
                    },
                });
            }
        };
        let order = Order {
            plan,
            kind: packing.kind,
            key: &packing.key,
            filter,
            listing,
        };
        let events = self.events.clone();
        match send(&self.session, &order, events, self.journal.clone()).await {
            Ok(()) => self.packed(),
            Err(Unsent::Failed(failure)) => failed(failure),
            Err(Unsent::Stopped) => stopped(plan),
        }
    }

    fn packed(&self) -> SyncReport {
        let deleted = self.plan.deletions.len() as u64;
        for transfer in &self.plan.transfers {
            self.tell(Progress::Finished {
                key: transfer.key,
                bytes: transfer.bytes,
            });
        }
        events(&self.plan.deletions, &[]).for_each(|event| self.tell(event));
        SyncReport {
            transferred: self.packing.whole,
            deleted,
            ..SyncReport::default()
        }
    }

    async fn unpack(self, bytes: u64, etag: Option<String>) -> SyncReport {
        let mut report = SyncReport::default();
        if !self.plan.transfers.is_empty() {
            self.fetch((bytes, etag), &mut report).await;
        }
        if report.is_complete() {
            self.delete(&mut report).await;
        } else {
            report.not_deleted = self.plan.deletions.len() as u64;
        }
        report
    }

    async fn fetch(&self, (bytes, etag): (u64, Option<String>), report: &mut SyncReport) {
        let (session, kind) = (Arc::clone(&self.session), self.packing.kind);
        let revision = Revision {
            bucket: session.route.bucket.clone(),
            key: self.packing.key.clone(),
            bytes,
            etag,
        };
        let (ranges, trouble) = Ranges::new(Arc::clone(&session), revision);
        let mut unpacker = Unpacker::new(session, self.events.clone(), &self.plan.transfers);
        let known = self.journal.as_ref().and_then(Journal::moved);
        // A file is landed or not: what is being written when the run stops is dropped there.
        let visiting = spawn_blocking(move || {
            let visited = visit(kind, ranges, &mut unpacker);
            (unpacker, visited)
        });
        let Ok((unpacker, visited)) = visiting.await else {
            report.not_transferred = self.plan.transfers.len() as u64;
            self.fail(report, self.packing.key.clone(), FailureReason::Lost);
            return;
        };
        self.note((&unpacker, known), report);
        let missing: BTreeSet<usize> = unpacker.missing().collect();
        match (trouble.take(), visited) {
            _ if self.session.is_stopped() => {
                report.cancelled = true;
                report.not_transferred = missing.len() as u64;
            }
            (Some(Undone::Failed(reason)), _) => {
                report.not_transferred = missing.len() as u64;
                self.fail(report, self.packing.key.clone(), reason);
            }
            (Some(Undone::Stopped), _) | (None, Ok(())) => {
                let transfers = self.plan.transfers.iter().enumerate();
                for (_, transfer) in transfers.filter(|(index, _)| missing.contains(index)) {
                    let reason = FailureReason::Damaged("the archive does not have it".to_owned());
                    self.fail(report, transfer.key, reason);
                }
            }
            (None, Err(error)) => {
                report.not_transferred = missing.len() as u64;
                let reason = FailureReason::Damaged(chain(&error));
                self.fail(report, self.packing.key.clone(), reason);
            }
        }
        report
            .failures
            .sort_by(|one, other| one.key.cmp(&other.key));
    }

    /// Counts what landed, and writes it down for the next run.
    fn note(&self, (unpacker, mut known): (&Unpacker, Option<Writer>), report: &mut SyncReport) {
        for (index, transfer) in self.plan.transfers.iter().enumerate() {
            let Some(landed) = unpacker.landed.get(&index) else {
                continue;
            };
            match landed {
                Ok(stamp) => {
                    report.transferred.add(transfer.bytes);
                    if let (Some(writer), Some(stamp)) = (&mut known, stamp) {
                        writer.put(index as u64, record(&transfer, *stamp));
                    }
                }
                Err(reason) => self.fail(report, transfer.key, reason.clone()),
            }
        }
        if let Some(known) = known {
            known.finish();
        }
    }

    fn fail(&self, report: &mut SyncReport, key: String, reason: FailureReason) {
        let failure = Failure { key, reason };
        self.tell(Progress::Failed(failure.clone()));
        report.failures.push(failure);
    }

    /// Deletes what the archive does not have.
    async fn delete(&self, report: &mut SyncReport) {
        let mut batches = self.plan.deletions.chunks(BATCH);
        while report.failures.is_empty() {
            if self.session.is_stopped() {
                report.cancelled = true;
                break;
            }
            let Some(batch) = batches.next() else {
                break;
            };
            let failures = delete(&self.session, batch).await;
            report.deleted += (batch.len() - failures.len().min(batch.len())) as u64;
            events(batch, &failures).for_each(|event| self.tell(event));
            for Failure { key, reason } in failures {
                self.fail(report, key, reason);
            }
        }
        report.not_deleted = batches.map(|batch| batch.len() as u64).sum();
    }
}

/// What the next run is to know of a file that landed.
fn record(transfer: &Transfer, stamp: Stamp) -> Option<Record> {
    match &transfer.origin {
        Origin::Entry {
            sha256,
            modified: _,
            executable: _,
        } => Some(Record {
            key: transfer.key.clone(),
            stamp,
            etag: sha256.clone(),
        }),
        Origin::File { .. } | Origin::Object { .. } => None,
    }
}
