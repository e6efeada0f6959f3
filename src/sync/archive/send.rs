//! Packs a folder and sends it while it is packed.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::folder::Folder;
use super::kind::{Archive, manifest_key};
use super::manifest::{Identity, Manifest};
use super::pack::{Packed, Stop, pack};
use super::pipe::pipe;
use super::survey::left_out;
use crate::sync::copy_stream::{Sent, send_stream};
use crate::sync::download::blocking;
use crate::sync::filter::Filter;
use crate::sync::journal::{Journal, Record, Writer};
use crate::sync::plan::SyncPlan;
use crate::sync::report::{Failure, FailureReason, Progress, local};
use crate::sync::rules::RulesFault;
use crate::sync::session::{Session, Undone};
use crate::sync::source::Content;
use crate::sync::upload::put_content;
use crate::sync::walk::{Links, LocalFile, Walk};

/// What is packed: the files that the plan saw.
pub(super) struct Order<'a> {
    pub(super) plan: &'a SyncPlan,
    pub(super) kind: Archive,
    pub(super) key: &'a str,
    pub(super) filter: Filter,
    pub(super) listing: &'a str,
}

/// Why an archive has not been sent; nothing of it is there.
pub(super) enum Unsent {
    Failed(Failure),
    Stopped,
}

/// Sends an archive and then its manifest, and writes down what is known of the files.
pub(super) async fn send(
    session: &Arc<Session>,
    order: &Order<'_>,
    events: mpsc::UnboundedSender<Progress>,
    journal: Option<Journal>,
) -> Result<(), Unsent> {
    // Begun before anything is read: what was modified since then is not written down.
    let known = journal.as_ref().and_then(Journal::same);
    let failed = |reason| of(order.key, reason);
    let folder = look_again(session, order).await.map_err(failed)?;
    if folder.listing() != order.listing {
        return Err(failed(FailureReason::ChangedSincePlanned));
    }
    let files = Arc::new(folder.files);
    let (output, input) = pipe();
    let (owner, kind, root) = (Arc::clone(&files), order.kind, session.route.folder.clone());
    let packing = spawn_blocking(move || {
        // Nobody listens to a run that has been dropped.
        let tell = |event| drop(events.send(event));
        pack(&root, &owner, kind, output, &tell)
    });
    // What is read from the pipe ends with an error unless everything has been packed.
    let sent = Box::pin(send_stream(session, order.key, input)).await;
    let packed = packing.await.map_err(|_| failed(FailureReason::Lost))?;
    let (packed, sent) = both(packed, sent).map_err(|undone| match undone {
        Unsent::Failed(failure) if failure.key.is_empty() => failed(failure.reason),
        other @ (Unsent::Failed(_) | Unsent::Stopped) => other,
    })?;
    if sent.bytes != packed.bytes {
        return Err(failed(FailureReason::Lost));
    }
    let archive = Identity {
        kind: order.kind,
        bytes: packed.bytes,
        etag: sent.etag,
        crc64nvme: Some(packed.crc64nvme),
    };
    let manifest = Manifest::new(archive, packed.entries);
    let text = manifest
        .to_json()
        .map_err(|error| failed(local("write the manifest", &error)))?;
    // The archive is there by now. To stop between the two would only have it sent again.
    let put = async {
        let _request = session.request().await?;
        put_content(session, &manifest_key(order.key), Content::of(text.into())).await
    };
    Box::pin(put).await.map_err(failed)?;
    remember(known, &files, &manifest);
    Ok(())
}

fn of(key: &str, reason: FailureReason) -> Unsent {
    Unsent::Failed(Failure {
        key: key.to_owned(),
        reason,
    })
}

/// The files as they are now, without those that the plan left out.
async fn look_again(session: &Session, order: &Order<'_>) -> Result<Folder, FailureReason> {
    let (root, filter): (PathBuf, Filter) = (session.route.folder.clone(), order.filter.clone());
    let walk = move || {
        let walk = Walk::obeying(root, filter, Links::Follow, true);
        let walk = walk.map_err(|error| local("read the folder", &error))?;
        Folder::of(Some(walk)).map_err(|RulesFault { file, problem }| FailureReason::Local {
            operation: format!("read {}", file.display()),
            detail: problem,
        })
    };
    let mut folder = blocking(walk).await?;
    let left_out = left_out(order.plan);
    folder
        .files
        .retain(|file| !left_out.contains(file.key.as_str()));
    Ok(folder)
}

/// Both ends of the pipe: where one failed, the other only fails because of it.
fn both(
    packed: Result<Packed, Stop>,
    sent: Result<Sent, Undone>,
) -> Result<(Packed, Sent), Unsent> {
    match (packed, sent) {
        (Ok(packed), Ok(sent)) => Ok((packed, sent)),
        (Err(Stop::Failed(failure)), _) => Err(Unsent::Failed(failure)),
        (_, Err(Undone::Stopped)) => Err(Unsent::Stopped),
        (_, Err(Undone::Failed(reason))) => Err(of("", reason)),
        (Err(Stop::Deserted), Ok(_)) => Err(of("", FailureReason::Lost)),
    }
}

/// Writes down which content the files had, so that the next run does not read them.
fn remember(known: Option<Writer>, files: &[LocalFile], manifest: &Manifest) {
    let Some(mut writer) = known else {
        return;
    };
    for (number, (file, entry)) in (0..).zip(files.iter().zip(manifest.files())) {
        let record = Record {
            key: file.key.clone(),
            stamp: file.stamp,
            etag: entry.sha256.clone(),
        };
        writer.put(number, Some(record));
    }
    writer.finish();
}
