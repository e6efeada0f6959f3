//! Pythons of the tests' own: one with moto, boto3 and a judge of schemas in it, and one
//! with further S3 servers.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

const MOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/requirements.txt");
const AWSCLI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/awscli/requirements.txt");
const STORES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores/requirements.txt");

/// The folder of a venv under the target directory with moto in it.
///
/// # Panics
///
/// When it cannot be built: tests that need it fail and are never skipped.
pub(crate) fn venv() -> PathBuf {
    build("moto-venv", MOTO)
}

/// The folder of a venv with S3 servers in it.
///
/// # Panics
///
/// When it cannot be built, as [`venv`].
pub(crate) fn venv_of_stores() -> PathBuf {
    build("stores-venv", STORES)
}

/// The folder of a venv with the AWS CLI in it.
///
/// # Panics
///
/// When it cannot be built, as [`venv`].
pub(crate) fn venv_of_awscli() -> PathBuf {
    build("awscli-venv", AWSCLI)
}

/// A venv with what a list of requirements names.
///
/// Built on first use and kept until the requirements change. A lock keeps tests
/// that run side by side to one build, and a stamp that is written last tells a
/// whole one from one that was interrupted.
fn build(name: &str, requirements: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join(name);
    let stamp = folder.join("requirements.built");
    let wanted = std::fs::read_to_string(requirements).unwrap();
    let lock = File::create(target.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == wanted) {
        return folder;
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let place = folder.to_str().unwrap();
    run("python3", &["-m", "venv", place]);
    let pip = folder.join("bin/pip");
    run(
        pip.to_str().unwrap(),
        &[
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            requirements,
        ],
    );
    std::fs::write(stamp, wanted).unwrap();
    folder
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) {
    let command = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("the tests need Python 3: `{command}` failed: {error}"));
    assert!(
        output.status.success(),
        "the tests need a venv, and `{command}` failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
