//! A plan as a comment on a pull request.

use super::plan_text::{plan_text, summary_line};
use crate::plan::{OtherEnvironment, Plan};

/// The plan as Markdown: the summary line first, the rest in a fold.
///
/// The fence has more backticks than any run of them in the text, so that a tag
/// cannot end it.
pub fn plan_markdown(plan: &Plan, others: &[OtherEnvironment]) -> String {
    let text = plain(&plan_text(plan, others));
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!(
        "### {}\n\n**{}**\n\n<details><summary>Details</summary>\n\n{fence}text\n{text}{fence}\n\n</details>\n",
        plan.environment,
        summary_line(plan.summary(), plan.mode)
    )
}

/// Takes the styles out.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for character in text.chars() {
        match (inside, character) {
            (false, '\u{1b}') => inside = true,
            (true, 'm') => inside = false,
            (true, _) => {}
            (false, other) => plain.push(other),
        }
    }
    plain
}
