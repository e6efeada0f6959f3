//! Command lines that mean nothing, and questions that nobody can answer.

use super::scene::{SPEC, Scene};
use crate::support::{GOOD, Sandbox, Tripwire, terminal};

/// Runs a command that must be refused as bad usage, asking nothing of anybody.
#[track_caller]
fn misused(arguments: &[&str], words: &[&str]) {
    let wire = Tripwire::new();
    let mut sandbox = Sandbox::at(&wire.address());
    sandbox.set("AWS_REGION", "eu-central-1");
    sandbox.write(SPEC, GOOD);
    let before = sandbox.files();
    let run = sandbox.run(arguments);
    run.expect(64).says(words);
    assert_eq!(run.stdout, "", "{run}");
    assert_eq!(sandbox.files(), before, "files changed");
    wire.expect_silence();
}

#[test]
fn an_unknown_command_is_bad_usage() {
    misused(&["aply"], &["unrecognized subcommand 'aply'", "'apply'"]);
    misused(&["exterminate"], &["unrecognized subcommand 'exterminate'"]);
}

#[test]
fn an_unknown_flag_is_bad_usage() {
    misused(&["plan", "--jes"], &["unexpected argument '--jes'"]);
    misused(
        &["plan", "--detailed-exit-code"],
        &["unexpected argument", "--detailed-exitcode"],
    );
    misused(&["apply", "--yes=maybe"], &["--yes"]);
    misused(&["--frobnicate"], &["unexpected argument '--frobnicate'"]);
}

#[test]
fn no_command_is_bad_usage() {
    misused(&[], &["Usage: trainyard"]);
    misused(&["local"], &["Usage: trainyard local"]);
}

#[test]
fn unknown_formats_shells_kinds_and_pages_are_bad_usage() {
    misused(
        &["plan", "--format", "xml"],
        &["xml", "human, json, markdown"],
    );
    misused(&["completions", "tcsh"], &["tcsh", "bash"]);
    misused(&["schema", "cloud"], &["cloud", "environment, project"]);
    misused(
        &["guide", "netwrok"],
        &[
            "no page `netwrok`",
            "did you mean `trainyard guide network`?",
        ],
    );
    misused(
        &["guide", "billing"],
        &[
            "no page `billing`",
            "the pages are sign-in, capacity, network",
        ],
    );
    misused(
        &["plan", "--settle", "12"],
        &[
            "12",
            "seconds or minutes with their unit, such as 30s or 2m",
        ],
    );
    misused(&["local", "serve", "--port", "99999"], &["99999"]);
}

#[test]
fn destroy_needs_a_name() {
    misused(&["destroy"], &["<ENVIRONMENT>"]);
}

#[test]
fn names_that_cannot_be_are_bad_usage() {
    for name in ["tri*al", "Trial", &"a".repeat(41), "*", ""] {
        misused(
            &["destroy", "--yes", name],
            &["cannot be an environment's name"],
        );
        misused(&["init", name], &["cannot name an environment"]);
    }
    misused(&["init", "../escape"], &["cannot name an environment"]);
}

#[test]
fn a_name_whose_spec_may_be_the_one_with_a_mistake_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/trial.yaml", "name: [");
    let run = sandbox.run(&["destroy", "--yes", "trial"]);
    run.expect(4).says(&[
        "no good spec names `trial`, and environments/trial.yaml has a mistake",
        "nothing was changed",
    ]);
}

#[test]
fn init_overwrites_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("environments/trial.yaml", GOOD);
    let before = sandbox.files();
    let run = sandbox.run(&["init", "trial"]);
    run.expect(4).says(&[
        "environments/trial.yaml is there already",
        "nothing was written",
    ]);
    assert_eq!(sandbox.files(), before);
}

#[test]
fn apply_without_a_terminal_needs_yes() {
    let scene = Scene::new(GOOD);
    let run = scene.sandbox.run(&["apply", SPEC]);
    run.expect(4).says(&[
        "Plan: 1 to create",
        "there is no terminal to ask on; nothing was changed",
        "pass `--yes`",
    ]);
    scene.cloud.expect_untouched();
}

#[test]
fn destroy_without_a_terminal_needs_yes() {
    let scene = Scene::new(GOOD);
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    scene.cloud.forget_requests();
    for word in ["trial", SPEC] {
        let run = scene
            .sandbox
            .run(&["destroy", word, "--region", "eu-central-1"]);
        run.expect(4).says(&[
            "Destroy: 1 to delete.",
            "there is no terminal to ask on; nothing was changed",
            "pass `--yes`",
        ]);
    }
    scene.cloud.expect_untouched();
    let status = scene.sandbox.run(&["status", "--format", "json"]);
    let json = status.expect(0).json();
    assert_eq!(json["environments"][0]["instances"][0]["state"], "running");
}

#[test]
fn a_yes_on_standard_input_is_no_terminal() {
    use std::io::Write as _;
    use std::process::Stdio;

    let scene = Scene::new(GOOD);
    let mut child = scene
        .sandbox
        .command(&["apply", SPEC])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may have gone before it could read.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"yes\n")
        .unwrap_or_default();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    scene.cloud.expect_untouched();
}

/// Runs a command on a terminal of its own, and answers with a no.
fn on_a_terminal(scene: &Scene, arguments: &[&str]) -> String {
    use std::io::Write as _;
    use std::process::Stdio;

    let mut child = terminal(&scene.sandbox, 80, arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"no\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_asked_without_colour_has_none() {
    let scene = Scene::new(GOOD);
    let said = on_a_terminal(&scene, &["apply", SPEC]);
    assert!(said.contains("Type \u{1b}[1m"), "{said:?}");
    let said = on_a_terminal(&scene, &["apply", SPEC, "--no-color"]);
    assert!(said.contains("not confirmed"), "{said:?}");
    assert!(!said.contains("\u{1b}["), "{said:?}");
    scene.cloud.expect_untouched();
}
