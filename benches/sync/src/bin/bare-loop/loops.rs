//! The loops.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::future::Future;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::arguments::Arguments;
use crate::walk;
use crate::wire::{Failure, Listed, Page, Piece, Wire};

/// Above this an object goes in parts of this size.
const PART: u64 = 8 * 1024 * 1024;

/// Does all work of a stream, so much of it at a time, each on a task of its own; what
/// comes out is in the order of the work.
async fn each<S, F, T>(work: S, in_flight: usize) -> Result<Vec<T>, Failure>
where
    S: Stream<Item = F>,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Send + 'static,
{
    let mut done: Vec<(usize, T)> = work
        .enumerate()
        .map(|(number, future)| async move { Ok((number, tokio::spawn(future).await??)) })
        .buffer_unordered(in_flight)
        .try_collect::<Vec<_>>()
        .await
        .map_err(|error: Failure| error)?;
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
}

fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(PART)).map(move |part| part * PART..((part + 1) * PART).min(size))
}

/// Uploads the folder.
pub(crate) async fn upload(wire: impl Wire, arguments: Arguments) -> Result<String, Failure> {
    let files = walk::files(&arguments.folder)?;
    let count = files.len();
    let (large, small): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.size > PART);
    let work = small.into_iter().map(|file| {
        let key = format!("{}{}", arguments.prefix, file.key);
        let wire = wire.clone();
        async move { wire.put(&key, fs::read(file.path)?.into()).await }
    });
    each(stream::iter(work), arguments.in_flight).await?;
    for file in large {
        let key = format!("{}{}", arguments.prefix, file.key);
        upload_parts(&wire, key, &file, arguments.in_flight).await?;
    }
    Ok(format!("{count} files uploaded"))
}

async fn upload_parts(
    wire: &impl Wire,
    key: String,
    file: &walk::File,
    in_flight: usize,
) -> Result<(), Failure> {
    let upload = wire.begin(&key).await?;
    let source = Arc::new(File::open(&file.path)?);
    let work = (1..).zip(ranges(file.size)).map(|(number, range)| {
        let (wire, key, upload) = (wire.clone(), key.clone(), upload.clone());
        let source = Arc::clone(&source);
        async move {
            let body = read(&source, range)?;
            wire.put_part(&key, &upload, number, body).await
        }
    });
    let tags = each(stream::iter(work), in_flight).await?;
    wire.complete(&key, &upload, tags).await
}

fn read(source: &File, range: Range<u64>) -> Result<Bytes, Failure> {
    let mut part = vec![0; usize::try_from(range.end - range.start)?];
    source.read_exact_at(&mut part, range.start)?;
    Ok(part.into())
}

/// Lists a prefix on a task of its own, so that transfers and pages overlap.
fn listing(wire: &impl Wire, prefix: &str) -> mpsc::Receiver<Result<Page, Failure>> {
    let (sender, receiver) = mpsc::channel(2);
    let (wire, prefix) = (wire.clone(), prefix.to_owned());
    tokio::spawn(async move {
        let mut token = None;
        loop {
            let page = wire.list(&prefix, token).await;
            token = page.as_ref().ok().and_then(|page| page.next.clone());
            // Without a receiver, or another page, there is nothing left to do.
            if sender.send(page).await.is_err() || token.is_none() {
                return;
            }
        }
    });
    receiver
}

/// Downloads all objects of the prefix: those in one piece while it is listed, and
/// then those in parts, one behind the other.
pub(crate) async fn download(wire: impl Wire, arguments: Arguments) -> Result<String, Failure> {
    let (large_sender, mut large) = mpsc::unbounded_channel();
    let mut folders = BTreeSet::new();
    let pages = listing(&wire, &arguments.prefix);
    let small = stream::unfold(pages, async |mut pages| {
        let objects = match pages.recv().await? {
            Ok(page) => page.objects.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        Some((stream::iter(objects), pages))
    })
    .flatten()
    .map(|object| {
        let place = object.and_then(|object| {
            let target = target(&arguments, &object, &mut folders)?;
            Ok((object, target))
        });
        let (wire, large) = (wire.clone(), large_sender.clone());
        async move {
            let (object, target) = place?;
            if object.size > PART {
                large.send((object, target))?;
                return Ok(());
            }
            download_whole(&wire, &object, target).await
        }
    });
    let done = each(small, arguments.in_flight).await?;
    drop(large_sender);
    while let Some((object, target)) = large.recv().await {
        download_parts(&wire, object, target, arguments.in_flight).await?;
    }
    Ok(format!("{} objects downloaded", done.len()))
}

/// Where an object goes; its folder is made.
fn target(
    arguments: &Arguments,
    object: &Listed,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<PathBuf, Failure> {
    let key = object
        .key
        .strip_prefix(&arguments.prefix)
        .unwrap_or(&object.key);
    let path = arguments.folder.join(key);
    if let Some(parent) = path.parent()
        && !folders.contains(parent)
    {
        fs::create_dir_all(parent)?;
        folders.insert(parent.to_owned());
    }
    Ok(path)
}

fn temporary(target: &std::path::Path) -> PathBuf {
    target.with_added_extension("part")
}

async fn download_whole(wire: &impl Wire, object: &Listed, target: PathBuf) -> Result<(), Failure> {
    let temporary = temporary(&target);
    let file = File::create(&temporary)?;
    let piece = Piece {
        object,
        range: None,
    };
    wire.get(&piece, &file).await?;
    fs::rename(temporary, target)?;
    Ok(())
}

async fn download_parts(
    wire: &impl Wire,
    object: Listed,
    target: PathBuf,
    in_flight: usize,
) -> Result<(), Failure> {
    let temporary = temporary(&target);
    let file = Arc::new(File::create(&temporary)?);
    file.set_len(object.size)?;
    let size = object.size;
    let object = Arc::new(object);
    let work = ranges(size).map(|range| {
        let (wire, object, file) = (wire.clone(), Arc::clone(&object), Arc::clone(&file));
        async move {
            let piece = Piece {
                object: &object,
                range: Some(range),
            };
            wire.get(&piece, &file).await
        }
    });
    each(stream::iter(work), in_flight).await?;
    fs::rename(temporary, target)?;
    Ok(())
}

/// Lists the prefix and walks the folder at the same time, and keeps nothing.
pub(crate) async fn survey(wire: impl Wire, arguments: Arguments) -> Result<String, Failure> {
    let folder = arguments.folder.clone();
    let walk = tokio::task::spawn_blocking(move || walk::count(&folder));
    let mut objects = 0;
    let mut pages = listing(&wire, &arguments.prefix);
    while let Some(page) = pages.recv().await {
        objects += page?.objects.len();
    }
    let files = walk.await??;
    Ok(format!("{objects} objects and {files} files"))
}
