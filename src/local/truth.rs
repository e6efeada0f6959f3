//! What is really there, whatever a listing shows: the view of a test that checks
//! what a client believes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::cloud::Cloud;
use super::state::{Instance, Region, Tags};

/// An instance as it is, not as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueInstance {
    /// The account that it is in.
    pub account: String,
    /// The region that it is in.
    pub region: String,
    /// Its id.
    pub id: String,
    /// The reservation that it was launched with.
    pub reservation: String,
    /// Its place among those that were launched with it, from zero.
    pub launch_index: u32,
    /// The zone that it is in.
    pub zone: String,
    /// Its state, as EC2 names it.
    pub state: String,
    /// The client token of its launch, empty where there was none.
    pub client_token: String,
    /// Its tags, as they are stored now.
    pub tags: Tags,
    /// The tags that it had from its first instant.
    pub launch_tags: Tags,
    /// Its user data, where that is text.
    pub user_data: Option<String>,
    /// When it was launched; starting it again keeps this.
    pub created: Timestamp,
    /// Since when it has been shutting down or terminated.
    pub ended: Option<Timestamp>,
    /// The spot request that it came from.
    pub spot_request: Option<String>,
    /// Whether it is protected against termination, be it as protection from a stop.
    pub protected: bool,
    /// The ids of the security groups of its primary network interface.
    pub security_groups: Vec<String>,
}

/// A volume as it is, not as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueVolume {
    /// Its id.
    pub id: String,
    /// Its tags, as they are stored now.
    pub tags: Tags,
    /// The instance that it is attached to.
    pub attached_to: Option<String>,
    /// The region that it is in.
    pub region: String,
}

/// A security group as it is, not as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrueGroup {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its tags, as they are stored now.
    pub tags: Tags,
    /// The region that it is in.
    pub region: String,
}

impl Cloud {
    /// Every instance of every account and region, as the clock has brought it to now.
    ///
    /// Where the control endpoint is open those that no call finds any more, because
    /// they ended long ago, are among them.
    pub fn truth(&self) -> Vec<TrueInstance> {
        self.look(|region| {
            let tags = |instance: &Instance| region.tags_of(&instance.id).cloned();
            let there = region.instances.values();
            let past = region.past.iter();
            there
                .chain(past)
                .map(|instance| true_instance(region, instance, tags(instance)))
                .collect()
        })
    }

    /// Every volume of every account and region, as the clock has brought it to now.
    pub fn true_volumes(&self) -> Vec<TrueVolume> {
        self.look(|region| {
            let volumes = region.volumes.values();
            volumes
                .map(|volume| TrueVolume {
                    id: volume.id.clone(),
                    tags: region.tags_of(&volume.id).cloned().unwrap_or_default(),
                    attached_to: volume.attachment.as_ref().map(|at| at.instance.clone()),
                    region: region.name.clone(),
                })
                .collect()
        })
    }

    /// Every security group of every account and region, but for the default ones.
    pub fn true_groups(&self) -> Vec<TrueGroup> {
        self.look(|region| {
            let groups = region.groups.values();
            groups
                .filter(|group| group.id != region.network.default_group)
                .map(|group| TrueGroup {
                    id: group.id.clone(),
                    name: group.name.clone(),
                    tags: region.tags_of(&group.id).cloned().unwrap_or_default(),
                    region: region.name.clone(),
                })
                .collect()
        })
    }

    /// The persistent spot requests that are not cancelled: each may launch again.
    pub fn spot_requests_open(&self) -> Vec<String> {
        self.look(|region| {
            let spots = region.instances.values();
            let mut open: Vec<String> = spots
                .filter_map(|instance| instance.spot.as_ref())
                .filter(|spot| spot.persistent && !spot.cancelled)
                .map(|spot| spot.request.clone())
                .collect();
            // An instance that ended and its successor share a request.
            open.sort();
            open.dedup();
            open
        })
    }

    fn look<T>(&self, at: impl Fn(&Region) -> Vec<T>) -> Vec<T> {
        self.at_present(|world, _| world.all_regions().flat_map(|region| at(region)).collect())
    }
}

fn true_instance(region: &Region, instance: &Instance, tags: Option<Tags>) -> TrueInstance {
    let lifecycle = &instance.lifecycle;
    TrueInstance {
        account: region.account.clone(),
        region: region.name.clone(),
        id: instance.id.clone(),
        reservation: instance.reservation.clone(),
        launch_index: instance.launch_index,
        zone: instance.zone.clone(),
        state: instance.state().name().to_owned(),
        client_token: instance.client_token.clone(),
        tags: tags.unwrap_or_default(),
        launch_tags: instance.launch_tags.clone(),
        user_data: instance.user_data.as_deref().and_then(text),
        created: lifecycle.created,
        ended: lifecycle.ended,
        spot_request: instance.spot.as_ref().map(|spot| spot.request.clone()),
        protected: instance.protection.termination || instance.protection.stop,
        security_groups: instance.groups.clone(),
    }
}

/// Decodes user data, where it is text.
fn text(packed: &str) -> Option<String> {
    let packed: String = packed.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(packed).ok()?).ok()
}
