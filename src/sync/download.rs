//! One object from the bucket into the folder.

use std::fs::{File, Metadata};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use super::arrival::{Arrival, Sums, next, wrong_length};
use super::attributes::Attributes;
use super::batch::begin;
use super::compare::ONE_STREAM_LIMIT;
use super::disk::Writer;
use super::fault::Fault;
use super::plan::{Change, Origin, Transfer};
use super::ranged;
use super::report::{FailureReason, Progress, local};
use super::session::{Moved, Session, Undone};
use super::stamp::{Stamp, second};
use super::target::{Made, Name, land, land_beside};

/// Up to this many bytes an object is held in memory before its file is made.
const IN_MEMORY_LIMIT: u64 = 256 * 1024;

/// How often a body that breaks off or arrives damaged is asked for. The SDK
/// retries requests, but once a body has begun it is ours to begin again.
const ATTEMPTS: u32 = 4;

/// How long to wait before a body is asked for again; doubled each time.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Why a body did not arrive.
pub(super) enum Broken {
    /// It may arrive when it is asked for again.
    Again(FailureReason),
    /// It will not.
    Final(FailureReason),
}

impl From<FailureReason> for Broken {
    fn from(reason: FailureReason) -> Self {
        Self::Final(reason)
    }
}

/// The revision of an object that was planned for.
#[derive(Clone, Copy)]
pub(super) struct Revision<'a> {
    pub(super) key: &'a str,
    pub(super) bytes: u64,
    pub(super) etag: Option<&'a str>,
}

impl Revision<'_> {
    /// What `If-Match` asks for.
    pub(super) fn if_match(&self) -> Option<String> {
        self.etag.map(|etag| format!("\"{etag}\""))
    }
}

/// Downloads the planned revision of one object and says what it is.
pub(super) async fn download(session: &Arc<Session>, transfer: &Transfer) -> Result<Moved, Undone> {
    let full = session.route.full_key(&transfer.key);
    let (revision, modified) = revision(transfer, &full)?;
    download_object(session, revision, (&transfer.key, name(transfer)), modified).await
}

/// The revision that was planned for, and when it was last modified.
fn revision<'a>(
    transfer: &'a Transfer,
    full: &'a str,
) -> Result<(Revision<'a>, Timestamp), FailureReason> {
    let Origin::Object { etag, modified } = &transfer.origin else {
        return Err(FailureReason::NotAPair);
    };
    let revision = Revision {
        key: full,
        bytes: transfer.bytes,
        etag: etag.as_deref(),
    };
    Ok((revision, *modified))
}

/// The name that a file of a plan may take.
fn name(transfer: &Transfer) -> Name {
    match transfer.change {
        Change::New => Name::Free,
        Change::Changed(_) => Name::Any,
    }
}

/// Downloads one revision of an object to a place below the folder.
///
/// The file gets the time that the object's metadata has, or else `modified`, which is the
/// object's own.
pub(super) async fn download_object(
    session: &Arc<Session>,
    revision: Revision<'_>,
    (place, name): (&str, Name),
    modified: Timestamp,
) -> Result<Moved, Undone> {
    if session.is_stopped() {
        return Err(Undone::Stopped);
    }
    if revision.bytes <= IN_MEMORY_LIMIT {
        return in_memory(session, revision, (place, name), modified).await;
    }
    // Making and finishing the file is not dropped half-way: it is short, and so
    // nothing is left behind. Only the network can take long.
    let (owner, key) = (Arc::clone(session), place.to_owned());
    let landing = blocking(move || land(&owner.route.folder, &key)).await?;
    let attributes = if revision.bytes > ONE_STREAM_LIMIT {
        let fetch = ranged::fetch(session, revision, &landing.file);
        session.unless_stopped(fetch).await?
    } else {
        let fetch = again(session, || whole(session, revision, &landing.file));
        session.unless_stopped(fetch).await?
    };
    let (owner, key) = (Arc::clone(session), place.to_owned());
    let modified = attributes.modified.unwrap_or(modified);
    let landed = blocking(move || {
        if attributes.executable {
            landing.make_executable()?;
        }
        landing.finish(&owner.route.folder, &key, modified, name)
    });
    Ok(moved(revision, landed.await?, modified))
}

/// Downloads an object that is small enough to be held in memory until it is whole, so that
/// its file is made, written and named at one go.
async fn in_memory(
    session: &Arc<Session>,
    revision: Revision<'_>,
    (place, name): (&str, Name),
    modified: Timestamp,
) -> Result<Moved, Undone> {
    let fetch = async {
        let _memory = session.memory(revision.bytes).await?;
        Small::fetch(session, revision, modified).await
    };
    let small = session.unless_stopped(Box::pin(fetch)).await?;
    let modified = small.modified;
    let (owner, key) = (Arc::clone(session), place.to_owned());
    let landed = blocking(move || {
        let place = (owner.route.folder.as_path(), key.as_str());
        small.land(place, name, &mut Made::default())
    });
    Ok(moved(revision, landed.await?, modified))
}

/// Downloads small objects of a plan, one after another, and makes their files at one go.
pub(super) async fn download_together(
    session: &Arc<Session>,
    transfers: &[Transfer],
) -> Vec<Result<Moved, Undone>> {
    let bytes = transfers.iter().map(|transfer| transfer.bytes).sum();
    // All at once: whoever held some and waited for more might wait for ever.
    let memory = session.unless_stopped(session.memory_together(bytes)).await;
    let _memory = match memory {
        Ok(memory) => memory,
        Err(undone) => return transfers.iter().map(|_| Err(undone.clone())).collect(),
    };
    let mut fetched = Vec::with_capacity(transfers.len());
    for transfer in transfers {
        fetched.push(session.unless_halted(fetch(session, transfer)).await);
    }
    let files = transfers
        .iter()
        .map(|transfer| (transfer.key.clone(), name(transfer)));
    let work: Vec<_> = files.zip(fetched).collect();
    let owner = Arc::clone(session);
    let landed = blocking(move || {
        let mut made = Made::default();
        let land = |((key, name), small): ((String, Name), Result<Small, Undone>)| {
            let small = small?;
            let modified = small.modified;
            let landed = small.land((&owner.route.folder, &key), name, &mut made)?;
            Ok::<_, Undone>((landed, modified))
        };
        Ok(work.into_iter().map(land).collect::<Vec<_>>())
    });
    let landed = match landed.await {
        Ok(landed) => landed,
        Err(reason) => {
            return transfers
                .iter()
                .map(|_| Err(reason.clone().into()))
                .collect();
        }
    };
    let results = transfers.iter().zip(landed).map(|(transfer, landed)| {
        let (landed, modified) = landed?;
        let (revision, _) = revision(transfer, &transfer.key)?;
        Ok(moved(revision, landed, modified))
    });
    results.collect()
}

/// Fetches one of them.
async fn fetch(session: &Session, transfer: &Transfer) -> Result<Small, Undone> {
    begin(session, transfer);
    let full = session.route.full_key(&transfer.key);
    let (revision, modified) = revision(transfer, &full)?;
    let fetch = Small::fetch(session, revision, modified);
    session.unless_stopped(Box::pin(fetch)).await
}

/// An object in memory, whole and checked.
struct Small {
    content: Vec<Bytes>,
    /// The time that its file gets.
    modified: Timestamp,
    executable: bool,
}

impl Small {
    async fn fetch(
        session: &Session,
        revision: Revision<'_>,
        modified: Timestamp,
    ) -> Result<Self, FailureReason> {
        again(session, || async {
            let _request = session.request().await.map_err(untouched)?;
            let arrival = Arrival::begin(session, revision).await?;
            let attributes = arrival.attributes;
            let content = arrival.gather(session, revision).await?;
            Ok(Self {
                content,
                modified: attributes.modified.unwrap_or(modified),
                executable: attributes.executable,
            })
        })
        .await
    }

    /// Makes its file; blocks.
    fn land(
        self,
        (folder, key): (&Path, &str),
        name: Name,
        made: &mut Made,
    ) -> Result<Option<Metadata>, FailureReason> {
        let landing = land_beside(folder, key, made)?;
        let mut offset = 0;
        for chunk in &self.content {
            let written = landing.file.write_all_at(chunk, offset);
            written.map_err(|error| local("write the file", &error))?;
            offset += chunk.len() as u64;
        }
        if self.executable {
            landing.make_executable()?;
        }
        landing.finish(folder, key, self.modified, name)
    }
}

/// What the next run is to know of a file that has landed.
fn moved(revision: Revision<'_>, landed: Option<Metadata>, modified: Timestamp) -> Moved {
    // Whoever has written to it since has given it another time than we have.
    let stamp = landed
        .map(|metadata| Stamp::of(&metadata))
        .filter(|stamp| stamp.size == revision.bytes && stamp.modified.0 == second(modified));
    Moved {
        bytes: revision.bytes,
        fact: stamp.zip(revision.etag.map(str::to_owned)),
    }
}

/// Does `attempt` until it works, fails for good or has failed too often.
pub(super) async fn again<T, F>(
    session: &Session,
    mut attempt: impl FnMut() -> F + Send,
) -> Result<T, FailureReason>
where
    F: Future<Output = Result<T, (Broken, u64)>> + Send,
    T: Send,
{
    let mut pause = PAUSE;
    for _attempt in 1..ATTEMPTS {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err((Broken::Final(reason), _)) => return Err(reason),
            Err((Broken::Again(_), bytes)) => {
                session.tell(Progress::Rewound { bytes });
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
    attempt().await.map_err(|(broken, _)| match broken {
        Broken::Again(reason) | Broken::Final(reason) => reason,
    })
}

/// Gets an object in one stream.
async fn whole(
    session: &Session,
    revision: Revision<'_>,
    file: &Arc<File>,
) -> Result<Attributes, (Broken, u64)> {
    let _request = session.request().await.map_err(untouched)?;
    let arrival = Arrival::begin(session, revision).await?;
    let Arrival {
        body,
        mut sums,
        attributes,
    } = arrival;
    let place = Place {
        file,
        offset: 0,
        length: revision.bytes,
    };
    receive(session, body, &place, &mut sums).await?;
    sums.verify(revision)
        .map_err(|broken| (broken, revision.bytes))?;
    Ok(attributes)
}

/// Where a body goes, in bytes.
pub(super) struct Place<'a> {
    pub(super) file: &'a Arc<File>,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// Writes a body to its place and checks its length.
///
/// The error says how many bytes have been told of, so that they can be taken back.
pub(super) async fn receive(
    session: &Session,
    mut body: ByteStream,
    place: &Place<'_>,
    sums: &mut Sums,
) -> Result<(), (Broken, u64)> {
    let mut arrived = 0;
    let mut writer = Writer::new(&session.disk, place.file, place.offset);
    while let Some(chunk) = next(&mut body).await.map_err(|broken| (broken, arrived))? {
        let bytes = chunk.len() as u64;
        if arrived + bytes > place.length {
            return Err((wrong_length("more", place.length), arrived));
        }
        let written = writer.write(chunk, sums).await;
        written.map_err(|reason| (Broken::Final(reason), arrived))?;
        arrived += bytes;
        session.tell(Progress::Moved { bytes });
    }
    let written = writer.finish(sums).await;
    written.map_err(|reason| (Broken::Final(reason), arrived))?;
    if arrived < place.length {
        return Err((wrong_length("fewer", place.length), arrived));
    }
    Ok(())
}

/// A body that was asked for and did not begin. Where the connection broke or S3 was busy, it
/// may begin later: not after every such error does the SDK ask again.
pub(super) fn unbegun(fault: Fault) -> (Broken, u64) {
    let is_transient = fault.is_transient();
    let reason = fault.into_failure("download");
    if is_transient {
        (Broken::Again(reason), 0)
    } else {
        untouched(reason)
    }
}

/// A failure before the first byte.
pub(super) fn untouched(reason: FailureReason) -> (Broken, u64) {
    (Broken::Final(reason), 0)
}

/// Does `work` on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FailureReason> + Send + 'static,
) -> Result<T, FailureReason> {
    spawn_blocking(work)
        .await
        .map_err(|_| FailureReason::Lost)?
}
