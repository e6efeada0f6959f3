//! One large object in ranges that come down side by side.

use std::fs::File;
use std::sync::Arc;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::arrival::{self, Sums};
use super::attributes::Attributes;
use super::compare::part_size;
use super::download::{Broken, Place, Revision, again, receive, untouched};
use super::fault::Fault;
use super::options::payer;
use super::report::{FailureReason, Progress, local};
use super::session::Session;

/// How many ranges of one object are in flight, so that others get their turn.
const MOST_RANGES_AT_ONCE: usize = 32;

/// How often a part is asked for again until it comes twice in the same way.
const MOST_CONFIRMATIONS: u32 = 5;

/// Gets an object in ranges of one revision, each into its place of the file.
///
/// The whole is checked by the sum that S3 keeps of it, where it keeps one:
/// responses to ranges carry none, so the object is asked for it once.
pub(super) async fn fetch(
    session: &Session,
    revision: Revision<'_>,
    file: &Arc<File>,
) -> Result<Attributes, FailureReason> {
    let (expected, attributes) = ask(session, revision).await?;
    file.set_len(revision.bytes)
        .map_err(|error| local("make room for the file", &error))?;
    let length = part_size(revision.bytes);
    let mut parts: Vec<Part> = stream::iter(0..revision.bytes.div_ceil(length))
        .map(|index| {
            let offset = index * length;
            let place = Place {
                file,
                offset,
                length: length.min(revision.bytes - offset),
            };
            async move {
                let sum = again(session, || range(session, revision, &place)).await?;
                Ok::<_, FailureReason>((place.offset, place.length, sum))
            }
        })
        .buffer_unordered(MOST_RANGES_AT_ONCE)
        .try_collect()
        .await?;
    parts.sort_unstable();
    let Some(expected) = expected.filter(|expected| *expected != joined(&parts)) else {
        return Ok(attributes);
    };
    let parts = confirm(session, revision, file, parts).await?;
    let found = joined(&parts);
    if found == expected {
        return Ok(attributes);
    }
    Err(FailureReason::Damaged(format!(
        "its CRC64NVME is {found:016x} and not {expected:016x}"
    )))
}

/// A part of a file: its offset, its length in bytes, and its CRC64NVME.
type Part = (u64, u64, u64);

/// The CRC64NVME of parts that follow each other.
fn joined(parts: &[Part]) -> u64 {
    parts
        .iter()
        .map(|(_, length, sum)| (*sum, *length))
        .reduce(|(whole, before), (sum, length)| {
            let joined = checksum_combine(CrcAlgorithm::Crc64Nvme, whole, sum, length);
            (joined, before + length)
        })
        .map_or(0, |(sum, _)| sum)
}

/// Gets each part anew until it comes twice in the same way.
///
/// The sum of the whole says that some part is damaged, and not which: one that two
/// answers agree on is not.
async fn confirm(
    session: &Session,
    revision: Revision<'_>,
    file: &Arc<File>,
    parts: Vec<Part>,
) -> Result<Vec<Part>, FailureReason> {
    let mut parts: Vec<Part> = stream::iter(parts)
        .map(|(offset, length, first)| async move {
            let place = Place {
                file,
                offset,
                length,
            };
            let mut last = first;
            for _attempt in 0..MOST_CONFIRMATIONS {
                session.tell(Progress::Rewound { bytes: length });
                let sum = again(session, || range(session, revision, &place)).await?;
                if sum == last {
                    break;
                }
                last = sum;
            }
            Ok::<_, FailureReason>((offset, length, last))
        })
        .buffer_unordered(MOST_RANGES_AT_ONCE)
        .try_collect()
        .await?;
    parts.sort_unstable();
    Ok(parts)
}

/// The CRC64NVME that S3 keeps of the whole object, if it does, and its attributes.
async fn ask(
    session: &Session,
    revision: Revision<'_>,
) -> Result<(Option<u64>, Attributes), FailureReason> {
    let _request = session.request().await?;
    let output = session
        .client
        .head_object()
        .bucket(&session.route.bucket)
        .key(revision.key)
        .set_if_match(revision.if_match())
        .checksum_mode(ChecksumMode::Enabled)
        .set_request_payer(payer(&session.options))
        .send()
        .await
        .map_err(|error| Fault::of(&error).into_failure("download"))?;
    Ok((sum_of_whole(&output), Attributes::of_head(&output)))
}

/// The CRC64NVME of the whole object that an answer about it tells, if it does.
pub(super) fn sum_of_whole(output: &HeadObjectOutput) -> Option<u64> {
    if output.checksum_type() == Some(&ChecksumType::Composite) {
        return None;
    }
    let sum = BASE64_STANDARD.decode(output.checksum_crc64_nvme()?).ok()?;
    Some(u64::from_be_bytes(sum.try_into().ok()?))
}

async fn range(
    session: &Session,
    revision: Revision<'_>,
    place: &Place<'_>,
) -> Result<u64, (Broken, u64)> {
    let _request = session.request().await.map_err(untouched)?;
    let last = place.offset + place.length - 1;
    let asked = format!("bytes={}-{last}", place.offset);
    let (body, came) = begin(session, revision, asked).await?;
    // A server that ignores ranges would put the beginning in every place.
    let expected = format!("bytes {}-{last}/{}", place.offset, revision.bytes);
    if came.as_deref() != Some(expected.as_str()) {
        return Err(untouched(FailureReason::Damaged(
            "another range came than was asked for".to_owned(),
        )));
    }
    let mut sums = Sums::of_part();
    receive(session, body, place, &mut sums).await?;
    Ok(sums.of_this_part())
}

/// Asks for a range, and tells which one comes.
async fn begin(
    session: &Session,
    revision: Revision<'_>,
    range: String,
) -> Result<(ByteStream, Option<String>), (Broken, u64)> {
    let mut headers = arrival::headers(session, revision);
    headers.push(("range", range.clone()));
    let direct = session.direct.get(&session.pace, revision.key, headers);
    if let Ok(arriving) = direct.await {
        return Ok((arriving.body, arriving.range));
    }
    let request = arrival::request(session, revision).range(range);
    let output = arrival::send(session, revision, request).await?;
    let came = output.content_range().map(str::to_owned);
    Ok((output.body, came))
}
