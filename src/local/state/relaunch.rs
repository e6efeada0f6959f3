//! The successors of spot instances whose request persists.

use jiff::Timestamp;

use super::{Association, Attachment, BlockDevice, Instance, Lifecycle, Region, Tags, Volume};

impl Region {
    /// Launches a successor of an instance whose persistent request is open
    /// still, as AWS does when such an instance ends (EC2 user guide, Spot
    /// Instance requests). It is made as the first one was and has the tags of
    /// the request.
    pub(super) fn relaunch(&mut self, id: &str, at: Timestamp) {
        let Some(ended) = self.instances.get(id).cloned() else {
            return;
        };
        let open = ended
            .spot
            .as_ref()
            .filter(|spot| spot.persistent && !spot.cancelled);
        if let Some(spot) = open
            && let Some(mut successor) = self.successor(&ended, at)
        {
            if let Some(tags) = self.tags.get(&spot.request).cloned() {
                successor.launch_tags.clone_from(&tags);
                self.tags.insert(successor.id.clone(), tags);
            }
            self.instances.insert(successor.id.clone(), successor);
        }
    }

    fn successor(&mut self, ended: &Instance, at: Timestamp) -> Option<Instance> {
        let subnet = self.network.subnet(&ended.subnet)?.clone();
        let private_address = self.free_private_addresses(&subnet, 1).pop()?;
        let mut instance = ended.clone();
        instance.id = self.mint("i");
        instance.reservation = self.mint("r");
        instance.launch_index = 0;
        instance.client_token = String::new();
        instance.launch_tags = Tags::new();
        instance.interface.id = self.mint("eni");
        instance.interface.private_address = private_address;
        let wanted = instance.interface.wants_public_address;
        instance.interface.public_address = wanted.then(|| self.public_address());
        instance.lifecycle = Lifecycle::begin(at);
        // What was attached later was no part of the launch.
        let launched = ended.devices.iter();
        instance.devices = launched
            .filter(|device| device.attached == ended.lifecycle.created)
            .filter_map(|device| self.copy_of(device, &instance.id, at))
            .collect();
        if let Some(profile) = self
            .association_of(&ended.id)
            .map(|one| one.profile.clone())
        {
            let association = Association {
                id: self.mint("iip-assoc"),
                instance: instance.id.clone(),
                profile,
                since: at,
            };
            self.associations
                .insert(association.id.clone(), association);
        }
        Some(instance)
    }

    /// Makes a volume like that of a device, and gives the device for it.
    fn copy_of(
        &mut self,
        device: &BlockDevice,
        instance: &str,
        at: Timestamp,
    ) -> Option<BlockDevice> {
        let original = self.volumes.get(&device.volume)?.clone();
        let volume = Volume {
            id: self.mint("vol"),
            created: at,
            attachment: Some(Attachment {
                instance: instance.to_owned(),
                device: device.device.clone(),
                delete_on_termination: device.delete_on_termination,
                attached: at,
            }),
            modifications: Vec::new(),
            ..original
        };
        let copy = BlockDevice {
            volume: volume.id.clone(),
            attached: at,
            ..device.clone()
        };
        self.volumes.insert(volume.id.clone(), volume);
        Some(copy)
    }
}
