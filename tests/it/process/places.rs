//! Homes, folders for temporary files and working folders that are of no use.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::ground::{Case, each};
use crate::support::Run;

/// An environment variable that leads nowhere; without a value it is not set.
const ODD: [(&str, Option<&str>); 9] = [
    ("HOME", None),
    ("HOME", Some("")),
    ("HOME", Some("/dev/null")),
    ("HOME", Some("/dev/null/below/a/file")),
    // Nobody can write there, not even root.
    ("HOME", Some("/proc")),
    ("TMPDIR", Some("/dev/full")),
    ("TMPDIR", Some("/no/such/folder")),
    ("TMPDIR", Some("/proc")),
    ("XDG_CACHE_HOME", Some("/proc")),
];

/// Creates, looks at and ends an environment by commands that a test has its hands in.
#[track_caller]
fn lives_and_ends(case: &Case<'_>, change: impl Fn(&mut Command), spec: &str) {
    let run = |arguments: &[&str], code: i32| {
        let arguments = [arguments, &["--settle", "1s"]].concat();
        let mut command = case.sandbox.command(&arguments);
        change(&mut command);
        let output = command.output().unwrap();
        let run = Run {
            arguments: arguments.join(" "),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        };
        run.expect(code);
    };
    run(&["plan", "--detailed-exitcode", spec], 2);
    run(&["apply", "--yes", spec], 0);
    case.exactly();
    run(&["status", spec], 0);
    run(&["plan", "--detailed-exitcode", spec], 0);
    run(&["destroy", "--yes", spec], 0);
    case.nothing();
}

#[test]
fn no_file_of_the_caller_is_needed() {
    each(&ODD, |case, (name, value)| {
        let change = |command: &mut Command| match value {
            Some(value) => drop(command.env(name, value)),
            None => drop(command.env_remove(name)),
        };
        lives_and_ends(case, change, "environments/one.yaml");
    });
}

#[test]
fn a_folder_that_cannot_be_written_to_is_enough() {
    each(&["mode", "/proc", "/"], |case, folder| {
        let spec = case.sandbox.folder().join("environments/one.yaml");
        let files = case.sandbox.files();
        let mode = |mode: u32| {
            let folder = case.sandbox.folder();
            std::fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap();
        };
        mode(0o555);
        let change = |command: &mut Command| {
            if folder != "mode" {
                command.current_dir(folder);
            }
        };
        lives_and_ends(case, change, spec.to_str().unwrap());
        mode(0o755);
        assert_eq!(
            case.sandbox.files(),
            files,
            "a command left something behind"
        );
    });
}
