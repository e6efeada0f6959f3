use proptest::prelude::*;

use super::super::Range;
use super::*;

/// Types with the numbers that EC2 gives for them: name, vCPUs, GiB, GPU, its
/// number, its memory in MiB, and whether the generation is current.
const TYPES: [(&str, u32, u64, &str, u32, u64, bool); 16] = [
    ("c3.2xlarge", 8, 15, "", 0, 0, false),
    ("c5.2xlarge", 8, 16, "", 0, 0, true),
    ("c5.4xlarge", 16, 32, "", 0, 0, true),
    ("m5.2xlarge", 8, 32, "", 0, 0, true),
    ("t3.nano", 2, 0, "", 0, 0, true),
    ("p2.xlarge", 4, 61, "K80", 1, 12_288, false),
    ("p3.2xlarge", 8, 61, "V100", 1, 16_384, true),
    ("p3.8xlarge", 32, 244, "V100", 4, 16_384, true),
    ("p3dn.24xlarge", 96, 768, "V100", 8, 32_768, true),
    ("g4dn.xlarge", 4, 16, "T4", 1, 16_384, true),
    ("g4dn.2xlarge", 8, 32, "T4", 1, 16_384, true),
    ("g5.xlarge", 4, 16, "A10G", 1, 22_888, true),
    ("g5.2xlarge", 8, 32, "A10G", 1, 22_888, true),
    ("g5.12xlarge", 48, 192, "A10G", 4, 22_888, true),
    ("g6f.large", 2, 8, "L4", 0, 2_861, true),
    ("p4d.24xlarge", 96, 1152, "A100", 8, 40_960, true),
];

fn machines() -> Vec<Machine> {
    let machine = |(name, vcpus, gibibytes, gpu, count, memory_mib, current): (
        &str,
        u32,
        u64,
        &str,
        u32,
        u64,
        bool,
    )| Machine {
        name: name.to_owned(),
        architectures: vec!["x86_64".to_owned()],
        vcpus,
        memory_mib: (gibibytes * 1024).max(512),
        gpus: Vec::from_iter((!gpu.is_empty()).then(|| MachineGpu {
            name: gpu.to_owned(),
            manufacturer: "NVIDIA".to_owned(),
            count,
            memory_mib,
        })),
        zones: BTreeSet::from(["eu-central-1a".to_owned()]),
        spot: true,
        cluster: false,
        instance_store_gb: 0,
        current,
    };
    TYPES.into_iter().map(machine).collect()
}

/// A need from what a spec writes, an empty text for what it leaves out.
fn need(gpu: &str, gpu_memory: &str, vcpus: &str, memory: &str) -> Need {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Need {
        gpu: given(gpu).map_or_else(Vec::new, |text| {
            GpuNeed::parse_alternatives(&text).expect("GPUs")
        }),
        gpu_memory: given(gpu_memory).map(|text| Range::parse_sizes(&text).expect("sizes")),
        vcpus: given(vcpus).map(|text| text.parse().expect("a range")),
        memory: given(memory).map(|text| Range::parse_sizes(&text).expect("sizes")),
    }
}

fn fits(need: &Need, machines: &[Machine]) -> Vec<String> {
    let choice = choose(need, machines);
    choice.fits.iter().map(|fit| fit.name.clone()).collect()
}

#[test]
fn the_smallest_machine_that_fits_comes_first() {
    for (gpu, gpu_memory, vcpus, memory, expected) in [
        ("V100:1", "", "", "", &["p3.2xlarge"][..]),
        (
            "v100",
            "",
            "",
            "",
            &["p3.2xlarge", "p3.8xlarge", "p3dn.24xlarge"],
        ),
        ("V100", "32 GiB..", "", "", &["p3dn.24xlarge"]),
        (
            "T4:1 | A10G:1",
            "",
            "8..",
            "",
            &["g4dn.2xlarge", "g5.2xlarge"],
        ),
        (
            "A10G:1..4",
            "",
            "",
            "32 GiB..",
            &["g5.2xlarge", "g5.12xlarge"],
        ),
        ("", "40 GiB..", "", "", &["p4d.24xlarge"]),
        ("", "..8 GiB", "", "", &["g6f.large"]),
        ("", "", "8", "", &["c5.2xlarge", "m5.2xlarge", "c3.2xlarge"]),
        ("", "", "8..", "32 GiB", &["m5.2xlarge", "c5.4xlarge"]),
        ("H100", "", "", "", &[]),
        ("L4", "", "", "", &[]),
    ] {
        let need = need(gpu, gpu_memory, vcpus, memory);
        assert_eq!(fits(&need, &machines()), expected, "{need}");
    }
}

fn assert_unmet(name: &str, need: &Need, expected: &str) {
    let machines = machines();
    let machine = machines.iter().find(|machine| machine.name == name);
    assert_eq!(machine.unwrap().unmet(need), [expected], "{name}");
}

#[test]
fn a_missing_gpu_is_said_in_words() {
    for (name, gpu, expected) in [
        ("g4dn.xlarge", "V100:1", "has 1 T4, and V100:1 is asked for"),
        (
            "p3.8xlarge",
            "V100:1",
            "has 4 V100, and V100:1 is asked for",
        ),
        (
            "c5.2xlarge",
            "V100:1",
            "has no GPU, and V100:1 is asked for",
        ),
        (
            "c5.2xlarge",
            "T4|A10G",
            "has no GPU, and T4 | A10G is asked for",
        ),
        ("g5.xlarge", "", "has 1 A10G, and no GPU is asked for"),
        (
            "g6f.large",
            "L4",
            "has a fraction of one L4, and L4 is asked for",
        ),
    ] {
        assert_unmet(name, &need(gpu, "", "", ""), expected);
    }
    let with_memory = need("T4 | A10G", "16 GiB..", "", "");
    let said_once = "has no GPU, and T4 | A10G is asked for";
    assert_unmet("c5.2xlarge", &with_memory, said_once);
}

#[test]
fn missing_gpu_memory_is_said_in_words() {
    for (name, gpu, gpu_memory, expected) in [
        (
            "g4dn.xlarge",
            "T4",
            "24 GiB..",
            "its GPU has 16 GiB, and 24 GiB.. is asked for",
        ),
        (
            "g5.xlarge",
            "A10G",
            "24 GiB..",
            "its GPU has 22.3 GiB, and 24 GiB.. is asked for",
        ),
        (
            "c5.2xlarge",
            "",
            "16 GiB..",
            "has no GPU, and one with 16 GiB.. is asked for",
        ),
    ] {
        assert_unmet(name, &need(gpu, gpu_memory, "", ""), expected);
    }
}

#[test]
fn missing_processors_and_memory_are_said_in_words() {
    let processors = "has 4 vCPUs, and 8.. is asked for";
    assert_unmet("g5.xlarge", &need("A10G", "", "8..", ""), processors);
    let memory = "has 0.5 GiB of memory, and 1 GiB.. is asked for";
    assert_unmet("t3.nano", &need("", "", "", "1 GiB.."), memory);
}

#[test]
fn machines_with_the_right_gpu_come_near_the_one_that_misses_least_first() {
    let machines = machines();
    let choice = choose(&need("V100:2", "", "..64", ""), &machines);
    assert!(choice.fits.is_empty());
    let near: Vec<(&str, &str)> = choice
        .near
        .iter()
        .map(|(name, why)| (name.as_str(), why.as_str()))
        .collect();
    assert_eq!(
        near,
        [
            ("p3.2xlarge", "has 1 V100, and V100:2 is asked for"),
            ("p3.8xlarge", "has 4 V100, and V100:2 is asked for"),
            (
                "p3dn.24xlarge",
                "has 8 V100, and V100:2 is asked for; has 96 vCPUs, and ..64 is asked for"
            ),
        ]
    );
}

#[test]
fn without_a_named_gpu_those_come_near_that_miss_one_part() {
    let machines = machines();
    let choice = choose(&need("", "", "8", "64 GiB"), &machines);
    assert!(choice.fits.is_empty());
    let names: Vec<&str> = choice.near.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["c5.2xlarge", "m5.2xlarge", "c3.2xlarge"]);
}

#[test]
fn a_long_list_of_near_ones_is_cut() {
    let machines: Vec<Machine> = (0..20)
        .map(|number| Machine {
            name: format!("p3.{number:02}"),
            ..machines()[6].clone()
        })
        .collect();
    let choice = choose(&need("V100:2", "", "", ""), &machines);
    assert_eq!(choice.near.len(), Choice::NEAR);
    assert_eq!(choice.near[0].0, "p3.00");
}

proptest! {
    #[test]
    fn the_choice_does_not_depend_on_the_order_of_the_machines(
        shuffled in Just(machines()).prop_shuffle(),
        text in prop::sample::select(vec!["", "V100", "T4|A10G:1", "A10G:1..4"]),
    ) {
        let need = need(text, "", "4..48", "");
        let ordered = machines();
        prop_assert_eq!(choose(&need, &shuffled), choose(&need, &ordered));
    }
}
