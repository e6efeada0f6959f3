//! What an hour of a machine may cost.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::ParseUnitError;

const MILLION: u64 = 1_000_000;

/// A price in US dollars an hour, kept as millionths of a dollar.
///
/// The EC2 API takes spot prices in dollars whatever the account is billed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    millionths: u64,
}

impl Price {
    /// What the schema says of the form.
    pub const PATTERN: &str = r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})? ?USD$";
    /// The smallest maximum price (EC2 API, `SpotMarketOptions`: below 0.001 USD is refused).
    pub const SMALLEST: Self = Self { millionths: 1_000 };

    /// A price of so many millionths of a dollar an hour.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self { millionths }
    }

    /// The price in millionths of a dollar.
    pub const fn millionths(self) -> u64 {
        self.millionths
    }

    /// The decimal number that `MaxPrice` takes (EC2 API, `SpotMarketOptions`).
    pub fn as_ec2(self) -> String {
        let fraction = format!("{:06}", self.millionths % MILLION);
        let kept = fraction.trim_end_matches('0').len().max(2);
        format!("{}.{}", self.millionths / MILLION, &fraction[..kept])
    }
}

impl FromStr for Price {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let price = text
            .strip_suffix("USD")
            .map(|amount| amount.strip_suffix(' ').unwrap_or(amount))
            .and_then(millionths)
            .map(Self::from_millionths);
        match price {
            Some(price) if price < Self::SMALLEST => Err(ParseUnitError::new(
                "a price is at least 0.001 USD an hour: EC2 takes no smaller one",
            )),
            Some(price) => Ok(price),
            None => Err(ParseUnitError::new(
                "write the price of an hour in dollars, with at most six digits after the point, \
                 such as `1.20 USD`",
            )),
        }
    }
}

/// Reads a decimal number, in millionths and without floating point.
fn millionths(amount: &str) -> Option<u64> {
    let (whole, fraction) = match amount.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (amount, ""),
    };
    let digits = |text: &str| text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let zeros_lead = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || zeros_lead || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = format!("{fraction:0<6}").parse().ok()?;
    Some(whole * MILLION + fraction)
}

impl fmt::Display for Price {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} USD", self.as_ec2())
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prices_are_read_and_written() {
        for (text, millionths, shown) in [
            ("1.20 USD", 1_200_000, "1.20 USD"),
            ("1.2USD", 1_200_000, "1.20 USD"),
            ("3 USD", 3_000_000, "3.00 USD"),
            ("0.001 USD", 1_000, "0.001 USD"),
            ("0.123456 USD", 123_456, "0.123456 USD"),
            ("98.32 USD", 98_320_000, "98.32 USD"),
        ] {
            let price: Price = text.parse().unwrap();
            assert_eq!(price.millionths(), millionths, "{text}");
            assert_eq!(price.to_string(), shown);
        }
        assert_eq!("1.2 USD".parse::<Price>().unwrap().as_ec2(), "1.20");
    }

    #[test]
    fn what_is_no_price_is_refused_with_the_form_to_write() {
        for text in [
            "",
            "1.20",
            "$1.20",
            "1.20 EUR",
            "1,20 USD",
            ".5 USD",
            "1. USD",
            "01 USD",
            "-1 USD",
            "1.2345678 USD",
            "1e3 USD",
            "1000000 USD",
            "1.2.3 USD",
            "1.20  USD",
            "+1 USD",
        ] {
            let error = text.parse::<Price>().unwrap_err().to_string();
            assert!(error.contains("`1.20 USD`"), "{text}: {error}");
        }
        for text in ["0 USD", "0.0009 USD"] {
            let error = text.parse::<Price>().unwrap_err().to_string();
            assert!(error.contains("at least 0.001 USD"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(millionths in 1_000_u64..1_000_000_000_000) {
            let price = Price::from_millionths(millionths);
            prop_assert_eq!(price.to_string().parse(), Ok(price));
        }

        #[test]
        fn the_pattern_admits_what_is_read(text in Price::PATTERN.trim_matches(['^', '$'])) {
            if let Err(error) = text.parse::<Price>() {
                prop_assert!(error.to_string().contains("at least"), "{}", error);
            }
        }
    }
}
