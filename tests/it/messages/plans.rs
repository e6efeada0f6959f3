//! Plans, as people and programs read them.

use super::stage::{SPEC, Stage, check_run, check_table, two};
use crate::support::{GOOD, change};

#[test]
fn nothing_there_yet() {
    let stage = Stage::empty(&two());
    stage.check_plan("plan_create");
    let json = stage.run(&["plan", "--format", "json"]);
    check_run("plan_create_json", json.expect(0));
    let markdown = stage.run(&["plan", "--format", "markdown"]);
    check_run("plan_create_markdown", markdown.expect(0));
}

#[test]
fn everything_that_a_launch_can_have() {
    let network = "    zone: eu-central-1b\n    security_groups: [default]\n    iam_profile: trainer\n    protect: true\n    volumes:\n      /dev/sdf: {size: 500 GiB, type: st1}\n    metadata: {tokens: optional, hop_limit: 1}\n";
    let disk = "{size: 200 GiB, iops: 4000, throughput: 250 MiB/s, encrypted: true}";
    let spec = change(GOOD, "{size: 20 GiB}", disk);
    Stage::empty(&format!("{spec}{network}")).check_plan("plan_create_all");
}

#[test]
fn nothing_to_do() {
    let stage = Stage::two();
    stage.check_plan("plan_no_change");
    let json = stage.run(&["plan", "--format", "json", "--detailed-exitcode"]);
    check_run("plan_no_change_json", json.expect(0));
    let markdown = stage.run(&["plan", "--format", "markdown"]);
    check_run("plan_no_change_markdown", markdown.expect(0));
    check_run("apply_no_change", stage.run(&["apply", "--yes"]).expect(0));
}

#[test]
fn a_tag_is_edited() {
    let stage = Stage::two();
    stage.edit(&change(
        &two(),
        "project: trial",
        "project: vision\n  owner: alex",
    ));
    stage.check_plan("plan_tags");
    let json = stage.run(&["plan", "--format", "json", "--detailed-exitcode"]);
    check_run("plan_tags_json", json.expect(2));
    let markdown = stage.run(&["plan", "--format", "markdown"]);
    check_run("plan_tags_markdown", markdown.expect(0));
}

#[test]
fn a_type_is_edited() {
    let stage = Stage::two();
    stage.edit(&change(&two(), "m5.large", "m5.xlarge"));
    stage.check_plan("plan_restart");
}

#[test]
fn user_data_is_edited() {
    let stage = Stage::two();
    let edited = change(
        &two(),
        "pip install opencv-python",
        "pip install opencv-python pillow\n      echo ready",
    );
    stage.edit(&edited);
    stage.check_plan("plan_user_data");
}

#[test]
fn instances_are_replaced() {
    let stage = Stage::two();
    let image = "ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let other = "name: \"amzn2-ami-kernel-*-x86_64-gp2\", owner: amazon";
    stage.edit(&change(&two(), image, other));
    stage.check_plan("plan_replace");
    let json = stage.run(&["plan", "--format", "json"]);
    check_run("plan_replace_json", json.expect(0));
    stage.edit(&change(&two(), "{size: 20 GiB}", "{size: 10 GiB}"));
    stage.check_plan("plan_replace_disk");
}

#[test]
fn a_group_shrinks() {
    let stage = Stage::two();
    stage.edit(&change(&two(), "count: 2", "count: 1"));
    stage.check_plan("plan_shrink");
}

#[test]
fn a_group_is_renamed() {
    let stage = Stage::two();
    stage.edit(&change(&two(), "  trainer:", "  learner:"));
    stage.check_plan("plan_rename");
}

#[test]
fn what_is_protected_stays() {
    let spec = format!("{GOOD}    protect: true\n");
    let stage = Stage::applied(&spec);
    stage.edit(&change(&spec, "{size: 20 GiB}", "{size: 10 GiB}"));
    stage.check_plan("plan_protected");
    let lifted = stage.run(&["plan", "--lift-protection"]);
    check_run("plan_protection_lifted", lifted.expect(0));
    let destroy = stage.run(&["destroy", "--yes", SPEC]);
    check_run("destroy_protected", &destroy);
}

#[test]
fn the_lease_is_edited() {
    let stage = Stage::two();
    stage.edit(&change(&two(), "lease: 2h", "lease: 4h"));
    stage.check_plan("plan_keeps_lease");
}

#[test]
fn a_lease_cannot_be_read() {
    let stage = Stage::applied(GOOD);
    stage.tag(&stage.id(0), "trainyard:lease", "for ever");
    stage.check_plan("plan_lease_unreadable");
    let apply = stage.run(&["apply", "--yes"]);
    check_run("apply_lease_unreadable", apply.expect(4));
}

#[test]
fn an_instance_only_claims_to_be_ours() {
    let stage = Stage::two();
    stage.launch_by_hand(&[("trainyard:environment", "trial")]);
    stage.launch_by_hand(&[("Name", "trial-trainer"), ("owner", "somebody")]);
    stage.check_plan("plan_unproven");
    check_table("status_unproven", stage.run(&["status"]).expect(0));
    let destroy = stage.run(&["destroy", "--yes", SPEC]);
    check_run("destroy_unproven", destroy.expect(5));
}

#[test]
fn other_environments_run_beside_it() {
    let stage = Stage::two();
    stage.edit(&change(&two(), "name: trial", "name: other"));
    stage.check_plan("plan_others");
    let json = stage.run(&["plan", "--format", "json"]);
    let json = json.expect(0).json();
    assert_eq!(json["others"][0]["environment"], "trial");
    assert_eq!(json["others"][0]["instances"], 2);
}

#[test]
fn a_tag_cannot_rewrite_the_terminal() {
    let stage = Stage::applied(GOOD);
    stage.tag(&stage.id(0), "project", "\u{202e}lairt");
    let run = stage.run(&["plan"]);
    run.expect(0)
        .says(&["tags.project: \\u{202e}lairt → trial"]);
    assert!(!run.stdout.contains('\u{202e}'), "{run}");
}

#[test]
fn several_environments_at_once() {
    let stage = Stage::empty(GOOD);
    let other = change(GOOD, "name: trial", "name: other");
    stage.sandbox.write("environments/other.yaml", other);
    stage.check_plan("plan_two_environments");
}

#[test]
fn files_are_planned() {
    let data = "data:\n  mockups: {from: files, to: \"s3://my-mockups/set\", exclude: [\"*.tmp\"], delete: extra}\ninstances:";
    let stage = Stage::empty(&change(GOOD, "instances:", data));
    stage.cloud.make_bucket("my-mockups");
    for (name, size) in [
        ("a.png", 2048),
        ("b.png", 300),
        ("sub/c.png", 5_000_000),
        ("d.tmp", 1),
    ] {
        stage
            .sandbox
            .write(&format!("environments/files/{name}"), vec![b'x'; size]);
    }
    stage.check_plan("plan_files");
    stage.run(&["apply", "--yes"]).expect(0);
    stage.sandbox.write("environments/files/a.png", "changed");
    std::fs::remove_file(stage.sandbox.folder().join("environments/files/b.png")).unwrap();
    stage.check_plan("plan_files_changed");
}
