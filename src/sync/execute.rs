//! Does what a plan says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::across::{Copies, Ends, Twins, journal};
use super::batch::{Answer, Batches, work};
use super::compare::Direction;
use super::delete::{BATCH, delete};
use super::descriptors::affordable;
use super::download::blocking;
use super::home::Home;
use super::journal::{Journal, Record, Writer};
use super::pace::Climb;
use super::plan::{SyncPlan, Transfer};
use super::report::{Control, Failure, FailureReason, Progress, SyncReport};
use super::route::Route;
use super::session::{Moved, Session, Undone};
use super::target::collect;
use super::transfers::Transfers;

/// How often a run looks at how it goes, tells of it, and asks whether to stop. To be woken
/// for each event would cost more than a small file does.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the next run is to know.
enum Known {
    /// Of a folder and a bucket.
    Files(Writer),
    /// Of two buckets.
    Copies(Writer<Twins>),
}

/// Does exactly the transfers and deletions of a plan.
///
/// One file that fails stops no other, except where every other would fail in the
/// same way (access denied, credentials expired): then nothing more is begun.
/// Deletions come last, and only when every transfer has succeeded.
///
/// When `control` cancels, nothing more is begun and what is in flight is dropped;
/// no temporary file and no multipart upload is left. To be sure of that, cancel
/// a run rather than dropping this future.
pub async fn execute(client: &Client, plan: &SyncPlan, control: &Control<'_>) -> SyncReport {
    let ends = Ends::of(&plan.from, &plan.to);
    let Some(route) = Route::of(&plan.from, &plan.to).or(ends.as_ref().map(Ends::target)) else {
        let failure = Failure {
            key: String::new(),
            reason: FailureReason::NotAPair,
        };
        return SyncReport {
            failures: vec![failure],
            not_transferred: plan.transfers.len() as u64,
            not_deleted: plan.deletions.len() as u64,
            ..SyncReport::default()
        };
    };
    let home = Home::in_region(client, plan.region.as_deref(), &route.bucket);
    let client = &home.client();
    if let Some(packing) = &plan.archive {
        let work = (plan, packing);
        return Box::pin(super::archive::execute(client, work, route, control)).await;
    }
    let (events, heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let concurrency = affordable(control.concurrency.max(1));
    let known = control.journals.and_then(|folder| match &ends {
        Some(ends) => journal(folder, ends).moved().map(Known::Copies),
        None => Journal::of(folder, &route).moved().map(Known::Files),
    });
    let copies = ends.map(|ends| Arc::new(Copies::new(client, &ends, control)));
    let mut run = Run {
        known,
        copies,
        session: Session::new(
            client.clone(),
            (route, plan.options.clone()),
            (concurrency, control.journals),
            events,
            stopped,
        ),
        control,
        heard,
        stop,
        report: SyncReport::default(),
    };
    run.collect(&plan.leftovers).await;
    run.transfer(&plan.transfers, concurrency).await;
    run.delete(plan).await;
    run.tell_rest();
    run.report.unfinished = run.session.unfinished();
    match run.known.take() {
        Some(Known::Files(writer)) => writer.finish(),
        Some(Known::Copies(writer)) => writer.finish(),
        None => {}
    }
    run.report
        .failures
        .sort_by(|one, other| one.key.cmp(&other.key));
    run.report
}

/// A plan being executed.
struct Run<'a> {
    session: Arc<Session>,
    control: &'a Control<'a>,
    heard: mpsc::UnboundedReceiver<Progress>,
    stop: watch::Sender<bool>,
    report: SyncReport,
    /// What the next run is to know.
    known: Option<Known>,
    /// What copies share, where both places are in buckets.
    copies: Option<Arc<Copies>>,
}

impl Run<'_> {
    /// Removes what runs have left that were killed.
    async fn collect(&self, leftovers: &[String]) {
        if leftovers.is_empty() || self.session.route.direction != Direction::Down {
            return;
        }
        let (owner, keys) = (Arc::clone(&self.session), leftovers.to_vec());
        let _best_effort = blocking(move || {
            for key in &keys {
                collect(&owner.route.folder, key);
            }
            Ok(())
        })
        .await;
    }

    async fn transfer(&mut self, transfers: &Transfers, most: usize) {
        let mut climb = Climb::new(most);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batches = Batches::of(transfers, self.copies.is_some());
        let mut workers: JoinSet<Answer> = JoinSet::new();
        let mut unanswered = BTreeMap::new();
        self.ask();
        loop {
            while !self.session.is_halted()
                && workers.len() < climb.workers()
                && let Some((begin, batch)) = batches.next(climb.workers())
            {
                unanswered.extend((begin..).zip(batch.iter().cloned()));
                let (session, copies) = (Arc::clone(&self.session), self.copies.clone());
                workers.spawn(work(session, copies, (begin, batch)));
            }
            tokio::select! {
                joined = workers.join_next() => match joined {
                    Some(Ok((first, outcomes))) => {
                        for (index, (result, copy)) in (first..).zip(outcomes) {
                            if let Some(transfer) = unanswered.remove(&index) {
                                self.keep(index, &transfer, (&result, copy));
                                self.note(transfer.key, result);
                            }
                        }
                    }
                    // Which worker that was shows in what stays unanswered.
                    Some(Err(_)) => {}
                    None => break,
                },
                _ = look.tick() => {
                    self.ask();
                    self.tell_rest();
                    if batches.left() > 0 && workers.len() >= climb.workers() {
                        self.session.pace.wait();
                    }
                    self.session.pace.turn_when_due(&mut climb);
                }
            }
        }
        for transfer in unanswered.into_values() {
            self.fail(Failure {
                key: transfer.key,
                reason: FailureReason::Lost,
            });
        }
        self.report.not_transferred += batches.left() as u64;
    }

    /// Deletes, unless something before went wrong.
    async fn delete(&mut self, plan: &SyncPlan) {
        let mut batches = plan.deletions.chunks(BATCH);
        let all_there = self.report.failures.is_empty() && self.report.not_transferred == 0;
        if let Some(copies) = &self.copies
            && all_there
            && !plan.deletions.is_empty()
        {
            self.session = self.session.with(copies.at_target().await);
        }
        while all_there
            && self.goes_on()
            && let Some(batch) = batches.next()
        {
            let failures = delete(&self.session, batch).await;
            self.report.deleted += (batch.len() - failures.len().min(batch.len())) as u64;
            for failure in failures {
                self.fail(failure);
            }
            self.tell_rest();
        }
        self.report.not_deleted += batches.map(|batch| batch.len() as u64).sum::<u64>();
    }

    fn goes_on(&mut self) -> bool {
        self.ask();
        !self.session.is_halted()
    }

    /// Writes down what the next run is to know.
    fn keep(
        &mut self,
        index: usize,
        transfer: &Transfer,
        (result, copy): (&Result<Moved, Undone>, Option<String>),
    ) {
        let key = transfer.key.clone();
        match &mut self.known {
            Some(Known::Files(writer)) => {
                let fact = result.as_ref().ok().and_then(|moved| moved.fact.clone());
                let record = fact.map(|(stamp, etag)| Record { key, stamp, etag });
                writer.put(index as u64, record);
            }
            Some(Known::Copies(writer)) => {
                let tags = transfer.origin.etag().map(str::to_owned).zip(copy);
                let twins = tags.map(|(source, target)| Twins {
                    key,
                    source,
                    target,
                });
                writer.put(index as u64, twins);
            }
            None => {}
        }
    }

    fn note(&mut self, key: String, result: Result<Moved, Undone>) {
        match result {
            Ok(Moved { bytes, fact: _ }) => {
                self.report.transferred.add(bytes);
                self.session.tell(Progress::Finished { key, bytes });
            }
            Err(Undone::Stopped) => self.report.not_transferred += 1,
            Err(Undone::Failed(reason)) => self.fail(Failure { key, reason }),
        }
    }

    fn fail(&mut self, failure: Failure) {
        if failure.reason.stops_the_run() {
            self.session.halt();
        }
        self.session.tell(Progress::Failed(failure.clone()));
        self.report.failures.push(failure);
    }

    /// Asks whether to stop, and tells the workers.
    fn ask(&mut self) {
        if !self.report.cancelled && (self.control.cancelled)() {
            self.report.cancelled = true;
            self.session.halt();
            self.stop.send_replace(true);
        }
    }

    /// Passes on what has been told and not yet heard.
    fn tell_rest(&mut self) {
        while let Ok(event) = self.heard.try_recv() {
            (self.control.progress)(event);
        }
    }
}
