//! Credentials that are missing, expired, refused, or another account's.

use super::scene::{SPEC, Scene};
use crate::support::{GOOD, LocalCloud, Sandbox, good_but};

const WHO: &str = "sts GetCallerIdentity";

#[test]
fn another_account_is_refused_before_anything_is_read() {
    let scene = Scene::new(&good_but("123456789012", "999999999999"));
    let run = scene.refused(4);
    run.says(&[
        "the credentials belong to the account 123456789012, and 999999999999 is asked for",
        "nothing was read and nothing was changed",
        "use a profile of the account 999999999999",
        "arn:aws:iam::123456789012:user/local",
    ]);
    assert_eq!(scene.cloud.requests(), [WHO, WHO]);
}

#[test]
fn another_account_is_refused_by_destroy_and_status_too() {
    let scene = Scene::new(&good_but("123456789012", "999999999999"));
    let place = ["--region", "eu-central-1", "--account", "999999999999"];
    for arguments in [
        vec!["destroy", "--yes", SPEC],
        vec!["destroy", "--yes", "trial"],
        [&["destroy", "--yes", "other"][..], &place].concat(),
        vec!["status", SPEC],
        [&["status"][..], &place].concat(),
    ] {
        scene.cloud.forget_requests();
        let run = scene.sandbox.run(&arguments);
        run.expect(4).says(&["999999999999 is asked for"]);
        assert_eq!(scene.cloud.requests(), [WHO], "{run}");
    }
}

#[test]
fn no_credentials_are_an_error() {
    let cloud = LocalCloud::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL", cloud.address());
    sandbox.write(SPEC, GOOD);
    for arguments in [
        &["plan", SPEC][..],
        &["apply", "--yes", SPEC],
        &["status", SPEC],
    ] {
        let run = sandbox.run(arguments);
        run.expect(1).says(&[
            "error: no AWS credentials were found",
            "AWS_ACCESS_KEY_ID",
            "AWS_PROFILE",
        ]);
    }
    assert_eq!(cloud.requests(), [""; 0]);
}

#[test]
fn an_unknown_profile_is_named() {
    let cloud = LocalCloud::start();
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_ENDPOINT_URL", cloud.address());
    let spec = good_but("lease:", "credentials: {profile: absent}\nlease:");
    sandbox.write(SPEC, spec);
    for (arguments, name) in [
        (&["plan", SPEC][..], "absent"),
        (&["plan", SPEC, "--profile", "another"], "another"),
    ] {
        let run = sandbox.run(arguments);
        run.expect(1).says(&[&format!("`{name}`"), "--profile"]);
    }
    assert_eq!(cloud.requests(), [""; 0]);
}

#[test]
fn expired_credentials_are_an_error() {
    let mut scene = Scene::new(GOOD);
    scene.sandbox.set("AWS_ACCESS_KEY_ID", "EXPIREDKEY");
    let run = scene.refused(1);
    run.says(&["expired (ExpiredToken)", "sign in again"]);
    assert_eq!(scene.cloud.requests(), [WHO, WHO]);
}

#[test]
fn credentials_that_expire_between_plan_and_launch_launch_nothing() {
    let scene = Scene::new(GOOD);
    scene.cloud.order(&serde_json::json!([{
        "action": "RunInstances",
        "when": "before",
        "do": {"error": {"code": "ExpiredToken", "status": 400, "message": "The security token included in the request is expired"}},
    }]));
    let run = scene.sandbox.run(&["apply", "--yes", SPEC]);
    // The client cannot tell which of its attempts was answered, so it says what may be.
    run.expect(3).says(&[
        "expired (ExpiredToken)",
        "sign in again",
        "not known to exist",
    ]);
    expect_no_instances(&scene.cloud);
}

#[test]
fn denied_credentials_plan_and_launch_nothing() {
    let mut scene = Scene::new(GOOD);
    scene.sandbox.set("AWS_ACCESS_KEY_ID", "DENIEDKEY");
    let plan = scene.sandbox.run(&["plan", SPEC]);
    plan.expect(0).says(&["Plan: 1 to create"]);
    scene.cloud.expect_untouched();
    let apply = scene.sandbox.run(&["apply", "--yes", SPEC]);
    apply.expect(1).says(&[
        "ec2:RunInstances",
        "not authorized",
        "ask for the permission that the message names",
    ]);
    expect_no_instances(&scene.cloud);
}

#[test]
fn denied_credentials_destroy_nothing_and_say_so() {
    let mut scene = Scene::new(GOOD);
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    scene.sandbox.set("AWS_ACCESS_KEY_ID", "DENIEDKEY");
    let run = scene.sandbox.run(&["destroy", "--yes", SPEC]);
    run.expect(5).says(&[
        "ec2:TerminateInstances",
        "alive, or not known to be gone",
        "i-",
    ]);
}

#[test]
fn no_region_is_an_error() {
    let cloud = LocalCloud::start();
    let sandbox = Sandbox::at(cloud.address());
    for arguments in [&["status"][..], &["destroy", "--yes", "trial"]] {
        let run = sandbox.run(arguments);
        run.expect(1)
            .says(&["no region is known", "pass `--region`, or set AWS_REGION"]);
    }
    assert_eq!(cloud.requests(), [""; 0]);
    sandbox.write(SPEC, good_but("region: eu-central-1\n", ""));
    sandbox.run(&["plan", SPEC]).expect(1).says(&[
        "error[T103]: the key `region` is missing",
        "or to `trainyard.yaml` for all environments",
    ]);
    assert_eq!(cloud.requests(), [""; 0]);
}

/// Fails if the cloud holds an instance, whoever looks.
#[track_caller]
pub(super) fn expect_no_instances(cloud: &LocalCloud) {
    let witness = Sandbox::at(cloud.address());
    let run = witness.run(&["status", "--region", "eu-central-1", "--format", "json"]);
    assert_eq!(
        run.expect(0).json()["environments"],
        serde_json::json!([]),
        "{run}"
    );
}
