//! What an object holds, and how it is told apart from others.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum, checksum_combine};
use md5::{Digest as _, Md5};

/// What bytes that were dropped read as, again and again.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

const CRC: CrcAlgorithm = CrcAlgorithm::Crc64Nvme;

/// The bytes of an object. Clones share them.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// In one piece.
    Whole(Bytes),
    /// In the parts that they came in.
    Parts(Arc<[Self]>),
    /// So many bytes that were dropped.
    Sunk(u64),
}

impl Content {
    /// Number of bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Whole(bytes) => bytes.len() as u64,
            Self::Parts(parts) => parts.iter().map(Self::len).sum(),
            Self::Sunk(length) => *length,
        }
    }

    /// The bytes of a range that lies within, in pieces.
    pub(crate) fn pieces(&self, range: Range<u64>) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        self.add_pieces(range, &mut pieces);
        pieces
    }

    fn add_pieces(&self, range: Range<u64>, pieces: &mut Vec<Bytes>) {
        match self {
            Self::Whole(bytes) => {
                let piece = bytes.slice(to_index(range.start)..to_index(range.end));
                if !piece.is_empty() {
                    pieces.push(piece);
                }
            }
            Self::Parts(parts) => {
                let mut begin = 0;
                for part in parts.iter() {
                    let end = begin + part.len();
                    let from = range.start.clamp(begin, end) - begin;
                    let to = range.end.clamp(begin, end) - begin;
                    if from < to {
                        part.add_pieces(from..to, pieces);
                    }
                    begin = end;
                }
            }
            Self::Sunk(_) => {
                let mut left = to_index(range.end - range.start);
                while left > 0 {
                    let piece = left.min(ZEROS.len());
                    pieces.push(Bytes::from_static(&ZEROS[..piece]));
                    left -= piece;
                }
            }
        }
    }
}

fn to_index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// What tells one content from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    /// CRC-64/NVME of the whole.
    pub(crate) crc64: u64,
    /// MD5 as S3 makes it, where it was asked for.
    md5: Option<[u8; 16]>,
    /// Number of parts; 0 for an object that came in one request.
    parts: u32,
}

impl Digest {
    /// The digest of bytes in one piece.
    pub(crate) fn of(bytes: &[u8], with_md5: bool) -> Self {
        Self {
            crc64: checksum(CRC, bytes),
            md5: with_md5.then(|| Md5::digest(bytes).into()),
            parts: 0,
        }
    }

    /// The digest of parts, each with its length.
    pub(crate) fn of_parts(parts: &[(Self, u64)]) -> Self {
        let crc64 = parts
            .iter()
            .fold(None, |whole, (digest, length)| {
                Some(whole.map_or(digest.crc64, |before| {
                    checksum_combine(CRC, before, digest.crc64, *length)
                }))
            })
            .unwrap_or_default();
        let digests: Option<Vec<[u8; 16]>> = parts.iter().map(|(digest, _)| digest.md5).collect();
        Self {
            crc64,
            md5: digests.map(|digests| Md5::digest(digests.concat()).into()),
            parts: u32::try_from(parts.len()).unwrap_or(u32::MAX),
        }
    }

    /// The entity tag, in quotes.
    ///
    /// One that is no MD5 has 16 digits and a number of parts, even where there are
    /// none, so that no client takes it for an MD5.
    pub(crate) fn entity_tag(self) -> String {
        match (self.md5, self.parts) {
            (Some(md5), 0) => format!("\"{:032x}\"", u128::from_be_bytes(md5)),
            (Some(md5), parts) => format!("\"{:032x}-{parts}\"", u128::from_be_bytes(md5)),
            (None, parts) => format!("\"{:016x}-{}\"", self.crc64, parts.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::{Content, Digest};

    #[test]
    fn a_range_crosses_parts() {
        let parts: Arc<[Content]> = ["abc", "def", "ghi"]
            .map(|text| Content::Whole(Bytes::from_static(text.as_bytes())))
            .into();
        let content = Content::Parts(parts);
        assert_eq!(content.len(), 9);
        assert_eq!(content.pieces(2..7).concat(), b"cdefg");
        assert_eq!(content.pieces(3..3).concat(), b"");
    }

    #[test]
    fn what_was_dropped_reads_as_zeros() {
        let pieces = Content::Sunk(200_000).pieces(1..150_001);
        assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), 150_000);
    }

    #[test]
    fn parts_have_the_crc_of_the_whole() {
        let parts = [
            (Digest::of(b"hello ", false), 6),
            (Digest::of(b"world", false), 5),
        ];
        let whole = Digest::of(b"hello world", false);
        assert_eq!(Digest::of_parts(&parts).crc64, whole.crc64);
    }

    #[test]
    fn tags_are_those_of_s3_where_asked_for() {
        let tag = Digest::of(b"", true).entity_tag();
        assert_eq!(tag, "\"d41d8cd98f00b204e9800998ecf8427e\"");
        let parts = Digest::of_parts(&[(Digest::of(b"", true), 0)]);
        assert_eq!(parts.entity_tag(), "\"59adb24ef3cdbe0297f05b395827453f-1\"");
    }
}
