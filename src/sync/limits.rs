//! How large a copy from bucket to bucket may be.

/// S3 takes 10,000 parts; aiming at 8,000 leaves room without a second rule.
const PARTS_AIMED_AT: u64 = 8000;

const MEBIBYTE: u64 = 1024 * 1024;

/// How large a copy from bucket to bucket may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// The largest object, or part of one, that one request copies, in bytes.
    pub(super) at_once: u64,
    /// The size of the parts of a larger one, in bytes, unless they would be too many.
    pub(super) part: u64,
}

impl Limits {
    /// What S3 takes in one request (S3 API, `CopyObject` and `UploadPartCopy`), and parts
    /// that are small enough to be copied side by side.
    pub(super) const S3: Self = Self {
        at_once: 5 * 1024 * MEBIBYTE,
        part: 256 * MEBIBYTE,
    };

    /// The size of the parts of an object of `bytes` bytes, in bytes.
    pub(super) fn part_of(self, bytes: u64) -> u64 {
        let even = bytes.div_ceil(PARTS_AIMED_AT);
        // A limit of a test may be smaller than a part.
        let most = self.at_once.max(self.part);
        let rounded = even.checked_next_power_of_two().unwrap_or(most);
        self.part.max(rounded).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_object_has_no_more_parts_than_s3_takes() {
        let limits = Limits::S3;
        for (bytes, parts) in [
            (limits.at_once + 1, 21),
            (2000 * limits.part, 2000),
            (50_000_000_000_000, 9314),
        ] {
            let part = limits.part_of(bytes);
            assert!(part <= limits.at_once);
            assert_eq!(bytes.div_ceil(part), parts, "{bytes}");
        }
    }
}
