//! What is killed, stopped, or has not enough of something.

use serde_json::json;

use super::{BUCKET, Bench, events};

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
