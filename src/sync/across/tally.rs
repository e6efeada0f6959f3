//! Adds up what a survey of two buckets finds into a plan.

use super::judge::Judgement;
use super::pairs::{Joined, Pair};
use crate::sync::error::SurveyError;
use crate::sync::in_order::InOrder;
use crate::sync::key::check_length;
use crate::sync::list::RemoteObject;
use crate::sync::place::{Deletion, Request};
use crate::sync::plan::{Change, Deleted, Side, SkipReason, Skipped, SyncPlan, Totals, Withheld};
use crate::sync::policy::{Archived, Existing, Policy};
use crate::sync::tally::download;

/// What a survey has found so far.
pub(super) struct Tally {
    delete: Deletion,
    policy: Policy,
    /// The prefix of the target.
    prefix: String,
    transfers: InOrder,
    deletions: Vec<Deleted>,
    same: Totals,
    kept: Totals,
    skipped: Vec<Skipped>,
    withheld: Option<Withheld>,
    /// Objects at the source, without those that were skipped for their keys.
    source_objects: u64,
}

impl Tally {
    pub(super) fn new((delete, policy): (Deletion, Policy), prefix: &str) -> Self {
        Self {
            delete,
            policy,
            prefix: prefix.to_owned(),
            transfers: InOrder::default(),
            deletions: Vec::new(),
            same: Totals::default(),
            kept: Totals::default(),
            skipped: Vec::new(),
            withheld: None,
            source_objects: 0,
        }
    }

    /// Takes one key in; a pair that has to be judged comes back.
    pub(super) fn add(&mut self, joined: Joined) -> Option<Pair> {
        match joined {
            Joined::Source(object) => {
                self.source_objects += 1;
                self.copy(object, Change::New);
            }
            Joined::Target(object) => self.extra(object),
            Joined::Both(pair) => {
                self.source_objects += 1;
                if self.policy.existing == Existing::Keep {
                    self.kept.add(pair.source.size);
                } else {
                    return Some(pair);
                }
            }
            Joined::Skipped { key, side, reason } => self.skip(key, side, reason),
        }
        None
    }

    /// Takes in what a pair was judged to be.
    pub(super) fn judged(&mut self, pair: Pair, judgement: Judgement) {
        match judgement {
            Judgement::Same => self.same.add(pair.source.size),
            Judgement::Changed(_) if self.policy.existing == Existing::Refuse => {
                let key = pair.source.key;
                self.withheld
                    .get_or_insert_with(|| Withheld::Immutable(key.clone()));
                self.skip(key, Side::From, SkipReason::Immutable);
            }
            Judgement::Changed(why) => self.copy(pair.source, Change::Changed(why)),
        }
    }

    fn copy(&mut self, object: RemoteObject, change: Change) {
        let is_skipped = self.policy.archived == Archived::Skip;
        if let Some(class) = object.archived.clone().filter(|_| is_skipped) {
            self.skip(object.key, Side::From, SkipReason::Archived(class));
        } else if let Err(fault) = check_length(&self.prefix, &object.key) {
            self.skip(object.key, Side::From, SkipReason::Key(fault));
        } else {
            self.transfers.add(download(object, change));
        }
    }

    fn extra(&mut self, object: RemoteObject) {
        match self.delete {
            Deletion::Never => {}
            Deletion::Extra => self.deletions.push(Deleted {
                key: object.key,
                bytes: object.size,
                modified: object.modified,
            }),
        }
    }

    fn skip(&mut self, key: String, side: Side, reason: SkipReason) {
        self.skipped.push(Skipped { key, side, reason });
    }

    /// Makes a plan of everything, once both sides have ended.
    ///
    /// What is skipped for its key is so at both ends, and what is archived has been seen at
    /// the source: neither is ever extra.
    pub(super) fn close(mut self, request: &Request) -> Result<SyncPlan, SurveyError> {
        let is_empty = self.source_objects == 0 && !request.allow_empty_source;
        if is_empty && !self.deletions.is_empty() {
            return Err(SurveyError::EmptySource {
                from: request.from.clone(),
                to: request.to.clone(),
                files: self.deletions.len(),
            });
        }
        if self.withheld.is_some() {
            self.deletions.clear();
        }
        self.skipped
            .sort_by(|one, other| (&one.key, one.side).cmp(&(&other.key, other.side)));
        Ok(SyncPlan {
            from: request.from.clone(),
            to: request.to.clone(),
            transfers: self.transfers.finish(),
            deletions: self.deletions,
            withheld: self.withheld.filter(|_| self.delete == Deletion::Extra),
            same: self.same,
            kept: self.kept,
            skipped: self.skipped,
            leftovers: Vec::new(),
            archive: None,
            options: request.options.clone(),
            case_conflicts: Vec::new(),
            region: None,
        })
    }
}
