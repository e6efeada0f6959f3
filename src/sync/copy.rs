//! One file, object or stream to another.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ChecksumMode;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::compare::Direction;
use super::copy_stream::{download_stream, upload_stream};
use super::copy_within::copy_within;
use super::descriptors::affordable;
use super::download::{Revision, download_object};
use super::execute::LOOK_EVERY;
use super::fault::Fault;
use super::home::Home;
use super::list::unquoted;
use super::options::payer;
use super::pace::Climb;
use super::report::{Control, FailureReason, Progress, local};
use super::route::Route;
use super::session::{Moved, Session, Undone};
use super::target::Name;
use super::upload::upload_file;
use crate::resource::ObjectOptions;

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

/// What is said of an object that is not there: a HEAD does not tell which of the two it is.
pub const NO_SUCH_OBJECT: &str = "there is no such object, or no such bucket";

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// All of it is there: so many bytes.
    Whole(u64),
    /// The source is the target; nothing was done.
    Itself,
    /// It was stopped, and nothing of it is left.
    Stopped,
    /// It was stopped, and the same copy goes on with the parts that are in the bucket.
    Unfinished,
}

/// Copies one file, object or stream to another; one of the two is in a bucket. `client` is for
/// the region of that, or between two objects for that of the target, as far as it is known.
/// `options` say how an object is stored that is made, and who pays for asking.
///
/// # Errors
///
/// Why it could not be copied; nothing is left under the name of the target.
pub async fn copy<R, W>(
    client: &Client,
    (from, to): (&End, &End),
    options: &ObjectOptions,
    pipes: Pipes<R, W>,
    control: &Control<'_>,
) -> Result<Copied, FailureReason>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let mut pipes = pipes;
    let ends = (from, to, options);
    let bucket = match (from, to) {
        (End::File(_) | End::Stream, End::Object(object))
        | (End::Object(object), End::File(_) | End::Stream) => &object.bucket,
        (End::Object(_), End::Object(_))
        | (End::File(_) | End::Stream, End::File(_) | End::Stream) => {
            return Box::pin(copy_here(client, ends, &mut pipes, control)).await;
        }
    };
    let home = Home::new(client.clone(), bucket);
    if matches!((from, to), (End::Stream, _) | (_, End::Stream)) {
        // What has been read is gone: this cannot be tried again.
        let Some(there) = settled(&home, control).await else {
            return Ok(Copied::Stopped);
        };
        return Box::pin(copy_here(&there, ends, &mut pipes, control)).await;
    }
    let failure = match Box::pin(copy_here(client, ends, &mut pipes, control)).await {
        Err(failure) if Fault::was_elsewhere(&failure) => failure,
        done => return done,
    };
    let Some(there) = settled(&home, control).await else {
        return Ok(Copied::Stopped);
    };
    if there.config().region() == client.config().region() {
        return Err(failure);
    }
    Box::pin(copy_here(&there, ends, &mut pipes, control)).await
}

/// A client for the region that a bucket is in; `None` where the run is stopped meanwhile.
async fn settled(home: &Home, control: &Control<'_>) -> Option<Client> {
    let mut look = interval(LOOK_EVERY);
    let mut asked = std::pin::pin!(home.settled());
    loop {
        tokio::select! {
            client = &mut asked => return Some(client),
            _ = look.tick() => {
                if (control.cancelled)() {
                    return None;
                }
            }
        }
    }
}

/// Copies, where `client` is for the right region.
async fn copy_here<R, W>(
    client: &Client,
    (from, to, options): (&End, &End, &ObjectOptions),
    Pipes { input, output }: &mut Pipes<R, W>,
    control: &Control<'_>,
) -> Result<Copied, FailureReason>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let Some(route) = route(from, to) else {
        return Err(FailureReason::NotAPair);
    };
    let (events, heard) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let most = affordable(control.concurrency.max(1));
    let session = Session::new(
        client.clone(),
        (route, options.clone()),
        (most, control.journals),
        events,
        stopped,
    );
    let work = async {
        let moved = match (from, to) {
            (End::File(path), End::Object(object)) => {
                upload_file(&session, path, (&object.key, u64::MAX)).await
            }
            (End::Stream, End::Object(object)) => upload_stream(&session, &object.key, input).await,
            (End::Object(object), End::File(path)) => download(&session, object, path).await,
            (End::Object(object), End::Stream) => {
                Box::pin(download_stream(&session, object, output)).await
            }
            (End::Object(from), End::Object(to)) => {
                let source = Home::in_region(client, control.source_region, &from.bucket);
                let copied = copy_within(&session, (&source, from), to, control.limits);
                return Box::pin(copied).await;
            }
            (End::File(_) | End::Stream, End::File(_) | End::Stream) => {
                Err(FailureReason::NotAPair.into())
            }
        };
        moved.map(Some)
    };
    let moved = Box::pin(attend(work, (control, &session), heard, stop)).await;
    match moved {
        Ok(Some(Moved { bytes, fact: _ })) => Ok(Copied::Whole(bytes)),
        Ok(None) => Ok(Copied::Itself),
        Err(Undone::Stopped) if session.unfinished() > 0 => Ok(Copied::Unfinished),
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
pub(super) async fn attend<T>(
    work: impl Future<Output = T>,
    (control, session): (&Control<'_>, &Session),
    mut heard: mpsc::UnboundedReceiver<Progress>,
    stop: watch::Sender<bool>,
) -> T {
    let mut climb = Climb::new(affordable(control.concurrency.max(1)));
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = std::pin::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            Some(event) = heard.recv() => (control.progress)(event),
            _ = look.tick() => {
                session.pace.turn_when_due(&mut climb);
                if (control.cancelled)() {
                    stop.send_replace(true);
                }
            }
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
    let home = Home::new(session.client.clone(), &object.bucket);
    ask_head(session, &home, object).await
}

/// The same of a bucket that may be in another region.
pub(super) async fn ask_head(
    session: &Session,
    home: &Home,
    object: &Object,
) -> Result<HeadObjectOutput, FailureReason> {
    let _request = session.request().await?;
    let ask = |client: Client| {
        client
            .head_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .checksum_mode(ChecksumMode::Enabled)
            .set_request_payer(payer(&session.options))
            .send()
    };
    home.ask(ask).await.map_err(|error| {
        let fault = Fault::of(&error);
        if fault.is_missing() {
            return FailureReason::Remote {
                operation: format!("read s3://{}/{}", object.bucket, object.key),
                detail: NO_SUCH_OBJECT.to_owned(),
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
