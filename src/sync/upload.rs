//! One file from the folder into the bucket.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedPart};
use aws_smithy_types::byte_stream::Length;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::task::spawn_blocking;

use super::compare::{SINGLE_REQUEST_LIMIT, part_size};
use super::fault::Fault;
use super::list::unquoted;
use super::multipart::Multipart;
use super::pace::Ear;
use super::plan::Transfer;
use super::report::{FailureReason, Progress, local};
use super::session::{Moved, Session, Undone};
use super::stamp::Stamp;

/// How much of a part is read at a time, in bytes.
const FRAME: usize = 256 * 1024;

/// How often a file is read that changes meanwhile.
const ATTEMPTS: usize = 2;

/// How many parts of one file are in flight, so that others get their turn.
const MOST_PARTS_AT_ONCE: usize = 64;

/// Uploads one file of a plan as it is now and says what it was.
pub(super) async fn upload(session: &Session, transfer: &Transfer) -> Result<Moved, Undone> {
    let path = session.route.path(&transfer.key);
    upload_file(session, &path, &session.route.full_key(&transfer.key)).await
}

/// Uploads one file as it is now and says what it was.
///
/// A file that is rewritten while it is read never becomes visible in the bucket:
/// it is read again once, and then given up.
pub(super) async fn upload_file(
    session: &Session,
    path: &Path,
    key: &str,
) -> Result<Moved, Undone> {
    for _attempt in 0..ATTEMPTS {
        let stamp = stamp(path).await?;
        let done = if stamp.size <= SINGLE_REQUEST_LIMIT {
            let put = put(session, key, path, stamp);
            // The state of one SDK call is tens of kilobytes; boxed, it is not
            // copied about with every future around it.
            session.unless_stopped(Box::pin(put)).await?
        } else {
            Box::pin(multipart(session, key, path, stamp)).await?
        };
        if let Sent::Whole(etag) = done {
            return Ok(Moved {
                bytes: stamp.size,
                fact: etag.map(|etag| (stamp, etag)),
            });
        }
    }
    Err(FailureReason::ChangedWhileRead.into())
}

/// How sending a file went.
enum Sent {
    /// All of it was sent, and the object has this entity tag.
    Whole(Option<String>),
    /// It changed while it was read.
    Changed,
}

/// Sends a small file in one request.
async fn put(
    session: &Session,
    key: &str,
    path: &Path,
    stamp: Stamp,
) -> Result<Sent, FailureReason> {
    // Nothing is held in memory while it waits for its turn.
    let _request = session.request().await?;
    let _memory = session.memory(stamp.size).await?;
    let Some(content) = read_whole(path.to_owned(), stamp).await? else {
        return Ok(Sent::Changed);
    };
    let etag = put_content(session, key, content).await?;
    Ok(Sent::Whole(etag))
}

/// Sends content that is in memory in one request, and gives the object's entity tag.
///
/// Whoever calls holds a permit for the request.
pub(super) async fn put_content(
    session: &Session,
    key: &str,
    content: Bytes,
) -> Result<Option<String>, FailureReason> {
    let bytes = content.len() as u64;
    let output = session
        .client
        .put_object()
        .bucket(&session.route.bucket)
        .key(key)
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .body(ByteStream::from(content))
        .customize()
        .interceptor(Ear(Arc::clone(&session.pace)))
        // TLS and the checksum hold the content; a SHA-256 of it would only cost time.
        .disable_payload_signing()
        .send()
        .await
        .map_err(|error| Fault::of(&error).into_failure("upload"))?;
    session.tell(Progress::Moved { bytes });
    Ok(output.e_tag().map(unquoted))
}

/// Sends a large file in parts.
///
/// Whatever goes wrong, the unfinished upload is aborted, because its parts would
/// be stored and paid for until somebody finds them.
async fn multipart(
    session: &Session,
    key: &str,
    path: &Path,
    stamp: Stamp,
) -> Result<Sent, Undone> {
    if session.is_stopped() {
        return Err(Undone::Stopped);
    }
    let upload = Multipart::begin(session, key, None).await?;
    let parts = send_parts((session, &upload), path, stamp.size);
    let sent = session.unless_stopped(parts).await;
    let unchanged = self::stamp(path).await.is_ok_and(|after| after == stamp);
    if sent.is_ok() && !unchanged {
        session.tell(Progress::Rewound { bytes: stamp.size });
        upload.abort().await;
        return Ok(Sent::Changed);
    }
    match upload.end(sent).await {
        Ok(etag) => Ok(Sent::Whole(etag)),
        // A truncated file fails to be sent, which is its change and no fault.
        Err(Undone::Failed(_)) if !unchanged => Ok(Sent::Changed),
        Err(undone) => Err(undone),
    }
}

/// One part of a file, in bytes.
#[derive(Clone, Copy)]
struct Part {
    number: i32,
    offset: u64,
    length: u64,
}

async fn send_parts(
    (session, upload): (&Session, &Multipart<'_>),
    path: &Path,
    size: u64,
) -> Result<Vec<CompletedPart>, FailureReason> {
    stream::iter(parts(size))
        .map(|part| async move {
            let _request = session.request().await?;
            let body = ByteStream::read_from()
                .path(path)
                .offset(part.offset)
                .length(Length::Exact(part.length))
                .buffer_size(FRAME)
                .build()
                .await
                .map_err(|error| local("read the file", &error))?;
            upload.send(part.number, body, part.length).await
        })
        .buffer_unordered(MOST_PARTS_AT_ONCE)
        .try_collect()
        .await
}

fn parts(size: u64) -> impl Iterator<Item = Part> {
    let most = part_size(size);
    (1..)
        .zip(0..size.div_ceil(most))
        .map(move |(number, index)| {
            let offset = index * most;
            Part {
                number,
                offset,
                length: most.min(size - offset),
            }
        })
}

async fn stamp(path: &Path) -> Result<Stamp, FailureReason> {
    let path = path.to_owned();
    let metadata = spawn_blocking(move || fs::metadata(path))
        .await
        .map_err(|_| FailureReason::Lost)?;
    match metadata {
        Ok(metadata) if metadata.is_file() => Ok(Stamp::of(&metadata)),
        Ok(_) => Err(FailureReason::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(FailureReason::ChangedSincePlanned)
        }
        Err(error) => Err(local("read the file", &error)),
    }
}

/// Reads a whole file between two looks at it; `None` when it changed.
async fn read_whole(path: PathBuf, stamp: Stamp) -> Result<Option<Bytes>, FailureReason> {
    let read = move || -> io::Result<Option<Bytes>> {
        let mut file = File::open(&path)?;
        let mut content = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
        // One byte more than it should have shows a file that grows for ever.
        (&mut file).take(stamp.size + 1).read_to_end(&mut content)?;
        let unchanged = Stamp::of(&file.metadata()?) == stamp && content.len() as u64 == stamp.size;
        Ok(unchanged.then(|| Bytes::from(content)))
    };
    spawn_blocking(read)
        .await
        .map_err(|_| FailureReason::Lost)?
        .map_err(|error| local("read the file", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_file_without_gap_or_overlap() {
        let mebibyte = 1024 * 1024;
        for size in [
            8 * mebibyte + 1,
            16 * mebibyte,
            20 * mebibyte,
            70_000 * mebibyte,
        ] {
            let mut end = 0;
            for (index, part) in parts(size).enumerate() {
                assert_eq!(usize::try_from(part.number), Ok(index + 1));
                assert_eq!(part.offset, end);
                end += part.length;
            }
            assert_eq!(end, size);
        }
    }
}
