//! Reads both sides of a sync and says what is to do.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::Client;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::across::{self, Ends};
use super::branches;
use super::case::{OnCaseConflict, folds_case};
use super::compare::Direction;
use super::error::SurveyError;
use super::filter::Filter;
use super::home::Home;
use super::journal::Journal;
use super::judge::{Judge, Known};
use super::key::{check_key, check_length};
use super::list::Listing;
use super::merge::{Batch, Merge};
use super::place::{Place, Request};
use super::plan::{Side, SkipReason, Skipped, SyncPlan};
use super::policy::SourceLinks;
use super::route::Route;
use super::rules::RulesFault;
use super::source::open_to_read;
use super::stretches::{How, marks, send_all};
use super::tally::Tally;
use super::walk::{Found, Links, Walk};

/// How many files the walk hands over at a time: as many as a listing page has.
const WALK_BATCH: usize = 1000;

/// How many batches a side may be ahead of the other.
pub(super) const BATCHES_AHEAD: usize = 4;

/// Reads both sides and says what is to do; writes nothing anywhere.
///
/// The requests are those of one listing of the target's or source's prefix, or of both
/// where both are in buckets: then `client` is for the target's region, as far as that is
/// known. A bucket that is in another region is looked for, and read there. Where pages take long and no journal
/// knows any keys, folders are asked for as well. An object is asked about on its own only
/// where a digest differs and the times do not say so (see `compare`), which an ordinary run
/// without changes never has.
///
/// Deletions are planned only with [`Deletion::Extra`](super::Deletion::Extra),
/// never for what a filter excludes, never for what was skipped at the source or
/// is below it (except below a key that gives way to a folder), and not at all when a folder could not be read: then the plan
/// says so in [`SyncPlan::withheld`].
///
/// # Errors
///
/// When the places or filters make no sense, or overlap, or one is in a directory bucket, when
/// the source folder is missing or
/// no folder (before any request), when the listing fails or cannot be trusted,
/// and when an empty source would delete everything in the target.
pub async fn survey(client: &Client, request: &Request) -> Result<SyncPlan, SurveyError> {
    let error = match Box::pin(survey_here(client, request)).await {
        Err(error) if error.is_elsewhere() => error,
        done => return done,
    };
    let bucket = match (&request.from, &request.to) {
        (Place::Prefix { bucket, prefix: _ }, Place::Folder(_))
        | (Place::Folder(_), Place::Prefix { bucket, prefix: _ }) => bucket,
        (Place::Prefix { .. }, Place::Prefix { .. }) | (Place::Folder(_), Place::Folder(_)) => {
            return Err(error);
        }
    };
    let there = Home::new(client.clone(), bucket).settled().await;
    let region = there.config().region();
    if region == client.config().region() {
        return Err(error);
    }
    let region = region.map(ToString::to_string);
    let plan = Box::pin(survey_here(&there, request)).await?;
    Ok(SyncPlan { region, ..plan })
}

/// The same in the client's region.
async fn survey_here(client: &Client, request: &Request) -> Result<SyncPlan, SurveyError> {
    for place in [&request.from, &request.to] {
        if place.is_in_directory_bucket() {
            return Err(SurveyError::DirectoryBucket(place.clone()));
        }
    }
    if let Some(ends) = Ends::of(&request.from, &request.to) {
        if request.archive.is_some() {
            return Err(SurveyError::ArchiveBetweenBuckets {
                from: request.from.clone(),
                to: request.to.clone(),
            });
        }
        return Box::pin(across::survey(client, request, &ends)).await;
    }
    let route = Route::of(&request.from, &request.to).ok_or_else(|| SurveyError::NotAPair {
        from: request.from.clone(),
        to: request.to.clone(),
    })?;
    if !route.is_closed() {
        let place = match route.direction {
            Direction::Up => &request.to,
            Direction::Down => &request.from,
        };
        return Err(SurveyError::OpenPrefix(place.clone()));
    }
    if let Some(kind) = request.archive {
        return Box::pin(super::archive::survey(client, (request, &route), kind)).await;
    }
    let (source_filter, target_filter) = Filter::of_ends(request).map_err(SurveyError::Pattern)?;
    let (folder_filter, bucket_filter) = match route.direction {
        Direction::Up => (source_filter, target_filter),
        Direction::Down => (target_filter, source_filter),
    };
    let obeys = |side| side == Side::From || !request.delete_excluded;
    let (folder_side, bucket_side) = match route.direction {
        Direction::Up => (Side::From, Side::To),
        Direction::Down => (Side::To, Side::From),
    };
    let links = request.policy.links;
    let walk = open_walk(&route, &folder_filter, (obeys(folder_side), links)).await?;
    let route = Arc::new(route);
    let journal = request.journals.as_deref();
    let known = journal.map(|folder| Journal::of(folder, &route).marks());
    let marks = marks(&route.prefix, &known.unwrap_or_default());
    let mut merge = Merge::new(
        start_walk(walk, &route),
        start_listing((client, request), &route, (bucket_filter, marks)),
        [obeys(folder_side), obeys(bucket_side)],
    );
    let mut tally = Tally::new(route.direction, request.delete, request.policy);
    if route.direction == Direction::Down {
        let folds = folds(&route).await?;
        tally.on_case_conflict(on_case_conflict(request, folds), folds != Some(false));
    }
    let known = Known::of(request.journals.as_deref(), &route).by(request.policy.compare);
    let asker = (client.clone(), request.options.clone());
    let mut judge = Judge::new(asker, Arc::clone(&route), known);
    while let Some(joined) = merge.next().await? {
        if let Some(candidate) = tally.add(joined) {
            judge.add(candidate).await?;
            for (candidate, judgement) in judge.take() {
                tally.judged(candidate, judgement);
            }
        }
    }
    let (judged, known) = judge.finish().await?;
    for (candidate, judgement) in judged {
        tally.judged(candidate, judgement);
    }
    if let Some(known) = known {
        known.finish();
    }
    close(tally, request, &route).await
}

/// What becomes of keys that differ in case only, on their way down.
fn on_case_conflict(request: &Request, folds: Option<bool>) -> OnCaseConflict {
    request.case_conflict.unwrap_or(match folds {
        Some(false) => OnCaseConflict::Ignore,
        Some(true) | None => OnCaseConflict::Warn,
    })
}

/// Whether the target's file system folds case, as far as that can be seen.
async fn folds(route: &Arc<Route>) -> Result<Option<bool>, SurveyError> {
    let route = Arc::clone(route);
    let folds = spawn_blocking(move || folds_case(&route.folder));
    folds.await.map_err(|_| SurveyError::Lost)
}

async fn close(
    mut tally: Tally,
    request: &Request,
    route: &Arc<Route>,
) -> Result<SyncPlan, SurveyError> {
    if let Some(conflict) = tally.refused() {
        return Err(SurveyError::Case(conflict));
    }
    let source_is_empty = tally.source_is_empty();
    let plan = tally.close(request);
    if source_is_empty && !plan.deletions.is_empty() && !request.allow_empty_source {
        return Err(SurveyError::EmptySource {
            from: request.from.clone(),
            to: request.to.clone(),
            files: plan.deletions.len(),
        });
    }
    match route.direction {
        Direction::Down => Ok(plan),
        Direction::Up => {
            let route = Arc::clone(route);
            spawn_blocking(move || without_unreadable(plan, &route))
                .await
                .map_err(|_| SurveyError::Lost)
        }
    }
}

/// Moves uploads of files that cannot be opened to what is skipped.
///
/// Only what is to be uploaded is opened, so that a run without changes is not.
fn without_unreadable(mut plan: SyncPlan, route: &Route) -> SyncPlan {
    let skipped = &mut plan.skipped;
    plan.transfers
        .retain(|transfer| match open_to_read(&route.path(&transfer.key)) {
            Ok(_) => true,
            Err(error) => {
                skipped.push(Skipped {
                    key: transfer.key.clone(),
                    side: Side::From,
                    reason: SkipReason::UnreadableFile(error.to_string()),
                });
                false
            }
        });
    skipped.sort_by(|one, other| (&one.key, one.side).cmp(&(&other.key, other.side)));
    plan
}

/// Opens the folder, before any request; `None` stands for a target yet to be made.
pub(super) async fn open_walk(
    route: &Route,
    filter: &Filter,
    (obeys, source_links): (bool, SourceLinks),
) -> Result<Option<Walk>, SurveyError> {
    let (folder, direction, filter) = (route.folder.clone(), route.direction, filter.clone());
    spawn_blocking(move || {
        if !is_there(&folder, direction)? {
            return Ok(None);
        }
        let links = match (direction, source_links) {
            (Direction::Up, SourceLinks::Follow) => Links::Follow,
            (Direction::Up, SourceLinks::Skip) => Links::Skip,
            (Direction::Down, _) => Links::Leave,
        };
        Walk::obeying(folder.clone(), filter, links, obeys)
            .map(Some)
            .map_err(|source| SurveyError::Folder { folder, source })
    })
    .await
    .map_err(|_| SurveyError::Lost)?
}

fn is_there(folder: &Path, direction: Direction) -> Result<bool, SurveyError> {
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(SurveyError::NotAFolder(folder.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match direction {
            Direction::Up => Err(SurveyError::NoFolder(folder.to_owned())),
            Direction::Down => Ok(false),
        },
        Err(source) => Err(SurveyError::Folder {
            folder: folder.to_owned(),
            source,
        }),
    }
}

/// Walks on a blocking thread, which ends when nobody listens any more.
fn start_walk(walk: Option<Walk>, route: &Arc<Route>) -> mpsc::Receiver<Batch<Found>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let route = Arc::clone(route);
    spawn_blocking(move || {
        let mut found = walk
            .into_iter()
            .flatten()
            .map(|found| checked(found, &route));
        loop {
            let batch: Result<Vec<Found>, SurveyError> = found.by_ref().take(WALK_BATCH).collect();
            let end = batch.as_ref().map_or(true, Vec::is_empty);
            let message = batch.map(|batch| (!batch.is_empty()).then_some(batch));
            if sender.blocking_send(message).is_err() || end {
                return;
            }
        }
    });
    receiver
}

/// Skips a file whose name cannot be a key.
fn checked(found: Found, route: &Route) -> Result<Found, SurveyError> {
    Ok(match found {
        Found::Fault(RulesFault { file, problem }) => {
            return Err(SurveyError::Rules { file, problem });
        }
        Found::Rules(rules) => Found::Rules(rules),
        Found::File(file) => {
            match check_key(&file.key).and_then(|()| check_length(&route.prefix, &file.key)) {
                Ok(()) => Found::File(file),
                Err(fault) => Found::Skipped {
                    key: file.key,
                    reason: SkipReason::Key(fault),
                },
            }
        }
        Found::Skipped { key, reason } => Found::Skipped { key, reason },
    })
}

fn start_listing(
    (client, request): (&Client, &Request),
    route: &Route,
    (filter, marks): (Filter, Vec<String>),
) -> mpsc::Receiver<Batch<super::list::Listed>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let place = (route.bucket.clone(), route.prefix.clone());
    let listing = Listing::new(client.clone(), place, filter, &request.options);
    if marks.is_empty() {
        tokio::spawn(branches::send(listing, sender));
    } else {
        let stretches = listing.cut_at(&marks);
        tokio::spawn(send_all(stretches, How::Plainly, sender));
    }
    receiver
}
