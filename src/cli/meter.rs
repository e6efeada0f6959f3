//! How far a transfer is: a bar on a terminal, a line now and then elsewhere, events for programs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::time::Instant;

use super::output::Output;
use crate::render::{escape, json_gate, plural};
use crate::resource::human_bytes;
use crate::sync::{Progress, Totals};

/// How often a line is said where there is no terminal.
pub(super) const LINE_EVERY: Duration = Duration::from_secs(10);

/// What a terminal of eighty columns has room for; the last is cut off where there is less.
const BAR: &str = "  {bar:8} {bytes}/{total_bytes} · {binary_bytes_per_sec} · {eta} · {wide_msg}";

/// The same where nobody knows how much there is.
const COUNTER: &str = "  {bytes} · {binary_bytes_per_sec} · {wide_msg}";

/// Shows the events of one run.
pub(super) struct Meter {
    total: Totals,
    begun: Instant,
    output: Output,
    is_json: bool,
    /// What was done to a file that is there, where each is named.
    names: Option<&'static str>,
    bar: Option<ProgressBar>,
    count: Mutex<Count>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    bytes: u64,
    done: u64,
    begun: u64,
    failed: u64,
    deleted: u64,
}

impl Meter {
    pub(super) fn new(total: Totals, is_json: bool, output: Output) -> Self {
        let bar = (output.draws() && !is_json && total.files > 0).then(|| {
            let template = if total.bytes > 0 { BAR } else { COUNTER };
            let style = ProgressStyle::with_template(template);
            let bar = ProgressBar::new(total.bytes);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            is_json,
            bar,
            ..Self::plain(total, output)
        }
    }

    /// One that draws nothing.
    pub(super) fn plain(total: Totals, output: Output) -> Self {
        Self {
            total,
            begun: Instant::now(),
            output,
            is_json: false,
            names: None,
            bar: None,
            count: Mutex::default(),
        }
    }

    /// Names each file that is there, with what was done to it.
    pub(super) fn naming(self, done: &'static str) -> Self {
        Self {
            names: Some(done),
            ..self
        }
    }

    /// Takes one event in.
    pub(super) fn take(&self, event: &Progress) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Progress::Started { .. } => count.begun += 1,
            Progress::Moved { bytes } => count.bytes = count.bytes.saturating_add(*bytes),
            Progress::Rewound { bytes } => count.bytes = count.bytes.saturating_sub(*bytes),
            Progress::Finished { .. } => count.done += 1,
            Progress::Failed(_) => count.failed += 1,
            Progress::Deleted { .. } => count.deleted += 1,
        }
        let count = *count;
        if let Some(bar) = &self.bar {
            bar.set_position(count.bytes);
            bar.set_message(self.files(count));
        }
        if self.is_json {
            self.event(event);
        } else if let Some(done) = self.names {
            self.name(done, event);
        }
    }

    /// Names a file that is there, or that is there no more.
    fn name(&self, done: &str, event: &Progress) {
        let (word, key, bytes) = match event {
            Progress::Finished { key, bytes } => (done, key, bytes),
            Progress::Deleted { key, bytes } => ("deleted", key, bytes),
            Progress::Started { .. }
            | Progress::Moved { .. }
            | Progress::Rewound { .. }
            | Progress::Failed(_) => return,
        };
        let line = format!("  {word} {}, {}", escape(key), human_bytes(*bytes));
        match &self.bar {
            // The bar would be written over it.
            Some(bar) => bar.suspend(|| self.output.say(&line)),
            None => self.output.say(&line),
        }
    }

    fn event(&self, event: &Progress) {
        let line = match event {
            Progress::Finished { key, bytes } => {
                json!({"event": "finished", "key": key, "bytes": bytes})
            }
            Progress::Failed(failure) => {
                let reason = failure.reason.to_string();
                json!({"event": "failed", "key": failure.key, "reason": reason})
            }
            Progress::Deleted { key, bytes } => {
                json!({"event": "deleted", "key": key, "bytes": bytes})
            }
            Progress::Started { .. } | Progress::Moved { .. } | Progress::Rewound { .. } => return,
        };
        self.output.raw(&json_gate(&format!("{line}\n")));
    }

    /// Says how far it is, where nothing is drawn.
    pub(super) fn line(&self) {
        let count = *self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if self.bar.is_some() {
            return;
        }
        if self.is_json {
            let line = json!({
                "event": "progress",
                "files": count.done,
                "bytes": count.bytes,
                "of_files": self.total.files,
                "of_bytes": self.total.bytes,
            });
            self.output.raw(&json_gate(&format!("{line}\n")));
            return;
        }
        let files = match self.files(count) {
            none if none.is_empty() => none,
            some => format!("{some}, "),
        };
        self.output.say(&format!(
            "  {files}{} of {}, {}",
            human_bytes(count.bytes),
            human_bytes(self.total.bytes),
            self.rate(count.bytes),
        ));
    }

    fn files(&self, count: Count) -> String {
        let in_flight = count.begun.saturating_sub(count.done + count.failed);
        let failed = match count.failed {
            0 => String::new(),
            some => format!(", {some} failed"),
        };
        // One file says nothing that the bytes do not say better.
        if self.total.files == 1 {
            return failed.trim_start_matches(", ").to_owned();
        }
        let (done, all) = (count.done, plural(self.total.files, "file"));
        format!("{done} of {all}, {in_flight} in flight{failed}")
    }

    /// Takes the bar away.
    pub(super) fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// How long it took so far, and how many bytes a second that is.
    pub(super) fn rate(&self, bytes: u64) -> String {
        let taken = self.begun.elapsed();
        let milliseconds = taken.as_millis().max(1);
        let a_second = u128::from(bytes) * 1000 / milliseconds;
        let a_second = u64::try_from(a_second).unwrap_or(u64::MAX);
        format!(
            "{}.{} s, {}/s",
            taken.as_secs(),
            taken.subsec_millis() / 100,
            human_bytes(a_second)
        )
    }
}
