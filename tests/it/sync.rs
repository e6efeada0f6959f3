//! `sync` as users run it, against the embedded cloud.

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
    assert_eq!((bench.asked("PUT"), bench.asked("POST")), (0, 0));
    bench.up(&["--delete"]).expect(0).says(&[", 1 deleted"]);
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
    run.expect(4).says(&["has no files", "nothing was changed"]);
    bench.run(&[BUCKET, "back"]).expect(0).says(&["✓ 3 files"]);
}

#[test]
fn what_is_skipped_is_named_and_counts() {
    let bench = Bench::new();
    symlink("nowhere", bench.sandbox.folder().join("set/broken")).unwrap();
    let run = bench.up(&[]);
    run.expect(3).says(&[
        "skipped broken: the symbolic link leads nowhere",
        "✓ 3 files, 53 B transferred",
        ", 1 skipped",
    ]);
    bench.up(&["--exclude", "broken"]).expect(0);
}

#[test]
fn patterns_choose_what_takes_part() {
    let bench = Bench::new();
    let run = bench.up(&["--include", "images/**", "--exclude", "images/two"]);
    run.expect(0).says(&["✓ 1 file, 19 B"]);
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
    let run = bench.up(&[]);
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
    bench
        .run(&["nowhere", BUCKET])
        .expect(1)
        .says(&["does not exist"]);
    bench
        .run(&["set", "s3://nowhere/x"])
        .expect(1)
        .says(&["bucket nowhere does not exist"]);
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
        .says(&[refused, "nothing to do"]);
    bench
        .up(&["--ignore-existing"])
        .expect(0)
        .says(&["✓ 1 file, 19 B", ", 2 kept"]);
    bench.up(&["--immutable"]).expect(1).says(&[refused]);
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

/// Content that looks alike nowhere.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

/// A bench with many small files and one that is sent in parts.
fn large_bench() -> Bench {
    let bench = Bench::new();
    for number in 0..300_u64 {
        let length = usize::try_from(number * 61).unwrap();
        let name = format!("set/{:02}/{number:03}", number % 10);
        bench.sandbox.write(&name, noise(number, length));
    }
    bench.sandbox.write("set/model.bin", noise(7, 70 << 20));
    bench
}

/// The files below a folder of the working folder, with their contents.
fn files_of(
    bench: &Bench,
    folder: &str,
) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let root = bench.sandbox.folder().join(folder);
    let files = bench.sandbox.files().into_iter();
    files
        .filter(|(_, content)| content != b"folder")
        .filter_map(|(path, content)| Some((path.strip_prefix(&root).ok()?.to_owned(), content)))
        .collect()
}

/// Kills a sync at moments that nobody chose, and says how many of them were in the middle.
fn kill_at_random(bench: &Bench, arguments: &[&str], check: &dyn Fn()) -> usize {
    let mut random = fastrand::Rng::with_seed(20);
    let mut killed = 0;
    for _ in 0..20 {
        let mut run = bench.sandbox.start(arguments);
        std::thread::sleep(std::time::Duration::from_millis(random.u64(5..600)));
        killed += usize::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
        check();
    }
    killed
}

/// Scenario 64, with a real process and a real signal.
#[test]
fn twenty_kills_and_a_run_end_byte_identical_both_ways() {
    let bench = large_bench();
    let source = files_of(&bench, "set");
    let up = ["sync", "set", BUCKET];
    let killed = kill_at_random(&bench, &up, &|| {});
    assert!(killed > 2, "{killed} of 20 runs were killed");
    bench.sandbox.run(&up).expect(0);
    let down = ["sync", BUCKET, "back"];
    let killed = kill_at_random(&bench, &down, &|| {
        for (path, content) in files_of(&bench, "back") {
            let is_temporary = path.extension().is_some_and(|end| end == "trainyard-part");
            let is_whole = source.get(&path) == Some(&content);
            assert!(
                is_temporary || is_whole,
                "{} is half-written",
                path.display()
            );
        }
    });
    assert!(killed > 2, "{killed} of 20 runs were killed");
    bench.sandbox.run(&down).expect(0);
    assert!(files_of(&bench, "back") == source, "not the same");
    bench
        .sandbox
        .run(&["sync", "--clean", "s3://data"])
        .expect(0);
    let last = bench
        .sandbox
        .run(&["sync", "--clean", "s3://data", "--older-than", "0s"]);
    last.expect(0).says(&["no unfinished upload"]);
}

#[test]
fn what_an_interrupted_upload_leaves_is_said_and_given_up() {
    let bench = Bench::new();
    bench.sandbox.write("set/model.bin", noise(7, 90 << 20));
    let run = bench.sandbox.command(&["sync", "set", BUCKET]);
    let mut run = { run }
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    bench.cloud.await_requests("s3 PUT", 5);
    let process = run.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &process])
        .status()
        .unwrap();
    let output = {
        let status = run.wait().unwrap();
        let said = std::io::read_to_string(run.stderr.take().unwrap()).unwrap();
        (status.code(), said)
    };
    assert_eq!(output.0, Some(130), "{}", output.1);
    assert!(
        output.1.contains("1 unfinished upload kept"),
        "{}",
        output.1
    );
    let young = bench.run(&["--clean", "s3://data/set", "--dry-run"]);
    young.expect(0).says(&[
        "model.bin",
        "left by a run on this machine",
        "1 unfinished upload, ",
    ]);
    bench
        .run(&["--clean", "s3://data/other"])
        .expect(0)
        .says(&["no unfinished upload"]);
    let events = events(&bench.run(&["--clean", "s3://data/set", "--dry-run", "--format", "json"]));
    assert_eq!(events[0]["ours"], json!(true));
    bench
        .run(&["--clean", "s3://data/set"])
        .expect(0)
        .says(&["✓ 1 unfinished upload given up"]);
    bench
        .run(&["--clean", "s3://data/set"])
        .expect(0)
        .says(&["no unfinished upload"]);
    bench
        .run(&["--clean", "set"])
        .expect(64)
        .says(&["s3://BUCKET/PREFIX"]);
}

/// Scenario 67: a shell that allows few open files.
#[test]
fn s67_low_nofile_clamps_and_everything_is_done() {
    let bench = Bench::new();
    for number in 0..600 {
        bench
            .sandbox
            .write(&format!("set/{number:03}"), format!("{number}"));
    }
    let program = env!("CARGO_BIN_EXE_trainyard");
    for arguments in [format!("sync set {BUCKET}"), format!("sync {BUCKET} back")] {
        let script = format!("ulimit -n 64; exec {program} {arguments}");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir(bench.sandbox.folder())
            .env_clear()
            .envs(bench.sandbox.variables())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("✓ 603 files"), "{said}");
    }
}

#[test]
fn destroy_gives_up_what_an_interrupted_apply_has_left_in_the_bucket() {
    let bench = Bench::new();
    bench.sandbox.write("set/model.bin", noise(7, 90 << 20));
    let spec = "version: 1\nname: lab\naccount: \"123456789012\"\nregion: us-east-1\nlease: 4h\n\
        data:\n  set:\n    from: ./set\n    to: s3://data/set\n\
        instances:\n  trainer:\n    type: t3.small\n    image: {ssm: /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}\n";
    bench.sandbox.write("lab.yaml", spec);
    let apply = ["apply", "lab.yaml", "--yes", "--settle", "1s"];
    let mut apply = bench.sandbox.start(&apply);
    bench.cloud.await_requests("s3 PUT", 5);
    let process = apply.id().to_string();
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &process])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(apply.wait().unwrap().code(), Some(130));
    let left = ["sync", "--clean", "s3://data", "--dry-run"];
    bench
        .sandbox
        .run(&left)
        .expect(0)
        .says(&["1 unfinished upload, "]);
    let destroy = ["destroy", "lab.yaml", "--yes", "--settle", "1s"];
    bench
        .sandbox
        .run(&destroy)
        .expect(0)
        .says(&["gave up 1 unfinished upload below s3://data/set/"]);
    bench
        .sandbox
        .run(&left)
        .expect(0)
        .says(&["no unfinished upload"]);
    bench
        .sandbox
        .run(&destroy)
        .expect(0)
        .says_nothing_about(&["gave up"]);
}

#[test]
fn from_bucket_to_bucket_no_byte_comes_here() {
    let bench = Bench::new();
    bench.cloud.make_bucket("other");
    bench.up(&[]).expect(0);
    let across = |more: &[&str]| bench.run(&[&[BUCKET, "s3://other/copy"], more].concat());
    let shown = across(&["--dry-run"]);
    shown.expect(0).says(&["3 files, 53 B to transfer"]);
    assert!(
        shown.stdout.starts_with("copy  images/one  19 B  new\n"),
        "{}",
        shown.stdout
    );
    across(&[])
        .expect(0)
        .says(&["✓ 3 files, 53 B transferred in "]);
    // Two pages, and a request for each copy.
    assert_eq!(bench.cloud.requests().len(), 5);
    across(&["--delete"])
        .expect(0)
        .says(&["✓ nothing to do, 3 files, 53 B the same"]);
    assert_eq!(bench.cloud.requests().len(), 2);
    let refused = bench.run(&[BUCKET, "s3://data/set/below", "--delete"]);
    refused
        .expect(64)
        .says(&["one of the two is in the other", "nothing was changed"]);
    assert_eq!(bench.cloud.requests().len(), 0);
}

#[test]
fn a_set_is_kept_as_one_object() {
    for kind in ["zip", "tar.zst"] {
        let bench = Bench::new();
        let archive = ["--archive", kind];
        let shown = bench.up(&["--archive", kind, "--dry-run", "--detailed-exitcode"]);
        shown.expect(2).says(&[
            "pack  images/one",
            "3 files, 53 B to transfer (3 new, 0 changed), 0 to delete, 0 the same",
            &format!("; all of set.{kind} is sent: 3 files, 53 B"),
        ]);
        assert_eq!(bench.asked("PUT"), 0);
        bench
            .up(&archive)
            .expect(0)
            .says(&["✓ 3 files, 53 B transferred in "]);
        assert_eq!(bench.asked("PUT"), 2, "the archive and its manifest");
        let same = "✓ nothing to do, 3 files, 53 B the same";
        bench.up(&archive).expect(0).says(&[same]);
        assert_eq!(bench.cloud.requests().len(), 2);
        let down = [BUCKET, "back", "--archive", kind];
        bench.run(&down).expect(0).says(&["✓ 3 files"]);
        for name in ["images/one", "images/two", "labels"] {
            let read = |folder: &str| std::fs::read(bench.sandbox.folder().join(folder).join(name));
            assert_eq!(read("set").unwrap(), read("back").unwrap());
        }
        bench.run(&down).expect(0).says(&[same]);

        std::fs::remove_dir_all(bench.sandbox.folder().join("set/images")).unwrap();
        bench.up(&archive).expect(4).says(&["--max-delete 2"]);
        bench
            .up(&["--archive", kind, "--max-delete", "2"])
            .expect(0)
            .says(&["✓ 1 file, 15 B transferred in ", ", 2 deleted"]);
        bench
            .run(&[
                BUCKET,
                "back",
                "--archive",
                kind,
                "--delete",
                "--max-delete",
                "2",
            ])
            .expect(0)
            .says(&[", 2 deleted"]);
    }
}

#[test]
fn an_archive_needs_a_name_and_has_to_be_there() {
    let bench = Bench::new();
    let nameless = bench.run(&["set", "s3://data", "--archive", "zip"]);
    nameless.expect(64).says(&["has no name", "NAME.zip"]);
    let missing = bench.run(&[BUCKET, "back", "--archive", "tar.zst", "--delete"]);
    missing.expect(1).says(&[
        "there is no archive s3://data/set.tar.zst",
        "nothing was changed",
    ]);
    bench
        .run(&["set", BUCKET, "--archive", "rar"])
        .says(&["zip", "tar.zst"]);
}

/// Scenario 66: a disk that is full. A limit on the size of files stands for it here: the
/// write fails in the same place, and root is not needed for it.
#[test]
fn s66_enospc_leaves_the_old_file_and_the_others_go_on() {
    let bench = Bench::new();
    bench.sandbox.write("set/large", noise(3, 9 << 20));
    bench.sandbox.write("set/huge", noise(4, 70 << 20));
    bench.up(&[]).expect(0);
    bench.sandbox.write("back/large", "the old one");
    let program = env!("CARGO_BIN_EXE_trainyard");
    // In blocks of 512 bytes: 4 MiB. Who goes beyond is told by an error, not by a signal.
    let script = format!("trap '' XFSZ; ulimit -f 8192; exec {program} sync {BUCKET} back");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(bench.sandbox.folder())
        .env_clear()
        .envs(bench.sandbox.variables())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for name in ["failed huge: ", "failed large: "] {
        assert!(said.contains(name), "{said}");
    }
    assert!(said.contains("3 files, 53 B transferred"), "{said}");
    let came = files_of(&bench, "back");
    let names: Vec<&str> = came.keys().filter_map(|path| path.to_str()).collect();
    assert_eq!(names, ["images/one", "images/two", "labels", "large"]);
    assert_eq!(came[std::path::Path::new("large")], b"the old one");
}
