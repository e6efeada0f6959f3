//! The default network of a region, security groups and key pairs.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::derived_hex;

/// A subnet of the default network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    pub(crate) base: Ipv4Addr,
}

impl Subnet {
    /// How many hosts a subnet holds: a /20 without the five that AWS keeps.
    pub(crate) const HOSTS: u32 = 4096 - 5;

    /// The address of a host, counted from 0.
    pub(crate) fn address(&self, host: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + 4 + host % Self::HOSTS)
    }

    /// The subnet as CIDR.
    pub(crate) fn cidr(&self) -> String {
        format!("{}/20", self.base)
    }
}

/// The default network of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Network {
    pub(crate) vpc: String,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) default_group: String,
}

impl Network {
    /// Makes the network that every region of an account begins with.
    pub(crate) fn new(account: &str, region: &str) -> Self {
        let id = |prefix: &str, what: &str| {
            let hex = derived_hex(&[account, region, what], 17);
            format!("{prefix}-{hex}")
        };
        let subnets = [("a", 0), ("b", 16), ("c", 32)]
            .into_iter()
            .enumerate()
            .map(|(number, (letter, third))| Subnet {
                id: id("subnet", letter),
                zone: format!("{region}{letter}"),
                zone_id: format!("{}-az{}", short_region(region), number + 1),
                base: Ipv4Addr::new(172, 31, third, 0),
            })
            .collect();
        Self {
            vpc: id("vpc", "vpc"),
            subnets,
            default_group: id("sg", "default"),
        }
    }

    /// Finds a subnet by id.
    pub(crate) fn subnet(&self, id: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.id == id)
    }

    /// Finds the default subnet of a zone.
    pub(crate) fn in_zone(&self, zone: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.zone == zone)
    }
}

/// Shortens a region as zone ids have it: `eu-central-1` is `euc1`.
fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut rest = part;
        for direction in ["north", "south"] {
            if let Some(after) = rest.strip_prefix(direction) {
                short.extend(direction.chars().next());
                rest = after;
            }
        }
        short.extend(rest.chars().next());
    }
    short
}

/// A rule of a security group: one protocol, one range of ports, one source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) protocol: String,
    pub(crate) from_port: Option<i32>,
    pub(crate) to_port: Option<i32>,
    /// A range of addresses, or the id of a group.
    pub(crate) source: String,
    pub(crate) description: Option<String>,
}

impl Rule {
    /// Whether both let in the same, whatever they say about it.
    pub(crate) fn allows_same(&self, other: &Self) -> bool {
        let of = |rule: &Self| {
            (
                rule.protocol.clone(),
                rule.from_port,
                rule.to_port,
                rule.source.clone(),
            )
        };
        of(self) == of(other)
    }
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) vpc: String,
    pub(crate) ingress: Vec<Rule>,
    pub(crate) egress: Vec<Rule>,
    /// The default group was always there.
    #[serde(default)]
    pub(crate) created: Option<Timestamp>,
}

impl SecurityGroup {
    /// Makes a group that lets nothing in and everything out.
    pub(crate) fn new(id: String, name: &str, description: &str, vpc: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            vpc: vpc.to_owned(),
            ingress: Vec::new(),
            created: None,
            egress: vec![Rule {
                protocol: "-1".to_owned(),
                from_port: None,
                to_port: None,
                source: "0.0.0.0/0".to_owned(),
                description: None,
            }],
        }
    }
}

/// The public half of a key pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyPair {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) fingerprint: String,
    pub(crate) public_key: String,
    pub(crate) created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_the_ids_that_aws_gives_them() {
        for (region, short) in [
            ("us-east-1", "use1"),
            ("eu-central-1", "euc1"),
            ("ap-southeast-2", "apse2"),
        ] {
            assert_eq!(short_region(region), short);
        }
    }
}
