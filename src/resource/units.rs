//! Human units: durations, sizes, rates. A number without its unit is refused.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// Why a quantity could not be read; the text says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ParseUnitError(String);

impl ParseUnitError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// How long an environment may live, counted from launch, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    seconds: u64,
}

impl Lease {
    /// Shortest lease: an instance needs some minutes to boot and to arm its timer.
    pub const SHORTEST: Self = Self { seconds: 10 * 60 };
    /// Longest lease: nobody reviews a spec and means more than a month.
    pub const LONGEST: Self = Self {
        seconds: 30 * 24 * 3600,
    };
    /// What the schema says of the form.
    pub const PATTERN: &str =
        "^([0-9]{1,5}d([0-9]{1,5}h)?([0-9]{1,5}m)?|[0-9]{1,5}h([0-9]{1,5}m)?|[0-9]{1,5}m)$";

    /// The length in seconds.
    pub const fn seconds(self) -> u64 {
        self.seconds
    }

    /// The length as a span to add to an instant.
    pub fn span(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::try_from(self.seconds).unwrap_or(i64::MAX))
    }
}

impl FromStr for Lease {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = parse_duration(text)?;
        let lease = Self { seconds };
        if lease < Self::SHORTEST {
            return Err(ParseUnitError::new(format!(
                "a lease is at least {}",
                Self::SHORTEST
            )));
        }
        if lease > Self::LONGEST {
            return Err(ParseUnitError::new(format!(
                "a lease is at most {}",
                Self::LONGEST
            )));
        }
        Ok(lease)
    }
}

/// Reads `1d12h`, `45m` and the like, in seconds.
pub(super) fn parse_duration(text: &str) -> Result<u64, ParseUnitError> {
    let wrong = || {
        ParseUnitError::new(
            "write days, hours and minutes with their units, such as `12h`, `90m` or `1d12h`",
        )
    };
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    let mut units = ['d', 'h', 'm'].iter();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        if digits.is_empty() || digits.len() > 5 || !units.any(|unit| *unit == character) {
            return Err(wrong());
        }
        let factor = match character {
            'd' => 86_400,
            'h' => 3_600,
            _ => 60,
        };
        let amount: u64 = digits.parse().map_err(|_| wrong())?;
        seconds += amount * factor;
        digits.clear();
    }
    if digits.is_empty() && !text.is_empty() {
        Ok(seconds)
    } else {
        Err(wrong())
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_duration(self.seconds, formatter)
    }
}

/// Writes whole minutes in the form that [`parse_duration`] reads.
pub(super) fn write_duration(seconds: u64, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    match (hours, minutes) {
        (hours, 0) if hours > 48 && hours % 24 == 0 => write!(formatter, "{}d", hours / 24),
        (hours, 0) if hours > 0 => write!(formatter, "{hours}h"),
        (0, minutes) => write!(formatter, "{minutes}m"),
        (hours, minutes) => write!(formatter, "{hours}h{minutes}m"),
    }
}

impl Serialize for Lease {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A disk size in whole GiB, as EBS counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    gibibytes: u32,
}

impl Size {
    /// What the schema says of the form.
    pub const PATTERN: &str = "^[1-9][0-9]{0,5} ?(GiB|TiB)$";
    /// The largest volume of any type (EC2 API, `CreateVolume`: 65,536 GiB for gp3 and io2).
    pub const LARGEST: Self = Self { gibibytes: 65_536 };

    /// A size of so many GiB.
    pub const fn from_gibibytes(gibibytes: u32) -> Self {
        Self { gibibytes }
    }

    /// The size in GiB.
    pub const fn gibibytes(self) -> u32 {
        self.gibibytes
    }
}

/// What to write in place of a decimal unit.
fn binary(amount: &str, unit: &str) -> ParseUnitError {
    ParseUnitError::new(format!(
        "EBS counts in binary units: write `{amount} {unit}`"
    ))
}

impl FromStr for Size {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let (amount, unit) = text.split_at(digits);
        let factor = match unit.strip_prefix(' ').unwrap_or(unit) {
            "GiB" if digits > 0 => 1,
            "TiB" if digits > 0 => 1024,
            "GB" | "G" | "gb" | "g" => return Err(binary(amount, "GiB")),
            "TB" | "T" | "tb" | "t" => return Err(binary(amount, "TiB")),
            _ => {
                return Err(ParseUnitError::new(
                    "write a size with its unit, such as `150 GiB` or `2 TiB`",
                ));
            }
        };
        let number = amount.parse::<u32>().ok().filter(|number| *number > 0);
        let size = number
            .and_then(|number| number.checked_mul(factor))
            .map(Self::from_gibibytes);
        match size {
            Some(size) if size <= Self::LARGEST && digits <= 6 && !amount.starts_with('0') => {
                Ok(size)
            }
            _ => Err(ParseUnitError::new(format!(
                "a disk has from 1 GiB to {} GiB",
                Self::LARGEST.gibibytes
            ))),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} GiB", self.gibibytes)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A disk's throughput in MiB a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Throughput {
    mebibytes_per_second: u32,
}

impl Throughput {
    /// What the schema says of the form.
    pub const PATTERN: &str = "^[1-9][0-9]{0,4} ?MiB/s$";

    /// The rate in MiB a second.
    pub const fn mebibytes_per_second(self) -> u32 {
        self.mebibytes_per_second
    }
}

impl FromStr for Throughput {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let amount = text
            .strip_suffix("MiB/s")
            .map(|amount| amount.strip_suffix(' ').unwrap_or(amount));
        let rate = amount
            .filter(|amount| amount.len() <= 5 && amount.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|amount| !amount.starts_with('0'))
            .and_then(|amount| amount.parse().ok());
        match rate {
            Some(mebibytes_per_second) => Ok(Self {
                mebibytes_per_second,
            }),
            None => Err(ParseUnitError::new(
                "write a rate with its unit, such as `250 MiB/s`",
            )),
        }
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} MiB/s", self.mebibytes_per_second)
    }
}

impl Serialize for Throughput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A duration for people, in its two largest units: `3d 4h`, `11h 59m`, `45s`.
pub fn human_duration(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (days, hours) = (seconds / 86_400, seconds % 86_400 / 3600);
    let (minutes, rest) = (seconds % 3600 / 60, seconds % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes:02}m")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {rest:02}s")
    } else {
        format!("{sign}{rest}s")
    }
}

/// A number of bytes in binary units with one digit after the point.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    // Tenths, so that no floating point is needed; to the nearest one.
    let mut tenths = u128::from(bytes) * 10;
    let mut size = 1_u128;
    while tenths >= 10_235 && unit + 1 < UNITS.len() {
        unit += 1;
        size *= 1024;
        tenths = (u128::from(bytes) * 10 + size / 2) / size;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn bytes_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }

    #[test]
    fn leases_are_read_and_written() {
        for (text, seconds, shown) in [
            ("12h", 43_200, "12h"),
            ("90m", 5_400, "1h30m"),
            ("1d12h", 129_600, "36h"),
            ("3d", 259_200, "3d"),
            ("10m", 600, "10m"),
            ("30d", 2_592_000, "30d"),
        ] {
            let lease: Lease = text.parse().unwrap();
            assert_eq!(lease.seconds(), seconds, "{text}");
            assert_eq!(lease.to_string(), shown);
            assert_eq!(
                shown.parse::<Lease>().unwrap(),
                lease,
                "what is shown can be read"
            );
        }
    }

    #[test]
    fn wrong_leases_say_what_to_write() {
        for text in [
            "",
            "12",
            "12 parsecs",
            "h",
            "12h12h",
            "1m1h",
            "-1h",
            "1.5h",
            "0h",
            "999999999d",
            "31d",
            "9m",
        ] {
            assert!(text.parse::<Lease>().is_err(), "{text}");
        }
        assert!(
            "12".parse::<Lease>()
                .unwrap_err()
                .to_string()
                .contains("`12h`")
        );
    }

    #[test]
    fn sizes_need_a_binary_unit() {
        assert_eq!("150 GiB".parse::<Size>().unwrap().gibibytes(), 150);
        assert_eq!("2TiB".parse::<Size>().unwrap().gibibytes(), 2048);
        for text in [
            "150",
            "150 GB",
            "0 GiB",
            "-1 GiB",
            "99999999 GiB",
            "1e3 GiB",
            "GiB",
            "65 TiB",
        ] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert!(
            "150 GB"
                .parse::<Size>()
                .unwrap_err()
                .to_string()
                .contains("`150 GiB`")
        );
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(human_duration(45), "45s");
        assert_eq!(human_duration(43_140), "11h 59m");
        assert_eq!(human_duration(-90), "-1m 30s");
        assert_eq!(human_duration(273_600), "3d 4h");
    }
}
