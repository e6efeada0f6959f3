//! `cp` as users run it, against the embedded cloud.

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::support::{LocalCloud, Run, Sandbox};

struct Bench {
    cloud: LocalCloud,
    sandbox: Sandbox,
}

impl Bench {
    fn new() -> Self {
        let cloud = LocalCloud::start();
        cloud.make_bucket("data");
        cloud.make_bucket("other");
        let sandbox = Sandbox::at(cloud.address());
        sandbox.write("model", "weights");
        Self { cloud, sandbox }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.cloud.forget_requests();
        self.sandbox.run(&[&["cp"], arguments].concat())
    }

    /// Runs with an input, and gives the output as bytes.
    fn pipe(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.sandbox.command(&[&["cp"], arguments].concat());
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writing = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().unwrap();
        drop(writing.join().unwrap());
        output
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.sandbox.folder().join(name)).unwrap()
    }
}

/// Bytes that differ wherever one looks.
fn noise(length: usize) -> Vec<u8> {
    let mut generator = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| generator.u8(..))
        .take(length)
        .collect()
}

#[test]
fn a_file_goes_up_and_comes_down() {
    let bench = Bench::new();
    bench
        .run(&["model", "s3://data/run/"])
        .expect(0)
        .says(&["✓ 7 B copied"]);
    bench.run(&["s3://data/run/model", "back"]).expect(0);
    assert_eq!(bench.read("back"), b"weights");
    bench.run(&["s3://data/run/model", "folder/"]).expect(0);
    assert_eq!(bench.read("folder/model"), b"weights");
}

#[test]
fn streams_of_any_length_go_up_and_come_down_byte_by_byte() {
    let bench = Bench::new();
    for length in [0, 1, 8 << 20, (8 << 20) + 1, 50 << 20] {
        let content = noise(length);
        let up = bench.pipe(&["-", "s3://data/stream"], &content);
        assert!(up.status.success(), "{up:?}");
        assert_eq!(up.stdout, b"");
        let down = bench.pipe(&["s3://data/stream", "-"], b"");
        assert!(down.status.success(), "{length}");
        assert!(
            down.stdout == content,
            "{length} became {}",
            down.stdout.len()
        );
    }
}

#[test]
fn from_bucket_to_bucket_no_byte_comes_here() {
    let bench = Bench::new();
    let key = "s3://data/a b+c%25/é";
    bench.run(&["model", key]).expect(0);
    bench
        .run(&[key, "s3://other/copy"])
        .expect(0)
        .says(&["✓ 7 B copied"]);
    let requests = bench.cloud.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    bench.run(&["s3://other/copy", "back"]).expect(0);
    assert_eq!(bench.read("back"), b"weights");
}

#[test]
fn what_cannot_be_copied_leaves_nothing() {
    let bench = Bench::new();
    bench.sandbox.write("old", "old");
    bench
        .run(&["s3://data/nothing", "old"])
        .expect(1)
        .says(&["there is no such object"]);
    assert_eq!(bench.read("old"), b"old");
    bench
        .run(&["nothing", "s3://data/x"])
        .expect(1)
        .says(&["cannot be read"]);
    bench
        .run(&["model", "s3://nowhere/x"])
        .expect(1)
        .says(&["NoSuchBucket"]);
    bench
        .run(&["s3://data/", "x"])
        .expect(64)
        .says(&["trainyard sync"]);
    bench
        .run(&["model", "back"])
        .expect(64)
        .says(&["s3://BUCKET/KEY"]);
    bench
        .run(&["s3://Not_A_Name/x", "x"])
        .expect(1)
        .says(&["read the object: HTTP status 400, without a reason"]);
    bench
        .run(&["-r", "model", "s3://data/run/"])
        .expect(64)
        .says(&["cp copies one thing", "trainyard sync"]);
    bench
        .run(&["model", "S3://data/run/"])
        .expect(64)
        .says(&["write it as s3://data/run/"]);
    bench
        .run(&["-", "s3://data/run/"])
        .expect(64)
        .says(&["under which name"]);
}

#[test]
fn an_object_over_itself_is_left_alone() {
    let bench = Bench::new();
    bench.run(&["model", "s3://data/model"]).expect(0);
    bench
        .run(&["s3://data/model", "s3://data/"])
        .expect(0)
        .says(&["✓ nothing to do, the source is the target"]);
    assert_eq!(bench.cloud.requests().len(), 1);
    bench
        .run(&["s3://data/nothing", "s3://data/nothing"])
        .expect(1)
        .says(&["there is no such object"]);
}
