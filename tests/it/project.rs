//! `trainyard.yaml`: what the environments of a repository share.

use serde_json::Value;

use crate::support::{GOOD, LocalCloud, Run, Sandbox, Tripwire, change, good_but};

const SPEC: &str = "environments/trial.yaml";

/// A spec that leaves the account and the region to the project.
fn lean() -> String {
    let spec = change(GOOD, "account: \"123456789012\"\n", "");
    change(&spec, "region: eu-central-1\n", "")
}

/// A sandbox with a project file and a spec.
fn project(text: &str, spec: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("trainyard.yaml", text);
    sandbox.write(SPEC, spec);
    sandbox
}

/// What `validate` says; there must be something wrong.
#[track_caller]
fn refused(text: &str, spec: &str) -> Run {
    let wire = Tripwire::new();
    let mut sandbox = project(text, spec);
    sandbox.set("AWS_ENDPOINT_URL", &wire.address());
    let run = sandbox.run(&["validate"]);
    run.expect(1).says(&["nothing was changed"]);
    let plan = sandbox.run(&["plan"]);
    assert_eq!(plan.expect(1).stderr, run.stderr);
    wire.expect_silence();
    run
}

/// The only plan of a project, as JSON, on a cloud with nothing on it.
#[track_caller]
fn planned(text: &str, spec: &str) -> Value {
    let cloud = LocalCloud::start();
    let sandbox = Sandbox::at(cloud.address());
    sandbox.write("trainyard.yaml", text);
    sandbox.write(SPEC, spec);
    let run = sandbox.run(&["plan", "--format", "json"]);
    run.expect(0).json()["plans"][0].take()
}

const SHARED: &str = "version: 1\naccount: \"123456789012\"\nregion: eu-west-1\n";

#[test]
fn values_are_shared() {
    let plan = planned(SHARED, &lean());
    assert_eq!(plan["account"], "123456789012");
    assert_eq!(plan["region"], "eu-west-1");
}

#[test]
fn an_environment_s_own_values_come_first() {
    let text = "version: 1\naccount: \"999999999999\"\nregion: eu-west-1\n";
    let plan = planned(text, GOOD);
    assert_eq!(plan["account"], "123456789012");
    assert_eq!(plan["region"], "eu-central-1");
}

#[test]
fn a_shared_account_is_pinned_too() {
    let cloud = LocalCloud::start();
    let sandbox = Sandbox::at(cloud.address());
    sandbox.write(
        "trainyard.yaml",
        change(SHARED, "123456789012", "999999999999"),
    );
    sandbox.write(SPEC, lean());
    let run = sandbox.run(&["apply", "--yes"]);
    run.expect(4).says(&["999999999999 is asked for"]);
    assert_eq!(cloud.requests(), ["sts GetCallerIdentity"]);
}

#[test]
fn a_shared_profile_is_used() {
    let text = format!("{SHARED}credentials: {{profile: team}}\n");
    let sandbox = project(&text, &lean());
    sandbox.run(&["plan"]).expect(1).says(&["`team`"]);
    let own = change(GOOD, "lease:", "credentials: {profile: mine}\nlease:");
    sandbox.write(SPEC, own);
    sandbox.run(&["plan"]).expect(1).says(&["`mine`"]);
}

#[test]
fn the_nearest_tag_wins() {
    let text = format!("{SHARED}tags: {{project: all, team: vision, role: any, Name: shared}}\n");
    let spec = change(
        &lean(),
        "project: trial",
        "project: trial\n  role: training",
    );
    let plan = planned(&text, &format!("{spec}    tags: {{role: trainer}}\n"));
    let tags = &plan["steps"][0]["action"]["instance"]["tags"];
    let wanted = serde_json::json!({
        "Name": "shared", "project": "trial", "role": "trainer", "team": "vision",
    });
    assert_eq!(*tags, wanted);
}

#[test]
fn a_lease_keeps_to_the_policy() {
    let text = format!("{SHARED}policy: {{max_lease: 90m}}\n");
    refused(&text, GOOD).says(&[
        "error[T207]: a lease of 2h is longer than this project allows",
        "environments/trial.yaml:5:8",
        "`policy.max_lease` in `trainyard.yaml` is 1h30m",
    ]);
    let sandbox = project(&text, &good_but("lease: 2h", "lease: 90m"));
    sandbox.run(&["validate"]).expect(0);
}

#[test]
fn counts_keep_to_the_policy() {
    let text = format!("{SHARED}policy: {{max_instances: 3}}\n");
    let second =
        "  evaluator:\n    count: 3\n    type: m5.large\n    image: {ssm: /aws/service/x}\n";
    refused(&text, &format!("{GOOD}{second}")).says(&[
        "error[T207]: 4 instances are more than this project allows",
        "`policy.max_instances` in `trainyard.yaml` is 3",
    ]);
    let spec = format!("{GOOD}{}", change(second, "count: 3", "count: 2"));
    project(&text, &spec).run(&["validate"]).expect(0);
}

#[test]
fn a_bad_project_file_is_shown_where_it_is_bad() {
    for (text, words) in [
        (
            "version: 1\nregoin: eu-west-1\n",
            &[
                "error[T101]: the key `regoin`",
                "did you mean `region`?",
                "trainyard.yaml:2:1",
            ][..],
        ),
        ("version: 2\n", &["error[T104]: `version` must be 1"]),
        ("", &["error[T006]"]),
        ("region: eu-west-1\n", &["the key `version` is missing"]),
        (
            "version: 1\nname: x\n",
            &["error[T101]: the key `name` is not known"],
        ),
        (
            "version: 1\npolicy: {max_lease: 12}\n",
            &["error[T102]: `policy.max_lease`"],
        ),
        (
            "version: 1\npolicy: {max_lease: 90d}\n",
            &["error[T105]", "at most 30d"],
        ),
        ("version: 1\npolicy: {max_instances: 0}\n", &["error[T106]"]),
        ("version: 1\npolicy: {max_spending: 1}\n", &["error[T101]"]),
        (
            "version: 1\ntags: {\"trainyard:x\": y}\n",
            &["error[T202]", "trainyard.yaml:2:8"],
        ),
        ("version: [\n", &["error[T005]: this is not YAML"]),
        ("version: 1\n---\nversion: 1\n", &["error[T007]"]),
        ("version: 1\nversion: 1\n", &["error[T008]"]),
        ("version: 1\ntags: {a: \u{202e}b}\n", &["error[T004]"]),
    ] {
        refused(text, GOOD)
            .says(&["trainyard.yaml", "1 mistake in 1 file"])
            .says(words);
    }
}

#[test]
fn a_bad_project_file_is_shown_once_for_all_environments() {
    let sandbox = project("version: 2\n", GOOD);
    sandbox.write(
        "environments/other.yaml",
        good_but("name: trial", "name: other"),
    );
    sandbox
        .run(&["validate"])
        .expect(1)
        .says(&["1 mistake in 1 file"]);
}

#[test]
fn shared_tags_count_as_an_environment_s_own() {
    let tags = |from: usize| {
        (from..from + 22).fold(String::new(), |tags, one| format!("{tags}  tag{one}: x\n"))
    };
    let text = format!("{SHARED}tags:\n{}", tags(0));
    let spec = change(&lean(), "  project: trial\n", &tags(22));
    refused(&text, &spec).says(&["error[T202]: 45 tags and"]);
}

#[test]
fn the_project_file_of_a_parent_folder_is_found() {
    let sandbox = Sandbox::new();
    sandbox.write("trainyard.yaml", SHARED);
    sandbox.write("team/deep/environments/trial.yaml", lean());
    sandbox
        .run(&["validate", "team/deep/environments/trial.yaml"])
        .expect(0);
    // The nearest one is the only one.
    sandbox.write("team/trainyard.yaml", "version: 1\nregion: us-east-1\n");
    sandbox
        .run(&["validate", "team/deep/environments/trial.yaml"])
        .expect(1)
        .says(&["the key `account` is missing"])
        .says_nothing_about(&["the key `region` is missing"]);
}

#[test]
fn another_folder_to_work_in_changes_nothing() {
    let sandbox = project(SHARED, &lean());
    let mut command = sandbox.command(&["validate", "trial.yaml"]);
    let output = command
        .current_dir(sandbox.folder().join("environments"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn nobody_looks_beyond_the_repository() {
    for git in ["inner/.git/HEAD", "inner/.git"] {
        let sandbox = Sandbox::new();
        sandbox.write("trainyard.yaml", SHARED);
        sandbox.write(git, "ref: refs/heads/main\n");
        sandbox.write("inner/environments/trial.yaml", lean());
        sandbox
            .run(&["validate", "inner/environments/trial.yaml"])
            .expect(1)
            .says(&[
                "the key `account` is missing",
                "the key `region` is missing",
            ]);
        // At the root of the repository itself it is found.
        sandbox.write("inner/trainyard.yaml", SHARED);
        sandbox
            .run(&["validate", "inner/environments/trial.yaml"])
            .expect(0);
    }
}
