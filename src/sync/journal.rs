//! What is known of the files of a pair of places from one run to the next.
//!
//! A line of the journal is a fact that stays true: a file with this stamp had the content
//! of an object with this entity tag. Where the stamp of a file and the entity tag of its
//! object are both what the journal says, the two are the same, and nobody has to read the
//! file: whatever the tag is a digest of, and however the object is encrypted.
//!
//! A journal is sorted by key and read beside the walk and the listing, so that it costs no
//! memory. A survey writes what it found to be the same into a new one, and a run what it
//! has moved into a second, which the next survey reads beside the first. Each record has a
//! checksum of its own; from the first that is wrong on, nothing is believed. A journal that
//! is lost costs time and nothing else.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::iter::Peekable;
use std::marker::PhantomData;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crc_fast::{CrcAlgorithm, checksum};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::digits::hexadecimal;
use super::route::Route;
use super::stamp::Stamp;
use super::stretches::KEYS_OF_A_STRETCH;

/// What a journal begins with; another number is another format.
const MAGIC: &[u8] = b"trainyard journal 1\n";
/// How many keys before a mark another one is kept that may stand in for it.
const NEAR: u64 = 16;
/// The longest record that is believed, in bytes: a key has 1024 at most.
const LONGEST: usize = 4096;
/// How many records are held at most that wait for one before them.
const MOST_WAITING: usize = 32 * 1024;
/// A file that was modified this recently, in seconds, may be modified again without
/// getting another time: file systems tick.
const SETTLED_AFTER: i64 = 1;

/// Where the journal of a pair of places is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journal {
    folder: PathBuf,
    stem: String,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Relative to both places.
    pub(super) key: String,
    pub(super) stamp: Stamp,
    /// Without quotes.
    pub(super) etag: String,
}

/// What a journal is made of.
pub(super) trait Fact: Sized {
    /// The key that it is about, relative to both places.
    fn key(&self) -> &str;
    /// The fact as bytes.
    fn encode(&self) -> Vec<u8>;
    /// The fact that such bytes are.
    fn decode(body: &[u8]) -> Option<Self>;
    /// Whether it will stay true, for a journal that was begun at this second since 1970.
    fn is_settled(&self, begun: i64) -> bool;
}

impl Fact for Record {
    fn key(&self) -> &str {
        &self.key
    }

    fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    fn decode(body: &[u8]) -> Option<Self> {
        decode(body)
    }

    fn is_settled(&self, begun: i64) -> bool {
        self.stamp.modified.0.saturating_add(SETTLED_AFTER) < begun
    }
}

impl Journal {
    /// The journal of a route in a folder of journals; both directions have the same.
    pub(super) fn of(folder: &Path, route: &Route) -> Self {
        // A path that has no absolute form is taken as it is.
        let place = std::path::absolute(&route.folder).unwrap_or_else(|_| route.folder.clone());
        let place = place.as_os_str().as_encoded_bytes();
        let bucket = [route.bucket.as_bytes(), route.prefix.as_bytes()];
        Self::named(folder, [place, bucket[0], bucket[1]])
    }

    /// The journal of two places that these parts name, in a folder of journals.
    pub(super) fn named<const PARTS: usize>(folder: &Path, parts: [&[u8]; PARTS]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut stem = hexadecimal(&hash.finalize());
        stem.truncate(32);
        Self {
            folder: folder.to_owned(),
            stem,
        }
    }

    /// The path of one of the files of this pair.
    pub(super) fn path(&self, which: &str) -> PathBuf {
        self.folder.join(format!("{}.{which}", self.stem))
    }

    /// Makes the folder of journals, which is nobody else's to read.
    pub(super) fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
    }

    /// Reads what earlier runs have left.
    pub(super) fn read<F: Fact>(&self) -> Reader<F> {
        // What a run has moved is newer than what a survey saw before it.
        let sources = ["moved", "same"].map(|which| Records::open(&self.path(which)).peekable());
        Reader { sources }
    }

    /// Some of the keys that are in it, in order and about evenly apart.
    ///
    /// They are hints: where they are lost or wrong, that costs time and nothing else.
    pub(super) fn marks(&self) -> Vec<String> {
        let read = |which: &str| -> Vec<String> {
            let text = fs::read(marks_beside(&self.path(which)));
            text.ok()
                .and_then(|text| serde_json::from_slice(&text).ok())
                .unwrap_or_default()
        };
        // The newer of the two knows more than the other or is alone.
        let both = ["moved", "same"].map(read);
        both.into_iter().max_by_key(Vec::len).unwrap_or_default()
    }

    /// A new journal of what is the same, in place of all that there is.
    pub(super) fn same<F: Fact>(&self) -> Option<Writer<F>> {
        Writer::create(self.path("same"), Some(self.path("moved")))
    }

    /// A journal of what a run moves, beside the one of the survey.
    pub(super) fn moved<F: Fact>(&self) -> Option<Writer<F>> {
        Writer::create(self.path("moved"), None)
    }
}

/// Reads journals beside one another, forwards.
#[derive(Debug)]
pub(super) struct Reader<F: Fact = Record> {
    sources: [Peekable<Records<F>>; 2],
}

impl<F: Fact> Reader<F> {
    /// The fact about a key. Keys are asked for in their order.
    pub(super) fn find(&mut self, key: &str) -> Option<F> {
        let mut found = None;
        for source in &mut self.sources {
            while source.next_if(|fact| fact.key() < key).is_some() {}
            found = found.or_else(|| source.next_if(|fact| fact.key() == key));
        }
        found
    }
}

/// The records of one file, as far as they can be believed.
#[derive(Debug)]
struct Records<F> {
    file: Option<BufReader<File>>,
    kind: PhantomData<F>,
}

impl<F: Fact> Records<F> {
    fn open(path: &Path) -> Self {
        let file = File::open(path).ok().map(BufReader::new);
        let mut records = Self {
            file,
            kind: PhantomData,
        };
        let mut magic = [0; MAGIC.len()];
        if records.fill(&mut magic).is_none() || magic != MAGIC {
            records.file = None;
        }
        records
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Option<()> {
        self.file.as_mut()?.read_exact(buffer).ok()
    }

    fn record(&mut self) -> Option<F> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
        if length > LONGEST {
            return None;
        }
        let mut body = vec![0; length + 8];
        self.fill(&mut body)?;
        let (body, sum) = body.split_at(length);
        let good = checksum(CrcAlgorithm::Crc64Nvme, body).to_le_bytes() == sum;
        good.then(|| F::decode(body)).flatten()
    }
}

impl<F: Fact> Iterator for Records<F> {
    type Item = F;

    fn next(&mut self) -> Option<F> {
        let record = self.record();
        if record.is_none() {
            self.file = None;
        }
        record
    }
}

/// The numbers of a stamp in a fixed order, then the tag and the key.
fn encode(record: &Record) -> Vec<u8> {
    let Record { key, stamp, etag } = record;
    let Stamp {
        device,
        inode,
        size,
        modified,
        changed,
    } = stamp;
    let mut body = Vec::with_capacity(64 + key.len() + etag.len());
    for number in [device, inode, size] {
        body.extend(number.to_le_bytes());
    }
    for number in [modified.0, modified.1, changed.0, changed.1] {
        body.extend(number.to_le_bytes());
    }
    body.extend((etag.len() as u64).to_le_bytes());
    body.extend(etag.as_bytes());
    body.extend(key.as_bytes());
    body
}

fn decode(body: &[u8]) -> Option<Record> {
    let (numbers, text) = body.split_at_checked(64)?;
    let word = |index: usize| {
        let bytes = numbers.get(index * 8..index * 8 + 8)?;
        <[u8; 8]>::try_from(bytes).ok()
    };
    let unsigned = |index| word(index).map(u64::from_le_bytes);
    let signed = |index| word(index).map(i64::from_le_bytes);
    let (etag, key) = text.split_at_checked(usize::try_from(unsigned(7)?).ok()?)?;
    Some(Record {
        key: String::from_utf8(key.to_vec()).ok()?,
        etag: String::from_utf8(etag.to_vec()).ok()?,
        stamp: Stamp {
            device: unsigned(0)?,
            inode: unsigned(1)?,
            size: unsigned(2)?,
            modified: (signed(3)?, signed(4)?),
            changed: (signed(5)?, signed(6)?),
        },
    })
}

/// Where the marks of a journal are.
fn marks_beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push("-marks");
    name.into()
}

/// Writes a journal whose facts come in any order and are kept in the order of their keys.
#[derive(Debug)]
pub(super) struct Writer<F: Fact = Record> {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    obsolete: Option<PathBuf>,
    /// When it was begun, in seconds since 1970 by the file system's clock.
    begun: i64,
    next: u64,
    /// What came before its turn.
    early: BTreeMap<u64, Option<F>>,
    result: io::Result<()>,
    /// How many keys were spoken of since the last mark; of some nothing is known that stays
    /// true, and they lie between two marks all the same.
    since: u64,
    /// The last key that is known, and how many there were with it, when a mark is near.
    near: Option<(String, u64)>,
    /// Keys with so many others between them.
    marks: Vec<String>,
}

impl<F: Fact> Writer<F> {
    /// Nothing where it cannot be written: then the next run takes longer.
    fn create(path: PathBuf, obsolete: Option<PathBuf>) -> Option<Self> {
        let folder = path.parent()?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let file = made.and_then(|()| NamedTempFile::new_in(folder)).ok()?;
        let begun = Stamp::of(&file.as_file().metadata().ok()?).modified.0;
        let mut file = BufWriter::new(file);
        let result = file.write_all(MAGIC);
        Some(Self {
            file,
            path,
            obsolete,
            begun,
            next: 0,
            early: BTreeMap::new(),
            result,
            since: 0,
            near: None,
            marks: Vec::new(),
        })
    }

    /// Takes what there is to say of the file with this number; files are numbered from
    /// zero in the order of their keys, and each is to be spoken of once.
    ///
    /// What keeps too many others waiting is not waited for, and not known to the next run.
    pub(super) fn put(&mut self, number: u64, record: Option<F>) {
        if number < self.next {
            return;
        }
        self.early.insert(number, record);
        if self.early.len() > MOST_WAITING
            && let Some((first, _)) = self.early.first_key_value()
        {
            self.next = *first;
        }
        while let Some(record) = self.early.remove(&self.next) {
            self.next += 1;
            self.count(record.as_ref().map(Fact::key));
            if let Some(record) = record {
                self.write(&record);
            }
        }
    }

    /// Counts a key towards the next mark, whether it is known or not.
    fn count(&mut self, key: Option<&str>) {
        self.since += 1;
        let is_near = self.since + NEAR >= KEYS_OF_A_STRETCH;
        if let Some(key) = key.filter(|_| is_near) {
            self.near = Some((key.to_owned(), self.since));
        }
        if self.since >= KEYS_OF_A_STRETCH
            && let Some((key, counted)) = self.near.take()
        {
            self.marks.push(key);
            self.since -= counted;
        }
    }

    fn write(&mut self, record: &F) {
        if !record.is_settled(self.begun) || self.result.is_err() {
            return;
        }
        let body = record.encode();
        let Ok(length) = u32::try_from(body.len()) else {
            return;
        };
        let sum = checksum(CrcAlgorithm::Crc64Nvme, &body);
        let whole = [&length.to_le_bytes()[..], &body, &sum.to_le_bytes()].concat();
        self.result = self.file.write_all(&whole);
    }

    /// Puts the journal in its place, with what has its turn by now.
    pub(super) fn finish(mut self) {
        // What never had a say leaves a gap, and what comes after it is in order still.
        for record in std::mem::take(&mut self.early).into_values().flatten() {
            self.count(Some(record.key()));
            self.write(&record);
        }
        let Ok(file) = self.file.into_inner() else {
            return;
        };
        if self.result.is_ok()
            && file.persist(&self.path).is_ok()
            && let Some(obsolete) = &self.obsolete
        {
            // What it says is true still, only known twice.
            let _gone = fs::remove_file(obsolete);
            let _gone = fs::remove_file(marks_beside(obsolete));
        }
        if self.since == 0 {
            // Behind the last key there is no stretch.
            self.marks.pop();
        }
        let marks = serde_json::to_vec(&self.marks).unwrap_or_default();
        let beside = marks_beside(&self.path);
        let _a_hint = if self.marks.is_empty() {
            fs::remove_file(beside)
        } else {
            fs::write(beside, marks)
        };
    }
}

#[cfg(test)]
#[path = "journal/tests.rs"]
mod tests;
