//! Calls together with what they are allowed on, in as few blocks as say no more than that.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{Actions, Kind, Objects};

/// Calls that are all allowed on all of these objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) actions: Actions,
    pub(super) on: BTreeSet<Objects>,
}

/// Writes calls by object as blocks.
///
/// Two blocks become one where no call of either is about an object of the other: a policy
/// that allows `TerminateInstances` on a volume allows nothing by that.
pub(super) fn blocks(on: &BTreeMap<Objects, Actions>) -> Vec<Block> {
    let mut by_actions: BTreeMap<&Actions, BTreeSet<Objects>> = BTreeMap::new();
    for (objects, actions) in on {
        let same = by_actions.entry(actions).or_default();
        same.insert(objects.clone());
    }
    let mut blocks: Vec<Block> = Vec::new();
    for (actions, on) in by_actions {
        let next = Block {
            actions: actions.clone(),
            on,
        };
        match blocks.iter_mut().find(|block| block.is_apart_from(&next)) {
            Some(block) => {
                block.actions.extend(next.actions);
                block.on.extend(next.on);
            }
            None => blocks.push(next),
        }
    }
    blocks
}

impl Block {
    fn is_apart_from(&self, other: &Self) -> bool {
        !self.reaches(other) && !other.reaches(self)
    }

    fn reaches(&self, other: &Self) -> bool {
        let reached = |objects| self.actions.iter().any(|action| is_about(action, objects));
        other.on.iter().any(reached)
    }
}

/// Whether a call can be about these objects (Service Authorization Reference, EC2); one that is
/// not named here may be about anything.
fn is_about(action: &str, objects: &Objects) -> bool {
    let Objects { kind, id } = objects;
    let kinds: &[Kind] = match action {
        "ec2:AssociateIamInstanceProfile"
        | "ec2:DisassociateIamInstanceProfile"
        | "ec2:ModifyInstanceMetadataOptions"
        | "ec2:ReplaceIamInstanceProfileAssociation"
        | "ec2:StartInstances"
        | "ec2:StopInstances"
        | "ec2:TerminateInstances" => &[Kind::Instance],
        "ec2:ModifyInstanceAttribute" => &[Kind::Instance, Kind::SecurityGroup, Kind::Volume],
        "ec2:ModifyNetworkInterfaceAttribute" => {
            &[Kind::Instance, Kind::NetworkInterface, Kind::SecurityGroup]
        }
        "ec2:AuthorizeSecurityGroupIngress"
        | "ec2:DeleteSecurityGroup"
        | "ec2:RevokeSecurityGroupIngress" => &[Kind::SecurityGroup],
        // What has an id is not made any more.
        "ec2:CreateSecurityGroup" if id.is_some() => &[Kind::Network],
        "ec2:CreateSecurityGroup" => &[Kind::Network, Kind::SecurityGroup],
        "ec2:CancelSpotInstanceRequests" => &[Kind::SpotRequest],
        "ec2:DeleteKeyPair" => &[Kind::KeyPair],
        "ec2:DeletePlacementGroup" => &[Kind::PlacementGroup],
        "ec2:DeleteVolume" | "ec2:ModifyVolume" => &[Kind::Volume],
        "ec2:RunInstances" => return *kind != Kind::Network,
        _ => return true,
    };
    kinds.contains(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(on: &[(Kind, &'static str, &[&'static str])]) -> Vec<Block> {
        let on = on.iter().map(|(kind, id, actions)| {
            let actions = actions.iter().copied().collect();
            (Objects::one(*kind, *id), actions)
        });
        blocks(&on.collect())
    }

    #[test]
    fn what_is_about_different_kinds_stands_together() {
        let blocks = grouped(&[
            (Kind::Instance, "i-1", &["ec2:TerminateInstances"]),
            (Kind::Volume, "vol-1", &["ec2:DeleteVolume"]),
            (Kind::SecurityGroup, "sg-1", &["ec2:DeleteSecurityGroup"]),
        ]);
        assert_eq!(blocks.len(), 1);
        assert_eq!((blocks[0].actions.len(), blocks[0].on.len()), (3, 3));
    }

    #[test]
    fn what_would_allow_more_stays_apart() {
        for (one, other) in [
            // Each of two instances has calls of its own.
            (
                (Kind::Instance, "i-1", "ec2:TerminateInstances"),
                (Kind::Instance, "i-2", "ec2:StopInstances"),
            ),
            // Tags are put on anything.
            (
                (Kind::Volume, "vol-1", "ec2:ModifyVolume"),
                (Kind::Instance, "i-1", "ec2:CreateTags"),
            ),
            // An attribute of an instance can be about its disks.
            (
                (Kind::Instance, "i-1", "ec2:ModifyInstanceAttribute"),
                (Kind::Volume, "vol-1", "ec2:ModifyVolume"),
            ),
        ] {
            let on = [one, other].map(|(kind, id, action)| (kind, id, [action]));
            let on: Vec<(Kind, &str, &[&str])> = on
                .iter()
                .map(|(kind, id, actions)| (*kind, *id, actions.as_slice()))
                .collect();
            assert_eq!(grouped(&on).len(), 2, "{one:?} {other:?}");
        }
    }
}
