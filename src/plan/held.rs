//! What is left alone, what a reviewer should know, and why a plan must not be applied.

use jiff::Timestamp;

use super::disks::{StayingDisk, VolumeFacts};
use crate::resource::{Address, GroupName, InstanceId, Lease, ResolvedImage, VolumeId};
use crate::sync::TooManyDeletions;

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
    /// An instance is to be taken over and cannot be, as it is.
    NotAdopted {
        /// Where it would stand.
        address: Address,
        /// The instance.
        id: InstanceId,
        /// Why not.
        why: String,
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
    LooseVolume(VolumeFacts),
    /// Deletions that were asked for and are not planned.
    DeletionsWithheld {
        /// The data set.
        address: Address,
        /// Why.
        reason: String,
    },
    /// A volume that was to outlive its instance, and has.
    KeptVolume(VolumeFacts),
    /// A volume that a step of the plan deletes.
    VolumeGoes(VolumeFacts),
    /// Disks that stay, and go on costing money, when a step of the plan ends their instance.
    DisksStay {
        /// Where the instance stands.
        address: Address,
        /// The instance.
        instance: InstanceId,
        /// Its disks that stay.
        disks: Vec<StayingDisk>,
    },
    /// A disk that outlives the instance that is taken over and that its spec does not name.
    OthersDisk {
        /// Where the instance will stand.
        address: Address,
        /// The device that the disk is attached as.
        device: String,
        /// The volume.
        id: VolumeId,
        /// Its size in GiB.
        gibibytes: u32,
    },
    /// The spec's selector means a newer image than the one that runs.
    NewerImage {
        /// Who runs the older one.
        addresses: Vec<Address>,
        /// The image that runs.
        runs: String,
        /// The newest.
        newest: ResolvedImage,
    },
    /// An image that has seen its best days.
    ImageWarning {
        /// The group that names it.
        group: GroupName,
        /// What is the matter, and what to do.
        text: String,
    },
    /// A disk grows, and the file system on it does not grow by itself.
    FileSystem {
        /// Where it stands.
        address: Address,
        /// The field that says the size.
        field: String,
    },
    /// Fewer instances run than were asked for, and the spec accepts that.
    Fewer {
        /// The group.
        group: GroupName,
        /// How many run.
        alive: u32,
        /// How many were asked for.
        count: u32,
        /// How many will do.
        min: u32,
    },
    /// A group is launched anew although it was to take over the instances of another name.
    NothingRenamed {
        /// The group.
        group: GroupName,
        /// The name under which nothing runs.
        renamed_from: GroupName,
        /// Groups that run and that the spec does not name.
        ending: Vec<GroupName>,
    },
    /// It was launched with another public key than the one at hand, and goes on with it.
    OtherKey {
        /// Where it stands.
        address: Address,
        /// What its key is to what the spec asks for.
        key: KeyDifference,
    },
    /// Only a part of the environment was planned, as the user asked.
    OnlyTargets {
        /// What was asked for.
        targets: Vec<String>,
    },
    /// A data set whose bucket is in another region than the environment.
    OtherRegion {
        /// The data set.
        address: Address,
        /// Where its bucket is.
        region: String,
    },
    /// Objects of a data set that may come down as one file: they differ in case only.
    CaseConflicts {
        /// The data set.
        address: Address,
        /// How many.
        count: usize,
        /// The first two.
        first: String,
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
    /// What is to be known of the archive of a data set.
    ArchiveFound {
        /// The data set.
        address: Address,
        /// What was found, and what follows from it.
        remark: String,
    },
}

/// How the key that an instance was launched with differs from what its spec asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyDifference {
    /// It has another one.
    Other,
    /// It has none.
    None,
    /// It has one, and the spec asks for none.
    NotAskedFor,
}

/// Why a plan must not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The environment's lease has run out.
    LeaseOver {
        /// When it ended, where that can be told.
        ended: Option<Timestamp>,
    },
    /// A data set would lose more files of its target than its spec allows.
    TooManyDeletions {
        /// The data set.
        address: Address,
        /// How many, and how many are allowed.
        excess: TooManyDeletions,
    },
}
