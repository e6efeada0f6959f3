//! What looks like a secret, where a spec is kept and AWS shows it to many.

use super::scene::{SPEC, Scene, refused};
use crate::support::{GOOD, Sandbox, good_but};

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn github() -> String {
    format!("ghp_{}", "aB3".repeat(12))
}

fn hugging_face() -> String {
    format!("hf_{}", "xY".repeat(17))
}

/// A spec with a secret of each kind: in its user data, in a tag, and in a comment.
fn spec() -> String {
    let script = format!(
        "    user_data: |\n      #!/bin/sh\n      export AWS_ACCESS_KEY_ID={ID}\n      export AWS_SECRET_ACCESS_KEY={KEY}\n      cat > key <<.\n      -----BEGIN OPENSSH PRIVATE KEY-----\n      b3BlbnNzaC1rZXk\n      -----END OPENSSH PRIVATE KEY-----\n      .\n"
    );
    let tags = format!("project: trial\n  hub: {} # not {ID}", hugging_face());
    let spec = good_but("project: trial", &tags);
    format!("{spec}{script}# {}\n", github())
}

fn secrets() -> [String; 5] {
    let words = [ID, KEY, "b3BlbnNzaC1rZXk"].map(str::to_owned);
    let [id, key, private] = words;
    [id, key, private, github(), hugging_face()]
}

#[test]
fn what_looks_like_a_secret_is_warned_of_and_not_shown() {
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, spec());
    let run = sandbox.run(&["validate", SPEC]);
    run.expect(0).says(&[
        "trial is good",
        "everybody who may describe the instance reads its tags and its user data",
        "Secrets Manager",
        "warning[T401]: this looks like a token of Hugging Face",
        "environments/trial.yaml:8:8",
        "warning[T401]: this looks like an access key of AWS",
        "environments/trial.yaml:8:52",
        "environments/trial.yaml:18:32",
        "warning[T401]: this looks like a secret key of AWS",
        "environments/trial.yaml:19:36",
        "export AWS_SECRET_ACCESS_KEY=****************************************",
        "warning[T401]: this looks like a private key",
        "environments/trial.yaml:21:7",
        "warning[T401]: this looks like a token of GitHub",
        "environments/trial.yaml:25:3",
    ]);
    for secret in secrets() {
        run.says_nothing_about(&[&secret]);
    }
    assert_eq!(run.stderr.matches("warning[").count(), 6, "{run}");

    let run = sandbox.run(&["validate", "--format", "json", SPEC]);
    let told = run.expect(0).json();
    assert_eq!(told.as_array().unwrap().len(), 6, "{run}");
    assert_eq!(told[0]["level"], "warning");
    assert_eq!(told[0]["line"], 8);
}

#[test]
fn a_secret_of_the_project_is_warned_of_once() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "trainyard.yaml",
        format!("version: 1\ntags: {{hub: {}}}\n", github()),
    );
    sandbox.write(SPEC, GOOD);
    let other = good_but("name: trial", "name: other");
    sandbox.write("environments/other.yaml", other);
    let run = sandbox.run(&["validate"]);
    run.expect(0).says(&["trainyard.yaml:2:13"]);
    run.says_nothing_about(&[&github()]);
    assert_eq!(run.stderr.matches("warning[").count(), 1, "{run}");
}

#[test]
fn a_mistake_beside_a_secret_does_not_show_it() {
    let tags = format!("project: trial\n  trainyard:hub: {}", hugging_face());
    let run = refused(good_but("project: trial", &tags));
    run.says(&["error[T202]", "environments/trial.yaml:8:"]);
    run.says_nothing_about(&[&hugging_face()]);
}

#[test]
fn a_plan_and_its_differences_hide_secrets() {
    let scene = Scene::new(&spec());
    let plan = scene.sandbox.run(&["plan", SPEC]);
    plan.expect(0).says(&["warning[T401]", "hub=(hidden)"]);
    let apply = scene.sandbox.run(&["apply", "--yes", SPEC]);
    apply.expect(0).says(&["warning[T401]"]);

    // A secret that changes is a difference, and neither of the two is shown.
    let other = KEY.replace('w', "v");
    let hub = hugging_face().replace('x', "z");
    let changed = spec().replace(KEY, &other);
    let changed = changed.replace(&hugging_face(), &hub);
    let changed = changed.replace("b3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXz");
    scene.sandbox.write(SPEC, changed);
    let formats = ["human", "markdown", "json"];
    let plans = formats.map(|format| scene.sandbox.run(&["plan", "--format", format, SPEC]));
    for run in [&plan, &apply].into_iter().chain(&plans) {
        run.expect(0);
        for secret in secrets() {
            run.says_nothing_about(&[&secret]);
        }
        run.says_nothing_about(&[&other, &hub, "b3BlbnNzaC1rZXz"]);
    }
    plans[0].says(&[
        "-export AWS_SECRET_ACCESS_KEY=(hidden)",
        "+export AWS_SECRET_ACCESS_KEY=(hidden)",
        "-(hidden)",
        "+(hidden)",
        " -----END OPENSSH PRIVATE KEY-----",
    ]);
}
