//! What EC2 says of its instance types.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Filter, GpuDeviceMemoryInfo, InstanceStorageInfo, InstanceType, InstanceTypeInfo, LocationType,
    MemoryInfo, PlacementGroupStrategy, UsageClassType, VCpuInfo,
};

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::translate::filter;
use crate::plan::Wanted;
use crate::resource::{Machine, MachineGpu, Need};

/// How many values one filter may have (EC2 API, filtering).
const VALUES: usize = 200;
/// The families that have GPUs, as patterns of types.
const GPU_FAMILIES: [&str; 2] = ["g*", "p*"];

/// The types that are named, and where needs are stated all types that may meet them.
pub(super) async fn machines(
    clients: &Clients,
    wanted: &Wanted,
    untold: &mut Vec<String>,
) -> Result<BTreeMap<String, Machine>, CloudError> {
    let mut machines = BTreeMap::new();
    let needs_gpu = |need: &Need| !need.gpu.is_empty() || need.gpu_memory.is_some();
    let all_types = !wanted.needs.iter().all(needs_gpu);
    if all_types {
        describe(clients, Vec::new(), &mut machines).await?;
    } else {
        // A group can name its types while another one states its needs.
        let names: Vec<&String> = wanted.types.keys().collect();
        for chunk in names.chunks(VALUES) {
            describe(clients, vec![filter("instance-type", chunk)], &mut machines).await?;
        }
        if !wanted.needs.is_empty() {
            describe(clients, vec![gpu_families()], &mut machines).await?;
        }
    }
    match offerings(clients, &mut machines).await {
        // What is not told is possible: EC2 has the last word.
        Err(error) if error.kind == CloudErrorKind::Denied => {
            untold.push(format!("{error}; any zone may offer a type"));
        }
        asked => asked?,
    }
    Ok(machines)
}

/// Only types with GPUs can meet a need for one: that spares most pages of the listing.
fn gpu_families() -> Filter {
    let patterns = GPU_FAMILIES.map(str::to_owned).to_vec();
    // Here the wildcards are meant as such.
    let families = Filter::builder().name("instance-type");
    families.set_values(Some(patterns)).build()
}

async fn describe(
    clients: &Clients,
    filters: Vec<Filter>,
    machines: &mut BTreeMap<String, Machine>,
) -> Result<(), CloudError> {
    let mut token = None;
    loop {
        let page = clients
            .ec2
            .describe_instance_types()
            .set_filters(Some(filters.clone()).filter(|filters| !filters.is_empty()))
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("look up instance types", &error))?;
        let found = page.instance_types().iter().filter_map(machine);
        machines.extend(found.map(|machine| (machine.name.clone(), machine)));
        token = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if token.is_none() {
            return Ok(());
        }
    }
}

/// Which zones offer each type; a few types are asked for by name, many all at once.
async fn offerings(
    clients: &Clients,
    machines: &mut BTreeMap<String, Machine>,
) -> Result<(), CloudError> {
    if machines.is_empty() {
        return Ok(());
    }
    let names: Vec<&String> = machines.keys().collect();
    let filters = (names.len() <= VALUES).then(|| vec![filter("instance-type", names)]);
    let mut token = None;
    loop {
        let page = clients
            .ec2
            .describe_instance_type_offerings()
            .location_type(LocationType::AvailabilityZone)
            .set_filters(filters.clone())
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| CloudError::from_sdk("look up which zones offer a type", &error))?;
        for offering in page.instance_type_offerings() {
            let name = offering.instance_type().map(InstanceType::as_str);
            let machine = name.and_then(|name| machines.get_mut(name));
            if let (Some(machine), Some(zone)) = (machine, offering.location()) {
                machine.zones.insert(zone.to_owned());
            }
        }
        token = page
            .next_token()
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        if token.is_none() {
            return Ok(());
        }
    }
}

fn machine(info: &InstanceTypeInfo) -> Option<Machine> {
    let positive = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let large = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let architectures = info
        .processor_info()
        .map(aws_sdk_ec2::types::ProcessorInfo::supported_architectures)
        .unwrap_or_default()
        .iter()
        .map(|architecture| architecture.as_str().to_owned())
        .collect();
    let strategies = info.placement_group_info();
    let strategies = strategies.map(|groups| groups.supported_strategies().to_vec());
    Some(Machine {
        name: info.instance_type()?.as_str().to_owned(),
        architectures,
        vcpus: positive(info.v_cpu_info().and_then(VCpuInfo::default_v_cpus)).unwrap_or(0),
        memory_mib: large(info.memory_info().and_then(MemoryInfo::size_in_mib)).unwrap_or(0),
        gpus: gpus(info),
        zones: BTreeSet::new(),
        // What is not told is possible: EC2 has the last word.
        spot: info.supported_usage_classes().is_empty()
            || info
                .supported_usage_classes()
                .contains(&UsageClassType::Spot),
        cluster: strategies.is_none_or(|all| all.contains(&PlacementGroupStrategy::Cluster)),
        instance_store_gb: large(
            info.instance_storage_info()
                .and_then(InstanceStorageInfo::total_size_in_gb),
        )
        .unwrap_or(0),
        current: info.current_generation().unwrap_or(true),
    })
}

fn gpus(info: &InstanceTypeInfo) -> Vec<MachineGpu> {
    let gpus = info.gpu_info().map(|info| info.gpus().to_vec());
    gpus.unwrap_or_default()
        .iter()
        .filter_map(|gpu| {
            let memory = gpu.memory_info().and_then(GpuDeviceMemoryInfo::size_in_mib);
            Some(MachineGpu {
                name: gpu.name()?.to_owned(),
                manufacturer: gpu.manufacturer().unwrap_or_default().to_owned(),
                count: gpu
                    .count()
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or(0),
                memory_mib: memory
                    .and_then(|size| u64::try_from(size).ok())
                    .unwrap_or(0),
            })
        })
        .collect()
}
