//! Instances as a call sees them.

use std::net::Ipv4Addr;

use super::super::sight::Sight;
use crate::local::state::{Instance, InstanceState, Past, Region, Tags};

/// An instance as a call sees it: it may be in a state that is over, or without tags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) instance: &'a Instance,
    past: Option<&'a Past>,
    pub(super) tags: Option<&'a Tags>,
}

impl<'a> Seen<'a> {
    /// An instance as it is.
    pub(super) fn truly(region: &'a Region, instance: &'a Instance) -> Self {
        Self {
            instance,
            past: None,
            tags: region.tags_of(&instance.id),
        }
    }

    /// An instance as a call sees it that names its id, or does not.
    pub(super) fn by(
        sight: Sight<'a>,
        region: &'a Region,
        instance: &'a Instance,
        by_id: bool,
    ) -> Self {
        let seen = Self::truly(region, instance);
        Self {
            past: sight.stale(instance, by_id),
            tags: sight
                .tags_of(region, &instance.id)
                .filter(|_| !sight.strips(instance)),
            ..seen
        }
    }

    /// The state.
    pub(super) fn state(&self) -> InstanceState {
        self.past
            .map_or_else(|| self.instance.state(), |past| past.state)
    }

    /// Code and message of the state reason.
    pub(super) fn reason(&self) -> Option<&'a (String, String)> {
        let lifecycle = &self.instance.lifecycle;
        self.past
            .map_or(&lifecycle.reason, |past| &past.reason)
            .as_ref()
    }

    /// Why the state last changed.
    pub(super) fn transition(&self) -> &'a str {
        let lifecycle = &self.instance.lifecycle;
        self.past
            .map_or(&lifecycle.transition, |past| &past.transition)
    }

    /// The public address.
    pub(super) fn public_address(&self) -> Option<Ipv4Addr> {
        let interface = &self.instance.interface;
        self.past
            .map_or(interface.public_address, |past| past.public_address)
    }
}
