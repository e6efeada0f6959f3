//! What takes part, what is the same, and what stays as it is.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::{BUCKET, Bench, events};

#[test]
fn patterns_choose_what_takes_part() {
    let bench = Bench::new();
    let run = bench.up(&["--include", "images/**", "--exclude", "images/two"]);
    run.expect(0).says(&["✓ 1 file, 19 B"]);
    // As others read it, the last word would let the images in.
    let run = bench.up(&["--exclude", "*", "--include", "images/**"]);
    run.expect(0).says(&[
        "note: nothing below set takes part: a file has to match one `--include` and no `--exclude`",
        "✓ nothing to do",
    ]);
}

#[test]
fn times_and_modes_come_back() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let bench = Bench::new();
    let at = |name: &str| bench.sandbox.folder().join(name);
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_500_000_000, 123_456_789);
    let label = std::fs::File::options()
        .append(true)
        .open(at("set/labels"))
        .unwrap();
    label.set_modified(time).unwrap();
    std::fs::set_permissions(at("set/labels"), std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.up(&[]).expect(0);
    assert_eq!(
        bench.cloud.requests().len(),
        4,
        "one listing and a file each"
    );
    bench.run(&[BUCKET, "back"]).expect(0);
    bench
        .sandbox
        .run(&["cp", "s3://data/set/labels", "copy"])
        .expect(0);
    for name in ["back/labels", "copy"] {
        let metadata = at(name).metadata().unwrap();
        let time = (metadata.mtime(), metadata.mtime_nsec());
        assert_eq!(time, (1_500_000_000, 123_456_789), "{name}");
        assert_eq!(metadata.permissions().mode() & 0o100, 0o100, "{name}");
    }
    let mode = at("back/images/one").metadata().unwrap().permissions();
    assert_eq!(mode.mode() & 0o111, 0);
    for run in [bench.up(&[]), bench.run(&[BUCKET, "back"])] {
        run.expect(0).says(&["✓ nothing to do"]);
    }
}

#[test]
fn what_is_compared_can_be_chosen() {
    let bench = Bench::new();
    bench.up(&[]).expect(0);
    bench.sandbox.write("set/labels", "the FILE labels");
    let same = ["--compare", "size"];
    bench.up(&same).expect(0).says(&["✓ nothing to do"]);
    let wrong = bench.up(&["--compare", "magic"]);
    wrong.expect(64).says(&["content", "size-mtime"]);
    bench.up(&[]).expect(0).says(&["✓ 1 file"]);
}

#[test]
fn what_the_target_has_can_be_left_as_it_is() {
    let bench = Bench::new();
    bench.up(&["--exclude", "images/two"]).expect(0);
    bench.sandbox.write("set/labels", "other labels");
    let refused = "failed labels: the target has another version, which is to stay as it is";
    bench
        .up(&["--immutable", "--exclude", "images/two"])
        .expect(1)
        .says(&[refused, "✗ nothing to transfer, 1 failed"]);
    bench
        .up(&["--ignore-existing"])
        .expect(0)
        .says(&["✓ 1 file, 19 B", ", 2 kept"]);
    bench.up(&["--immutable"]).expect(1).says(&[refused]);
    let told = events(bench.up(&["--immutable", "--format", "json"]).expect(1));
    assert_eq!(told[0]["failed"][0]["key"], "labels");
    assert_eq!(
        (&told[1]["event"], &told[1]["key"]),
        (&json!("failed"), &json!("labels"))
    );
    let last = told.last().unwrap();
    let counts = (&last["complete"], &last["failed"], &last["skipped"]);
    assert_eq!(counts, (&json!(false), &json!(1), &json!(0)));
    bench
        .up(&["--immutable", "--ignore-existing"])
        .expect(64)
        .says(&["cannot be used with"]);
    bench.up(&[]).expect(0).says(&["✓ 1 file, 12 B"]);
}

#[test]
fn links_that_shall_not_be_followed_are_named_and_no_fault() {
    let bench = Bench::new();
    symlink("labels", bench.sandbox.folder().join("set/link")).unwrap();
    let run = bench.up(&["--no-follow-symlinks"]);
    run.expect(0).says(&[
        "skipped link: symbolic links are not followed",
        "✓ 3 files, 53 B",
        ", 1 skipped",
    ]);
    bench.up(&[]).expect(0).says(&["✓ 1 file, 15 B"]);
}
