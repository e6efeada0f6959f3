//! An environment's life, as people see it.

use super::stage::{SPEC, Stage, check_run, check_table, two};
use crate::support::{GOOD, Sandbox, change};

#[test]
fn from_nothing_to_nothing() {
    let stage = Stage::empty(&two());
    check_run("status_nothing", stage.run(&["status"]).expect(0));
    let json = stage.run(&["status", "--format", "json"]);
    check_run("status_nothing_json", json.expect(0));
    check_table("apply", stage.run(&["apply", "--yes"]).expect(0));
    check_table("status", stage.run(&["status"]).expect(0));
    check_table("status_one", stage.run(&["status", "trial"]).expect(0));
    check_table("destroy", stage.run(&["destroy", "--yes", SPEC]).expect(0));
    check_table(
        "destroy_again",
        stage.run(&["destroy", "--yes", "trial"]).expect(0),
    );
}

#[test]
fn changes_are_applied() {
    let stage = Stage::applied(GOOD);
    stage.edit(&change(GOOD, "project: trial", "project: vision"));
    check_table("status_drift", stage.run(&["status"]).expect(0));
    check_table("apply_tags", stage.run(&["apply", "--yes"]).expect(0));
    let vision = change(GOOD, "project: trial", "project: vision");
    stage.edit(&change(&vision, "count: 1", "count: 2"));
    check_table("status_missing", stage.run(&["status"]).expect(0));
    check_table("apply_growth", stage.run(&["apply", "--yes"]).expect(0));
    stage.edit(&vision);
    check_table("status_too_many", stage.run(&["status"]).expect(0));
    check_table("apply_shrink", stage.run(&["apply", "--yes"]).expect(0));
}

#[test]
fn what_is_missing_is_not_made_up_for_by_what_is_too_many() {
    let stage = Stage::applied(GOOD);
    stage.edit(&change(GOOD, "  trainer:", "  learner:"));
    let run = stage.run(&["status"]);
    run.expect(0)
        .says(&["drift: trial: 1 different, 1 missing"]);
}

#[test]
fn status_for_programs() {
    let stage = Stage::applied(GOOD);
    let json = stage.run(&["status", "--format", "json"]);
    check_run("status_json", json.expect(0));
}

#[test]
fn destroy_by_name_alone() {
    let stage = Stage::applied(GOOD);
    std::fs::remove_file(stage.sandbox.folder().join(SPEC)).unwrap();
    let place = ["--region", "eu-central-1"];
    let slip = [&["destroy", "--yes", "trail"][..], &place].concat();
    check_table("destroy_slip", stage.run(&slip).expect(4));
    let status = [&["status"][..], &place].concat();
    check_table("status_no_spec", stage.run(&status).expect(0));
    let destroy = [&["destroy", "--yes", "trial"][..], &place].concat();
    check_table("destroy_by_name", stage.run(&destroy).expect(0));
}

#[test]
fn questions_without_a_terminal() {
    let stage = Stage::empty(GOOD);
    check_run("apply_unconfirmed", stage.run(&["apply"]).expect(4));
    stage.run(&["apply", "--yes"]).expect(0);
    check_run(
        "destroy_unconfirmed",
        stage.run(&["destroy", "trial"]).expect(4),
    );
}

#[test]
fn refusals() {
    let stage = Stage::empty(&change(GOOD, "123456789012", "999999999999"));
    check_run("plan_wrong_account", stage.run(&["plan"]).expect(4));
    stage.edit(&change(GOOD, "m5.large", "m5.gigantic"));
    check_run("plan_not_found", stage.run(&["plan"]).expect(1));
    let mut nobody = Sandbox::new();
    nobody.write(SPEC, GOOD);
    nobody.set("AWS_ENDPOINT_URL", stage.cloud.address());
    check_run("plan_no_credentials", nobody.run(&["plan"]).expect(1));
    nobody.set("AWS_ACCESS_KEY_ID", "EXPIREDKEY");
    nobody.set("AWS_SECRET_ACCESS_KEY", "secret");
    check_run("plan_expired", nobody.run(&["plan"]).expect(1));
    nobody.set("AWS_ACCESS_KEY_ID", "DENIEDKEY");
    check_run("apply_denied", nobody.run(&["apply", "--yes"]).expect(1));
}

#[test]
fn the_embedded_cloud_is_stopped() {
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, GOOD);
    check_run("plan_local", sandbox.run(&["plan", "--local"]).expect(0));
    check_run("local_stop", sandbox.run(&["local", "stop"]).expect(0));
}
