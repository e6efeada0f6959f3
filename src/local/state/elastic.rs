//! Elastic addresses: they belong to an account, and outlive what has them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{Instance, Region};

/// An address that somebody allocated, and pays for until it is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ElasticAddress {
    pub(crate) id: String,
    pub(crate) address: Ipv4Addr,
    /// The id of the last association, and its instance.
    pub(crate) association: Option<(String, String)>,
}

impl Region {
    /// The association of an address, and its instance: it ends when the instance does.
    pub(crate) fn holder_of<'a>(
        &'a self,
        elastic: &'a ElasticAddress,
    ) -> Option<(&'a str, &'a Instance)> {
        let (association, instance) = elastic.association.as_ref()?;
        let instance = self.instances.get(instance)?;
        (!instance.state().is_ending()).then_some((association, instance))
    }

    /// The elastic address of an instance, which takes the place of the one that it was given.
    pub(crate) fn elastic_of(&self, instance: &Instance) -> Option<Ipv4Addr> {
        let mut all = self.elastic.values();
        let found = all.find(|elastic| {
            let holder = self.holder_of(elastic);
            holder.is_some_and(|(_, holder)| holder.id == instance.id)
        });
        found.map(|elastic| elastic.address)
    }
}
