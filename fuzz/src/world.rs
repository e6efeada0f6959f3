//! An AWS in which everything is there that a spec names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use trainyard::plan::{Context, FoundSecurityGroup, Observed, Resolution, Subnet, wanted};
use trainyard::resource::{
    AccountId, Caller, Desired, Machine, MachineGpu, OwnNetwork, PublicKey, Region, ResolvedImage,
};
use trainyard::spec::{ProjectSpec, Source, judge};

/// A small spec in which nearly every key stands.
pub const EVERYTHING: &str = include_str!("everything.yaml");

/// How often what is wanted is asked for again: each answer may show that more is.
const ROUNDS: usize = 4;

/// What a spec of ours asks for.
///
/// # Panics
///
/// When the spec is not good.
pub fn desired(text: &str) -> Desired {
    let source = Source::from_bytes(Path::new("/specs/spec.yaml"), text.into()).unwrap();
    judge(source, &ProjectSpec::default()).unwrap().desired
}

/// A context at a moment of its own, with every value that a command can add.
///
/// # Panics
///
/// Never: what is written here can be read.
pub fn context(desired: &Desired, now: Timestamp) -> Context {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEZ6aOZh7uR3OUHBY1GWpJNODo9xmXKh/FodoN1dC6B3";
    let key: PublicKey = key.parse().unwrap();
    let names = desired.groups.keys().cloned();
    Context {
        caller: Caller {
            name: "alex".to_owned(),
            address: Some([203, 0, 113, 7].into()),
        },
        public_keys: names.map(|name| (name, key.clone())).collect(),
        ..Context::plain(now, SignedDuration::from_secs(30))
    }
}

/// A listing that is complete and shows nothing.
pub fn empty(account: &AccountId, region: &Region) -> Observed {
    Observed {
        account: account.clone(),
        region: region.clone(),
        instances: Vec::new(),
        volumes: Vec::new(),
        network: Some(OwnNetwork::default()),
        spot_requests: Vec::new(),
        data: BTreeMap::new(),
    }
}

/// Finds everything that a plan needs to know.
pub fn answer(desired: &Desired, observed: &Observed, context: &Context) -> Resolution {
    let mut resolution = Resolution::default();
    for _ in 0..ROUNDS {
        let before = resolution.clone();
        let wanted = wanted(desired, observed, &resolution, context);
        for selector in wanted.images.into_keys() {
            resolution.images.entry(selector).or_insert_with(image);
        }
        for name in wanted.types.into_keys() {
            let machine = machine(&name);
            resolution.machines.insert(name, machine);
        }
        if !wanted.needs.is_empty() {
            for name in ["g5.xlarge", "g6.xlarge", "m5.large"] {
                resolution.machines.insert(name.to_owned(), machine(name));
            }
        }
        for (name, _) in wanted.security_groups.into_keys() {
            let found = FoundSecurityGroup {
                id: "sg-0123456789abcdef0".to_owned(),
                network: None,
            };
            resolution.security_groups.insert(name, vec![found]);
        }
        for subnet in wanted.subnets.into_keys() {
            let place = Subnet {
                network: "vpc-0123456789abcdef0".to_owned(),
                zone: "eu-central-1a".to_owned(),
            };
            resolution.subnets.insert(subnet, place);
        }
        if wanted.default_network {
            resolution.default_network = Some("vpc-0123456789abcdef0".to_owned());
        }
        if resolution == before {
            break;
        }
    }
    resolution
}

fn image() -> ResolvedImage {
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

fn machine(name: &str) -> Machine {
    let gpu = MachineGpu {
        name: "A10G".to_owned(),
        manufacturer: "NVIDIA".to_owned(),
        count: 1,
        memory_mib: 22_888,
    };
    let zones = ["eu-central-1a", "eu-central-1b"].map(str::to_owned);
    Machine {
        name: name.to_owned(),
        architectures: vec!["x86_64".to_owned()],
        vcpus: 4,
        memory_mib: 16_384,
        gpus: name.starts_with('g').then_some(gpu).into_iter().collect(),
        zones: BTreeSet::from(zones),
        spot: true,
        cluster: true,
        instance_store_gb: 0,
        current: true,
    }
}
