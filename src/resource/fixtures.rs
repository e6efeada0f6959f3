//! Values for tests: instances as a spec wants them, and as EC2 reports them once launched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    AccountId, Attempt, Candidate, Claim, Digest, Disk, DiskKind, EnvironmentName, GroupName,
    ImageSelector, Instance, InstanceId, InstanceState, LaunchIdentity, LiveInstance, LiveMetadata,
    LiveSecurityGroup, LiveVolume, Machine, MachineSelector, Mark, Market, Metadata, Ordinals,
    Placement, Region, ResolvedImage, Tokens, VolumeId, claim, owned_tags,
};

/// The environment that tests are about.
pub(crate) const ENVIRONMENT: &str = "demo";

/// The instant at which tests take place.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(2_000_000_000).unwrap()
}

/// So many seconds before [`now`].
pub(crate) fn ago(seconds: i64) -> Timestamp {
    now()
        .checked_sub(SignedDuration::from_secs(seconds))
        .unwrap()
}

pub(crate) fn account() -> AccountId {
    AccountId::new("123456789012")
}

pub(crate) fn region() -> Region {
    Region::new("eu-central-1")
}

/// An instance of which the spec says only what it must.
pub(crate) fn plain(group: &str) -> Instance {
    Instance {
        group: GroupName::new(group),
        image: ImageSelector::Name {
            pattern: "deep-learning-*".to_owned(),
            owner: "amazon".to_owned(),
        },
        machine: types(&["g5.xlarge"]),
        market: Market::OnDemand,
        max_price: None,
        wait: None,
        placement: Placement::Any,
        cluster: false,
        distributed: false,
        public_address: None,
        iam_profile: None,
        security_groups: BTreeSet::new(),
        key: None,
        ssh: None,
        disk: None,
        volumes: BTreeMap::new(),
        metadata: Metadata {
            tokens: Tokens::Required,
            hop_limit: 2,
            enabled: true,
        },
        user_data: None,
        protect: false,
        tags: BTreeMap::from([("Name".to_owned(), format!("{ENVIRONMENT}-{group}"))]),
        lease: "12h".parse().unwrap(),
    }
}

/// An instance of which the spec says everything that it can.
pub(crate) fn full(group: &str) -> Instance {
    Instance {
        placement: Placement::Zone("eu-central-1a".to_owned()),
        iam_profile: Some("trainer".to_owned()),
        security_groups: BTreeSet::from(["training".to_owned()]),
        key: Some("alex".to_owned()),
        disk: Some(disk("150 GiB")),
        volumes: BTreeMap::from([("/dev/sdf".to_owned(), disk("500 GiB"))]),
        user_data: Some("#!/bin/sh\necho hello\n".to_owned()),
        tags: BTreeMap::from([
            ("Name".to_owned(), format!("{ENVIRONMENT}-{group}")),
            ("owner".to_owned(), "alex".to_owned()),
        ]),
        ..plain(group)
    }
}

/// A gp3 disk with every figure stated.
pub(crate) fn disk(size: &str) -> Disk {
    Disk {
        size: Some(size.parse().unwrap()),
        kind: DiskKind::Gp3,
        iops: Some(3_000),
        throughput: Some("125 MiB/s".parse().unwrap()),
        encrypted: Some(true),
        keep: false,
    }
}

/// These types in order of preference.
pub(crate) fn types(names: &[&str]) -> MachineSelector {
    MachineSelector::Types(names.iter().map(|name| (*name).to_owned()).collect())
}

/// What EC2 says of a type: two zones offer it, and it has no GPU.
pub(crate) fn machine(name: &str) -> Machine {
    Machine {
        name: name.to_owned(),
        architectures: vec!["x86_64".to_owned()],
        vcpus: 4,
        memory_mib: 16_384,
        gpus: Vec::new(),
        zones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
            .map(str::to_owned)
            .into(),
        spot: true,
        cluster: true,
        instance_store_gb: 0,
        current: true,
    }
}

/// The first attempt at the first type of an instance.
pub(crate) fn attempt(instance: &Instance) -> Attempt {
    Attempt {
        candidate: Candidate {
            instance_type: first_type(instance),
            purchase: instance.market.purchases()[0],
            zone: match &instance.placement {
                Placement::Zone(zone) => Some(zone.clone()),
                Placement::Any | Placement::Subnet(_) => None,
            },
        },
        round: 0,
    }
}

/// The type that is launched where nothing is refused.
pub(crate) fn first_type(instance: &Instance) -> String {
    instance
        .machine
        .types()
        .first()
        .map_or("g5.xlarge", String::as_str)
        .to_owned()
}

/// The image that every selector finds.
pub(crate) fn image() -> ResolvedImage {
    ResolvedImage {
        id: "ami-0123456789abcdef0".to_owned(),
        name: "deep-learning-7".to_owned(),
        architecture: "x86_64".to_owned(),
        root_device: "/dev/xvda".to_owned(),
        root_gibibytes: 8,
        other_disks: Vec::new(),
        created: "2026-08-01T00:00:00Z".to_owned(),
        deprecated: None,
    }
}

/// The id of the security group of a name.
pub(crate) fn group_id(name: &str) -> String {
    format!("sg-{}", &Digest::of_bytes(name.as_bytes()).to_string()[..8])
}

/// What a launch of these numbers in the tests' environment is.
pub(crate) fn identity(instance: &Instance, ordinals: &[u32]) -> LaunchIdentity {
    LaunchIdentity {
        account: account(),
        region: region(),
        place: instance.placement.place().to_owned(),
        environment: EnvironmentName::new(ENVIRONMENT),
        group: instance.group.clone(),
        ordinals: ordinals.iter().copied().collect::<Ordinals>(),
        parameters: Digest::of(instance),
    }
}

/// What EC2 reports of a launch, once all of it runs.
pub(crate) fn launched(
    instance: &Instance,
    identity: &LaunchIdentity,
    incarnation: u32,
    at: Timestamp,
) -> Vec<LiveInstance> {
    let attempt = attempt(instance);
    let token = identity.of_attempt(&attempt).token(incarnation);
    let tags = owned_tags(instance, identity, incarnation, &attempt);
    (0..identity.ordinals.len())
        .map(|launch_index| {
            let hash = Digest::of_bytes(format!("{token} {launch_index}").as_bytes()).to_string();
            let id = InstanceId::new(format!("i-{}", &hash[..17]));
            LiveInstance {
                devices: volumes(instance, &id, &tags).into_keys().collect(),
                volumes: volumes(instance, &id, &tags),
                id,
                state: InstanceState::Running,
                state_reason: None,
                image_id: image().id,
                instance_type: attempt.candidate.instance_type.clone(),
                purchase: attempt.candidate.purchase,
                spot_request: None,
                placement_group: None,
                interfaces: BTreeSet::from([format!("eni-{}", &hash[..17])]),
                primary_interface: Some(format!("eni-{}", &hash[..17])),
                kept_devices: kept(instance),
                zone: Some(match &instance.placement {
                    Placement::Zone(zone) => zone.clone(),
                    Placement::Any | Placement::Subnet(_) => "eu-central-1b".to_owned(),
                }),
                subnet: Some(match &instance.placement {
                    Placement::Subnet(subnet) => subnet.clone(),
                    Placement::Any | Placement::Zone(_) => "subnet-0123456789abcdef0".to_owned(),
                }),
                network: Some("vpc-0123456789abcdef0".to_owned()),
                iam_profile: instance.iam_profile.clone(),
                security_groups: live_groups(instance),
                key: instance.key.clone(),
                root_device: Some(image().root_device),
                metadata: Some(live_metadata(instance.metadata)),
                tags: tags.clone(),
                client_token: Some(token.clone()),
                launch_index,
                first_launched: Some(at),
                elastic: BTreeSet::new(),
                public_address: None,
                private_address: Some(format!("172.31.16.{}", 4 + launch_index)),
                user_data: None,
                manager: None,
                attributes: None,
            }
        })
        .collect()
}

/// One instance that was launched an hour ago as its spec wants it.
pub(crate) fn live(instance: &Instance) -> LiveInstance {
    launched(instance, &identity(instance, &[0]), 0, ago(3_600)).remove(0)
}

/// What the tags of an instance say, which must be ours.
pub(crate) fn mark(live: &LiveInstance) -> Mark {
    match claim(live, &account()) {
        Claim::Ours(mark) => *mark,
        other @ (Claim::Unproven { .. } | Claim::Foreign) => panic!("not ours: {other:?}"),
    }
}

pub(crate) fn live_metadata(metadata: Metadata) -> LiveMetadata {
    let Metadata {
        tokens,
        hop_limit,
        enabled,
    } = metadata;
    LiveMetadata {
        tokens,
        hop_limit: i32::from(hop_limit),
        enabled,
    }
}

/// The groups that an instance has; the network's own where the spec names none.
pub(crate) fn live_groups(instance: &Instance) -> BTreeSet<LiveSecurityGroup> {
    let named = instance.security_groups.iter().map(String::as_str);
    let default = instance.security_groups.is_empty().then_some("default");
    named
        .chain(default)
        .map(|name| LiveSecurityGroup {
            id: group_id(name),
            name: name.to_owned(),
        })
        .collect()
}

fn kept(instance: &Instance) -> BTreeSet<String> {
    let kept = instance.kept_disks().into_iter();
    kept.map(|device| {
        if device == "root" {
            image().root_device
        } else {
            device.to_owned()
        }
    })
    .collect()
}

fn volumes(
    instance: &Instance,
    id: &InstanceId,
    tags: &BTreeMap<String, String>,
) -> BTreeMap<String, Arc<LiveVolume>> {
    let root = (image().root_device, instance.disk.as_ref());
    let others = instance
        .volumes
        .iter()
        .map(|(device, disk)| (device.clone(), Some(disk)));
    std::iter::once(root)
        .chain(others)
        .map(|(device, disk)| {
            let volume = live_volume(id, &device, disk, tags);
            (device, Arc::new(volume))
        })
        .collect()
}

/// The volume that a launch makes of a disk; the image's own where the spec says nothing.
pub(crate) fn live_volume(
    id: &InstanceId,
    device: &str,
    disk: Option<&Disk>,
    tags: &BTreeMap<String, String>,
) -> LiveVolume {
    let hash = Digest::of_bytes(format!("{id} {device}").as_bytes()).to_string();
    LiveVolume {
        id: VolumeId::new(format!("vol-{}", &hash[..17])),
        state: "in-use".to_owned(),
        gibibytes: disk
            .and_then(|disk| disk.size)
            .map_or(image().root_gibibytes, super::Size::gibibytes),
        kind: disk.map_or("gp2", |disk| disk.kind.as_str()).to_owned(),
        iops: disk.and_then(|disk| disk.iops).or(Some(3_000)),
        throughput: disk
            .and_then(|disk| disk.throughput)
            .map(super::Throughput::mebibytes_per_second)
            .or(Some(125)),
        encrypted: disk.and_then(|disk| disk.encrypted).unwrap_or(false),
        attached_to: Some(id.clone()),
        attached_at: None,
        device: Some(device.to_owned()),
        tags: tags.clone(),
    }
}
