//! Values that are not written as they must be, or mean too much or too little.

use super::scene::{SPEC, accepted, refused};
use crate::support::{Sandbox, good_but, good_with};

#[test]
fn leases_without_their_unit_are_refused() {
    refused(good_but("lease: 2h", "lease: 12")).says(&[
        "error[T102]: `lease` must be text, and this is the number 12",
        "environments/trial.yaml:5:8",
        "such as `12h`, `90m` or `1d12h`",
    ]);
    for text in [
        "\"12\"",
        "12 parsecs",
        "12 h",
        "h",
        "1h1d",
        "1.5h",
        "PT12H",
        "١٢h",
        "-2h",
    ] {
        refused(good_but("lease: 2h", &format!("lease: {text}"))).says(&[
            "error[T105]: `lease` cannot be",
            "write days, hours and minutes with their units",
        ]);
    }
}

#[test]
fn leases_beyond_reason_are_refused() {
    for text in ["0h", "0m", "1m", "9m"] {
        refused(good_but("lease: 2h", &format!("lease: {text}")))
            .says(&["error[T105]: `lease` cannot be", "a lease is at least 10m"]);
    }
    for text in ["31d", "721h", "99999d"] {
        refused(good_but("lease: 2h", &format!("lease: {text}")))
            .says(&["error[T105]: `lease` cannot be", "a lease is at most 30d"]);
    }
    refused(good_but("lease: 2h", "lease: 99999999999999999999d")).says(&["error[T105]"]);
    for text in ["10m", "30d", "1d12h30m"] {
        accepted(good_but("lease: 2h", &format!("lease: {text}")));
    }
}

#[test]
fn sizes_without_their_unit_are_refused() {
    refused(good_but("20 GiB", "20")).says(&[
        "error[T102]: `instances.trainer.disk.size` must be text, and this is the number 20",
        "such as `150 GiB` or `2 TiB`",
    ]);
    for text in ["\"20\"", "12 parsecs", "GiB", "20 gib", "20  GiB", "20 MiB"] {
        refused(good_but("20 GiB", text)).says(&[
            "error[T105]: `instances.trainer.disk.size` cannot be",
            "write a size with its unit, such as `150 GiB` or `2 TiB`",
        ]);
    }
    refused(good_but("20 GiB", "20 GB")).says(&["error[T105]", "write `20 GiB`"]);
}

#[test]
fn sizes_beyond_reason_are_refused() {
    for text in [
        "0 GiB",
        "65537 GiB",
        "65 TiB",
        "999999999999 TiB",
        "00020 GiB",
    ] {
        refused(good_but("20 GiB", text))
            .says(&["error[T105]", "a disk has from 1 GiB to 65536 GiB"]);
    }
    refused(good_but("20 GiB", "-5 GiB")).says(&["error[T105]"]);
    refused(good_but("20 GiB", "17 TiB, type: gp2"))
        .says(&["error[T204]: a gp2 disk cannot have 17408 GiB", "16384 GiB"]);
}

#[test]
fn rates_beyond_reason_are_refused() {
    let disk = |rest: &str| good_but("size: 20 GiB", &format!("size: 200 GiB, {rest}"));
    refused(disk("iops: 100000")).says(&["error[T204]: a gp3 disk cannot have 100000"]);
    refused(disk("iops: 0")).says(&["error[T106]", "disk.iops` is 0"]);
    refused(disk("iops: -1")).says(&["error[T106]", "disk.iops` is -1"]);
    refused(disk("type: io2")).says(&["error[T204]: an io2 disk needs its rate"]);
    refused(disk("type: st1, iops: 500")).says(&["error[T204]: an st1 disk has no rate to set"]);
    refused(disk("throughput: 250")).says(&["error[T102]", "250 MiB/s"]);
    refused(disk("throughput: 9999 MiB/s")).says(&["error[T204]", "from 125 MiB/s to 2000 MiB/s"]);
    refused(disk("type: gp4")).says(&["error[T104]", "did you mean `gp"]);
}

#[test]
fn counts_beyond_reason_are_refused() {
    for count in [
        "0",
        "-1",
        "-9223372036854775808",
        "1001",
        "4294967296",
        "9223372036854775807",
    ] {
        refused(good_but("count: 1", &format!("count: {count}"))).says(&[
            &format!(
                "error[T106]: `instances.trainer.count` is {count}; it must be from 1 to 1000"
            ),
            "environments/trial.yaml:11:12",
        ]);
    }
}

#[test]
fn counts_that_are_no_numbers_are_refused() {
    for count in ["1.5", "many", "\"2\"", "1e3", ".inf", ".nan", "[1]"] {
        refused(good_but("count: 1", &format!("count: {count}")))
            .says(&["error[T10", "instances.trainer.count"]);
    }
}

#[test]
fn numbers_of_old_yaml_are_never_read_as_others() {
    // YAML of before 2009 reads these as 15, as 90 and as infinite.
    for (count, help) in [
        ("017", "write `17`, without quotes"),
        ("1:30", "write it in decimal digits alone"),
        ("1e400", "write it in decimal digits alone"),
        ("1_000", "write it in decimal digits alone"),
    ] {
        let run = refused(good_but("count: 1", &format!("count: {count}")));
        run.says(&[
            &format!(
                "error[T102]: `instances.trainer.count` must be a whole number, and this is `{count}`"
            ),
            "environments/trial.yaml:11:12",
            help,
        ]);
    }
}

#[test]
fn a_number_in_another_base_is_the_number_that_it_says() {
    for (count, number) in [("0o17", 15), ("0x10", 16), ("0b11", 3)] {
        let sandbox = Sandbox::new();
        sandbox.write(SPEC, good_but("count: 1", &format!("count: {count}")));
        let run = sandbox.run(&["validate", SPEC]);
        run.expect(0)
            .says(&[&format!("trial is good: {number} instances")]);
    }
}

#[test]
fn numbers_beyond_any_machine_are_refused() {
    for count in ["99999999999999999999", "-99999999999999999999"] {
        refused(good_but("count: 1", &format!("count: {count}"))).says(&[
            "error[T106]: this number is larger than anything",
            "environments/trial.yaml:11:12",
        ]);
    }
}

#[test]
fn names_that_do_not_fit_a_filter_are_refused() {
    let long = "a".repeat(300);
    for name in [
        "\"tri*al\"",
        "tri/al",
        "Trial",
        "tri?al",
        "tri_al",
        "tri.al",
        "1trial",
        "-trial",
        "trial\u{e9}",
        "\"tri al\"",
        "\"\"",
        "../trial",
        long.as_str(),
        &"a".repeat(41),
    ] {
        refused(good_but("name: trial", &format!("name: {name}"))).says(&[
            "error[T107]: `name` cannot be",
            "environments/trial.yaml:2:7",
            "a name starts with a small letter",
            "at most 40 characters",
        ]);
    }
    refused(good_but("name: trial", "name: 12")).says(&["error[T102]", "`name` must be text"]);
}

#[test]
fn a_long_name_is_not_repeated_in_full() {
    let run = refused(good_but("  trainer:", &format!("  {}:", "a".repeat(300))));
    let title = run.stderr.lines().next().unwrap();
    assert!(title.chars().count() < 120, "{run}");
}

#[test]
fn the_longest_name_is_accepted() {
    let name = "a".repeat(40);
    let sandbox = Sandbox::new();
    sandbox.write("a.yaml", good_but("name: trial", &format!("name: {name}")));
    sandbox.run(&["validate", "a.yaml"]).expect(0);
}

#[test]
fn names_of_groups_and_data_are_checked_too() {
    for name in ["\"*\"", "a/b", "Trainer", &"b".repeat(300)] {
        refused(good_but("  trainer:", &format!("  {name}:")))
            .says(&["error[T107]", "cannot be a name in `instances`"]);
    }
    let data = "data:\n  Up/load: {from: x, to: s3://my-bucket/x}\ninstances:";
    refused(good_but("instances:", data)).says(&["error[T107]", "cannot be a name in `data`"]);
}

#[test]
fn devices_are_named_as_ec2_names_them() {
    for device in ["sdf", "/dev/sda", "/dev/nvme0n1", "/dev/sdf/x", "/dev/SDF"] {
        refused(good_with(&format!(
            "volumes: {{{device}: {{size: 1 GiB}}}}"
        )))
        .says(&["error[T107]", "/dev/sdf"]);
    }
}

#[test]
fn identifiers_of_another_form_are_refused() {
    for (line, words) in [
        ("subnet: my-subnet", "subnet-0123456789abcdef0"),
        ("subnet: subnet-XYZ", "subnet-0123456789abcdef0"),
        ("zone: eu-central-1", "such as `eu-central-1a`"),
        (
            "iam_profile: arn:aws:iam::123456789012:instance-profile/x",
            "not its ARN",
        ),
    ] {
        refused(good_with(line)).says(&["error[T105]", words]);
    }
    refused(good_but("m5.large", "m5")).says(&["error[T105]", "write a type such as `g5.xlarge`"]);
    refused(good_but("region: eu-central-1", "region: Frankfurt"))
        .says(&["error[T105]", "eu-central-1"]);
    refused(good_but("region: eu-central-1", "region: eu-central-1a")).says(&["error[T105]"]);
}

#[test]
fn accounts_are_twelve_digits_in_quotes() {
    refused(good_but("\"123456789012\"", "123456789012")).says(&[
        "error[T102]: `account` must be text",
        "put it in quotes: `\"123456789012\"`",
    ]);
    for account in [
        "\"12345678901\"",
        "\"1234567890123\"",
        "my-account",
        "\"12345678901x\"",
    ] {
        refused(good_but("\"123456789012\"", account)).says(&["error[T105]", "twelve digits"]);
    }
    accepted(good_but("\"123456789012\"", "012345678901"));
}

#[test]
fn a_list_names_nothing_twice() {
    refused(good_with("security_groups: [a, a]")).says(&["error[T104]", "twice"]);
    refused(good_with("security_groups: a")).says(&["error[T102]", "write `[a]`"]);
}

#[test]
fn the_help_says_what_was_most_likely_meant() {
    for (line, words) in [
        ("volumes: {/dev/sdf: {size: 1TB}}", "write `1 TiB`"),
        ("volumes: {/dev/sdf: {size: 20GB}}", "write `20 GiB`"),
        ("public_address: \"true\"", "write `true` without quotes"),
        ("public_address: \"true\"", "and this is the text `true`"),
        ("ssh: {from: Me}", "write `me`, in small letters"),
        ("ssh: {from: home}", "your own address is `me`"),
        (
            "ssh: {from: 0.0.0.0/1}",
            "lets a large part of the world in",
        ),
        ("ssh: {from: [me, 128.0.0.0/1]}", "`from: anywhere`"),
        ("ssh: {from: \"::/0\"}", "lets the whole world in"),
        ("security_groups: \"*.tmp\"", "write `[\"*.tmp\"]`"),
    ] {
        refused(good_with(line)).says(&[words]);
    }
    let data = "data:\n  up: {from: x, to: s3://my-bucket/x, exclude: \"*.tmp\"}\ninstances:";
    refused(good_but("instances:", data)).says(&["write `[\"*.tmp\"]`"]);
    for gpu in ["4", "\"4\""] {
        refused(good_but("type: m5.large", &format!("gpu: {gpu}")))
            .says(&["write the model and how many, such as `A10G:4`"]);
    }
    refused(good_but("count: 1", "count: 0")).says(&["to have none, remove the group"]);
    accepted(good_with("ssh: {from: 10.0.0.0/8}"));
}
