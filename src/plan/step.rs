//! The plan as a value: it is read, printed, checked and applied, never edited.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::verb::{Summary, Verb};
use crate::resource::{
    AccountId, Address, DataSet, EnvironmentName, FieldChange, Instance, InstanceId,
    LaunchIdentity, Lease, LiveInstance, Mark, Region, ResolvedImage, VolumeId, owned_tags,
};
use crate::sync::SyncPlan;

/// The number of a step within its plan, from 1.
pub type StepId = u32;

/// What a plan is for. Only for display: whoever applies a plan never reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Make AWS what the spec says.
    Reconcile,
    /// End the environment.
    Destroy,
}

/// The steps from what is to what should be, with everything left alone and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The environment.
    pub environment: EnvironmentName,
    /// The account that it is for.
    pub account: AccountId,
    /// The region that it is for.
    pub region: Region,
    /// What it is for.
    pub mode: Mode,
    /// When it was made.
    pub made_at: Timestamp,
    /// The lease that new instances get.
    pub lease: Option<Lease>,
    /// When the first lease of what is alive now ends.
    pub lease_ends: Option<Timestamp>,
    /// What to do.
    pub steps: Vec<Step>,
    /// What is left alone although something about it is wrong.
    pub held: Vec<Held>,
    /// What a reviewer should know and nothing is done about.
    pub notes: Vec<Note>,
    /// What is as it should be.
    pub unchanged: Vec<Address>,
    /// Why it must not be applied, if so.
    pub refusal: Option<Refusal>,
}

impl Plan {
    /// Whether there is nothing to do, and nothing is left alone that is not as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.held.is_empty()
    }

    /// What the steps amount to.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for verb in self.verbs().into_values() {
            match verb {
                Verb::Create => summary.create += 1,
                Verb::Update => summary.update += 1,
                Verb::Restart => summary.restart += 1,
                Verb::Replace => summary.replace += 1,
                Verb::Delete => summary.delete += 1,
                Verb::Sync => {}
            }
        }
        for step in &self.steps {
            if let Action::Sync { files, .. } = &step.action {
                let transferred = files.transferred();
                summary.transfer_files += transferred.files;
                summary.transfer_bytes += transferred.bytes;
                summary.delete_files += files.deleted().files;
            }
        }
        summary
    }

    /// The instances that are terminated to be made anew.
    pub fn replaced(&self) -> impl Iterator<Item = &Doomed> {
        self.steps
            .iter()
            .filter_map(|step| match &step.action {
                Action::Terminate(doomed) => Some(doomed),
                Action::Launch(_)
                | Action::Update(_)
                | Action::Restart(_)
                | Action::DeleteVolumes(_)
                | Action::Sync { .. } => None,
            })
            .flatten()
            .filter(|one| !one.replaced_because.is_empty())
    }

    /// What happens to each object, in the order of addresses; ids tell duplicates apart.
    pub fn verbs(&self) -> BTreeMap<(Address, Option<InstanceId>), Verb> {
        let mut verbs = BTreeMap::new();
        let replaced: BTreeSet<&Address> = self.replaced().map(|one| &one.address).collect();
        for step in &self.steps {
            match &step.action {
                Action::Launch(launch) => {
                    for address in launch.addresses() {
                        let again = replaced.contains(&address);
                        let verb = if again { Verb::Replace } else { Verb::Create };
                        verbs.insert((address, None), verb);
                    }
                }
                Action::Update(change) => {
                    verbs.insert((change.address.clone(), None), Verb::Update);
                }
                Action::Restart(change) => {
                    verbs.insert((change.address.clone(), None), Verb::Restart);
                }
                Action::Terminate(doomed) => {
                    for one in doomed.iter().filter(|one| one.replaced_because.is_empty()) {
                        verbs.insert((one.address.clone(), Some(one.id.clone())), Verb::Delete);
                    }
                }
                Action::DeleteVolumes(volumes) => {
                    for volume in volumes {
                        verbs.insert((Address::Volume(volume.clone()), None), Verb::Delete);
                    }
                }
                Action::Sync { address, .. } => {
                    verbs.insert((address.clone(), None), Verb::Sync);
                }
            }
        }
        verbs
    }
}

/// One action with its reason and what must be done before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The steps that must have succeeded.
    pub after: BTreeSet<StepId>,
}

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

/// A launch of equal instances, complete but for its incarnation.
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
    pub fn tags(&self, incarnation: u32) -> BTreeMap<String, String> {
        owned_tags(&self.instance, &self.identity, incarnation)
    }
}

/// A change to one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Where it stands.
    pub address: Address,
    /// As it was seen.
    pub before: Box<LiveInstance>,
    /// What its tags said.
    pub mark: Box<Mark>,
    /// What it should be.
    pub after: Arc<Instance>,
    /// The fields that differ.
    pub changes: Vec<FieldChange>,
    /// Ids of the security groups that it should have, where they change.
    pub security_groups: Vec<String>,
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
}

/// Why a step is taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The spec asks for it and nothing is there.
    Missing,
    /// The spec was edited since it was last applied.
    Edited,
    /// Somebody changed it on AWS.
    Drifted,
    /// A field changed that cannot be changed on what exists.
    Immutable,
    /// The spec does not ask for it.
    NotInSpec,
    /// Two instances stand at one address.
    Duplicate,
    /// Its instance is gone.
    Leftover,
    /// Files differ.
    FilesDiffer,
    /// The user asked for it.
    Requested,
}

impl Reason {
    /// The reason in a few words.
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Missing => "the spec asks for it, and it is not there",
            Self::Edited => "the spec was edited",
            Self::Drifted => "it was changed on AWS, not in the spec",
            Self::Immutable => "a field changed that cannot be changed on a running instance",
            Self::NotInSpec => "the spec does not name it any more",
            Self::Duplicate => "another instance has its place already",
            Self::Leftover => "its instance is gone",
            Self::FilesDiffer => "files differ",
            Self::Requested => "you asked for it",
        }
    }

    /// The word in programs' output.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Edited => "edited",
            Self::Drifted => "drifted",
            Self::Immutable => "immutable",
            Self::NotInSpec => "not-in-spec",
            Self::Duplicate => "duplicate",
            Self::Leftover => "leftover",
            Self::FilesDiffer => "files-differ",
            Self::Requested => "requested",
        }
    }
}

/// Something left alone, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Its siblings were launched a moment ago: it exists, or will be seen soon.
    NotYetVisible {
        /// Where it will stand.
        address: Address,
        /// When its absence may be believed.
        until: Timestamp,
    },
    /// It names this environment, but the proof that it is ours has a gap.
    Unproven {
        /// The instance.
        id: InstanceId,
        /// The gap.
        reason: String,
    },
    /// Its termination protection is on.
    Protected {
        /// Where it stands.
        address: Address,
        /// The instance.
        id: InstanceId,
        /// What is not done because of it, and why it would be.
        withheld: String,
    },
    /// An instance that may already be it has not been identified.
    Blocked {
        /// Where it would stand.
        address: Address,
        /// The instance that must be looked at first.
        by: InstanceId,
    },
    /// Files of a data set could not be read, so it is not whole.
    Unreadable {
        /// The data set.
        address: Address,
        /// How many files or folders.
        count: usize,
        /// The first of them with its reason.
        first: String,
    },
    /// Something that it needs was not found.
    Unresolved {
        /// Where it would stand.
        address: Address,
        /// What is missing.
        what: String,
    },
}

/// Something that a reviewer should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// An instance keeps the lease that its timer was armed with.
    KeepsLease {
        /// Where it stands.
        address: Address,
        /// The lease that it has, where it can be read.
        lease: Option<Lease>,
    },
    /// A volume of ours that is attached to nothing; destroying the environment deletes it.
    LooseVolume {
        /// The volume.
        id: VolumeId,
        /// Its size in GiB.
        gibibytes: u32,
    },
    /// Deletions that were asked for and are not planned.
    DeletionsWithheld {
        /// The data set.
        address: Address,
        /// Why.
        reason: String,
    },
    /// Files that take no part in a data set, and why.
    FilesSkipped {
        /// The data set.
        address: Address,
        /// How many.
        count: usize,
        /// The first of them with its reason.
        first: String,
    },
}

/// Why a plan must not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The environment's lease has run out.
    LeaseOver {
        /// When it ended, where that can be told.
        ended: Option<Timestamp>,
    },
}
