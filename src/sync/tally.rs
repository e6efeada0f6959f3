//! Adds up what a survey finds into a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{CaseConflict, Names, OnCaseConflict};
use super::compare::Direction;
use super::in_order::InOrder;
use super::judge::{Candidate, Judgement, Word};
use super::key::folders_of;
use super::list::RemoteObject;
use super::merge::Joined;
use super::place::{Deletion, Request};
use super::plan::{
    Change, Deleted, Origin, Side, SkipReason, Skipped, SyncPlan, Totals, Transfer, Withheld,
};
use super::policy::{Archived, Existing, Policy};
use super::transfers::Transfers;
use super::walk::LocalFile;

/// What a survey has found so far.
pub(super) struct Tally {
    direction: Direction,
    delete: Deletion,
    policy: Policy,
    transfers: InOrder,
    deletions: Vec<Deleted>,
    same: Totals,
    kept: Totals,
    skipped: Vec<Skipped>,
    withheld: Option<Withheld>,
    leftovers: Vec<String>,
    /// Files at the source, without those that were skipped.
    source_files: u64,
    open: Vec<Open>,
    clashes: BTreeMap<String, SkipReason>,
    on_case_conflict: OnCaseConflict,
    /// Whether the folder may hold one file under names that differ in case.
    folds: bool,
    names: Names,
    case_conflicts: Vec<CaseConflict>,
    refused: Option<CaseConflict>,
}

/// A key that later keys may turn out to use as their folder.
struct Open {
    key: String,
    /// A file, and no link, that stands there locally.
    file: bool,
    object: bool,
}

impl Tally {
    pub(super) fn new(direction: Direction, delete: Deletion, policy: Policy) -> Self {
        Self {
            direction,
            delete,
            policy,
            transfers: InOrder::default(),
            deletions: Vec::new(),
            same: Totals::default(),
            kept: Totals::default(),
            skipped: Vec::new(),
            withheld: None,
            leftovers: Vec::new(),
            source_files: 0,
            open: Vec::new(),
            clashes: BTreeMap::new(),
            on_case_conflict: OnCaseConflict::Ignore,
            folds: false,
            names: Names::default(),
            case_conflicts: Vec::new(),
            refused: None,
        }
    }

    /// Says what becomes of keys that differ in case only, and whether the folder may hold one
    /// file for them.
    pub(super) fn on_case_conflict(&mut self, rule: OnCaseConflict, folds: bool) {
        self.on_case_conflict = rule;
        self.folds = folds;
    }

    /// The first keys that were said to be an error.
    pub(super) fn refused(&mut self) -> Option<CaseConflict> {
        self.refused.take()
    }

    /// Whether an object goes on, as far as its name's case is concerned.
    fn is_one_name(&mut self, key: &str) -> bool {
        if self.on_case_conflict == OnCaseConflict::Ignore {
            return true;
        }
        let Some(other) = self.names.enter(key) else {
            return true;
        };
        let key = key.to_owned();
        match self.on_case_conflict {
            OnCaseConflict::Ignore => true,
            OnCaseConflict::Warn => {
                self.case_conflicts.push(CaseConflict { key, other });
                true
            }
            OnCaseConflict::Skip => {
                self.source_files += 1;
                self.skip(key, Side::From, SkipReason::SameButCase(other));
                false
            }
            OnCaseConflict::Error => {
                self.refused.get_or_insert(CaseConflict { key, other });
                false
            }
        }
    }

    /// Takes one key in; a pair that has to be judged comes back.
    pub(super) fn add(&mut self, joined: Joined) -> Option<Candidate> {
        match joined {
            Joined::Local(file) => {
                self.enter(&file.key, !file.link, false);
                self.add_file(file);
            }
            Joined::Remote(object) => {
                if self.enter(&object.key, false, true) && self.is_one_name(&object.key) {
                    self.add_object(object);
                }
            }
            Joined::Both(file, object) => {
                if self.enter(&object.key, !file.link, true) && self.is_one_name(&object.key) {
                    return self.add_both(file, object);
                }
            }
            Joined::SkippedLocal { key, reason } => {
                let side = self.folder_side();
                self.skip(key, side, reason);
            }
            Joined::SkippedRemote { key, reason } => {
                let side = self.bucket_side();
                self.skip(key, side, reason);
            }
        }
        None
    }

    /// Takes in what a pair was judged to be.
    pub(super) fn judged(&mut self, candidate: Candidate, judgement: Judgement) {
        match judgement {
            Judgement::Same => self.same.add(candidate.object.size),
            // The file is at both ends, so that it is no extra one.
            Judgement::Changed(_) if self.policy.existing == Existing::Refuse => {
                let key = candidate.object.key;
                self.withheld
                    .get_or_insert_with(|| Withheld::Immutable(key.clone()));
                self.skip(key, Side::From, SkipReason::Immutable);
            }
            Judgement::Changed(why) => {
                let change = Change::Changed(why);
                let transfer = match self.direction {
                    Direction::Up => upload(candidate.file, change),
                    Direction::Down => download(candidate.object, change),
                };
                self.transfers.add(transfer);
            }
            Judgement::Skipped(reason) => {
                let side = self.folder_side();
                self.skip(candidate.file.key, side, reason);
            }
        }
    }

    /// Which way the files go.
    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    fn folder_side(&self) -> Side {
        match self.direction {
            Direction::Up => Side::From,
            Direction::Down => Side::To,
        }
    }

    fn bucket_side(&self) -> Side {
        match self.direction {
            Direction::Up => Side::To,
            Direction::Down => Side::From,
        }
    }

    fn skip(&mut self, key: String, side: Side, reason: SkipReason) {
        if reason == SkipReason::Leftover {
            self.leftovers.push(key);
            return;
        }
        if matches!(reason, SkipReason::UnreadableFolder(_)) {
            self.withheld
                .get_or_insert_with(|| Withheld::UnreadableFolder(key.clone()));
        }
        self.skipped.push(Skipped { key, side, reason });
    }

    fn add_file(&mut self, file: LocalFile) {
        match self.direction {
            Direction::Up => {
                self.source_files += 1;
                self.transfers.add(upload(file, Change::New));
            }
            Direction::Down if file.link => {
                self.skip(file.key, Side::To, SkipReason::LinkInTarget);
            }
            Direction::Down => self.extra(file.key, file.size, file.modified),
        }
    }

    fn add_object(&mut self, object: RemoteObject) {
        match self.direction {
            Direction::Up => self.extra(object.key, object.size, object.modified),
            Direction::Down => {
                self.source_files += 1;
                match object.archived {
                    Some(class) if self.policy.archived == Archived::Skip => {
                        self.skip(object.key, Side::From, SkipReason::Archived(class));
                    }
                    Some(_) | None => self.transfers.add(download(object, Change::New)),
                }
            }
        }
    }

    fn add_both(&mut self, file: LocalFile, object: RemoteObject) -> Option<Candidate> {
        self.source_files += 1;
        if self.policy.existing == Existing::Keep {
            self.kept.add(object.size);
            return None;
        }
        match (self.direction, &object.archived) {
            (Direction::Down, Some(class)) if self.policy.archived == Archived::Skip => {
                // An archived object may well be what the file was made from.
                let reason = SkipReason::Archived(class.clone());
                self.skip(object.key, Side::From, reason);
                None
            }
            (Direction::Down | Direction::Up, _) => Some(Candidate {
                file,
                object,
                number: 0,
                word: Word::Nothing,
            }),
        }
    }

    fn extra(&mut self, key: String, bytes: u64, modified: jiff::Timestamp) {
        match self.delete {
            Deletion::Never => {}
            Deletion::Extra => self.deletions.push(Deleted {
                key,
                bytes,
                modified,
            }),
        }
    }

    /// Looks at which keys before this one are folders of it, on the way down.
    ///
    /// Keys come in order, so only those that this key begins with can still be
    /// its folders: there are never more of them than the key has bytes. Says
    /// whether the key can have a place in the target.
    fn enter(&mut self, key: &str, file: bool, object: bool) -> bool {
        if self.direction == Direction::Up {
            return true;
        }
        while self
            .open
            .last()
            .is_some_and(|open| !key.starts_with(&open.key))
        {
            self.open.pop();
        }
        let mut blocked = false;
        for open in &self.open {
            if key.as_bytes().get(open.key.len()) != Some(&b'/') {
                continue;
            }
            // A file that stands there already keeps its place; otherwise the
            // children win.
            blocked |= open.file && object;
            if open.object && !open.file {
                let reason = if object {
                    SkipReason::AlsoFolder
                } else {
                    SkipReason::FolderInTheWay
                };
                let known = self.clashes.entry(open.key.clone());
                known
                    .and_modify(|known| {
                        if object {
                            *known = SkipReason::AlsoFolder;
                        }
                    })
                    .or_insert(reason);
            }
        }
        self.open.push(Open {
            key: key.to_owned(),
            file,
            object,
        });
        if blocked {
            self.source_files += 1;
            self.skip(key.to_owned(), Side::From, SkipReason::FileInTheWay);
        }
        !blocked
    }

    /// Makes a plan of everything, once both sides have ended.
    pub(super) fn close(mut self, request: &Request) -> SyncPlan {
        let clashes = std::mem::take(&mut self.clashes);
        let mut transfers = std::mem::take(&mut self.transfers).finish();
        if !clashes.is_empty() {
            transfers.retain(|transfer| !clashes.contains_key(&transfer.key));
        }
        for (key, reason) in clashes {
            self.skip(key, Side::From, reason);
        }
        self.leave_special(&mut transfers);
        self.leave_other_case(&mut transfers);
        let protected: BTreeSet<&str> = self
            .skipped
            .iter()
            .filter(|skipped| skipped.side == Side::From && hides(&skipped.reason))
            .map(|skipped| skipped.key.as_str())
            .collect();
        if self.withheld.is_some() {
            self.deletions.clear();
        }
        // What was skipped at the source is there all the same.
        self.deletions.retain(|deleted| {
            !protected.contains(deleted.key.as_str())
                && !folders_of(&deleted.key).any(|folder| protected.contains(folder))
        });
        self.skipped
            .sort_by(|one, other| (&one.key, one.side).cmp(&(&other.key, other.side)));
        SyncPlan {
            from: request.from.clone(),
            to: request.to.clone(),
            transfers,
            deletions: self.deletions,
            withheld: self.withheld.filter(|_| self.delete == Deletion::Extra),
            same: self.same,
            kept: self.kept,
            skipped: self.skipped,
            leftovers: self.leftovers,
            archive: None,
            options: request.options.clone(),
            case_conflicts: self.case_conflicts,
            region: None,
        }
    }

    /// Leaves a file of the target alone whose name differs from that of a new one in case
    /// only: where the file system folds case, the two are one, and it would be deleted after
    /// the new one was found to be there.
    fn leave_other_case(&mut self, transfers: &mut Transfers) {
        if !self.folds || self.deletions.is_empty() {
            return;
        }
        let extra = self.deletions.iter();
        let extra: BTreeMap<String, String> = extra
            .map(|deleted| (deleted.key.to_lowercase(), deleted.key.clone()))
            .collect();
        let mut left = Vec::new();
        transfers.retain(|transfer| {
            let other = extra.get(&transfer.key.to_lowercase());
            left.extend(other.map(|other| (transfer.key.clone(), other.clone())));
            other.is_none()
        });
        let others: BTreeSet<&str> = left.iter().map(|(_, other)| other.as_str()).collect();
        self.deletions
            .retain(|deleted| !others.contains(deleted.key.as_str()));
        for (key, other) in left {
            self.skip(key, Side::From, SkipReason::SameButCase(other));
        }
    }

    /// Takes out what would take the place of a FIFO, a socket or a device: that is reported.
    fn leave_special(&self, transfers: &mut Transfers) {
        let special: BTreeSet<&str> = self
            .skipped
            .iter()
            .filter(|one| one.side == Side::To && one.reason == SkipReason::Special)
            .map(|one| one.key.as_str())
            .collect();
        if special.is_empty() {
            return;
        }
        transfers.retain(|transfer| {
            !special.contains(transfer.key.as_str())
                && !folders_of(&transfer.key).any(|folder| special.contains(folder))
        });
    }

    /// Whether the source has no file at all.
    pub(super) fn source_is_empty(&self) -> bool {
        self.source_files == 0
    }
}

/// Whether something that was skipped at the source may be a file of the target, or a folder
/// of some.
///
/// A key that has to give way to a folder hides nothing, as what the source has below it was
/// listed; nor does a file that the target has in another version.
fn hides(reason: &SkipReason) -> bool {
    match reason {
        SkipReason::AlsoFolder | SkipReason::FolderInTheWay | SkipReason::Immutable => false,
        SkipReason::NotUtf8
        | SkipReason::BrokenLink
        | SkipReason::LinkLoop
        | SkipReason::LinkInTarget
        | SkipReason::Special
        | SkipReason::UnreadableFile(_)
        | SkipReason::UnreadableFolder(_)
        | SkipReason::Key(_)
        | SkipReason::Archived(_)
        | SkipReason::Leftover
        | SkipReason::SameButCase(_)
        | SkipReason::LinkInArchive
        | SkipReason::NotFollowed
        | SkipReason::FileInTheWay => true,
    }
}

fn upload(file: LocalFile, change: Change) -> Transfer {
    Transfer {
        key: file.key,
        bytes: file.size,
        change,
        origin: Origin::File {
            modified: file.modified,
        },
    }
}

pub(super) fn download(object: RemoteObject, change: Change) -> Transfer {
    Transfer {
        key: object.key,
        bytes: object.size,
        change,
        origin: Origin::Object {
            etag: object.etag,
            modified: object.modified,
        },
    }
}

#[cfg(test)]
#[path = "tally/tests.rs"]
mod tests;
