//! Security groups, key pairs and placement groups of ours, and spot requests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::{
    AccountId, Cidr, EnvironmentName, GroupName, Instance, InstanceId, OWN_NAME_PREFIX, PublicKey,
    SSH_PORT, SshSource, object_claim,
};

/// How the description of a rule for the caller's own address begins.
const CALLER_RULE: &str = "ssh for ";
/// The description of a rule for a block of addresses.
const BLOCK_RULE: &str = "ssh";
/// The description of the rule that lets the members of a group reach one another.
const MEMBERS_RULE: &str = "members of the group";
/// The longest description of a rule (EC2 API, `IpRange`).
const LONGEST_DESCRIPTION: usize = 255;

/// Where a rule lets in from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleSource {
    /// A block of addresses.
    Block(Cidr),
    /// Whoever is in the same security group.
    Itself,
    /// Something else, in EC2's words; never written by us.
    Other(String),
}

impl fmt::Display for RuleSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(block) => write!(formatter, "{block}"),
            Self::Itself => formatter.write_str("the group itself"),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl Serialize for RuleSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One way in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Rule {
    /// `tcp`, or `-1` for all protocols.
    pub protocol: String,
    /// First and last port, where the protocol has ports.
    pub ports: Option<(u16, u16)>,
    /// Where from.
    pub source: RuleSource,
    /// What it is for.
    pub description: String,
}

impl Rule {
    fn ssh(block: Cidr, description: String) -> Self {
        Self {
            protocol: "tcp".to_owned(),
            ports: Some((SSH_PORT, SSH_PORT)),
            source: RuleSource::Block(block),
            description,
        }
    }

    /// Whether both let the same in; EC2 tells rules apart by that alone, not by their words.
    fn is_same_way(&self, other: &Self) -> bool {
        (&self.protocol, self.ports, &self.source) == (&other.protocol, other.ports, &other.source)
    }

    /// Whether it was written by us for somebody's own address.
    pub fn is_callers(&self) -> bool {
        self.description.starts_with(CALLER_RULE)
    }

    /// Whether it was written by us at all.
    pub fn is_ours(&self) -> bool {
        self.is_callers() || [BLOCK_RULE, MEMBERS_RULE].contains(&self.description.as_str())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            protocol,
            ports,
            source,
            description,
        } = self;
        match (protocol.as_str(), ports) {
            ("-1", _) => formatter.write_str("everything")?,
            (protocol, Some((first, last))) if first == last => {
                write!(formatter, "{protocol} {first}")?;
            }
            (protocol, Some((first, last))) => write!(formatter, "{protocol} {first}-{last}")?,
            (protocol, None) => formatter.write_str(protocol)?,
        }
        write!(formatter, " from {source}")?;
        if description.is_empty() {
            Ok(())
        } else {
            write!(formatter, " ({description})")
        }
    }
}

/// Whoever runs the command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// A name that stays the same from run to run, such as the tail of an ARN.
    pub name: String,
    /// The address that the world sees, where it was asked for.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// What a rule for the caller's own address says of itself.
    ///
    /// Each caller has a rule of their own, so that people who share an environment
    /// do not lock one another out.
    fn rule_description(&self) -> String {
        // The characters that EC2 takes in a description (EC2 API, `IpRange`).
        let allowed = |character: &char| {
            character.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(*character)
        };
        let name: String = self.name.chars().filter(allowed).collect();
        let text = format!("{CALLER_RULE}{name}");
        text.chars().take(LONGEST_DESCRIPTION).collect()
    }
}

/// The ways in that a group of instances asks for.
pub fn wanted_rules(instance: &Instance, caller: &Caller) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for source in instance.ssh.iter().flat_map(|ssh| &ssh.from) {
        match (source, caller.address) {
            (SshSource::Block(block), _) => {
                rules.insert(Rule::ssh(*block, BLOCK_RULE.to_owned()));
            }
            (SshSource::Me, Some(address)) => {
                rules.insert(Rule::ssh(Cidr::of(address), caller.rule_description()));
            }
            (SshSource::Me, None) => {}
        }
    }
    if instance.distributed {
        rules.insert(Rule {
            protocol: "-1".to_owned(),
            ports: None,
            source: RuleSource::Itself,
            description: MEMBERS_RULE.to_owned(),
        });
    }
    rules
}

/// A security group of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnSecurityGroup {
    /// Such as `sg-0123456789abcdef0`.
    pub id: String,
    /// Its name, which cannot be changed.
    pub name: String,
    /// The network that it is in.
    pub network: Option<String>,
    /// The ways in.
    pub rules: BTreeSet<Rule>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

impl OwnSecurityGroup {
    /// The rules to add and to take away, so that this caller's wishes hold.
    ///
    /// Rules for other callers' addresses stay as long as callers may come in at all.
    pub fn rule_changes(
        &self,
        instance: &Instance,
        caller: &Caller,
    ) -> (BTreeSet<Rule>, BTreeSet<Rule>) {
        let wanted = wanted_rules(instance, caller);
        let callers_may = instance
            .ssh
            .as_ref()
            .is_some_and(|ssh| ssh.from.contains(&SshSource::Me));
        let own = caller.rule_description();
        let stays = |rule: &Rule| {
            // Without an own address nobody can say that a rule for it is old.
            let others = rule.description != own || caller.address.is_none();
            let wanted = wanted.iter().any(|wanted| wanted.is_same_way(rule));
            wanted || (callers_may && rule.is_callers() && others)
        };
        let remove: BTreeSet<Rule> = self
            .rules
            .iter()
            .filter(|rule| !stays(rule))
            .cloned()
            .collect();
        let add = wanted
            .into_iter()
            .filter(|wanted| !self.rules.iter().any(|rule| rule.is_same_way(wanted)))
            .collect();
        (add, remove)
    }
}

/// A key pair of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnKeyPair {
    /// Such as `key-0123456789abcdef0`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// A placement group of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnPlacementGroup {
    /// Such as `pg-0123456789abcdef0`; what is done to it goes by its name, but for tags.
    pub id: String,
    /// Its name.
    pub name: String,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// What of ours there is besides instances and volumes; none of it costs anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnNetwork {
    /// Security groups.
    pub security_groups: Vec<OwnSecurityGroup>,
    /// Key pairs.
    pub key_pairs: Vec<OwnKeyPair>,
    /// Placement groups.
    pub placement_groups: Vec<OwnPlacementGroup>,
}

/// A request for a spot instance that is still open or has an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpotRequest {
    /// Such as `sir-abcd1234`.
    pub id: String,
    /// The instance that it has.
    pub instance: Option<InstanceId>,
    /// All its tags.
    pub tags: BTreeMap<String, String>,
}

/// Reads the proof of a security group, a key pair or a placement group: its environment and
/// its group, if it is ours.
///
/// It has no launch token, and tags can be copied. Its name was given when it was made, so
/// the name is the part of the proof that a copy of the tags does not bring along.
pub fn network_claim(
    name: &str,
    tags: &BTreeMap<String, String>,
    account: &AccountId,
) -> Option<(EnvironmentName, GroupName)> {
    let claimed = object_claim(tags, account);
    claimed.filter(|_| name.starts_with(OWN_NAME_PREFIX))
}

/// The name of what goes with a group; `taken` are names of ours that belong to something else.
pub fn own_name(
    environment: &EnvironmentName,
    group: &GroupName,
    taken: &BTreeSet<String>,
) -> String {
    let base = format!("{OWN_NAME_PREFIX}{environment}-{group}");
    first_free(taken, |number| match number {
        None => base.clone(),
        Some(number) => format!("{base}-{number}"),
    })
}

/// The name under which a public key is imported: another key has another name.
///
/// `taken` are names of ours that belong to something else.
pub fn own_key_name(
    environment: &EnvironmentName,
    group: &GroupName,
    key: &PublicKey,
    taken: &BTreeSet<String>,
) -> String {
    let short = short_fingerprint(key);
    let base = format!("{OWN_NAME_PREFIX}{environment}-{group}");
    first_free(taken, |number| match number {
        None => format!("{base}-{short}"),
        // The fingerprint stays last: it tells keys apart.
        Some(number) => format!("{base}-{number}-{short}"),
    })
}

/// What of a key's fingerprint ends the name under which it is imported.
pub fn short_fingerprint(key: &PublicKey) -> String {
    key.fingerprint
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .skip("SHA256".len())
        .take(10)
        .collect()
}

/// The first name that is not taken: without a number, or else with the lowest.
fn first_free(taken: &BTreeSet<String>, name: impl Fn(Option<u32>) -> String) -> String {
    let numbered = (2..).map(|number| name(Some(number)));
    std::iter::once(name(None))
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| name(None))
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
