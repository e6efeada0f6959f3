//! What EC2 says of its instance types, and which of them meet a need.

use std::collections::BTreeSet;

use serde::Serialize;

use super::range::human_mebibytes;
use super::{GpuNeed, Need};

/// An instance type as `DescribeInstanceTypes` describes it (EC2 API, `InstanceTypeInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The type's name, such as `g5.2xlarge`.
    pub name: String,
    /// The architectures that it runs, such as `x86_64` or `arm64`.
    pub architectures: Vec<String>,
    /// Its virtual processors by default.
    pub vcpus: u32,
    /// Its main memory in MiB.
    pub memory_mib: u64,
    /// Its GPUs, one entry for each kind.
    pub gpus: Vec<MachineGpu>,
    /// The availability zones that offer it.
    pub zones: BTreeSet<String>,
    /// Whether it can be had on the spot market.
    pub spot: bool,
    /// Whether it may stand in a cluster placement group.
    pub cluster: bool,
    /// The instance store's size in GB as EC2 counts it, 0 where there is none.
    pub instance_store_gb: u64,
    /// Whether it is of the current generation.
    pub current: bool,
}

/// GPUs of one kind in an instance type (EC2 API, `GpuDeviceInfo`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineGpu {
    /// The GPU's name, such as `V100`.
    pub name: String,
    /// Who makes it, such as `NVIDIA`.
    pub manufacturer: String,
    /// How many there are; 0 where the type has only a fraction of one, as `g6f.large` has.
    pub count: u32,
    /// The memory of each in MiB. A card sold as one of 24 GB has 22,888 MiB here.
    pub memory_mib: u64,
}

/// What orders machines by how little they are; see [`Machine::size_key`].
pub type SizeKey<'a> = (bool, u32, u64, u32, u64, &'a str);

impl Machine {
    /// The part of its name before the point, such as `g5`.
    pub fn family(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }

    /// Each part of a need that the machine does not meet, in words; none where it fits.
    pub fn unmet(&self, need: &Need) -> Vec<String> {
        let Need {
            gpu,
            gpu_memory: _,
            vcpus,
            memory,
        } = need;
        let mut unmet = Vec::new();
        unmet.extend(self.unmet_gpu(need, gpu));
        unmet.extend(self.unmet_gpu_memory(need));
        if let Some(range) = vcpus.filter(|range| !range.contains(self.vcpus.into())) {
            let unit = if self.vcpus == 1 { "vCPU" } else { "vCPUs" };
            unmet.push(format!(
                "has {} {unit}, and {range} is asked for",
                self.vcpus
            ));
        }
        if let Some(range) = memory.filter(|range| !range.contains(self.memory_mib)) {
            unmet.push(format!(
                "has {} of memory, and {} is asked for",
                human_mebibytes(self.memory_mib),
                range.as_sizes()
            ));
        }
        unmet
    }

    fn unmet_gpu(&self, need: &Need, gpu: &[GpuNeed]) -> Option<String> {
        let asked = match (gpu, need.gpu_memory) {
            // A GPU that nobody asked for is only a higher bill.
            ([], None) if self.gpus.is_empty() => return None,
            ([], None) => "no GPU".to_owned(),
            ([], Some(_)) if !self.gpus.is_empty() => return None,
            ([], Some(range)) => format!("one with {}", range.as_sizes()),
            (alternatives, _) if self.has_enough(alternatives) => return None,
            (_, _) => need.gpu_text(),
        };
        Some(format!("has {}, and {asked} is asked for", self.gpu_text()))
    }

    fn has_enough(&self, alternatives: &[GpuNeed]) -> bool {
        alternatives.iter().any(|alternative| {
            let called = self
                .gpus
                .iter()
                .filter(|gpu| alternative.is_called(&gpu.name));
            let count = called.map(|gpu| u64::from(gpu.count)).sum();
            alternative.count.contains(count)
        })
    }

    fn unmet_gpu_memory(&self, need: &Need) -> Option<String> {
        let range = need.gpu_memory?;
        let wrong = self
            .gpus
            .iter()
            .find(|gpu| !range.contains(gpu.memory_mib))?;
        Some(format!(
            "its GPU has {}, and {} is asked for",
            human_mebibytes(wrong.memory_mib),
            range.as_sizes()
        ))
    }

    /// Its GPUs for people, such as `8 V100` or `no GPU`.
    pub fn gpu_text(&self) -> String {
        let each: Vec<String> = self
            .gpus
            .iter()
            .map(|gpu| match gpu.count {
                0 => format!("a fraction of one {}", gpu.name),
                count => format!("{count} {}", gpu.name),
            })
            .collect();
        if each.is_empty() {
            "no GPU".to_owned()
        } else {
            each.join(" and ")
        }
    }

    /// What puts the smallest machine first: the current generation, then fewer
    /// GPUs, less GPU memory, fewer vCPUs, less memory, and the name at last.
    pub fn size_key(&self) -> SizeKey<'_> {
        let count = self.gpus.iter().map(|gpu| gpu.count).sum();
        let memory = self
            .gpus
            .iter()
            .map(|gpu| u64::from(gpu.count.max(1)) * gpu.memory_mib)
            .sum();
        let Self {
            name,
            vcpus,
            memory_mib,
            current,
            ..
        } = self;
        (!current, count, memory, *vcpus, *memory_mib, name)
    }

    /// Whether it has a GPU of the right name, however many and however large.
    fn has_named_gpu(&self, need: &Need) -> bool {
        let mut names = self.gpus.iter().map(|gpu| &gpu.name);
        names.any(|name| need.gpu.iter().any(|gpu| gpu.is_called(name)))
    }
}

/// Which machines meet a need, and which come near.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice<'a> {
    /// Those that meet it, the smallest first.
    pub fits: Vec<&'a Machine>,
    /// At most [`Choice::NEAR`] that do not, by name, with why, the nearest first.
    pub near: Vec<(String, String)>,
}

impl Choice<'_> {
    /// How many machines that come near are named: enough to see what to change.
    pub const NEAR: usize = 8;
}

/// Finds the machines that meet a need, the smallest first.
///
/// Near are those with the right GPU where one is named, and those that miss one
/// part alone where none is. The order depends on the machines only, not on the
/// order in which they come.
pub fn choose<'a>(need: &Need, machines: impl IntoIterator<Item = &'a Machine>) -> Choice<'a> {
    let mut fits = Vec::new();
    let mut near = Vec::new();
    for machine in machines {
        let unmet = machine.unmet(need);
        let comes_near = if need.gpu.is_empty() {
            unmet.len() == 1
        } else {
            machine.has_named_gpu(need)
        };
        if unmet.is_empty() {
            fits.push(machine);
        } else if comes_near {
            near.push((unmet, machine));
        }
    }
    fits.sort_by_key(|machine| machine.size_key());
    near.sort_by_key(|(unmet, machine)| (unmet.len(), machine.size_key()));
    let near = near
        .into_iter()
        .take(Choice::NEAR)
        .map(|(unmet, machine)| (machine.name.clone(), unmet.join("; ")))
        .collect();
    Choice { fits, near }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
