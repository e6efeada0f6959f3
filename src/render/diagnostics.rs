//! Mistakes in specs, and warnings: with the line, a caret, a code and a remedy; or as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::escape::{escape, gate};
use crate::resource::{Secrets, hide_secrets};
use crate::spec::{Diagnostic, Source};

/// Every mistake of every file, in the order of the files' lines.
pub fn diagnostics_text(bad: &[(Source, Vec<Diagnostic>)]) -> String {
    let mut text = String::new();
    for (source, diagnostics) in bad {
        for (diagnostic, place) in in_order(source, diagnostics) {
            text.push_str(&one(source, diagnostic, place));
            text.push_str("\n\n");
        }
    }
    text
}

/// Every mistake as a JSON array of objects with file, line, column, level, code, message and help.
pub fn diagnostics_json(bad: &[(Source, Vec<Diagnostic>)]) -> Value {
    let mut list = Vec::new();
    for (source, diagnostics) in bad {
        for (diagnostic, place) in in_order(source, diagnostics) {
            list.push(json!({
                "file": source.path.display().to_string(),
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
                "path": diagnostic.path.as_ref().map(ToString::to_string),
                "level": if diagnostic.code.is_warning() { "warning" } else { "error" },
                "code": diagnostic.code.as_str(),
                "message": hide_secrets(&diagnostic.summary),
                "help": diagnostic.help.as_deref().map(hide_secrets),
            }));
        }
    }
    Value::Array(list)
}

type Place = Option<(usize, usize)>;

fn in_order<'a>(source: &Source, diagnostics: &'a [Diagnostic]) -> Vec<(&'a Diagnostic, Place)> {
    let mut placed: Vec<(&Diagnostic, Place)> = diagnostics
        .iter()
        .map(|diagnostic| (diagnostic, source.place(diagnostic)))
        .collect();
    placed.sort_by_key(|(_, place)| *place);
    placed
}

fn one(source: &Source, diagnostic: &Diagnostic, place: Place) -> String {
    let path = escape(&source.path.display().to_string());
    let summary = escape(&hide_secrets(&diagnostic.summary));
    let level = if diagnostic.code.is_warning() {
        Level::WARNING
    } else {
        Level::ERROR
    };
    // The line is shown to whoever reads the log, whatever its mistake is.
    let shown = Secrets::of(&source.text).masked();
    let title = level
        .primary_title(summary.as_str())
        .id(diagnostic.code.as_str());
    let span = place.and_then(|(line, column)| source.span(line, column));
    let mut group: Group<'_> = match span {
        Some(span) => title.element(
            Snippet::source(shown.as_str())
                .path(path.as_str())
                .annotation(AnnotationKind::Primary.span(span)),
        ),
        None => title.element(Origin::path(path.as_str())),
    };
    let help = diagnostic.help.as_deref().map(hide_secrets);
    let help = help.as_deref().map(escape);
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    // The file's own lines are shown, and what is wrong with them may be a character
    // that a terminal obeys: the renderer lets some of those through.
    gate(&Renderer::styled().render(&[group]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_line_that_is_shown_sends_nothing_to_the_terminal() {
        for character in [
            "\u{1b}[2J",
            "\u{85}",
            "\u{9b}2J",
            "\u{202e}",
            "\u{200b}",
            "\r",
        ] {
            let text = format!("name: {character}x\n");
            let (source, diagnostic) =
                *Source::from_bytes(Path::new("spec.yaml"), text.into()).unwrap_err();
            let shown = diagnostics_text(&[(source, vec![diagnostic])]);
            assert!(!shown.contains(character), "{shown:?}");
            assert_eq!(gate(&shown), shown);
        }
    }
}
