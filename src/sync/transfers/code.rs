//! How one file to move is written as bytes.

use jiff::Timestamp;

use crate::sync::digits::{bytes_of, hexadecimal};
use crate::sync::plan::{Change, Origin, Transfer, Why};

/// What the next file is written in relation to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Last {
    key: String,
    /// Since 1970.
    second: i64,
}

/// Writes a file behind the one before.
pub(super) fn write(bytes: &mut Vec<u8>, last: &mut Last, transfer: &Transfer) {
    let Transfer {
        key,
        bytes: size,
        change,
        origin,
    } = transfer;
    let shared = shared(&last.key, key);
    number(bytes, shared as u64);
    text(bytes, &key[shared..]);
    key.clone_into(&mut last.key);
    number(bytes, *size);
    write_change(bytes, change);
    match origin {
        Origin::File { modified } => {
            bytes.push(0);
            time(bytes, last, *modified);
        }
        Origin::Object { etag, modified } => {
            bytes.push(1);
            digest(bytes, etag.as_deref());
            time(bytes, last, *modified);
        }
        Origin::Entry {
            sha256,
            modified,
            executable,
        } => {
            bytes.push(if *executable { 3 } else { 2 });
            digest(bytes, Some(sha256));
            time(bytes, last, *modified);
        }
    }
}

fn write_change(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::New => bytes.push(0),
        Change::Changed(Why::Size {
            source_bytes,
            target_bytes,
        }) => {
            bytes.push(1);
            number(bytes, *source_bytes);
            number(bytes, *target_bytes);
        }
        Change::Changed(Why::Content) => bytes.push(2),
        Change::Changed(Why::Time) => bytes.push(3),
        Change::Changed(Why::Tag) => bytes.push(4),
        Change::Changed(Why::Link) => bytes.push(5),
        Change::Changed(Why::Touched) => bytes.push(6),
        Change::Changed(Why::Anew) => bytes.push(7),
    }
}

/// How many bytes two keys begin with together, in whole characters.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    let mut shared = pairs.take_while(|(one, other)| one == other).count();
    while !other.is_char_boundary(shared) {
        shared -= 1;
    }
    shared
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [seven, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(seven);
            return;
        }
        bytes.push(seven | 0x80);
    }
}

/// Small ones stay small, whichever sign they have.
fn signed(bytes: &mut Vec<u8>, value: i64) {
    number(bytes, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn time(bytes: &mut Vec<u8>, last: &mut Last, time: Timestamp) {
    // Timestamps are within ten thousand years, so that no difference is too large.
    signed(bytes, time.as_second() - last.second);
    signed(bytes, i64::from(time.subsec_nanosecond()));
    last.second = time.as_second();
}

/// Text that is digits of bytes takes half as much as them.
fn digest(bytes: &mut Vec<u8>, digest: Option<&str>) {
    match (digest, digest.and_then(bytes_of)) {
        (None, _) => bytes.push(0),
        (Some(_), Some(digits)) => {
            bytes.push(1);
            number(bytes, digits.len() as u64);
            bytes.extend_from_slice(&digits);
        }
        (Some(digest), None) => {
            bytes.push(2);
            text(bytes, digest);
        }
    }
}

/// Reads the next file; `None` where there is none that was written so.
pub(super) fn read(bytes: &mut &[u8], last: &mut Last) -> Option<Transfer> {
    let shared = usize::try_from(read_number(bytes)?).ok()?;
    let rest = read_text(bytes)?;
    if !last.key.is_char_boundary(shared) {
        return None;
    }
    last.key.truncate(shared);
    last.key.push_str(rest);
    let size = read_number(bytes)?;
    let change = read_change(bytes)?;
    let origin = match byte(bytes)? {
        0 => Origin::File {
            modified: read_time(bytes, last)?,
        },
        1 => Origin::Object {
            etag: read_digest(bytes)?,
            modified: read_time(bytes, last)?,
        },
        kind @ (2 | 3) => Origin::Entry {
            sha256: read_digest(bytes)??,
            modified: read_time(bytes, last)?,
            executable: kind == 3,
        },
        _ => return None,
    };
    Some(Transfer {
        key: last.key.clone(),
        bytes: size,
        change,
        origin,
    })
}

fn read_change(bytes: &mut &[u8]) -> Option<Change> {
    Some(Change::Changed(match byte(bytes)? {
        0 => return Some(Change::New),
        1 => Why::Size {
            source_bytes: read_number(bytes)?,
            target_bytes: read_number(bytes)?,
        },
        2 => Why::Content,
        3 => Why::Time,
        4 => Why::Tag,
        5 => Why::Link,
        6 => Why::Touched,
        7 => Why::Anew,
        _ => return None,
    }))
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    bytes.split_off_first().copied()
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(bytes)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn read_signed(bytes: &mut &[u8]) -> Option<i64> {
    let number = read_number(bytes)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

fn read_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(read_number(bytes)?).ok()?;
    bytes.split_off(..length)
}

fn read_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(read_bytes(bytes)?).ok()
}

fn read_time(bytes: &mut &[u8], last: &mut Last) -> Option<Timestamp> {
    let second = last.second.checked_add(read_signed(bytes)?)?;
    let nanosecond = i32::try_from(read_signed(bytes)?).ok()?;
    last.second = second;
    Timestamp::new(second, nanosecond).ok()
}

/// The text that was written, if there was one.
#[expect(
    clippy::option_option,
    reason = "nothing readable is not the same as no text"
)]
fn read_digest(bytes: &mut &[u8]) -> Option<Option<String>> {
    Some(match byte(bytes)? {
        0 => None,
        1 => Some(hexadecimal(read_bytes(bytes)?)),
        2 => Some(read_text(bytes)?.to_owned()),
        _ => return None,
    })
}
