//! What goes wrong on a connection, on every call of a create and of a destroy.

use super::fault::{Fault, Pass, Reply, Then};
use super::ground::{Case, Ground, each};
use crate::support::Run;

/// What goes wrong once on every call.
const FAULTS: [Fault; 5] = [
    Fault::Asking(Pass::Half, Then::Reset),
    Fault::Answering(Pass::Half, Then::Close),
    Fault::Instead(Reply::TooOften),
    Fault::Afterwards(Reply::Page),
    Fault::Shorter,
];

/// What goes wrong as well on the calls that change something, and on one that reads.
const MORE_FAULTS: [Fault; 10] = [
    Fault::Asking(Pass::Nothing, Then::Close),
    Fault::Asking(Pass::Everything, Then::Reset),
    Fault::Answering(Pass::AllButOneByte, Then::Reset),
    Fault::Instead(Reply::Page),
    Fault::Instead(Reply::Empty),
    Fault::Instead(Reply::Garbage),
    Fault::Afterwards(Reply::Empty),
    Fault::Afterwards(Reply::Garbage),
    Fault::Twice,
    Fault::Late,
];

/// How often a call that is repeated while something is waited for goes wrong.
const REPEATS: usize = 2;

/// The calls of a clean run, each with how many of its kind came before.
fn calls(case: &Case<'_>, run: &Run) -> Vec<(&'static str, usize)> {
    run.expect(0);
    let mut all: Vec<(&'static str, usize)> = Vec::new();
    for action in case.proxy.calls() {
        let nth = 1 + all.iter().filter(|(one, _)| *one == action).count();
        if nth <= REPEATS {
            all.push((action.leak(), nth));
        }
    }
    all
}

/// Every call with everything that goes wrong on it.
fn troubles(calls: &[(&'static str, usize)]) -> Vec<(&'static str, usize, Fault)> {
    let is_tried_hard = |action: &str| {
        ["RunInstances", "TerminateInstances", "GetCallerIdentity"].contains(&action)
    };
    let of = |(action, nth): &(&'static str, usize)| {
        let more = MORE_FAULTS.iter().filter(|_| is_tried_hard(action));
        let faults: Vec<&Fault> = FAULTS.iter().chain(more).collect();
        let (action, nth) = (*action, *nth);
        faults.into_iter().map(move |fault| (action, nth, *fault))
    };
    calls.iter().flat_map(of).collect()
}

/// Fails unless a run ended as it is documented, and named what lives.
#[track_caller]
fn told_the_truth(case: &Case<'_>, run: &Run, unknown: &str, what: &str) {
    let code = run.code.unwrap_or(-1);
    assert!([0, 1, 3, 5].contains(&code), "{what}\n{run}");
    run.says_nothing_about(&["panicked", "RUST_BACKTRACE"]);
    if code != 0 {
        let said_why = ["error:", "note:", "✗"].map(|sign| run.stderr.contains(sign));
        assert!(said_why.contains(&true), "{what}\n{run}");
        for id in case.alive() {
            let named = run.stderr.contains(&id) || run.stderr.contains(unknown);
            assert!(named, "{id} lives, and is not named; {what}\n{run}");
        }
    }
}

#[track_caller]
fn create_in_spite_of(case: &Case<'_>, (action, nth, fault): (&str, usize, Fault)) {
    let what = format!("{action} {nth}: {fault:?}");
    case.proxy.order(action, nth, fault);
    let run = case.apply();
    told_the_truth(case, &run, "trainer[0-1]", &what);
    case.proxy.no_faults();
    if run.code != Some(0) {
        case.apply().expect(0);
    }
    case.exactly();
}

#[track_caller]
fn destroy_in_spite_of(case: &Case<'_>, (action, nth, fault): (&str, usize, Fault)) {
    let what = format!("{action} {nth}: {fault:?}");
    case.apply().expect(0);
    case.proxy.order(action, nth, fault);
    let run = case.destroy();
    told_the_truth(case, &run, "whether anything is left is not known", &what);
    case.proxy.no_faults();
    if run.code != Some(0) {
        case.destroy().expect(0);
    }
    case.nothing();
}

#[test]
fn whatever_breaks_in_a_create_the_next_run_converges() {
    let ground = Ground::new();
    let clean = ground.case(0);
    let calls = calls(&clean, &clean.apply());
    assert!(calls.contains(&("RunInstances", 1)), "{calls:?}");
    each(&troubles(&calls), create_in_spite_of);
}

#[test]
fn whatever_breaks_in_a_destroy_success_means_that_nothing_is_left() {
    let ground = Ground::new();
    let clean = ground.case(0);
    clean.apply().expect(0);
    clean.proxy.calls();
    let calls = calls(&clean, &clean.destroy());
    assert!(calls.contains(&("TerminateInstances", 1)), "{calls:?}");
    each(&troubles(&calls), destroy_in_spite_of);
}

#[test]
fn what_stalls_is_asked_again() {
    let stalls = [
        ("GetCallerIdentity", Fault::Asking(Pass::Half, Then::Hold)),
        (
            "DescribeInstances",
            Fault::Answering(Pass::Half, Then::Hold),
        ),
        (
            "RunInstances",
            Fault::Answering(Pass::AllButOneByte, Then::Hold),
        ),
        (
            "TerminateInstances",
            Fault::Answering(Pass::Half, Then::Hold),
        ),
    ];
    each(&stalls, |case, (action, fault)| {
        case.proxy.order(action, 1, fault);
        case.apply().expect(0);
        case.exactly();
        case.destroy().expect(0);
        case.nothing();
    });
}

#[test]
fn a_listing_that_is_cut_or_cannot_be_read_on_is_never_taken_for_whole() {
    // Where XML does not allow a character, a reader stops in the middle as well.
    each(&["half", "\u{1}", "\u{1b}"], |case, what| {
        case.apply().expect(0);
        if what == "half" {
            case.proxy.order("DescribeInstances", 0, Fault::Shorter);
        } else {
            case.tag("Name", "TheMark");
            case.proxy.rewrite("TheMark", what);
        }
        case.run(&["plan", "--detailed-exitcode"]).expect(1);
    });
}
