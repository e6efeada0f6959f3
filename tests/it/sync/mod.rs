//! `sync` as users run it, against the embedded cloud.

mod choices;
mod interrupted;
mod other_ways;

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::{LocalCloud, Run, Sandbox};

const BUCKET: &str = "s3://data/set";

struct Bench {
    cloud: LocalCloud,
    sandbox: Sandbox,
}

impl Bench {
    fn new() -> Self {
        let cloud = LocalCloud::start();
        cloud.make_bucket("data");
        let sandbox = Sandbox::at(cloud.address());
        for name in ["images/one", "images/two", "labels"] {
            sandbox.write(&format!("set/{name}"), format!("the file {name}"));
        }
        Self { cloud, sandbox }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.cloud.forget_requests();
        self.sandbox.run(&[&["sync"], arguments].concat())
    }

    fn up(&self, more: &[&str]) -> Run {
        self.run(&[&["set", BUCKET], more].concat())
    }

    /// How many requests of a method there were.
    fn asked(&self, method: &str) -> usize {
        let requests = self.cloud.requests();
        let of_it = |one: &&String| one.starts_with(&format!("s3 {method}"));
        requests.iter().filter(of_it).count()
    }
}

/// The events of a run, one a line.
fn events(run: &Run) -> Vec<Value> {
    let lines = run.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_folder_goes_up_and_comes_down_and_is_the_same() {
    let bench = Bench::new();
    let up = bench.up(&[]);
    up.expect(0).says(&["✓ 3 files, 53 B transferred in "]);
    assert_eq!((bench.asked("PUT"), bench.asked("HEAD")), (3, 0));
    bench.run(&[BUCKET, "back"]).expect(0);
    for name in ["images/one", "images/two", "labels"] {
        let read = |folder: &str| std::fs::read(bench.sandbox.folder().join(folder).join(name));
        assert_eq!(read("set").unwrap(), read("back").unwrap());
    }
    for run in [bench.up(&[]), bench.run(&[BUCKET, "back"])] {
        run.expect(0)
            .says(&["✓ nothing to do, 3 files, 53 B the same"]);
    }
}

#[test]
fn no_change_costs_the_pages_of_the_listing() {
    let bench = Bench::new();
    bench.up(&[]).expect(0);
    bench.up(&[]).expect(0);
    assert_eq!(
        bench.cloud.requests().len(),
        1,
        "{:?}",
        bench.cloud.requests()
    );
}

#[test]
fn a_dry_run_shows_every_file_and_changes_nothing() {
    let bench = Bench::new();
    bench.up(&[]).expect(0);
    bench.sandbox.write("set/labels", "other labels");
    std::fs::remove_file(bench.sandbox.folder().join("set/images/two")).unwrap();
    let run = bench.up(&["--delete", "--dry-run", "--detailed-exitcode"]);
    run.expect(2)
        .says(&["1 file, 12 B to transfer (0 new, 1 changed), 1 to delete, 1 the same"]);
    assert_eq!(
        run.stdout,
        "upload  labels      12 B  12 bytes, and the target has 15\n\
         delete  images/two  19 B\n"
    );
    let told = events(
        bench
            .up(&["--delete", "--dry-run", "--format", "json"])
            .expect(0),
    );
    assert_eq!(told.len(), 3);
    assert_eq!(told[0]["event"], "planned");
    let why = "12 bytes, and the target has 15";
    let upload = json!({
        "event": "change", "action": "upload", "key": "labels", "bytes": 12, "why": why,
    });
    let delete = json!({
        "event": "change", "action": "delete", "key": "images/two", "bytes": 19, "why": null,
    });
    assert_eq!(told[1..], [upload, delete]);
    assert_eq!((bench.asked("PUT"), bench.asked("POST")), (0, 0));
    bench.up(&["--delete", "--verbose"]).expect(0).says(&[
        "  uploaded labels, 12 B\n",
        "  deleted images/two, 19 B\n",
        ", 1 deleted",
    ]);
    bench
        .up(&["--delete", "--dry-run", "--detailed-exitcode"])
        .expect(0);
}

#[test]
fn more_deletions_than_half_are_refused_before_anything_is_done() {
    let bench = Bench::new();
    bench.up(&[]).expect(0);
    std::fs::remove_dir_all(bench.sandbox.folder().join("set/images")).unwrap();
    bench.sandbox.write("set/new", "new");
    let refused = bench.up(&["--delete"]);
    refused.expect(4).says(&[
        "in s3://data/set/, 2 of 3 files would be deleted, and at most 1 may be; nothing was changed",
        "--max-delete 2",
    ]);
    assert_eq!(bench.asked("PUT"), 0);
    // The help says to look: then there must be something to see.
    let shown = bench.up(&["--delete", "--dry-run"]);
    shown
        .expect(4)
        .says(&["delete  images/one", "delete  images/two", "--max-delete 2"]);
    shown.says(&["estimated: 2 requests, about 1s at 1 Gbit/s"]);
    let refused = bench.up(&["--delete", "--max-delete", "60%"]);
    refused.expect(4).says(&["at most 1 may be"]);
    bench.up(&["--delete", "--max-delete", "ten"]).expect(64);
    bench.up(&["--delete", "--max-delete", "70%"]).expect(0);
    bench
        .up(&["--delete", "--dry-run", "--detailed-exitcode"])
        .expect(0);
}

#[test]
fn an_empty_source_deletes_nothing() {
    let bench = Bench::new();
    bench.up(&[]).expect(0);
    std::fs::create_dir(bench.sandbox.folder().join("empty")).unwrap();
    let run = bench.run(&["empty", BUCKET, "--delete", "--max-delete", "99"]);
    run.expect(4)
        .says(&["no file of empty takes part", "nothing was changed"]);
    bench.run(&[BUCKET, "back"]).expect(0).says(&["✓ 3 files"]);
}

#[test]
fn what_is_skipped_is_named_and_counts() {
    let bench = Bench::new();
    symlink("nowhere", bench.sandbox.folder().join("set/broken")).unwrap();
    let run = bench.up(&[]);
    run.expect(3).says(&[
        "skipped broken: the symbolic link leads nowhere",
        "! 3 files, 53 B transferred",
        ", 1 skipped",
    ]);
    let again = bench.up(&[]);
    again
        .expect(3)
        .says(&["! nothing to do, 3 files, 53 B the same, 1 skipped"]);
    bench.up(&["--exclude", "broken"]).expect(0);
}

/// A plan that nobody can read is no success.
#[test]
fn what_cannot_be_printed_is_no_success() {
    let bench = Bench::new();
    for (arguments, exit) in [
        (&["set", BUCKET, "--dry-run"][..], 1),
        (&["set", BUCKET, "--dry-run", "--format", "json"], 1),
        (&["--help"], 1),
        // What was asked for has been done, and that is what its exit code says.
        (&["set", BUCKET, "--format", "json"], 0),
    ] {
        let mut command = bench.sandbox.command(&[&["sync"], arguments].concat());
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = command.stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("what was printed is not whole"), "{said}");
    }
    // The files are there all the same.
    bench.up(&[]).expect(0).says(&["✓ nothing to do"]);
}

#[test]
fn programs_read_one_event_a_line() {
    let bench = Bench::new();
    let told = events(bench.up(&["--format", "json"]).expect(0));
    let names: Vec<&Value> = told.iter().map(|event| &event["event"]).collect();
    assert_eq!(
        names,
        ["planned", "finished", "finished", "finished", "done"]
    );
    assert_eq!(told[0]["new"], json!({"files": 3, "bytes": 53}));
    let last = told.last().unwrap();
    assert_eq!(last["transferred"], json!({"files": 3, "bytes": 53}));
    assert_eq!(last["complete"], true);
}

#[test]
fn a_file_that_fails_is_named_and_the_others_go_on() {
    let bench = Bench::new();
    let refused = json!({"error": {"code": "InvalidRequest", "status": 400, "message": "no"}});
    bench.cloud.order(&json!([
        {"action": "PUT", "nth": 1, "when": "before", "do": refused}
    ]));
    // One at a time, the first goes by way of the SDK, which tells a refusal and asks no more.
    let run = bench.up(&["--concurrency", "1"]);
    run.expect(3)
        .says(&["failed ", "InvalidRequest", "✗ 2 files", ", 1 failed"]);
    bench.up(&[]).expect(0).says(&["✓ 1 file"]);
}

#[test]
fn two_places_of_one_kind_are_a_mistake_of_usage() {
    let bench = Bench::new();
    bench
        .run(&["set", "other"])
        .expect(64)
        .says(&["s3://BUCKET/PREFIX"]);
    bench
        .run(&["s3://", "other"])
        .expect(64)
        .says(&["names no bucket"]);
    for (place, help) in [
        ("S3://data/set", "write it as s3://data/set"),
        ("gs://data/set", "only s3:// is known here"),
    ] {
        bench.run(&["set", place]).expect(64).says(&[help]);
    }
    bench
        .run(&["set"])
        .expect(64)
        .says(&["trainyard sync [OPTIONS] <SOURCE> <TARGET>"]);
    bench
        .run(&["set", "s3://Not_A_Name/x"])
        .expect(1)
        .says(&["3 to 63 lowercase letters"]);
    bench
        .run(&[BUCKET, "s3://data/other", "--archive", "zip"])
        .expect(64)
        .says(&["are both in buckets", "trainyard cp"]);
    bench
        .up(&["--concurrency", "0"])
        .expect(64)
        .says(&["0 is not in 1..="]);
    bench
        .run(&["nowhere", BUCKET])
        .expect(1)
        .says(&["does not exist"]);
    bench
        .run(&["set", "s3://nowhere/x"])
        .expect(1)
        .says(&["bucket nowhere does not exist"]);
}
