//! Packs the files of a folder, each read once.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use sha2::{Digest as _, Sha256};

use super::kind::Archive;
use super::manifest::Entry;
use super::pipe;
use super::writer::{Head, Writer};
use crate::sync::digits::hexadecimal;
use crate::sync::report::{Failure, FailureReason, Progress, local};
use crate::sync::source::open_to_read;
use crate::sync::stamp::Stamp;
use crate::sync::walk::LocalFile;

/// The bit that lets the owner of a file execute it (`chmod(2)`).
pub(super) const OWNER_EXECUTES: u32 = 0o100;

/// What has been packed.
#[derive(Debug)]
pub(super) struct Packed {
    /// In the order of the files.
    pub(super) entries: Vec<Entry>,
    /// Size of the archive, in bytes.
    pub(super) bytes: u64,
    /// The CRC64NVME of the archive, as S3 writes it.
    pub(super) crc64nvme: String,
}

/// Why packing has ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// Nobody takes the archive any more.
    Deserted,
    /// A file could not be packed.
    Failed(Failure),
}

/// Packs files into a pipe, and ends the pipe when all of them are what they were.
pub(super) fn pack(
    root: &Path,
    files: &[LocalFile],
    kind: Archive,
    output: pipe::Writer,
    tell: &dyn Fn(Progress),
) -> Result<Packed, Stop> {
    let bytes = files
        .iter()
        .fold(0, |sum: u64, file| sum.saturating_add(file.size));
    let mut writer =
        Writer::begin(kind, bytes, Summed::new(output)).map_err(|error| stop(None, &error))?;
    let mut entries = Vec::with_capacity(files.len());
    for file in files {
        tell(Progress::Started {
            key: file.key.clone(),
            bytes: file.size,
        });
        entries.push(add(&mut writer, root, file, tell)?);
    }
    let Summed { output, bytes, crc } = writer.end().map_err(|error| stop(None, &error))?;
    output.end().map_err(|error| stop(None, &error))?;
    Ok(Packed {
        entries,
        bytes,
        crc64nvme: BASE64_STANDARD.encode(crc.finalize().to_be_bytes()),
    })
}

/// Packs one file that is what the walk saw, before and after it is read.
fn add<W: Write>(
    writer: &mut Writer<W>,
    root: &Path,
    file: &LocalFile,
    tell: &dyn Fn(Progress),
) -> Result<Entry, Stop> {
    let failed = |reason| {
        Stop::Failed(Failure {
            key: file.key.clone(),
            reason,
        })
    };
    let unreadable = |error: io::Error| {
        failed(if error.kind() == io::ErrorKind::NotFound {
            FailureReason::ChangedSincePlanned
        } else {
            local("read the file", &error)
        })
    };
    let opened = open_to_read(&root.join(&file.key)).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if Stamp::of(&metadata) != file.stamp || !metadata.is_file() {
        return Err(failed(FailureReason::ChangedSincePlanned));
    }
    let executable = metadata.permissions().mode() & OWNER_EXECUTES != 0;
    let head = Head {
        path: &file.key,
        bytes: file.size,
        modified: file.modified,
        executable,
    };
    let mut tapped = Tapped {
        file: opened,
        hash: Sha256::new(),
        read: 0,
        problem: None,
        tell,
    };
    let written = writer.file(head, &mut tapped);
    if let Some(problem) = tapped.problem {
        return Err(unreadable(problem));
    }
    written.map_err(|error| stop(Some(&file.key), &error))?;
    let after = tapped.file.metadata().map_err(unreadable)?;
    if tapped.read != file.size || Stamp::of(&after) != file.stamp {
        return Err(failed(FailureReason::ChangedSincePlanned));
    }
    Ok(Entry {
        path: file.key.clone(),
        bytes: file.size,
        sha256: hexadecimal(&tapped.hash.finalize()),
        modified: file.modified,
        executable,
    })
}

fn stop(key: Option<&str>, error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::Deserted;
    }
    Stop::Failed(Failure {
        key: key.unwrap_or_default().to_owned(),
        reason: local("pack the file", error),
    })
}

/// A file whose content is summed up while it is read.
struct Tapped<'a> {
    file: File,
    hash: Sha256,
    read: u64,
    /// What reading said, which a writer of archives may word anew.
    problem: Option<io::Error>,
    tell: &'a dyn Fn(Progress),
}

impl Read for Tapped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer) {
            Ok(read) => {
                self.hash.update(&buffer[..read]);
                self.read += read as u64;
                (self.tell)(Progress::Moved { bytes: read as u64 });
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = io::Error::from(error.kind());
                self.problem = Some(error);
                Err(told)
            }
        }
    }
}

/// An output whose bytes are summed up.
struct Summed {
    output: pipe::Writer,
    bytes: u64,
    crc: Crc,
}

impl Summed {
    fn new(output: pipe::Writer) -> Self {
        Self {
            output,
            bytes: 0,
            crc: Crc::new(CrcAlgorithm::Crc64Nvme),
        }
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.bytes += written as u64;
        self.crc.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
