//! Runs a command and writes down what it took.
//!
//! `measure FILE COMMAND [ARGUMENT…]` writes wall time, processor time and peak
//! memory to `FILE` as JSON. The script that measures could ask the system for these
//! itself, but the peak of a process begins with what its parent had when it was
//! forked: below a script of 25 MB nothing smaller could be seen.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

/// What a command that could not be started ends with, as in a shell.
const NOT_STARTED: u8 = 127;

fn seconds(time: TimeVal) -> f64 {
    let microseconds = u64::try_from(time.num_microseconds()).unwrap_or_default();
    Duration::from_micros(microseconds).as_secs_f64()
}

fn report(wall: Duration, usage: &Usage, status: ExitStatus) -> String {
    format!(
        "{{\"wall\":{},\"user\":{},\"system\":{},\"peak_kib\":{},\"status\":{}}}\n",
        wall.as_secs_f64(),
        seconds(usage.user_time()),
        seconds(usage.system_time()),
        usage.max_rss(),
        // Ended by a signal: as shells have no number for it, neither have we.
        status.code().unwrap_or(-1),
    )
}

fn run() -> io::Result<ExitStatus> {
    let mut arguments = std::env::args_os().skip(1);
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "measure FILE COMMAND …");
    let file = PathBuf::from(arguments.next().ok_or_else(missing)?);
    let program = arguments.next().ok_or_else(missing)?;
    let begin = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .status()?;
    let wall = begin.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    std::fs::write(file, report(wall, &usage, status))?;
    Ok(status)
}

fn main() -> ExitCode {
    match run() {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            let _unseen = writeln!(io::stderr(), "measure: {error}");
            ExitCode::from(NOT_STARTED)
        }
    }
}
