//! The files that go up, as they are read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use rustix::fs::OFlags;

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

/// Looks at a file, and reads it where it has `most` bytes at most; blocks.
pub(super) fn read(pool: &Arc<Pool>, path: &Path, most: u64) -> Result<Seen, FailureReason> {
    let (stamp, attributes) = look(path)?;
    let content = if stamp.size <= most {
        whole(pool, path, stamp)?
    } else {
        None
    };
    Ok(Seen {
        stamp,
        attributes,
        content,
    })
}

/// Looks before opening: whoever opens a FIFO waits for its other end.
fn look(path: &Path) -> Result<(Stamp, Attributes), FailureReason> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok((Stamp::of(&metadata), Attributes::of(&metadata))),
        Ok(_) => Err(FailureReason::NotAFile),
        Err(error) => Err(unread(&error)),
    }
}

/// Opens a file to read it, and never waits for the other end of a FIFO, which may have taken
/// the place of a file since that was looked at.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path);
    match opened {
        // A file server holds it for somebody, and gives it up when it is asked without haste
        // (open(2), leases).
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            look(path).map_err(|_| error)?;
            File::open(path)
        }
        opened => opened,
    }
}

/// Opens a file that is to be read in parts; `None` when it is not what the stamp says.
pub(super) async fn open(
    path: &Path,
    stamp: Stamp,
) -> Result<Option<(Arc<File>, Attributes)>, FailureReason> {
    let path = path.to_owned();
    blocking(move || {
        let file = open_to_read(&path).map_err(|error| unread(&error))?;
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
    let content = unchanged(path, stamp, |file| pool.read(file, (0, stamp.size)))?;
    Ok(content.map(Content::of))
}

/// Does `read` to a file; `None` when it is not what the stamp says, before or after.
fn unchanged<T>(
    path: &Path,
    stamp: Stamp,
    read: impl FnOnce(&File) -> io::Result<T>,
) -> Result<Option<T>, FailureReason> {
    let file = open_to_read(path).map_err(|error| unread(&error))?;
    let done = match read(&file) {
        Ok(done) => done,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(unread(&error)),
    };
    let after = file.metadata().map_err(|error| unread(&error))?;
    Ok((Stamp::of(&after) == stamp).then_some(done))
}

/// Looks at files, and reads each that has the bytes at most that stand beside its path, into
/// one piece of memory; blocks.
pub(super) fn read_together(
    pool: &Arc<Pool>,
    files: &[(PathBuf, u64)],
) -> Result<Vec<Result<Seen, FailureReason>>, FailureReason> {
    let most = files.iter().map(|(_, most)| most).sum();
    let mut buffer = pool.take(most).map_err(|error| unread(&error))?;
    let (mut found, mut rooms) = (Vec::with_capacity(files.len()), buffer.as_mut());
    for (path, most) in files {
        // It is the sum of all of these.
        let (room, others) = rooms.split_at_mut(usize::try_from(*most).unwrap_or_default());
        rooms = others;
        found.push((fill(path, room), *most));
    }
    let (whole, mut begin) = (Bytes::from_owner(buffer), 0);
    let seen = found.into_iter().map(|(found, most)| {
        let begins = begin;
        begin += usize::try_from(most).unwrap_or_default();
        let (stamp, attributes, read) = found?;
        let content = read.map(|(length, sum)| Content {
            bytes: whole.slice(begins..begins + length),
            sum,
        });
        Ok(Seen {
            stamp,
            attributes,
            content,
        })
    });
    Ok(seen.collect())
}

/// A look at a file, and where it was read the length and the sum of its content.
type Filled = (Stamp, Attributes, Option<(usize, u64)>);

/// Looks at a file, and reads it where there is room for it.
fn fill(path: &Path, room: &mut [u8]) -> Result<Filled, FailureReason> {
    let (stamp, attributes) = look(path)?;
    let length = usize::try_from(stamp.size).unwrap_or(usize::MAX);
    let Some(room) = room.get_mut(..length) else {
        return Ok((stamp, attributes, None));
    };
    let read = unchanged(path, stamp, |file| file.read_exact_at(room, 0))?;
    let read = read.map(|()| (length, checksum(CrcAlgorithm::Crc64Nvme, room)));
    Ok((stamp, attributes, read))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fifo_that_has_taken_the_place_of_a_file_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "content").unwrap();
        let stamp = look(&path).unwrap().0;
        fs::remove_file(&path).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let read = unchanged(&path, stamp, |file| file.read_exact_at(&mut [0; 7], 0));
            sender.send(read.is_err())
        });
        let refused = receiver.recv_timeout(Duration::from_secs(30));
        assert!(refused.expect("it waits for somebody to write"));
    }
}
