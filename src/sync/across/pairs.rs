//! Two listings side by side, key by key.

use std::cmp::Ordering;

use tokio::sync::mpsc;

use crate::sync::error::SurveyError;
use crate::sync::list::{Listed, RemoteObject};
use crate::sync::merge::{Batch, Feed};
use crate::sync::plan::{Side, SkipReason};

/// One key of either side or of both.
#[derive(Debug)]
pub(super) enum Joined {
    Source(RemoteObject),
    Target(RemoteObject),
    Both(Pair),
    Skipped {
        key: String,
        side: Side,
        reason: SkipReason,
    },
}

/// Two objects of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) source: RemoteObject,
    pub(super) target: RemoteObject,
}

/// Both sides in one order; holds one page of each.
pub(super) struct Pairs {
    source: Feed<Listed>,
    target: Feed<Listed>,
}

impl Pairs {
    pub(super) fn new(
        source: mpsc::Receiver<Batch<Listed>>,
        target: mpsc::Receiver<Batch<Listed>>,
    ) -> Self {
        Self {
            source: Feed::new(source),
            target: Feed::new(target),
        }
    }

    /// The next key, or `None` after both sides have ended without an error.
    pub(super) async fn next(&mut self) -> Result<Option<Joined>, SurveyError> {
        self.source.fill().await?;
        self.target.fill().await?;
        let order = match (self.source.head(), self.target.head()) {
            (None, None) => return Ok(None),
            // What is skipped joins nothing.
            (Some(Listed::Skipped { .. }), _) | (Some(_), None) => Ordering::Less,
            (_, Some(Listed::Skipped { .. })) | (None, Some(_)) => Ordering::Greater,
            (Some(Listed::Object(source)), Some(Listed::Object(target))) => {
                source.key.cmp(&target.key)
            }
        };
        let source = order.is_le().then(|| self.source.take()).flatten();
        let target = order.is_ge().then(|| self.target.take()).flatten();
        Ok(join(source, target))
    }
}

fn join(source: Option<Listed>, target: Option<Listed>) -> Option<Joined> {
    let skipped = |key, side, reason| Some(Joined::Skipped { key, side, reason });
    match (source, target) {
        (Some(Listed::Object(source)), Some(Listed::Object(target))) => {
            Some(Joined::Both(Pair { source, target }))
        }
        (Some(Listed::Object(source)), _) => Some(Joined::Source(source)),
        (Some(Listed::Skipped { key, reason }), _) => skipped(key, Side::From, reason),
        (None, Some(Listed::Object(target))) => Some(Joined::Target(target)),
        (None, Some(Listed::Skipped { key, reason })) => skipped(key, Side::To, reason),
        (None, None) => None,
    }
}
