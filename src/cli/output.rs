//! The only place that prints. Data goes to stdout, talk to stderr.

use std::io::{ErrorKind, IsTerminal as _, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};

use super::error::CommandError;
use super::host::Streams;
use crate::render::{bad, bold, escape, gate, json_gate};

/// How much is said, and in which colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    quiet: bool,
    plain: bool,
    streams: Streams,
}

impl Output {
    pub(super) fn new(quiet: bool, plain: bool, streams: Streams) -> Self {
        if plain {
            // For whoever asks on stderr without this value at hand.
            ColorChoice::Never.write_global();
        }
        Self {
            quiet,
            plain,
            streams,
        }
    }

    /// What the command was asked for, for people.
    pub(super) fn data(self, text: &str) {
        self.print(&gate(text));
    }

    /// What the command was asked for, as a JSON document for programs.
    pub(super) fn json(self, document: &serde_json::Value) {
        self.raw(&json_gate(&format!("{document:#}\n")));
    }

    /// What the command was asked for and wrote itself, for programs.
    pub(super) fn raw(self, text: &str) {
        self.print(text);
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
        match self.streams {
            Streams::Process => !self.quiet && std::io::stderr().is_terminal(),
            Streams::Kept(_) => false,
        }
    }

    fn print(self, text: &str) {
        match self.streams {
            Streams::Process => {
                let mut stream = AutoStream::new(std::io::stdout(), self.choice());
                keep_loss(
                    stream
                        .write_all(text.as_bytes())
                        .and_then(|()| stream.flush()),
                );
            }
            Streams::Kept(kept) => kept.push(text),
        }
    }

    fn talk(self, text: &str) {
        let text = gate(text);
        match self.streams {
            Streams::Process => {
                let mut stream = AutoStream::new(std::io::stderr(), self.choice());
                writeln!(stream, "{text}").unwrap_or_default();
            }
            Streams::Kept(kept) => {
                kept.push(&text);
                kept.push("\n");
            }
        }
    }

    fn choice(self) -> ColorChoice {
        if self.plain {
            ColorChoice::Never
        } else {
            ColorChoice::Auto
        }
    }
}

/// Why something that was printed is lost, for the first time that it was.
static LOST: OnceLock<String> = OnceLock::new();

/// Remembers that something could not be printed: it is told at the end, as nothing is to stop
/// for it, least of all a destroy. A reader that went away has seen enough.
fn keep_loss(printed: std::io::Result<()>) {
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _only_the_first = LOST.set(error.to_string());
    }
}

/// Why the standard output is not whole, if it is not.
pub(super) fn loss() -> Option<CommandError> {
    let reason = LOST.get()?;
    Some(CommandError::failed(format!(
        "what was printed is not whole: {reason}"
    )))
}

/// The standard output itself, for bytes that are data and no text.
///
/// # Errors
///
/// When it is closed.
pub(super) fn raw_output() -> std::io::Result<OwnedFd> {
    std::io::stdout().as_fd().try_clone_to_owned()
}

/// Whether what is written to the output is shown as it comes.
pub(super) fn is_shown() -> bool {
    std::io::stdout().is_terminal()
}

/// What the command line's own reader has to say: help, the version, or what it does not
/// understand, which it repeats as it was written.
pub(super) fn usage(error: &clap::Error) {
    let text = gate(&error.render().ansi().to_string());
    if error.use_stderr() {
        let mut stream = AutoStream::new(std::io::stderr(), ColorChoice::Auto);
        stream.write_all(text.as_bytes()).unwrap_or_default();
    } else {
        let mut stream = AutoStream::new(std::io::stdout(), ColorChoice::Auto);
        keep_loss(
            stream
                .write_all(text.as_bytes())
                .and_then(|()| stream.flush()),
        );
    }
}

/// Where the log goes: to stderr, through the same gate as all other talk.
#[derive(Debug, Default)]
pub(super) struct LogLines(Vec<u8>);

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLines {
    fn drop(&mut self) {
        let text = gate(&String::from_utf8_lossy(&self.0));
        let mut stream = AutoStream::new(std::io::stderr(), ColorChoice::Auto);
        stream.write_all(text.as_bytes()).unwrap_or_default();
    }
}
