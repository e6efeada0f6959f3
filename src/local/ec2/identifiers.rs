//! Ids in requests: their shape, whether they exist, and how EC2 says not.

use crate::local::state::is_well_formed;
use crate::local::wire::Refusal;

/// A kind of resource, and the words and codes that EC2 has for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) prefix: &'static str,
    pub(super) malformed: &'static str,
    pub(super) missing: &'static str,
    pub(super) noun: &'static str,
}

pub(super) const INSTANCE: Kind = Kind {
    prefix: "i",
    malformed: "InvalidInstanceID.Malformed",
    missing: "InvalidInstanceID.NotFound",
    noun: "instance ID",
};

pub(super) const VOLUME: Kind = Kind {
    prefix: "vol",
    malformed: "InvalidVolumeID.Malformed",
    missing: "InvalidVolume.NotFound",
    noun: "volume",
};

pub(super) const GROUP: Kind = Kind {
    prefix: "sg",
    malformed: "InvalidGroupId.Malformed",
    missing: "InvalidGroup.NotFound",
    noun: "security group",
};

pub(super) const IMAGE: Kind = Kind {
    prefix: "ami",
    malformed: "InvalidAMIID.Malformed",
    missing: "InvalidAMIID.NotFound",
    noun: "image id",
};

pub(super) const SUBNET: Kind = Kind {
    prefix: "subnet",
    malformed: "InvalidSubnetID.Malformed",
    missing: "InvalidSubnetID.NotFound",
    noun: "subnet ID",
};

pub(super) const NETWORK: Kind = Kind {
    prefix: "vpc",
    malformed: "InvalidVpcID.Malformed",
    missing: "InvalidVpcID.NotFound",
    noun: "vpc ID",
};

pub(super) const INTERFACE: Kind = Kind {
    prefix: "eni",
    malformed: "InvalidNetworkInterfaceId.Malformed",
    missing: "InvalidNetworkInterfaceID.NotFound",
    noun: "networkInterface ID",
};

pub(super) const SPOT_REQUEST: Kind = Kind {
    prefix: "sir",
    malformed: "InvalidSpotInstanceRequestID.Malformed",
    missing: "InvalidSpotInstanceRequestID.NotFound",
    noun: "spot instance request ID",
};

pub(super) const PLACEMENT_GROUP: Kind = Kind {
    prefix: "pg",
    malformed: "InvalidPlacementGroupId.Malformed",
    missing: "InvalidPlacementGroup.Unknown",
    noun: "placement group",
};

pub(super) const ALLOCATION: Kind = Kind {
    prefix: "eipalloc",
    malformed: "InvalidParameterValue",
    missing: "InvalidAllocationID.NotFound",
    noun: "allocation ID",
};

pub(super) const ASSOCIATION: Kind = Kind {
    prefix: "iip-assoc",
    malformed: "InvalidAssociationID.Malformed",
    missing: "InvalidAssociationID.NotFound",
    noun: "association ID",
};

impl Kind {
    /// Checks the shape of an id.
    pub(super) fn check(self, id: &str) -> Result<(), Refusal> {
        if is_well_formed(self.prefix, id) {
            return Ok(());
        }
        let prefix = self.prefix;
        let message = format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")");
        Err(Refusal::new(self.malformed, message))
    }

    /// The refusal for ids that do not exist.
    pub(super) fn unknown(self, ids: &[&str]) -> Refusal {
        let noun = self.noun;
        let message = match ids {
            [id] => format!("The {noun} '{id}' does not exist"),
            many => format!("The {noun}s '{}' do not exist", many.join(", ")),
        };
        Refusal::new(self.missing, message)
    }

    /// Checks that every id is well-formed and exists. One that is not refuses
    /// all of them. Gives each once, in the order of the request.
    pub(super) fn check_all<'i>(
        self,
        ids: &[&'i str],
        exists: impl Fn(&str) -> bool,
    ) -> Result<Vec<&'i str>, Refusal> {
        for id in ids {
            self.check(id)?;
        }
        let mut once: Vec<&str> = Vec::with_capacity(ids.len());
        let mut seen = std::collections::BTreeSet::new();
        once.extend(ids.iter().filter(|id| seen.insert(**id)));
        let unknown: Vec<&str> = once.iter().copied().filter(|id| !exists(id)).collect();
        if unknown.is_empty() {
            Ok(once)
        } else {
            Err(self.unknown(&unknown))
        }
    }
}
