//! Every example of the repository is lived through on the embedded cloud.

use crate::support::Sandbox;

/// The example files, found rather than listed, so that a new one is tested at once.
fn examples() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/environments");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            std::path::Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|name| format!("environments/{name}"))
        .collect();
    found.sort();
    found
}

#[test]
fn every_example_is_validated_applied_and_destroyed() {
    let examples = examples();
    assert!(examples.len() >= 3, "{examples:?}");
    let sandbox = Sandbox::new();
    sandbox.copy("environments");
    sandbox
        .run(&["local", "make-bucket", "my-training-data", "--local"])
        .expect(0);
    for file in &examples {
        sandbox.run(&["validate", file]).expect(0);
        let plan = ["plan", file, "--local", "--detailed-exitcode"];
        sandbox.run(&plan).expect(2);
        sandbox.run(&["apply", file, "--local", "--yes"]).expect(0);
        sandbox.run(&plan).expect(0);
    }
    // All of them side by side: each keeps to its own.
    sandbox
        .run(&["plan", "environments", "--local", "--detailed-exitcode"])
        .expect(0);
    for file in &examples {
        sandbox
            .run(&["destroy", file, "--local", "--yes"])
            .expect(0)
            .says(&["is gone"]);
    }
    let status = sandbox.run(&["status", "--local", "--format", "json"]);
    let status = status.expect(0).json();
    for environment in status["environments"].as_array().unwrap() {
        assert_eq!(
            environment["instances"].as_array().unwrap().len(),
            0,
            "{status:#}"
        );
    }
}
