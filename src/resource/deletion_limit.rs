//! How much of a target a sync may delete.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How many files of a target may be deleted at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeletionLimit {
    /// So many.
    Count(u64),
    /// So many of a hundred, from 0 to 100, rounded down.
    Percent(u8),
}

impl Default for DeletionLimit {
    fn default() -> Self {
        Self::Percent(50)
    }
}

/// Why a text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a number of files nor a share such as `10%`, from 0% to 100%")]
pub struct DeletionLimitError(String);

impl DeletionLimit {
    /// A share as a regular expression, for schemas.
    pub const SHARE_PATTERN: &'static str = "^(100|[0-9]{1,2})%$";

    /// How many files it allows of a target that has `there` of them.
    pub fn of(self, there: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let share = u128::from(there) * u128::from(percent) / 100;
                u64::try_from(share).unwrap_or(u64::MAX)
            }
        }
    }
}

impl FromStr for DeletionLimit {
    type Err = DeletionLimitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Numbers as they are written, without a sign or spaces.
        let number = |digits: &str| {
            let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let limit = match text.strip_suffix('%') {
            Some(digits) => number(digits)
                .and_then(|percent| u8::try_from(percent).ok())
                .filter(|percent| *percent <= 100)
                .map(Self::Percent),
            None => number(text).map(Self::Count),
        };
        limit.ok_or_else(|| DeletionLimitError(text.to_owned()))
    }
}

impl TryFrom<String> for DeletionLimit {
    type Error = DeletionLimitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeletionLimit> for String {
    fn from(limit: DeletionLimit) -> Self {
        limit.to_string()
    }
}

impl fmt::Display for DeletionLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(formatter, "{count}"),
            Self::Percent(percent) => write!(formatter, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_count_or_a_share() {
        for (text, there, allowed) in [
            ("0", 10, 0),
            ("7", 3, 7),
            ("0%", 10, 0),
            ("10%", 19, 1),
            ("50%", 3, 1),
            ("100%", u64::MAX, u64::MAX),
        ] {
            let limit: DeletionLimit = text.parse().unwrap();
            assert_eq!(limit.of(there), allowed, "{text} of {there}");
            assert_eq!(limit.to_string(), text);
        }
        assert_eq!(DeletionLimit::default().of(9), 4);
    }

    #[test]
    fn what_is_no_limit_says_so() {
        for wrong in [
            "",
            "%",
            "-1",
            "+1",
            "101%",
            "256%",
            "10 %",
            "1.5%",
            "many",
            "99999999999999999999",
        ] {
            let error = wrong.parse::<DeletionLimit>().unwrap_err().to_string();
            assert!(error.contains("such as `10%`"), "{wrong}: {error}");
        }
    }
}
