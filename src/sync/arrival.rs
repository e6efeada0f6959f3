//! The content of an object on its way, and what it is checked by at its end.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use md5::{Digest as _, Md5};

use super::attributes::Attributes;
use super::compare::EtagShape;
use super::digits::hexadecimal;
use super::direct::{Check, Scout};
use super::download::{Broken, Revision, unbegun};
use super::fault::Fault;
use super::options::{payer, payer_header};
use super::pace::Ear;
use super::question::encrypted;
use super::report::{FailureReason, Progress, chain};
use super::session::Session;

/// For how long no byte may come before a body is given up.
const STALLED: Duration = Duration::from_secs(20);

/// The content of an object that has begun to arrive.
pub(super) struct Arrival {
    pub(super) body: ByteStream,
    pub(super) sums: Sums,
    pub(super) attributes: Attributes,
}

impl Arrival {
    /// Asks for an object; whoever calls holds a permit for the request.
    pub(super) async fn begin(
        session: &Session,
        revision: Revision<'_>,
    ) -> Result<Self, (Broken, u64)> {
        let mut headers = headers(session, revision);
        headers.push(("x-amz-checksum-mode", "ENABLED".to_owned()));
        let direct = session.direct.get(&session.pace, revision.key, headers);
        if let Ok(arriving) = direct.await {
            let is_digest =
                arriving.check.is_none() && !arriving.is_encrypted && has_digest(revision);
            return Ok(Self {
                body: arriving.body,
                sums: Sums::of_whole(is_digest, arriving.check),
                attributes: arriving.attributes,
            });
        }
        let request = request(session, revision).checksum_mode(ChecksumMode::Enabled);
        let output = send(session, revision, request).await?;
        let is_digest = has_digest(revision) && is_only_check(&output);
        Ok(Self {
            attributes: Attributes::of_get(&output),
            body: output.body,
            sums: Sums::of_whole(is_digest, None),
        })
    }

    /// Takes the whole content into memory, and checks it.
    ///
    /// The error says how many bytes have been told of, so that they can be taken back.
    pub(super) async fn gather(
        mut self,
        session: &Session,
        revision: Revision<'_>,
    ) -> Result<Vec<Bytes>, (Broken, u64)> {
        let (mut chunks, mut arrived) = (Vec::new(), 0);
        while let Some(chunk) = next(&mut self.body).await.map_err(|broken| (broken, 0))? {
            arrived += chunk.len() as u64;
            if arrived > revision.bytes {
                return Err((wrong_length("more", revision.bytes), 0));
            }
            self.sums.update(&chunk);
            chunks.push(chunk);
        }
        if arrived < revision.bytes {
            return Err((wrong_length("fewer", revision.bytes), 0));
        }
        self.sums.verify(revision).map_err(|broken| (broken, 0))?;
        session.tell(Progress::Moved { bytes: arrived });
        Ok(chunks)
    }
}

/// What every request for content says, directly.
pub(super) fn headers(session: &Session, revision: Revision<'_>) -> Vec<(&'static str, String)> {
    let payer = payer_header(&session.options);
    let if_match = revision.if_match().map(|etag| ("if-match", etag));
    payer.into_iter().chain(if_match).collect()
}

/// The same for the SDK.
pub(super) fn request(session: &Session, revision: Revision<'_>) -> GetObjectFluentBuilder {
    session
        .client
        .get_object()
        .bucket(&session.route.bucket)
        .key(revision.key)
        .set_if_match(revision.if_match())
        .set_request_payer(payer(&session.options))
}

/// Asks through the SDK.
pub(super) async fn send(
    session: &Session,
    revision: Revision<'_>,
    request: GetObjectFluentBuilder,
) -> Result<GetObjectOutput, (Broken, u64)> {
    request
        .customize()
        .interceptor(Ear(Arc::clone(&session.pace)))
        .interceptor(Scout::of(&session.direct, revision.key))
        .send()
        .await
        .map_err(|error| unbegun(Fault::of(&error)))
}

/// The next chunk of a body; `None` at its end.
pub(super) async fn next(body: &mut ByteStream) -> Result<Option<Bytes>, Broken> {
    let again = |detail: String| {
        Broken::Again(FailureReason::Remote {
            operation: "download".to_owned(),
            detail,
        })
    };
    match tokio::time::timeout(STALLED, body.next()).await {
        Ok(chunk) => chunk.transpose().map_err(|error| again(chain(&error))),
        Err(_) => Err(again(format!(
            "nothing came for {} seconds",
            STALLED.as_secs()
        ))),
    }
}

pub(super) fn wrong_length(how: &str, expected: u64) -> Broken {
    Broken::Again(FailureReason::Damaged(format!(
        "{how} than {expected} bytes came"
    )))
}

/// Whether an entity tag looks like the MD5 of the whole.
fn has_digest(revision: Revision<'_>) -> bool {
    revision
        .etag
        .is_some_and(|etag| EtagShape::of(etag) == EtagShape::Whole)
}

/// Whether the entity tag, where it is a digest, is the only thing to check an answer by:
/// where S3 keeps a checksum of the whole, the SDK checks that.
fn is_only_check(output: &GetObjectOutput) -> bool {
    let sums = [
        output.checksum_crc64_nvme(),
        output.checksum_crc32(),
        output.checksum_crc32_c(),
        output.checksum_sha256(),
        output.checksum_sha1(),
    ];
    let is_checked = output.checksum_type() == Some(&ChecksumType::FullObject)
        && sums.iter().any(Option::is_some);
    !is_checked
        && !encrypted(
            output.server_side_encryption(),
            output.sse_customer_algorithm(),
        )
}

/// The sums that are taken of a body while it arrives.
#[derive(Default)]
pub(super) struct Sums {
    whole: Option<Md5>,
    crc: Option<(Crc, Option<Check>)>,
}

impl Sums {
    /// What a whole object is to be checked by.
    fn of_whole(is_digest: bool, check: Option<Check>) -> Self {
        Self {
            whole: is_digest.then(Md5::new),
            crc: check.map(|check| (Crc::new(check.algorithm), Some(check))),
        }
    }

    /// A sum that can be joined with those of other parts.
    pub(super) fn of_part(algorithm: CrcAlgorithm) -> Self {
        Self {
            whole: None,
            crc: Some((Crc::new(algorithm), None)),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        if let Some(hash) = &mut self.whole {
            hash.update(bytes);
        }
        if let Some((crc, _)) = &mut self.crc {
            crc.update(bytes);
        }
    }

    /// The checksum of a part.
    pub(super) fn of_this_part(self) -> u64 {
        self.crc.map_or(0, |(crc, _)| crc.finalize())
    }

    /// Says whether what has arrived is what was stored.
    pub(super) fn verify(self, revision: Revision<'_>) -> Result<(), Broken> {
        let damaged = |what: String| Err(Broken::Again(FailureReason::Damaged(what)));
        if let Some((crc, Some(check))) = self.crc {
            let found = crc.finalize();
            if found != check.sum {
                return damaged(format!("its checksum is {found:x} and not {:x}", check.sum));
            }
        }
        if let Some(hash) = self.whole {
            let found = hexadecimal(&hash.finalize());
            let etag = revision.etag.unwrap_or_default();
            if !etag.eq_ignore_ascii_case(&found) {
                return damaged(format!("its MD5 is {found}"));
            }
        }
        Ok(())
    }
}
