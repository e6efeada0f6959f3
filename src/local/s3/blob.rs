//! The bytes of objects: in memory, or in files named by a number.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};

use super::record::BlobReference;

/// How much of a file is read or written at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// Returns the name of the file that holds content `id`.
pub(super) fn file_name(id: u64) -> String {
    format!("{id:016x}")
}

/// A content that does not change.
///
/// Until it is [kept](Self::keep) it is rubbish: an upload that breaks off, or
/// is refused at its end, leaves nothing behind.
#[derive(Debug)]
pub(super) struct Blob {
    id: u64,
    content: Content,
    /// The size in bytes.
    size: u64,
}

#[derive(Debug)]
enum Content {
    Memory(Bytes),
    File(OwnedFile),
}

/// A file that is removed with its owner, unless it is to be kept.
#[derive(Debug)]
struct OwnedFile {
    path: PathBuf,
    kept: AtomicBool,
}

impl Drop for OwnedFile {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            // A file that stays behind costs space until the next start, which
            // removes what the index does not name.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Blob {
    /// Stands for a file that was kept by an earlier process.
    pub(super) fn existing(path: PathBuf, reference: BlobReference) -> Self {
        let content = Content::File(OwnedFile {
            path,
            kept: AtomicBool::new(true),
        });
        Self {
            id: reference.id,
            content,
            size: reference.size,
        }
    }

    pub(super) fn reference(&self) -> BlobReference {
        BlobReference {
            id: self.id,
            size: self.size,
        }
    }

    /// Lets the content outlive this value.
    pub(super) fn keep(&self) {
        self.set_kept(true);
    }

    /// Lets the content end when the last reader has finished.
    pub(super) fn release(&self) {
        self.set_kept(false);
    }

    fn set_kept(&self, kept: bool) {
        match &self.content {
            Content::Memory(_) => {}
            Content::File(file) => file.kept.store(kept, Ordering::Release),
        }
    }
}

/// Receives the bytes of a new content.
pub(super) struct BlobWriter {
    id: u64,
    target: Target,
    size: u64,
}

enum Target {
    Memory(BytesMut),
    File(BufWriter<File>, OwnedFile),
}

impl BlobWriter {
    /// Starts content `id`: in the file at `path`, or in memory without one.
    pub(super) async fn create(id: u64, path: Option<PathBuf>) -> io::Result<Self> {
        let target = match path {
            None => Target::Memory(BytesMut::new()),
            Some(path) => {
                let file = File::create_new(&path).await?;
                let owned = OwnedFile {
                    path,
                    kept: AtomicBool::new(false),
                };
                Target::File(BufWriter::with_capacity(CHUNK, file), owned)
            }
        };
        Ok(Self {
            id,
            target,
            size: 0,
        })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.target {
            Target::Memory(buffer) => buffer.extend_from_slice(bytes),
            Target::File(writer, _) => writer.write_all(bytes).await?,
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Ends the content. It is not yet kept.
    pub(super) async fn finish(self) -> io::Result<Blob> {
        let content = match self.target {
            Target::Memory(buffer) => Content::Memory(buffer.freeze()),
            Target::File(mut writer, owned) => {
                // Flushing also waits for the writes that run in the background
                // and reports their failure.
                writer.flush().await?;
                Content::File(owned)
            }
        };
        Ok(Blob {
            id: self.id,
            content,
            size: self.size,
        })
    }
}

/// Reads a range of bytes across contents that follow one another.
pub(super) struct BlobReader {
    slices: VecDeque<Slice>,
    /// The file of the first slice, once it has been opened.
    open: Option<File>,
}

struct Slice {
    blob: Arc<Blob>,
    bytes: Range<u64>,
}

impl BlobReader {
    /// Prepares to read `range`, counted from the first byte of the first content.
    pub(super) fn new(blobs: Vec<Arc<Blob>>, range: &Range<u64>) -> Self {
        let mut start = 0;
        let mut slices = VecDeque::new();
        for blob in blobs {
            let end = start + blob.size;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                slices.push_back(Slice {
                    blob,
                    bytes: from - start..to - start,
                });
            }
            start = end;
        }
        Self { slices, open: None }
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let Some(slice) = self.slices.front_mut() else {
            return Ok(None);
        };
        let chunk = match &slice.blob.content {
            Content::Memory(bytes) => {
                let (start, end) = (position(slice.bytes.start)?, position(slice.bytes.end)?);
                bytes.slice(start..end)
            }
            Content::File(owned) => {
                let mut file = match self.open.take() {
                    Some(file) => file,
                    None => open_at(owned, slice.bytes.start).await?,
                };
                let chunk = read_chunk(&mut file, &slice.bytes).await?;
                self.open = Some(file);
                chunk
            }
        };
        slice.bytes.start += chunk.len() as u64;
        if slice.bytes.is_empty() {
            self.slices.pop_front();
            self.open = None;
        }
        Ok(Some(chunk))
    }

    /// Turns the reader into a stream of chunks.
    pub(super) fn stream(self) -> BlobStream {
        let remaining = self
            .slices
            .iter()
            .map(|slice| slice.bytes.end - slice.bytes.start)
            .sum();
        let chunks = futures_util::stream::try_unfold(self, |mut reader| async move {
            let chunk = reader.next().await?;
            Ok(chunk.map(|chunk| (chunk, reader)))
        });
        BlobStream {
            chunks: Box::pin(chunks),
            remaining,
        }
    }
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

async fn open_at(owned: &OwnedFile, offset: u64) -> io::Result<File> {
    let mut file = File::open(&owned.path).await?;
    if offset > 0 {
        file.seek(io::SeekFrom::Start(offset)).await?;
    }
    Ok(file)
}

async fn read_chunk(file: &mut File, bytes: &Range<u64>) -> io::Result<Bytes> {
    let wanted = (bytes.end - bytes.start).min(CHUNK as u64);
    let mut buffer = BytesMut::with_capacity(position(wanted)?);
    let read = file.take(wanted).read_buf(&mut buffer).await?;
    if read == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the content is shorter than the index says",
        ));
    }
    Ok(buffer.freeze())
}

/// A stream of the bytes of an object that knows how many are to come.
pub(super) struct BlobStream {
    chunks: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>,
    remaining: u64,
}

impl Stream for BlobStream {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.chunks.as_mut().poll_next(context);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
        }
        polled.map_err(StdError::from)
    }
}

impl ByteStream for BlobStream {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining)
            .map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    async fn blob(id: u64, path: Option<PathBuf>, bytes: &[u8]) -> Arc<Blob> {
        let mut writer = BlobWriter::create(id, path).await.unwrap();
        writer.write(bytes).await.unwrap();
        Arc::new(writer.finish().await.unwrap())
    }

    async fn read(blobs: &[Arc<Blob>], range: Range<u64>) -> Vec<u8> {
        let mut stream = BlobReader::new(blobs.to_vec(), &range).stream();
        assert_eq!(
            stream.remaining_length().exact(),
            Some(usize::try_from(range.end - range.start).unwrap())
        );
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk.unwrap());
        }
        all
    }

    #[tokio::test]
    async fn ranges_cross_contents() {
        let folder = tempfile::tempdir().unwrap();
        let large = vec![b'x'; CHUNK + 10];
        for path in [None, Some(folder.path())] {
            let name = |id| path.map(|folder| folder.join(file_name(id)));
            let blobs = [
                blob(1, name(1), b"hello ").await,
                blob(2, name(2), b"").await,
                blob(3, name(3), &large).await,
            ];
            assert_eq!(read(&blobs, 4..8).await, b"o xx");
            assert_eq!(read(&blobs, 0..6).await, b"hello ");
            assert_eq!(
                read(&blobs, 0..6 + large.len() as u64).await.len(),
                6 + large.len()
            );
            assert_eq!(read(&blobs, 3..3).await, b"");
        }
    }

    #[tokio::test]
    async fn only_kept_contents_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name(7));
        let abandoned = BlobWriter::create(7, Some(path.clone())).await.unwrap();
        drop(abandoned);
        assert!(!path.exists());

        let kept = blob(7, Some(path.clone()), b"bytes").await;
        kept.keep();
        drop(kept);
        assert!(path.exists());

        let released = Blob::existing(path.clone(), BlobReference { id: 7, size: 5 });
        released.release();
        drop(released);
        assert!(!path.exists());
    }
}
