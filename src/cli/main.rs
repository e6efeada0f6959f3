//! From arguments to a command and to its exit code.

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;
use tracing::{Level, Metadata};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::arguments::{Arguments, Command, Global};
use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::host::Host;
use super::output::Output;
use super::{
    adopt, apply, completions, cp, demo, destroy, doctor, environment, guide, init, local, login,
    output, plan, release, schema, status, sync, validate,
};

/// Runs the command that the process was started with.
pub fn main() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let Arguments { global, command } = arguments;
    start_log(&global);
    let output = output_of(&global);
    let result = block_on(dispatch(&global, &command, output));
    let exit = shown(result, output);
    whole(exit, command.only_prints(), output).into()
}

/// The exit code, once it has been told that something printed did not get there. What only
/// prints has failed then; what does something else has an exit code that says how that went.
fn whole(exit: ExitCode, only_prints: bool, output: Output) -> ExitCode {
    let Some(error) = output::loss() else {
        return exit;
    };
    output.error(&error);
    if only_prints && exit == ExitCode::Done {
        ExitCode::Failed
    } else {
        exit
    }
}

fn output_of(global: &Global) -> Output {
    Output::new(global.quiet, global.no_color, global.host.streams)
}

/// The exit code, once an error has been shown.
fn shown(result: CommandResult, output: Output) -> ExitCode {
    result.unwrap_or_else(|error| {
        output.error(&error);
        error.exit
    })
}

/// Runs a command on a host of the caller's, in the runtime that it is called in.
///
/// A simulation runs the very commands of the binary this way. Of the process they take
/// environment variables, files and the working folder.
pub async fn run<I>(host: Host, arguments: I) -> ExitCode
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&host, &error.to_string()),
    };
    let Arguments {
        mut global,
        command,
    } = arguments;
    global.host = host;
    let output = output_of(&global);
    let result = dispatch(&global, &command, output).await;
    shown(result, output)
}

fn refused(host: &Host, text: &str) -> ExitCode {
    Output::new(false, false, host.streams).insist(text);
    ExitCode::Usage
}

/// Help and version are no mistakes; anything else on the command line is, with a code of its own.
fn usage(error: &clap::Error) -> std::process::ExitCode {
    output::usage(error);
    let output = Output::new(false, false, Host::default().streams);
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        whole(ExitCode::Done, true, output).into()
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
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(output::LogLines::default)
        .without_time()
        .with_filter(EnvFilter::new(filter))
        .with_filter(filter_fn(is_free_of_secrets));
    tracing_subscriber::registry().with(lines).init();
}

/// Whether a line of the log cannot hold a secret.
///
/// What lies below us writes requests to the log as they are sent, with signatures, session
/// tokens and user data, where somebody asks for that much. Ours never does.
fn is_free_of_secrets(line: &Metadata<'_>) -> bool {
    let target = line.target();
    let ours = target == "trainyard" || target.starts_with("trainyard::");
    ours || *line.level() <= Level::INFO
}

async fn dispatch(global: &Global, command: &Command, output: Output) -> CommandResult {
    match command {
        Command::Init(arguments) => init::run(arguments, output),
        Command::Validate(arguments) => validate::run(arguments, output),
        Command::Schema(arguments) => Ok(schema::run(arguments, output)),
        Command::Guide(arguments) => guide::run(arguments, output),
        Command::Completions(arguments) => Ok(completions::run(arguments, output)),
        Command::Demo => demo::run(output),
        Command::Plan(arguments) => plan::run(global, arguments, output).await,
        Command::Apply(arguments) => apply::run(global, arguments, output).await,
        Command::Destroy(arguments) => destroy::run(global, arguments, output).await,
        Command::Adopt(arguments) => adopt::run(global, arguments, output).await,
        Command::Release(arguments) => release::run(global, arguments, output).await,
        Command::Status(arguments) => status::run(global, arguments, output).await,
        Command::Cp(arguments) => cp::run(global, arguments, output).await,
        Command::Sync(arguments) => sync::run(global, arguments, output).await,
        Command::Login(arguments) => login::login(global, arguments, output).await,
        Command::Logout(arguments) => login::logout(arguments, output),
        Command::Whoami(arguments) => login::whoami(global, arguments, output).await,
        Command::Doctor(arguments) => Box::pin(doctor::run(global, arguments, output)).await,
        Command::Local(arguments) => local::run(global, arguments, output).await,
    }
}

/// How long a thread is waited for that still waits for a lock or a pipe when everything is
/// said; a terminal gets its echo back in that time.
const LEAVES: std::time::Duration = std::time::Duration::from_secs(2);

fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::failed(format!("cannot start: {error}")))?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(LEAVES);
    result
}
