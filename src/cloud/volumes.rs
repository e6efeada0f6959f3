//! Deleting volumes that outlived their instances.

use super::connect::Clients;
use super::error::CloudError;
use super::poll::{Pace, Wait};
use crate::apply::{Control, Performed, StepError};
use crate::resource::VolumeId;

/// Deletes volumes; one that is still being detached is tried again for a while.
pub(super) async fn delete(
    clients: &Clients,
    pace: &Pace,
    volumes: &[VolumeId],
    control: &Control,
) -> Result<Performed, StepError> {
    let mut failed: Vec<(VolumeId, CloudError)> = Vec::new();
    for volume in volumes {
        if let Err(error) = delete_one(clients, pace, volume, control).await {
            failed.push((volume.clone(), error));
        }
    }
    if let Some((volume, error)) = failed.first() {
        let help = error.help();
        let text = format!("{volume}: {error}");
        let kind = error.kind;
        let alive = failed
            .iter()
            .map(|(id, error)| (id.to_string(), error.text.clone()))
            .collect();
        return Err(StepError {
            kind,
            text,
            help,
            partly: false,
            alive,
        });
    }
    let plural = if volumes.len() == 1 { "" } else { "s" };
    let text = format!("{} volume{plural} deleted", volumes.len());
    Ok(Performed {
        instances: Vec::new(),
        text,
    })
}

async fn delete_one(
    clients: &Clients,
    pace: &Pace,
    volume: &VolumeId,
    control: &Control,
) -> Result<(), CloudError> {
    let mut wait = Wait::new(pace, pace.settle);
    loop {
        let answer = clients
            .ec2
            .delete_volume()
            .volume_id(volume.as_str())
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        let error = CloudError::from_sdk("delete the volume", &error);
        // Here, not found is what was wanted: the id came from a listing, and a
        // volume's deletion is not undone.
        if error.is_code("InvalidVolume.NotFound") {
            return Ok(());
        }
        if !error.is_code("VolumeInUse") || wait.pause(&control.cancel).await.is_err() {
            return Err(error);
        }
    }
}
