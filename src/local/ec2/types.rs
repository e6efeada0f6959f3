//! `DescribeInstanceTypes` and `DescribeInstanceTypeOfferings`.

use std::collections::BTreeMap;

use super::Call;
use super::filter::{Field, Filters, maybe, one};
use super::page::Page;
use crate::local::catalogue::{InstanceType, Storage, TYPES, instance_type};
use crate::local::wire::{Refusal, Reply, Xml};

fn fields() -> [Field<InstanceType>; 11] {
    [
        ("instance-type", |kind| one(kind.name)),
        ("current-generation", |kind| one(kind.is_current())),
        ("bare-metal", |_| one(false)),
        ("processor-info.supported-architecture", |kind| {
            one(kind.architecture)
        }),
        ("vcpu-info.default-vcpus", |kind| one(kind.vcpus)),
        ("memory-info.size-in-mib", |kind| one(kind.memory_mib)),
        ("supported-root-device-type", |_| one("ebs")),
        ("supported-usage-class", |kind| {
            let classes = kind.usage_classes().iter();
            classes.map(|class| (*class).to_owned()).collect()
        }),
        ("instance-storage-supported", |kind| {
            one(kind.storage.is_some())
        }),
        ("instance-storage-info.total-size-in-gb", |kind| {
            maybe(kind.storage.map(|storage| storage.disks * storage.size_gb))
        }),
        ("gpu-info.gpus.name", |kind| {
            maybe(kind.gpu.map(|gpu| gpu.name))
        }),
    ]
}

/// `DescribeInstanceTypes`. A name may be a pattern only in a filter.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields = fields();
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=100))?;
    let names = call.form.values("InstanceType");
    page.refuse_with_ids("instanceTypes", &names)?;
    let unknown: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| instance_type(name).is_none())
        .collect();
    if !unknown.is_empty() {
        let message = format!(
            "The following supplied instance types do not exist: [{}]",
            unknown.join(", ")
        );
        return Err(Refusal::new("InvalidInstanceType", message));
    }
    let found = TYPES
        .iter()
        .filter(|kind| names.is_empty() || names.contains(&kind.name))
        .filter(|kind| filters.accept(*kind, None, &fields))
        .map(|kind| (kind.name.to_owned(), kind))
        .collect();
    let (types, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("instanceTypeSet", types, type_xml);
    xml.maybe("nextToken", next);
    Ok(xml)
}

fn type_xml(xml: &mut Xml, kind: &InstanceType) {
    xml.text("instanceType", kind.name)
        .text("currentGeneration", kind.is_current())
        .values("supportedUsageClasses", kind.usage_classes())
        .values("supportedRootDeviceTypes", ["ebs"])
        .values("supportedVirtualizationTypes", ["hvm"])
        .text("bareMetal", false)
        .text(
            "hypervisor",
            if kind.is_current() { "nitro" } else { "xen" },
        )
        .node("processorInfo", |xml| {
            xml.values("supportedArchitectures", [kind.architecture]);
        })
        .node("vCpuInfo", |xml| {
            xml.text("defaultVCpus", kind.vcpus)
                .text("defaultCores", kind.vcpus.div_ceil(2))
                .text("defaultThreadsPerCore", 2);
        })
        .node("memoryInfo", |xml| {
            xml.text("sizeInMiB", kind.memory_mib);
        })
        .text("instanceStorageSupported", kind.storage.is_some())
        .node("placementGroupInfo", |xml| {
            xml.values("supportedStrategies", kind.strategies());
        });
    if let Some(storage) = kind.storage {
        storage_xml(xml, storage);
    }
    if let Some(gpu) = kind.gpu {
        xml.node("gpuInfo", |xml| {
            xml.list("gpus", [gpu], |xml, gpu| {
                xml.text("name", gpu.name)
                    .text("manufacturer", "NVIDIA")
                    .text("count", gpu.count)
                    .node("memoryInfo", |xml| {
                        xml.text("sizeInMiB", gpu.memory_mib);
                    });
            })
            .text("totalGpuMemoryInMiB", gpu.memory_mib * gpu.count);
        });
    }
}

fn storage_xml(xml: &mut Xml, storage: Storage) {
    xml.node("instanceStorageInfo", |xml| {
        xml.text("totalSizeInGB", storage.disks * storage.size_gb)
            .list("disks", [storage], |xml, storage| {
                xml.text("sizeInGB", storage.size_gb)
                    .text("count", storage.disks)
                    .text("type", "ssd");
            })
            .text("nvmeSupport", "required")
            .text("encryptionSupport", "required");
    });
}

struct Offering {
    kind: &'static InstanceType,
    location: String,
}

/// `DescribeInstanceTypeOfferings`: the rare types are not in every zone.
pub(super) fn describe_offerings(call: &mut Call) -> Reply {
    let fields: [Field<Offering>; 2] = [
        ("instance-type", |offering| one(offering.kind.name)),
        ("location", |offering| one(&offering.location)),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let location_type = call.form.text("LocationType").unwrap_or("region");
    let subnets = call.region.network.subnets.iter();
    let locations: Vec<String> = match location_type {
        "region" => vec![call.region.name.clone()],
        "availability-zone" => subnets.map(|subnet| subnet.zone.clone()).collect(),
        "availability-zone-id" => subnets.map(|subnet| subnet.zone_id.clone()).collect(),
        other => {
            return Err(Refusal::value(format!(
                "Invalid value '{other}' for LocationType."
            )));
        }
    };
    let mut found = BTreeMap::new();
    for kind in TYPES {
        for (place, location) in locations.iter().enumerate() {
            // A region has every type: its only place is the first.
            if !kind.is_offered_in(place) {
                continue;
            }
            let offering = Offering {
                kind,
                location: location.clone(),
            };
            if filters.accept(&offering, None, &fields) {
                found.insert(format!("{} {location}", kind.name), offering);
            }
        }
    }
    let (offerings, next) = page.cut(found);
    let mut xml = Xml::default();
    xml.list("instanceTypeOfferingSet", offerings, |xml, offering| {
        xml.text("instanceType", offering.kind.name)
            .text("locationType", location_type)
            .text("location", offering.location);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}
