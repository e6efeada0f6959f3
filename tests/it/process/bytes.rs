//! SIGKILL at a chosen byte of a request or of its answer.

use super::fault::{Fault, Pass, Then};
use super::ground::{Case, each};

const PASSES: [Pass; 4] = [
    Pass::FirstByte,
    Pass::Half,
    Pass::AllButOneByte,
    Pass::Everything,
];

/// Every byte at which a process is killed: of a request, and of its answer.
fn moments() -> Vec<Fault> {
    let asking = PASSES.map(|pass| Fault::Asking(pass, Then::Hold));
    let answering = PASSES.map(|pass| Fault::Answering(pass, Then::Hold));
    [asking, answering].concat()
}

/// Runs a command and kills it at a byte of its first call of an action.
#[track_caller]
fn run_and_die(case: &Case<'_>, arguments: &[&str], action: &str, moment: Fault) {
    case.proxy.order(action, 1, moment);
    let run = case.start(arguments);
    case.proxy.holds();
    run.kill();
    case.proxy.release();
}

#[test]
fn an_apply_that_is_killed_at_any_byte_of_a_launch_is_finished_by_the_next() {
    each(&moments(), |case, moment| {
        run_and_die(case, &["apply", "--yes"], "RunInstances", moment);
        case.apply().expect(0);
        case.exactly();
    });
}

#[test]
fn what_an_apply_left_that_was_killed_at_any_byte_of_a_launch_is_destroyed() {
    each(&moments(), |case, moment| {
        run_and_die(case, &["apply", "--yes"], "RunInstances", moment);
        case.destroy().expect(0);
        case.nothing();
    });
}

#[test]
fn killed_at_two_bytes_of_two_launches_it_is_still_one() {
    let first = [
        Fault::Asking(Pass::Everything, Then::Hold),
        Fault::Answering(Pass::Half, Then::Hold),
    ];
    let pairs: Vec<(Fault, Pass)> = first
        .into_iter()
        .flat_map(|first| PASSES.map(|second| (first, second)))
        .collect();
    each(&pairs, |case, (first, second)| {
        run_and_die(case, &["apply", "--yes"], "RunInstances", first);
        // The instances may be listed by now, and then there is nothing to launch.
        let second = Fault::Asking(second, Then::Close);
        case.proxy.order("RunInstances", 1, second);
        case.apply().expect(0);
        case.proxy.no_faults();
        case.exactly();
    });
}

#[test]
fn a_destroy_that_is_killed_at_any_byte_of_a_termination_is_finished_by_the_next() {
    each(&moments(), |case, moment| {
        case.apply().expect(0);
        let destroy = ["destroy", case.name.as_str(), "--yes"];
        run_and_die(case, &destroy, "TerminateInstances", moment);
        case.destroy().expect(0);
        case.nothing();
    });
}
