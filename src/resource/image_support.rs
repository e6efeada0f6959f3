//! Whether an image has the driver of a machine's GPU.
//!
//! A wrong pair boots, bills and trains on nothing. The rules follow the release
//! notes of the AWS Deep Learning AMIs, which list "supported EC2 instances", and
//! NVIDIA's Driver Installation Guide, "Kernel Modules". What no document settles
//! counts as fine.

use std::collections::BTreeSet;

use super::Machine;

/// The base image with the open kernel modules, without its system.
const OPEN: &str = "Deep Learning Base OSS Nvidia Driver GPU AMI";
const OPEN_ARM64: &str = "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI";
const PROPRIETARY: &str = "Deep Learning Base Proprietary Nvidia Driver AMI (Amazon Linux 2)";

/// What is known of an image on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// Nothing speaks against it.
    Fine,
    /// It may work, and is maintained no more.
    Outdated {
        /// What is old about it.
        why: String,
        /// What to write instead.
        instead: String,
    },
    /// It does not drive this machine's GPU, or does not boot there.
    Unsupported {
        /// What is in the way.
        why: String,
        /// What to write instead.
        instead: String,
    },
    /// A plain system image: the GPU lies idle until somebody installs its driver.
    NoDriver {
        /// What to write instead.
        instead: String,
    },
}

/// What an image's name says of the driver in it.
enum Driver {
    /// The open kernel modules.
    Open,
    /// NVIDIA's proprietary modules.
    Proprietary,
    /// Whatever was current when updates ended, for what system.
    Ended(&'static str),
    /// A Deep Learning AMI of which the name says no more.
    Unsaid,
    /// None.
    None,
    /// The image is somebody's own.
    Unknown,
}

/// Judges an image by its name, such as
/// `Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20251205`.
///
/// Where the image's description is at hand, [`described_families`] is the
/// better witness.
pub fn image_support(image_name: &str, machine: &Machine) -> Support {
    let driver = driver_of(image_name);
    let deep_learning = !matches!(driver, Driver::None | Driver::Unknown);
    let instead = remedy(image_name, machine);
    if let Some(why) = foreign(image_name, machine).filter(|_| deep_learning) {
        return Support::Unsupported { why, instead };
    }
    let unsupported = match driver {
        Driver::Open => too_old_for_open(machine),
        Driver::Proprietary => no_proprietary(machine),
        Driver::Ended(system) => return ended(system, machine, instead),
        Driver::None if !machine.gpus.is_empty() => return Support::NoDriver { instead },
        Driver::Unsaid | Driver::None | Driver::Unknown => None,
    };
    match unsupported {
        Some(why) => Support::Unsupported { why, instead },
        None => Support::Fine,
    }
}

fn driver_of(name: &str) -> Driver {
    let says = |text: &str| name.contains(text);
    if !name.starts_with("Deep Learning") {
        return if is_plain(name) {
            Driver::None
        } else {
            Driver::Unknown
        };
    }
    // AWS Deep Learning AMIs Developer Guide, "Deprecated features of DLAMI".
    if says("(Amazon Linux)") {
        Driver::Ended("the first Amazon Linux")
    } else if says("(Ubuntu 16.04)") {
        Driver::Ended("Ubuntu 16.04")
    } else if says("Proprietary Nvidia Driver") {
        Driver::Proprietary
    } else if says("OSS Nvidia Driver") || says("with Single CUDA") {
        Driver::Open
    } else if says("Neuron") || says("Qualcomm") {
        Driver::None
    } else {
        Driver::Unsaid
    }
}

/// Whether a name is that of a system image as its maker publishes it.
fn is_plain(name: &str) -> bool {
    const SYSTEMS: [&str; 8] = [
        "al2023-ami-",
        "amzn2-ami-",
        "amzn-ami-",
        "debian-",
        "RHEL-",
        "ubuntu/images/",
        "ubuntu-minimal/images/",
        "ubuntu-pro-server/images/",
    ];
    // Such as `amzn2-ami-ecs-gpu-hvm-*`, which has the driver.
    let equipped = ["gpu", "nvidia", "neuron"]
        .iter()
        .any(|word| name.contains(word));
    !equipped && SYSTEMS.iter().any(|system| name.starts_with(system))
}

/// What no Deep Learning AMI of this name can run on: the other architecture, or a GPU of no NVIDIA make.
fn foreign(name: &str, machine: &Machine) -> Option<String> {
    let architecture = if name.contains("ARM64") {
        "arm64"
    } else {
        "x86_64"
    };
    let architectures = &machine.architectures;
    if !architectures.is_empty() && !architectures.iter().any(|other| other == architecture) {
        return Some(format!(
            "the image is for {architecture}, and {} is {}",
            machine.name,
            architectures.join(" or ")
        ));
    }
    let other = machine
        .gpus
        .iter()
        .find(|gpu| !gpu.manufacturer.eq_ignore_ascii_case("nvidia"))?;
    Some(format!(
        "the image has drivers of NVIDIA's GPUs only, and {} has the {} of {}",
        machine.name, other.name, other.manufacturer
    ))
}

/// The first GPU of the machine that one of some names fits.
fn gpu_among<'a>(machine: &'a Machine, names: &[&str]) -> Option<&'a str> {
    let mut gpus = machine.gpus.iter().map(|gpu| gpu.name.as_str());
    gpus.find(|gpu| names.iter().any(|name| gpu.eq_ignore_ascii_case(name)))
}

/// EC2's GPUs before Turing, which the open kernel modules do not drive
/// (NVIDIA Driver Installation Guide, "Kernel Modules").
fn too_old_for_open(machine: &Machine) -> Option<String> {
    let gpu = gpu_among(machine, &["K520", "K80", "M60", "V100"])?;
    Some(format!(
        "the image has NVIDIA's open kernel modules, which need a Turing GPU or a later one, \
         and {} has the {gpu}",
        machine.name
    ))
}

/// What the proprietary modules of these images do not drive: Kepler, which went
/// with driver 470, and Blackwell, which NVIDIA supports with the open modules
/// alone ("NVIDIA Transitions Fully Towards Open-Source GPU Kernel Modules").
fn no_proprietary(machine: &Machine) -> Option<String> {
    if let Some(gpu) = gpu_among(machine, &["K520", "K80"]) {
        return Some(format!(
            "the image's driver is too new for the {gpu} of {}",
            machine.name
        ));
    }
    let blackwell = |name: &str| {
        let made = ["B200", "B300", "GB200", "GB300", "RTX PRO"];
        made.iter().any(|prefix| name.starts_with(prefix))
    };
    let gpu = machine.gpus.iter().find(|gpu| blackwell(&gpu.name))?;
    Some(format!(
        "the image has NVIDIA's proprietary kernel modules, and the {} of {} needs the open ones",
        gpu.name, machine.name
    ))
}

/// An image whose updates ended on 2021-10-07 knows the GPUs that EC2 had by then.
fn ended(system: &str, machine: &Machine, instead: String) -> Support {
    const BY_THEN: [&str; 6] = ["K520", "K80", "M60", "V100", "T4", "A100"];
    let last = format!("AWS has not updated its Deep Learning AMIs on {system} since 2021-10-07");
    let later = machine.gpus.iter().find(|gpu| {
        !BY_THEN
            .iter()
            .any(|known| gpu.name.eq_ignore_ascii_case(known))
    });
    match later {
        Some(gpu) => Support::Unsupported {
            why: format!("{last}, and the {} came later", gpu.name),
            instead,
        },
        None => Support::Outdated { why: last, instead },
    }
}

/// What to write instead of an image on a machine: an image's name, or a type.
fn remedy(image_name: &str, machine: &Machine) -> String {
    let ubuntu = image_name.to_ascii_lowercase().contains("ubuntu");
    let system = if ubuntu {
        "(Ubuntu 24.04)"
    } else {
        "(Amazon Linux 2023)"
    };
    let arm = machine.architectures.iter().any(|name| name == "arm64");
    let foreign = machine
        .gpus
        .iter()
        .any(|gpu| !gpu.manufacturer.eq_ignore_ascii_case("nvidia"));
    if machine.gpus.is_empty() {
        let architecture = if arm { "arm64" } else { "x86_64" };
        format!("the image name `al2023-ami-2023.*-{architecture}`")
    } else if foreign || gpu_among(machine, &["K520", "K80"]).is_some() {
        "a type with an NVIDIA GPU of the Turing generation or later, such as `g4dn.xlarge`"
            .to_owned()
    } else if gpu_among(machine, &["V100"]).is_some() {
        // The notes of 71.6 list P3 and P3dn, those of 73.1 no longer do.
        format!("the image name `{PROPRIETARY} Version 71*`")
    } else if gpu_among(machine, &["M60"]).is_some() {
        format!("the image name `{PROPRIETARY} Version *`")
    } else if arm {
        format!("the image name `{OPEN_ARM64} {system} *`")
    } else {
        format!("the image name `{OPEN} {system} *`")
    }
}

/// The families that a Deep Learning AMI's description lists, in small letters.
///
/// Their descriptions read `Supported EC2 instances: G4dn, G5, P4d. Release
/// notes: ...` (EC2 API, `DescribeImages`). None where a description does not.
pub fn described_families(description: &str) -> Option<BTreeSet<String>> {
    let (_, list) = description.split_once("Supported EC2 instances:")?;
    let list = list.split_once(". ").map_or(list, |(list, _)| list);
    let families: BTreeSet<String> = list
        .split(',')
        .filter_map(|entry| entry.split_whitespace().next())
        .map(|family| family.trim_end_matches('.').to_ascii_lowercase())
        .filter(|family| !family.is_empty())
        .collect();
    (!families.is_empty()).then_some(families)
}

/// Whether a list of [`described_families`] names a machine's own.
///
/// Some lists say `P4` for `p4d`, and `P6` for all that `p6-b200` and the like stand for.
pub fn is_described(families: &BTreeSet<String>, machine: &Machine) -> bool {
    let family = machine.family();
    let generation = family.split('-').next().unwrap_or(family);
    families.contains(family)
        || families.contains(generation)
        || (family == "p4d" && families.contains("p4"))
}

#[cfg(test)]
#[path = "image_support_tests.rs"]
mod tests;
