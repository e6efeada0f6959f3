//! All that the planner may know besides what is wanted and what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::resource::{Address, Caller, EnvironmentName, GroupName, PublicKey};

/// All that the planner may know besides what is wanted and what is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Now.
    pub now: Timestamp,
    /// For how long after a launch absence from a listing is no evidence.
    pub settle: SignedDuration,
    /// Whether termination protection is to be lifted where it stands in the way.
    pub lift_protection: bool,
    /// Whether a newer image is a reason to replace.
    pub upgrade_image: bool,
    /// Whether disks that were to be kept are deleted with their environment.
    pub delete_kept: bool,
    /// What is planned at all.
    pub targets: Targets,
    /// What is replaced although nothing about it differs.
    pub replace: Targets,
    /// Whoever runs the command.
    pub caller: Caller,
    /// The public keys to import, by group, where they were read.
    pub public_keys: BTreeMap<GroupName, PublicKey>,
}

impl Context {
    /// A plan of everything, without wishes of the user's own.
    pub fn plain(now: Timestamp, settle: SignedDuration) -> Self {
        Self {
            now,
            settle,
            lift_protection: false,
            upgrade_image: false,
            delete_kept: false,
            targets: Targets::default(),
            replace: Targets::default(),
            caller: Caller::default(),
            public_keys: BTreeMap::new(),
        }
    }
}

/// One thing that a command can be limited to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetName {
    /// All instances of a group, and what goes with them.
    Group(GroupName),
    /// One instance.
    Instance(GroupName, u32),
    /// A data set.
    Data(String),
}

impl TargetName {
    /// Whether there is anything that both name.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Instance(group, number), Self::Instance(name, ordinal)) => {
                group == name && number == ordinal
            }
            (
                Self::Group(group) | Self::Instance(group, _),
                Self::Group(name) | Self::Instance(name, _),
            ) => group == name,
            (Self::Data(data), Self::Data(name)) => data == name,
            (Self::Group(_) | Self::Instance(..), Self::Data(_))
            | (Self::Data(_), Self::Group(_) | Self::Instance(..)) => false,
        }
    }

    fn names(&self, address: &Address) -> bool {
        match (self, address) {
            (Self::Group(name), Address::Instance { group, .. })
            | (
                Self::Group(name) | Self::Instance(name, _),
                Address::SecurityGroup(group)
                | Address::KeyPair(group)
                | Address::PlacementGroup(group),
            ) => name == group,
            (Self::Instance(name, number), Address::Instance { group, ordinal }) => {
                name == group && number == ordinal
            }
            (Self::Data(name), Address::Data(data)) => name == data,
            (
                Self::Group(_) | Self::Instance(..) | Self::Data(_),
                Address::Data(_) | Address::Volume(_),
            )
            | (
                Self::Data(_),
                Address::Instance { .. }
                | Address::SecurityGroup(_)
                | Address::KeyPair(_)
                | Address::PlacementGroup(_),
            ) => false,
        }
    }
}

impl FromStr for TargetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || "write a group such as `trainer`, an instance such as `trainer[0]`, or `data.NAME`";
        let name = |text: &str| {
            EnvironmentName::is_valid(text)
                .then(|| text.to_owned())
                .ok_or_else(|| wrong().to_owned())
        };
        if let Some(data) = text.strip_prefix("data.") {
            return Ok(Self::Data(name(data)?));
        }
        let Some((group, number)) = text.split_once('[') else {
            return Ok(Self::Group(GroupName::new(name(text)?)));
        };
        let number = number
            .strip_suffix(']')
            .and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| wrong().to_owned())?;
        Ok(Self::Instance(GroupName::new(name(group)?), number))
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(formatter, "{group}"),
            Self::Instance(group, number) => write!(formatter, "{group}[{number}]"),
            Self::Data(name) => write!(formatter, "data.{name}"),
        }
    }
}

/// What a command is limited to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets(pub BTreeSet<TargetName>);

impl Targets {
    /// Whether an address takes part: every one does where nothing is named.
    pub fn includes(&self, address: &Address) -> bool {
        self.0.is_empty() || self.names(address)
    }

    /// Whether an address is named.
    pub fn names(&self, address: &Address) -> bool {
        self.0.iter().any(|target| target.names(address))
    }

    /// The targets that name none of these addresses.
    pub fn unknown(&self, addresses: &[&Address]) -> Vec<String> {
        let names_none =
            |target: &&TargetName| !addresses.iter().any(|address| target.names(address));
        self.0
            .iter()
            .filter(names_none)
            .map(ToString::to_string)
            .collect()
    }
}
