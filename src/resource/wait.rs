//! How long a launch may wait for capacity.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::{Lease, ParseUnitError, units};

/// How long to go on asking while EC2 has no capacity, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    seconds: u64,
}

impl Wait {
    /// What the schema says of the form, the same as a lease's.
    pub const PATTERN: &str = Lease::PATTERN;
    /// The shortest wait: less would not outlast one round of every candidate.
    pub const SHORTEST: Self = Self { seconds: 60 };
    /// The longest wait: a command that runs for more than a day is better started again.
    pub const LONGEST: Self = Self { seconds: 24 * 3600 };

    /// The length in seconds.
    pub const fn seconds(self) -> u64 {
        self.seconds
    }
}

impl FromStr for Wait {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wait = Self {
            seconds: units::parse_duration(text)?,
        };
        if (Self::SHORTEST..=Self::LONGEST).contains(&wait) {
            Ok(wait)
        } else {
            Err(ParseUnitError::new(format!(
                "a wait for capacity is from {} to {}",
                Self::SHORTEST,
                Self::LONGEST
            )))
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        units::write_duration(self.seconds, formatter)
    }
}

impl Serialize for Wait {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_and_written() {
        for (text, seconds, shown) in [
            ("1m", 60, "1m"),
            ("90m", 5_400, "1h30m"),
            ("1d", 86_400, "24h"),
            ("2h", 7_200, "2h"),
        ] {
            let wait: Wait = text.parse().unwrap();
            assert_eq!(wait.seconds(), seconds, "{text}");
            assert_eq!(wait.to_string(), shown);
            assert_eq!(shown.parse(), Ok(wait), "what is shown can be read");
        }
    }

    #[test]
    fn a_wait_lies_between_a_minute_and_a_day() {
        for text in ["0m", "24h1m", "2d"] {
            let error = text.parse::<Wait>().unwrap_err().to_string();
            assert_eq!(error, "a wait for capacity is from 1m to 24h", "{text}");
        }
        assert!("30".parse::<Wait>().is_err());
    }
}
