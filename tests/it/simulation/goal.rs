//! Where a history must come to, once its faults are over.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use trainyard::cli::ExitCode;

use super::history::{History, Order};
use super::laws::{alive, place};
use super::scenario::places;

/// How many runs it may take (I6).
const RUNS: usize = 3;
/// How long it takes somebody to try again.
const BREATH: Duration = Duration::from_secs(15);
/// How long after its lease an instance may still be seen (I9).
const GRACE: Duration = Duration::from_mins(10);

/// I6 and I10: applies until it says that it is done, and looks whether it is: then no plan
/// follows.
pub(super) async fn reach(history: &History, path: &Path, text: &str) {
    reach_in(1, history, path, text).await;
}

/// The same where others have been at work, whose instances a listing may show late: they
/// may take a run of their own.
pub(super) async fn reach_in(done: usize, history: &History, path: &Path, text: &str) {
    let apply = Order::Apply(path.to_owned());
    let mut times_done = 0;
    let mut last = String::new();
    for _ in 0..RUNS {
        let over = history.calmly(&apply).await;
        last.clone_from(&over.output);
        if over.is(ExitCode::Done) {
            times_done += 1;
            let plan = history.calmly(&Order::Plan(path.to_owned())).await;
            if plan.is(ExitCode::Done) {
                is_there(history, text, &last);
                return;
            }
            if times_done == done {
                let (end, output) = (&plan.end, tail(&plan.output));
                let law = format!("I6: a plan follows ({end:?}): {output}");
                history.laws.broken(law);
                return;
            }
        } else if over.is(ExitCode::Refused) && over.output.contains("the lease of") {
            destroy(history).await;
        }
        // Nobody comes back at once.
        history.wait(BREATH).await;
    }
    let law = format!("I6: not done after {RUNS} runs: {}", tail(&last));
    history.laws.broken(law);
}

/// I10: whether everything that a spec asks for is there, once its apply has said so.
pub(super) fn has_all(history: &History, text: &str, output: &str) {
    let alive = alive(&history.cloud);
    let set: BTreeSet<_> = alive.iter().map(place).collect();
    if !set.is_superset(&places(text)) && !history.laws.shows_old_states() {
        let output = tail(output);
        history.laws.broken(format!(
            "I10: apply said done, and there is {set:?}: {output}"
        ));
    }
}

/// Whether what a spec asks for runs, and nothing else.
pub(super) fn is_there(history: &History, text: &str, output: &str) {
    let alive = alive(&history.cloud);
    let found: Vec<_> = alive.iter().map(place).collect();
    let set: BTreeSet<_> = found.iter().cloned().collect();
    if set != places(text) || found.len() != set.len() {
        let output = tail(output);
        history.laws.broken(format!(
            "I10: apply said done, and there is {found:?}: {output}"
        ));
    }
    let starting = alive.iter().filter(|one| one.state != "running");
    for one in starting.filter(|_| !history.laws.shows_old_states()) {
        history.laws.broken(format!(
            "I10: apply said done, and {} is {}",
            one.id, one.state
        ));
    }
}

/// I3 and I10: destroys until it says that it is done, and looks whether it is.
pub(super) async fn destroy(history: &History) {
    let mut last = String::new();
    for _ in 0..RUNS {
        let over = history.calmly(&Order::DestroyAll).await;
        last.clone_from(&over.output);
        if over.is(ExitCode::Done) {
            is_gone(history);
            return;
        }
    }
    let output = tail(&last);
    history
        .laws
        .broken(format!("I6: not destroyed after {RUNS} runs: {output}"));
}

/// I3: what a destroy that says it is done must have left: nothing.
pub(super) fn is_gone(history: &History) {
    for one in alive(&history.cloud) {
        history.laws.broken(format!(
            "I3: destroy said done, and {} is {}",
            one.id, one.state
        ));
    }
    for volume in history.cloud.true_volumes() {
        if volume.tags.contains_key("trainyard:environment") && volume.attached_to.is_none() {
            history
                .laws
                .broken(format!("I3: destroy said done, and {} is left", volume.id));
        }
    }
    for group in history.cloud.true_groups() {
        if group.tags.contains_key("trainyard:environment") {
            history
                .laws
                .broken(format!("I3: destroy said done, and {} is left", group.id));
        }
    }
}

/// I9: lets the lease end with nobody there.
pub(super) async fn outlive(history: &History, lease: Duration) {
    history.wait(lease + GRACE).await;
    // One that was left stopped runs no timer; it costs no more than its disks.
    let running = alive(&history.cloud).into_iter();
    for one in running.filter(|one| one.state != "stopped") {
        history
            .laws
            .broken(format!("I9: {} is {} after its lease", one.id, one.state));
    }
}

/// The last words of an output, on one line.
fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" / ")
}
