//! Text that is no YAML, or no YAML of ours.

use super::scene::{accepted, refused, refused_in};
use crate::support::{GOOD, Sandbox, change, good_but, good_with};

#[test]
fn broken_yaml_is_shown_with_its_place() {
    refused(good_but("lease: 2h", "lease: [2h"))
        .says(&["error[T005]: this is not YAML", "environments/trial.yaml:"]);
}

#[test]
fn a_tab_is_no_indentation() {
    refused(good_but("  project: trial", "\tproject: trial")).says(&["error[T005]"]);
}

#[test]
fn text_and_lists_are_no_spec() {
    refused("just text\n").says(&["error[T102]: the spec must be a map"]);
    refused("- version: 1\n").says(&["error[T102]: the spec must be a map", "this is a list"]);
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [40, 200, 20_000] {
        let nested = format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
        refused(nested).says(&["error[T005]: the file is nested too deeply to be a spec"]);
    }
    let maps: Vec<String> = (0..200)
        .map(|depth| format!("{}a:", " ".repeat(depth)))
        .collect();
    refused(maps.join("\n")).says(&["error[T005]: the file is nested too deeply to be a spec"]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned()];
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push(format!("a{level}: &a{level} [{before}]"));
    }
    refused(bomb.join("\n")).says(&[
        "error[T005]",
        "aliases unfold to far more than a spec can hold",
    ]);
}

#[test]
fn an_alias_of_nothing_is_refused() {
    refused(good_but("lease: 2h", "lease: *nothing")).says(&["error[T005]", "nothing"]);
}

#[test]
fn duplicate_keys_are_refused() {
    refused(good_but("lease: 2h", "lease: 2h\nlease: 3h")).says(&[
        "error[T008]",
        "twice",
        "lease",
        "keep one of the two",
    ]);
    refused(good_with("count: 2")).says(&["error[T008]", "count"]);
    let quoted = good_but("lease: 2h", "lease: 2h\n\"lease\": 3h");
    refused(quoted).says(&["error[T008]", "lease"]);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_one() {
    refused(good_but("region:", "regoin:")).says(&[
        "error[T101]: the key `regoin` is not known here",
        "environments/trial.yaml:4:1",
        "did you mean `region`?",
    ]);
    refused(good_with("usr_data: x")).says(&[
        "error[T101]: the key `usr_data` is not known in `instances.trainer`",
        "did you mean `user_data`?",
    ]);
    refused(good_but("size: 20 GiB", "size: 20 GiB, iop: 3000")).says(&["did you mean `iops`?"]);
    refused(good_but("lease: 2h", "lease: 2h\nLease: 2h")).says(&["did you mean `lease`?"]);
}

#[test]
fn an_unknown_key_like_no_other_lists_the_known_ones() {
    refused(good_but("tags:", "parsecs: 12\ntags:")).says(&[
        "error[T101]: the key `parsecs` is not known here",
        "known keys are",
        "`lease`",
    ]);
}

#[test]
fn missing_keys_are_named_with_an_example() {
    refused(good_but("lease: 2h\n", "")).says(&[
        "error[T103]: the key `lease` is missing",
        "add `lease: 12h`",
    ]);
    refused(good_but("version: 1\n", "")).says(&["the key `version` is missing"]);
    refused(good_but("    type: m5.large\n", "")).says(&[
        "error[T103]: the key `type` is missing in `instances.trainer`",
        "g5.xlarge",
    ]);
}

#[test]
fn another_version_is_refused() {
    for version in ["2", "0", "\"1\"", "1.0", "1.5"] {
        refused(good_but("version: 1", &format!("version: {version}")))
            .says(&["error[T104]: `version` must be 1"]);
    }
}

#[test]
fn two_documents_are_refused() {
    refused(format!("{GOOD}---\n{GOOD}")).says(&[
        "error[T007]: the file holds more than one YAML document",
        "write one environment a file",
    ]);
    refused(format!("{GOOD}---\n")).says(&["error[T007]"]);
}

#[test]
fn one_document_may_have_its_markers() {
    accepted(format!("---\n{GOOD}"));
    accepted(format!("%YAML 1.2\n---\n{GOOD}...\n"));
}

#[test]
fn merge_keys_are_refused() {
    let merged = change(GOOD, "    disk: {size: 20 GiB}", "    <<: {protect: true}");
    refused(merged).says(&["error[T101]: the key `<<` is not known in `instances.trainer`"]);
}

#[test]
fn anchors_and_aliases_may_be_used() {
    let aliased = change(GOOD, "disk: {size", "disk: &disk {size");
    accepted(format!("{aliased}    volumes: {{/dev/sdf: *disk}}\n"));
}

#[test]
fn the_booleans_of_old_yaml_are_refused() {
    for (word, meant) in [
        ("yes", "true"),
        ("on", "true"),
        ("no", "false"),
        ("off", "false"),
    ] {
        refused(good_with(&format!("protect: {word}"))).says(&[
            "error[T102]: `instances.trainer.protect` must be `true` or `false`",
            &format!("write `{meant}`"),
        ]);
    }
    refused(good_with("protect: 1")).says(&["error[T102]", "must be `true` or `false`"]);
}

#[test]
fn a_boolean_is_no_text() {
    refused(good_but("project: trial", "project: true")).says(&[
        "error[T102]: `tags.project` must be text, and this is the boolean `true`",
        "put it in quotes: `\"true\"`",
    ]);
}

#[test]
fn a_country_is_no_boolean() {
    accepted(good_but("project: trial", "country: no"));
}

#[test]
fn empty_values_are_refused() {
    refused(good_but("lease: 2h", "lease:")).says(&[
        "error[T102]: `lease` must be text, and this is empty",
        "write a value, or remove the key",
    ]);
    let nothing = GOOD.split("instances:").next().unwrap();
    refused(format!("{nothing}instances:\n")).says(&["error[T102]: `instances` must be a map"]);
    refused(nothing).says(&["error[T103]: the environment has neither instances nor data"]);
}

#[test]
fn tags_of_yaml_are_refused() {
    refused(good_but("lease: 2h", "lease: !timer 2h")).says(&["error[T102]", "the tag `!timer`"]);
}

#[test]
fn keys_that_are_no_text_are_refused() {
    refused(good_but("project: trial", "2024: trial")).says(&[
        "error[T102]: a key must be text, and this is the number 2024",
        "put it in quotes",
    ]);
    refused(good_but("project: trial", "[a, b]: trial"))
        .says(&["error[T102]", "a key must be text"]);
}

#[test]
fn two_specs_of_one_name_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/one.yaml", GOOD);
    sandbox.write("environments/two.yaml", good_but("lease: 2h", "lease: 3h"));
    refused_in(sandbox, "environments").says(&[
        "error[T206]",
        "one.yaml` is named `trial` already",
        "environments/two.yaml:2:7",
        "give each environment a name of its own",
    ]);
}

#[test]
fn keys_that_exclude_each_other_are_refused() {
    refused(good_with(
        "subnet: subnet-0123456789abcdef0\nzone: eu-central-1a",
    ))
    .says(&[
        "error[T201]: `subnet` and `zone` exclude each other",
        "remove `zone`",
    ]);
    refused(good_with("zone: us-east-1a"))
        .says(&["error[T201]: the zone `us-east-1a` is not in the region `eu-central-1`"]);
    refused(good_but(
        "image: {ssm:",
        "image: {id: ami-0123456789abcdef0, ssm:",
    ))
    .says(&["error[T201]", "the image is named by id and by ssm"]);
    let ssm = "{ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}";
    refused(good_but(ssm, "{}")).says(&["error[T201]: the image is not named"]);
    refused(good_but(ssm, "{name: \"trainer-*\"}")).says(&["error[T201]", "add `owner: amazon`"]);
}

#[test]
fn keys_of_other_tools_lead_to_ours() {
    for (key, ours) in [
        ("instance_type", "type"),
        ("ami", "image"),
        ("instance_count", "count"),
        ("key_name", "key"),
        ("vpc_security_group_ids", "security_groups"),
        ("subnet_id", "subnet"),
        ("availability_zone", "zone"),
        ("root_block_device", "disk"),
        ("ebs_block_device", "volumes"),
        ("iam_instance_profile", "iam_profile"),
    ] {
        refused(good_with(&format!("{key}: x"))).says(&[&format!("did you mean `{ours}`?")]);
    }
}

#[test]
fn a_tab_leads_to_spaces() {
    refused(good_but("    count: 1", "\tcount: 1")).says(&["error[T", "indent with spaces"]);
}
