//! Changing an instance: in place, or between a stop and a start.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, EbsInstanceBlockDeviceSpecification, HttpTokensState,
    IamInstanceProfileSpecification, InstanceBlockDeviceMappingSpecification,
    InstanceMetadataEndpointState, VolumeType,
};

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::launch::wait_running;
use super::observe::{by_id, volumes_by_id};
use super::performer::Aws;
use super::poll::{Pace, Wait};
use super::tags::retag;
use super::translate;
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::plan::Change;
use crate::resource::{
    Disk, FieldChange, InstanceId, InstanceState, Known, LiveVolume, Tokens, VolumeId, diff, tag,
};

/// Makes every change that a running instance takes; the tags that record it come last.
pub(super) async fn update(
    aws: &Aws,
    change: &Change,
    control: &Control,
) -> Result<Performed, StepError> {
    in_place(aws, change).await?;
    let text = read_back(aws, change, control).await?;
    Ok(Performed {
        instances: Vec::new(),
        text,
    })
}

/// Looks until the instance reads back as it should be, so that the next plan finds nothing to do.
pub(super) async fn read_back(
    aws: &Aws,
    change: &Change,
    control: &Control,
) -> Result<String, StepError> {
    let Aws { clients, pace, .. } = aws;
    let mut wait = Wait::new(pace, pace.settle);
    loop {
        let open = still_different(clients, change).await?;
        let Some(first) = open.first() else {
            return Ok("changed, and read back".to_owned());
        };
        (control.progress)(format!("changed; waiting to see it in {}", first.field));
        if wait.pause(&control.cancel).await.is_err() {
            return Ok(format!(
                "changed; AWS does not show it in {} yet",
                first.field
            ));
        }
    }
}

/// The fields of the change that do not read back as wanted.
async fn still_different(
    clients: &Clients,
    change: &Change,
) -> Result<Vec<FieldChange>, CloudError> {
    let id = &change.before.id;
    let mut seen = by_id(clients, std::slice::from_ref(id)).await?;
    let Some(mut live) = seen.remove(id) else {
        return Ok(change.changes.clone());
    };
    if has(change, |field| {
        field.starts_with("disk.") || field.starts_with("volumes.")
    }) {
        let disks: Vec<VolumeId> = change
            .before
            .volumes
            .values()
            .map(|volume| volume.id.clone())
            .collect();
        live.volumes = volumes_by_id(clients, &disks).await?;
    }
    let mut mark = change.mark.as_ref().clone();
    // The one field that is compared by its tag has its tag written last.
    mark.protect = live
        .tags
        .get(tag::PROTECT)
        .is_some_and(|value| value == "true");
    // Names and the machine asked for are compared by their tags, too.
    let by_tag = ["name", "group", "machine"];
    let fields: Vec<&String> = change
        .changes
        .iter()
        .map(|change| &change.field)
        .filter(|field| !by_tag.contains(&field.as_str()))
        .collect();
    let mut open = diff(&change.after, &live, &mark, Known::default());
    open.retain(|change| fields.contains(&&change.field));
    Ok(open)
}

/// Stops the instance, changes it, and starts it again.
pub(super) async fn restart(
    aws: &Aws,
    change: &Change,
    control: &Control,
) -> Result<Performed, StepError> {
    let Aws { clients, pace, .. } = aws;
    let id = &change.before.id;
    stop(clients, pace, change, control).await?;
    // From here on the instance is down because of us: whatever happens, it is
    // started again.
    let changed = while_stopped(aws, change).await;
    (control.progress)("starting".to_owned());
    let started = clients
        .ec2
        .start_instances()
        .instance_ids(id.as_str())
        .send()
        .await;
    if let Err(error) = started {
        let error = CloudError::from_sdk("start the instance", &error);
        return Err(left(
            StepError::from(changed.err().unwrap_or(error)),
            change,
            "stopped",
        ));
    }
    changed.map_err(|error| left(error.into(), change, "started again, unchanged"))?;
    let instances = wait_running(clients, pace, std::slice::from_ref(id), control).await?;
    Ok(Performed {
        instances,
        text: "stopped, changed and started".to_owned(),
    })
}

async fn while_stopped(aws: &Aws, change: &Change) -> Result<(), CloudError> {
    if has(change, |field| field == "type") {
        let value = AttributeValue::builder()
            .value(&change.instance_type)
            .build();
        aws.clients
            .ec2
            .modify_instance_attribute()
            .instance_id(change.before.id.as_str())
            .instance_type(value)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("change the instance type", &error))?;
    }
    in_place(aws, change).await
}

fn left(error: StepError, change: &Change, state: &str) -> StepError {
    error.alive(vec![(change.before.id.to_string(), state.to_owned())])
}

async fn stop(
    clients: &Clients,
    pace: &Pace,
    change: &Change,
    control: &Control,
) -> Result<(), StepError> {
    let id = &change.before.id;
    if change.before.state != InstanceState::Stopped {
        (control.progress)("stopping".to_owned());
        clients
            .ec2
            .stop_instances()
            .instance_ids(id.as_str())
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("stop the instance", &error))?;
    }
    let mut wait = Wait::new(pace, pace.stopped);
    loop {
        let seen = by_id(clients, std::slice::from_ref(id)).await?;
        match seen.get(id).map(|live| live.state) {
            Some(InstanceState::Stopped) => return Ok(()),
            Some(InstanceState::Terminated | InstanceState::ShuttingDown) => {
                let text = "the instance ended while it was to be stopped";
                return Err(StepError::new(StepErrorKind::Rejected, text));
            }
            _ => {}
        }
        if wait.pause_through().await.is_err() {
            let text = format!(
                "the instance did not stop within {} s",
                pace.stopped.as_secs()
            );
            let alive = vec![(id.to_string(), "stopping".to_owned())];
            return Err(StepError::new(StepErrorKind::TimedOut, text).alive(alive));
        }
    }
}

/// The last part of a field such as `disk.size`.
fn figure_of(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}

fn has(change: &Change, test: impl Fn(&str) -> bool) -> bool {
    change.changes.iter().any(|change| test(&change.field))
}

/// Makes the changes that a running instance takes; the tags that record them come last.
async fn in_place(aws: &Aws, change: &Change) -> Result<(), CloudError> {
    but_tags(aws, change).await?;
    retag(&aws.clients, change).await
}

/// What differs besides tags, made as the spec says while the instance runs.
pub(super) async fn but_tags(aws: &Aws, change: &Change) -> Result<(), CloudError> {
    let clients = &aws.clients;
    if has(change, |field| field == "iam_profile") {
        iam_profile(
            clients,
            &change.before.id,
            change.after.iam_profile.as_deref(),
        )
        .await?;
    }
    if has(change, |field| field == "security_groups") {
        security_groups(aws, change).await?;
    }
    disks(clients, change).await?;
    if has(change, |field| figure_of(field) == "keep") {
        kept_disks(clients, change).await?;
    }
    if has(change, |field| field.starts_with("metadata.")) {
        metadata(clients, change).await?;
    }
    if has(change, |field| field == "protect") {
        protect(clients, change).await?;
    }
    Ok(())
}

async fn security_groups(aws: &Aws, change: &Change) -> Result<(), CloudError> {
    const OPERATION: &str = "change the security groups";
    let mut groups = change.security_groups.clone();
    if let Some(address) = &change.own_group {
        let own = aws.memory.id_of(address).ok_or_else(|| {
            let text = format!("{address} was not made");
            CloudError::of(OPERATION, CloudErrorKind::Rejected, text)
        })?;
        groups.push(own);
    }
    let several = change.before.interfaces.len() > 1;
    if let Some(primary) = change.before.primary_interface.as_ref().filter(|_| several) {
        // With several interfaces EC2 wants to know which one is meant.
        return aws
            .clients
            .ec2
            .modify_network_interface_attribute()
            .network_interface_id(primary)
            .set_groups(Some(groups))
            .send()
            .await
            .map(drop)
            .map_err(|error| CloudError::from_sdk(OPERATION, &error));
    }
    aws.clients
        .ec2
        .modify_instance_attribute()
        .instance_id(change.before.id.as_str())
        .set_groups(Some(groups))
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))
}

async fn protect(clients: &Clients, change: &Change) -> Result<(), CloudError> {
    let value = AttributeBooleanValue::builder()
        .value(change.after.protect)
        .build();
    clients
        .ec2
        .modify_instance_attribute()
        .instance_id(change.before.id.as_str())
        .disable_api_termination(value)
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk("change the termination protection", &error))
}

/// Whether each disk goes with the instance is a matter of its attachment.
async fn kept_disks(clients: &Clients, change: &Change) -> Result<(), CloudError> {
    let root = change.before.root_device.iter();
    let root = root.zip(change.after.disk.as_ref());
    let named = change.after.volumes.iter();
    let mappings = root
        .map(|(device, disk)| ("disk".to_owned(), device, disk.keep))
        .chain(named.map(|(device, disk)| (format!("volumes.{device}"), device, disk.keep)))
        .filter(|(field, _, _)| has(change, |name| name == format!("{field}.keep")))
        .map(|(_, device, keep)| {
            let ebs = EbsInstanceBlockDeviceSpecification::builder()
                .delete_on_termination(!keep)
                .build();
            InstanceBlockDeviceMappingSpecification::builder()
                .device_name(device)
                .ebs(ebs)
                .build()
        })
        .collect();
    clients
        .ec2
        .modify_instance_attribute()
        .instance_id(change.before.id.as_str())
        .set_block_device_mappings(Some(mappings))
        .send()
        .await
        .map(drop)
        .map_err(|error| CloudError::from_sdk("change what becomes of the disks", &error))
}

async fn disks(clients: &Clients, change: &Change) -> Result<(), CloudError> {
    let root = change.after.disk.as_ref().zip(change.before.root_volume());
    // Whether a disk is kept is no figure of the volume.
    let figure = |field: &str, place: &str| field.starts_with(place) && figure_of(field) != "keep";
    if let Some((disk, live)) = root.filter(|_| has(change, |field| figure(field, "disk."))) {
        modify_volume(clients, disk, live).await?;
    }
    for (device, disk) in &change.after.volumes {
        let field = format!("volumes.{device}.");
        let live = change.before.volumes.get(device);
        if let Some(live) = live.filter(|_| has(change, |name| figure(name, &field))) {
            modify_volume(clients, disk, live).await?;
        }
    }
    Ok(())
}

async fn modify_volume(
    clients: &Clients,
    disk: &Disk,
    live: &LiveVolume,
) -> Result<(), CloudError> {
    let Disk {
        size,
        kind,
        iops,
        throughput,
        encrypted: _,
        keep: _,
    } = disk;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    clients
        .ec2
        .modify_volume()
        .volume_id(live.id.as_str())
        .set_size(size.map(|size| number(size.gibibytes())))
        .volume_type(VolumeType::from(kind.as_str()))
        .set_iops(iops.map(number))
        .set_throughput(throughput.map(|rate| number(rate.mebibytes_per_second())))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("change the disk", &error))?;
    Ok(())
}

async fn metadata(clients: &Clients, change: &Change) -> Result<(), CloudError> {
    let wanted = change.after.metadata;
    let request = clients
        .ec2
        .modify_instance_metadata_options()
        .instance_id(change.before.id.as_str());
    let request = if wanted.enabled {
        // Every field is named: one that is left out may be reset.
        request
            .http_tokens(match wanted.tokens {
                Tokens::Required => HttpTokensState::Required,
                Tokens::Optional => HttpTokensState::Optional,
            })
            .http_put_response_hop_limit(i32::from(wanted.hop_limit))
            .http_endpoint(InstanceMetadataEndpointState::Enabled)
    } else {
        request.http_endpoint(InstanceMetadataEndpointState::Disabled)
    };
    request
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("change the metadata options", &error))?;
    Ok(())
}

/// Gives an instance the wanted profile, or takes away the one that it has.
pub(super) async fn iam_profile(
    clients: &Clients,
    id: &InstanceId,
    wanted: Option<&str>,
) -> Result<(), CloudError> {
    const OPERATION: &str = "change the instance profile";
    let answer = clients
        .ec2
        .describe_iam_instance_profile_associations()
        .filters(translate::filter("instance-id", [id.as_str()]))
        .filters(translate::filter("state", ["associating", "associated"]))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
    let association = answer
        .iam_instance_profile_associations()
        .first()
        .and_then(|association| association.association_id());
    let wanted = wanted.map(|name| {
        IamInstanceProfileSpecification::builder()
            .name(name)
            .build()
    });
    match (association, wanted) {
        (Some(association), Some(profile)) => clients
            .ec2
            .replace_iam_instance_profile_association()
            .association_id(association)
            .iam_instance_profile(profile)
            .send()
            .await
            .map(drop)
            .map_err(|error| CloudError::from_sdk(OPERATION, &error)),
        (Some(association), None) => clients
            .ec2
            .disassociate_iam_instance_profile()
            .association_id(association)
            .send()
            .await
            .map(drop)
            .map_err(|error| CloudError::from_sdk(OPERATION, &error)),
        (None, Some(profile)) => clients
            .ec2
            .associate_iam_instance_profile()
            .instance_id(id.as_str())
            .iam_instance_profile(profile)
            .send()
            .await
            .map(drop)
            .map_err(|error| CloudError::from_sdk(OPERATION, &error)),
        // Somebody took it away since the plan was made, which is what was asked for.
        (None, None) => Ok(()),
    }
}
