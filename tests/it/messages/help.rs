//! The help of every command.

use super::stage::check_run;
use crate::support::Sandbox;

#[test]
fn help_of_everything() {
    let sandbox = Sandbox::new();
    check_run("help", sandbox.run(&["--help"]).expect(0));
    check_run("help_short", sandbox.run(&["-h"]).expect(0));
}

#[test]
fn help_of_each_command() {
    let sandbox = Sandbox::new();
    for command in [
        &["init"][..],
        &["validate"],
        &["plan"],
        &["apply"],
        &["destroy"],
        &["status"],
        &["sync"],
        &["cp"],
        &["adopt"],
        &["release"],
        &["demo"],
        &["local"],
        &["local", "serve"],
        &["local", "make-bucket"],
        &["local", "stop"],
        &["schema"],
        &["guide"],
        &["login"],
        &["logout"],
        &["whoami"],
        &["doctor"],
        &["completions"],
    ] {
        let arguments = [command, &["--help"]].concat();
        let name = format!("help_{}", command.join("_").replace('-', "_"));
        check_run(&name, sandbox.run(&arguments).expect(0));
    }
}

#[test]
fn every_command_has_its_help_checked() {
    let run = Sandbox::new().run(&["--help"]);
    let commands = run.expect(0).stdout.split("Options:").next().unwrap();
    let listed: Vec<&str> = commands
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let known = [
        "init",
        "validate",
        "plan",
        "apply",
        "destroy",
        "status",
        "sync",
        "cp",
        "adopt",
        "release",
        "demo",
        "local",
        "schema",
        "guide",
        "login",
        "logout",
        "whoami",
        "doctor",
        "completions",
        "help",
    ];
    assert_eq!(listed, known, "take the new command into this file");
}

#[test]
fn the_version_is_the_package_s() {
    let run = Sandbox::new().run(&["--version"]);
    let version = format!("trainyard {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run.expect(0).stdout, version);
}

#[test]
fn the_guide_lists_its_pages_and_prints_one() {
    let sandbox = Sandbox::new();
    check_run("guide", sandbox.run(&["guide"]).expect(0));
    for page in trainyard::guide::PAGES {
        let run = sandbox.run(&["guide", page.name]);
        assert_eq!(run.expect(0).stdout, page.text, "{}", page.name);
        assert_eq!(run.stderr, "", "{}", page.name);
    }
    let run = sandbox.run(&["guide", "netwrok"]);
    check_run("guide_unknown", run.expect(64));
}

#[test]
fn mistakes_on_the_command_line() {
    let sandbox = Sandbox::new();
    check_run("unknown_command", sandbox.run(&["aply"]).expect(64));
    check_run("unknown_flag", sandbox.run(&["plan", "--jes"]).expect(64));
    check_run("nothing", sandbox.run(&[]).expect(64));
}
