//! What an environment is made of: one file a kind, all of it pure.
//!
//! *Desired* is a spec lowered: complete and absolute. *Live* is one object as
//! the provider reported it at one moment. The difference between the two is a
//! list of [`FieldChange`]s, each with the effect that applying it has.
//!
//! # Adding a kind
//!
//! 1. Its file here: desired, live, and a `diff` that destructures both without `..`.
//! 2. A variant of [`Address`], and of [`Action`](crate::plan::Action) where no
//!    present one fits.
//! 3. Its file under `cloud/` that observes and performs.
//! 4. The match arms that the compiler then names.

mod address;
mod attached;
mod candidate;
mod change;
mod cidr;
mod data;
mod deletion_limit;
mod desired;
mod digest;
mod disk;
mod field_effect;
mod fields;
#[cfg(test)]
pub(crate) mod fixtures;
mod identifier;
mod image;
mod image_support;
mod instance;
mod instance_diff;
mod instance_diff_disks;
mod instance_diff_machine;
mod live;
mod machine;
mod market;
mod members;
mod need;
mod network;
mod object_options;
mod ordinals;
mod own_disks;
mod own_tags;
mod ownership;
mod price;
mod public_key;
mod quota;
mod range;
mod secret;
mod sign_in;
mod ssh;
mod token;
mod units;
mod wait;

pub use address::Address;
pub use attached::{Attached, AttachedKind};
pub use candidate::{Attempt, Candidate, ROUND_SECONDS, Rejected};
pub use change::{Effect, FieldChange, Value};
pub use cidr::Cidr;
pub use data::{Archive, Compare, DataPlace, DataSet, Deletion};
pub use deletion_limit::{DeletionLimit, DeletionLimitError};
pub use desired::{Desired, Group, Target};
pub use digest::Digest;
pub use disk::{Disk, DiskKind};
pub use field_effect::{FieldEffect, FieldFact};
pub use fields::{FIELDS, fields_markdown};
pub use identifier::{AccountId, EnvironmentName, GroupName, InstanceId, Region, VolumeId};
pub use image::{ImageSelector, ResolvedImage};
pub use image_support::{Support, described_families, image_support, is_described};
pub use instance::{DISTRIBUTED_SUFFIX, Instance, Metadata, OWN_NAME_PREFIX, Placement, Tokens};
pub use instance_diff::{Known, diff, in_place_changes};
pub use live::{
    InstanceState, LiveAttributes, LiveInstance, LiveMetadata, LiveSecurityGroup, LiveVolume,
};
pub use machine::{Choice, Machine, MachineGpu, SizeKey, choose};
pub use market::{MachineSelector, Market, Purchase};
pub use members::{MOST_MEMBERS, member_tags};
pub use need::{GpuNeed, Need};
pub use network::{
    Caller, OwnKeyPair, OwnNetwork, OwnPlacementGroup, OwnSecurityGroup, Rule, RuleSource,
    SpotRequest, network_claim, own_key_name, own_name, short_fingerprint, wanted_rules,
};
pub use object_options::{Encryption, KmsKey, KmsKeyError, ObjectOptions, StorageClass};
pub use ordinals::Ordinals;
pub use own_disks::{is_kept, others_disks, own_disks};
pub(crate) use own_tags::{LONGEST_VALUE, MOST_TAGS, own_tag_count};
pub use own_tags::{adoption_tags, object_tags, owned_tags, too_many_tags};
pub use ownership::{Claim, Mark, TAG_PREFIX, claim, object_claim, tag, volume_claim};
pub use price::Price;
pub use public_key::{KeyKind, PublicKey};
pub use quota::{Quota, quota_of, raise_help};
pub use range::Range;
pub use secret::{Secret, SecretKind, Secrets, hide_secrets};
pub use sign_in::{RoleArn, RoleError, RoleName, SessionLength, SignIn};
pub use ssh::{PublicKeySource, SSH_PORT, Ssh, SshSource};
pub use token::{LaunchIdentity, TOKEN_PREFIX};
pub use units::{Lease, ParseUnitError, Size, Throughput, human_bytes, human_duration};
pub use wait::Wait;
