//! Runs of commands that must change nothing.

use crate::support::{LocalCloud, Run, Sandbox, Tripwire};

/// Where the spec of a test stands.
pub(super) const SPEC: &str = "environments/trial.yaml";

/// Gives a spec to `validate`, `plan` and `apply --yes`.
///
/// Each must end with 1 and say the same, without a request to AWS and without
/// a change to any file. Returns what `validate` said.
#[track_caller]
pub(super) fn refused(spec: impl AsRef<[u8]>) -> Run {
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, spec);
    refused_in(sandbox, SPEC)
}

/// The same for a path in a sandbox that is ready.
#[track_caller]
pub(super) fn refused_in(mut sandbox: Sandbox, path: &str) -> Run {
    let wire = Tripwire::new();
    sandbox.set("AWS_ENDPOINT_URL", &wire.address());
    sandbox.set("AWS_ACCESS_KEY_ID", "TESTING");
    sandbox.set("AWS_SECRET_ACCESS_KEY", "testing");
    let before = sandbox.files();
    let validate = sandbox.run(&["validate", path]);
    validate
        .expect(1)
        .says(&["error[T", "nothing was changed"])
        .says_nothing_about(&["panicked"]);
    assert_eq!(validate.stdout, "", "{validate}");
    for arguments in [&["plan", path][..], &["apply", "--yes", path]] {
        let run = sandbox.run(arguments);
        run.expect(1);
        assert_eq!(run.stderr, validate.stderr, "{run}");
        assert_eq!(run.stdout, "", "{run}");
    }
    wire.expect_silence();
    assert_eq!(sandbox.files(), before, "files changed");
    validate
}

/// Fails unless `validate` finds nothing wrong with a spec.
#[track_caller]
pub(super) fn accepted(spec: impl AsRef<[u8]>) {
    let sandbox = Sandbox::new();
    sandbox.write(SPEC, spec);
    let run = sandbox.run(&["validate", SPEC]);
    run.expect(0).says(&["trial is good"]);
}

/// A spec in a sandbox that talks to an embedded cloud.
pub(super) struct Scene {
    pub(super) cloud: LocalCloud,
    pub(super) sandbox: Sandbox,
}

impl Scene {
    /// A fresh cloud, and a spec for it.
    pub(super) fn new(spec: &str) -> Self {
        let cloud = LocalCloud::start();
        let sandbox = Sandbox::at(cloud.address());
        sandbox.write(SPEC, spec);
        Self { cloud, sandbox }
    }

    /// Runs `plan` and `apply --yes`: each must end with this code and change nothing.
    ///
    /// Returns what `plan` said; `apply` must have said all of it too.
    #[track_caller]
    pub(super) fn refused(&self, code: i32) -> Run {
        let before = self.sandbox.files();
        let plan = self.sandbox.run(&["plan", SPEC]);
        plan.expect(code);
        let apply = self.sandbox.run(&["apply", "--yes", SPEC]);
        apply.expect(code);
        assert_eq!(apply.stderr, plan.stderr, "{apply}");
        self.cloud.expect_untouched();
        assert_eq!(self.sandbox.files(), before, "files changed");
        plan
    }
}

#[test]
#[should_panic(expected = "somebody called")]
fn the_tripwire_notices_a_call() {
    let wire = Tripwire::new();
    let host = wire.address().replace("http://", "");
    drop(std::net::TcpStream::connect(host).unwrap());
    wire.expect_silence();
}

#[test]
#[should_panic(expected = "RunInstances")]
fn a_launch_does_not_count_as_untouched() {
    let scene = Scene::new(crate::support::GOOD);
    scene.sandbox.run(&["apply", "--yes", SPEC]).expect(0);
    scene.cloud.expect_untouched();
}
