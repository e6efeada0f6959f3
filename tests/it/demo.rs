//! `trainyard demo`: what a newcomer runs first.

use crate::support::Sandbox;

#[test]
fn the_demo_plays_a_whole_life() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["demo"]);
    run.expect(0);
    for words in [
        "quickstart is good",
        "Plan: 2 to create, 0 to update, 0 to restart, 0 to replace, 0 to delete; 4 files",
        "running",
        "quickstart is gone: 2 instances read back as terminated",
        "the demo is over, and nothing of it is left",
    ] {
        assert!(
            run.stdout.contains(words),
            "{words:?} is missing from:\n{run}"
        );
    }
}
