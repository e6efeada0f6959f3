//! Disks that outlive their instances, and disks that may not grow again yet.

use serde_json::{Value, json};

use super::spec::{SSM, keys};
use crate::support::Lab;

fn trainer(more: &str) -> String {
    let head = format!(
        "instances:\n  trainer:\n    type: t3.small\n    image: {{ssm: {SSM}}}\n    disk: {{size: 20 GiB}}\n"
    );
    head + &keys(more)
}

fn volumes(lab: &Lab) -> Vec<Value> {
    lab.witness.volumes("lab")
}

fn member(lab: &Lab, group: &str) -> Value {
    let mut alive = lab.witness.alive("lab");
    alive.retain(|one| one["tags"]["trainyard:group"] == group);
    alive.remove(0)
}

#[test]
fn a_kept_disk_outlives_destroy_which_names_it_and_deletes_it_when_told_to() {
    let lab = Lab::new();
    lab.spec(&trainer("volumes: {/dev/sdf: {size: 40 GiB, keep: true}}"));
    lab.plan(&["/dev/sdf 40 GiB gp3, kept when the instance ends"]);
    lab.apply(&[]);
    let disks = &lab.members()[0]["disks"];
    assert_eq!(disks["/dev/sdf"]["ends_with_instance"], false);
    assert_eq!(disks["/dev/xvda"]["ends_with_instance"], true);
    let kept = disks["/dev/sdf"]["id"].as_str().unwrap().to_owned();

    let words = format!(
        "{kept} (40 GiB, /dev/sdf of trainer[0]) was kept as its spec says and costs money; `destroy --delete-kept` deletes it"
    );
    lab.destroy(&[]).expect(0).says(&[
        "kept, and goes on costing money: trainer[0] /dev/sdf 40 GiB",
        &words,
        "lab is gone: 1 instance read back as terminated",
    ]);
    lab.expect_no_instance();
    let left = volumes(&lab);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["id"], kept);
    lab.run(&["status"]).expect(0).says(&[&kept]);

    // A machine that is launched anew has a disk of its own, and the plan names the kept one.
    lab.try_apply().expect(0);
    lab.nothing_to_do(&[&kept, "was kept as its spec says and costs money"]);
    assert_eq!(volumes(&lab).len(), 3);
    // The one that is attached, the one that is not, and the instance.
    lab.destroy(&["--delete-kept"])
        .expect(0)
        .says(&["Destroy: 3 to delete."]);
    lab.expect_nothing();
}

#[test]
fn a_destroy_that_finds_only_kept_disks_names_them_and_deletes_them_when_told_to() {
    let lab = Lab::new();
    lab.spec(&trainer("volumes: {/dev/sdf: {size: 40 GiB, keep: true}}"));
    lab.apply(&[]);
    lab.destroy(&[]).expect(0);
    let again = lab.destroy(&[]);
    again.expect(0);
    let told = again
        .to_string()
        .matches("was kept as its spec says")
        .count();
    assert_eq!(told, 1, "{again}");
    assert_eq!(volumes(&lab).len(), 1);
    lab.destroy(&["--delete-kept"]).expect(0);
    lab.expect_nothing();
}

#[test]
fn what_is_kept_is_changed_while_it_runs() {
    let lab = Lab::new();
    let disk = |keep: bool| {
        trainer(&format!(
            "volumes: {{/dev/sdf: {{size: 40 GiB, keep: {keep}}}}}"
        ))
    };
    let ends = |lab: &Lab| lab.members()[0]["disks"]["/dev/sdf"]["ends_with_instance"].clone();
    lab.spec(&disk(false));
    lab.apply(&[]);
    let before = lab.each("id");
    lab.spec(&disk(true));
    lab.plan(&["keep"]);
    lab.apply(&[]);
    assert_eq!(ends(&lab), false);
    lab.spec(&disk(false));
    lab.apply(&[]);
    assert_eq!(ends(&lab), true);
    assert_eq!(lab.each("id"), before);
    lab.end();
}

#[test]
fn a_disk_that_may_not_grow_yet_says_why_and_grows_with_the_next_apply() {
    for (code, message) in [
        (
            "IncorrectModificationState",
            "cannot be modified in modification state OPTIMIZING",
        ),
        (
            "VolumeModificationRateExceeded",
            "You've reached the maximum modification rate per volume limit.",
        ),
    ] {
        let lab = Lab::new();
        let body = |size: u32, stage: &str| {
            let more = format!("count: 2\ntags: {{stage: {stage}}}\nmetadata: {{hop_limit: 3}}");
            let body = trainer(&more).replace("size: 20 GiB", &format!("size: {size} GiB"));
            body.replace(
                "hop_limit: 3",
                if size == 20 {
                    "hop_limit: 2"
                } else {
                    "hop_limit: 3"
                },
            )
        };
        lab.spec(&body(20, "first"));
        lab.apply(&[]);
        let before = lab.each("id");
        let error = json!({"code": code, "status": 400, "message": message});
        lab.cloud.order(&json!([
            {"action": "ModifyVolume", "nth": 1, "when": "before", "do": {"error": error}},
        ]));
        lab.spec(&body(30, "second"));
        lab.plan(&["disk.size: 20 GiB → 30 GiB"]);
        lab.try_apply().expect(3).says(&[message, code]);
        // The one that was refused runs as before, and the other has all its changes.
        let sizes = || -> Vec<u64> {
            let members = lab.members();
            let size = |one: &Value| one["disks"]["/dev/xvda"]["size"].as_u64().unwrap();
            members.iter().map(size).collect()
        };
        let mut once = sizes();
        once.sort_unstable();
        assert_eq!(once, [20, 30]);
        assert_eq!(lab.each("id"), before);

        lab.apply(&[]);
        assert_eq!(sizes(), [30, 30]);
        assert_eq!(lab.each("id"), before);
        for one in lab.members() {
            assert_eq!(one["tags"]["stage"], "second", "{one:#}");
            assert_eq!(one["metadata"]["hops"], 3, "{one:#}");
        }
        lab.end();
    }
}

#[test]
fn a_disk_that_grew_a_moment_ago_is_held_with_the_reason_and_grows_when_that_is_done() {
    let lab = Lab::new();
    let body = |size: u32, stage: &str| {
        let body = trainer(&format!("tags: {{stage: {stage}}}"));
        let other = body.replace("instances:\n  trainer:", "  other:");
        let body = body.replace("size: 20 GiB", &format!("size: {size} GiB"));
        format!("{body}{other}")
    };
    let members = || ["trainer", "other"].map(|group| member(&lab, group));
    let ids = || members().map(|one| one["id"].clone());
    lab.spec(&body(20, "first"));
    lab.apply(&[]);
    let before = ids();
    lab.spec(&body(30, "first"));
    lab.apply(&["changed, and read back"]);
    lab.spec(&body(40, "second"));
    lab.plan(&["1 held."]);
    // EC2 makes one change of a volume after the other; everybody else goes on.
    let mut applied = lab.try_apply();
    while applied.code != Some(0) {
        applied.says(&[
            "! trainer[0]",
            "waits for an earlier change of vol-",
            "to be done (optimizing, 0 %)",
        ]);
        assert!([Some(3), Some(4)].contains(&applied.code), "{applied}");
        assert_eq!(member(&lab, "other")["tags"]["stage"], "second");
        applied = lab.try_apply();
    }
    lab.nothing_to_do(&[]);
    assert_eq!(ids(), before);
    let [trainer, other] = members();
    assert_eq!(trainer["disks"]["/dev/xvda"]["size"], 40);
    assert_eq!(other["disks"]["/dev/xvda"]["size"], 20);
    for one in [trainer, other] {
        assert_eq!(one["tags"]["stage"], "second", "{one:#}");
    }
    lab.end();
}

#[test]
fn what_nobody_may_ask_of_zones_and_disks_is_taken_for_possible() {
    let lab = Lab::new();
    let denied = |action: &str| {
        let error = json!({"code": "UnauthorizedOperation", "status": 403, "message": "no"});
        lab.cloud
            .order(&json!([{"action": action, "when": "before", "do": {"error": error}}]));
    };
    lab.spec(&trainer(""));
    denied("DescribeInstanceTypeOfferings");
    lab.run(&["plan"]).expect(0).says(&[
        "note: ",
        "any zone may offer a type",
        "Plan: 1 to create",
    ]);
    lab.cloud.no_faults();
    lab.apply(&[]);

    lab.spec(&trainer("").replace("size: 20 GiB", "size: 30 GiB"));
    denied("DescribeVolumesModifications");
    lab.plan(&[
        "note: ",
        "a disk may not take a change yet",
        "disk.size: 20 GiB → 30 GiB",
    ]);
    lab.cloud.no_faults();
    lab.apply(&[]);
    lab.end();
}
