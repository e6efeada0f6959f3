//! Whether a file and an object are the same, from what is known without asking.
//!
//! A listing gives size, entity tag and time of modification, and the local file
//! can be read. The truth table, for a file and an object of one key; the first
//! row that fits decides:
//!
//! | sizes | entity tag | digest of the file | times | verdict |
//! |---|---|---|---|---|
//! | differ | any | not taken | any | changed: size |
//! | both 0 | any | not taken | any | same |
//! | equal | MD5, or of our part size | equal | any | same |
//! | equal | MD5, or of our part size | differs | agree | doubtful: digest |
//! | equal | MD5, or of our part size | differs | do not agree, on the way up | changed: content |
//! | equal | MD5, or of our part size | differs | do not agree, on the way down | doubtful: digest and time |
//! | equal | anything else, or none | not taken | agree, on the way up | doubtful: tag |
//! | equal | anything else, or none | not taken | agree, on the way down | same |
//! | equal | anything else, or none | not taken | do not agree | doubtful: time |
//!
//! Times agree on the way up when the file is not newer than the object; on the
//! way down when they are the same second, because a download sets it so where the
//! object's metadata has no other time.
//!
//! Doubtful is what looks like an MD5 and need not be one, as an object encrypted
//! with a KMS or a customer's key has such a tag too; what has a tag that says nothing;
//! and what has the time of its object's metadata, which no listing tells. A question to
//! the object settles it
//! ([`settle`]), with the checksum of the whole that S3 keeps, where it keeps one that
//! the file's can be compared with:
//!
//! | doubtful | tag | checksum of the file | time in the metadata | verdict |
//! |---|---|---|---|---|
//! | time | any | not taken | that of the file | same |
//! | any | any | equal | any other | same |
//! | any | any | differs | any other | changed: content |
//! | digest | a digest, or nobody could say | nothing to compare with | any | changed: content |
//! | digest | no digest | nothing to compare with | any | same |
//! | tag | nobody could say | nothing to compare with | any | changed: content |
//! | tag | any other | nothing to compare with | any | same |
//! | digest and time | a digest, or nobody could say | nothing to compare with | any | changed: content |
//! | digest and time | no digest | nothing to compare with | that of the file | same |
//! | digest and time | no digest | nothing to compare with | another, or none | changed: time |
//! | time | any | nothing to compare with | another, or none | changed: time |
//!
//! This is how content is compared. The other ways of comparing read no file; their
//! table is with [`Compare`](crate::resource::Compare).

use jiff::Timestamp;

use super::plan::Why;

#[cfg(feature = "aws")]
mod mode;

#[cfg(feature = "aws")]
pub(super) use mode::{Remembered, look};

const MEBIBYTE: u64 = 1024 * 1024;

/// Up to this many bytes a file goes up in one request.
pub const SINGLE_REQUEST_LIMIT: u64 = 8 * MEBIBYTE;

/// Up to this many bytes an object comes down in one request, and above it in ranges.
pub(super) const ONE_STREAM_LIMIT: u64 = 64 * MEBIBYTE;

/// S3 takes 10,000 parts; aiming at 8,000 leaves room without a second rule.
const PARTS_AIMED_AT: u64 = 8000;

/// The largest part that S3 takes, in bytes (S3 User Guide, multipart upload limits).
const LARGEST_PART: u64 = 5 * 1024 * MEBIBYTE;

/// The size of the parts that a file of `size` bytes is sent in, in bytes.
///
/// It depends on nothing else, so that the entity tag of what we uploaded can be
/// computed again from the file alone: 8 MiB, or the next power of two above
/// `size / 8000`, and 5 GiB at most.
pub const fn part_size(size: u64) -> u64 {
    let even = size.div_ceil(PARTS_AIMED_AT);
    if even <= SINGLE_REQUEST_LIMIT {
        SINGLE_REQUEST_LIMIT
    } else if even >= LARGEST_PART || even.next_power_of_two() > LARGEST_PART {
        LARGEST_PART
    } else {
        even.next_power_of_two()
    }
}

/// How many parts a file of `size` bytes is sent in; an empty one still is one part.
pub const fn part_count(size: u64) -> u64 {
    let count = size.div_ceil(part_size(size));
    if count == 0 { 1 } else { count }
}

/// Which way a sync goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a folder to a bucket.
    Up,
    /// From a bucket to a folder.
    Down,
}

/// What the walk knows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalFacts {
    /// Size in bytes.
    pub size: u64,
    /// When it was last modified.
    pub modified: Timestamp,
}

/// What a listing knows of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteFacts<'a> {
    /// Size in bytes.
    pub size: u64,
    /// When it was last modified.
    pub modified: Timestamp,
    /// The entity tag without quotes.
    pub etag: Option<&'a str>,
}

/// A file and an object of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// Which of the two is the source.
    pub direction: Direction,
    /// The file.
    pub local: LocalFacts,
    /// The object.
    pub remote: RemoteFacts<'a>,
}

/// What an entity tag may be a digest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtagShape {
    /// 32 hexadecimal digits: the MD5 of the whole, unless it is encrypted.
    Whole,
    /// The MD5 of the MD5s of this many parts, unless it is encrypted.
    Parts(u64),
    /// Nothing that we could compute.
    Opaque,
}

impl EtagShape {
    /// Reads the shape of an entity tag without quotes.
    pub fn of(etag: &str) -> Self {
        let (digest, parts) = match etag.split_once('-') {
            Some((digest, parts)) => (digest, Some(parts)),
            None => (etag, None),
        };
        if digest.len() != 32 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Self::Opaque;
        }
        match parts.map(str::parse) {
            None => Self::Whole,
            Some(Ok(count)) if count > 0 => Self::Parts(count),
            Some(Ok(_) | Err(_)) => Self::Opaque,
        }
    }
}

/// What comparing comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to do.
    Same,
    /// To be moved.
    Changed(Why),
    /// To be settled by what the object says of itself.
    Doubtful(Doubt),
}

/// What is doubtful about a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The digests differ and the times agree: the tag may be no digest.
    Digest,
    /// The digests differ and the times do not agree: the tag may be no digest, and the
    /// object's metadata may have the file's time.
    DigestAndTime,
    /// The times do not agree: the object's metadata may have the file's time.
    Time,
    /// The times agree, and the tag says nothing of the content.
    Tag,
}

/// What an object says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Whether its entity tag is a digest.
    pub nature: Nature,
    /// The time of its file that its metadata has.
    pub modified: Option<Timestamp>,
    /// Whether the checksum of the whole that S3 keeps is that of the file; `None` where
    /// there is nothing to compare with.
    pub content: Option<bool>,
}

/// What can be said before the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Enough is known.
    Decided(Verdict),
    /// The file's digest of this shape is needed: see [`decide`].
    NeedsDigest(EtagShape),
}

/// Whether the entity tag of an object is a digest of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It is: not encrypted with a key of KMS or of a customer, and parts of our size.
    Honest,
    /// It is not, or of parts that we do not know.
    Other,
    /// Nobody could say.
    Unknown,
}

/// Compares what needs no reading of the file.
pub fn first_look(pair: &Pair<'_>) -> Look {
    if pair.local.size != pair.remote.size {
        return Look::Decided(Verdict::Changed(size_differs(pair)));
    }
    if pair.local.size == 0 {
        return Look::Decided(Verdict::Same);
    }
    let shape = pair.remote.etag.map_or(EtagShape::Opaque, EtagShape::of);
    match shape {
        EtagShape::Whole => Look::NeedsDigest(shape),
        EtagShape::Parts(count) if count == part_count(pair.local.size) => Look::NeedsDigest(shape),
        EtagShape::Parts(_) | EtagShape::Opaque => Look::Decided(without_tag(pair)),
    }
}

/// Compares what has nothing but its time. A file that is not newer than its object need not
/// be what was uploaded; one of the same second as its object, which comes down, is.
fn without_tag(pair: &Pair<'_>) -> Verdict {
    match (times_agree(pair), pair.direction) {
        (true, Direction::Up) => Verdict::Doubtful(Doubt::Tag),
        (true, Direction::Down) => Verdict::Same,
        (false, Direction::Up | Direction::Down) => Verdict::Doubtful(Doubt::Time),
    }
}

/// Compares the times alone, where nothing else is to be looked at.
#[cfg(feature = "aws")]
fn by_time(pair: &Pair<'_>) -> Verdict {
    match pair.direction {
        Direction::Up | Direction::Down if times_agree(pair) => Verdict::Same,
        Direction::Up => Verdict::Changed(Why::Time),
        Direction::Down => Verdict::Doubtful(Doubt::Time),
    }
}

/// Compares with the digest that [`first_look`] asked for, in lower-case
/// hexadecimal and with `-N` where it is one of parts.
pub fn decide(pair: &Pair<'_>, digest: &str) -> Verdict {
    let equal = pair
        .remote
        .etag
        .is_some_and(|etag| etag.eq_ignore_ascii_case(digest));
    if equal {
        Verdict::Same
    } else if times_agree(pair) {
        Verdict::Doubtful(Doubt::Digest)
    } else {
        match pair.direction {
            Direction::Up => Verdict::Changed(Why::Content),
            Direction::Down => Verdict::Doubtful(Doubt::DigestAndTime),
        }
    }
}

/// Settles a doubtful pair by what its object says; `None` stands for "the same".
///
/// Where nobody could say, the file is moved: that costs a transfer, and taking
/// it for the same could cost its content.
pub fn settle(pair: &Pair<'_>, doubt: Doubt, said: Said) -> Option<Why> {
    let Said {
        nature,
        modified: _,
        content,
    } = said;
    let has_time = has_time(pair, said);
    match (doubt, content) {
        (Doubt::Time, _) if has_time => return None,
        (_, Some(true)) => return None,
        (_, Some(false)) => return Some(Why::Content),
        (_, None) => {}
    }
    match (doubt, nature) {
        (Doubt::Digest | Doubt::DigestAndTime, Nature::Honest | Nature::Unknown) => {
            Some(Why::Content)
        }
        (Doubt::Tag, Nature::Unknown) => Some(Why::Content),
        (Doubt::Digest, Nature::Other) | (Doubt::Tag, Nature::Honest | Nature::Other) => None,
        (Doubt::DigestAndTime, Nature::Other) | (Doubt::Time, _) => {
            (!has_time).then_some(Why::Time)
        }
    }
}

/// Whether an object's metadata has the time of the file.
pub(super) fn has_time(pair: &Pair<'_>, said: Said) -> bool {
    // Some file systems keep no fractions of a second.
    let second = |time: Timestamp| time.as_second();
    said.modified
        .is_some_and(|time| second(time) == second(pair.local.modified))
}

fn size_differs(pair: &Pair<'_>) -> Why {
    let (source_bytes, target_bytes) = match pair.direction {
        Direction::Up => (pair.local.size, pair.remote.size),
        Direction::Down => (pair.remote.size, pair.local.size),
    };
    Why::Size {
        source_bytes,
        target_bytes,
    }
}

/// Whether the times are no reason to think that the content differs.
fn times_agree(pair: &Pair<'_>) -> bool {
    match pair.direction {
        Direction::Up => pair.local.modified <= pair.remote.modified,
        Direction::Down => pair.local.modified.as_second() == pair.remote.modified.as_second(),
    }
}

#[cfg(test)]
#[path = "compare/tests.rs"]
mod tests;
