//! The only place that prints. Data goes to stdout, talk to stderr.

use std::io::{IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};

use super::error::CommandError;
use crate::render::{bad, bold, escape, gate, json_gate};

/// How much is said, and in which colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    quiet: bool,
    plain: bool,
}

impl Output {
    pub(super) fn new(quiet: bool, plain: bool) -> Self {
        if plain {
            // For whoever asks on stderr without this value at hand.
            ColorChoice::Never.write_global();
        }
        Self { quiet, plain }
    }

    /// What the command was asked for, for people.
    pub(super) fn data(self, text: &str) {
        // A reader that went away is no reason to stop: least of all a destroy.
        AutoStream::new(std::io::stdout(), self.choice())
            .write_all(gate(text).as_bytes())
            .unwrap_or_default();
    }

    /// What the command was asked for, as a JSON document for programs.
    pub(super) fn json(self, document: &serde_json::Value) {
        self.raw(&json_gate(&format!("{document:#}\n")));
    }

    /// What the command was asked for and wrote itself, for programs.
    pub(super) fn raw(self, text: &str) {
        AutoStream::new(std::io::stdout(), self.choice())
            .write_all(text.as_bytes())
            .unwrap_or_default();
    }

    /// How things go; nothing of it is data.
    pub(super) fn say(self, text: &str) {
        if !self.quiet {
            self.talk(text);
        }
    }

    /// Something that is said even when quiet was asked for.
    pub(super) fn insist(self, text: &str) {
        self.talk(text);
    }

    pub(super) fn error(self, error: &CommandError) {
        let text = error
            .text
            .lines()
            .map(escape)
            .collect::<Vec<_>>()
            .join("\n");
        self.talk(&format!("{} {text}", bad("error:")));
        if let Some(help) = &error.help {
            self.talk(&format!(" {} {}", bold("help:"), escape(help)));
        }
    }

    /// Whether stderr is a terminal that progress may be drawn on.
    pub(super) fn draws(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    fn talk(self, text: &str) {
        let mut stream = AutoStream::new(std::io::stderr(), self.choice());
        writeln!(stream, "{}", gate(text)).unwrap_or_default();
    }

    fn choice(self) -> ColorChoice {
        if self.plain {
            ColorChoice::Never
        } else {
            ColorChoice::Auto
        }
    }
}
