//! What a spec is warned of and may do all the same.

use super::diagnostic::{Code, Diagnostic};
use super::source::Source;
use crate::resource::{Secret, Secrets};

/// How many places of a file are told at once.
const MOST: usize = 20;

const HELP: &str = "everybody who may describe the instance reads its tags and its user data, and so \
    does every program on it, and everybody who has this file: revoke it, and let the instance \
    fetch it from Secrets Manager or the Parameter Store, as its `iam_profile` allows";

/// Every place of a file that looks like a secret, comments too: files are kept and passed on.
pub(super) fn warnings(source: &Source) -> Vec<Diagnostic> {
    let secrets = Secrets::of(&source.text);
    let found = secrets.found();
    let mut warnings: Vec<Diagnostic> = found
        .iter()
        .take(MOST)
        .map(|secret| warning(source, secret))
        .collect();
    if let Some(more) = found.len().checked_sub(MOST).filter(|more| *more > 0) {
        let summary = format!("{more} more places look like secrets");
        warnings.push(Diagnostic::of_file(Code::Secret, summary));
    }
    warnings
}

fn warning(source: &Source, secret: &Secret) -> Diagnostic {
    let (line, column) = source.position(secret.at);
    let summary = format!("this looks like {}", secret.kind.words());
    Diagnostic::of_file(Code::Secret, summary)
        .position(line, column)
        .help(HELP)
}
