//! One file from the folder into the bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use bytes::Bytes;

use super::attributes::Attributes;
use super::batch::begin;
use super::compare::SINGLE_REQUEST_LIMIT;
use super::direct::Scout;
use super::download::{PAUSE, blocking};
use super::fault::Fault;
use super::list::unquoted;
use super::options::{encryption, kms_key, payer, storage_class, upload_headers};
use super::pace::Ear;
use super::parts::in_parts;
use super::plan::Transfer;
use super::report::{FailureReason, Progress};
use super::session::{Moved, Session, Undone};
use super::source::{self, Content, Seen};
use super::stamp::Stamp;

/// How often a file is read that changes meanwhile.
const ATTEMPTS: usize = 3;

/// After so long a file that was read with others is looked at again before it is sent: an
/// object is younger than its content, and a file that was written in between looks older.
const OLD: Duration = Duration::from_millis(100);

/// How often content is sent that arrives damaged, or finds S3 busy.
const ATTEMPTS_OF_DAMAGED: usize = 6;

/// Uploads one file of a plan as it is now and says what it was.
pub(super) async fn upload(session: &Session, transfer: &Transfer) -> Result<Moved, Undone> {
    let path = session.route.path(&transfer.key);
    let key = session.route.full_key(&transfer.key);
    upload_file(session, &path, (&key, transfer.bytes)).await
}

/// Uploads small files of a plan, read at one go and sent one after another.
pub(super) async fn upload_together(
    session: &Session,
    transfers: &[Transfer],
) -> Vec<Result<Moved, Undone>> {
    let bytes = transfers.iter().map(|transfer| transfer.bytes).sum();
    let read = async {
        // All at once: whoever held some and waited for more might wait for ever.
        let memory = session.memory_together(bytes).await?;
        Ok((memory, read_together(session, transfers).await?))
    };
    let (_memory, files) = match session.unless_stopped(read).await {
        Ok(read) => read,
        Err(undone) => return transfers.iter().map(|_| Err(undone.clone())).collect(),
    };
    let read = Instant::now();
    let mut results = Vec::with_capacity(transfers.len());
    for (transfer, seen) in transfers.iter().zip(files) {
        let is_old = read.elapsed() > OLD;
        let sent = send(session, transfer, (seen, is_old));
        results.push(session.unless_halted(sent).await);
    }
    results
}

/// Reads files that are small, on a thread that may block.
async fn read_together(
    session: &Session,
    transfers: &[Transfer],
) -> Result<Vec<Result<Seen, FailureReason>>, FailureReason> {
    let pool = Arc::clone(&session.pool);
    let files = transfers
        .iter()
        .map(|transfer| (session.route.path(&transfer.key), transfer.bytes));
    let files: Vec<(PathBuf, u64)> = files.collect();
    blocking(move || source::read_together(&pool, &files)).await
}

/// Sends a file that has been read. Where that was a while ago, it is looked at once more.
async fn send(
    session: &Session,
    transfer: &Transfer,
    (seen, is_old): (Result<Seen, FailureReason>, bool),
) -> Result<Moved, Undone> {
    begin(session, transfer);
    let path = session.route.path(&transfer.key);
    let key = session.route.full_key(&transfer.key);
    let mut seen = seen?;
    if is_old {
        let stamp = source::stamp(&path).await?;
        if stamp != seen.stamp {
            seen.content = None;
            seen.stamp = stamp;
        }
    }
    let put = put_seen(session, &key, seen);
    match session.unless_stopped(Box::pin(put)).await? {
        Sent::Whole(stamp, etag) => Ok(moved(stamp, etag)),
        Sent::Changed(stamp) => attempt(session, &path, (&key, stamp.size), ATTEMPTS - 1).await,
    }
}

/// Uploads one file, which had so many bytes, as it is now and says what it was.
///
/// A file that is rewritten while it is read never becomes visible in the bucket:
/// it is read twice more, and then given up: what is seen in the middle of a rewriting is
/// often another size than the one it ends with.
pub(super) async fn upload_file(
    session: &Session,
    path: &Path,
    (key, expected): (&str, u64),
) -> Result<Moved, Undone> {
    attempt(session, path, (key, expected), ATTEMPTS).await
}

/// Does the same, reading it at most so many times.
async fn attempt(
    session: &Session,
    path: &Path,
    (key, expected): (&str, u64),
    attempts: usize,
) -> Result<Moved, Undone> {
    let mut expected = expected;
    for _attempt in 0..attempts {
        let done = if expected <= SINGLE_REQUEST_LIMIT {
            let put = put(session, key, (path, expected));
            // The state of one SDK call is tens of kilobytes; boxed, it is not
            // copied about with every future around it.
            session.unless_stopped(Box::pin(put)).await?
        } else {
            let stamp = source::stamp(path).await?;
            if stamp.size <= SINGLE_REQUEST_LIMIT {
                Sent::Changed(stamp)
            } else {
                Box::pin(in_parts(session, key, (path, stamp))).await?
            }
        };
        match done {
            Sent::Whole(stamp, etag) => return Ok(moved(stamp, etag)),
            Sent::Changed(stamp) => expected = stamp.size,
        }
    }
    Err(FailureReason::ChangedWhileRead.into())
}

/// What the next run is to know of a file that was sent.
fn moved(stamp: Stamp, etag: Option<String>) -> Moved {
    Moved {
        bytes: stamp.size,
        fact: etag.map(|etag| (stamp, etag)),
    }
}

/// How sending a file went.
pub(super) enum Sent {
    /// All of it was sent, and the object has this entity tag.
    Whole(Stamp, Option<String>),
    /// It changed while it was read, or is larger than it was.
    Changed(Stamp),
}

/// Sends a small file in one request.
async fn put(
    session: &Session,
    key: &str,
    (path, expected): (&Path, u64),
) -> Result<Sent, FailureReason> {
    // Nothing is held in memory while it waits for its turn.
    let _request = session.request().await?;
    let _memory = session.memory(expected).await?;
    let (pool, path) = (Arc::clone(&session.pool), path.to_owned());
    let seen = blocking(move || source::read(&pool, &path, expected)).await?;
    put_read(session, key, seen).await
}

/// Sends a small file that has been read, when its turn comes.
async fn put_seen(session: &Session, key: &str, seen: Seen) -> Result<Sent, FailureReason> {
    let _request = session.request().await?;
    put_read(session, key, seen).await
}

/// Sends what was read; whoever calls holds a permit for the request.
async fn put_read(session: &Session, key: &str, seen: Seen) -> Result<Sent, FailureReason> {
    let Seen {
        stamp,
        attributes,
        content,
    } = seen;
    let Some(content) = content else {
        return Ok(Sent::Changed(stamp));
    };
    let etag = put_file(session, (key, attributes), content).await?;
    Ok(Sent::Whole(stamp, etag))
}

/// Sends content that is in memory in one request, and gives the object's entity tag.
///
/// Whoever calls holds a permit for the request.
pub(super) async fn put_content(
    session: &Session,
    key: &str,
    content: Content,
) -> Result<Option<String>, FailureReason> {
    put_file(session, (key, Attributes::default()), content).await
}

/// Does the same with the content of a file that has these attributes.
async fn put_file(
    session: &Session,
    (key, attributes): (&str, Attributes),
    content: Content,
) -> Result<Option<String>, FailureReason> {
    let bytes = content.len();
    let mut headers = upload_headers(&session.options);
    headers.extend(attributes.headers());
    let direct = (session.direct).put(&session.pace, (key, None), &content, headers);
    let etag = if let Ok(etag) = direct.await {
        etag.as_deref().map(unquoted)
    } else {
        let put = || put_by_sdk(session, (key, attributes), content.bytes.clone());
        undamaged("upload", put).await?
    };
    session.tell(Progress::Moved { bytes });
    Ok(etag)
}

/// Sends until it arrives as it was sent, or has failed too often.
///
/// S3 refuses what does not have the checksum that came with it, and the SDK takes that for
/// a mistake of ours. What the SDK has given up on because S3 was busy is sent again later.
pub(super) async fn undamaged<T, F>(
    operation: &str,
    mut send: impl FnMut() -> F,
) -> Result<T, FailureReason>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut pause = PAUSE;
    for _attempt in 1..ATTEMPTS_OF_DAMAGED {
        match send().await {
            Ok(done) => return Ok(done),
            Err(fault) if fault.is_damage() => {}
            Err(fault) if fault.is_transient() => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(fault) => return Err(fault.into_failure(operation)),
        }
    }
    send().await.map_err(|fault| fault.into_failure(operation))
}

async fn put_by_sdk(
    session: &Session,
    (key, attributes): (&str, Attributes),
    content: Bytes,
) -> Result<Option<String>, Fault> {
    let mut request = session.client.put_object();
    for (name, value) in attributes.entries() {
        request = request.metadata(name, value);
    }
    let output = request
        .bucket(&session.route.bucket)
        .key(key)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .set_storage_class(storage_class(&session.options))
        .set_server_side_encryption(encryption(&session.options))
        .set_ssekms_key_id(kms_key(&session.options))
        .set_request_payer(payer(&session.options))
        .body(ByteStream::from(content))
        .customize()
        .interceptor(Ear(Arc::clone(&session.pace)))
        .interceptor(Scout::of(&session.direct, key))
        // TLS and the checksum hold the content; a SHA-256 of it would only cost time.
        .disable_payload_signing()
        .send()
        .await
        .map_err(|error| Fault::of(&error))?;
    Ok(output.e_tag().map(unquoted))
}
