//! From bucket to bucket: S3 copies, and no byte comes here.
//!
//! Both sides are listings, so that nothing is read to compare them; see `compare` for
//! what counts as the same. Between buckets every key is copied as it is, those too that
//! could be no file: `x//y`, and `d/` with or without content.

mod compare;
mod judge;
mod pairs;
mod tally;
mod twins;

use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_s3::Client;
use tokio::sync::mpsc;

use super::branches;
use super::compare::Direction;
use super::copy_within::{Original, copy_object};
use super::error::SurveyError;
use super::filter::Filter;
use super::home::Home;
use super::limits::Limits;
use super::list::{Listed, Listing};
use super::merge::Batch;
use super::place::{Place, Request};
use super::plan::{SyncPlan, Transfer};
use super::report::Control;
use super::route::Route;
use super::session::{Moved, Session, Undone};
use super::survey::BATCHES_AHEAD;
use crate::resource::ObjectOptions;
use judge::Judge;
use pairs::Pairs;
use tally::Tally;
use twins::Known;

pub(super) use twins::{Twins, journal};

/// The two places of a sync from bucket to bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ends {
    from: Prefix,
    to: Prefix,
}

/// A prefix of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    bucket: String,
    prefix: String,
}

impl Prefix {
    fn of(place: &Place) -> Option<Self> {
        match place {
            Place::Prefix { bucket, prefix } => Some(Self {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
            }),
            Place::Folder(_) => None,
        }
    }

    /// Whether it ends at a component, so that it has no neighbours in it.
    fn is_closed(&self) -> bool {
        self.prefix.is_empty() || self.prefix.ends_with('/')
    }
}

impl Ends {
    /// `None` unless both places are in buckets.
    pub(super) fn of(from: &Place, to: &Place) -> Option<Self> {
        Some(Self {
            from: Prefix::of(from)?,
            to: Prefix::of(to)?,
        })
    }

    /// The target, as a route into a bucket that begins in no folder.
    pub(super) fn target(&self) -> Route {
        Route {
            direction: Direction::Up,
            folder: PathBuf::new(),
            bucket: self.to.bucket.clone(),
            prefix: self.to.prefix.clone(),
        }
    }
}

/// Reads both sides and says what is to do; writes nothing anywhere.
pub(super) async fn survey(
    client: &Client,
    request: &Request,
    ends: &Ends,
) -> Result<SyncPlan, SurveyError> {
    for (prefix, place) in [(&ends.from, &request.from), (&ends.to, &request.to)] {
        if !prefix.is_closed() {
            return Err(SurveyError::OpenPrefix(place.clone()));
        }
    }
    if request.from.overlaps(&request.to) {
        return Err(SurveyError::Overlap {
            from: request.from.clone(),
            to: request.to.clone(),
        });
    }
    let (source_filter, target_filter) = Filter::of_ends(request).map_err(SurveyError::Pattern)?;
    let region = request.source_region.as_deref();
    let source = Arc::new(Home::in_region(client, region, &ends.from.bucket));
    let target = Arc::new(Home::new(client.clone(), &ends.to.bucket));
    let mut pairs = Pairs::new(
        list(&source, &ends.from, (source_filter, &request.options)),
        list(&target, &ends.to, (target_filter, &request.options)),
    );
    let mut tally = Tally::new((request.delete, request.policy), &ends.to.prefix);
    let known = Known::of(request.journals.as_deref(), ends).by(request.policy.compare);
    let mut judge = Judge::new([source, target], ends, known, &request.options);
    while let Some(joined) = pairs.next().await? {
        if let Some(pair) = tally.add(joined) {
            judge.add(pair).await?;
            for (pair, judgement) in judge.take() {
                tally.judged(pair, judgement);
            }
        }
    }
    let (judged, known) = judge.finish().await?;
    for (pair, judgement) in judged {
        tally.judged(pair, judgement);
    }
    known.finish();
    tally.close(request)
}

fn list(
    home: &Arc<Home>,
    at: &Prefix,
    (filter, options): (Filter, &ObjectOptions),
) -> mpsc::Receiver<Batch<Listed>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let listing = Listing::of_objects(Arc::clone(home), at.prefix.clone(), filter, options);
    tokio::spawn(branches::send(listing, sender));
    receiver
}

/// What all copies of one run share.
#[derive(Debug)]
pub(super) struct Copies {
    source: Home,
    target: Home,
    prefix: String,
    limits: Limits,
}

impl Copies {
    pub(super) fn new(client: &Client, ends: &Ends, control: &Control<'_>) -> Self {
        Self {
            source: Home::in_region(client, control.source_region, &ends.from.bucket),
            target: Home::new(client.clone(), &ends.to.bucket),
            prefix: ends.from.prefix.clone(),
            limits: control.limits,
        }
    }

    /// A client for the region that the target is in.
    pub(super) async fn at_target(&self) -> Client {
        self.target.settled().await
    }

    /// Copies the object of a plan, and gives the entity tag of the copy.
    pub(super) async fn copy(
        &self,
        session: &Session,
        transfer: &Transfer,
    ) -> Result<(Moved, Option<String>), Undone> {
        let key = format!("{}{}", self.prefix, transfer.key);
        let original = Original {
            home: &self.source,
            key: &key,
            bytes: transfer.bytes,
            etag: transfer.origin.etag(),
        };
        let to = session.route.full_key(&transfer.key);
        let copied = copy_object(session, &original, (&self.target, &to), self.limits);
        let tag = Box::pin(copied).await?;
        let moved = Moved {
            bytes: transfer.bytes,
            fact: None,
        };
        Ok((moved, tag))
    }
}
