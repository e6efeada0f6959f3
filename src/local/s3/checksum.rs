//! The checksums that S3 verifies, stores and returns.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use serde::{Deserialize, Serialize};

/// A checksum algorithm that clients can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// Finds the algorithm that the API calls `name`, in any letter case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Finds the algorithm whose value travels in the header or trailer `name`.
    pub(super) fn of_header(name: &str) -> Option<Self> {
        Self::named(
            name.trim()
                .to_ascii_lowercase()
                .strip_prefix("x-amz-checksum-")?,
        )
    }

    /// Names the algorithm as the API does.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Returns how many bytes a digest has.
    fn digest_length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Tells whether `value` is a digest of this algorithm in base64.
    pub(super) fn accepts(self, value: &str) -> bool {
        STANDARD
            .decode(value)
            .is_ok_and(|digest| digest.len() == self.digest_length())
    }

    /// Returns the variant that can join the digests of parts, if there is one.
    pub(super) fn linear(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// Says what a checksum was taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Coverage {
    /// The bytes of the whole object.
    FullObject,
    /// The digests of the parts, one after the other.
    Composite,
}

impl Coverage {
    /// Names the coverage as the API does.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// The checksum that is kept with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredChecksum {
    pub(super) algorithm: Algorithm,
    pub(super) coverage: Coverage,
    /// The digest in base64, followed by `-N` when it is composite.
    pub(super) value: String,
}

/// Computes the MD5 and any other digests of one stream of bytes.
pub(super) struct Digester {
    md5: Md5,
    hashers: Vec<(Algorithm, Hasher)>,
}

enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Digester {
    /// Prepares to digest with MD5 and with each of `algorithms` once.
    pub(super) fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let distinct: std::collections::BTreeSet<_> = algorithms.into_iter().collect();
        let hashers = distinct
            .into_iter()
            .map(|algorithm| (algorithm, Hasher::new(algorithm)))
            .collect();
        Self {
            md5: Md5::new(),
            hashers,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for (_, hasher) in &mut self.hashers {
            hasher.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Digests {
        let others = self
            .hashers
            .into_iter()
            .map(|(algorithm, hasher)| (algorithm, hasher.finish()))
            .collect();
        Digests {
            md5: self.md5.finalize().as_ref().to_vec(),
            others,
        }
    }
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Crc32c(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Crc64Nvme(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Sha1(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Sha256(hasher) => STANDARD.encode(hasher.finalize()),
        }
    }
}

/// The digests of one stream of bytes.
pub(super) struct Digests {
    md5: Vec<u8>,
    others: std::collections::BTreeMap<Algorithm, String>,
}

impl Digests {
    /// Returns the MD5 as the lower-case hexadecimal text of an `ETag`.
    pub(super) fn md5_hex(&self) -> String {
        hex(&self.md5)
    }

    /// Returns the MD5 as the base64 text of a `Content-MD5` header.
    pub(super) fn md5_base64(&self) -> String {
        STANDARD.encode(&self.md5)
    }

    /// Returns the digest in base64, if it was asked for.
    pub(super) fn get(&self, algorithm: Algorithm) -> Option<&str> {
        self.others.get(&algorithm).map(String::as_str)
    }
}

/// One part of an object as far as its digests go.
pub(super) struct PartDigest<'a> {
    /// The MD5 in hexadecimal.
    pub(super) md5: &'a str,
    /// The digest by the upload's algorithm, in base64.
    pub(super) checksum: &'a str,
    /// How many bytes the part has.
    pub(super) size: u64,
}

/// Returns the `ETag` of an object made of parts: the MD5 of their MD5s, and how
/// many there are.
pub(super) fn multipart_etag(parts: &[PartDigest<'_>]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(&unhex(part.md5));
    }
    format!("{}-{}", hex(md5.finalize().as_ref()), parts.len())
}

/// Returns the checksum of an object made of parts, or nothing when a stored
/// digest is not one, or when the algorithm cannot cover the object so.
pub(super) fn multipart_checksum(
    algorithm: Algorithm,
    coverage: Coverage,
    parts: &[PartDigest<'_>],
) -> Option<StoredChecksum> {
    let value = match coverage {
        Coverage::Composite => composite(algorithm, parts)?,
        Coverage::FullObject => joined(algorithm, parts)?,
    };
    Some(StoredChecksum {
        algorithm,
        coverage,
        value,
    })
}

fn composite(algorithm: Algorithm, parts: &[PartDigest<'_>]) -> Option<String> {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(&STANDARD.decode(part.checksum).ok()?);
    }
    Some(format!("{}-{}", hasher.finish(), parts.len()))
}

fn joined(algorithm: Algorithm, parts: &[PartDigest<'_>]) -> Option<String> {
    let variant = algorithm.linear()?;
    let mut total: Option<u64> = None;
    for part in parts {
        let digest = STANDARD.decode(part.checksum).ok()?;
        let number = digest
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        total = Some(match total {
            None => number,
            Some(before) => crc_fast::checksum_combine(variant, before, number, part.size),
        });
    }
    let bytes = total?.to_be_bytes();
    Some(STANDARD.encode(&bytes[bytes.len() - algorithm.digest_length()..]))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Decodes hexadecimal digits; only ever called on what [`hex`] made.
fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Lists the checksums that a message of the API carries, by algorithm.
macro_rules! checksums_of {
    ($message:expr) => {{
        use $crate::local::s3::checksum::Algorithm;
        [
            (Algorithm::Crc32, $message.checksum_crc32.as_deref()),
            (Algorithm::Crc32c, $message.checksum_crc32c.as_deref()),
            (Algorithm::Crc64Nvme, $message.checksum_crc64nvme.as_deref()),
            (Algorithm::Sha1, $message.checksum_sha1.as_deref()),
            (Algorithm::Sha256, $message.checksum_sha256.as_deref()),
        ]
    }};
}

/// Puts a checksum into the field of a message that is for its algorithm.
macro_rules! set_checksum {
    ($message:expr, $algorithm:expr, $value:expr) => {{
        use $crate::local::s3::checksum::Algorithm;
        let value: Option<String> = Some($value);
        match $algorithm {
            Algorithm::Crc32 => $message.checksum_crc32 = value,
            Algorithm::Crc32c => $message.checksum_crc32c = value,
            Algorithm::Crc64Nvme => $message.checksum_crc64nvme = value,
            Algorithm::Sha1 => $message.checksum_sha1 = value,
            Algorithm::Sha256 => $message.checksum_sha256 = value,
        }
    }};
}

pub(super) use {checksums_of, set_checksum};

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(algorithm: Algorithm, bytes: &[u8]) -> (String, String) {
        let mut digester = Digester::new([algorithm]);
        digester.update(bytes);
        let digests = digester.finish();
        (
            digests.md5_hex(),
            digests.get(algorithm).unwrap().to_owned(),
        )
    }

    #[test]
    fn known_digests() {
        let check = b"123456789";
        assert_eq!(digest(Algorithm::Crc32, check).1, "y/Q5Jg==");
        assert_eq!(digest(Algorithm::Crc32c, check).1, "4waSgw==");
        assert_eq!(digest(Algorithm::Crc64Nvme, check).1, "rosUhgp5mIg=");
        assert_eq!(
            digest(Algorithm::Sha1, check).0,
            "25f9e794323b453885f5181f1b624d0b"
        );
    }

    #[test]
    fn joined_parts_equal_the_whole() {
        let (first, second) = (vec![7_u8; 1000], vec![9_u8; 37]);
        let whole = [first.clone(), second.clone()].concat();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let (md5_first, one) = digest(algorithm, &first);
            let (md5_second, two) = digest(algorithm, &second);
            let parts = [
                PartDigest {
                    md5: &md5_first,
                    checksum: &one,
                    size: 1000,
                },
                PartDigest {
                    md5: &md5_second,
                    checksum: &two,
                    size: 37,
                },
            ];
            let full = multipart_checksum(algorithm, Coverage::FullObject, &parts).unwrap();
            assert_eq!(full.value, digest(algorithm, &whole).1);
        }
    }

    #[test]
    fn a_secure_hash_cannot_cover_the_whole() {
        let parts = [PartDigest {
            md5: "",
            checksum: "AAAA",
            size: 3,
        }];
        assert_eq!(
            multipart_checksum(Algorithm::Sha256, Coverage::FullObject, &parts),
            None
        );
    }

    #[test]
    fn headers_name_algorithms() {
        assert_eq!(
            Algorithm::of_header("X-Amz-Checksum-CRC64NVME"),
            Some(Algorithm::Crc64Nvme)
        );
        assert_eq!(Algorithm::of_header("x-amz-checksum-type"), None);
        assert!(Algorithm::Crc32.accepts("y/Q5Jg=="));
        assert!(!Algorithm::Crc32.accepts("y/Q5"));
    }
}
