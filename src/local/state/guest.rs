//! The one thing that runs inside an instance here: the timer that powers it off
//! with its lease. Everything else in its user data is kept and not run.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{Cause, Instance, InstanceState, ShutdownBehavior};
use crate::local::wire::after;

/// A boot after the deadline leaves the guest so long.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// What stands around the seconds in the script of the timer.
const BEFORE_SECONDS: &str = "deadline=$(( $(date +%s) + ";
const AFTER_SECONDS: &str = " ))";

impl Instance {
    /// Boots the guest. Its first boot arms the timer; a later one finds the
    /// deadline that it was armed with.
    pub(super) fn boot(&mut self, now: Timestamp) {
        if self.lifecycle.deadline.is_none() {
            let seconds = self.user_data.as_deref().and_then(timer);
            self.lifecycle.deadline = seconds.map(|seconds| after(now, seconds));
        }
    }

    /// When a guest that runs powers itself off, and what becomes of the instance.
    /// Protection is against calls, not against its own system.
    pub(super) fn powers_off(&self) -> Option<(InstanceState, Timestamp)> {
        let earliest = after(self.lifecycle.since, LAST_MOMENT);
        let at = self.lifecycle.deadline?.max(earliest);
        let state = match self.shutdown_behavior {
            ShutdownBehavior::Stop => InstanceState::Stopping,
            ShutdownBehavior::Terminate => InstanceState::ShuttingDown,
        };
        Some((state, at))
    }

    /// Powers the guest off.
    pub(super) fn power_off(&mut self, state: InstanceState, now: Timestamp) {
        self.enter_for(Cause::Guest, state, now);
        self.interface.public_address = None;
    }
}

/// The time that the timer in user data leaves, where there is a timer. It counts in
/// a boothook of a MIME archive and nowhere else: a script that happens to hold the
/// same line is the user's.
fn timer(packed: &str) -> Option<Duration> {
    let packed: String = packed.split_ascii_whitespace().collect();
    let text = String::from_utf8(STANDARD.decode(packed).ok()?).ok()?;
    let (head, body) = text.split_once("\n\n")?;
    let boundary = header(head, "content-type")?
        .strip_prefix("multipart/mixed;")?
        .trim()
        .strip_prefix("boundary=\"")?
        .strip_suffix('"')?;
    let (start, end) = (format!("--{boundary}\n"), format!("--{boundary}--"));
    let closed = body.split(&end).next()?;
    closed.split(&start).find_map(seconds_of)
}

/// The time in one part of an archive, where that is the timer.
fn seconds_of(part: &str) -> Option<Duration> {
    let (head, script) = part.split_once("\n\n")?;
    let kind = header(head, "content-type")?.split(';').next()?;
    if kind != "text/cloud-boothook" || !script.contains("poweroff") {
        return None;
    }
    let line = script
        .lines()
        .find_map(|line| line.trim().strip_prefix(BEFORE_SECONDS))?;
    let seconds = line.strip_suffix(AFTER_SECONDS)?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The value of a header, whose name may have any case.
fn header<'t>(head: &'t str, name: &str) -> Option<&'t str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "  deadline=$(( $(date +%s) + 600 ))\npoweroff\n";

    fn archive(kind: &str, script: &str) -> String {
        format!(
            "Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n\
             --B\nContent-Type: text/x-shellscript\n\n#!/bin/sh\n\
             --B\nContent-Type: {kind}; charset=\"utf-8\"\n\n{script}--B--\n"
        )
    }

    fn read(text: &str) -> Option<Duration> {
        timer(&STANDARD.encode(text))
    }

    #[test]
    fn the_boothook_of_an_archive_is_the_timer() {
        let expected = Some(Duration::from_mins(10));
        assert_eq!(read(&archive("text/cloud-boothook", LINE)), expected);
    }

    #[test]
    fn what_only_looks_like_the_timer_arms_nothing() {
        let sleepless = "deadline=$(( $(date +%s) + 600 ))\n";
        let odd = "deadline=$(( $(date +%s) + -1 ))\npoweroff\n";
        for text in [
            String::new(),
            LINE.to_owned(),
            format!("#!/bin/sh\n\n{LINE}"),
            archive("text/x-shellscript", LINE),
            archive("text/cloud-boothook", sleepless),
            archive("text/cloud-boothook", odd),
            archive("text/cloud-boothook", "poweroff\n"),
            archive("text/cloud-boothook", &format!("--B--\n{LINE}")),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
        assert_eq!(timer("no base64"), None);
    }
}
