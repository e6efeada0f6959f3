//! ZIP archives as they are read: the directory first, and then what is wanted.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use jiff::Timestamp;

use super::zip_format::{
    CENTRAL_HEADER, DEFLATED, END, END_64, END_64_LOCATOR, IS_ENCRYPTED, LOCAL_HEADER, MACOS,
    Record, STORED, TIME_FIELD, UNIX, ZIP64_FIELD, from_dos,
};

/// The largest directory that is read, in bytes: it is held in memory.
const LARGEST_DIRECTORY: u64 = 512 * 1024 * 1024;

/// How long the records are, in bytes and without what varies.
const LOCAL_LENGTH: usize = 30;
const END_LENGTH: usize = 22;
const END_64_LENGTH: usize = 56;
const LOCATOR_LENGTH: usize = 20;

/// The longest comment that an archive has at its end, in bytes.
const LONGEST_COMMENT: usize = u16::MAX as usize;

/// How much is read of the archive at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// A ZIP archive whose directory has been read.
pub(super) struct ZipReader<R> {
    source: BufReader<R>,
    entries: Vec<ZipEntry>,
}

/// One entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ZipEntry {
    pub(super) name: Vec<u8>,
    /// Size unpacked, in bytes.
    pub(super) bytes: u64,
    /// The mode of the file, or zero where the archive knows none.
    pub(super) mode: u32,
    pub(super) modified: Option<Timestamp>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    offset: u64,
}

impl ZipEntry {
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with(b"/")
    }
}

/// Where the directory of an archive is.
#[derive(Debug, Clone, Copy)]
struct Place {
    entries: u64,
    size: u64,
    start: u64,
}

impl<R: Read + Seek> ZipReader<R> {
    /// Reads the directory.
    pub(super) fn open(mut source: R) -> io::Result<Self> {
        let (place, limit) = find_directory(&mut source)?;
        let directory_end = place.start.checked_add(place.size);
        if directory_end.is_none_or(|end| end > limit) || place.size > LARGEST_DIRECTORY {
            return Err(broken("its directory is not where it should be"));
        }
        let directory = read_at(&mut source, place.start, place.size)?;
        let mut rest = Record(&directory);
        let mut entries = Vec::new();
        while !rest.0.is_empty() {
            let entry = entry(&mut rest).ok_or_else(|| broken("its directory is damaged"))?;
            entries.push(entry);
        }
        if entries.len() as u64 != place.entries {
            return Err(broken(
                "its directory has another number of entries than it says",
            ));
        }
        check_places(&entries, place.start)?;
        let source = BufReader::with_capacity(BUFFER, source);
        Ok(Self { source, entries })
    }

    pub(super) fn entries(&self) -> &[ZipEntry] {
        &self.entries
    }

    /// The content of an entry; at its end the checksum is checked.
    pub(super) fn content(&mut self, entry: &ZipEntry) -> io::Result<impl Read + use<'_, R>> {
        if entry.flags & IS_ENCRYPTED != 0 {
            return Err(broken("it is encrypted"));
        }
        self.go_to(entry.offset)?;
        let mut header = [0; LOCAL_LENGTH];
        self.source.read_exact(&mut header)?;
        let lengths = local_lengths(&header).ok_or_else(|| broken("an entry has no header"))?;
        let mut name = vec![0; lengths.0];
        self.source.read_exact(&mut name)?;
        if name != entry.name {
            return Err(broken("an entry has two names"));
        }
        let extra = i64::try_from(lengths.1).unwrap_or_default();
        self.source.seek_relative(extra)?;
        let packed = (&mut self.source).take(entry.packed);
        let content = match entry.method {
            STORED if entry.packed == entry.bytes => Content::Stored(packed),
            DEFLATED => Content::Deflated(DeflateDecoder::new(packed)),
            _ => return Err(broken("it is compressed in a way that is not read")),
        };
        Ok(Checked {
            content,
            crc: Crc::new(),
            expected: entry.crc,
        })
    }

    /// Goes to an offset without losing what is at hand, where that is near.
    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        let here = self.source.stream_position()?;
        match i64::try_from(i128::from(offset) - i128::from(here)) {
            Ok(way) => self.source.seek_relative(way),
            Err(_) => self.source.seek(SeekFrom::Start(offset)).map(drop),
        }
    }
}

fn broken(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

fn read_at<R: Read + Seek>(source: &mut R, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Where the directory is, and where it has to end at the latest.
fn find_directory<R: Read + Seek>(source: &mut R) -> io::Result<(Place, u64)> {
    let size = source.seek(SeekFrom::End(0))?;
    let most = (END_LENGTH + LONGEST_COMMENT + LOCATOR_LENGTH) as u64;
    let start = size.saturating_sub(most);
    let tail = read_at(source, start, size - start)?;
    let no_archive = || broken("it is no ZIP archive, or has no end");
    let at = (0..=tail.len().saturating_sub(END_LENGTH))
        .rev()
        .find(|at| is_end(tail.get(*at..).unwrap_or_default()))
        .ok_or_else(no_archive)?;
    let place = end_of(&tail[at..]).ok_or_else(no_archive)?;
    let end = start + at as u64;
    let is_wide = place.entries == u64::from(u16::MAX)
        || place.size == u64::from(u32::MAX)
        || place.start == u64::from(u32::MAX);
    let locator = at.checked_sub(LOCATOR_LENGTH).and_then(|at| tail.get(at..));
    match locator.and_then(located) {
        Some(offset) if is_wide => {
            let record = read_at(source, offset, END_64_LENGTH as u64)?;
            let place = end_64(&record).ok_or_else(|| broken("its ZIP64 end is damaged"))?;
            Ok((place, offset))
        }
        Some(_) | None => Ok((place, end)),
    }
}

/// Whether a record is the end of an archive, and its comment the rest of the file.
fn is_end(bytes: &[u8]) -> bool {
    let mut record = Record(bytes);
    let is_signed = record.u32() == Some(END);
    let comment = record.bytes(16).and_then(|_| record.u16());
    is_signed && comment.is_some_and(|length| usize::from(length) == record.0.len())
}

fn end_of(bytes: &[u8]) -> Option<Place> {
    let mut record = Record(bytes);
    record.bytes(4)?;
    let disks = (record.u16()?, record.u16()?);
    let (here, entries) = (record.u16()?, record.u16()?);
    let place = Place {
        entries: u64::from(entries),
        size: u64::from(record.u32()?),
        start: u64::from(record.u32()?),
    };
    (disks == (0, 0) && here == entries).then_some(place)
}

fn located(bytes: &[u8]) -> Option<u64> {
    let mut record = Record(bytes);
    let is_signed = record.u32()? == END_64_LOCATOR;
    let disk = record.u32()?;
    let offset = record.u64()?;
    (is_signed && disk == 0).then_some(offset)
}

fn end_64(bytes: &[u8]) -> Option<Place> {
    let mut record = Record(bytes);
    let is_signed = record.u32()? == END_64;
    record.bytes(12)?;
    let disks = (record.u32()?, record.u32()?);
    let (here, entries) = (record.u64()?, record.u64()?);
    let place = Place {
        entries,
        size: record.u64()?,
        start: record.u64()?,
    };
    (is_signed && disks == (0, 0) && here == entries).then_some(place)
}

/// The next entry of the directory.
fn entry(record: &mut Record<'_>) -> Option<ZipEntry> {
    if record.u32()? != CENTRAL_HEADER {
        return None;
    }
    let made_by = record.u16()?.to_le_bytes()[1];
    record.u16()?;
    let (flags, method) = (record.u16()?, record.u16()?);
    let dos = (record.u16()?, record.u16()?);
    let crc = record.u32()?;
    let (packed, bytes) = (record.u32()?, record.u32()?);
    let lengths = [record.u16()?, record.u16()?, record.u16()?].map(usize::from);
    record.bytes(4)?;
    let attributes = record.u32()?;
    let offset = record.u32()?;
    let name = record.bytes(lengths[0])?.to_vec();
    let extra = Extra::read(record.bytes(lengths[1])?, [bytes, packed, offset])?;
    record.bytes(lengths[2])?;
    let [bytes, packed, offset] = extra.wide;
    let has_mode = made_by == UNIX || made_by == MACOS;
    Some(ZipEntry {
        name,
        bytes,
        mode: if has_mode { attributes >> 16 } else { 0 },
        modified: extra.modified.or_else(|| from_dos(dos)),
        flags,
        method,
        crc,
        packed,
        offset,
    })
}

/// What the extra fields of an entry say.
struct Extra {
    /// Three numbers, of which those that do not fit into 32 bits stand in a field.
    wide: [u64; 3],
    modified: Option<Timestamp>,
}

impl Extra {
    fn read(fields: &[u8], narrow: [u32; 3]) -> Option<Self> {
        let mut extra = Self {
            wide: narrow.map(u64::from),
            modified: None,
        };
        let mut rest = Record(fields);
        // What is shorter than a field is somebody's padding.
        while rest.0.len() >= 4 {
            let (id, length) = (rest.u16()?, rest.u16()?);
            let mut data = Record(rest.bytes(usize::from(length))?);
            if id == ZIP64_FIELD {
                for (wide, narrow) in extra.wide.iter_mut().zip(narrow) {
                    if narrow == u32::MAX {
                        *wide = data.u64()?;
                    }
                }
            } else if id == TIME_FIELD && data.bytes(1).is_some_and(|flags| flags[0] & 1 == 1) {
                let seconds = data.u32().map(u32::cast_signed).map(i64::from);
                extra.modified = seconds.and_then(|second| Timestamp::from_second(second).ok());
            }
        }
        Some(extra)
    }
}

/// Refuses entries that share bytes: a small archive of them would unpack to anything.
fn check_places(entries: &[ZipEntry], limit: u64) -> io::Result<()> {
    let mut places: Vec<(u64, u64)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let head = (LOCAL_LENGTH + entry.name.len()) as u64;
        let end = entry
            .offset
            .checked_add(head)
            .and_then(|end| end.checked_add(entry.packed));
        let end = end.filter(|end| *end <= limit);
        places.push((
            entry.offset,
            end.ok_or_else(|| broken("an entry is not in it"))?,
        ));
    }
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(broken("its entries overlap"));
    }
    Ok(())
}

/// The lengths of the name and of the extra fields of an entry.
fn local_lengths(header: &[u8]) -> Option<(usize, usize)> {
    let mut record = Record(header);
    let is_signed = record.u32()? == LOCAL_HEADER;
    record.bytes(22)?;
    let lengths = (usize::from(record.u16()?), usize::from(record.u16()?));
    is_signed.then_some(lengths)
}

enum Content<R: io::BufRead> {
    Stored(R),
    Deflated(DeflateDecoder<R>),
}

/// A content whose checksum is checked at its end.
struct Checked<R: io::BufRead> {
    content: Content<R>,
    crc: Crc,
    expected: u32,
}

impl<R: io::BufRead> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.content {
            Content::Stored(content) => content.read(buffer)?,
            Content::Deflated(content) => content.read(buffer)?,
        };
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(broken("the checksum of an entry is wrong"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::writer::Head;
    use super::super::zip_write::ZipWriter;
    use super::*;

    fn archive(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Vec::new());
        for (path, content, compress) in files {
            let head = Head {
                path,
                bytes: content.len() as u64,
                modified: Timestamp::from_second(1_700_000_001).unwrap(),
                executable: true,
            };
            let mut content = *content;
            writer.file((head, 0o755), *compress, &mut content).unwrap();
        }
        writer.end().unwrap()
    }

    fn read(archive: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut reader = ZipReader::open(Cursor::new(archive))?;
        let entries = reader.entries().to_vec();
        let mut files = Vec::new();
        for entry in entries {
            let mut content = Vec::new();
            reader.content(&entry)?.read_to_end(&mut content)?;
            if content.len() as u64 != entry.bytes {
                return Err(broken("another length"));
            }
            files.push((String::from_utf8_lossy(&entry.name).into_owned(), content));
        }
        Ok(files)
    }

    #[test]
    fn what_is_written_is_read() {
        let long = vec![7; 300_000];
        let whole = archive(&[
            ("a", b"stored", false),
            ("b/é", &long, true),
            ("c", b"", true),
        ]);
        let files = read(&whole).unwrap();
        let expected = [("a", b"stored".to_vec()), ("b/é", long), ("c", Vec::new())];
        assert_eq!(
            files,
            expected.map(|(name, content)| (name.to_owned(), content))
        );
        let reader = ZipReader::open(Cursor::new(&whole)).unwrap();
        let first = &reader.entries()[0];
        assert_eq!(first.mode, 0o100_755);
        assert_eq!(first.modified, Timestamp::from_second(1_700_000_001).ok());
        assert_eq!(read(&archive(&[])).unwrap(), []);
    }

    #[test]
    fn more_entries_than_16_bits_count_are_read() {
        let names: Vec<String> = (0..70_000).map(|number| number.to_string()).collect();
        let files: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), &b""[..], false))
            .collect();
        let whole = archive(&files);
        let reader = ZipReader::open(Cursor::new(&whole)).unwrap();
        assert_eq!(reader.entries().len(), 70_000);
    }

    #[test]
    fn a_comment_at_the_end_is_no_harm() {
        let mut whole = archive(&[("a", b"text", true)]);
        let length = whole.len();
        whole[length - 2..].copy_from_slice(&5_u16.to_le_bytes());
        whole.extend(b"hello");
        assert_eq!(read(&whole).unwrap().len(), 1);
    }

    /// Whatever byte is another one, the archive is refused or has the same files.
    #[test]
    fn no_damage_goes_unseen() {
        let whole = archive(&[("a", b"some text, some text", true), ("b", b"more", false)]);
        let good = read(&whole).unwrap();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                if let Ok(files) = read(&damaged) {
                    let contents = |files: &[(String, Vec<u8>)]| -> Vec<Vec<u8>> {
                        files.iter().map(|(_, content)| content.clone()).collect()
                    };
                    assert_eq!(contents(&files), contents(&good), "byte {at}");
                }
            }
            assert!(read(&whole[..at]).is_err(), "cut off at {at}");
        }
    }

    #[test]
    fn entries_that_share_bytes_are_refused() {
        let whole = archive(&[("a", b"text", true)]);
        let end = whole.len() - END_LENGTH;
        let start = usize::try_from(end_of(&whole[end..]).unwrap().start).unwrap();
        let directory = &whole[start..end];
        let mut doubled = whole[..start].to_vec();
        doubled.extend(directory.repeat(2));
        let mut tail = whole[end..].to_vec();
        for at in [8, 10] {
            tail[at] = 2;
        }
        let size = u32::try_from(directory.len() * 2).unwrap();
        tail[12..16].copy_from_slice(&size.to_le_bytes());
        doubled.extend(tail);
        let error = read(&doubled).unwrap_err();
        assert_eq!(error.to_string(), "its entries overlap");
    }
}
