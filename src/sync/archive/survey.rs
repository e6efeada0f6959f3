//! Compares a folder with an archive and says what is to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aws_sdk_s3::Client;
use tokio::task::spawn_blocking;

use super::cache;
use super::folder::{Digest, Folder, digests};
use super::kind::Archive;
use super::manifest::Entry;
use super::packing::{ArchiveNote, ArchiveWork, Packing};
use super::remote::{Found, look};
use super::scan::scan;
use crate::sync::compare::Direction;
use crate::sync::error::SurveyError;
use crate::sync::filter::Filter;
use crate::sync::journal::Journal;
use crate::sync::judge::{Candidate, Judgement};
use crate::sync::key::folders_of;
use crate::sync::list::RemoteObject;
use crate::sync::merge::Joined;
use crate::sync::place::{Deletion, Request};
use crate::sync::plan::{Origin, Side, SkipReason, Skipped, SyncPlan, Totals, Transfer, Why};
use crate::sync::policy::{Policy, SourceLinks};
use crate::sync::route::Route;
use crate::sync::rules::{RulesFault, RulesInOrder};
use crate::sync::source::open_to_read;
use crate::sync::survey::open_walk;
use crate::sync::tally::Tally;

/// The two ends of a set that is packed as one object.
struct Ends<'a> {
    request: &'a Request,
    route: &'a Route,
    kind: Archive,
    key: String,
    journal: Option<Journal>,
}

/// What the archive has, as far as it takes part.
#[derive(Default)]
struct Content {
    /// In byte order of their paths.
    entries: Vec<Entry>,
    skipped: Vec<(String, SkipReason)>,
    /// Whether nothing of it stays as it is.
    is_to_be_replaced: bool,
}

/// Reads the folder, and of the bucket the manifest: two requests, unless the archive has to
/// be read because nothing says what is in it.
///
/// # Errors
///
/// Those of every survey; and when there is no archive to unpack, or packing would lose what
/// cannot be read.
pub(in crate::sync) async fn survey(
    client: &Client,
    (request, route): (&Request, &Route),
    kind: Archive,
) -> Result<SyncPlan, SurveyError> {
    let place = match route.direction {
        Direction::Up => &request.to,
        Direction::Down => &request.from,
    };
    let key = kind.key(&route.prefix);
    let key = key.ok_or_else(|| SurveyError::NamelessArchive(place.clone()))?;
    let (filter, of_target) = Filter::of_ends(request).map_err(SurveyError::Pattern)?;
    let (of_folder, obeys) = match route.direction {
        Direction::Up => (&filter, true),
        Direction::Down => (&of_target, !request.delete_excluded),
    };
    let walk = open_walk(route, of_folder, (obeys, SourceLinks::Follow)).await?;
    let found = look(client, &route.bucket, (&key, kind), &request.options).await?;
    let folder = spawn_blocking(move || Folder::of(walk));
    let folder = folder.await.map_err(|_| SurveyError::Lost)?;
    let folder =
        folder.map_err(|RulesFault { file, problem }| SurveyError::Rules { file, problem })?;
    let journal = request.journals.as_deref();
    let ends = Ends {
        request,
        route,
        kind,
        journal: journal.map(|journals| journal_of(journals, route, &key)),
        key,
    };
    match route.direction {
        Direction::Up => up(client, &ends, folder, found).await,
        Direction::Down => down(client, (&ends, &filter), folder, found).await,
    }
}

/// The journal of a folder and an archive, which both directions share.
pub(super) fn journal_of(journals: &Path, route: &Route, key: &str) -> Journal {
    let mut route = route.clone();
    key.clone_into(&mut route.prefix);
    Journal::of(journals, &route)
}

/// What an archive has that nobody has described is read from it: a folder that has lost its
/// files must not take the place of all of them unseen.
async fn up(
    client: &Client,
    ends: &Ends<'_>,
    folder: Folder,
    found: Option<Found>,
) -> Result<SyncPlan, SurveyError> {
    let (mut content, note) = match found {
        None => (Content::default(), None),
        Some(found) => content(client, ends, &found).await?,
    };
    // Without a manifest nothing of it is the same, so that it is made anew.
    content.is_to_be_replaced = note.is_some();
    if let Some((path, reason)) = content.skipped.first() {
        let problem = format!("it has `{path}`, which a new one would be without ({reason})");
        return Err(SurveyError::Archive {
            bucket: ends.route.bucket.clone(),
            key: ends.key.clone(),
            problem,
        });
    }
    // An archive has what the folder has: it cannot keep what the folder has no longer.
    let (mut plan, content, mut folder) =
        compare(ends, Deletion::Extra, (folder, content), Direction::Up).await?;
    if !plan.is_empty() {
        let root = ends.route.folder.clone();
        let readable = spawn_blocking(move || without_unreadable(plan, folder, &root));
        (plan, folder) = readable.await.map_err(|_| SurveyError::Lost)?;
        all_known(&plan, &content, &folder)?;
    }
    plan.archive = Some(Packing {
        kind: ends.kind,
        key: ends.key.clone(),
        whole: folder.files.iter().map(|file| file.size).sum(),
        work: ArchiveWork::Pack {
            include: ends.request.include.clone(),
            exclude: ends.request.exclude.clone(),
            listing: folder.listing(),
        },
        note,
    });
    Ok(plan)
}

/// What a plan leaves out of its source.
pub(super) fn left_out(plan: &SyncPlan) -> BTreeSet<&str> {
    let of_source = plan
        .skipped
        .iter()
        .filter(|skipped| skipped.side == Side::From);
    of_source.map(|skipped| skipped.key.as_str()).collect()
}

/// Takes files that cannot be read out of what is packed.
fn without_unreadable(mut plan: SyncPlan, mut folder: Folder, root: &Path) -> (SyncPlan, Folder) {
    let left_out = left_out(&plan);
    folder
        .files
        .retain(|file| !left_out.contains(file.key.as_str()));
    let mut unreadable = BTreeMap::new();
    folder.files.retain(|file| {
        let opened = open_to_read(&root.join(&file.key));
        let problem = opened.err();
        if let Some(error) = &problem {
            unreadable.insert(file.key.clone(), error.to_string());
        }
        problem.is_none()
    });
    plan.transfers
        .retain(|transfer| !unreadable.contains_key(&transfer.key));
    plan.skipped
        .extend(unreadable.into_iter().map(|(key, problem)| Skipped {
            key,
            side: Side::From,
            reason: SkipReason::UnreadableFile(problem),
        }));
    plan.skipped
        .sort_by(|one, other| (&one.key, one.side).cmp(&(&other.key, other.side)));
    (plan, folder)
}

/// Refuses to pack without a file that the archive has and that is not known to be gone.
fn all_known(plan: &SyncPlan, content: &Content, folder: &Folder) -> Result<(), SurveyError> {
    let lost = content.entries.iter().find(|entry| {
        let key = &entry.path;
        let is_there = folder
            .files
            .binary_search_by(|file| file.key.cmp(key))
            .is_ok();
        let is_gone = plan
            .deletions
            .binary_search_by(|gone| gone.key.cmp(key))
            .is_ok();
        !is_there && !is_gone
    });
    let Some(entry) = lost else {
        return Ok(());
    };
    let covers = |skipped: &&Skipped| {
        skipped.key == entry.path || folders_of(&entry.path).any(|folder| folder == skipped.key)
    };
    let reason = plan.skipped.iter().find(covers);
    Err(SurveyError::WouldLose {
        key: entry.path.clone(),
        reason: match (reason, &plan.withheld) {
            (Some(skipped), _) => format!("{}: {}", skipped.key, skipped.reason),
            (None, Some(withheld)) => withheld.to_string(),
            (None, None) => "it is not known to be gone".to_owned(),
        },
    })
}

async fn down(
    client: &Client,
    (ends, filter): (&Ends<'_>, &Filter),
    folder: Folder,
    found: Option<Found>,
) -> Result<SyncPlan, SurveyError> {
    let Some(found) = found else {
        return Err(SurveyError::NoArchive {
            bucket: ends.route.bucket.clone(),
            key: ends.key.clone(),
        });
    };
    if let Some(class) = &found.archived {
        return Err(SurveyError::Archive {
            bucket: ends.route.bucket.clone(),
            key: ends.key.clone(),
            problem: SkipReason::Archived(class.clone()).to_string(),
        });
    }
    let (mut content, note) = content(client, ends, &found).await?;
    let mut whole = Totals::default();
    content
        .entries
        .iter()
        .for_each(|entry| whole.add(entry.bytes));
    let mut rules = RulesInOrder::of(&folder.rules);
    content
        .entries
        .retain(|entry| filter.keeps(&entry.path) && rules.keep(&entry.path));
    content.skipped.sort_by(|one, other| one.0.cmp(&other.0));
    let mut rules = RulesInOrder::of(&folder.rules);
    content
        .skipped
        .retain(|(key, _)| filter.keeps(key) && rules.keep(key));
    let (mut plan, content, _) = compare(
        ends,
        ends.request.delete,
        (folder, content),
        Direction::Down,
    )
    .await?;
    plan.transfers = std::mem::take(&mut plan.transfers)
        .into_iter()
        .map(|transfer| of_archive(transfer, &content.entries))
        .collect();
    plan.archive = Some(Packing {
        kind: ends.kind,
        key: ends.key.clone(),
        whole,
        work: ArchiveWork::Unpack {
            bytes: found.bytes,
            etag: found.etag,
        },
        note,
    });
    Ok(plan)
}

/// What is in the archive: by its manifest, or by what it says itself.
async fn content(
    client: &Client,
    ends: &Ends<'_>,
    found: &Found,
) -> Result<(Content, Option<ArchiveNote>), SurveyError> {
    let note = match &found.content {
        Ok(manifest) => {
            let content = Content {
                entries: manifest.files().to_vec(),
                ..Content::default()
            };
            return Ok((content, None));
        }
        Err(note) => note.clone(),
    };
    let journal = ends.journal.as_ref();
    let known = journal.and_then(|journal| cache::read(journal, found, ends.kind));
    let is_known = known.is_some();
    let scan = if let Some(scan) = known {
        scan
    } else {
        let place = (ends.route, ends.key.as_str(), &ends.request.options);
        scan(client, place, (ends.kind, found)).await?
    };
    if let Some(journal) = journal.filter(|_| !is_known) {
        cache::write(journal, &scan);
    }
    let content = Content {
        entries: scan.manifest.files().to_vec(),
        skipped: scan.skipped,
        is_to_be_replaced: false,
    };
    Ok((content, Some(note)))
}

/// The transfer of a file from the archive, in place of that of an object.
fn of_archive(mut transfer: Transfer, entries: &[Entry]) -> Transfer {
    let found = entries.binary_search_by(|entry| entry.path.cmp(&transfer.key));
    if let Some(entry) = found.ok().and_then(|index| entries.get(index)) {
        transfer.origin = Origin::Entry {
            sha256: entry.sha256.clone(),
            modified: entry.modified,
            executable: entry.executable,
        };
    }
    transfer
}

/// Compares both sides under the rules of every sync, by size and SHA-256.
async fn compare(
    ends: &Ends<'_>,
    delete: Deletion,
    (folder, content): (Folder, Content),
    direction: Direction,
) -> Result<(SyncPlan, Content, Folder), SurveyError> {
    let (root, journal) = (ends.route.folder.clone(), ends.journal.clone());
    let compared = spawn_blocking(move || {
        let digests = digests(
            &root,
            &folder.files,
            &doubtful(&folder, &content),
            journal.as_ref(),
        );
        let mut tally = Tally::new(direction, delete, Policy::default());
        join(&mut tally, (&folder, &content), digests);
        (tally, content, folder)
    });
    let (tally, content, folder) = compared.await.map_err(|_| SurveyError::Lost)?;
    let source_is_empty = tally.source_is_empty();
    let plan = tally.close(ends.request);
    if source_is_empty && !plan.deletions.is_empty() && !ends.request.allow_empty_source {
        return Err(SurveyError::EmptySource {
            from: ends.request.from.clone(),
            to: ends.request.to.clone(),
            files: plan.deletions.len(),
        });
    }
    Ok((plan, content, folder))
}

/// The places of the files of which only the content can say whether they are the same.
fn doubtful(folder: &Folder, content: &Content) -> Vec<usize> {
    let is_in_doubt = |file: &crate::sync::walk::LocalFile| {
        let found = content
            .entries
            .binary_search_by(|entry| entry.path.cmp(&file.key));
        let entry = found.ok().and_then(|index| content.entries.get(index));
        !file.link && entry.is_some_and(|entry| entry.bytes == file.size)
    };
    let files = folder.files.iter().enumerate();
    files
        .filter(|(_, file)| is_in_doubt(file))
        .map(|(index, _)| index)
        .collect()
}

/// Tells the tally of both sides, in one order.
fn join(
    tally: &mut Tally,
    (folder, content): (&Folder, &Content),
    mut digests: BTreeMap<usize, Digest>,
) {
    for (key, reason) in folder.skipped.iter().cloned() {
        tally.add(Joined::SkippedLocal { key, reason });
    }
    for (key, reason) in content.skipped.iter().cloned() {
        tally.add(Joined::SkippedRemote { key, reason });
    }
    let mut entries = content.entries.iter().peekable();
    for (index, file) in folder.files.iter().enumerate() {
        while let Some(entry) = entries.next_if(|entry| entry.path < file.key) {
            tally.add(Joined::Remote(object(entry)));
        }
        let Some(entry) = entries.next_if(|entry| entry.path == file.key) else {
            tally.add(Joined::Local(file.clone()));
            continue;
        };
        let both = Joined::Both(file.clone(), object(entry));
        if let Some(candidate) = tally.add(both) {
            let judgement = judge(&candidate, entry, digests.remove(&index), tally.direction());
            let judgement = if content.is_to_be_replaced && judgement == Judgement::Same {
                Judgement::Changed(Why::Anew)
            } else {
                judgement
            };
            tally.judged(candidate, judgement);
        }
    }
    for entry in entries {
        tally.add(Joined::Remote(object(entry)));
    }
}

/// An entry as if it were an object of its own, whose tag is its digest.
fn object(entry: &Entry) -> RemoteObject {
    RemoteObject {
        key: entry.path.clone(),
        size: entry.bytes,
        modified: entry.modified,
        etag: Some(entry.sha256.clone()),
        archived: None,
    }
}

fn judge(
    candidate: &Candidate,
    entry: &Entry,
    digest: Option<Digest>,
    direction: Direction,
) -> Judgement {
    let file = &candidate.file;
    if file.link {
        return Judgement::Changed(Why::Link);
    }
    if file.size != entry.bytes {
        let (source_bytes, target_bytes) = match direction {
            Direction::Up => (file.size, entry.bytes),
            Direction::Down => (entry.bytes, file.size),
        };
        return Judgement::Changed(Why::Size {
            source_bytes,
            target_bytes,
        });
    }
    match digest {
        Some(Digest::Sha256(digest)) if digest == entry.sha256 => Judgement::Same,
        Some(Digest::Unreadable(error)) => {
            Judgement::Skipped(SkipReason::UnreadableFile(error.to_string()))
        }
        Some(Digest::Sha256(_) | Digest::Changing) | None => Judgement::Changed(Why::Content),
    }
}
