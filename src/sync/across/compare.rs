//! Whether two objects are the same, without reading either.
//!
//! The truth table, for two objects of one key; the first row that fits decides:
//!
//! | sizes | entity tags | a run has written down | checksums of the whole | verdict |
//! |---|---|---|---|---|
//! | differ | any | anything | not asked for | changed: size |
//! | both 0 | any | anything | not asked for | same |
//! | equal | equal | anything | not asked for | same |
//! | equal | differ, or one is unknown | that these two tags are of one content | not asked for | same |
//! | equal | differ, or one is unknown | nothing | of one kind, and equal | same |
//! | equal | differ, or one is unknown | nothing | of one kind, and differ | changed: content |
//! | equal | differ, or one is unknown | nothing | of no kind in common, or unknown | changed: tag |
//!
//! This is how content is compared. The other ways ask nothing more than the listings:
//!
//! | compare | sizes | entity tags | times | verdict |
//! |---|---|---|---|---|
//! | any | differ | any | any | changed: size |
//! | size | equal | any | any | same |
//! | size and mtime | equal, and not 0 | differ, or one is unknown | the source is newer | changed: time |
//! | size and mtime | equal | any other pair | | same |
//!
//! Tags differ for equal content where the parts had other sizes, and where a key of KMS
//! or of a customer encrypts one of the two (S3 user guide, "Object integrity"). Times say
//! nothing: a copy is always newer than what it was made from, and whoever restores an
//! older object makes it newer, too.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumType;

use super::pairs::Pair;
use crate::resource::Compare;
use crate::sync::plan::Why;

/// What can be said before anything is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Same,
    Changed(Why),
    /// The checksums of both are needed: see [`settle`].
    NeedsChecksums,
}

/// Whether the entity tags say that two objects are the same.
pub(super) fn tags_agree(pair: &Pair) -> bool {
    pair.source.etag.is_some() && pair.source.etag == pair.target.etag
}

/// Compares what needs no asking; `known` says that a run has found the two tags to be of
/// one content.
pub(super) fn first_look(compare: Compare, pair: &Pair, known: bool) -> Look {
    if pair.source.size != pair.target.size {
        return Look::Changed(Why::Size {
            source_bytes: pair.source.size,
            target_bytes: pair.target.size,
        });
    }
    if pair.source.size == 0 || tags_agree(pair) || known {
        return Look::Same;
    }
    match compare {
        Compare::Content => Look::NeedsChecksums,
        Compare::SizeMtime if pair.source.modified > pair.target.modified => {
            Look::Changed(Why::Time)
        }
        Compare::SizeMtime | Compare::Size => Look::Same,
    }
}

/// The checksums that S3 keeps of the whole of an object, by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sums([Option<String>; 5]);

impl Sums {
    /// Those of an answer; checksums of checksums of parts are none of the whole.
    pub(super) fn of(output: &HeadObjectOutput) -> Self {
        if output.checksum_type() == Some(&ChecksumType::Composite) {
            return Self::default();
        }
        let sums = [
            output.checksum_crc64_nvme(),
            output.checksum_sha256(),
            output.checksum_sha1(),
            output.checksum_crc32_c(),
            output.checksum_crc32(),
        ];
        // A composite one ends with the number of its parts, whatever its type is said to be.
        Self(sums.map(|sum| sum.filter(|sum| !sum.contains('-')).map(str::to_owned)))
    }
}

/// Settles a pair of equal size; `None` stands for "the same".
///
/// Where nobody could say, the object is copied: that costs a request, and taking it for the
/// same could cost its content.
pub(super) fn settle(source: Option<&Sums>, target: Option<&Sums>) -> Option<Why> {
    let (Some(Sums(source)), Some(Sums(target))) = (source, target) else {
        return Some(Why::Tag);
    };
    let both = source.iter().zip(target);
    let mut common = both
        .filter_map(|(source, target)| Some((source.as_ref()?, target.as_ref()?)))
        .peekable();
    if common.peek().is_none() {
        Some(Why::Tag)
    } else if common.all(|(source, target)| source == target) {
        None
    } else {
        Some(Why::Content)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::sync::list::RemoteObject;

    fn object(size: u64, etag: Option<&str>) -> RemoteObject {
        RemoteObject {
            key: "key".to_owned(),
            size,
            modified: Timestamp::UNIX_EPOCH,
            etag: etag.map(str::to_owned),
            archived: None,
        }
    }

    fn look(source: (u64, Option<&str>), target: (u64, Option<&str>), known: bool) -> Look {
        let pair = Pair {
            source: object(source.0, source.1),
            target: object(target.0, target.1),
        };
        first_look(Compare::Content, &pair, known)
    }

    #[test]
    fn the_first_look_is_as_the_table_says() {
        let (one, two) = (Some("one"), Some("two"));
        let size = Why::Size {
            source_bytes: 1,
            target_bytes: 2,
        };
        for known in [false, true] {
            assert_eq!(look((1, one), (2, one), known), Look::Changed(size));
            assert_eq!(look((0, one), (0, two), known), Look::Same);
            assert_eq!(look((1, one), (1, one), known), Look::Same);
        }
        for (source, target) in [(one, two), (one, None), (None, two), (None, None)] {
            assert_eq!(look((1, source), (1, target), true), Look::Same);
            let asks = look((1, source), (1, target), false);
            assert_eq!(asks, Look::NeedsChecksums, "{source:?} {target:?}");
        }
    }

    #[test]
    fn sizes_and_times_ask_nothing() {
        use Compare::{Size, SizeMtime};

        let look = |compare, source: (u64, i64), target: (u64, i64)| {
            let at = |(size, second), etag| RemoteObject {
                modified: Timestamp::from_second(second).unwrap(),
                ..object(size, Some(etag))
            };
            let pair = Pair {
                source: at(source, "one"),
                target: at(target, "two"),
            };
            first_look(compare, &pair, false)
        };
        assert_eq!(look(Size, (1, 2), (1, 1)), Look::Same);
        assert_eq!(look(SizeMtime, (1, 1), (1, 2)), Look::Same);
        assert_eq!(look(SizeMtime, (0, 2), (0, 1)), Look::Same);
        assert_eq!(look(SizeMtime, (1, 2), (1, 1)), Look::Changed(Why::Time));
        for compare in [Size, SizeMtime] {
            let Look::Changed(Why::Size { .. }) = look(compare, (2, 1), (1, 2)) else {
                panic!("sizes differ");
            };
        }
    }

    #[test]
    fn checksums_settle_as_the_table_says() {
        let sums = |crc: Option<&str>, sha: Option<&str>| {
            Sums([
                crc.map(str::to_owned),
                sha.map(str::to_owned),
                None,
                None,
                None,
            ])
        };
        let (a, b) = (sums(Some("a"), None), sums(Some("b"), None));
        assert_eq!(settle(Some(&a), Some(&a)), None);
        assert_eq!(settle(Some(&a), Some(&b)), Some(Why::Content));
        let sha = sums(None, Some("a"));
        assert_eq!(settle(Some(&a), Some(&sha)), Some(Why::Tag));
        let (both, other) = (sums(Some("a"), Some("a")), sums(Some("a"), Some("b")));
        assert_eq!(settle(Some(&a), Some(&both)), None);
        assert_eq!(settle(Some(&both), Some(&other)), Some(Why::Content));
        assert_eq!(settle(None, Some(&a)), Some(Why::Tag));
        assert_eq!(settle(Some(&a), None), Some(Why::Tag));
    }

    #[test]
    fn a_checksum_of_checksums_is_none_of_the_whole() {
        let answer = HeadObjectOutput::builder().checksum_crc32("abcd==");
        let whole = answer.clone().checksum_type(ChecksumType::FullObject);
        assert_ne!(Sums::of(&whole.build()), Sums::default());
        let parts = answer.clone().checksum_type(ChecksumType::Composite);
        assert_eq!(Sums::of(&parts.build()), Sums::default());
        let untold = HeadObjectOutput::builder().checksum_crc32("abcd==-2");
        assert_eq!(Sums::of(&untold.build()), Sums::default());
    }
}
