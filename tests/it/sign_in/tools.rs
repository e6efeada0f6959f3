//! Other programs that use what was signed in to: the AWS CLI, shells, a browser.

use std::process::Command;

use serde_json::json;

use super::place::{Place, ROLE};
use crate::support::venv_of_awscli;

#[test]
fn the_aws_cli_takes_its_credentials_from_the_binary() {
    let place = Place::new();
    place.sign_in();
    place.cloud.make_bucket("lab-data");
    place.profiles(&format!(
        "[profile by-trainyard]\ncredential_process = {} login --json --profile team --role {ROLE}\n",
        env!("CARGO_BIN_EXE_trainyard")
    ));
    let run = |arguments: &[&str]| {
        let output = Command::new(venv_of_awscli().join("bin/aws"))
            .args(arguments)
            .args(["--profile", "by-trainyard"])
            .env_clear()
            .envs(place.sandbox.variables())
            .env("AWS_DEFAULT_REGION", "eu-central-1")
            .current_dir(place.sandbox.folder())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{errors}");
        said
    };
    assert!(run(&["s3", "ls"]).contains("lab-data"));
    run(&["s3api", "head-bucket", "--bucket", "lab-data"]);
    let identity = run(&["sts", "get-caller-identity"]);
    assert!(
        identity.contains("assumed-role/play_trainer_v1/alex"),
        "{identity}"
    );
}

#[test]
fn each_shell_takes_what_is_exported_and_gives_it_back() {
    let place = Place::new();
    place.sign_in();
    let binary = env!("CARGO_BIN_EXE_trainyard");
    let (mut seen, all) = (Vec::new(), ["bash", "zsh", "fish"]);
    for shell in all {
        if Command::new(shell).arg("--version").output().is_err() {
            continue;
        }
        // Whoever logs in with one shell may work in another; not every system tells.
        let login_shell = match shell {
            _ if !cfg!(target_os = "linux") => shell,
            "fish" => "bash",
            _ => "fish",
        };
        for form in ["--export".to_owned(), format!("--export={shell}")] {
            let script = format!(
                "eval \"$({binary} login --profile team --role {ROLE} {form})\"; {binary} whoami; eval \"$({binary} logout {form})\"; {binary} whoami; env"
            );
            place.sign_in_again();
            let output = Command::new(shell)
                .args(["-c", &script])
                .env_clear()
                .envs(place.sandbox.variables())
                .env("SHELL", format!("/usr/bin/{login_shell}"))
                .current_dir(place.sandbox.folder())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            // Some shells set USER anew.
            assert!(
                said.contains("assumed-role/play_trainer_v1/"),
                "{shell}: {said}{errors}"
            );
            assert!(
                errors.contains("no AWS credentials were found"),
                "{shell}: {said}{errors}"
            );
            assert!(!said.contains("AWS_SESSION_TOKEN"), "{shell}: {said}");
        }
        seen.push(shell);
    }
    // A newcomer may have fewer; whoever lands a change has all of them.
    #[expect(clippy::disallowed_methods, reason = "a test is told where it runs")]
    let lands = std::env::var_os("CI").is_some();
    assert!(seen.len() == all.len() || !lands, "only {seen:?}");
}

#[test]
fn a_link_opens_the_console_in_the_session() {
    let place = Place::new();
    place.sign_in();
    let link = place.run(&["login", "--profile", "team", "--role", ROLE, "--console"]);
    let text = link
        .expect(0)
        .says(&["once, within 15 minutes"])
        .stdout
        .trim();
    let begin = format!(
        "{}/federation?Action=login&Issuer=trainyard",
        place.cloud.address()
    );
    assert!(text.starts_with(&begin), "{text}");
    assert!(text.contains("SigninToken="), "{text}");
    assert!(text.contains("region%3Deu-central-1"), "{text}");
    let user = place.run(&["login", "--profile", "team", "--console"]);
    user.expect(1)
        .says(&["the console opens in the session of a role only"]);
}

#[test]
fn what_programs_read_has_nothing_else_in_it() {
    let place = Place::new();
    let code = place.code(0);
    let json = place.run(&[
        "login",
        "--profile",
        "team",
        "--role",
        ROLE,
        "--json",
        "-t",
        &code,
    ]);
    let keys = json.expect(0).json();
    assert_eq!(keys["Version"], json!(1));
    assert_eq!(json.stderr, "");
    let whoami = place.run(&[
        "whoami",
        "--profile",
        "team",
        "--role",
        ROLE,
        "--format",
        "json",
    ]);
    let who = whoami.expect(0).json();
    assert_eq!(who["account"], "123456789012");
    assert_eq!(
        who["identity"],
        "arn:aws:sts::123456789012:assumed-role/play_trainer_v1/alex"
    );
    let whoami = whoami.stdout.clone();
    for key in ["SecretAccessKey", "SessionToken"] {
        assert!(!whoami.contains(keys[key].as_str().unwrap()));
    }
}
