//! `demo`: the whole life of an environment, on the embedded cloud, with the real commands.

use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{CommandError, CommandResult};
use super::exit::ExitCode;
use super::output::Output;
use crate::render::{bold, dim, good};

const QUICKSTART: &str = include_str!("../../environments/quickstart.yaml");

/// The files that the quickstart syncs: made up, small, and more than one folder deep.
const FILES: [(&str, usize); 4] = [
    ("labels.csv", 2_048),
    ("images/0001.png", 40_000),
    ("images/0002.png", 35_000),
    ("images/large.bin", 9 * 1024 * 1024),
];

pub(super) fn run(output: Output) -> CommandResult {
    let failed =
        |error: std::io::Error| CommandError::failed(format!("cannot set up the demo: {error}"));
    let folder = tempfile::tempdir().map_err(failed)?;
    prepare(folder.path()).map_err(failed)?;
    output.data(&format!(
        "{}\nEverything below runs on the embedded cloud, in {}: no account, nothing to pay.\n",
        bold("The life of an environment"),
        folder.path().display()
    ));
    let result = play(folder.path(), output);
    command(folder.path(), &["local", "stop", "--quiet"])
        .status()
        .map_err(failed)?;
    result?;
    output.data(&format!(
        "\n{} the demo is over, and nothing of it is left\n",
        good("✓")
    ));
    Ok(ExitCode::Done)
}

fn prepare(folder: &Path) -> std::io::Result<()> {
    let write = |path: &Path, bytes: &[u8]| {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, bytes)
    };
    write(
        &folder.join("environments/quickstart.yaml"),
        QUICKSTART.as_bytes(),
    )?;
    for (name, size) in FILES {
        let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
        write(
            &folder.join("environments/quickstart-data").join(name),
            &bytes,
        )?;
    }
    Ok(())
}

const SPEC: &str = "environments/quickstart.yaml";

/// The steps: what is said, the command, and the exit code that proves it.
const STEPS: [(&str, &[&str], ExitCode); 8] = [
    (
        "Check the spec: no network, no credentials",
        &["validate", SPEC],
        ExitCode::Done,
    ),
    (
        "The bucket that its data goes to",
        &["local", "make-bucket", "my-training-data"],
        ExitCode::Done,
    ),
    (
        "Review what would happen",
        &["plan", "--local", SPEC],
        ExitCode::Done,
    ),
    (
        "Make it so",
        &["apply", "--local", "--yes", SPEC],
        ExitCode::Done,
    ),
    (
        "Plan again: nothing is left to do, so the exit code is 0",
        &["plan", "--local", "--detailed-exitcode", SPEC],
        ExitCode::Done,
    ),
    (
        "What is there, and how long its lease lasts",
        &["status", "--local"],
        ExitCode::Done,
    ),
    (
        "End it, by its name alone",
        &["destroy", "--local", "--yes", "quickstart"],
        ExitCode::Done,
    ),
    (
        "The proof: nothing is left",
        &["status", "--local"],
        ExitCode::Done,
    ),
];

fn play(folder: &Path, output: Output) -> Result<(), CommandError> {
    for (say, arguments, expected) in STEPS {
        output.data(&format!(
            "\n{}\n{}\n",
            bold(&format!("# {say}")),
            dim(&format!("$ trainyard {}", arguments.join(" ")))
        ));
        let status = command(folder, arguments)
            .status()
            .map_err(|error| CommandError::failed(format!("cannot run the demo: {error}")))?;
        if status.code() != Some(i32::from(expected.number())) {
            return Err(CommandError::failed(format!(
                "`trainyard {}` ended with {status}",
                arguments.join(" ")
            )));
        }
    }
    Ok(())
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap_or_else(|_| "trainyard".into());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    // The demo must not wander off to whatever the user has set up.
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_EC2",
        "AWS_PROFILE",
        "AWS_REGION",
    ] {
        command.env_remove(name);
    }
    command
}
