//! Carries out steps on AWS.

pub use super::poll::Pace;

use super::change;
use super::connect::Clients;
use super::data;
use super::launch;
use super::terminate;
use super::volumes;
use crate::apply::{Control, Performed, Performer, StepError};
use crate::plan::{Action, Step};

/// AWS, as somebody who carries out steps.
#[derive(Debug, Clone)]
pub struct Aws {
    /// How to reach it.
    pub clients: Clients,
    /// How often to look and for how long.
    pub pace: Pace,
}

impl Performer for Aws {
    async fn perform(&self, step: &Step, control: &Control) -> Result<Performed, StepError> {
        let Self { clients, pace } = self;
        match &step.action {
            Action::Launch(launch) => launch::launch(clients, pace, launch, control).await,
            Action::Update(change) => change::update(clients, pace, change, control).await,
            Action::Restart(change) => change::restart(clients, pace, change, control).await,
            Action::Terminate(doomed) => terminate::terminate(clients, pace, doomed, control).await,
            Action::DeleteVolumes(volumes) => {
                volumes::delete(clients, pace, volumes, control).await
            }
            Action::Sync { files, .. } => data::transfer(clients, files, control).await,
        }
    }
}
