//! What an object keeps of its file besides the content.
//!
//! S3 gives an object the time of its upload, and no permissions. So an upload writes both
//! into the object's own metadata, and a download takes them from the answer that brings
//! the content.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use jiff::Timestamp;

use super::direct::Headers;

/// The entry for the time of modification: seconds since 1970, with a fraction. Other
/// tools write and read it so.
const MODIFIED: &str = "mtime";
/// The entry for the mode, written with a leading `0` as octal digits.
const MODE: &str = "mode";
/// The mode of a file that its owner may run; an object keeps no more of it than that.
const EXECUTABLE: &str = "0100755";
/// The bit of a mode that lets the owner run a file.
const OWNER_RUNS: u32 = 0o100;
/// How many digits the seconds of a time may have.
const MOST_DIGITS: usize = 12;

/// What an object keeps of its file besides the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Attributes {
    /// When the file was last modified.
    pub(super) modified: Option<Timestamp>,
    /// Whether its owner may run it.
    pub(super) executable: bool,
}

impl Attributes {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self {
            modified: modified.and_then(|time| Timestamp::try_from(time).ok()),
            executable: metadata.permissions().mode() & OWNER_RUNS != 0,
        }
    }

    /// Reads the entries of an object's metadata; what cannot be read is not there.
    pub(super) fn read(modified: Option<&str>, mode: Option<&str>) -> Self {
        Self {
            modified: modified.and_then(read_time),
            executable: mode
                .and_then(read_mode)
                .is_some_and(|mode| mode & OWNER_RUNS != 0),
        }
    }

    /// Reads them from headers.
    pub(super) fn of_headers<'a>(header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        Self::read(header("x-amz-meta-mtime"), header("x-amz-meta-mode"))
    }

    pub(super) fn of_get(output: &GetObjectOutput) -> Self {
        let entry = |name| output.metadata()?.get(name).map(String::as_str);
        Self::read(entry(MODIFIED), entry(MODE))
    }

    pub(super) fn of_head(output: &HeadObjectOutput) -> Self {
        let entry = |name| output.metadata()?.get(name).map(String::as_str);
        Self::read(entry(MODIFIED), entry(MODE))
    }

    /// The entries for an object's metadata.
    pub(super) fn entries(self) -> BTreeMap<&'static str, String> {
        let modified = self.modified.map(|time| (MODIFIED, write_time(time)));
        let mode = self.executable.then(|| (MODE, EXECUTABLE.to_owned()));
        modified.into_iter().chain(mode).collect()
    }

    /// The entries as headers.
    pub(super) fn headers(self) -> Headers {
        let headers = self.entries().into_iter().map(|(name, value)| match name {
            MODE => ("x-amz-meta-mode", value),
            _ => ("x-amz-meta-mtime", value),
        });
        headers.collect()
    }
}

/// Seconds since 1970 and, where there is one, their fraction.
fn write_time(time: Timestamp) -> String {
    let nanoseconds = time.as_nanosecond();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let (seconds, rest) = (
        nanoseconds.unsigned_abs() / 1_000_000_000,
        nanoseconds.unsigned_abs() % 1_000_000_000,
    );
    let text = format!("{sign}{seconds}.{rest:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What is finer than a nanosecond is cut off.
fn read_time(text: &str) -> Option<Timestamp> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number =
        (1..=MOST_DIGITS).contains(&seconds.len()) && all_digits(seconds) && all_digits(fraction);
    if !is_number {
        return None;
    }
    let fraction = format!("{fraction:0<9.9}");
    let (seconds, fraction): (i64, i32) = (seconds.parse().ok()?, fraction.parse().ok()?);
    if is_negative {
        Timestamp::new(-seconds, -fraction).ok()
    } else {
        Timestamp::new(seconds, fraction).ok()
    }
}

/// What a regular file's mode is as a decimal number: its kind and any permissions.
const DECIMAL: std::ops::RangeInclusive<u32> = 0o100_000..=0o107_777;

/// Octal, with or without a leading `0`, as rclone writes it; a number that is a regular
/// file's mode in decimal digits is what s3fs writes.
fn read_mode(text: &str) -> Option<u32> {
    let decimal = text.parse().ok().filter(|mode| DECIMAL.contains(mode));
    let octal = text.trim_start_matches("0o");
    decimal.or_else(|| u32::from_str_radix(octal, 8).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Option<i128> {
        read_time(text).map(Timestamp::as_nanosecond)
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for nanoseconds in [
            0,
            1,
            -1,
            -1_500_000_000,
            1_700_000_000_123_456_789,
            1_700_000_000_000_000_000,
            253_402_207_200_999_999_999,
        ] {
            let written = write_time(Timestamp::from_nanosecond(nanoseconds).unwrap());
            assert_eq!(time(&written), Some(nanoseconds), "{written}");
        }
        let written = |second| write_time(Timestamp::from_second(second).unwrap());
        assert_eq!(written(1_700_000_010), "1700000010");
        assert_eq!(written(0), "0");
        assert_eq!(time("1.5"), Some(1_500_000_000));
        assert_eq!(time("1.1234567891"), Some(1_123_456_789));
        assert_eq!(time("7."), Some(7_000_000_000));
    }

    #[test]
    fn what_is_no_time_is_not_there() {
        for text in [
            "",
            "-",
            ".5",
            "yesterday",
            "1e9",
            "+1",
            "--1",
            "1.-5",
            "1.5.5",
            "999999999999",
            "99999999999999999999",
            "2026-01-02T03:04:05Z",
            "١",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn modes_are_octal_or_decimal() {
        let executable = |mode| Attributes::read(None, Some(mode)).executable;
        for mode in ["100755", "0100755", "0755", "0o100700", "33261", EXECUTABLE] {
            assert!(executable(mode), "{mode}");
        }
        for mode in [
            "100644",
            "0100644",
            "33188",
            "0",
            "",
            "rwx",
            "-1",
            "0999",
            "4294967296",
        ] {
            assert!(!executable(mode), "{mode}");
        }
    }

    #[test]
    fn headers_are_those_of_the_entries() {
        let attributes = Attributes {
            modified: Some(Timestamp::from_second(7).unwrap()),
            executable: true,
        };
        let headers: BTreeMap<_, _> = attributes.headers().into_iter().collect();
        assert_eq!(headers["x-amz-meta-mtime"], "7");
        assert_eq!(headers["x-amz-meta-mode"], EXECUTABLE);
        let read = Attributes::of_headers(|name| headers.get(name).map(String::as_str));
        assert_eq!(read, attributes);
        assert!(Attributes::default().headers().is_empty());
    }
}
