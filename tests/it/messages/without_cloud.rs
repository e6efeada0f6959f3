//! What commands say that need no cloud.

use super::stage::{SPEC, check, check_run};
use crate::support::{GOOD, Sandbox, change, good_but};

#[test]
fn init_says_what_it_wrote() {
    let sandbox = Sandbox::new();
    check_run("init", sandbox.run(&["init", "trial"]).expect(0));
    let files: Vec<String> = sandbox
        .files()
        .into_keys()
        .filter_map(|path| {
            let path = path.strip_prefix(sandbox.folder()).ok()?;
            Some(path.display().to_string())
        })
        .collect();
    check("init_files", &files.join("\n"));
    let spec = std::fs::read_to_string(sandbox.folder().join(SPEC)).unwrap();
    check("init_spec", &spec);
    check_run("init_again", sandbox.run(&["init", "trial"]).expect(4));
}

#[test]
fn validate_tells_what_is_good() {
    let sandbox = Sandbox::new();
    sandbox.copy("environments");
    check_run("validate_good", sandbox.run(&["validate"]).expect(0));
    let json = sandbox.run(&["validate", "--format", "json"]);
    check_run("validate_good_json", json.expect(0));
}

#[test]
fn validate_tells_what_is_bad() {
    let sandbox = Sandbox::new();
    let spec = good_but("region: eu-central-1", "regoin: eu-central-1");
    let spec = change(&spec, "lease: 2h", "lease: 12 parsecs");
    sandbox.write(SPEC, change(&spec, "count: 1", "count: 0"));
    check_run("validate_bad", sandbox.run(&["validate"]).expect(1));
    let json = sandbox.run(&["validate", "--format", "json"]);
    check_run("validate_bad_json", json.expect(1));
}

#[test]
fn nothing_to_validate() {
    let sandbox = Sandbox::new();
    check_run("validate_no_folder", sandbox.run(&["validate"]).expect(1));
    sandbox.write("environments/.keep", "");
    check_run(
        "validate_empty_folder",
        sandbox.run(&["validate"]).expect(1),
    );
}

#[test]
fn completions_name_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = sandbox.run(&["completions", shell]);
        run.expect(0)
            .says(&["trainyard", "make-bucket", "detailed-exitcode"]);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn completions_are_read_by_bash() {
    let sandbox = Sandbox::new();
    let script = sandbox.run(&["completions", "bash"]);
    let path = sandbox.write("trainyard.bash", &script.expect(0).stdout);
    let ask = "source \"$0\" && COMP_WORDS=(trainyard pl) COMP_CWORD=1 && _trainyard trainyard pl trainyard && echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", ask])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "plan\n");
}

#[test]
fn local_stop_without_a_cloud() {
    let sandbox = Sandbox::new();
    check_run(
        "local_stop_nothing",
        sandbox.run(&["local", "stop"]).expect(0),
    );
}

#[test]
fn quiet_says_results_and_errors_only() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["init", "--quiet", "trial"]);
    assert_eq!(run.expect(0).stderr, "");
    sandbox.write(SPEC, GOOD);
    let run = sandbox.run(&["validate", "--quiet"]);
    assert_ne!(run.expect(0).stdout, "");
}
