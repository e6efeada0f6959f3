//! Being asked to stop: once politely, twice at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{SignalKind, signal};

use super::exit::ExitCode;
use super::host::Host;
use super::output::Output;
use crate::apply::Cancel;
use crate::render::escape;

/// What is known to exist, for whoever leaves in a hurry.
pub(super) type Known = Arc<Mutex<Vec<String>>>;

/// Listens for Ctrl-C, SIGTERM and SIGHUP for as long as the process lives.
///
/// The first asks to stop: calls in flight finish. The second leaves at once and
/// says what may be running.
///
/// Where a host has something else that asks, that is listened to.
pub(super) fn listen(host: &Host, output: Output, known: Known, resume: String) -> Cancel {
    if let Some(cancel) = &host.cancel {
        return cancel.clone();
    }
    let cancel = Cancel::default();
    let asked = cancel.clone();
    tokio::spawn(async move {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let Ok(mut signals) = kinds.into_iter().map(signal).collect::<Result<Vec<_>, _>>() else {
            return;
        };
        let [interrupt, terminate, hangup] = signals.as_mut_slice() else {
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            if asked.is_asked() {
                leave(output, &known, &resume);
            }
            output.insist(
                "stopping: what has been asked of AWS is finished first; again to leave at once",
            );
            asked.ask();
        }
    });
    cancel
}

#[expect(clippy::exit, reason = "the user asked twice to leave at once")]
fn leave(output: Output, known: &Known, resume: &str) -> ! {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if known.is_empty() {
        output.insist("left at once; whatever was being asked of AWS may have taken effect");
    } else {
        output.insist("left at once; these exist or may exist:");
        for line in known.iter() {
            output.insist(&format!("  {}", escape(line)));
        }
    }
    output.insist(&format!("to go on: {resume}"));
    std::process::exit(i32::from(ExitCode::Interrupted.number()))
}
