//! The few styles there are.

use anstyle::{AnsiColor, Style};

use crate::plan::Verb;

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Something that matters.
pub fn bold(text: &str) -> String {
    paint(Style::new().bold(), text)
}

/// Something that can be passed over.
pub fn dim(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

/// Something that is as it should be.
pub fn good(text: &str) -> String {
    paint(AnsiColor::Green.on_default(), text)
}

/// Something to look at.
pub fn warn(text: &str) -> String {
    paint(AnsiColor::Yellow.on_default(), text)
}

/// Something that is wrong.
pub fn bad(text: &str) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

/// The sign of a verb in its colour, three columns wide.
pub fn sign(verb: Verb) -> String {
    let colour = match verb {
        Verb::Create => AnsiColor::Green,
        Verb::Update | Verb::Sync | Verb::Restart => AnsiColor::Yellow,
        Verb::Replace => AnsiColor::Magenta,
        Verb::Delete => AnsiColor::Red,
    };
    paint(colour.on_default().bold(), &format!("{:>3}", verb.sign()))
}
