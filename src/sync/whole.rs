//! What an object that comes in pieces is checked by as a whole.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumType;
use crc_fast::{CrcAlgorithm, Digest as Crc, checksum_combine};
use md5::{Digest as _, Md5};

use super::compare::EtagShape;
use super::digits::hexadecimal;
use super::direct::Check;
use super::download::blocking;
use super::etag;
use super::list::unquoted;
use super::question::encrypted;
use super::report::{FailureReason, local};
use super::source::open_to_read;

/// How much of a file is read at a time, in bytes.
const FRAME: usize = 256 * 1024;

/// A part of a file: its offset, its length in bytes, and its checksum.
pub(super) type Part = (u64, u64, u64);

/// What S3 keeps of a whole object that says whether all of it is right.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// A checksum that those of parts can be joined to.
    Sum(Check),
    /// The entity tag, which is the MD5 of the content.
    Digest(String),
    /// Nothing but the length: a checksum of checksums, one of another kind, or an entity tag
    /// that is no digest.
    Nothing,
}

impl Proof {
    /// Reads it from the answer to a HEAD that asked for checksums.
    pub(super) fn of(head: &HeadObjectOutput) -> Self {
        let sums = [
            (CrcAlgorithm::Crc64Nvme, head.checksum_crc64_nvme()),
            (CrcAlgorithm::Crc32IsoHdlc, head.checksum_crc32()),
            (CrcAlgorithm::Crc32Iscsi, head.checksum_crc32_c()),
        ];
        let is_whole = head.checksum_type() != Some(&ChecksumType::Composite);
        let sum = sums
            .into_iter()
            // One that is made of those of parts says how many there were.
            .filter_map(|(algorithm, sum)| Some((algorithm, sum.filter(|sum| !sum.contains('-'))?)))
            .find_map(|(algorithm, sum)| Check::of(algorithm, sum));
        if let Some(check) = sum.filter(|_| is_whole) {
            return Self::Sum(check);
        }
        let is_hidden = encrypted(head.server_side_encryption(), head.sse_customer_algorithm());
        let tag = head.e_tag().map(unquoted);
        match tag.filter(|tag| !is_hidden && EtagShape::of(tag) == EtagShape::Whole) {
            Some(tag) => Self::Digest(tag),
            None => Self::Nothing,
        }
    }

    /// How the checksums of parts are computed.
    pub(super) fn algorithm(&self) -> CrcAlgorithm {
        match self {
            Self::Sum(check) => check.algorithm,
            Self::Digest(_) | Self::Nothing => CrcAlgorithm::Crc64Nvme,
        }
    }

    /// What is wrong with a file that has come in these parts, which are in order.
    pub(super) async fn problem(
        &self,
        file: &Arc<File>,
        parts: &[Part],
    ) -> Result<Option<String>, FailureReason> {
        match self {
            Self::Sum(check) => Ok(check.problem(joined(check.algorithm, parts))),
            Self::Digest(tag) => {
                let file = Arc::clone(file);
                let read = blocking(move || {
                    etag::whole(&file).map_err(|error| local("read the file again", &error))
                });
                Ok(other_digest(tag, &read.await?))
            }
            Self::Nothing => Ok(None),
        }
    }
}

impl Check {
    /// Whether a file of `size` bytes has this checksum; blocks. One that has another size by
    /// now has not.
    pub(super) fn holds(&self, path: &Path, size: u64) -> io::Result<bool> {
        let mut file = open_to_read(path)?.take(size.saturating_add(1));
        let mut crc = Crc::new(self.algorithm);
        let mut buffer = vec![0; FRAME];
        let mut total = 0;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(total == size && crc.finalize() == self.sum),
                Ok(count) => {
                    crc.update(&buffer[..count]);
                    total += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn problem(&self, found: u64) -> Option<String> {
        let Self { algorithm, sum } = self;
        let names = [
            (CrcAlgorithm::Crc32IsoHdlc, "CRC32"),
            (CrcAlgorithm::Crc32Iscsi, "CRC32C"),
        ];
        let name = names.iter().find(|(known, _)| known == algorithm);
        let name = name.map_or("CRC64NVME", |(_, name)| name);
        (found != *sum).then(|| format!("its {name} is {found:x} and not {sum:x}"))
    }
}

fn other_digest(tag: &str, found: &str) -> Option<String> {
    let is_other = !tag.eq_ignore_ascii_case(found);
    is_other.then(|| format!("its MD5 is {found} and not {tag}"))
}

/// The checksum of parts that follow each other.
fn joined(algorithm: CrcAlgorithm, parts: &[Part]) -> u64 {
    parts
        .iter()
        .map(|(_, length, sum)| (*sum, *length))
        .reduce(|(whole, before), (sum, length)| {
            let joined = checksum_combine(algorithm, whole, sum, length);
            (joined, before + length)
        })
        .map_or(0, |(sum, _)| sum)
}

/// What is taken of a stream while it passes.
pub(super) enum Passing {
    Sum(Check, Crc),
    Digest(String, Md5),
    Nothing,
}

impl Passing {
    pub(super) fn of(proof: Proof) -> Self {
        match proof {
            Proof::Sum(check) => Self::Sum(check, Crc::new(check.algorithm)),
            Proof::Digest(tag) => Self::Digest(tag, Md5::new()),
            Proof::Nothing => Self::Nothing,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sum(_, crc) => crc.update(bytes),
            Self::Digest(_, hash) => hash.update(bytes),
            Self::Nothing => {}
        }
    }

    /// What is wrong with all that has passed.
    pub(super) fn problem(self) -> Option<String> {
        match self {
            Self::Sum(check, crc) => check.problem(crc.finalize()),
            Self::Digest(tag, hash) => other_digest(&tag, &hexadecimal(&hash.finalize())),
            Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use crc_fast::checksum;

    use super::*;

    const CONTENT: &[u8] = b"one content in two parts";

    fn written(algorithm: CrcAlgorithm) -> String {
        let bytes = checksum(algorithm, CONTENT).to_be_bytes();
        let length = if algorithm == CrcAlgorithm::Crc64Nvme {
            8
        } else {
            4
        };
        BASE64_STANDARD.encode(&bytes[8 - length..])
    }

    fn parts(algorithm: CrcAlgorithm) -> Vec<Part> {
        let (first, second) = CONTENT.split_at(7);
        let part = |offset: usize, bytes: &[u8]| {
            let sum = checksum(algorithm, bytes);
            (offset as u64, bytes.len() as u64, sum)
        };
        vec![part(0, first), part(7, second)]
    }

    #[tokio::test]
    async fn every_checksum_of_the_whole_says_whether_it_is_right() {
        let file = Arc::new(tempfile::tempfile().unwrap());
        let head = HeadObjectOutput::builder().e_tag("\"no digest\"");
        let crc32 = written(CrcAlgorithm::Crc32IsoHdlc);
        let crc32c = written(CrcAlgorithm::Crc32Iscsi);
        let crc64 = written(CrcAlgorithm::Crc64Nvme);
        for head in [
            head.clone().checksum_crc32(crc32.clone()),
            head.clone().checksum_crc32_c(crc32c),
            head.clone().checksum_crc64_nvme(crc64),
        ] {
            let proof = Proof::of(&head.build());
            let mut parts = parts(proof.algorithm());
            assert_eq!(proof.problem(&file, &parts).await, Ok(None));
            parts[1].2 ^= 1;
            let problem = proof.problem(&file, &parts).await.unwrap().unwrap();
            assert!(problem.contains("its CRC"), "{problem}");
            let mut passing = Passing::of(proof);
            passing.update(&CONTENT[..7]);
            assert!(passing.problem().is_some());
        }
        // Some servers have another sum under the name of this one.
        let other = head.clone().checksum_crc64_nvme(crc32.clone());
        assert!(matches!(Proof::of(&other.build()), Proof::Nothing));
        // What is made of the checksums of parts says nothing of the bytes.
        for head in [
            head.clone().checksum_crc32(format!("{crc32}-2")),
            head.checksum_crc32(crc32)
                .checksum_type(ChecksumType::Composite),
        ] {
            assert!(matches!(Proof::of(&head.build()), Proof::Nothing));
        }
    }

    #[tokio::test]
    async fn a_tag_that_is_a_digest_is_believed_unless_the_object_is_encrypted() {
        use std::io::Write as _;

        let tag = hexadecimal(&Md5::digest(CONTENT));
        let head = HeadObjectOutput::builder().e_tag(format!("\"{tag}\""));
        let proof = Proof::of(&head.clone().build());
        let file = Arc::new(tempfile::tempfile().unwrap());
        (&*file).write_all(CONTENT).unwrap();
        assert_eq!(proof.problem(&file, &[]).await, Ok(None));
        (&*file).write_all(b"more").unwrap();
        assert!(proof.problem(&file, &[]).await.unwrap().is_some());
        let mut passing = Passing::of(proof);
        passing.update(CONTENT);
        assert_eq!(passing.problem(), None);
        let hidden = head.server_side_encryption("aws:kms".into()).build();
        assert!(matches!(Proof::of(&hidden), Proof::Nothing));
    }
}
