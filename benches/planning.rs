//! Planning 1,000, 10,000 and 100,000 resources: time and peak memory, each in a process of its own.
//!
//! `cargo bench --no-default-features --bench planning` prints medians of five runs
//! for three situations (nothing is there, all is as it should be, every instance has
//! an edited tag) and fails where a limit is broken: a plan of 10,000 takes at most
//! 150 ms and 150 MB, and ten times as many take at most fourteen times as long.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints its figures, and what it builds is known to be good"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use trainyard::plan::{Context, Observed, Resolution, plan};
use trainyard::resource::{
    AccountId, Address, Attempt, Candidate, Desired, Digest, EnvironmentName, Group, GroupName,
    ImageSelector, Instance, InstanceId, InstanceState, LaunchIdentity, LiveInstance, LiveMetadata,
    LiveVolume, Machine, MachineSelector, Market, Metadata, Ordinals, Placement, Purchase, Region,
    ResolvedImage, SignIn, Target, Tokens, VolumeId, owned_tags,
};

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
const SITUATIONS: [&str; 3] = ["create", "no change", "edit"];
const RUNS: usize = 5;
/// Instances of one group, as many as one launch has.
const GROUP: u32 = 100;
/// Milliseconds and megabytes that a plan of 10,000 resources may take.
const LIMITS: (f64, f64) = (150.0, 150.0);
/// How many times longer ten times as many may take.
const FACTOR: f64 = 14.0;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, size, situation] = &arguments[..]
        && let Ok(size) = size.parse()
    {
        once(size, situation);
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    println!(
        "{:12} {:>10} {:>10} {:>10}",
        "situation", "resources", "ms", "MB"
    );
    let mut broken = Vec::new();
    for situation in SITUATIONS {
        let mut before = None;
        for size in SIZES {
            let (time, memory) = median(&program, size, situation)?;
            println!("{situation:12} {size:>10} {time:>10.1} {memory:>10.1}");
            if size == 10_000 && (time > LIMITS.0 || memory > LIMITS.1) {
                broken.push(format!(
                    "{situation}: 10,000 take {time:.1} ms and {memory:.1} MB"
                ));
            }
            if let Some(before) = before.filter(|_| size == 100_000)
                && time > before * FACTOR
            {
                let factor = time / before;
                broken.push(format!(
                    "{situation}: ten times as many take {factor:.1} times as long"
                ));
            }
            before = Some(time);
        }
    }
    let (time, memory) = LIMITS;
    println!(
        "limits: {time} ms and {memory} MB for 10,000; {FACTOR} times for ten times as many: {}",
        if broken.is_empty() { "kept" } else { "broken" }
    );
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("; "))
    }
}

/// The medians of several runs of this program.
fn median(program: &std::path::Path, size: u32, situation: &str) -> Result<(f64, f64), String> {
    let mut times = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..RUNS {
        let output = Command::new(program)
            .args([size.to_string().as_str(), situation])
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut figures = text
            .split_whitespace()
            .filter_map(|one| one.parse::<f64>().ok());
        times.push(
            figures
                .next()
                .ok_or_else(|| format!("no time in {text:?}"))?,
        );
        peaks.push(
            figures
                .next()
                .ok_or_else(|| format!("no peak in {text:?}"))?,
        );
    }
    times.sort_by(f64::total_cmp);
    peaks.sort_by(f64::total_cmp);
    Ok((times[RUNS / 2], peaks[RUNS / 2]))
}

/// One plan; prints its milliseconds and the process's peak in megabytes.
fn once(size: u32, situation: &str) {
    let mut desired = desired(size);
    let observed = observed(&desired, situation);
    if situation == "edit" {
        edit(&mut desired);
    }
    let context = Context::plain(now(), SignedDuration::from_mins(5));
    let resolution = resolution(&desired);
    let begin = Instant::now();
    let made = plan(&desired, &observed, &resolution, &context);
    let elapsed = begin.elapsed();
    let summary = made.summary();
    let expected = match situation {
        "create" => (u64::from(size), 0),
        "edit" => (0, u64::from(size)),
        _ => (0, 0),
    };
    assert_eq!((summary.create, summary.update), expected, "{situation}");
    println!("{} {}", elapsed.as_secs_f64() * 1000.0, peak());
}

/// The most memory that this process has had, in megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) / 1024.0
}

fn now() -> Timestamp {
    Timestamp::from_second(2_000_000_000).unwrap_or(Timestamp::MAX)
}

fn instance(group: &GroupName) -> Instance {
    Instance {
        group: group.clone(),
        image: ImageSelector::Id("ami-0123456789abcdef0".to_owned()),
        machine: MachineSelector::Types(vec!["g5.xlarge".to_owned()]),
        market: Market::OnDemand,
        max_price: None,
        wait: None,
        placement: Placement::Any,
        cluster: false,
        distributed: false,
        public_address: None,
        iam_profile: Some("trainer".to_owned()),
        security_groups: BTreeSet::new(),
        key: Some("alex".to_owned()),
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
        tags: [("Name", "bench"), ("owner", "alex"), ("project", "bench")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        lease: "12h".parse().expect("a good lease"),
    }
}

fn desired(size: u32) -> Desired {
    let mut instances = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for number in 0..size.div_ceil(GROUP) {
        let name = GroupName::new(format!("group-{number:04}"));
        let instance = Arc::new(instance(&name));
        for ordinal in 0..GROUP.min(size - number * GROUP) {
            let group = name.clone();
            instances.insert(Address::Instance { group, ordinal }, Arc::clone(&instance));
        }
        let group = Group {
            instance,
            count: GROUP,
            min: None,
            renamed_from: None,
            adopt: Vec::new(),
        };
        groups.insert(name, group);
    }
    Desired {
        environment: EnvironmentName::new("bench"),
        renamed_from: None,
        target: Target {
            sign_in: SignIn::default(),
            account: AccountId::new("123456789012"),
            region: Region::new("eu-central-1"),
        },
        lease: "12h".parse().expect("a good lease"),
        store: None,
        instances,
        groups,
        address_service: None,
        data: BTreeMap::new(),
    }
}

/// Every group has another owner, so that each of its instances has a tag to change.
fn edit(desired: &mut Desired) {
    for group in desired.groups.values_mut() {
        Arc::make_mut(&mut group.instance)
            .tags
            .insert("owner".to_owned(), "sam".to_owned());
    }
    let groups = &desired.groups;
    for (address, instance) in &mut desired.instances {
        if let Address::Instance { group, .. } = address {
            *instance = Arc::clone(&groups[group].instance);
        }
    }
}

fn resolution(desired: &Desired) -> Resolution {
    let machine = Machine {
        name: "g5.xlarge".to_owned(),
        architectures: vec!["x86_64".to_owned()],
        vcpus: 4,
        memory_mib: 16_384,
        gpus: Vec::new(),
        zones: ["eu-central-1a", "eu-central-1b"].map(str::to_owned).into(),
        spot: true,
        cluster: true,
        instance_store_gb: 250,
        current: true,
    };
    let image = ResolvedImage {
        id: "ami-0123456789abcdef0".to_owned(),
        name: "bench".to_owned(),
        architecture: "x86_64".to_owned(),
        root_device: "/dev/xvda".to_owned(),
        root_gibibytes: 8,
        other_disks: Vec::new(),
        created: "2026-08-01T00:00:00Z".to_owned(),
        deprecated: None,
    };
    let images = desired.groups.values().map(|group| &group.instance.image);
    Resolution {
        images: images
            .map(|selector| (selector.clone(), image.clone()))
            .collect(),
        machines: [(machine.name.clone(), machine)].into(),
        ..Resolution::default()
    }
}

fn observed(desired: &Desired, situation: &str) -> Observed {
    let mut observed = Observed {
        account: desired.target.account.clone(),
        region: desired.target.region.clone(),
        instances: Vec::new(),
        volumes: Vec::new(),
        network: None,
        spot_requests: Vec::new(),
        data: BTreeMap::new(),
    };
    if situation == "create" {
        return observed;
    }
    let mut counts: BTreeMap<&GroupName, u32> = BTreeMap::new();
    for address in desired.instances.keys() {
        if let Address::Instance { group, .. } = address {
            *counts.entry(group).or_default() += 1;
        }
    }
    for (name, count) in counts {
        let group = &desired.groups[name];
        launch(desired, &group.instance, count, &mut observed);
    }
    observed
}

/// What a listing shows of one launch.
fn launch(desired: &Desired, instance: &Instance, count: u32, observed: &mut Observed) {
    let identity = LaunchIdentity {
        account: desired.target.account.clone(),
        region: desired.target.region.clone(),
        place: String::new(),
        environment: desired.environment.clone(),
        group: instance.group.clone(),
        ordinals: (0..count).collect::<Ordinals>(),
        parameters: Digest::of(instance),
    };
    let attempt = Attempt {
        candidate: Candidate {
            instance_type: "g5.xlarge".to_owned(),
            purchase: Purchase::OnDemand,
            zone: None,
        },
        round: 0,
    };
    let tags = owned_tags(instance, &identity, 0, &attempt);
    let token = identity.of_attempt(&attempt).token(0);
    let launched = now() - SignedDuration::from_hours(1);
    for index in 0..count {
        let hash = Digest::of_bytes(format!("{token} {index}").as_bytes()).to_string();
        let id = InstanceId::new(format!("i-{}", &hash[..17]));
        let volume = Arc::new(LiveVolume {
            id: VolumeId::new(format!("vol-{}", &hash[..17])),
            state: "in-use".to_owned(),
            gibibytes: 8,
            kind: "gp3".to_owned(),
            iops: Some(3_000),
            throughput: Some(125),
            encrypted: false,
            attached_to: Some(id.clone()),
            attached_at: Some(launched),
            device: Some("/dev/xvda".to_owned()),
            tags: tags.clone(),
        });
        observed.volumes.push(Arc::clone(&volume));
        observed.instances.push(Arc::new(LiveInstance {
            id,
            state: InstanceState::Running,
            state_reason: None,
            image_id: "ami-0123456789abcdef0".to_owned(),
            instance_type: "g5.xlarge".to_owned(),
            purchase: Purchase::OnDemand,
            spot_request: None,
            placement_group: None,
            zone: Some("eu-central-1a".to_owned()),
            network: None,
            subnet: Some("subnet-0123456789abcdef0".to_owned()),
            iam_profile: instance.iam_profile.clone(),
            interfaces: [format!("eni-{}", &hash[..17])].into(),
            primary_interface: Some(format!("eni-{}", &hash[..17])),
            security_groups: BTreeSet::new(),
            key: instance.key.clone(),
            root_device: Some("/dev/xvda".to_owned()),
            devices: ["/dev/xvda".to_owned()].into(),
            kept_devices: BTreeSet::new(),
            volumes: [("/dev/xvda".to_owned(), volume)].into(),
            metadata: Some(LiveMetadata {
                tokens: Tokens::Required,
                hop_limit: 2,
                enabled: true,
            }),
            tags: tags.clone(),
            client_token: Some(token.clone()),
            launch_index: index as usize,
            first_launched: Some(launched),
            elastic: BTreeSet::new(),
            public_address: None,
            private_address: Some("172.31.16.4".to_owned()),
            user_data: None,
            manager: None,
            attributes: None,
        }));
    }
}
