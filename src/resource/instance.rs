//! The instances of a group, as a spec wants them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Digest, Disk, GroupName, ImageSelector, Lease, MachineSelector, Market, Price, Ssh, Wait,
};

/// What follows the fingerprint of user data where the members of a group are told of one another.
pub const DISTRIBUTED_SUFFIX: &str = "+group";

/// How the names of security groups, key pairs and placement groups of ours begin.
pub const OWN_NAME_PREFIX: &str = "trainyard-";

/// Where an instance may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Wherever EC2 puts it in the default network.
    Any,
    /// In one availability zone, such as `eu-central-1a`.
    Zone(String),
    /// In one subnet, by id.
    Subnet(String),
}

impl Placement {
    /// The subnet or zone asked for, or nothing.
    pub fn place(&self) -> &str {
        match self {
            Self::Any => "",
            Self::Zone(place) | Self::Subnet(place) => place,
        }
    }
}

/// Whether the metadata service needs a session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokens {
    /// IMDSv2 only.
    Required,
    /// IMDSv1 is answered too.
    Optional,
}

/// The instance metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Whether session tokens are required.
    pub tokens: Tokens,
    /// How many network hops an answer may travel, 1 to 64; containers need 2.
    pub hop_limit: u8,
    /// Whether the service answers at all.
    pub enabled: bool,
}

/// One instance of a group; all instances of a group are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The group it belongs to.
    pub group: GroupName,
    /// What it boots.
    pub image: ImageSelector,
    /// Which type, or what is asked of one.
    pub machine: MachineSelector,
    /// How it is bought.
    pub market: Market,
    /// The most that a spot instance may cost an hour.
    pub max_price: Option<Price>,
    /// For how long a launch waits for capacity.
    pub wait: Option<Wait>,
    /// Where it may run.
    pub placement: Placement,
    /// Whether the group's instances are placed close together.
    pub cluster: bool,
    /// Whether the members learn one another's addresses.
    pub distributed: bool,
    /// Whether it has a public address; `None` leaves that to the subnet.
    pub public_address: Option<bool>,
    /// The name of its instance profile.
    pub iam_profile: Option<String>,
    /// Ids or names; empty leaves the network's default group.
    pub security_groups: BTreeSet<String>,
    /// The name of an EC2 key pair.
    pub key: Option<String>,
    /// Who may come in by SSH, and with which key.
    pub ssh: Option<Ssh>,
    /// The root disk, where the spec says anything of it.
    pub disk: Option<Disk>,
    /// Further disks by device name, made at launch and deleted with the instance.
    pub volumes: BTreeMap<String, Disk>,
    /// The instance metadata service.
    pub metadata: Metadata,
    /// The user's own boot script or cloud-config, unrendered.
    pub user_data: Option<String>,
    /// Whether EC2's termination protection is on.
    pub protect: bool,
    /// The user's tags, with a `Name`.
    pub tags: BTreeMap<String, String>,
    /// How long it may live from launch.
    pub lease: Lease,
}

impl Instance {
    /// Fingerprint of everything that a difference can be seen in.
    ///
    /// It stands in a tag: where it equals the spec's and a field differs all the
    /// same, somebody changed the instance, not the spec. What holds only for
    /// launches to come (lease, prices, waiting, a public key) is no part of it:
    /// an instance cannot follow an edit of those.
    pub fn spec_digest(&self) -> String {
        let Self {
            group,
            image,
            machine,
            market,
            max_price: _,
            wait: _,
            placement,
            cluster,
            distributed,
            public_address,
            iam_profile,
            security_groups,
            key,
            ssh,
            disk,
            volumes,
            metadata,
            user_data,
            protect,
            tags,
            lease: _,
        } = self;
        let hardware = (group, image, machine, market, placement);
        let network = (cluster, distributed, public_address, security_groups, key);
        let access = (ssh.as_ref().map(|ssh| &ssh.from), iam_profile);
        Digest::of(&(
            hardware,
            network,
            access,
            (metadata, protect),
            disk,
            volumes,
            user_data,
            tags,
        ))
        .short()
    }

    /// Fingerprint of all that a launch is made from, but for where and how it is tried.
    ///
    /// The public key is left out: whoever launches the same spec with another
    /// key must not launch it twice.
    pub fn launch_digest(&self) -> Digest {
        Digest::of(&(self.spec_digest(), &self.max_price, &self.lease))
    }

    /// Whether a security group of ours goes with the group.
    pub fn needs_own_security_group(&self) -> bool {
        self.ssh.is_some() || self.distributed
    }

    /// The disks that stay when the instance ends, as `root` or by device.
    pub fn kept_disks(&self) -> BTreeSet<&str> {
        let root = self.disk.as_ref().filter(|disk| disk.keep);
        let others = self.volumes.iter().filter(|(_, disk)| disk.keep);
        root.map(|_| "root")
            .into_iter()
            .chain(others.map(|(device, _)| device.as_str()))
            .collect()
    }

    /// Fingerprint of the user's boot script; `none` where there is none.
    ///
    /// The part that tells a distributed group its members is written at launch
    /// too, so its presence stands beside the fingerprint.
    pub fn user_data_digest(&self) -> String {
        let text = match &self.user_data {
            Some(text) => Digest::of_bytes(text.as_bytes()).short(),
            None => "none".to_owned(),
        };
        if self.distributed {
            text + DISTRIBUTED_SUFFIX
        } else {
            text
        }
    }
}
