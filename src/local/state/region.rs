//! One region of one account.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ElasticAddress, Instance, InstanceState, KeyPair, LooseInterface, Network, PlacementGroup,
    SecurityGroup, Subnet, Volume, derived_hex,
};

/// The tags of one resource.
pub(crate) type Tags = BTreeMap<String, String>;

/// When every bucket of the API's limits is full again, by action and what it counts.
pub(crate) type Buckets = BTreeMap<(&'static str, &'static str), Timestamp>;

/// What a client token was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// The hash of the parameters that came with it.
    pub(crate) parameters: String,
    /// The reservation, or the volume; empty when the launch found no capacity.
    pub(crate) made: String,
    /// The instances of the reservation.
    pub(crate) instances: BTreeSet<String>,
    /// When the last thing that it made was over.
    pub(crate) ended: Option<Timestamp>,
}

/// An instance profile on an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Association {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) profile: String,
    pub(crate) since: Timestamp,
}

/// One region of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Region {
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) network: Network,
    /// How many ids were given out.
    pub(crate) minted: u64,
    /// How many addresses were given out.
    pub(crate) addresses: u32,
    pub(crate) instances: BTreeMap<String, Instance>,
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) groups: BTreeMap<String, SecurityGroup>,
    /// By name.
    pub(crate) keys: BTreeMap<String, KeyPair>,
    /// By resource id.
    pub(crate) tags: BTreeMap<String, Tags>,
    /// When the tags of a resource were edited last, and what they were before.
    #[serde(skip)]
    pub(crate) edited: BTreeMap<String, (Timestamp, Tags)>,
    pub(crate) tokens: BTreeMap<String, Token>,
    /// By id.
    pub(crate) associations: BTreeMap<String, Association>,
    /// By name.
    #[serde(default)]
    pub(crate) placement_groups: BTreeMap<String, PlacementGroup>,
    /// By id.
    #[serde(default)]
    pub(crate) elastic: BTreeMap<String, ElasticAddress>,
    /// The network interfaces of no living instance, by id.
    #[serde(default)]
    pub(crate) loose: BTreeMap<String, LooseInterface>,
    /// The instances that no call finds any more, for a test that counts them.
    #[serde(skip)]
    pub(crate) past: Vec<Instance>,
    /// What the limits of the API leave.
    #[serde(skip)]
    pub(crate) buckets: Buckets,
}

impl Region {
    /// Makes a region as a new account has it.
    pub(crate) fn new(account: &str, name: &str) -> Self {
        let network = Network::new(account, name);
        let group = SecurityGroup::new(
            network.default_group.clone(),
            "default",
            "default VPC security group",
            &network.vpc,
        );
        Self {
            account: account.to_owned(),
            name: name.to_owned(),
            groups: BTreeMap::from([(group.id.clone(), group)]),
            network,
            minted: 0,
            addresses: 0,
            instances: BTreeMap::new(),
            volumes: BTreeMap::new(),
            keys: BTreeMap::new(),
            tags: BTreeMap::new(),
            edited: BTreeMap::new(),
            tokens: BTreeMap::new(),
            associations: BTreeMap::new(),
            placement_groups: BTreeMap::new(),
            elastic: BTreeMap::new(),
            loose: BTreeMap::new(),
            past: Vec::new(),
            buckets: Buckets::new(),
        }
    }

    /// Gives out an id: the prefix, a dash and seventeen digits.
    pub(crate) fn mint(&mut self, prefix: &str) -> String {
        self.minted += 1;
        let count = self.minted.to_string();
        let hex = derived_hex(&[&self.account, &self.name, "id", &count], 17);
        format!("{prefix}-{hex}")
    }

    /// Finds private addresses in a subnet that no instance holds, `count` of
    /// them or as many as are left.
    pub(crate) fn free_private_addresses(
        &mut self,
        subnet: &Subnet,
        count: usize,
    ) -> Vec<Ipv4Addr> {
        let held: BTreeSet<Ipv4Addr> = self
            .instances
            .values()
            .filter(|instance| instance.state() != InstanceState::Terminated)
            .map(|instance| instance.interface.private_address)
            .chain(self.loose.values().map(|loose| loose.private_address))
            .collect();
        let start = self.addresses;
        let free: Vec<Ipv4Addr> = (0..Subnet::HOSTS)
            .map(|step| subnet.address(start.wrapping_add(step) % Subnet::HOSTS))
            .filter(|address| !held.contains(address))
            .take(count)
            .collect();
        self.addresses = start.wrapping_add(u32::try_from(free.len()).unwrap_or(0));
        free
    }

    /// Gives out a public address, from the range kept for benchmarks so that
    /// none of them can be anybody's.
    pub(crate) fn public_address(&mut self) -> Ipv4Addr {
        let first = Ipv4Addr::new(198, 18, 0, 1).to_bits();
        self.addresses = self.addresses.wrapping_add(1);
        let start = derived_hex(&[&self.account, &self.name, "addresses"], 4);
        let start = u32::from_str_radix(&start, 16).unwrap_or(0);
        Ipv4Addr::from_bits(first + start.wrapping_add(self.addresses) % 0x1_fffe)
    }

    /// The tags of a resource, none if it has none.
    pub(crate) fn tags_of(&self, resource: &str) -> Option<&Tags> {
        self.tags.get(resource)
    }

    /// Remembers the tags of a resource as they are, before they are edited.
    pub(crate) fn before_edit(&mut self, resource: &str, now: Timestamp) {
        let tags = self.tags.get(resource).cloned().unwrap_or_default();
        self.edited.insert(resource.to_owned(), (now, tags));
    }

    /// The instance profile on an instance.
    pub(crate) fn association_of(&self, instance: &str) -> Option<&Association> {
        self.associations
            .values()
            .find(|association| association.instance == instance)
    }

    /// The instances of a placement group that are not terminated.
    pub(crate) fn members_of<'r>(&'r self, group: &'r str) -> impl Iterator<Item = &'r Instance> {
        self.instances.values().filter(move |instance| {
            instance.placement_group.as_deref() == Some(group)
                && instance.state() != InstanceState::Terminated
        })
    }

    /// The name of a security group, empty when it is gone.
    pub(crate) fn group_name(&self, id: &str) -> &str {
        self.groups.get(id).map_or("", |group| group.name.as_str())
    }

    /// The host name of a public address.
    pub(crate) fn public_name(&self, address: Ipv4Addr) -> String {
        let host = address.to_string().replace('.', "-");
        match self.name.as_str() {
            "us-east-1" => format!("ec2-{host}.compute-1.amazonaws.com"),
            region => format!("ec2-{host}.{region}.compute.amazonaws.com"),
        }
    }

    /// The host name of a private address.
    pub(crate) fn private_name(&self, address: Ipv4Addr) -> String {
        let host = address.to_string().replace('.', "-");
        match self.name.as_str() {
            "us-east-1" => format!("ip-{host}.ec2.internal"),
            region => format!("ip-{host}.{region}.compute.internal"),
        }
    }
}
