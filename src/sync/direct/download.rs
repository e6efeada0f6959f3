//! What arrives, and what to check it by.

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;

use crate::sync::attributes::Attributes;

/// An object that has begun to arrive.
#[derive(Debug)]
pub(in crate::sync) struct Arriving {
    pub(in crate::sync) body: ByteStream,
    /// What S3 keeps of the whole.
    pub(in crate::sync) check: Option<Check>,
    /// Whether it is encrypted so that its entity tag is no digest.
    pub(in crate::sync) is_encrypted: bool,
    /// Which bytes of how many it is.
    pub(in crate::sync) range: Option<String>,
    pub(in crate::sync) attributes: Attributes,
}

/// A checksum of a whole object.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) struct Check {
    pub(in crate::sync) algorithm: CrcAlgorithm,
    pub(in crate::sync) sum: u64,
}

impl Check {
    /// Reads a checksum from the value of its header; one of another length is of another kind,
    /// whatever it is called.
    pub(in crate::sync) fn of(algorithm: CrcAlgorithm, text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let sum = bytes
            .iter()
            .fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
        let length = if algorithm == CrcAlgorithm::Crc64Nvme {
            8
        } else {
            4
        };
        (bytes.len() == length).then_some(Self { algorithm, sum })
    }
}

/// The checksums that are computed here, and their headers.
const CHECKS: [(&str, CrcAlgorithm); 3] = [
    ("x-amz-checksum-crc64nvme", CrcAlgorithm::Crc64Nvme),
    ("x-amz-checksum-crc32", CrcAlgorithm::Crc32IsoHdlc),
    ("x-amz-checksum-crc32c", CrcAlgorithm::Crc32Iscsi),
];

impl Arriving {
    /// `None` where only the SDK knows how to check it.
    pub(super) fn of(answer: HttpResponse) -> Option<Self> {
        let headers = answer.headers();
        let header = |name| headers.get(name);
        // A checksum of checksums, as parts have, says nothing of the bytes.
        let is_whole = |text: &&str| !text.contains('-');
        let check = CHECKS.into_iter().find_map(|(name, algorithm)| {
            let text = header(name).filter(is_whole)?;
            Check::of(algorithm, text)
        });
        let others = ["x-amz-checksum-sha256", "x-amz-checksum-sha1"];
        if check.is_none()
            && others
                .iter()
                .any(|name| header(name).is_some_and(|text| is_whole(&text)))
        {
            return None;
        }
        let is_encrypted = header("x-amz-server-side-encryption-customer-algorithm").is_some()
            || header("x-amz-server-side-encryption").is_some_and(|value| value != "AES256");
        let range = header("content-range").map(str::to_owned);
        let attributes = Attributes::of_headers(header);
        Some(Self {
            check,
            is_encrypted,
            range,
            attributes,
            body: ByteStream::new(answer.into_body()),
        })
    }
}
