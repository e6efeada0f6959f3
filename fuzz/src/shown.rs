//! What must hold of everything that is shown, whatever it is about.

use serde_json::Value;
use trainyard::plan::{OtherEnvironment, Plan, audit};
use trainyard::render::{PlanDocument, json_gate, plan_json, plan_markdown, plan_text};

/// Holds a text against what a terminal may be sent.
///
/// Written anew on purpose and not by the crate's own gate: that one may be wrong too.
///
/// # Panics
///
/// When the text holds a control character that is neither a style nor a line break, or
/// one that reorders or hides text.
pub fn check_shown(text: &str) {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\u{1b}' {
            let mut style = characters.by_ref().map(|(_, next)| next);
            assert_eq!(style.next(), Some('['), "no style at {at}: {text:?}");
            let end = style.find(|next| !next.is_ascii_digit() && *next != ';');
            assert_eq!(end, Some('m'), "no style at {at}: {text:?}");
            continue;
        }
        let code = u32::from(character);
        let control = (code < 0x20 && character != '\n') || (0x7f..0xa0).contains(&code);
        let hides =
            matches!(code, 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x2069 | 0xfeff);
        assert!(!control && !hides, "U+{code:04X} at {at}: {text:?}");
    }
}

/// Holds a plan of the planner's against the rules that no plan may break, and shows it in
/// every way there is.
///
/// # Panics
///
/// When it breaks one, or a way shows what it must not or is no JSON.
pub fn check_plan(plan: &Plan, others: &[OtherEnvironment]) {
    let violations = audit(plan);
    assert!(violations.is_empty(), "{violations:?} in {plan:#?}");
    check_shown(&plan_text(plan, others));
    let markdown = plan_markdown(plan, others);
    check_shown(&markdown);
    check_fence(&markdown);
    let document = plan_json(&PlanDocument {
        plans: std::slice::from_ref(plan),
        others,
        unknown: &[],
    });
    let text = json_gate(&format!("{document:#}"));
    check_shown(&text);
    let back: Result<Value, _> = serde_json::from_str(&text);
    assert_eq!(back.ok().as_ref(), Some(&document), "{text}");
}

/// A tag must not end the block that the details stand in.
fn check_fence(markdown: &str) {
    let marks = |line: &&str| line.starts_with("```");
    let fences: Vec<&str> = markdown.lines().filter(marks).collect();
    let opening = fences
        .first()
        .map_or("", |line| line.trim_end_matches("text"));
    let closing = |line: &&&str| line.trim_end().trim_end_matches('`').is_empty();
    let closed = fences
        .iter()
        .filter(closing)
        .filter(|line| line.trim_end().len() >= opening.len());
    assert!(opening.len() >= 3 && closed.count() == 1, "{markdown}");
}
