//! The request of a launch.

use aws_config::retry::RetryConfig;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::operation::run_instances::{RunInstancesError, RunInstancesOutput};
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification,
    InstanceInterruptionBehavior, InstanceMarketOptionsRequest, InstanceMetadataEndpointState,
    InstanceMetadataOptionsRequest, InstanceMetadataTagsState,
    InstanceNetworkInterfaceSpecification, InstanceType, MarketType, Placement as SdkPlacement,
    ResourceType, ShutdownBehavior, SpotInstanceType, SpotMarketOptions, TagSpecification,
    VolumeType,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use base64::Engine as _;

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind, kind_of_code};
use super::translate;
use crate::plan::Launch;
use crate::resource::{
    Attempt, Candidate, Disk, Instance, Metadata, Placement, Price, Purchase, Tokens,
};

/// How often one launch is tried: enough for its bucket of two requests a second.
const LAUNCH_ATTEMPTS: u32 = 4;

/// Sends one attempt of a launch.
pub(super) async fn send(
    clients: &Clients,
    launch: &Launch,
    attempt: (&Attempt, u32),
    groups: &[String],
) -> Result<RunInstancesOutput, CloudError> {
    let patience = RetryConfig::standard().with_max_attempts(LAUNCH_ATTEMPTS);
    let config = aws_sdk_ec2::config::Config::builder()
        .retry_config(patience)
        .retry_classifier(NoCapacity);
    parameters(clients, launch, attempt, groups)
        .customize()
        .config_override(config)
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("launch", &error))
}

/// A lack of capacity is an answer, and no fault of the server's to ride out.
///
/// EC2 gives it the status of a server error (EC2 API error codes), which the SDK
/// would try again; that would only hammer a zone that is full.
#[derive(Debug)]
struct NoCapacity;

impl ClassifyRetry for NoCapacity {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let error = error.and_then(|error| error.as_operation_error());
        let code = error
            .and_then(|error| error.downcast_ref::<RunInstancesError>())
            .and_then(aws_sdk_ec2::error::ProvideErrorMetadata::code);
        match code.map(kind_of_code) {
            Some(CloudErrorKind::Capacity) => RetryAction::RetryForbidden,
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "no capacity"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_before(RetryClassifierPriority::http_status_code_classifier())
    }
}

/// The request as a pure function of the launch: no clock, no random number, a pinned image.
fn parameters(
    clients: &Clients,
    launch: &Launch,
    (attempt, incarnation): (&Attempt, u32),
    groups: &[String],
) -> RunInstancesFluentBuilder {
    let instance = launch.instance.as_ref();
    let candidate = &attempt.candidate;
    let spot = candidate.purchase == Purchase::Spot;
    let most = i32::try_from(launch.identity.ordinals.len()).unwrap_or(i32::MAX);
    let user_data = launch.user_data(attempt);
    let profile = instance.iam_profile.as_ref();
    let request = clients
        .ec2
        .run_instances()
        .client_token(launch.token(attempt, incarnation))
        .min_count(i32::try_from(launch.least).unwrap_or(most).min(most))
        .max_count(most)
        .image_id(&launch.image.id)
        .instance_type(InstanceType::from(candidate.instance_type.as_str()))
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
        // A spot instance cannot have it at all (EC2 API, `RunInstances`).
        .set_disable_api_termination((!spot).then_some(instance.protect))
        .set_instance_market_options(spot.then(|| market(instance)))
        .set_placement(placement(launch, candidate))
        .set_key_name(launch.key.clone())
        .set_iam_instance_profile(profile.map(|name| {
            IamInstanceProfileSpecification::builder()
                .name(name)
                .build()
        }))
        .set_block_device_mappings(Some(disks(launch)))
        .metadata_options(metadata(instance))
        .user_data(base64::engine::general_purpose::STANDARD.encode(user_data))
        .set_tag_specifications(Some(tagged(launch, attempt, incarnation)));
    network(request, instance, groups)
}

/// The same tags on everything that the launch makes, from its first instant.
fn tagged(launch: &Launch, attempt: &Attempt, incarnation: u32) -> Vec<TagSpecification> {
    let tags = translate::sdk_tags(&launch.tags(attempt, incarnation));
    let request = (attempt.candidate.purchase == Purchase::Spot)
        .then_some(ResourceType::SpotInstancesRequest);
    [
        ResourceType::Instance,
        ResourceType::Volume,
        ResourceType::NetworkInterface,
    ]
    .into_iter()
    .chain(request)
    .map(|kind| {
        TagSpecification::builder()
            .resource_type(kind)
            .set_tags(Some(tags.clone()))
            .build()
    })
    .collect()
}

/// A request for one instance once: a persistent one would launch a successor of
/// every instance that is ended (EC2 user guide, Spot Instance requests).
fn market(instance: &Instance) -> InstanceMarketOptionsRequest {
    let spot = SpotMarketOptions::builder()
        .spot_instance_type(SpotInstanceType::OneTime)
        .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
        .set_max_price(instance.max_price.map(Price::as_ec2))
        .build();
    InstanceMarketOptionsRequest::builder()
        .market_type(MarketType::Spot)
        .spot_options(spot)
        .build()
}

fn placement(launch: &Launch, candidate: &Candidate) -> Option<SdkPlacement> {
    if candidate.zone.is_none() && launch.placement_group.is_none() {
        return None;
    }
    let placement = SdkPlacement::builder()
        .set_availability_zone(candidate.zone.clone())
        .set_group_name(launch.placement_group.clone());
    Some(placement.build())
}

/// Subnet and groups stand in the interface where the spec has a word on public addresses,
/// else at the instance (EC2 API, `RunInstances`).
fn network(
    request: RunInstancesFluentBuilder,
    instance: &Instance,
    groups: &[String],
) -> RunInstancesFluentBuilder {
    let subnet = match &instance.placement {
        Placement::Subnet(subnet) => Some(subnet.clone()),
        Placement::Any | Placement::Zone(_) => None,
    };
    let groups = Some(groups.to_vec()).filter(|groups| !groups.is_empty());
    let Some(public) = instance.public_address else {
        return request.set_subnet_id(subnet).set_security_group_ids(groups);
    };
    let interface = InstanceNetworkInterfaceSpecification::builder()
        .device_index(0)
        .associate_public_ip_address(public)
        .delete_on_termination(true)
        .set_subnet_id(subnet)
        .set_groups(groups)
        .build();
    request.network_interfaces(interface)
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
    // What the image brings along must go with the instance too, whatever the
    // image says of it.
    let brought = launch
        .image
        .other_disks
        .iter()
        .filter(|device| !volumes.contains_key(*device));
    std::iter::once(mapping(&launch.image.root_device, root))
        .chain(
            volumes
                .iter()
                .map(|(device, disk)| mapping(device, ebs(disk))),
        )
        .chain(brought.map(|device| {
            mapping(
                device,
                EbsBlockDevice::builder()
                    .delete_on_termination(true)
                    .build(),
            )
        }))
        .collect()
}

fn ebs(disk: &Disk) -> EbsBlockDevice {
    let Disk {
        size,
        kind,
        iops,
        throughput,
        encrypted,
        keep,
    } = disk;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    EbsBlockDevice::builder()
        .delete_on_termination(!keep)
        .volume_type(VolumeType::from(kind.as_str()))
        .set_volume_size(size.map(|size| number(size.gibibytes())))
        .set_iops(iops.map(number))
        .set_throughput(throughput.map(|rate| number(rate.mebibytes_per_second())))
        .set_encrypted(*encrypted)
        .build()
}

fn metadata(instance: &Instance) -> InstanceMetadataOptionsRequest {
    let Metadata {
        tokens,
        hop_limit,
        enabled,
    } = instance.metadata;
    // The members of a group learn of one another from their own tags.
    let tags = instance
        .distributed
        .then_some(InstanceMetadataTagsState::Enabled);
    let options = InstanceMetadataOptionsRequest::builder().set_instance_metadata_tags(tags);
    if !enabled {
        // EC2 takes the other two only together with a service that answers.
        return options
            .http_endpoint(InstanceMetadataEndpointState::Disabled)
            .build();
    }
    options
        .http_tokens(match tokens {
            Tokens::Required => HttpTokensState::Required,
            Tokens::Optional => HttpTokensState::Optional,
        })
        .http_put_response_hop_limit(i32::from(hop_limit))
        .http_endpoint(InstanceMetadataEndpointState::Enabled)
        .build()
}
