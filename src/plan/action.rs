//! What a step does, as values that are complete before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::lease::Boot;
use crate::resource::{
    Address, Attempt, Candidate, DataSet, EnvironmentName, FieldChange, GroupName, Instance,
    InstanceId, LaunchIdentity, LiveInstance, LiveVolume, Mark, Ordinals, PublicKey, ROUND_SECONDS,
    Rejected, ResolvedImage, Rule, VolumeId, owned_tags,
};
use crate::sync::SyncPlan;

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Launch equal instances in one call.
    Launch(Launch),
    /// Change an instance while it runs.
    Update(Change),
    /// Stop an instance, change it, start it.
    Restart(Change),
    /// Terminate instances and see them terminated.
    Terminate(Vec<Doomed>),
    /// Delete volumes that outlived their instances.
    DeleteVolumes(Vec<VolumeId>),
    /// Take over an instance that was launched by other means: tags, and what else differs.
    Adopt(Change),
    /// Make a security group of ours, or change who may come in.
    SecurityGroup(SecurityGroupChange),
    /// Import a public key.
    KeyPair(KeyImport),
    /// Make a placement group of ours.
    PlacementGroup(PlacementGroupCreation),
    /// Let the tags of something that goes with a group follow a new name.
    Retag(RetaggedObject),
    /// Tell the members of a distributed group of one another.
    Introduce(Introduction),
    /// Delete what went with a group and is no longer used.
    DeleteNetwork(Vec<NetworkObject>),
    /// Cancel spot requests that would launch again.
    CancelSpot(Vec<String>),
    /// Transfer files.
    Sync {
        /// The data set.
        address: Address,
        /// Its places.
        data: DataSet,
        /// The files.
        files: SyncPlan,
    },
}

impl Action {
    /// What it takes over, if that is what it does.
    pub fn adopted(&self) -> Option<&Change> {
        match self {
            Self::Adopt(change) => Some(change),
            Self::Launch(_)
            | Self::Update(_)
            | Self::Restart(_)
            | Self::Terminate(_)
            | Self::DeleteVolumes(_)
            | Self::SecurityGroup(_)
            | Self::KeyPair(_)
            | Self::PlacementGroup(_)
            | Self::Retag(_)
            | Self::Introduce(_)
            | Self::DeleteNetwork(_)
            | Self::CancelSpot(_)
            | Self::Sync { .. } => None,
        }
    }

    /// The instances that it terminates, if that is what it does.
    pub fn doomed(&self) -> Option<&[Doomed]> {
        match self {
            Self::Terminate(doomed) => Some(doomed),
            Self::Launch(_)
            | Self::Update(_)
            | Self::Restart(_)
            | Self::DeleteVolumes(_)
            | Self::Adopt(_)
            | Self::SecurityGroup(_)
            | Self::KeyPair(_)
            | Self::PlacementGroup(_)
            | Self::Retag(_)
            | Self::Introduce(_)
            | Self::DeleteNetwork(_)
            | Self::CancelSpot(_)
            | Self::Sync { .. } => None,
        }
    }
}

/// A launch of equal instances, complete but for its incarnation and its attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Launch {
    /// What makes the token.
    pub identity: LaunchIdentity,
    /// The incarnation to begin with.
    pub incarnation: u32,
    /// What each of them is.
    pub instance: Arc<Instance>,
    /// The image, pinned.
    pub image: ResolvedImage,
    /// Ids of security groups; empty leaves the default one.
    pub security_groups: Vec<String>,
    /// The security group of ours that an earlier step makes.
    pub own_group: Option<Address>,
    /// The name of the key pair.
    pub key: Option<String>,
    /// The name of the placement group.
    pub placement_group: Option<String>,
    /// The fewest instances that will do; all of them unless the spec says otherwise.
    pub least: u32,
    /// What is tried, in this order; never empty.
    pub candidates: Vec<Candidate>,
    /// What the spec names and is not tried, and why.
    pub rejected: Vec<Rejected>,
}

impl Launch {
    /// The addresses that it fills, lowest first.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + '_ {
        self.identity
            .ordinals
            .iter()
            .map(|ordinal| Address::Instance {
                group: self.identity.group.clone(),
                ordinal,
            })
    }

    /// Everything that the new objects are tagged with.
    pub fn tags(&self, attempt: &Attempt, incarnation: u32) -> BTreeMap<String, String> {
        owned_tags(&self.instance, &self.identity, incarnation, attempt)
    }

    /// The token of one attempt: another type, zone, way to buy or round has another.
    pub fn token(&self, attempt: &Attempt, incarnation: u32) -> String {
        self.identity.of_attempt(attempt).token(incarnation)
    }

    /// The user data of one attempt: what was waited is taken off the lease.
    pub fn user_data(&self, attempt: &Attempt) -> String {
        let Instance {
            lease,
            distributed,
            user_data,
            ..
        } = self.instance.as_ref();
        let boot = Boot {
            seconds: lease.seconds().saturating_sub(attempt.waited()),
            distributed: *distributed,
            user_data: user_data.as_deref(),
        };
        boot.user_data()
    }

    /// The first attempt at each candidate.
    pub fn attempts(&self, round: u32) -> impl Iterator<Item = Attempt> + '_ {
        self.candidates.iter().map(move |candidate| Attempt {
            candidate: candidate.clone(),
            round,
        })
    }

    /// How many rounds of attempts there are: one, and one for each pause of the wait.
    pub fn rounds(&self) -> u32 {
        let waits = self
            .instance
            .wait
            .map_or(0, |wait| wait.seconds() / ROUND_SECONDS);
        u32::try_from(waits).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A change to one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it stands.
    pub address: Address,
    /// As it was seen.
    pub before: Arc<LiveInstance>,
    /// What its tags said.
    pub mark: Arc<Mark>,
    /// What it should be.
    pub after: Arc<Instance>,
    /// The environment that it belongs to from then on.
    pub environment: EnvironmentName,
    /// The type that it has from then on.
    pub instance_type: String,
    /// The fields that differ.
    pub changes: Vec<FieldChange>,
    /// Ids of the security groups that it should have, where they change.
    pub security_groups: Vec<String>,
    /// The security group of ours among them that an earlier step makes.
    pub own_group: Option<Address>,
}

impl Change {
    /// The volume that a field such as `disk.size` or `volumes./dev/sdf.type` is about.
    ///
    /// Whether a volume is kept is a matter of its attachment, not of the volume.
    pub fn volume_of(&self, field: &str) -> Option<&LiveVolume> {
        let (place, figure) = field.rsplit_once('.')?;
        if figure == "keep" {
            return None;
        }
        match place {
            "disk" => self.before.root_volume(),
            other => {
                let device = other.strip_prefix("volumes.")?;
                self.before.volumes.get(device).map(Arc::as_ref)
            }
        }
    }
}

/// An instance to terminate.
#[derive(Debug, Clone, PartialEq)]
pub struct Doomed {
    /// Where it stands.
    pub address: Address,
    /// Its id.
    pub id: InstanceId,
    /// The changes that force a replacement; empty where it goes for good.
    pub replaced_because: Vec<FieldChange>,
    /// Whether its protection is to be lifted first, as the user asked.
    pub unprotect: bool,
    /// The spot request that it came from, which is cancelled first.
    pub spot_request: Option<String>,
}

/// A security group of ours to make or to change.
#[derive(Debug, Clone, PartialEq)]
pub struct SecurityGroupChange {
    /// Where it stands.
    pub address: Address,
    /// Its id, where it exists.
    pub existing: Option<String>,
    /// Its name.
    pub name: String,
    /// The network to make it in; the default one where nothing is said.
    pub network: Option<String>,
    /// The rules to add.
    pub add: BTreeSet<Rule>,
    /// The rules to take away; added ones come first, so that nobody is locked out between the two.
    pub remove: BTreeSet<Rule>,
    /// The tags to set.
    pub tags: BTreeMap<String, String>,
}

/// A public key to import.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyImport {
    /// Where it stands.
    pub address: Address,
    /// The name that it gets.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A placement group to make.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementGroupCreation {
    /// Where it stands.
    pub address: Address,
    /// The name that it gets.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The members of a distributed group, who are told one another's addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Introduction {
    /// The group.
    pub group: GroupName,
    /// Members that are there already, by number.
    pub members: BTreeMap<u32, InstanceId>,
    /// The numbers that earlier steps launch.
    pub launched: Ordinals,
}

impl Introduction {
    /// The members that no launch of this plan tells of.
    pub fn alone(&self) -> Vec<Address> {
        if !self.launched.is_empty() {
            return Vec::new();
        }
        let address = |ordinal: &u32| Address::Instance {
            group: self.group.clone(),
            ordinal: *ordinal,
        };
        self.members.keys().map(address).collect()
    }
}

/// Something of ours whose environment or group has a new name.
#[derive(Debug, Clone, PartialEq)]
pub struct RetaggedObject {
    /// Where it stands.
    pub address: Address,
    /// Its id.
    pub id: String,
    /// Its name, which stays.
    pub name: String,
    /// The tags to set.
    pub tags: BTreeMap<String, String>,
}

/// Something of ours that went with a group.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkObject {
    /// Where it stands.
    pub address: Address,
    /// Its id, or its name where EC2 deletes by name.
    pub id: String,
    /// Its name.
    pub name: String,
}
