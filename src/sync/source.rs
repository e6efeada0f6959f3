//! The files that go up, as they are read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};

use super::attributes::Attributes;
use super::download::blocking;
use super::pool::Pool;
use super::report::{FailureReason, local};
use super::stamp::Stamp;

/// A file between two looks at it.
pub(super) struct Seen {
    pub(super) stamp: Stamp,
    pub(super) attributes: Attributes,
    /// Nothing where it was larger than expected, or changed while it was read.
    pub(super) content: Option<Content>,
}

/// Content in memory, and the CRC64NVME of it.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    sum: u64,
}

impl Content {
    /// Takes the sum, which is best done where the bytes have just been read.
    pub(super) fn of(bytes: Bytes) -> Self {
        let sum = checksum(CrcAlgorithm::Crc64Nvme, &bytes);
        Self { bytes, sum }
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The sum as S3 writes it.
    pub(super) fn written_sum(&self) -> String {
        BASE64_STANDARD.encode(self.sum.to_be_bytes())
    }
}

/// Looks at a file.
pub(super) async fn stamp(path: &Path) -> Result<Stamp, FailureReason> {
    let path = path.to_owned();
    blocking(move || look(&path).map(|(stamp, _)| stamp)).await
}

/// Looks at a file, and reads it where it has `most` bytes at most.
pub(super) async fn read(
    pool: &Arc<Pool>,
    path: PathBuf,
    most: u64,
) -> Result<Seen, FailureReason> {
    let pool = Arc::clone(pool);
    blocking(move || {
        let (stamp, attributes) = look(&path)?;
        let content = if stamp.size <= most {
            whole(&pool, &path, stamp)?
        } else {
            None
        };
        Ok(Seen {
            stamp,
            attributes,
            content,
        })
    })
    .await
}

/// Looks before opening: whoever opens a FIFO waits for its other end.
fn look(path: &Path) -> Result<(Stamp, Attributes), FailureReason> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok((Stamp::of(&metadata), Attributes::of(&metadata))),
        Ok(_) => Err(FailureReason::NotAFile),
        Err(error) => Err(unread(&error)),
    }
}

/// Opens a file that is to be read in parts; `None` when it is not what the stamp says.
pub(super) async fn open(
    path: &Path,
    stamp: Stamp,
) -> Result<Option<(Arc<File>, Attributes)>, FailureReason> {
    let path = path.to_owned();
    blocking(move || {
        let file = File::open(path).map_err(|error| unread(&error))?;
        let opened = file.metadata().map_err(|error| unread(&error))?;
        let attributes = Attributes::of(&opened);
        Ok((Stamp::of(&opened) == stamp).then(|| (Arc::new(file), attributes)))
    })
    .await
}

fn unread(error: &io::Error) -> FailureReason {
    if error.kind() == io::ErrorKind::NotFound {
        FailureReason::ChangedSincePlanned
    } else {
        local("read the file", error)
    }
}

/// Reads a whole file; `None` when it is not what the stamp says, before or after.
fn whole(pool: &Arc<Pool>, path: &Path, stamp: Stamp) -> Result<Option<Content>, FailureReason> {
    let file = File::open(path).map_err(|error| unread(&error))?;
    let content = match pool.read(&file, (0, stamp.size)) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(unread(&error)),
    };
    let after = file.metadata().map_err(|error| unread(&error))?;
    Ok((Stamp::of(&after) == stamp).then(|| Content::of(content)))
}
