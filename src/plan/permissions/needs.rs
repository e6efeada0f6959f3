//! What each kind of step sends, and on what.

use std::collections::BTreeMap;

use super::grants::{Grants, Kind, Objects};
use crate::plan::action::{
    Action, Change, Doomed, Introduction, Launch, NetworkObject, SecurityGroupChange,
};
use crate::resource::{
    Address, Instance, LiveInstance, LiveVolume, Placement, Purchase, own_disks, tag,
};

/// How EC2 names itself to KMS, in every region and partition.
const SERVICE: &str = "ec2.*";
/// The calls that write tags.
const RETAGGING: [&str; 2] = ["ec2:CreateTags", "ec2:DeleteTags"];
/// The call that tells an instance nearly everything that can change of it.
const MODIFY: &str = "ec2:ModifyInstanceAttribute";

impl Grants {
    /// What one step takes.
    pub(super) fn action(&mut self, action: &Action) {
        match action {
            Action::Launch(launch) => self.launch(launch),
            Action::Update(change) => self.update(change),
            Action::Restart(change) => self.restart(change),
            Action::Adopt(change) => self.adopt(change),
            Action::Terminate(doomed) => doomed.iter().for_each(|one| self.end(one)),
            Action::DeleteVolumes(volumes) => {
                for id in volumes {
                    let volume = Objects::one(Kind::Volume, id.as_str());
                    self.ours(volume, "ec2:DeleteVolume");
                }
            }
            Action::SecurityGroup(group) => self.security_group(group),
            Action::KeyPair(_) => self.make("ec2:ImportKeyPair"),
            Action::PlacementGroup(_) => self.make("ec2:CreatePlacementGroup"),
            Action::Retag(object) => {
                if let Some(objects) = goes_with_a_group(&object.address, &object.id) {
                    self.ours(objects, "ec2:CreateTags");
                }
            }
            Action::Introduce(introduction) => self.introduce(introduction),
            Action::DeleteNetwork(objects) => {
                for object in objects {
                    self.delete_network(object);
                }
            }
            Action::CancelSpot(requests) => {
                for id in requests {
                    self.cancel_spot(id);
                }
            }
            Action::Sync {
                address: _,
                data: _,
                files,
            } => self.transfer(files),
        }
    }

    fn launch(&mut self, launch: &Launch) {
        let Launch {
            identity,
            incarnation: _,
            instance,
            image,
            security_groups,
            own_group,
            key,
            placement_group,
            least,
            candidates,
            rejected: _,
        } = launch;
        let run = "ec2:RunInstances";
        self.make(run);
        let subnet = match &instance.placement {
            Placement::Subnet(id) => Some(id.clone()),
            Placement::Any | Placement::Zone(_) => None,
        };
        let used = [
            Objects::one(Kind::Image, &image.id),
            Objects::all(Kind::Snapshot),
            Objects {
                kind: Kind::Subnet,
                id: subnet,
            },
        ];
        let named = [
            (Kind::KeyPair, key),
            (Kind::PlacementGroup, placement_group),
        ];
        let named = named
            .into_iter()
            .filter_map(|(kind, name)| Some(Objects::one(kind, name.as_ref()?)));
        for objects in used.into_iter().chain(named) {
            self.any(objects, run);
        }
        self.wear(security_groups, own_group.as_ref(), run);
        // Fewer than were asked for are noted on those that there are.
        if (*least as usize) < identity.ordinals.len() {
            self.ours(Objects::all(Kind::Instance), "ec2:CreateTags");
        }
        let is_spot = |purchase: Purchase| purchase == Purchase::Spot;
        let spot = candidates.iter().any(|one| is_spot(one.purchase));
        self.take_back(instance, spot);
        // The answer to a launch of before may lack its profile.
        if instance.iam_profile.is_some() {
            self.profile(&Objects::all(Kind::Instance), &ours(self), instance);
        }
        self.buys_spot |= spot;
        self.key_users.insert(SERVICE);
    }

    /// Ending what was launched a moment ago, which has no id in the plan.
    ///
    /// Nobody ends any of it before its tags have been read, so that asking for them here
    /// keeps nothing alive.
    fn take_back(&mut self, instance: &Instance, spot: bool) {
        let launched = Objects::all(Kind::Instance);
        if instance.protect {
            self.ours(launched.clone(), MODIFY);
        }
        if spot {
            let requests = Objects::all(Kind::SpotRequest);
            self.ours(requests, "ec2:CancelSpotInstanceRequests");
        }
        self.ours(launched, "ec2:TerminateInstances");
    }

    /// Security groups that instances get: those of a list, one of ours that has no id yet, or
    /// the network's own where there is neither.
    fn wear(&mut self, ids: &[String], own: Option<&Address>, action: &'static str) {
        for id in ids {
            self.any(Objects::one(Kind::SecurityGroup, id), action);
        }
        if own.is_some() {
            self.ours(Objects::all(Kind::SecurityGroup), action);
        } else if ids.is_empty() {
            self.any(Objects::all(Kind::SecurityGroup), action);
        }
    }

    /// Giving instances a profile, or taking it away.
    fn profile(&mut self, instances: &Objects, tags: &BTreeMap<String, String>, wanted: &Instance) {
        let actions: &[&'static str] = if wanted.iam_profile.is_some() {
            self.gives_roles = true;
            &[
                "ec2:AssociateIamInstanceProfile",
                "ec2:ReplaceIamInstanceProfileAssociation",
            ]
        } else {
            &["ec2:DisassociateIamInstanceProfile"]
        };
        for action in actions {
            self.seen(instances.clone(), tags, action);
        }
    }

    fn update(&mut self, change: &Change) {
        self.names.insert(change.mark.environment.to_string());
        self.fields(change);
        let live = change.before.as_ref();
        let is_ours = |volume: &&LiveVolume| volume.tags.contains_key(tag::ENVIRONMENT);
        let disks: Vec<&LiveVolume> = live.volumes.values().map(AsRef::as_ref).collect();
        self.retag(live, disks.into_iter().filter(is_ours));
    }

    fn restart(&mut self, change: &Change) {
        self.update(change);
        let live = change.before.as_ref();
        for action in ["ec2:StopInstances", "ec2:StartInstances"] {
            self.seen(instance(live), &live.tags, action);
        }
        // An encrypted disk is unlocked at every start.
        self.key_users.insert(SERVICE);
    }

    fn adopt(&mut self, change: &Change) {
        self.fields(change);
        let live = change.before.as_ref();
        let disks = own_disks(&change.after, live).map(|(_, volume)| volume);
        self.retag(live, disks);
    }

    /// The tags of an instance and of what belongs to it.
    fn retag<'a>(&mut self, live: &LiveInstance, disks: impl Iterator<Item = &'a LiveVolume>) {
        let disks: Vec<&LiveVolume> = disks.collect();
        for action in RETAGGING {
            self.seen(instance(live), &live.tags, action);
            for disk in &disks {
                self.seen(volume(disk), &disk.tags, action);
            }
            // One that was attached later carries no tag of ours yet.
            for id in &live.interfaces {
                self.any(Objects::one(Kind::NetworkInterface, id), action);
            }
        }
    }

    /// What a change sends besides tags, field by field.
    fn fields(&mut self, change: &Change) {
        let live = change.before.as_ref();
        for field in &change.changes {
            let name = field.field.as_str();
            let (area, figure) = name.split_once('.').unwrap_or((name, ""));
            match area {
                "iam_profile" => self.profile(&instance(live), &live.tags, &change.after),
                "security_groups" => self.change_groups(change),
                "disk" | "volumes" if figure.ends_with("keep") => self.keep_disks(live),
                "disk" | "volumes" => {
                    if let Some(disk) = change.volume_of(name) {
                        self.seen(volume(disk), &disk.tags, "ec2:ModifyVolume");
                    }
                }
                "metadata" => {
                    let action = "ec2:ModifyInstanceMetadataOptions";
                    self.seen(instance(live), &live.tags, action);
                }
                "protect" | "type" => self.seen(instance(live), &live.tags, MODIFY),
                // Names, tags and the machine asked for are told by tags; `state` by the start.
                _ => {}
            }
        }
    }

    /// Where there are several interfaces, the first of them gets the groups.
    fn change_groups(&mut self, change: &Change) {
        let live = change.before.as_ref();
        let several = live.interfaces.len() > 1;
        let primary = live.primary_interface.as_ref().filter(|_| several);
        let action = if let Some(id) = primary {
            let action = "ec2:ModifyNetworkInterfaceAttribute";
            self.any(Objects::one(Kind::NetworkInterface, id), action);
            action
        } else {
            MODIFY
        };
        self.seen(instance(live), &live.tags, action);
        self.wear(&change.security_groups, change.own_group.as_ref(), action);
    }

    /// Whether a disk stays is told to the instance, and is about the disk too.
    fn keep_disks(&mut self, live: &LiveInstance) {
        self.seen(instance(live), &live.tags, MODIFY);
        for disk in live.volumes.values() {
            self.seen(volume(disk), &disk.tags, MODIFY);
        }
    }

    fn end(&mut self, one: &Doomed) {
        let Doomed {
            address: _,
            id,
            replaced_because: _,
            unprotect,
            spot_request,
        } = one;
        let instance = Objects::one(Kind::Instance, id.as_str());
        if *unprotect {
            self.ours(instance.clone(), MODIFY);
        }
        if let Some(id) = spot_request {
            self.cancel_spot(id);
        }
        self.ours(instance, "ec2:TerminateInstances");
    }

    /// A request keeps its tags when the environment of its instance is renamed, and that of an
    /// instance that was taken over has none: only its id is certain.
    fn cancel_spot(&mut self, id: &str) {
        let request = Objects::one(Kind::SpotRequest, id);
        self.any(request, "ec2:CancelSpotInstanceRequests");
    }

    fn security_group(&mut self, change: &SecurityGroupChange) {
        let SecurityGroupChange {
            address: _,
            existing,
            name: _,
            network,
            add,
            remove,
            tags: _,
        } = change;
        let group = Objects {
            kind: Kind::SecurityGroup,
            id: existing.clone(),
        };
        if existing.is_some() {
            self.ours(group.clone(), "ec2:CreateTags");
        } else {
            let action = "ec2:CreateSecurityGroup";
            self.make(action);
            let network = Objects {
                kind: Kind::Network,
                id: network.clone(),
            };
            self.any(network, action);
        }
        let rules = [
            (add, "ec2:AuthorizeSecurityGroupIngress"),
            (remove, "ec2:RevokeSecurityGroupIngress"),
        ];
        for (_, action) in rules.into_iter().filter(|(rules, _)| !rules.is_empty()) {
            self.ours(group.clone(), action);
        }
    }

    fn introduce(&mut self, introduction: &Introduction) {
        let Introduction {
            group: _,
            members,
            launched,
        } = introduction;
        for action in RETAGGING {
            for id in members.values() {
                self.ours(Objects::one(Kind::Instance, id.as_str()), action);
            }
            if !launched.is_empty() {
                self.ours(Objects::all(Kind::Instance), action);
            }
        }
    }

    fn delete_network(&mut self, object: &NetworkObject) {
        let Some(objects) = goes_with_a_group(&object.address, &object.id) else {
            return;
        };
        let action = match objects.kind {
            Kind::SecurityGroup => {
                // Rules of other groups of ours may refer to it.
                let others = Objects::all(Kind::SecurityGroup);
                self.ours(others, "ec2:RevokeSecurityGroupIngress");
                "ec2:DeleteSecurityGroup"
            }
            Kind::KeyPair => "ec2:DeleteKeyPair",
            Kind::PlacementGroup => "ec2:DeletePlacementGroup",
            Kind::Image
            | Kind::Instance
            | Kind::Network
            | Kind::NetworkInterface
            | Kind::Snapshot
            | Kind::SpotRequest
            | Kind::Subnet
            | Kind::Volume => return,
        };
        self.ours(objects, action);
    }
}

/// Tags that show what they are on to be ours.
fn ours(grants: &Grants) -> BTreeMap<String, String> {
    let name = grants.environment.to_string();
    BTreeMap::from([(tag::ENVIRONMENT.to_owned(), name)])
}

fn instance(live: &LiveInstance) -> Objects {
    Objects::one(Kind::Instance, live.id.as_str())
}

fn volume(live: &LiveVolume) -> Objects {
    Objects::one(Kind::Volume, live.id.as_str())
}

/// What goes with a group of instances.
///
/// EC2 deletes and tags keys by id and names them by their name in policies (Service
/// Authorization Reference, EC2), as it does with placement groups, so their tag alone says
/// which are meant.
fn goes_with_a_group(address: &Address, id: &str) -> Option<Objects> {
    match address {
        Address::SecurityGroup(_) => Some(Objects::one(Kind::SecurityGroup, id)),
        Address::KeyPair(_) => Some(Objects::all(Kind::KeyPair)),
        Address::PlacementGroup(_) => Some(Objects::all(Kind::PlacementGroup)),
        Address::Data(_) | Address::Instance { .. } | Address::Volume(_) => None,
    }
}
