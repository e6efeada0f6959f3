//! Ranges in what a spec asks for: `8`, `8..`, `8..16`, `16 GiB..64 GiB`.

use std::fmt;
use std::str::FromStr;

use super::ParseUnitError;

const GIBIBYTE: u64 = 1024;
const TEBIBYTE: u64 = 1024 * GIBIBYTE;

/// From how much to how much of something is asked for, both ends included.
///
/// Its `Display` and `FromStr` are those of plain numbers; a range of sizes, in
/// MiB, is read by [`Range::parse_sizes`] and shown by [`Range::as_sizes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// The least that is enough; 0 where only an upper end is given.
    pub least: u64,
    /// The most that is wanted, if that matters.
    pub most: Option<u64>,
}

impl Range {
    /// What the schema says of a range of plain numbers.
    pub const PATTERN: &str = r"^([1-9][0-9]{0,5}(\.\.([1-9][0-9]{0,5})?)?|\.\.[1-9][0-9]{0,5})$";
    /// What the schema says of a range of sizes.
    pub const SIZES_PATTERN: &str = r"^([1-9][0-9]{0,5} ?(GiB|TiB)(\.\.([1-9][0-9]{0,5} ?(GiB|TiB))?)?|\.\.[1-9][0-9]{0,5} ?(GiB|TiB))$";

    /// So much and no other amount.
    pub const fn exactly(amount: u64) -> Self {
        Self {
            least: amount,
            most: Some(amount),
        }
    }

    /// So much or more.
    pub const fn at_least(amount: u64) -> Self {
        Self {
            least: amount,
            most: None,
        }
    }

    /// Whether an amount lies within.
    pub fn contains(self, amount: u64) -> bool {
        self.least <= amount && self.most.is_none_or(|most| amount <= most)
    }

    /// Reads a range of sizes such as `16 GiB..` or `60 GiB..1 TiB`, kept in MiB.
    ///
    /// # Errors
    ///
    /// The text has no unit, another one than GiB and TiB, or is no range.
    pub fn parse_sizes(text: &str) -> Result<Self, ParseUnitError> {
        Self::parse(
            text,
            size,
            "write a size or a range of sizes, such as `16 GiB`, `16 GiB..` or `16 GiB..64 GiB`",
        )
    }

    /// The range as one of sizes, its ends being MiB.
    pub const fn as_sizes(self) -> impl fmt::Display {
        Sizes(self)
    }

    fn parse(
        text: &str,
        amount: impl Fn(&str) -> Option<u64>,
        form: &str,
    ) -> Result<Self, ParseUnitError> {
        let read = |text: &str| {
            amount(text)
                .ok_or_else(|| ParseUnitError::new(format!("`{text}` is no amount: {form}")))
        };
        let range = match text.split_once("..") {
            None => Self::exactly(read(text)?),
            Some((least, "")) => Self::at_least(read(least)?),
            Some(("", most)) => Self {
                least: 0,
                most: Some(read(most)?),
            },
            Some((least, most)) => Self {
                least: read(least)?,
                most: Some(read(most)?),
            },
        };
        match range.most {
            Some(most) if most < range.least => Err(ParseUnitError::new(format!(
                "the range `{text}` is empty: write its smaller end first"
            ))),
            Some(_) | None => Ok(range),
        }
    }

    fn write(
        self,
        formatter: &mut fmt::Formatter<'_>,
        amount: impl Fn(u64) -> String,
    ) -> fmt::Result {
        match (self.least, self.most) {
            (least, None) => write!(formatter, "{}..", amount(least)),
            (least, Some(most)) if least == most => formatter.write_str(&amount(least)),
            (0, Some(most)) => write!(formatter, "..{}", amount(most)),
            (least, Some(most)) => write!(formatter, "{}..{}", amount(least), amount(most)),
        }
    }
}

impl FromStr for Range {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(
            text,
            number,
            "write a whole number or a range, such as `8`, `8..`, `8..16` or `..16`",
        )
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(formatter, |amount| amount.to_string())
    }
}

struct Sizes(Range);

impl fmt::Display for Sizes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(formatter, human_mebibytes)
    }
}

/// Reads a number from 1 to 999,999 without zeros before it.
fn number(text: &str) -> Option<u64> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain && text.len() <= 6)
}

fn size(text: &str) -> Option<u64> {
    let (amount, unit) = text
        .strip_suffix("GiB")
        .map(|amount| (amount, GIBIBYTE))
        .or_else(|| text.strip_suffix("TiB").map(|amount| (amount, TEBIBYTE)))?;
    number(amount.strip_suffix(' ').unwrap_or(amount))?.checked_mul(unit)
}

/// MiB in the largest unit that divides them, and GiB with a digit after the point otherwise.
pub(super) fn human_mebibytes(mebibytes: u64) -> String {
    if mebibytes > 0 && mebibytes.is_multiple_of(TEBIBYTE) {
        format!("{} TiB", mebibytes / TEBIBYTE)
    } else if mebibytes.is_multiple_of(GIBIBYTE) {
        format!("{} GiB", mebibytes / GIBIBYTE)
    } else {
        // Rounded down: 23.9 GiB must not look like the 24 GiB that were asked for.
        let tenths = u128::from(mebibytes) * 10 / u128::from(GIBIBYTE);
        format!("{}.{} GiB", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_ranges_of_numbers_are_read() {
        for (text, least, most) in [
            ("8", 8, Some(8)),
            ("8..", 8, None),
            ("8..16", 8, Some(16)),
            ("..64", 0, Some(64)),
            ("4..4", 4, Some(4)),
        ] {
            assert_eq!(text.parse(), Ok(Range { least, most }), "{text}");
        }
    }

    #[test]
    fn sizes_and_ranges_of_sizes_are_read_as_mebibytes() {
        for (text, least, most) in [
            ("16 GiB..", 16_384, None),
            ("60 GiB..120 GiB", 61_440, Some(122_880)),
            ("..1 TiB", 0, Some(1_048_576)),
            ("512GiB", 524_288, Some(524_288)),
        ] {
            assert_eq!(
                Range::parse_sizes(text),
                Ok(Range { least, most }),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_form_to_write() {
        for text in [
            "",
            "..",
            "0",
            "..0",
            "0..8",
            "08",
            "8...",
            "8..16..32",
            "-1",
            "+8",
            "1e3",
            "8 ..",
            "1000000",
            "16 GiB",
        ] {
            let error = text.parse::<Range>().unwrap_err().to_string();
            assert!(error.contains("`8..16`"), "{text}: {error}");
        }
        for text in [
            "",
            "16",
            "16 GB",
            "..",
            "16..64 GiB",
            "0 GiB",
            "16  GiB",
            " 16 GiB",
        ] {
            let error = Range::parse_sizes(text).unwrap_err().to_string();
            assert!(error.contains("`16 GiB..`"), "{text}: {error}");
        }
        let error = "16..8".parse::<Range>().unwrap_err().to_string();
        assert!(error.contains("smaller end first"), "{error}");
    }

    #[test]
    fn both_ends_of_a_range_belong_to_it() {
        let range: Range = "8..16".parse().unwrap();
        let within = [7, 8, 16, 17].map(|amount| range.contains(amount));
        assert_eq!(within, [false, true, true, false]);
        assert!(Range::at_least(1).contains(u64::MAX));
    }

    #[test]
    fn memory_that_is_no_whole_number_of_gibibytes_is_rounded_down() {
        assert_eq!(human_mebibytes(22_888), "22.3 GiB");
        assert_eq!(human_mebibytes(24_575), "23.9 GiB");
        assert_eq!(human_mebibytes(512), "0.5 GiB");
        assert_eq!(human_mebibytes(2_097_152), "2 TiB");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(least in 0_u64..=999_999, more in prop::option::of(0_u64..1000)) {
            prop_assume!(least > 0 || more.is_some_and(|more| more > 0));
            let most = more.map(|more| (least + more).min(999_999));
            let range = Range { least, most };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            let sizes = Range { least: least * 1024, most: most.map(|most| most * 1024) };
            prop_assert_eq!(Range::parse_sizes(&sizes.as_sizes().to_string()), Ok(sizes));
        }

        #[test]
        fn the_patterns_admit_what_is_read(
            number in Range::PATTERN.trim_matches(['^', '$']),
            size in Range::SIZES_PATTERN.trim_matches(['^', '$']),
        ) {
            for read in [number.parse::<Range>(), Range::parse_sizes(&size)] {
                if let Err(error) = read {
                    prop_assert!(error.to_string().contains("is empty"), "{}", error);
                }
            }
        }
    }
}
