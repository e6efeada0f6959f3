//! A large file in parts, with which a later run goes on where one was interrupted.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::CompletedPart;
use aws_smithy_types::byte_stream::Length;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::attributes::Attributes;
use super::compare::{SINGLE_REQUEST_LIMIT, part_size};
use super::download::blocking;
use super::ledger::Claim;
use super::multipart::{Like, Multipart, Stored, StoredParts};
use super::options::upload_headers;
use super::report::{FailureReason, local};
use super::session::{Session, Undone};
use super::source::{self, Content};
use super::stamp::Stamp;
use super::upload::Sent;

/// How much of a part is read at a time where it is too large to be held, in bytes.
const FRAME: usize = 256 * 1024;

/// How many parts of one file are in flight, so that others get their turn.
const MOST_PARTS_AT_ONCE: usize = 64;

/// Sends a large file in parts.
///
/// Where the run may be followed by another, an upload that was interrupted is noted for
/// it. Otherwise it is aborted, because its parts would be stored and paid for until
/// somebody finds them.
pub(super) async fn in_parts(
    session: &Session,
    key: &str,
    (path, stamp): (&Path, Stamp),
) -> Result<Sent, Undone> {
    if session.is_stopped() {
        return Err(Undone::Stopped);
    }
    let Some((file, attributes)) = source::open(path, stamp).await? else {
        return Ok(Sent::Changed(source::stamp(path).await?));
    };
    let (upload, there, claim) = begin(session, key, (path, attributes)).await?;
    let parts = send_parts((session, &upload), (&file, path), (stamp.size, &there));
    let sent = session.unless_stopped(parts).await;
    let after = source::stamp(path).await;
    let unchanged = after.as_ref().is_ok_and(|after| *after == stamp);
    let is_sent = sent.is_ok();
    let ended = match sent {
        Ok(_) if !unchanged => Err(FailureReason::ChangedWhileRead.into()),
        Ok(parts) => session.unless_stopped(upload.complete(parts)).await,
        Err(undone) => Err(undone),
    };
    let undone = match ended {
        Ok(etag) => {
            release(claim);
            return Ok(Sent::Whole(stamp, etag));
        }
        Err(undone) => undone,
    };
    if let (Undone::Failed(_), Ok(after), false) = (&undone, after, unchanged) {
        // A truncated file fails to be sent, which is its change and no fault.
        upload.tell_rewound();
        upload.abort().await;
        release(claim);
        return Ok(Sent::Changed(after));
    }
    // What was there already and could still not be finished is not kept for ever.
    let was_sent = is_sent && !there.is_empty();
    if claim.is_some() && goes_on(&undone) && !was_sent {
        session.leave_unfinished();
    } else {
        upload.abort().await;
        release(claim);
    }
    Err(undone)
}

fn release(claim: Option<Claim>) {
    if let Some(claim) = claim {
        claim.release();
    }
}

/// Whether a later run may go on with what was sent.
fn goes_on(undone: &Undone) -> bool {
    matches!(
        undone,
        Undone::Stopped
            | Undone::Failed(FailureReason::Remote { .. } | FailureReason::CredentialsExpired(_))
    )
}

/// Goes on with the upload that an earlier run has left, or begins one.
async fn begin<'a>(
    session: &'a Session,
    key: &'a str,
    (path, attributes): (&Path, Attributes),
) -> Result<(Multipart<'a>, StoredParts, Option<Claim>), FailureReason> {
    let mut claim = claim(session, key, path).await?;
    let mut headers = upload_headers(&session.options);
    headers.extend(attributes.headers());
    let words = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"));
    let like = words.collect::<Vec<_>>().concat();
    let is_like = claim.as_ref().is_some_and(|claim| claim.is_like(&like));
    if let Some(id) = claim.as_ref().and_then(Claim::upload) {
        let upload = Multipart::known(session, (key, attributes), id.to_owned());
        if !is_like {
            // It would keep the time or the class that it was begun with.
            upload.abort().await;
        } else if let Some(there) = upload.parts().await? {
            return Ok((upload, there, claim));
        }
    }
    let upload = Multipart::begin(session, key, Like::File(attributes)).await?;
    if let Some(claim) = &mut claim {
        claim.note(upload.id(), &like);
    }
    Ok((upload, StoredParts::new(), claim))
}

async fn claim(session: &Session, key: &str, path: &Path) -> Result<Option<Claim>, FailureReason> {
    let Some(ledger) = session.ledger.clone() else {
        return Ok(None);
    };
    let (path, bucket, key) = (
        path.to_owned(),
        session.route.bucket.clone(),
        key.to_owned(),
    );
    blocking(move || Ok(ledger.claim(&path, (&bucket, &key)))).await
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
    (file, path): (&Arc<File>, &Path),
    (size, there): (u64, &StoredParts),
) -> Result<Vec<CompletedPart>, FailureReason> {
    stream::iter(parts(size))
        .map(|part| async move {
            let _request = session.request().await?;
            if let Some(stored) = there.get(&part.number)
                && let Some(done) = already(upload, (file, part), stored).await?
            {
                return Ok(done);
            }
            if part.length > SINGLE_REQUEST_LIMIT {
                return upload
                    .send_stream(part.number, body(path, part).await?, part.length)
                    .await;
            }
            let _memory = session.memory(part.length).await?;
            let (pool, file) = (Arc::clone(&session.pool), Arc::clone(file));
            let content = blocking(move || {
                pool.read(&file, (part.offset, part.length))
                    .map(Content::of)
                    .map_err(|error| local("read the file", &error))
            });
            upload.send(part.number, &content.await?).await
        })
        .buffer_unordered(MOST_PARTS_AT_ONCE)
        .try_collect()
        .await
}

/// A part that is too large to be held.
async fn body(path: &Path, part: Part) -> Result<ByteStream, FailureReason> {
    ByteStream::read_from()
        .path(path)
        .offset(part.offset)
        .length(Length::Exact(part.length))
        .buffer_size(FRAME)
        .build()
        .await
        .map_err(|error| local("read the file", &error))
}

/// The part as it is stored, if that is what the file has there.
async fn already(
    upload: &Multipart<'_>,
    (file, part): (&Arc<File>, Part),
    stored: &Stored,
) -> Result<Option<CompletedPart>, FailureReason> {
    let Some(expected) = &stored.sum else {
        return Ok(None);
    };
    if stored.bytes != part.length {
        return Ok(None);
    }
    let file = Arc::clone(file);
    let sum = blocking(move || sum_of(&file, part).map_err(|error| local("read the file", &error)));
    if BASE64_STANDARD.encode(sum.await?.to_be_bytes()) != *expected {
        return Ok(None);
    }
    upload.tell_moved(part.length);
    let done = CompletedPart::builder()
        .part_number(part.number)
        .e_tag(&stored.etag)
        .checksum_crc64_nvme(expected);
    Ok(Some(done.build()))
}

/// The CRC64NVME of a part of a file.
fn sum_of(file: &File, part: Part) -> io::Result<u64> {
    let mut sum = Crc::new(CrcAlgorithm::Crc64Nvme);
    let mut frame = vec![0; FRAME];
    let (mut offset, end) = (part.offset, part.offset + part.length);
    while offset < end {
        let length = usize::try_from(end - offset).unwrap_or(FRAME).min(FRAME);
        file.read_exact_at(&mut frame[..length], offset)?;
        sum.update(&frame[..length]);
        offset += length as u64;
    }
    Ok(sum.finalize())
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
