//! One large object in ranges that come down side by side.

use std::fs::File;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumMode;
use crc_fast::CrcAlgorithm;
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::arrival::{self, Sums};
use super::attributes::Attributes;
use super::compare::part_size;
use super::download::{Broken, Place, Revision, again, blocking, receive, untouched};
use super::fault::Fault;
use super::options::payer;
use super::report::{FailureReason, Progress, local};
use super::session::Session;
use super::whole::{Part, Proof};

/// How many ranges of one object are in flight, so that others get their turn.
const MOST_RANGES_AT_ONCE: usize = 32;

/// How often a part is asked for again until it comes twice in the same way.
const MOST_CONFIRMATIONS: u32 = 5;

/// Gets an object in ranges of one revision, each into its place of the file.
///
/// The whole is checked by what S3 keeps of it, where it keeps something: responses to ranges
/// carry nothing, so the object is asked for it once. It is on the disk before it is done: a
/// file whose room was made first has its size at once, and after a power cut nothing else
/// would tell that its content never got there.
pub(super) async fn fetch(
    session: &Session,
    revision: Revision<'_>,
    file: &Arc<File>,
) -> Result<Attributes, FailureReason> {
    let (proof, attributes) = ask(session, revision).await?;
    let algorithm = proof.algorithm();
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
                let sum = again(session, || range(session, revision, &place, algorithm)).await?;
                Ok::<_, FailureReason>((place.offset, place.length, sum))
            }
        })
        .buffer_unordered(MOST_RANGES_AT_ONCE)
        .try_collect()
        .await?;
    parts.sort_unstable();
    if proof.problem(file, &parts).await?.is_some() {
        let parts = confirm(session, revision, (file, algorithm), parts).await?;
        if let Some(problem) = proof.problem(file, &parts).await? {
            return Err(FailureReason::Damaged(problem));
        }
    }
    let whole = Arc::clone(file);
    let stored = blocking(move || {
        whole
            .sync_data()
            .map_err(|error| local("bring the file to the disk", &error))
    });
    stored.await?;
    Ok(attributes)
}

/// Gets each part anew until it comes twice in the same way.
///
/// The sum of the whole says that some part is damaged, and not which: one that two
/// answers agree on is not.
async fn confirm(
    session: &Session,
    revision: Revision<'_>,
    (file, algorithm): (&Arc<File>, CrcAlgorithm),
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
                let sum = again(session, || range(session, revision, &place, algorithm)).await?;
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

/// What S3 keeps of the whole object to check it by, and its attributes.
async fn ask(
    session: &Session,
    revision: Revision<'_>,
) -> Result<(Proof, Attributes), FailureReason> {
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
    Ok((Proof::of(&output), Attributes::of_head(&output)))
}

async fn range(
    session: &Session,
    revision: Revision<'_>,
    place: &Place<'_>,
    algorithm: CrcAlgorithm,
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
    let mut sums = Sums::of_part(algorithm);
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
