//! The plan as a value: it is read, printed, checked and applied, never edited.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::action::{Action, Doomed};
use super::held::{Held, Note, Refusal};
use super::verb::{Summary, Verb};
use crate::resource::{AccountId, Address, EnvironmentName, InstanceId, Lease, Region};

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
        let mut summary = Summary {
            held: self.held.len() as u64,
            ..Summary::default()
        };
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
            .filter_map(|step| step.action.doomed())
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
                Action::Update(change) | Action::Adopt(change) => {
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
                Action::SecurityGroup(group) => {
                    let verb = match group.existing {
                        None => Verb::Create,
                        Some(_) => Verb::Update,
                    };
                    verbs.insert((group.address.clone(), None), verb);
                }
                Action::KeyPair(key) => {
                    verbs.insert((key.address.clone(), None), Verb::Create);
                }
                Action::PlacementGroup(group) => {
                    verbs.insert((group.address.clone(), None), Verb::Create);
                }
                Action::Retag(object) => {
                    verbs.insert((object.address.clone(), None), Verb::Update);
                }
                Action::Introduce(introduction) => {
                    // An introduction after a launch is part of that launch.
                    for address in introduction.alone() {
                        verbs.insert((address, None), Verb::Update);
                    }
                }
                Action::DeleteNetwork(objects) => {
                    for object in objects {
                        verbs.insert((object.address.clone(), None), Verb::Delete);
                    }
                }
                Action::CancelSpot(_) => {}
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
    /// The spec asks for fewer of its group.
    CountLowered {
        /// How many it asks for now.
        count: u32,
    },
    /// Two instances stand at one address.
    Duplicate,
    /// Its instance is gone.
    Leftover,
    /// A field that cannot be changed on what exists was changed on AWS.
    ImmutableDrift,
    /// The members of a group have not been told of one another as they are now.
    MembersChanged,
    /// Another part of its group could not be launched, and the group is all or nothing.
    AllOrNothing,
    /// The spec names it to be taken over.
    Adopted,
    /// Files differ.
    FilesDiffer,
    /// The user asked for it.
    Requested,
}

impl Reason {
    /// The reason in a few words.
    pub fn text(&self) -> Cow<'static, str> {
        let text = match self {
            Self::CountLowered { count } => return format!("`count` is {count} now").into(),
            Self::Missing => "the spec asks for it, and it is not there",
            Self::Edited => "the spec was edited",
            Self::Drifted => "it was changed on AWS, not in the spec",
            Self::Immutable => {
                "the spec was edited in what cannot be changed on a running instance"
            }
            Self::NotInSpec => "the spec does not name it any more",
            Self::Duplicate => "another instance has its place already",
            Self::Leftover => "its instance is gone",
            Self::ImmutableDrift => {
                "it was changed on AWS in what cannot be changed back on a running instance"
            }
            Self::MembersChanged => "its members have changed",
            Self::AllOrNothing => {
                "another part of its group has no capacity, and the group is all or nothing"
            }
            Self::Adopted => "the spec takes it over",
            Self::FilesDiffer => "files differ",
            Self::Requested => "you asked for it",
        };
        text.into()
    }

    /// The word in programs' output.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Edited => "edited",
            Self::Drifted => "drifted",
            Self::Immutable => "immutable",
            Self::NotInSpec => "not-in-spec",
            Self::CountLowered { count: _ } => "count-lowered",
            Self::Duplicate => "duplicate",
            Self::Leftover => "leftover",
            Self::ImmutableDrift => "immutable-drift",
            Self::MembersChanged => "members-changed",
            Self::AllOrNothing => "all-or-nothing",
            Self::Adopted => "adopted",
            Self::FilesDiffer => "files-differ",
            Self::Requested => "requested",
        }
    }
}
