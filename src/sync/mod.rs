//! Moving files between folders and bucket prefixes, and from bucket to bucket.
//!
//! [`survey()`] reads both sides and says what is to do as a [`SyncPlan`], a value
//! that people review; [`execute()`] does that and decides nothing. Both sides are
//! ordered streams of keys, so that neither has to fit into memory: only what
//! differs is kept.
//!
//! The pure parts (places, filters, key rules, comparing, plans) need no network
//! and compile without the `aws` feature.

#[cfg(feature = "aws")]
mod abandoned;
#[cfg(feature = "aws")]
mod across;
mod archive;
#[cfg(feature = "aws")]
mod arrival;
#[cfg(feature = "aws")]
mod attributes;
#[cfg(feature = "aws")]
mod batch;
#[cfg(feature = "aws")]
mod branches;
mod case;
mod compare;
#[cfg(feature = "aws")]
mod copy;
#[cfg(feature = "aws")]
mod copy_stream;
#[cfg(feature = "aws")]
mod copy_within;
#[cfg(feature = "aws")]
mod delete;
#[cfg(feature = "aws")]
mod descriptors;
mod digits;
#[cfg(feature = "aws")]
mod direct;
#[cfg(feature = "aws")]
mod disk;
#[cfg(feature = "aws")]
mod download;
#[cfg(feature = "aws")]
mod error;
mod estimate;
#[cfg(feature = "aws")]
mod etag;
#[cfg(feature = "aws")]
mod execute;
#[cfg(feature = "aws")]
mod fault;
mod filter;
#[cfg(feature = "aws")]
mod home;
#[cfg(feature = "aws")]
mod in_order;
#[cfg(feature = "aws")]
mod journal;
#[cfg(feature = "aws")]
mod judge;
mod key;
#[cfg(feature = "aws")]
mod ledger;
#[cfg(feature = "aws")]
mod limits;
#[cfg(feature = "aws")]
mod list;
#[cfg(feature = "aws")]
mod merge;
#[cfg(feature = "aws")]
mod multipart;
#[cfg(feature = "aws")]
mod options;
#[cfg(feature = "aws")]
mod pace;
#[cfg(feature = "aws")]
mod page;
#[cfg(feature = "aws")]
mod parts;
mod place;
mod plan;
mod policy;
#[cfg(feature = "aws")]
mod pool;
#[cfg(feature = "aws")]
mod question;
#[cfg(feature = "aws")]
mod ranged;
mod report;
#[cfg(feature = "aws")]
mod route;
#[cfg(feature = "aws")]
mod rules;
#[cfg(feature = "aws")]
mod session;
#[cfg(feature = "aws")]
mod source;
#[cfg(feature = "aws")]
mod stamp;
#[cfg(feature = "aws")]
mod stretches;
#[cfg(feature = "aws")]
mod survey;
#[cfg(feature = "aws")]
mod tally;
#[cfg(feature = "files")]
mod target;
mod transfers;
#[cfg(feature = "aws")]
mod upload;
#[cfg(feature = "aws")]
mod walk;
#[cfg(feature = "aws")]
mod whole;

#[cfg(feature = "aws")]
pub use abandoned::{Abandoned, abandoned, give_up};
pub use archive::{Archive, ArchiveNote, ArchiveWork, Packing};
pub use case::{CaseConflict, OnCaseConflict};
pub use compare::{
    Direction, Doubt, EtagShape, LocalFacts, Look, Nature, Pair, RemoteFacts, SINGLE_REQUEST_LIMIT,
    Said, Verdict, decide, first_look, part_count, part_size, settle,
};
#[cfg(feature = "aws")]
pub use copy::{Copied, End, NO_SUCH_OBJECT, Object, Pipes, copy};
#[cfg(feature = "aws")]
pub use error::SurveyError;
pub use estimate::{ASSUMPTION, Estimate};
#[cfg(feature = "aws")]
pub use execute::execute;
#[cfg(feature = "aws")]
pub use fault::{Fault, FaultKind};
pub use filter::{Filter, PatternError, validate_pattern};
pub use key::{KeyFault, check_key};
pub use place::{Deletion, Place, PlaceError, Request};
pub use plan::{
    Change, Deleted, Origin, Side, SkipReason, Skipped, SyncPlan, TooManyDeletions, Totals,
    Transfer, Why, Withheld,
};
pub use policy::{Archived, Existing, Policy, SourceLinks};
pub use report::{Control, Failure, FailureReason, Progress, SyncReport};
#[cfg(feature = "aws")]
pub use survey::survey;
#[cfg(feature = "files")]
#[doc(hidden)]
pub use target::{remove_empty_folders, write_file};

pub use transfers::Transfers;

#[cfg(test)]
#[cfg(feature = "aws")]
mod tests;
