//! Instance types.

/// An instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstanceType {
    pub(crate) name: &'static str,
    pub(crate) vcpus: u32,
    pub(crate) memory_mib: u32,
    pub(crate) gpu: Option<Gpu>,
    pub(crate) architecture: &'static str,
    /// The disks of the host, all of them `NVMe`.
    pub(crate) storage: Option<Storage>,
}

impl InstanceType {
    /// Whether AWS still counts the type among the current ones.
    pub(crate) fn is_current(&self) -> bool {
        !matches!(self.family(), "p2" | "p3" | "g3")
    }

    fn family(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// How the type may be bought.
    pub(crate) fn usage_classes(&self) -> &'static [&'static str] {
        match self.family() {
            "p4d" | "p5" => &["on-demand", "spot", "capacity-block"],
            _ => &["on-demand", "spot"],
        }
    }

    /// The strategies of the placement groups that the type may be in. Burstable
    /// types are in no cluster (EC2 user guide, placement strategies).
    pub(crate) fn strategies(&self) -> &'static [&'static str] {
        match self.family() {
            "t3" | "t4g" => &["partition", "spread"],
            _ => &["cluster", "partition", "spread"],
        }
    }

    /// Whether the zone in this place of its region has the type: the rare ones
    /// are not everywhere.
    pub(crate) fn is_offered_in(&self, place: usize) -> bool {
        let zones = match self.family() {
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

/// The disks of an instance type, lost when it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    pub(crate) disks: u32,
    /// Of each.
    pub(crate) size_gb: u32,
}

const fn plain(name: &'static str, vcpus: u32, memory_mib: u32) -> InstanceType {
    InstanceType {
        name,
        vcpus,
        memory_mib,
        gpu: None,
        architecture: "x86_64",
        storage: None,
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

const fn disks(machine: InstanceType, disks: u32, size_gb: u32) -> InstanceType {
    InstanceType {
        storage: Some(Storage { disks, size_gb }),
        ..machine
    }
}

/// Every type on offer, in order of names.
pub(crate) const TYPES: &[InstanceType] = &[
    plain("c5.2xlarge", 8, 16_384),
    plain("c5.xlarge", 4, 8192),
    arm("c6g.large", 2, 4096),
    with(plain("g3.4xlarge", 16, 124_928), 1, "M60", 8192),
    disks(
        with(plain("g4dn.xlarge", 4, 16_384), 1, "T4", 16_384),
        1,
        125,
    ),
    disks(
        with(plain("g5.12xlarge", 48, 196_608), 4, "A10G", 22_888),
        1,
        3800,
    ),
    disks(
        with(plain("g5.2xlarge", 8, 32_768), 1, "A10G", 22_888),
        1,
        450,
    ),
    disks(
        with(plain("g5.xlarge", 4, 16_384), 1, "A10G", 22_888),
        1,
        250,
    ),
    with(arm("g5g.xlarge", 4, 8192), 1, "T4g", 16_384),
    disks(with(plain("g6.xlarge", 4, 16_384), 1, "L4", 22_888), 1, 250),
    disks(
        with(plain("g6e.xlarge", 4, 32_768), 1, "L40S", 45_776),
        1,
        250,
    ),
    // Its accelerator is no graphics processor.
    plain("inf2.xlarge", 4, 16_384),
    plain("m5.2xlarge", 8, 32_768),
    plain("m5.large", 2, 8192),
    plain("m5.xlarge", 4, 16_384),
    arm("m6g.large", 2, 8192),
    with(plain("p2.xlarge", 4, 62_464), 1, "K80", 12_288),
    with(plain("p3.16xlarge", 64, 499_712), 8, "V100", 16_384),
    with(plain("p3.2xlarge", 8, 62_464), 1, "V100", 16_384),
    with(plain("p3.8xlarge", 32, 249_856), 4, "V100", 16_384),
    disks(
        with(plain("p3dn.24xlarge", 96, 786_432), 8, "V100", 32_768),
        2,
        900,
    ),
    disks(
        with(plain("p4d.24xlarge", 96, 1_179_648), 8, "A100", 40_960),
        8,
        1000,
    ),
    disks(
        with(plain("p5.48xlarge", 192, 2_097_152), 8, "H100", 81_920),
        8,
        3800,
    ),
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
