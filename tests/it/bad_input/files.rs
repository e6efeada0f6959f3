//! Specs that are no files, or no files of ours.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use super::scene::{SPEC, refused, refused_in};
use crate::support::{GOOD, Sandbox};

#[test]
fn a_missing_file_is_named() {
    refused_in(Sandbox::new(), "environments/absent.yaml").says(&[
        "error[T001]: cannot read the file: there is no such file",
        "environments/absent.yaml",
        "check the path; `trainyard init` writes a first spec",
        "1 mistake in 1 file",
    ]);
}

#[test]
fn a_missing_default_folder_is_named() {
    let run = Sandbox::new().run(&["plan"]);
    run.expect(1)
        .says(&["error[T001]", "--> environments", "there is no such file"]);
}

#[test]
fn a_folder_without_a_spec_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/README.md", "# no spec\n");
    // The project file is no spec, wherever it stands.
    sandbox.write("environments/trainyard.yaml", "version: 1\n");
    refused_in(sandbox, "environments").says(&[
        "error[T006]: this folder holds no spec",
        "`trainyard init` writes a first one",
    ]);
}

#[test]
fn an_empty_file_is_refused() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "null\n", "~\n"] {
        refused(text).says(&["error[T006]: the file holds no spec", "trainyard init"]);
    }
}

#[test]
fn an_oversized_file_is_refused_unread() {
    let filler = format!("# {}\n", "x".repeat(1 << 20));
    refused(format!("{filler}{GOOD}")).says(&["error[T003]", "a spec has at most 1048576"]);
}

#[test]
fn the_largest_file_is_read() {
    let filler = "#".repeat((1 << 20) - GOOD.len() - 1);
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, format!("{filler}\n{GOOD}"));
    sandbox.run(&["validate", SPEC]).expect(0);
}

/// Runs `validate` on a path that would never end if it were read.
#[track_caller]
fn refused_at_once(sandbox: &Sandbox, path: &str) {
    let mut child = sandbox.start(&["validate", path]);
    let end = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{path} was waited for");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_fifo_is_refused_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/.keep", "");
    let path = sandbox.folder().join(SPEC);
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    refused_at_once(&sandbox, SPEC);
    // In a folder it must not hold up the others, either.
    refused_at_once(&sandbox, "environments");
    refused_in(sandbox, SPEC).says(&["error[T002]: this is no regular file", SPEC]);
}

#[test]
fn a_device_is_refused_at_once() {
    let sandbox = Sandbox::new();
    refused_at_once(&sandbox, "/dev/zero");
    refused_in(sandbox, "/dev/zero").says(&["error[T002]: this is no regular file", "/dev/zero"]);
}

#[test]
fn a_link_to_a_device_is_refused_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/.keep", "");
    symlink("/dev/zero", sandbox.folder().join(SPEC)).unwrap();
    refused_at_once(&sandbox, SPEC);
    refused_in(sandbox, SPEC).says(&["error[T002]: this is no regular file"]);
}

#[test]
fn a_link_to_itself_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/.keep", "");
    symlink("trial.yaml", sandbox.folder().join(SPEC)).unwrap();
    refused_in(sandbox, SPEC).says(&["error[T001]: cannot read the file", SPEC]);
}

#[test]
fn several_bad_files_are_told_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/one.yaml", "");
    sandbox.write("environments/two.yaml", "[]\n");
    sandbox.write("environments/three.yaml", "version: [\n");
    refused_in(sandbox, "environments").says(&[
        "environments/one.yaml",
        "environments/two.yaml",
        "environments/three.yaml",
        "3 mistakes in 3 files",
    ]);
}
