//! The sync engine against S3 servers that we did not write: the same steps on each, with
//! the same results as on the embedded cloud.

mod stores;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::Sandbox;
use stores::Store;

/// What one step came to: its exit code and its last line, without what differs from run to
/// run.
type Results = BTreeMap<&'static str, String>;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

fn files_of(sandbox: &Sandbox, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = sandbox.folder().join(folder);
    let files = sandbox.files().into_iter();
    files
        .filter(|(_, content)| content != b"folder")
        .filter_map(|(path, content)| Some((path.strip_prefix(&root).ok()?.to_owned(), content)))
        .collect()
}

/// The last line that was said, without its times and rates.
fn result(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(arguments);
    let last = run.stderr.lines().last().unwrap_or_default();
    let (before, after) = last.split_once(" in ").unwrap_or((last, ""));
    let rest = after.split_once("/s").map_or("", |(_, rest)| rest);
    format!("{}: {before}{rest}", run.code.unwrap_or(-1))
}

/// Sends through a pipe and reads back through one.
fn pipe(sandbox: &Sandbox, content: &[u8]) -> String {
    let mut command = sandbox.command(&["cp", "-", "s3://data/piped"]);
    let mut up = command
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    up.stdin.take().unwrap().write_all(content).unwrap();
    let up = up.wait().unwrap().code();
    let down = sandbox
        .command(&["cp", "s3://data/piped", "-"])
        .output()
        .unwrap();
    format!("{up:?} {:?} {}", down.status.code(), down.stdout == content)
}

/// Everything that is tried on every server.
fn steps(store: &Store) -> Results {
    let mut sandbox = Sandbox::at(&store.address);
    sandbox.set("AWS_REGION", "us-east-1");
    for number in 0..120_u64 {
        let name = format!("set/{:02}/{number:03}", number % 7);
        sandbox.write(&name, noise(number, usize::try_from(number * 97).unwrap()));
    }
    for name in ["a b", "a+b", "a%b", "é/ü", "(1) & <2>", "a;b=c?d#e", "😀"] {
        sandbox.write(&format!("set/odd/{name}"), name);
    }
    let mut results = Results::new();
    let up = ["sync", "set", "s3://data/set"];
    let down = ["sync", "s3://data/set", "back"];
    results.insert("up", result(&sandbox, &up));
    results.insert("up again", result(&sandbox, &up));
    sandbox.write("set/00/007", noise(1000, 7 * 97));
    results.insert("one changed", result(&sandbox, &up));
    results.insert("down", result(&sandbox, &down));
    results.insert("down again", result(&sandbox, &down));
    let same = files_of(&sandbox, "set") == files_of(&sandbox, "back");
    results.insert("down is the same", same.to_string());
    std::fs::remove_file(sandbox.folder().join("set/odd/a b")).unwrap();
    results.insert(
        "delete",
        result(&sandbox, &[&up[..], &["--delete"]].concat()),
    );
    results.insert(
        "delete down",
        result(&sandbox, &[&down[..], &["--delete"]].concat()),
    );
    results.insert(
        "empty bucket place",
        result(&sandbox, &["sync", "s3://data/none", "none"]),
    );
    results.insert(
        "no bucket",
        result(&sandbox, &["sync", "set", "s3://nowhere/set"])[..2].to_owned(),
    );
    results.insert("piped", pipe(&sandbox, b"a little"));
    let copy = ["cp", "s3://data/set/odd/a+b", "s3://data/copied here"];
    results.insert("copied", result(&sandbox, &copy));
    let read = sandbox.run(&["cp", "s3://data/copied here", "-"]);
    results.insert("copied is the same", read.stdout);
    sandbox.write("large/model", noise(5, (66 << 20) + 5));
    results.insert(
        "large up",
        result(&sandbox, &["sync", "large", "s3://data/large"]),
    );
    results.insert(
        "large up again",
        result(&sandbox, &["sync", "large", "s3://data/large"]),
    );
    results.insert(
        "large down",
        result(&sandbox, &["sync", "s3://data/large", "huge"]),
    );
    results.insert(
        "nothing unfinished",
        result(
            &sandbox,
            &["sync", "--clean", "s3://data", "--older-than", "0s"],
        ),
    );
    let whole = files_of(&sandbox, "huge")
        .into_values()
        .all(|content| content == noise(5, (66 << 20) + 5));
    results.insert("large is whole or absent", whole.to_string());
    results
}

/// What every server is to give: none of them differs from S3 in anything that a sync
/// stands on.
fn expected() -> Results {
    [
        ("up", "0: ✓ 127 files, 676.4 KiB transferred"),
        (
            "up again",
            "0: ✓ nothing to do, 127 files, 676.4 KiB the same",
        ),
        ("one changed", "0: ✓ 1 file, 679 B transferred"),
        ("down", "0: ✓ 127 files, 676.4 KiB transferred"),
        (
            "down again",
            "0: ✓ nothing to do, 127 files, 676.4 KiB the same",
        ),
        ("down is the same", "true"),
        ("delete", "0: ✓ nothing to transfer, 1 deleted"),
        ("delete down", "0: ✓ nothing to transfer, 1 deleted"),
        (
            "empty bucket place",
            "0: ✓ nothing to do, 0 files, 0 B the same",
        ),
        ("no bucket", "1:"),
        ("piped", "Some(0) Some(0) true"),
        ("copied", "0: ✓ 3 B copied to s3://data/copied here"),
        ("copied is the same", "a+b"),
        ("large up", "0: ✓ 1 file, 66.0 MiB transferred"),
        (
            "large up again",
            "0: ✓ nothing to do, 1 file, 66.0 MiB the same",
        ),
        ("large down", "0: ✓ 1 file, 66.0 MiB transferred"),
        ("large is whole or absent", "true"),
        (
            "nothing unfinished",
            "0: s3://data/: no unfinished upload that nobody works on",
        ),
    ]
    .map(|(step, result)| (step, result.to_owned()))
    .into()
}

#[test]
fn the_embedded_cloud() {
    assert_eq!(steps(&Store::embedded()), expected());
}

#[test]
fn moto() {
    assert_eq!(steps(&Store::moto()), expected());
}

#[test]
fn ministack() {
    assert_eq!(steps(&Store::ministack()), expected());
}

#[test]
fn seaweedfs() {
    assert_eq!(steps(&Store::seaweedfs()), expected());
}
