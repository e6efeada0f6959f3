//! The file that outlives the process: one line of JSON for every change.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::OpenError;
use super::index::Index;
use super::record::{ObjectRecord, PartRecord, UploadRecord};

const FORMAT: &str = "trainyard-object-index";
const VERSION: u32 = 1;

/// One change of the index.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// The first line of every file.
    Header {
        format: String,
        version: u32,
        next_id: u64,
    },
    BucketCreated {
        bucket: String,
        created: Timestamp,
        region: Option<String>,
    },
    BucketDeleted {
        bucket: String,
    },
    ObjectPut {
        bucket: String,
        key: String,
        object: ObjectRecord,
    },
    ObjectDeleted {
        bucket: String,
        key: String,
    },
    UploadCreated {
        bucket: String,
        upload: UploadRecord,
    },
    PartPut {
        bucket: String,
        key: String,
        upload: String,
        part: PartRecord,
    },
    UploadCompleted {
        bucket: String,
        key: String,
        upload: String,
        object: ObjectRecord,
    },
    UploadAborted {
        bucket: String,
        key: String,
        upload: String,
    },
}

impl Entry {
    pub(super) fn header(next_id: u64) -> Self {
        Self::Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            next_id,
        }
    }
}

/// The open file, to which changes are appended.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// The length in bytes up to which the file is whole.
    length: u64,
    /// Set when a failed write could not be undone: what follows it would be
    /// unreadable, so nothing may follow.
    broken: bool,
}

impl Journal {
    /// Reads the index at `path`, writes it anew without its history, and keeps
    /// the file open for more.
    pub(super) fn open(path: &Path) -> Result<(Self, Index), OpenError> {
        let index = load(path)?;
        let journal = compact(path, &index).map_err(|source| OpenError::WriteIndex {
            path: path.to_owned(),
            source,
        })?;
        Ok((journal, index))
    }

    /// Appends changes in one write. When it fails, none of them is in the file.
    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other(
                "an earlier write to the object index could not be undone",
            ));
        }
        let mut lines = Vec::new();
        for entry in entries {
            write_line(&mut lines, entry)?;
        }
        if let Err(failure) = self.file.write_all(&lines) {
            self.broken = self.file.set_len(self.length).is_err();
            return Err(failure);
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

fn load(path: &Path) -> Result<Index, OpenError> {
    let mut text = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut text)) {
        Ok(_) => {}
        Err(failure) if failure.kind() == io::ErrorKind::NotFound => return Ok(Index::default()),
        Err(source) => {
            return Err(OpenError::ReadIndex {
                path: path.to_owned(),
                source,
            });
        }
    }
    // A process that dies in the middle of a write leaves a last line without
    // its end. Nobody was told of that change, so it is dropped.
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut index = Index::default();
    for (number, line) in text[..whole].split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() && number > 0 {
            continue;
        }
        replay(&mut index, line, number).map_err(|reason| OpenError::DamagedIndex {
            path: path.to_owned(),
            line: number + 1,
            reason,
        })?;
    }
    Ok(index)
}

fn replay(index: &mut Index, line: &[u8], number: usize) -> Result<(), String> {
    let entry: Entry = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if let Entry::Header {
        format, version, ..
    } = &entry
    {
        if format != FORMAT || *version != VERSION {
            return Err(format!(
                "this is {format} version {version}, not {FORMAT} version {VERSION}"
            ));
        }
    } else if number == 0 {
        return Err("the first line is no header".to_owned());
    }
    index
        .apply(entry)
        .map(drop)
        .map_err(|misfit| misfit.to_string())
}

fn compact(path: &Path, index: &Index) -> io::Result<Journal> {
    let fresh: PathBuf = path.with_extension("log.new");
    let mut writer = BufWriter::new(File::create(&fresh)?);
    for entry in index.entries() {
        write_line(&mut writer, &entry)?;
    }
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&fresh, path)?;
    let file = OpenOptions::new().append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok(Journal {
        file,
        length,
        broken: false,
    })
}

fn write_line(target: &mut impl io::Write, entry: &Entry) -> io::Result<()> {
    serde_json::to_writer(&mut *target, entry)?;
    target.write_all(b"\n")
}
