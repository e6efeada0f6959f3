//! Data sets whose bucket or folder cannot be used.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use super::scene::{SPEC, Scene, refused};
use crate::support::good_but;

/// A good spec with one data set.
fn with_data(from: &str, to: &str) -> String {
    good_but(
        "instances:",
        &format!("data:\n  up: {{from: {from}, to: \"{to}\"}}\ninstances:"),
    )
}

/// A scene with a folder of one file, and the bucket `good-bucket`.
fn scene(from: &str, to: &str) -> Scene {
    let scene = Scene::new(&with_data(from, to));
    scene.sandbox.write("environments/files/one.txt", "one");
    scene.cloud.make_bucket("good-bucket");
    scene.cloud.forget_requests();
    scene
}

#[test]
fn a_bucket_that_does_not_exist_is_named() {
    scene("files", "s3://no-such-bucket/x").refused(1).says(&[
        "error[T301]: bucket no-such-bucket does not exist",
        "environments/trial.yaml:10:25",
        "create the bucket, or check its name and region",
        "nothing was changed",
    ]);
}

#[test]
fn a_forbidden_bucket_is_named() {
    scene("files", "s3://forbidden-models/x").refused(1).says(&[
        "not allowed to list bucket forbidden-models",
        "ask for s3:ListBucket on that bucket, or use another profile",
    ]);
}

#[test]
fn a_missing_source_bucket_makes_no_folder() {
    scene("s3://no-such-bucket/x", "down")
        .refused(1)
        .says(&["bucket no-such-bucket does not exist"]);
}

#[test]
fn a_missing_folder_is_named() {
    scene("absent", "s3://good-bucket/x").refused(1).says(&[
        "environments/absent does not exist",
        "environments/trial.yaml:10:14",
        "paths are relative to the file that names them",
    ]);
}

#[test]
fn a_file_is_no_folder() {
    scene("files/one.txt", "s3://good-bucket/x")
        .refused(1)
        .says(&["files/one.txt is not a folder"]);
}

#[test]
fn a_device_is_no_folder() {
    scene("/dev/zero", "s3://good-bucket/x")
        .refused(1)
        .says(&["/dev/zero is not a folder"]);
}

#[test]
fn a_folder_behind_a_circle_of_links_is_named() {
    let scene = scene("circle", "s3://good-bucket/x");
    let link = scene.sandbox.folder().join("environments/circle");
    symlink("circle", link).unwrap();
    scene.refused(1).says(&["environments/circle"]);
}

#[test]
fn a_file_in_the_way_of_the_target_folder_is_named() {
    scene("s3://good-bucket/x", "files/one.txt")
        .refused(1)
        .says(&["files/one.txt is not a folder"]);
}

/// Starts the binary without the right to read what its owner may not.
fn unprivileged(scene: &Scene, arguments: &[&str]) -> Command {
    let plain = scene.sandbox.command(arguments);
    let mut command = Command::new("setpriv");
    command
        .arg("--bounding-set=-all")
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .current_dir(plain.get_current_dir().unwrap());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
}

#[test]
fn an_unreadable_folder_is_named() {
    let scene = scene("files", "s3://good-bucket/x");
    let folder = scene.sandbox.folder().join("environments/files");
    set_permissions(&folder, Permissions::from_mode(0o000)).unwrap();
    // Root may read everything, unless it gives that up.
    let almighty = std::fs::read_dir(&folder).is_ok();
    let give_up = Command::new("setpriv")
        .args(["--bounding-set=-all", "true"])
        .status();
    if almighty && !give_up.is_ok_and(|status| status.success()) {
        println!("skipped: this user reads everything, and there is no setpriv to change that");
        return;
    }
    for arguments in [&["plan", SPEC][..], &["apply", "--yes", SPEC]] {
        let output = if almighty {
            unprivileged(&scene, arguments).output().unwrap()
        } else {
            scene.sandbox.command(arguments).output().unwrap()
        };
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("failed to read the folder"), "{said}");
        assert!(said.contains("ermission denied"), "{said}");
    }
    scene.cloud.expect_untouched();
    set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn places_that_cannot_work_are_refused_without_a_network() {
    for (from, to, words) in [
        ("here", "there", "neither place is a bucket"),
        (
            "s3://my-bucket/a",
            "s3://my-bucket/a/b",
            "`s3://my-bucket/a` and `s3://my-bucket/a/b` overlap",
        ),
        ("here", "s3://My_Bucket/x", "is not a bucket and a prefix"),
        ("here", "s3:///x", "is not a bucket and a prefix"),
        (
            "here",
            "s3://my-bucket/a//b",
            "is not a bucket and a prefix",
        ),
        ("~/data", "s3://my-bucket/x", "`~` means another folder"),
    ] {
        refused(with_data(from, to)).says(&["error[T205]", words]);
    }
    refused(with_data("\"\"", "s3://my-bucket/x")).says(&["error[T105]"]);
}

#[test]
fn two_data_sets_may_not_write_to_one_place() {
    let data = "data:\n  a: {from: x, to: \"s3://my-bucket/x\"}\n  b: {from: y, to: \"s3://my-bucket/x/\"}\ninstances:";
    refused(good_but("instances:", data))
        .says(&["error[T205]: another entry writes to the same place"]);
}

#[test]
fn patterns_that_cannot_be_read_are_refused() {
    let data = "data:\n  a: {from: x, to: \"s3://my-bucket/x\", exclude: [\"[a\"]}\ninstances:";
    refused(good_but("instances:", data)).says(&["error[T205]: `[a` is not a pattern"]);
}

#[test]
fn a_data_set_that_fails_keeps_instances_from_being_launched() {
    let scene = scene("files", "s3://no-such-bucket/x");
    scene
        .sandbox
        .run(&["apply", "--yes", SPEC])
        .expect(1)
        .says_nothing_about(&["applying"]);
    scene.cloud.expect_untouched();
}
