//! Being asked to stop: once politely, twice at once.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

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
        let ignored = ignored(&std::fs::read_to_string(STATUS).unwrap_or_default());
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let heeded = kinds
            .into_iter()
            .filter(|kind| ignored >> (kind.as_raw_value() - 1) & 1 == 0);
        let Ok(mut signals) = heeded.map(signal).collect::<Result<Vec<_>, _>>() else {
            return;
        };
        loop {
            any(&mut signals).await;
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

/// Where Linux says which signals a process ignores; elsewhere none is taken to be.
const STATUS: &str = "/proc/self/status";

/// The signals that a process ignores, the lowest bit for signal 1.
///
/// What it was started to ignore stays ignored, as `nohup` wants it for SIGHUP.
fn ignored(status: &str) -> u64 {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .map(str::trim);
    mask.and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .unwrap_or_default()
}

/// Waits for any of several signals.
async fn any(signals: &mut [Signal]) {
    poll_fn(|context| {
        let mut signals = signals.iter_mut();
        if signals.any(|signal| signal.poll_recv(context).is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
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
