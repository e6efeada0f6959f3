//! Places that could not be looked at, beside others that could.

use super::error::CommandError;
use super::exit::ExitCode;
use super::output::Output;
use super::session::Destination;
use crate::render::UnknownPlace;

/// A place that could not be looked at, and what ended the look.
pub(super) struct Unknown {
    pub(super) place: UnknownPlace,
    help: Option<String>,
}

impl Unknown {
    pub(super) fn new(destination: &Destination, error: CommandError) -> Self {
        let CommandError {
            exit: _,
            text,
            help,
        } = error;
        let Destination {
            sign_in: _,
            account,
            region,
        } = destination;
        Self {
            place: UnknownPlace {
                account: account.clone(),
                region: region.clone(),
                why: text,
            },
            help,
        }
    }
}

/// The places alone, for programs.
pub(super) fn places(unknown: &[Unknown]) -> Vec<UnknownPlace> {
    unknown.iter().map(|one| one.place.clone()).collect()
}

/// Says which places are unknown, and why.
pub(super) fn say(unknown: &[Unknown], output: Output) {
    for Unknown { place, help } in unknown {
        let text = format!(
            "{} could not be looked at, and what is there is not known: {}",
            place.place(),
            place.why
        );
        let mut error = CommandError::failed(text);
        error.help.clone_from(help);
        output.error(&error);
    }
}

/// How a command ends that shows what it could look at: some of it, or nothing.
pub(super) fn verdict(unknown: &[Unknown], places: usize) -> Option<ExitCode> {
    match unknown.len() {
        0 => None,
        all if all == places => Some(ExitCode::Failed),
        _ => Some(ExitCode::Partly),
    }
}
