//! Signals: once, twice, and those that the process was started to ignore.

use std::process::{Command, Stdio};

use super::fault::{Fault, Pass, Then};
use super::ground::{COUNT, Case, each};

use crate::support::{Run, Talking};

const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

/// The request has been carried out, and the caller waits for the answer.
const UNANSWERED: Fault = Fault::Asking(Pass::Everything, Then::Hold);

/// The caller has the whole answer, and goes on.
const ANSWERED: Fault = Fault::Answering(Pass::Everything, Then::Hold);

/// Starts a command whose first call of an action is held.
#[track_caller]
fn held(case: &Case<'_>, arguments: &[&str], action: &str, fault: Fault) -> Talking {
    case.proxy.order(action, 1, fault);
    let run = case.start(arguments);
    case.proxy.holds();
    run
}

/// Sends a signal once, lets go of what is held, and gives the end.
#[track_caller]
fn ask_to_stop(case: &Case<'_>, run: Talking, signal: &str) -> Run {
    run.signal(signal);
    run.until_it_says("again to leave at once");
    case.proxy.release();
    run.end()
}

/// Expects a launch that was stopped to be named as a whole.
#[track_caller]
fn names_everything(case: &Case<'_>, run: &Run) {
    let alive = case.alive();
    assert_eq!(alive.len() as u64, COUNT, "{run}");
    // What runs by the time it is looked at was not stopped any more: it is in the table.
    if run.code != Some(0) {
        run.expect(130)
            .says(&["these exist, or may exist:", "run the same command again"]);
    }
    for id in alive {
        run.says(&[&id]);
    }
}

#[test]
fn one_signal_lets_a_launch_finish_and_names_what_exists() {
    each(&SIGNALS, |case, signal| {
        let apply = held(case, &["apply", "--yes"], "RunInstances", UNANSWERED);
        let run = ask_to_stop(case, apply, signal);
        names_everything(case, &run);
        case.apply().expect(0);
        case.exactly();
    });
}

#[test]
fn one_signal_while_instances_start_names_what_exists() {
    each(&SIGNALS, |case, signal| {
        let apply = held(case, &["apply", "--yes"], "RunInstances", ANSWERED);
        let run = ask_to_stop(case, apply, signal);
        names_everything(case, &run);
        case.apply().expect(0);
        case.exactly();
    });
}

#[test]
fn a_second_signal_of_any_kind_leaves_a_launch_at_once() {
    let pairs = [("INT", "TERM"), ("TERM", "HUP"), ("HUP", "INT")];
    each(&pairs, |case, (first, second)| {
        let apply = held(case, &["apply", "--yes"], "RunInstances", UNANSWERED);
        apply.signal(first);
        apply.until_it_says("again to leave at once");
        apply.signal(second);
        let run = apply.end();
        run.expect(130).says(&[
            "left at once; these exist or may exist:",
            "trainer[0] being launched",
            "trainer[1] being launched",
            "to go on: trainyard apply",
        ]);
        case.proxy.release();
        case.apply().expect(0);
        case.exactly();
    });
}

#[test]
fn one_signal_lets_a_termination_finish_and_names_what_is_left() {
    each(&SIGNALS, |case, signal| {
        case.apply().expect(0);
        let arguments = ["destroy", case.name.as_str(), "--yes"];
        let destroy = held(case, &arguments, "TerminateInstances", UNANSWERED);
        let run = ask_to_stop(case, destroy, signal);
        let resume = format!("to go on: trainyard destroy {}", case.name);
        run.expect(130).says(&[&resume]);
        assert_eq!(case.alive(), Vec::<String>::new(), "{run}");
        case.destroy().expect(0);
        case.nothing();
    });
}

#[test]
fn a_second_signal_leaves_a_termination_at_once_and_names_everything() {
    each(&SIGNALS, |case, signal| {
        case.apply().expect(0);
        let ids = case.alive();
        let arguments = ["destroy", case.name.as_str(), "--yes"];
        let fault = Fault::Asking(Pass::Half, Then::Hold);
        let destroy = held(case, &arguments, "TerminateInstances", fault);
        destroy.signal(signal);
        destroy.until_it_says("again to leave at once");
        destroy.signal(signal);
        let run = destroy.end();
        let resume = format!("to go on: trainyard destroy {}", case.name);
        run.expect(130)
            .says(&["left at once; these exist or may exist:", &resume]);
        for id in ids {
            run.says(&[&format!("{id} being terminated")]);
        }
        case.proxy.release();
        case.destroy().expect(0);
        case.nothing();
    });
}

#[test]
fn a_signal_before_anything_was_asked_changes_nothing() {
    each(&SIGNALS, |case, signal| {
        let apply = held(case, &["apply", "--yes"], "DescribeImages", UNANSWERED);
        apply.signal(signal);
        let run = apply.end();
        assert_ne!(run.code, Some(0), "{run}");
        assert!(!case.proxy.calls().contains(&"RunInstances".to_owned()));
        assert_eq!(case.alive(), Vec::<String>::new(), "{run}");
    });
}

#[test]
fn a_signal_that_is_ignored_from_the_start_stays_ignored() {
    each(&["HUP", "INT"], |case, signal| {
        case.proxy.order("RunInstances", 1, UNANSWERED);
        let script = format!("trap '' {signal}; exec \"$0\" apply --yes --settle 1s");
        let mut apply = Command::new("sh");
        apply
            .args(["-c", &script, env!("CARGO_BIN_EXE_trainyard")])
            .current_dir(case.sandbox.folder())
            .env_clear()
            .envs(case.sandbox.variables())
            .stdin(Stdio::null());
        let apply = Talking::of(&case.sandbox, apply);
        case.proxy.holds();
        apply.signal(signal);
        case.proxy.release();
        apply.end().expect(0);
        case.exactly();
    });
}
