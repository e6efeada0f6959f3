//! Names of things that AWS does not have, or that do not fit each other.

use super::account::expect_no_instances;
use super::scene::{SPEC, Scene};
use crate::support::{GOOD, good_but, good_with};

const SSM: &str = "ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

/// A spec that AWS cannot satisfy: `plan` and `apply` say so and change nothing.
#[track_caller]
fn unsatisfied(spec: &str, words: &[&str]) {
    Scene::new(spec)
        .refused(1)
        .says(words)
        .says(&["nothing was changed"]);
}

#[test]
fn an_image_pattern_that_matches_nothing_is_shown_where_it_stands() {
    unsatisfied(
        &good_but(
            SSM,
            "name: \"Deep Learning AMI (Ubuntu 99.04)*\", owner: amazon",
        ),
        &[
            "error[T301]: no image of `amazon` in eu-central-1 has a name like `Deep Learning AMI (Ubuntu 99.04)*`",
            "environments/trial.yaml:13:",
            "check the owner and the region",
        ],
    );
}

#[test]
fn the_owner_of_an_image_counts() {
    unsatisfied(
        &good_but(
            SSM,
            "name: \"Deep Learning AMI (Amazon Linux)*\", owner: self",
        ),
        &["error[T301]: no image of `self`"],
    );
}

#[test]
fn an_unknown_image_is_named() {
    unsatisfied(
        &good_but(SSM, "id: ami-0123456789abcdef0"),
        &[
            "error[T301]: eu-central-1 has no image `ami-0123456789abcdef0` that this account may use",
            "image ids differ from region to region",
        ],
    );
}

#[test]
fn an_unknown_parameter_is_named() {
    unsatisfied(
        &good_but(SSM, "ssm: /aws/service/absent"),
        &["error[T301]: eu-central-1 has no public parameter `/aws/service/absent`"],
    );
}

#[test]
fn an_unknown_type_is_named() {
    unsatisfied(
        &good_but("m5.large", "m5.gigantic"),
        &[
            "error[T301]: eu-central-1 offers no instance type `m5.gigantic`",
            "environments/trial.yaml:12:11",
        ],
    );
}

#[test]
fn an_unknown_subnet_is_named() {
    unsatisfied(
        &good_with("subnet: subnet-0123456789abcdef0"),
        &["error[T301]: eu-central-1 has no subnet `subnet-0123456789abcdef0`"],
    );
}

#[test]
fn an_unknown_security_group_is_named() {
    for name in ["absent", "sg-0123456789abcdef0", "def*", "*"] {
        unsatisfied(
            &good_with(&format!("security_groups: [default, \"{name}\"]")),
            &[&format!(
                "error[T301]: eu-central-1 has no security group `{name}`"
            )],
        );
    }
}

#[test]
fn an_unknown_key_is_named() {
    unsatisfied(
        &good_with("key: absent"),
        &["error[T301]: eu-central-1 has no key pair `absent`"],
    );
}

#[test]
fn an_unknown_iam_profile_launches_nothing() {
    let scene = Scene::new(&good_with("iam_profile: absent"));
    let run = scene.sandbox.run(&["apply", "--yes", SPEC]);
    run.expect(1).says(&["absent", "iamInstanceProfile"]);
    expect_no_instances(&scene.cloud);
}

#[test]
fn an_unknown_zone_launches_nothing() {
    let scene = Scene::new(&good_with("zone: eu-central-1z"));
    let run = scene.sandbox.run(&["apply", "--yes", SPEC]);
    run.expect(1).says(&["eu-central-1z"]);
    expect_no_instances(&scene.cloud);
}

#[test]
fn an_image_of_another_architecture_is_refused() {
    unsatisfied(
        &good_but("m5.large", "t4g.small"),
        &[
            "error[T302]: the image ami-",
            "is built for x86_64, and `t4g.small` runs arm64",
            "choose an image and a type of one architecture",
        ],
    );
}

#[test]
fn a_disk_smaller_than_its_image_is_refused() {
    unsatisfied(
        &good_but(
            SSM,
            "name: \"Deep Learning AMI (Amazon Linux)*\", owner: amazon",
        ),
        &[
            "error[T302]: a disk of 20 GiB does not hold the image ami-",
            "the image needs 100 GiB",
            "environments/trial.yaml:14:18",
        ],
    );
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let spec = good_but(SSM, "id: ami-0123456789abcdef0").replace("m5.large", "m5.gigantic");
    let spec = format!(
        "{spec}    key: absent\n    security_groups: [nobody]\n    subnet: subnet-0123456789abcdef0\n"
    );
    unsatisfied(
        &spec,
        &[
            "ami-0123456789abcdef0",
            "m5.gigantic",
            "absent",
            "nobody",
            "subnet-0123456789abcdef0",
            "5 mistakes in 1 file",
        ],
    );
}

#[test]
fn one_bad_spec_keeps_the_others_from_being_applied() {
    let scene = Scene::new(GOOD);
    let other = good_but("name: trial", "name: other").replace("m5.large", "m5.gigantic");
    scene.sandbox.write("environments/other.yaml", other);
    let run = scene.sandbox.run(&["apply", "--yes"]);
    run.expect(1).says(&["m5.gigantic", "nothing was changed"]);
    scene.cloud.expect_untouched();
}

#[test]
fn what_is_missing_is_there_for_programs() {
    let scene = Scene::new(&good_but("m5.large", "m5.gigantic"));
    let run = scene.sandbox.run(&["plan", "--format", "json", SPEC]);
    let json = run.expect(1).json();
    assert_eq!(json[0]["code"], "T301", "{run}");
    assert_eq!(json[0]["path"], "instances.trainer.type");
    assert_eq!(
        (json[0]["line"].as_u64(), json[0]["column"].as_u64()),
        (Some(12), Some(11))
    );
}

#[test]
fn an_unknown_gpu_is_named_with_those_that_there_are() {
    for gpu in ["2xA100", "H9000:1"] {
        unsatisfied(
            &good_but("type: m5.large", &format!("gpu: {gpu}")),
            &[
                &format!("error[T301]: no type in eu-central-1 has such a GPU: `{gpu}`"),
                "there are: A100, A10G",
            ],
        );
    }
}
