use super::super::MachineGpu;
use super::*;

const AMAZON_LINUX: &str = "Deep Learning AMI (Amazon Linux) Version 49.0";
const OPEN_UBUNTU: &str = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20250505";
const OPEN_PYTORCH: &str =
    "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.9 (Amazon Linux 2023) 20260502";
const SINGLE_CUDA: &str = "Deep Learning Base AMI with Single CUDA (Amazon Linux 2023) 20260917";
const PROPRIETARY_BASE: &str =
    "Deep Learning Base Proprietary Nvidia Driver AMI (Amazon Linux 2) Version 71.6";
const PROPRIETARY_PYTORCH: &str =
    "Deep Learning Proprietary Nvidia Driver AMI GPU PyTorch 2.0.1 (Ubuntu 20.04) 20240116";
const ARM64: &str = "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20251205";
const UNSAID: &str = "Deep Learning AMI GPU PyTorch 2.0.1 (Ubuntu 20.04) 20230827";
const AL2023: &str = "al2023-ami-2023.9.20251208.0-kernel-6.1-x86_64";
const UBUNTU: &str = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251001";

fn machine(name: &str) -> Machine {
    let (gpu, manufacturer) = match name {
        "p2.xlarge" => ("K80", "NVIDIA"),
        "g3s.xlarge" => ("M60", "NVIDIA"),
        "p3.2xlarge" => ("V100", "NVIDIA"),
        "g4dn.xlarge" => ("T4", "NVIDIA"),
        "g4ad.xlarge" => ("Radeon Pro V520", "AMD"),
        "g5.xlarge" => ("A10G", "NVIDIA"),
        "g5g.xlarge" => ("T4g", "NVIDIA"),
        "g6.xlarge" => ("L4", "NVIDIA"),
        "g7e.2xlarge" => ("RTX PRO Server 6000", "NVIDIA"),
        "p4d.24xlarge" => ("A100", "NVIDIA"),
        "p5.48xlarge" => ("H100", "NVIDIA"),
        "p6-b200.48xlarge" => ("B200", "NVIDIA"),
        _ => ("", ""),
    };
    let arm = name.starts_with("g5g") || name.starts_with("c7g");
    Machine {
        name: name.to_owned(),
        architectures: vec![if arm { "arm64" } else { "x86_64" }.to_owned()],
        vcpus: 4,
        memory_mib: 16_384,
        gpus: Vec::from_iter((!gpu.is_empty()).then(|| MachineGpu {
            name: gpu.to_owned(),
            manufacturer: manufacturer.to_owned(),
            count: 1,
            memory_mib: 16_384,
        })),
        zones: BTreeSet::new(),
        spot: true,
        cluster: false,
        instance_store_gb: 0,
        current: true,
    }
}

/// The kind of answer, and what it says to use instead.
fn told(image: &str, name: &str) -> (&'static str, String) {
    match image_support(image, &machine(name)) {
        Support::Fine => ("fine", String::new()),
        Support::Outdated { why, instead } => {
            assert!(why.contains("2021-10-07"), "{why}");
            ("outdated", instead)
        }
        Support::Unsupported { instead, .. } => ("unsupported", instead),
        Support::NoDriver { instead } => ("no driver", instead),
    }
}

#[test]
fn images_and_machines_that_belong_together_are_fine() {
    for (image, names) in [
        (
            OPEN_UBUNTU,
            &[
                "g4dn.xlarge",
                "g5.xlarge",
                "g6.xlarge",
                "p5.48xlarge",
                "c5.xlarge",
            ][..],
        ),
        (OPEN_PYTORCH, &["p4d.24xlarge", "p6-b200.48xlarge"]),
        (SINGLE_CUDA, &["g7e.2xlarge", "g5.xlarge"]),
        (PROPRIETARY_BASE, &["p3.2xlarge", "g3s.xlarge"]),
        (
            PROPRIETARY_PYTORCH,
            &["p3.2xlarge", "g4dn.xlarge", "g5.xlarge"],
        ),
        (ARM64, &["g5g.xlarge", "c7g.xlarge"]),
        (UNSAID, &["p3.2xlarge", "p5.48xlarge"]),
        (AL2023, &["c5.xlarge"]),
        (UBUNTU, &["c5.xlarge"]),
        ("our-own-image", &["p3.2xlarge"]),
        (
            "amzn2-ami-ecs-gpu-hvm-2.0.20250101-x86_64-ebs",
            &["g5.xlarge"],
        ),
    ] {
        for name in names {
            assert_eq!(told(image, name).0, "fine", "{image} on {name}");
        }
    }
}

#[test]
fn an_image_without_the_right_driver_is_refused_with_another_to_use() {
    for (image, name, instead) in [
        (
            OPEN_UBUNTU,
            "p3.2xlarge",
            "Proprietary Nvidia Driver AMI (Amazon Linux 2) Version 71*`",
        ),
        (
            OPEN_PYTORCH,
            "g3s.xlarge",
            "Proprietary Nvidia Driver AMI (Amazon Linux 2) Version *`",
        ),
        (SINGLE_CUDA, "p2.xlarge", "`g4dn.xlarge`"),
        (OPEN_UBUNTU, "g4ad.xlarge", "`g4dn.xlarge`"),
        (
            OPEN_UBUNTU,
            "g5g.xlarge",
            "ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) *`",
        ),
        (
            ARM64,
            "g5.xlarge",
            "`Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) *`",
        ),
        (
            PROPRIETARY_BASE,
            "p6-b200.48xlarge",
            "OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *`",
        ),
        (
            PROPRIETARY_BASE,
            "g7e.2xlarge",
            "OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *`",
        ),
        (PROPRIETARY_BASE, "p2.xlarge", "`g4dn.xlarge`"),
        (
            AMAZON_LINUX,
            "g5.xlarge",
            "OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *`",
        ),
        (
            AMAZON_LINUX,
            "p5.48xlarge",
            "OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *`",
        ),
    ] {
        let (kind, told) = told(image, name);
        assert_eq!(kind, "unsupported", "{image} on {name}");
        assert!(told.contains(instead), "{image} on {name}: {told}");
    }
}

#[test]
fn what_had_its_last_update_long_ago_is_outdated_even_where_it_works() {
    for (image, name, instead) in [
        (AMAZON_LINUX, "p3.2xlarge", "Version 71*`"),
        (
            AMAZON_LINUX,
            "p4d.24xlarge",
            "OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *`",
        ),
        (AMAZON_LINUX, "c5.xlarge", "`al2023-ami-2023.*-x86_64`"),
        (
            "Deep Learning Base AMI (Ubuntu 16.04) Version 40.0",
            "g4dn.xlarge",
            "(Ubuntu 24.04) *`",
        ),
    ] {
        let (kind, told) = told(image, name);
        assert_eq!(kind, "outdated", "{image} on {name}");
        assert!(told.contains(instead), "{image} on {name}: {told}");
    }
}

#[test]
fn a_plain_system_has_no_driver_for_a_gpu() {
    for (image, name, instead) in [
        (
            AL2023,
            "g5.xlarge",
            "OSS Nvidia Driver GPU AMI (Amazon Linux 2023) *`",
        ),
        (
            UBUNTU,
            "g5.xlarge",
            "OSS Nvidia Driver GPU AMI (Ubuntu 24.04) *`",
        ),
        (UBUNTU, "p3.2xlarge", "Version 71*`"),
        (
            "amzn2-ami-kernel-5.10-hvm-2.0.20250818.2-x86_64-gp2",
            "g6.xlarge",
            "2023) *`",
        ),
        (
            "Deep Learning AMI Neuron (Ubuntu 22.04) 20250101",
            "g5.xlarge",
            "24.04) *`",
        ),
    ] {
        let (kind, told) = told(image, name);
        assert_eq!(kind, "no driver", "{image} on {name}");
        assert!(told.contains(instead), "{image} on {name}: {told}");
    }
}

#[test]
fn the_reason_names_the_machine_and_its_gpu() {
    let Support::Unsupported { why, .. } = image_support(OPEN_UBUNTU, &machine("p3.2xlarge"))
    else {
        panic!("open kernel modules do not drive the V100");
    };
    assert!(why.contains("open kernel modules"), "{why}");
    assert!(why.contains("p3.2xlarge has the V100"), "{why}");
}

#[test]
fn a_description_lists_the_families_that_an_image_supports() {
    let described = "Supported EC2 instances: G4dn, G5, G3 (G3.16x not supported), P4, P5en, \
                     P6-B200. Release notes: https://docs.aws.amazon.com/dlami/latest/devguide/";
    let families = described_families(described).unwrap();
    for (name, expected) in [
        ("g4dn.xlarge", true),
        ("g5.xlarge", true),
        ("g5g.xlarge", false),
        ("p4d.24xlarge", true),
        ("p6-b200.48xlarge", true),
        ("p5.48xlarge", false),
        ("p3.2xlarge", false),
    ] {
        assert_eq!(is_described(&families, &machine(name)), expected, "{name}");
    }
    assert_eq!(described_families("Amazon Linux 2023 AMI"), None);
    assert_eq!(described_families("Supported EC2 instances: . "), None);
}
