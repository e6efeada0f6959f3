//! Blocks of network addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::ParseUnitError;

/// A block of IPv4 or IPv6 addresses, such as `203.0.113.0/24`.
///
/// No bit after the prefix is set: EC2 clears such bits of a rule (EC2 API,
/// `AuthorizeSecurityGroupIngress`), which would differ from the spec for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// What the schema says of the form; whether the numbers fit is checked when they are read.
    pub const PATTERN: &str = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(/[0-9]{1,3})?)$";

    /// The block that holds one address alone.
    pub const fn of(address: IpAddr) -> Self {
        Self {
            address,
            prefix: width(address),
        }
    }

    /// The first address of the block.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many leading bits all addresses of the block share.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether it is wider than any network that somebody has, so that a rule for it is one for anybody.
    ///
    /// The widest blocks that were ever given to one holder are IPv4's `/8`.
    pub const fn is_anybody(self) -> bool {
        self.prefix < 8
    }

    /// Whether its addresses are IPv6, which EC2 keeps in a list of their own.
    pub const fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// Whether an address lies in the block.
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv6() == self.is_ipv6() && masked(address, self.prefix) == self.address
    }
}

/// How many bits an address of this kind has.
const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all bits after the prefix cleared.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let cleared = u32::from(width(address).saturating_sub(prefix));
    // A shift by the whole width is none in Rust, and clears everything here.
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(cleared).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(cleared).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

impl FromStr for Cidr {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return Err(ParseUnitError::new(format!(
                "`{text}` is no address: write one such as `203.0.113.7`, or a block such as \
                 `203.0.113.0/24` or `2001:db8::/32`"
            )));
        };
        let Some(prefix) = prefix else {
            return Ok(Self::of(address));
        };
        let width = width(address);
        let Some(prefix) = small_number(prefix).filter(|prefix| *prefix <= width) else {
            return Err(ParseUnitError::new(format!(
                "`{text}` is no block: write a number from 0 to {width} after the slash"
            )));
        };
        let first = Self {
            address: masked(address, prefix),
            prefix,
        };
        if first.address == address {
            Ok(first)
        } else {
            Err(ParseUnitError::new(format!(
                "`{text}` is an address within a block: did you mean {first}, or {address} alone?"
            )))
        }
    }
}

fn small_number(text: &str) -> Option<u8> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_and_single_addresses_are_read() {
        for (text, shown) in [
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("203.0.113.7", "203.0.113.7/32"),
            ("203.0.113.7/32", "203.0.113.7/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("2001:db8:0:0::1", "2001:db8::1/128"),
            ("::/0", "::/0"),
        ] {
            let cidr: Cidr = text.parse().unwrap();
            assert_eq!(cidr.to_string(), shown, "{text}");
            assert_eq!(
                serde_json::to_string(&cidr).unwrap(),
                format!("\"{shown}\"")
            );
        }
    }

    #[test]
    fn an_address_within_a_block_is_refused_with_the_block() {
        for (text, meant) in [
            (
                "203.0.113.7/24",
                "did you mean 203.0.113.0/24, or 203.0.113.7 alone?",
            ),
            ("10.1.2.3/0", "did you mean 0.0.0.0/0, or 10.1.2.3 alone?"),
            (
                "2001:db8::1/64",
                "did you mean 2001:db8::/64, or 2001:db8::1 alone?",
            ),
        ] {
            let error = text.parse::<Cidr>().unwrap_err().to_string();
            assert!(error.contains(meant), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused_with_the_form_to_write() {
        for text in [
            "",
            "me",
            "203.0.113",
            "203.0.113.256",
            "203.0.113.07",
            " 1.2.3.4",
            "/24",
        ] {
            let error = text.parse::<Cidr>().unwrap_err().to_string();
            assert!(error.contains("`203.0.113.0/24`"), "{text}: {error}");
        }
        for (text, most) in [
            ("10.0.0.0/33", "32"),
            ("10.0.0.0/", "32"),
            ("10.0.0.0/08", "32"),
            ("10.0.0.0/+8", "32"),
            ("10.0.0.0/8/8", "32"),
            ("::/129", "128"),
        ] {
            let error = text.parse::<Cidr>().unwrap_err().to_string();
            assert!(
                error.contains(&format!("from 0 to {most}")),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_block_wider_than_any_network_is_anybody() {
        for (text, anybody) in [
            ("0.0.0.0/0", true),
            ("::/0", true),
            ("0.0.0.0/1", true),
            ("128.0.0.0/1", true),
            ("2000::/3", true),
            ("10.0.0.0/8", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(
                text.parse::<Cidr>().unwrap().is_anybody(),
                anybody,
                "{text}"
            );
        }
    }

    #[test]
    fn a_block_holds_its_addresses_of_its_own_kind() {
        let block: Cidr = "203.0.113.0/24".parse().unwrap();
        for (address, within) in [
            ("203.0.113.0", true),
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("::ffff:203.0.113.7", false),
        ] {
            assert_eq!(
                block.contains(address.parse().unwrap()),
                within,
                "{address}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(bits: u128, four: bool, prefix in 0_u8..=128) {
            let address: IpAddr = if four {
                Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap()).into()
            } else {
                Ipv6Addr::from_bits(bits).into()
            };
            let prefix = prefix.min(width(address));
            let block = Cidr { address: masked(address, prefix), prefix };
            prop_assert_eq!(block.to_string().parse(), Ok(block));
            prop_assert!(block.contains(address));
        }
    }
}
