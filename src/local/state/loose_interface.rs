//! Network interfaces of no living instance.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Instance, Region};

/// A network interface of no living instance: one that a termination left for a
/// while, or one that a service of AWS manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LooseInterface {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) subnet: String,
    pub(crate) zone: String,
    pub(crate) groups: Vec<String>,
    pub(crate) private_address: Ipv4Addr,
    /// The instance that had it; without one it is a service's.
    pub(crate) instance: Option<String>,
    /// When it goes by itself.
    pub(crate) until: Option<Timestamp>,
}

impl LooseInterface {
    /// What a terminated instance leaves until it is cleared away.
    pub(crate) fn left_by(instance: &Instance, until: Timestamp) -> Self {
        Self {
            id: instance.interface.id.clone(),
            description: String::new(),
            subnet: instance.subnet.clone(),
            zone: instance.zone.clone(),
            groups: instance.groups.clone(),
            private_address: instance.interface.private_address,
            instance: Some(instance.id.clone()),
            until: Some(until),
        }
    }

    /// Whether a service of AWS manages it.
    pub(crate) fn is_managed(&self) -> bool {
        self.instance.is_none()
    }
}

impl Region {
    /// Makes an interface of a service that holds a security group, and gives
    /// its id.
    pub(crate) fn add_managed_interface(
        &mut self,
        group: &str,
        description: &str,
    ) -> Option<String> {
        let subnet = self.network.subnets.first()?.clone();
        let private_address = self.free_private_addresses(&subnet, 1).pop()?;
        let id = self.mint("eni");
        let interface = LooseInterface {
            id: id.clone(),
            description: description.to_owned(),
            subnet: subnet.id,
            zone: subnet.zone,
            groups: Vec::from([group.to_owned()]),
            private_address,
            instance: None,
            until: None,
        };
        self.loose.insert(id.clone(), interface);
        Some(id)
    }

    /// Takes every interface of a service away.
    pub(crate) fn remove_managed_interfaces(&mut self) {
        self.loose.retain(|_, interface| !interface.is_managed());
    }
}
