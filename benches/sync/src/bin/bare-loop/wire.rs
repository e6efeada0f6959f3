//! What the loops need of a client of S3.

use std::error::Error;
use std::fs::File;
use std::future::Future;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

/// Why a loop ended early.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// An object, as a listing has it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) size: u64,
    /// The entity tag, in quotes.
    pub(crate) tag: String,
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Listed>,
    /// Where the next one begins; `None` when this is the last.
    pub(crate) next: Option<String>,
}

/// One piece of a download.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) object: &'a Listed,
    /// Which bytes of it; `None` stands for all.
    pub(crate) range: Option<Range<u64>>,
}

/// A client of S3, for one bucket.
pub(crate) trait Wire: Clone + Send + Sync + 'static {
    /// Puts an object.
    fn put(&self, key: &str, body: Bytes) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Begins an upload in parts, and gives its identifier.
    fn begin(&self, key: &str) -> impl Future<Output = Result<String, Failure>> + Send;

    /// Puts a part, counted from 1, and gives its entity tag.
    fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        body: Bytes,
    ) -> impl Future<Output = Result<String, Failure>> + Send;

    /// Makes an object of parts, given by their entity tags.
    fn complete(
        &self,
        key: &str,
        upload: &str,
        tags: Vec<String>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Writes a piece of an object to its place in a file.
    fn get(
        &self,
        piece: &Piece<'_>,
        into: &File,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Lists objects, a page at a time.
    fn list(
        &self,
        prefix: &str,
        token: Option<String>,
    ) -> impl Future<Output = Result<Page, Failure>> + Send;
}

/// Writes the chunks of a piece, one behind the other.
pub(crate) struct Writer<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(piece: &Piece<'_>, file: &'a File) -> Self {
        let range = piece.range.clone().unwrap_or(0..piece.object.size);
        Self {
            file,
            at: range.start,
            end: range.end,
        }
    }

    pub(crate) fn write(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        self.file.write_all_at(chunk, self.at)?;
        self.at += chunk.len() as u64;
        Ok(())
    }

    /// Fails when the piece was not complete.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.at == self.end {
            Ok(())
        } else {
            Err(format!("ended at byte {} instead of {}", self.at, self.end).into())
        }
    }
}
