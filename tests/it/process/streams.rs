//! Streams that are closed, full, or read by nobody.

use std::fs::File;
use std::process::{Command, Stdio};

use super::ground::{Case, each};
use crate::support::Run;

/// What a command finds in the place of an output.
#[derive(Clone, Copy, Debug)]
enum Stream {
    /// A pipe whose reader has gone.
    Unread,
    /// A disk without room.
    Full,
    /// A reader.
    Read,
}

/// Both outputs, in every way in which one of them cannot be written to.
const BROKEN: [(Stream, Stream); 6] = [
    (Stream::Unread, Stream::Read),
    (Stream::Read, Stream::Unread),
    (Stream::Unread, Stream::Unread),
    (Stream::Full, Stream::Read),
    (Stream::Read, Stream::Full),
    (Stream::Full, Stream::Full),
];

impl Stream {
    fn open(self) -> Stdio {
        match self {
            Self::Full => File::options()
                .write(true)
                .open("/dev/full")
                .unwrap()
                .into(),
            Self::Unread | Self::Read => Stdio::piped(),
        }
    }
}

/// Runs a command with such outputs to its end.
fn run(case: &Case<'_>, streams: (Stream, Stream), arguments: &[&str]) -> Run {
    finish(case, streams, &[arguments, &["--settle", "1s"]].concat())
}

fn finish(case: &Case<'_>, streams: (Stream, Stream), arguments: &[&str]) -> Run {
    let (stdout, stderr) = streams;
    let mut command = case.sandbox.command(arguments);
    command.stdout(stdout.open()).stderr(stderr.open());
    let mut process = command.spawn().unwrap();
    if let Stream::Unread = stdout {
        drop(process.stdout.take());
    }
    if let Stream::Unread = stderr {
        drop(process.stderr.take());
    }
    let output = process.wait_with_output().unwrap();
    Run {
        arguments: format!("{} with {streams:?}", arguments.join(" ")),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

#[test]
fn a_launch_and_its_end_need_nobody_who_reads() {
    each(&BROKEN, |case, streams| {
        run(case, streams, &["apply", "--yes"]).expect(0);
        case.exactly();
        run(case, streams, &["destroy", &case.name, "--yes"]).expect(0);
        case.nothing();
    });
}

#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    each(&BROKEN, |case, streams| {
        run(case, streams, &["apply", "--yes", "-vv"]).expect(0);
        run(case, streams, &["destroy", &case.name, "--yes", "-vv"]).expect(0);
        case.nothing();
    });
}

#[test]
fn an_exit_code_is_true_although_nobody_reads_why() {
    each(&BROKEN, |case, streams| {
        case.apply().expect(0);
        case.protect(true);
        run(case, streams, &["destroy", &case.name, "--yes"]).expect(5);
        case.exactly();
        case.protect(false);
        // Nothing to do needs no word; and what needs one does not get it here.
        run(case, streams, &["apply"]).expect(0);
        run(case, streams, &["destroy", &case.name]).expect(4);
        run(case, streams, &["destroy", &case.name, "--yes"]).expect(0);
        run(case, streams, &["plan", "--detailed-exitcode"]).expect(2);
        case.nothing();
    });
}

#[test]
fn what_only_prints_survives_a_reader_that_goes() {
    let commands: [&[&str]; 8] = [
        &["--help"],
        &["--version"],
        &["no-such-command"],
        &["schema", "environment"],
        &["guide"],
        &["completions", "bash"],
        &["validate"],
        &["status", "--format", "json"],
    ];
    each(&commands, |case, arguments| {
        for streams in BROKEN {
            let is_known = arguments != ["no-such-command"];
            // A reader that goes has seen enough; a disk without room has lost what was asked for.
            let is_lost = matches!(streams, (Stream::Full, _));
            let exit = match (is_known, is_lost) {
                (false, _) => 64,
                (true, true) => 1,
                (true, false) => 0,
            };
            finish(case, streams, arguments).expect(exit);
        }
    });
}

#[test]
fn without_an_input_nothing_is_asked_and_nothing_is_done() {
    let closed = ["<&-", "</dev/null", "<&- >&- 2>&-"];
    each(&closed, |case, closed| {
        let script = format!("exec \"$0\" \"$@\" {closed}");
        let refused = |arguments: &[&str]| {
            let output = Command::new("sh")
                .args(["-c", &script, env!("CARGO_BIN_EXE_trainyard")])
                .args(arguments)
                .current_dir(case.sandbox.folder())
                .env_clear()
                .envs(case.sandbox.variables())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(4), "{arguments:?} {closed}");
            if !closed.contains("2>") {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(said.contains("no terminal to ask on"), "{said}");
                assert!(said.contains("`--yes`"), "{said}");
            }
        };
        refused(&["apply"]);
        assert_eq!(case.alive(), Vec::<String>::new());
        case.apply().expect(0);
        refused(&["destroy", &case.name]);
        case.exactly();
        case.destroy().expect(0);
    });
}
