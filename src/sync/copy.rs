//! One file, object or stream to another.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, CompletedPart};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::compare::{Direction, SINGLE_REQUEST_LIMIT};
use super::copy_within::copy_within;
use super::download::{PAUSE, Revision, download_object};
use super::execute::ASK_EVERY;
use super::fault::Fault;
use super::list::unquoted;
use super::multipart::Multipart;
use super::pace::{Climb, Ear, ROUND};
use super::ranged::sum_of_whole;
use super::report::{Control, FailureReason, Progress, chain, local};
use super::route::Route;
use super::session::{Moved, Session, Undone};
use super::target::Name;
use super::upload::{put_content, upload_file};

/// How many parts of a stream are in flight: each is held in memory.
const PARTS_OF_A_STREAM: usize = 4;
/// After so many parts the next ones are twice as large, so that 10,000 hold 5 TiB.
const PARTS_OF_ONE_SIZE: u32 = 1000;
/// How often a stream that breaks off is asked for from where it broke.
const ATTEMPTS: u32 = 6;

/// An object of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The name of the bucket.
    pub bucket: String,
    /// The whole key.
    pub key: String,
}

/// One end of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// A file on this machine.
    File(PathBuf),
    /// An object of a bucket.
    Object(Object),
    /// The standard input or output.
    Stream,
}

/// What [`End::Stream`] stands for at either end.
pub struct Pipes<R, W> {
    /// What is read where a stream is the source.
    pub input: R,
    /// What is written where a stream is the target.
    pub output: W,
}

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// All of it is there: so many bytes.
    Whole(u64),
    /// It was stopped, and nothing of it is left.
    Stopped,
}

/// Copies one file, object or stream to another; one of the two is in a bucket.
///
/// # Errors
///
/// Why it could not be copied; nothing is left under the name of the target.
pub async fn copy<R, W>(
    client: &Client,
    (from, to): (&End, &End),
    pipes: Pipes<R, W>,
    control: &Control<'_>,
) -> Result<Copied, FailureReason>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let (Some(route), Pipes { input, output }) = (route(from, to), pipes) else {
        return Err(FailureReason::NotAPair);
    };
    let (events, heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let most = control.concurrency.max(1);
    let session = Session::new(client.clone(), route, most, events, stopped);
    let work = async {
        match (from, to) {
            (End::File(path), End::Object(object)) => {
                upload_file(&session, path, &object.key).await
            }
            (End::Stream, End::Object(object)) => upload_stream(&session, &object.key, input).await,
            (End::Object(object), End::File(path)) => download(&session, object, path).await,
            (End::Object(object), End::Stream) => download_stream(&session, object, output).await,
            (End::Object(from), End::Object(to)) => Box::pin(copy_within(&session, from, to)).await,
            (End::File(_) | End::Stream, End::File(_) | End::Stream) => {
                Err(FailureReason::NotAPair.into())
            }
        }
    };
    let moved = attend(work, (control, &session), heard, stop).await;
    match moved {
        Ok(Moved { bytes, fact: _ }) => Ok(Copied::Whole(bytes)),
        Err(Undone::Stopped) => Ok(Copied::Stopped),
        Err(Undone::Failed(reason)) => Err(reason),
    }
}

/// The bucket that requests go to, and the folder that a file lands in.
fn route(from: &End, to: &End) -> Option<Route> {
    let (bucket, direction) = match (from, to) {
        (_, End::Object(object)) => (&object.bucket, Direction::Up),
        (End::Object(object), _) => (&object.bucket, Direction::Down),
        (End::File(_) | End::Stream, End::File(_) | End::Stream) => return None,
    };
    let folder = match to {
        End::File(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
        End::Object(_) | End::Stream => PathBuf::new(),
    };
    let is_here = folder.as_os_str().is_empty();
    Some(Route {
        direction,
        folder: if is_here { PathBuf::from(".") } else { folder },
        bucket: bucket.clone(),
        prefix: String::new(),
    })
}

/// Passes on what the work tells, asks whether to stop, and finds the pace.
async fn attend(
    work: impl Future<Output = Result<Moved, Undone>>,
    (control, session): (&Control<'_>, &Session),
    mut heard: mpsc::UnboundedReceiver<Progress>,
    stop: watch::Sender<bool>,
) -> Result<Moved, Undone> {
    let mut climb = Climb::new(control.concurrency.max(1));
    let (mut round, mut ask) = (interval(ROUND), interval(ASK_EVERY));
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ask.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // The first tick is at once.
    round.tick().await;
    let mut work = std::pin::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            Some(event) = heard.recv() => (control.progress)(event),
            _ = round.tick() => session.pace.turn(&mut climb),
            _ = ask.tick() => if (control.cancelled)() {
                stop.send_replace(true);
            },
        }
    };
    while let Ok(event) = heard.try_recv() {
        (control.progress)(event);
    }
    done
}

/// What is asked of an object before it is copied.
pub(super) async fn head(
    session: &Session,
    object: &Object,
) -> Result<HeadObjectOutput, FailureReason> {
    let _request = session.request().await?;
    let output = session
        .client
        .head_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await;
    output.map_err(|error| {
        let fault = Fault::of(&error);
        if fault.is_missing() {
            return FailureReason::Remote {
                operation: format!("read s3://{}/{}", object.bucket, object.key),
                detail: "there is no such object, or no such bucket".to_owned(),
            };
        }
        fault.into_failure("read the object")
    })
}

/// The size of an object, in bytes. One that is not told is unknown, and not nothing.
pub(super) fn size_of(head: &HeadObjectOutput) -> Result<u64, FailureReason> {
    let length = head
        .content_length()
        .and_then(|length| u64::try_from(length).ok());
    length.ok_or_else(|| FailureReason::Remote {
        operation: "read the object".to_owned(),
        detail: "the answer does not tell its size".to_owned(),
    })
}

async fn download(session: &Arc<Session>, object: &Object, path: &Path) -> Result<Moved, Undone> {
    let head = session.unless_stopped(head(session, object)).await?;
    let etag = head.e_tag().map(unquoted);
    let modified = head
        .last_modified()
        .and_then(|time| Timestamp::new(time.secs(), 0).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let revision = Revision {
        key: &object.key,
        bytes: size_of(&head)?,
        etag: etag.as_deref(),
    };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        let problem = io::Error::other("its name is not UTF-8, or it has none");
        return Err(local("make the file", &problem).into());
    };
    download_object(session, revision, (name, Name::Any), modified).await
}

/// Writes an object as it comes, and goes on where it broke off, with the same revision.
///
/// What was written cannot be taken back, so a stream that was damaged is a failure at its end.
async fn download_stream(
    session: &Session,
    object: &Object,
    mut output: impl AsyncWrite + Unpin + Send,
) -> Result<Moved, Undone> {
    let head = session.unless_stopped(head(session, object)).await?;
    let (bytes, etag) = (size_of(&head)?, head.e_tag().map(str::to_owned));
    let mut sum = Crc::new(CrcAlgorithm::Crc64Nvme);
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
                let sink = (&mut output, &mut sum, &mut written);
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
    let found = sum.finalize();
    let is_damaged = sum_of_whole(&head).is_some_and(|expected| expected != found);
    if written != bytes || is_damaged {
        let what = format!("{written} of {bytes} bytes came, and their CRC64NVME is {found:016x}");
        return Err(FailureReason::Damaged(what).into());
    }
    Ok(Moved { bytes, fact: None })
}

/// Writes a body as it comes, and says how it ended.
async fn pass_on<W: AsyncWrite + Unpin + Send>(
    session: &Session,
    mut body: ByteStream,
    (output, sum, written): (&mut W, &mut Crc, &mut u64),
) -> Result<String, FailureReason> {
    loop {
        match body.next().await {
            Some(Ok(chunk)) => {
                let writing = output.write_all(&chunk).await;
                writing.map_err(|error| local("write the output", &error))?;
                sum.update(&chunk);
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
async fn upload_stream(
    session: &Session,
    key: &str,
    mut input: impl AsyncRead + Unpin + Send,
) -> Result<Moved, Undone> {
    let first = session.unless_stopped(part_of(&mut input, 1)).await?;
    if (first.len() as u64) < SINGLE_REQUEST_LIMIT {
        let bytes = first.len() as u64;
        let put = async {
            let _request = session.request().await?;
            put_content(session, key, first).await
        };
        session.unless_stopped(Box::pin(put)).await?;
        return Ok(Moved { bytes, fact: None });
    }
    let upload = Multipart::begin(session, key, None).await?;
    let sending = send_stream((session, &upload), first, &mut input);
    let sent = session.unless_stopped(sending).await;
    let (parts, bytes) = match sent {
        Ok((parts, bytes)) => (Ok(parts), bytes),
        Err(undone) => (Err(undone), 0),
    };
    upload.end(parts).await?;
    Ok(Moved { bytes, fact: None })
}

async fn send_stream(
    (session, upload): (&Session, &Multipart<'_>),
    first: Bytes,
    input: &mut (impl AsyncRead + Unpin + Send),
) -> Result<(Vec<CompletedPart>, u64), FailureReason> {
    // Reading waits for the input and sending for the network, and neither for the other.
    let (parts, read) = mpsc::channel(1);
    let reading = async move {
        let (mut number, mut part) = (1, first);
        while !part.is_empty() && parts.send((number, part)).await.is_ok() {
            number += 1;
            part = part_of(input, number).await?;
        }
        Ok(())
    };
    let read = stream::unfold(read, |mut read| async {
        let part: Option<(u32, Bytes)> = read.recv().await;
        part.map(|part| (part, read))
    });
    let sending = read
        .map(|(number, part)| async move {
            let _request = session.request().await?;
            let bytes = part.len() as u64;
            let number = i32::try_from(number).map_err(|_| FailureReason::Lost)?;
            let sent = upload.send(number, ByteStream::from(part), bytes).await?;
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
