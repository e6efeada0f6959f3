//! What is said on a terminal: without colours where none are wanted, and on a narrow one.

use super::ground::{Case, Ground, each};

use crate::support::{Run, Talking, terminal};

const PLAIN: [(&str, &str); 1] = [("NO_COLOR", "1")];

/// Starts a command on a terminal.
fn start(case: &Case<'_>, columns: u16, variables: &[(&str, &str)], arguments: &[&str]) -> Talking {
    let arguments = [arguments, &["--settle", "1s"]].concat();
    let mut command = terminal(&case.sandbox, columns, &arguments);
    command.envs(variables.iter().copied());
    Talking::of(&case.sandbox, command)
}

/// Runs a command that asks, and answers as it wants.
fn confirmed(mut talking: Talking, answer: &str) -> Run {
    talking.until_it_says("to go ahead");
    talking.answer(answer);
    talking.end()
}

/// Whether a text sets a colour or a style; drawing over a line is none.
fn has_style(text: &str) -> bool {
    let is_final = |character: char| ('@'..='~').contains(&character);
    text.split("\u{1b}[").skip(1).any(|rest| {
        let end = rest.find(is_final).map(|at| &rest[at..]);
        end.is_some_and(|end| end.starts_with('m'))
    })
}

#[test]
fn a_style_is_told_from_a_movement() {
    assert!(has_style("\u{1b}[1myes\u{1b}[0m"));
    assert!(has_style("\u{1b}[2K\u{1b}[38;5;1mred"));
    assert!(!has_style("plain m\u{1b}[1A\r\u{1b}[2Kmore"));
}

#[test]
fn without_colour_nothing_on_a_terminal_has_a_style() {
    each(&[80, 20], |case, columns| {
        let plan = start(case, columns, &PLAIN, &["plan"]).end();
        plan.expect(0).says(&["Plan: 2 to create"]);
        assert!(!has_style(&plan.stdout), "{:?}", plan.stdout);
        let apply = confirmed(start(case, columns, &PLAIN, &["apply"]), "yes");
        apply.expect(0).says(&["2 instances running", "LEASE ENDS"]);
        assert!(!has_style(&apply.stdout), "{:?}", apply.stdout);
        case.exactly();
        let destroy = start(case, columns, &PLAIN, &["destroy", &case.name]);
        let destroy = confirmed(destroy, &case.name);
        destroy.expect(0);
        assert!(!has_style(&destroy.stdout), "{:?}", destroy.stdout);
        case.nothing();
    });
}

#[test]
fn a_narrow_terminal_cuts_nothing_off() {
    let ground = Ground::new();
    let case = ground.case(0);
    let narrow = start(&case, 20, &[], &["plan"]).end();
    narrow.expect(0);
    assert!(has_style(&narrow.stdout), "{:?}", narrow.stdout);
    let wide = start(&case, 200, &[], &["plan"]).end();
    assert_eq!(narrow.stdout, wide.stdout);
    let apply = confirmed(start(&case, 20, &[], &["apply"]), "yes");
    apply.expect(0);
    for id in case.alive() {
        apply.says(&[&id]);
    }
    case.exactly();
}
