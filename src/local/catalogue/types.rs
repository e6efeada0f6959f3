//! Instance types.

/// An instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstanceType {
    pub(crate) name: &'static str,
    pub(crate) vcpus: u32,
    pub(crate) memory_mib: u32,
    pub(crate) gpu: Option<Gpu>,
    pub(crate) architecture: &'static str,
}

impl InstanceType {
    /// Whether AWS still counts the type among the current ones.
    pub(crate) fn is_current(&self) -> bool {
        !self.name.starts_with("p3.")
    }

    /// Whether the zone in this place of its region has the type: the rare ones
    /// are not everywhere.
    pub(crate) fn is_offered_in(&self, place: usize) -> bool {
        let family = self.name.split('.').next().unwrap_or_default();
        let zones = match family {
            "p3" | "p3dn" => 2,
            "p4d" | "p5" => 1,
            _ => return true,
        };
        place < zones
    }
}

/// The graphics processors of an instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gpu {
    pub(crate) name: &'static str,
    pub(crate) count: u32,
    /// Of each.
    pub(crate) memory_mib: u32,
}

const fn plain(name: &'static str, vcpus: u32, memory_mib: u32) -> InstanceType {
    InstanceType {
        name,
        vcpus,
        memory_mib,
        gpu: None,
        architecture: "x86_64",
    }
}

const fn arm(name: &'static str, vcpus: u32, memory_mib: u32) -> InstanceType {
    InstanceType {
        architecture: "arm64",
        ..plain(name, vcpus, memory_mib)
    }
}

const fn with(
    machine: InstanceType,
    count: u32,
    name: &'static str,
    memory_mib: u32,
) -> InstanceType {
    InstanceType {
        gpu: Some(Gpu {
            name,
            count,
            memory_mib,
        }),
        ..machine
    }
}

/// Every type on offer, in order of names.
pub(crate) const TYPES: &[InstanceType] = &[
    plain("c5.2xlarge", 8, 16_384),
    plain("c5.xlarge", 4, 8192),
    with(plain("g4dn.xlarge", 4, 16_384), 1, "T4", 16_384),
    with(plain("g5.12xlarge", 48, 196_608), 4, "A10G", 22_888),
    with(plain("g5.2xlarge", 8, 32_768), 1, "A10G", 22_888),
    with(plain("g5.xlarge", 4, 16_384), 1, "A10G", 22_888),
    with(plain("g6.xlarge", 4, 16_384), 1, "L4", 22_888),
    plain("m5.large", 2, 8192),
    plain("m5.xlarge", 4, 16_384),
    with(plain("p3.16xlarge", 64, 499_712), 8, "V100", 16_384),
    with(plain("p3.2xlarge", 8, 62_464), 1, "V100", 16_384),
    with(plain("p3.8xlarge", 32, 249_856), 4, "V100", 16_384),
    with(plain("p4d.24xlarge", 96, 1_179_648), 8, "A100", 40_960),
    with(plain("p5.48xlarge", 192, 2_097_152), 8, "H100", 81_920),
    plain("t3.large", 2, 8192),
    plain("t3.medium", 2, 4096),
    plain("t3.micro", 2, 1024),
    plain("t3.nano", 2, 512),
    plain("t3.small", 2, 2048),
    arm("t4g.micro", 2, 1024),
    arm("t4g.small", 2, 2048),
];

/// Finds a type by name.
pub(crate) fn instance_type(name: &str) -> Option<&'static InstanceType> {
    TYPES.iter().find(|known| known.name == name)
}
