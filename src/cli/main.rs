//! From arguments to a command and to its exit code.

use clap::Parser as _;
use clap::error::ErrorKind;

use super::arguments::{Arguments, Command, Global};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use super::{
    adopt, apply, completions, demo, destroy, environment, guide, init, local, plan, release,
    schema, status, validate,
};

/// Runs the command that the process was started with.
pub fn main() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let Arguments { global, command } = arguments;
    start_log(&global);
    let output = Output::new(global.quiet, global.no_color);
    match dispatch(&global, &command, output) {
        Ok(code) => code.into(),
        Err(error) => {
            output.error(&error);
            error.exit.into()
        }
    }
}

/// Help and version are no mistakes; anything else on the command line is, with a code of its own.
fn usage(error: &clap::Error) -> std::process::ExitCode {
    error.print().unwrap_or_default();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        ExitCode::Done.into()
    } else {
        ExitCode::Usage.into()
    }
}

fn start_log(global: &Global) {
    let level = match global.verbose {
        0 => "error",
        1 => "trainyard=info,warn",
        _ => "trainyard=debug,info",
    };
    let filter = environment::log_filter().unwrap_or_else(|| level.to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

fn dispatch(global: &Global, command: &Command, output: Output) -> CommandResult {
    // What needs no network needs no runtime either, and starts at once.
    match command {
        Command::Init(arguments) => init::run(arguments, output),
        Command::Validate(arguments) => validate::run(arguments, output),
        Command::Schema(arguments) => Ok(schema::run(arguments, output)),
        Command::Guide(arguments) => guide::run(arguments, output),
        Command::Completions(arguments) => Ok(completions::run(arguments, output)),
        Command::Demo => demo::run(output),
        Command::Plan(arguments) => block_on(plan::run(global, arguments, output)),
        Command::Apply(arguments) => block_on(apply::run(global, arguments, output)),
        Command::Destroy(arguments) => block_on(destroy::run(global, arguments, output)),
        Command::Adopt(arguments) => block_on(adopt::run(global, arguments, output)),
        Command::Release(arguments) => block_on(release::run(global, arguments, output)),
        Command::Status(arguments) => block_on(status::run(global, arguments, output)),
        Command::Local(arguments) => block_on(local::run(global, arguments, output)),
    }
}

fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::failed(format!("cannot start: {error}")))?;
    runtime.block_on(command)
}
