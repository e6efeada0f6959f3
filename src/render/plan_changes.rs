//! Field changes as text.

use similar::TextDiff;

use super::escape::escape;
use super::plan_text::line;
use super::style::{dim, warn};
use crate::resource::{Effect, FieldChange, Secrets, Value};

/// Field changes, one line each; text of many lines as a unified diff.
pub(super) fn changes_text(changes: &[FieldChange]) -> String {
    let mut text = String::new();
    for FieldChange {
        field,
        before,
        after,
        effect,
        avoid,
    } in changes
    {
        let forces = match effect {
            Effect::InPlace => String::new(),
            Effect::Restart => format!("  {}", warn("forces a restart")),
            Effect::Replace => format!("  {}", warn("forces replacement")),
        };
        let lines = matches!(before, Value::Lines(_)) || matches!(after, Value::Lines(_));
        if lines {
            line(&mut text, &format!("      {}:{forces}", escape(field)));
            text.push_str(&lines_diff(before, after));
        } else {
            let (before, after) = (escape(&before.to_string()), escape(&after.to_string()));
            line(
                &mut text,
                &format!("      {}: {before} → {after}{forces}", escape(field)),
            );
        }
        if let Some(avoid) = avoid {
            line(
                &mut text,
                &format!("        {} {}", dim("to avoid it:"), escape(avoid)),
            );
        }
    }
    text
}

fn lines_diff(before: &Value, after: &Value) -> String {
    let of = |value: &Value| match value {
        Value::Lines(text) if text.ends_with('\n') => text.clone(),
        Value::Lines(text) => format!("{text}\n"),
        Value::Absent => String::new(),
        Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Unread => {
            format!("{value}\n")
        }
    };
    let (before, after) = (of(before), of(after));
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    // Compared as they are, so that a secret that changes shows as a change, and then hidden.
    let (old, new) = (
        hidden_lines(&before, diff.iter_old_slices()),
        hidden_lines(&after, diff.iter_new_slices()),
    );
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        line(&mut text, &format!("        {}", hunk.header()));
        for change in hunk.iter_changes() {
            let one = match (change.old_index(), change.new_index()) {
                (_, Some(at)) => new.get(at),
                (Some(at), None) => old.get(at),
                (None, None) => None,
            };
            let one = one.map_or("", String::as_str);
            line(
                &mut text,
                &format!(
                    "        {}{}",
                    change.tag(),
                    escape(one.trim_end_matches('\n'))
                ),
            );
        }
    }
    text
}

/// The lines that a text was cut into, with the secrets in them hidden.
fn hidden_lines<'a>(text: &str, lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let secrets = Secrets::of(text);
    let mut at = 0;
    let hidden = lines.map(|line| {
        at += line.len();
        secrets.hidden_in(at - line.len()..at)
    });
    hidden.collect()
}
