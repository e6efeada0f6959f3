//! `completions`: what a shell can complete.

use clap::CommandFactory as _;

use super::arguments::{Arguments, Completions};
use super::exit::ExitCode;
use super::output::Output;

pub(super) fn run(arguments: &Completions, output: Output) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "trainyard",
        &mut script,
    );
    output.raw(&String::from_utf8_lossy(&script));
    ExitCode::Done
}
