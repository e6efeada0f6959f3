//! Carries out steps on AWS.

use std::path::PathBuf;
use std::sync::Arc;

pub use super::poll::Pace;

use super::clock::Clock;
use super::connect::Clients;
use super::memory::Memory;
use super::tags::set_tags;
use super::{
    adopt, change, data, introduce, key_pair, launch, own_network, placement_group, security_group,
    spot, terminate, volumes,
};
use crate::apply::{Control, Performed, Performer, StepError};
use crate::plan::{Action, Step};
use crate::resource::{AccountId, Address};

/// AWS, as somebody who carries out steps.
#[derive(Debug, Clone)]
pub struct Aws {
    /// How to reach it.
    pub clients: Clients,
    /// The account, whose number stands in tags.
    pub account: AccountId,
    /// How often to look and for how long.
    pub pace: Pace,
    /// What time it is.
    pub clock: Clock,
    /// The folder that keeps what is known of files from one run to the next.
    pub journals: Option<PathBuf>,
    /// What the steps leave for one another.
    pub memory: Arc<Memory>,
}

impl Aws {
    fn made(&self, address: &Address, id: String, text: String) -> Performed {
        self.memory.made(address, id);
        Performed {
            instances: Vec::new(),
            text,
        }
    }
}

impl Performer for Aws {
    async fn perform(&self, step: &Step, control: &Control) -> Result<Performed, StepError> {
        let Self { clients, pace, .. } = self;
        match &step.action {
            Action::Launch(launch) => launch::launch(self, launch, control).await,
            Action::Update(change) => change::update(self, change, control).await,
            Action::Restart(change) => change::restart(self, change, control).await,
            Action::Adopt(change) => adopt::adopt(self, change, control).await,
            Action::Terminate(doomed) => terminate::terminate(clients, pace, doomed, control).await,
            Action::DeleteVolumes(volumes) => {
                volumes::delete(clients, pace, volumes, control).await
            }
            Action::SecurityGroup(group) => {
                let (id, text) = security_group::ensure(clients, group).await?;
                Ok(self.made(&group.address, id, text))
            }
            Action::KeyPair(key) => {
                let id = key_pair::import(clients, key).await?;
                Ok(self.made(&key.address, id, "imported".to_owned()))
            }
            Action::PlacementGroup(group) => {
                let id = placement_group::create(clients, group).await?;
                Ok(self.made(&group.address, id, "made".to_owned()))
            }
            Action::Retag(object) => {
                set_tags(clients, std::slice::from_ref(&object.id), &object.tags).await?;
                Ok(Performed {
                    instances: Vec::new(),
                    text: "its tags follow the new name".to_owned(),
                })
            }
            Action::Introduce(introduction) => {
                let launched = self.memory.members(&introduction.group);
                introduce::introduce(clients, pace, introduction, &launched, control).await
            }
            Action::DeleteNetwork(objects) => {
                own_network::delete(clients, pace, objects, control).await
            }
            Action::CancelSpot(requests) => {
                spot::cancel(clients, requests).await?;
                Ok(Performed {
                    instances: Vec::new(),
                    text: "cancelled".to_owned(),
                })
            }
            Action::Sync { files, .. } => data::transfer(self, files, control).await,
        }
    }
}
