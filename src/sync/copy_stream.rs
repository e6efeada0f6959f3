//! Objects as streams, of whatever length.

use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::compare::SINGLE_REQUEST_LIMIT;
use super::copy::{Object, head, size_of};
use super::download::PAUSE;
use super::fault::Fault;
use super::multipart::{Like, Multipart};
use super::options::payer;
use super::pace::Ear;
use super::report::{FailureReason, Progress, chain, local};
use super::session::{Moved, Session, Undone};
use super::source::Content;
use super::upload::put_content;
use super::whole::{Passing, Proof};

/// How many parts of a stream are in flight: each is held in memory.
const PARTS_OF_A_STREAM: usize = 4;
/// After so many parts the next ones are twice as large, so that 10,000 hold 5 TiB.
const PARTS_OF_ONE_SIZE: u32 = 1000;
/// How often a stream that breaks off is asked for from where it broke.
const ATTEMPTS: u32 = 6;

/// Writes an object as it comes, and goes on where it broke off, with the same revision.
///
/// What was written cannot be taken back, so a stream that was damaged is a failure at its end.
pub(super) async fn download_stream(
    session: &Session,
    object: &Object,
    mut output: impl AsyncWrite + Unpin + Send,
) -> Result<Moved, Undone> {
    let head = session.unless_stopped(head(session, object)).await?;
    let (bytes, etag) = (size_of(&head)?, head.e_tag().map(str::to_owned));
    let mut passing = Passing::of(Proof::of(&head));
    let (mut written, mut attempt) = (0, 1);
    while written < bytes {
        let broken = match session
            .unless_stopped(Box::pin(body(
                session,
                (object, written..bytes),
                etag.clone(),
            )))
            .await?
        {
            Ok(body) => {
                let sink = (&mut output, &mut passing, &mut written);
                session.unless_stopped(pass_on(session, body, sink)).await?
            }
            Err(fault) if fault.is_unanswered() => fault.detail,
            Err(fault) => return Err(fault.into_failure("download").into()),
        };
        if written < bytes && attempt == ATTEMPTS {
            return Err(FailureReason::Remote {
                operation: "download".to_owned(),
                detail: broken,
            }
            .into());
        }
        if written < bytes {
            tokio::time::sleep(PAUSE * attempt).await;
        }
        attempt += 1;
    }
    let flushing = output.flush().await;
    flushing.map_err(|error| local("write the output", &error))?;
    if written != bytes {
        let what = format!("{written} of {bytes} bytes came");
        return Err(FailureReason::Damaged(what).into());
    }
    if let Some(problem) = passing.problem() {
        return Err(FailureReason::Damaged(problem).into());
    }
    Ok(Moved { bytes, fact: None })
}

/// Writes a body as it comes, and says how it ended.
async fn pass_on<W: AsyncWrite + Unpin + Send>(
    session: &Session,
    mut body: ByteStream,
    (output, passing, written): (&mut W, &mut Passing, &mut u64),
) -> Result<String, FailureReason> {
    loop {
        match body.next().await {
            Some(Ok(chunk)) => {
                let writing = output.write_all(&chunk).await;
                writing.map_err(|error| local("write the output", &error))?;
                passing.update(&chunk);
                let bytes = chunk.len() as u64;
                *written += bytes;
                session.tell(Progress::Moved { bytes });
            }
            Some(Err(error)) => return Ok(chain(&error)),
            None => return Ok("it broke off".to_owned()),
        }
    }
}

/// The rest of an object from an offset on.
async fn body(
    session: &Session,
    (object, range): (&Object, Range<u64>),
    etag: Option<String>,
) -> Result<Result<ByteStream, Fault>, FailureReason> {
    let _request = session.request().await?;
    let output = session
        .client
        .get_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .set_if_match(etag)
        .set_request_payer(payer(&session.options))
        // A whole object is asked for as such.
        .set_range((range.start > 0).then(|| format!("bytes={}-{}", range.start, range.end - 1)))
        .customize()
        .interceptor(Ear(Arc::clone(&session.pace)))
        .send()
        .await;
    Ok(output
        .map(|output| output.body)
        .map_err(|error| Fault::of(&error)))
}

/// Sends what comes, in one request where it is little, and in parts otherwise.
pub(super) async fn upload_stream(
    session: &Session,
    key: &str,
    input: impl AsyncRead + Unpin + Send,
) -> Result<Moved, Undone> {
    let Sent { bytes, etag: _ } = send_stream(session, key, input).await?;
    Ok(Moved { bytes, fact: None })
}

/// A stream that has become an object.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) bytes: u64,
    /// The entity tag of the object, without quotes.
    pub(super) etag: Option<String>,
}

/// Sends what comes, and says what it has become.
pub(super) async fn send_stream(
    session: &Session,
    key: &str,
    mut input: impl AsyncRead + Unpin + Send,
) -> Result<Sent, Undone> {
    let first = session.unless_stopped(part_of(&mut input, 1)).await?;
    if (first.len() as u64) < SINGLE_REQUEST_LIMIT {
        let bytes = first.len() as u64;
        let put = async {
            let _request = session.request().await?;
            put_content(session, key, Content::of(first)).await
        };
        let etag = session.unless_stopped(Box::pin(put)).await?;
        return Ok(Sent { bytes, etag });
    }
    let upload = Multipart::begin(session, key, Like::Nothing).await?;
    let sending = send_parts((session, &upload), first, &mut input);
    let sent = session.unless_stopped(sending).await;
    let (parts, bytes) = match sent {
        Ok((parts, bytes)) => (Ok(parts), bytes),
        Err(undone) => (Err(undone), 0),
    };
    let etag = upload.end(parts).await?;
    Ok(Sent { bytes, etag })
}

async fn send_parts(
    (session, upload): (&Session, &Multipart<'_>),
    first: Bytes,
    input: &mut (impl AsyncRead + Unpin + Send),
) -> Result<(Vec<CompletedPart>, u64), FailureReason> {
    // Reading waits for the input and sending for the network, and neither for the other.
    let (parts, read) = mpsc::channel(1);
    let reading = async move {
        let (mut number, mut part, mut held) = (1, first, None);
        while !part.is_empty() && parts.send((number, part, held)).await.is_ok() {
            number += 1;
            // Of parts that have grown large only so many are in memory as there is room for.
            held = Some(session.room(stream_part_size(number)).await?);
            part = part_of(input, number).await?;
        }
        Ok(())
    };
    let read = stream::unfold(read, |mut read| async {
        let part: Option<(u32, Bytes, Option<OwnedSemaphorePermit>)> = read.recv().await;
        part.map(|part| (part, read))
    });
    let sending = read
        .map(|(number, part, held)| async move {
            let _request = session.request().await?;
            let bytes = part.len() as u64;
            let number = i32::try_from(number).map_err(|_| FailureReason::Lost)?;
            let sent = upload.send(number, &Content::of(part)).await?;
            drop(held);
            Ok((sent, bytes))
        })
        .buffer_unordered(PARTS_OF_A_STREAM)
        .try_collect::<Vec<(CompletedPart, u64)>>();
    let ((), sent) = tokio::try_join!(reading, sending)?;
    let bytes = sent.iter().map(|(_, bytes)| bytes).sum();
    Ok((sent.into_iter().map(|(part, _)| part).collect(), bytes))
}

/// The next part of a stream: full, unless it is the last; empty at the end.
async fn part_of(
    input: &mut (impl AsyncRead + Unpin + Send),
    number: u32,
) -> Result<Bytes, FailureReason> {
    let size = stream_part_size(number);
    let mut part = Vec::new();
    let reading = input.take(size).read_to_end(&mut part).await;
    reading.map_err(|error| local("read the input", &error))?;
    Ok(part.into())
}

/// The size of a part of a stream whose length nobody knows, in bytes.
fn stream_part_size(number: u32) -> u64 {
    let doublings = number.saturating_sub(1) / PARTS_OF_ONE_SIZE;
    SINGLE_REQUEST_LIMIT << doublings.min(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_of_a_stream_hold_the_largest_object() {
        let whole: u64 = (1..=10_000).map(stream_part_size).sum();
        assert!(whole >= 5 << 40, "{whole}");
        assert_eq!(stream_part_size(1), SINGLE_REQUEST_LIMIT);
        assert!(stream_part_size(10_000) <= 5 << 30);
    }
}
