//! Launching: one RunInstances for equal instances, guarded by its token.

use aws_config::retry::RetryConfig;
use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification,
    InstanceMetadataEndpointState, InstanceMetadataOptionsRequest, InstanceType,
    Placement as SdkPlacement, ResourceType, ShutdownBehavior, TagSpecification, VolumeType,
};
use base64::Engine as _;

use super::change::iam_profile;
use super::connect::Clients;
use super::error::CloudError;
use super::observe::by_id;
use super::poll::{GaveUp, Pace, Wait};
use super::translate;
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::lease::boot_user_data;
use crate::plan::Launch;
use crate::resource::{
    Disk, Instance, InstanceId, InstanceState, LiveInstance, Metadata, Placement, Tokens,
};

/// How many burnt tokens are stepped over in one run.
///
/// A token stays burnt for a day after its instances are gone while the listing
/// forgets them within the hour, so some steps are normal; many are not.
const MOST_INCARNATIONS: u32 = 50;

/// How often one launch is tried: enough for its bucket of two requests a second.
///
/// EC2 reports a lack of capacity as an error of its own (EC2 API error codes), so
/// more attempts would only hammer a zone that is full.
const LAUNCH_ATTEMPTS: u32 = 4;

/// Launches a batch and waits until all of it runs.
pub(super) async fn launch(
    clients: &Clients,
    pace: &Pace,
    launch: &Launch,
    control: &Control,
) -> Result<Performed, StepError> {
    let ids = request(clients, launch, control).await?;
    (control.progress)(format!(
        "launched {}, waiting until {} run",
        count(ids.len()),
        pronoun(ids.len())
    ));
    let mut instances = wait_running(clients, pace, &ids, control).await?;
    complete(clients, launch, &mut instances).await?;
    Ok(Performed {
        text: format!("{} running", count(instances.len())),
        instances,
    })
}

/// Makes up for a profile that a launch has lost.
///
/// A launch is done when what it launched reads back as asked for. EC2 may answer
/// a replayed token without any further action (EC2 API idempotency), and a
/// machine without its profile cannot reach its data.
async fn complete(
    clients: &Clients,
    launch: &Launch,
    instances: &mut [LiveInstance],
) -> Result<(), StepError> {
    let Some(wanted) = &launch.instance.iam_profile else {
        return Ok(());
    };
    for live in instances
        .iter_mut()
        .filter(|live| live.iam_profile.as_ref() != Some(wanted))
    {
        iam_profile(clients, &live.id, Some(wanted))
            .await
            .map_err(|error| {
                StepError::from(error).alive(vec![(live.id.to_string(), live.state.to_string())])
            })?;
        live.iam_profile = Some(wanted.clone());
    }
    Ok(())
}

fn count(number: usize) -> String {
    if number == 1 {
        "1 instance".to_owned()
    } else {
        format!("{number} instances")
    }
}

fn pronoun(number: usize) -> &'static str {
    if number == 1 { "it is seen to" } else { "they" }
}

/// Walks the incarnations until EC2 accepts one; two machines walk the same way and meet.
async fn request(
    clients: &Clients,
    launch: &Launch,
    control: &Control,
) -> Result<Vec<InstanceId>, StepError> {
    for incarnation in launch.incarnation..launch.incarnation.saturating_add(MOST_INCARNATIONS) {
        if control.cancel.is_asked() {
            return Err(StepError::new(
                StepErrorKind::Cancelled,
                "stopped before the launch",
            ));
        }
        let patience = RetryConfig::standard().with_max_attempts(LAUNCH_ATTEMPTS);
        let request = parameters(clients, launch, incarnation)
            .customize()
            .config_override(aws_sdk_ec2::config::Config::builder().retry_config(patience));
        match request.send().await {
            Ok(answer) => match replayed(&answer) {
                Replay::Dead => {}
                Replay::Alive(ids) => return Ok(ids),
            },
            Err(error) => {
                let error = CloudError::from_sdk("launch", &error);
                if error.is_code("IdempotentInstanceTerminated") {
                    continue;
                }
                return Err(explain(error, launch, incarnation));
            }
        }
    }
    let text = format!("{MOST_INCARNATIONS} launches of this group were terminated within a day");
    let mut error = StepError::new(StepErrorKind::Rejected, text);
    error.help =
        Some("find out why they end: see the state reason in `trainyard status`".to_owned());
    Err(error)
}

enum Replay {
    Dead,
    Alive(Vec<InstanceId>),
}

/// An answer can be a replay of an old launch; where all of it has ended, the token is burnt.
fn replayed(answer: &RunInstancesOutput) -> Replay {
    let live: Vec<LiveInstance> = answer
        .instances()
        .iter()
        .filter_map(translate::instance)
        .collect();
    if !live.is_empty() && live.iter().all(|live| !live.state.is_alive()) {
        return Replay::Dead;
    }
    Replay::Alive(live.into_iter().map(|live| live.id).collect())
}

fn explain(error: CloudError, launch: &Launch, incarnation: u32) -> StepError {
    let mismatch = error.is_code("IdempotentParameterMismatch");
    let mut error = StepError::from(error);
    if mismatch {
        let token = launch.identity.token(incarnation);
        error.help = Some(format!(
            "another launch holds the token {token}; nothing was launched. Run `trainyard status` to see it"
        ));
    }
    if error.kind == StepErrorKind::Ambiguous {
        let addresses = launch
            .addresses()
            .map(|address| (address.to_string(), "unknown".to_owned()));
        error.alive = addresses.collect();
    }
    error
}

/// The request as a pure function of the launch: no clock, no random number, a pinned image.
fn parameters(clients: &Clients, launch: &Launch, incarnation: u32) -> RunInstancesFluentBuilder {
    let instance = launch.instance.as_ref();
    let number = i32::try_from(launch.identity.ordinals.len()).unwrap_or(i32::MAX);
    let user_data = boot_user_data(instance.lease, instance.user_data.as_deref());
    let tags = translate::sdk_tags(&launch.tags(incarnation));
    let tagged = [
        ResourceType::Instance,
        ResourceType::Volume,
        ResourceType::NetworkInterface,
    ];
    let specifications = tagged
        .into_iter()
        .map(|kind| {
            TagSpecification::builder()
                .resource_type(kind)
                .set_tags(Some(tags.clone()))
                .build()
        })
        .collect();
    let (subnet, zone) = match &instance.placement {
        Placement::Any => (None, None),
        Placement::Subnet(subnet) => (Some(subnet.clone()), None),
        Placement::Zone(zone) => (
            None,
            Some(SdkPlacement::builder().availability_zone(zone).build()),
        ),
    };
    let profile = instance.iam_profile.as_ref();
    clients
        .ec2
        .run_instances()
        .client_token(launch.identity.token(incarnation))
        .min_count(number)
        .max_count(number)
        .image_id(&launch.image.id)
        .instance_type(InstanceType::from(instance.instance_type.as_str()))
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
        .disable_api_termination(instance.protect)
        .set_subnet_id(subnet)
        .set_placement(zone)
        .set_security_group_ids(
            Some(launch.security_groups.clone()).filter(|groups| !groups.is_empty()),
        )
        .set_key_name(instance.key.clone())
        .set_iam_instance_profile(profile.map(|name| {
            IamInstanceProfileSpecification::builder()
                .name(name)
                .build()
        }))
        .set_block_device_mappings(Some(disks(launch)))
        .metadata_options(metadata(instance.metadata))
        .user_data(base64::engine::general_purpose::STANDARD.encode(user_data))
        .set_tag_specifications(Some(specifications))
}

/// The root disk is always mapped, so that what becomes of it is never left to a default.
fn disks(launch: &Launch) -> Vec<BlockDeviceMapping> {
    let Instance { disk, volumes, .. } = launch.instance.as_ref();
    // Without a word in the spec the size is the image's own: a mapping without
    // any size is refused.
    let smallest = i32::try_from(launch.image.root_gibibytes)
        .ok()
        .filter(|size| *size > 0);
    let mut root = disk.as_ref().map_or_else(
        || {
            EbsBlockDevice::builder()
                .delete_on_termination(true)
                .volume_type(VolumeType::Gp3)
                .build()
        },
        ebs,
    );
    root.volume_size = root.volume_size.or(smallest);
    let mapping = |device: &str, ebs: EbsBlockDevice| {
        BlockDeviceMapping::builder()
            .device_name(device)
            .ebs(ebs)
            .build()
    };
    std::iter::once(mapping(&launch.image.root_device, root))
        .chain(
            volumes
                .iter()
                .map(|(device, disk)| mapping(device, ebs(disk))),
        )
        .collect()
}

fn ebs(disk: &Disk) -> EbsBlockDevice {
    let Disk {
        size,
        kind,
        iops,
        throughput,
        encrypted,
    } = disk;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    EbsBlockDevice::builder()
        .delete_on_termination(true)
        .volume_type(VolumeType::from(kind.as_str()))
        .set_volume_size(size.map(|size| number(size.gibibytes())))
        .set_iops(iops.map(number))
        .set_throughput(throughput.map(|rate| number(rate.mebibytes_per_second())))
        .set_encrypted(*encrypted)
        .build()
}

fn metadata(metadata: Metadata) -> InstanceMetadataOptionsRequest {
    let Metadata {
        tokens,
        hop_limit,
        enabled,
    } = metadata;
    InstanceMetadataOptionsRequest::builder()
        .http_tokens(match tokens {
            Tokens::Required => HttpTokensState::Required,
            Tokens::Optional => HttpTokensState::Optional,
        })
        .http_put_response_hop_limit(i32::from(hop_limit))
        .http_endpoint(if enabled {
            InstanceMetadataEndpointState::Enabled
        } else {
            InstanceMetadataEndpointState::Disabled
        })
        .build()
}

/// Waits until every id reads running; one that is not visible yet is waited for, not given up.
pub(super) async fn wait_running(
    clients: &Clients,
    pace: &Pace,
    ids: &[InstanceId],
    control: &Control,
) -> Result<Vec<LiveInstance>, StepError> {
    let mut wait = Wait::new(pace, pace.running);
    loop {
        let seen = by_id(clients, ids).await.map_err(|error| {
            let alive = ids
                .iter()
                .map(|id| (id.to_string(), "unknown".to_owned()))
                .collect();
            StepError::from(error).alive(alive)
        })?;
        let ended: Vec<&LiveInstance> = seen
            .values()
            .filter(|live| !live.state.is_alive())
            .collect();
        if let Some(first) = ended.first() {
            let reason = first
                .state_reason
                .as_deref()
                .unwrap_or("AWS gave no reason");
            let text = format!(
                "{} of {} ended instead of running: {}: {reason}",
                ended.len(),
                count(ids.len()),
                first.id
            );
            return Err(StepError::new(StepErrorKind::Rejected, text).alive(states(ids, &seen)));
        }
        let running = seen
            .values()
            .filter(|live| live.state == InstanceState::Running)
            .count();
        if running == ids.len() {
            return Ok(seen.into_values().collect());
        }
        (control.progress)(format!("{running} of {} running", count(ids.len())));
        if let Err(gave_up) = wait.pause(&control.cancel).await {
            let (kind, text) = match gave_up {
                GaveUp::TimedOut => (
                    StepErrorKind::TimedOut,
                    format!(
                        "{running} of {} running after {} s",
                        count(ids.len()),
                        pace.running.as_secs()
                    ),
                ),
                GaveUp::Cancelled => (
                    StepErrorKind::Cancelled,
                    "stopped while the instances were starting".to_owned(),
                ),
            };
            return Err(StepError::new(kind, text).alive(states(ids, &seen)));
        }
    }
}

/// What is known of each id that may be alive.
pub(super) fn states(
    ids: &[InstanceId],
    seen: &std::collections::BTreeMap<InstanceId, LiveInstance>,
) -> Vec<(String, String)> {
    ids.iter()
        .filter_map(|id| match seen.get(id) {
            Some(live) if live.state == InstanceState::Terminated => None,
            Some(live) => Some((id.to_string(), live.state.to_string())),
            None => Some((id.to_string(), "unknown".to_owned())),
        })
        .collect()
}
