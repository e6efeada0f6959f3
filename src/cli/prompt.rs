//! Asking, where there is somebody to ask.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::error::CommandError;
use crate::render::bold;

/// Whether somebody can answer.
fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a word; anything else is a no.
///
/// # Errors
///
/// When nobody can be asked, which is refused rather than taken for a yes.
pub(super) fn confirm(question: &str, word: &str) -> Result<bool, CommandError> {
    if !is_interactive() {
        let text =
            "this needs a confirmation, and there is no terminal to ask on; nothing was changed";
        return Err(
            CommandError::refused(text).help("pass `--yes` to go ahead without being asked")
        );
    }
    let mut stderr = anstream::stderr();
    write!(stderr, "{question} Type {} to go ahead: ", bold(word)).unwrap_or_default();
    stderr.flush().unwrap_or_default();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && answer.trim() == word)
}
