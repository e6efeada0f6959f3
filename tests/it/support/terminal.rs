//! Terminals to run the binary on.

use std::process::{Command, Stdio};

use super::{Sandbox, venv};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/terminal.py");

/// The binary, ready to be started on a terminal of its own with so many columns.
///
/// What it says comes from stdout, with `\r\n` at the end of a line; what is
/// written to stdin is typed. It has colours unless the arguments or the sandbox
/// say otherwise.
pub(crate) fn terminal(sandbox: &Sandbox, columns: u16, arguments: &[&str]) -> Command {
    let told = sandbox.command(arguments);
    let mut command = Command::new(venv().join("bin/python"));
    command
        .args([SCRIPT, &columns.to_string()])
        .arg(told.get_program())
        .args(arguments)
        .current_dir(sandbox.folder())
        .env_clear()
        .envs(sandbox.variables())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped());
    command
}
