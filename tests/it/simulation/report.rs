//! What a simulation has counted, for whoever reads the output of CI.

use std::path::PathBuf;

/// Keeps a line under a name, and prints it.
#[expect(
    clippy::print_stdout,
    reason = "what was counted is for whoever runs it"
)]
pub(super) fn line(name: &str, line: &str) {
    println!("{line}");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("simulation");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.txt")), format!("{line}\n")).unwrap();
}
