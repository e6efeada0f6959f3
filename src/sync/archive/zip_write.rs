//! ZIP archives as they are written, from the beginning to the end.

use std::io::{self, Read, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::writer::Head;
use super::zip_format::{
    CENTRAL_HEADER, DATA_DESCRIPTOR, DEFLATED, END, END_64, END_64_LOCATOR, HAS_DESCRIPTOR,
    IS_UTF8, LOCAL_HEADER, STORED, TIME_FIELD, UNIX, ZIP64_FIELD, to_dos,
};

/// From this size on a file needs ZIP64: below the limit of four GiB by more than what
/// deflating can add to a file that cannot be deflated.
const NEEDS_ZIP64: u64 = 0xF000_0000;

/// The versions of the format that are needed (4.4.3): for deflating, and for ZIP64.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;

/// What a regular file has in its mode besides its permissions (`inode(7)`).
const REGULAR: u32 = 0o100_000;

/// A ZIP archive that is being written.
///
/// Nothing is written twice, so the sums and sizes of a file come after it.
pub(super) struct ZipWriter<W> {
    output: Counted<W>,
    written: Vec<Written>,
}

/// One file that has been written, for the directory at the end.
struct Written {
    path: String,
    dos: (u16, u16),
    seconds: i64,
    mode: u32,
    method: u16,
    is_large: bool,
    crc: u32,
    /// In bytes.
    packed: u64,
    bytes: u64,
    offset: u64,
}

impl<W: Write> ZipWriter<W> {
    pub(super) fn new(output: W) -> Self {
        Self {
            output: Counted { output, bytes: 0 },
            written: Vec::new(),
        }
    }

    /// Writes one file, compressed or not.
    pub(super) fn file(
        &mut self,
        (head, mode): (Head<'_>, u32),
        compress: bool,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let mut file = Written {
            path: head.path.to_owned(),
            dos: to_dos(head.modified),
            seconds: head.modified.as_second(),
            mode: REGULAR | mode,
            method: if compress { DEFLATED } else { STORED },
            is_large: head.bytes >= NEEDS_ZIP64,
            crc: 0,
            packed: 0,
            bytes: 0,
            offset: self.output.bytes,
        };
        self.output.write_all(&file.local()?)?;
        let start = self.output.bytes;
        let mut summed = Summed {
            content,
            crc: Crc::new(),
            bytes: 0,
        };
        if compress {
            let mut encoder = DeflateEncoder::new(&mut self.output, Compression::default());
            io::copy(&mut summed, &mut encoder)?;
            encoder.finish()?;
        } else {
            io::copy(&mut summed, &mut self.output)?;
        }
        file.crc = summed.crc.sum();
        file.bytes = summed.bytes;
        file.packed = self.output.bytes - start;
        self.output.write_all(&file.descriptor())?;
        self.written.push(file);
        Ok(())
    }

    /// Writes the directory and gives the output back.
    pub(super) fn end(mut self) -> io::Result<W> {
        let start = self.output.bytes;
        for file in &self.written {
            self.output.write_all(&file.central()?)?;
        }
        let size = self.output.bytes - start;
        let end = end(self.written.len() as u64, size, start);
        self.output.write_all(&end)?;
        Ok(self.output.output)
    }
}

impl Written {
    fn version(&self) -> u16 {
        if self.is_large || self.is_far() {
            VERSION_64
        } else {
            VERSION
        }
    }

    fn is_far(&self) -> bool {
        self.offset >= u64::from(u32::MAX)
    }

    /// What comes before the content.
    fn local(&self) -> io::Result<Vec<u8>> {
        let mut extra = Vec::new();
        if self.is_large {
            extra.extend(field(ZIP64_FIELD, &[0; 16]));
        }
        extra.extend(self.time_field());
        let size = if self.is_large { u32::MAX } else { 0 };
        let mut record = LOCAL_HEADER.to_le_bytes().to_vec();
        record.extend(self.version().to_le_bytes());
        self.push_common(&mut record, 0, [size, size]);
        record.extend(short(self.path.len())?);
        record.extend(short(extra.len())?);
        record.extend(self.path.as_bytes());
        record.extend(extra);
        Ok(record)
    }

    fn push_common(&self, record: &mut Vec<u8>, crc: u32, sizes: [u32; 2]) {
        record.extend((HAS_DESCRIPTOR | IS_UTF8).to_le_bytes());
        record.extend(self.method.to_le_bytes());
        record.extend(self.dos.0.to_le_bytes());
        record.extend(self.dos.1.to_le_bytes());
        record.extend(crc.to_le_bytes());
        for size in sizes {
            record.extend(size.to_le_bytes());
        }
    }

    /// When the file was modified; what has no place in 32 bits has the time of DOS alone.
    fn time_field(&self) -> Vec<u8> {
        let Ok(seconds) = i32::try_from(self.seconds) else {
            return Vec::new();
        };
        let mut data = vec![1];
        data.extend(seconds.to_le_bytes());
        field(TIME_FIELD, &data)
    }

    /// What comes after the content.
    fn descriptor(&self) -> Vec<u8> {
        let mut record = DATA_DESCRIPTOR.to_le_bytes().to_vec();
        record.extend(self.crc.to_le_bytes());
        for size in [self.packed, self.bytes] {
            if self.is_large {
                record.extend(size.to_le_bytes());
            } else {
                record.extend(low(size).to_le_bytes());
            }
        }
        record
    }

    /// What stands in the directory.
    fn central(&self) -> io::Result<Vec<u8>> {
        let mut wide = Vec::new();
        if self.is_large {
            wide.extend(self.bytes.to_le_bytes());
            wide.extend(self.packed.to_le_bytes());
        }
        if self.is_far() {
            wide.extend(self.offset.to_le_bytes());
        }
        let mut extra = Vec::new();
        if !wide.is_empty() {
            extra.extend(field(ZIP64_FIELD, &wide));
        }
        extra.extend(self.time_field());
        let size = |size| if self.is_large { u32::MAX } else { low(size) };
        let mut record = CENTRAL_HEADER.to_le_bytes().to_vec();
        record.extend([VERSION_64.to_le_bytes()[0], UNIX]);
        record.extend(self.version().to_le_bytes());
        self.push_common(&mut record, self.crc, [size(self.packed), size(self.bytes)]);
        record.extend(short(self.path.len())?);
        record.extend(short(extra.len())?);
        // No comment, the first disk, and nothing to say of what the content is.
        record.extend([0; 6]);
        record.extend((self.mode << 16).to_le_bytes());
        record.extend(low(self.offset).to_le_bytes());
        record.extend(self.path.as_bytes());
        record.extend(extra);
        Ok(record)
    }
}

/// What comes after the directory of so many entries.
fn end(entries: u64, size: u64, start: u64) -> Vec<u8> {
    let mut record = Vec::new();
    let is_small =
        entries < u64::from(u16::MAX) && size < u64::from(u32::MAX) && start < u64::from(u32::MAX);
    if !is_small {
        record.extend(END_64.to_le_bytes());
        // How much of this record follows.
        record.extend(44_u64.to_le_bytes());
        record.extend([VERSION_64.to_le_bytes()[0], UNIX]);
        record.extend(VERSION_64.to_le_bytes());
        record.extend([0; 8]);
        for number in [entries, entries, size, start] {
            record.extend(number.to_le_bytes());
        }
        record.extend(END_64_LOCATOR.to_le_bytes());
        record.extend([0; 4]);
        record.extend((start + size).to_le_bytes());
        record.extend(1_u32.to_le_bytes());
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX);
    record.extend(END.to_le_bytes());
    record.extend([0; 4]);
    record.extend(count.to_le_bytes());
    record.extend(count.to_le_bytes());
    record.extend(low(size).to_le_bytes());
    record.extend(low(start).to_le_bytes());
    record.extend([0; 2]);
    record
}

/// A number of 32 bits, or the one that says to look for it elsewhere.
fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(length: usize) -> io::Result<[u8; 2]> {
    let length = u16::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(length.to_le_bytes())
}

/// An extra field; its data is short.
fn field(id: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or_default();
    let mut field = id.to_le_bytes().to_vec();
    field.extend(length.to_le_bytes());
    field.extend(data);
    field
}

/// A content whose sum is taken while it is read.
struct Summed<'a> {
    content: &'a mut dyn Read,
    crc: Crc,
    bytes: u64,
}

impl Read for Summed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// An output that knows how much has been written.
struct Counted<W> {
    output: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
