//! What the server can be told to do worse than it could.
//!
//! `POST /_ctl?name=value&…` sets what it names and leaves the rest; `clear=1` first
//! takes all back. Shares are in percent of the requests they can befall, and every
//! attempt is drawn anew, so that retries get through.
//!
//! | name | meaning |
//! |---|---|
//! | `latency_ms` | time before each reply |
//! | `list_latency_ms` | the same for listings, in its place; 0: no other |
//! | `conn_mbps` | megabytes (10^6 bytes) a second, each connection and direction |
//! | `slowdown` | share answered with 503 `SlowDown` |
//! | `err500` | share answered with 500 `InternalError` |
//! | `reset` | share whose connection is reset instead of a reply |
//! | `truncate` | share of object bodies that end in the middle |
//! | `flip` | share of object bodies with one byte changed |
//! | `expire_after` | after so many requests every other gets `ExpiredToken`; 0: never |
//! | `list_fail_after` | after so many listings every other gets `AccessDenied`; 0: never |
//! | `sink` | 1: bodies of parts are counted and dropped; read again they are zeros |
//! | `md5` | 1: entity tags are MD5 as on S3, at the price of its time |

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{ACCESS_DENIED, EXPIRED_TOKEN, INTERNAL_ERROR, S3Error, SLOW_DOWN};
use crate::operation::Operation;
use crate::query::Query;

/// Names of the settings, in the order of [`Setting`].
const NAMES: [&str; 12] = [
    "latency_ms",
    "list_latency_ms",
    "conn_mbps",
    "slowdown",
    "err500",
    "reset",
    "truncate",
    "flip",
    "expire_after",
    "list_fail_after",
    "sink",
    "md5",
];

#[derive(Clone, Copy)]
enum Setting {
    Latency,
    ListLatency,
    Megabytes,
    SlowDown,
    Error500,
    Reset,
    Truncate,
    Flip,
    ExpireAfter,
    ListFailAfter,
    Sink,
    Md5,
}

/// What is to befall one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This error instead of a reply.
    Error(S3Error),
    /// A reset connection instead of a reply.
    Reset,
    /// Half of the reply's body.
    Truncate,
    /// A reply's body with one byte changed.
    Flip,
}

/// The settings, as they are now.
#[derive(Default)]
pub(crate) struct Control {
    settings: [AtomicU64; NAMES.len()],
    draws: AtomicU64,
    requests: AtomicU64,
    listings: AtomicU64,
}

impl Control {
    /// Sets what `query` names.
    pub(crate) fn set(&self, query: &Query) -> Result<(), String> {
        if query.has("clear") {
            self.clear();
        }
        for (name, value) in query.pairs().filter(|(name, _)| *name != "clear") {
            let position = NAMES
                .iter()
                .position(|known| *known == name)
                .ok_or_else(|| format!("no setting is called `{name}`"))?;
            let value = value
                .parse()
                .map_err(|_| format!("`{value}` is no whole number"))?;
            self.settings[position].store(value, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes all settings back, and starts counting anew.
    pub(crate) fn clear(&self) {
        for setting in &self.settings {
            setting.store(0, Ordering::Relaxed);
        }
        self.requests.store(0, Ordering::Relaxed);
        self.listings.store(0, Ordering::Relaxed);
    }

    /// How fast a connection may be in each direction; 0 is no limit.
    #[expect(
        clippy::cast_precision_loss,
        reason = "no connection is faster than 2^52 bytes a second"
    )]
    pub(crate) fn bytes_per_second(&self) -> f64 {
        self.get(Setting::Megabytes) as f64 * 1e6
    }

    /// How long a reply is to take after its request has been read.
    pub(crate) fn latency(&self, operation: Operation) -> Duration {
        let own = if operation == Operation::ListObjects {
            self.get(Setting::ListLatency)
        } else {
            0
        };
        Duration::from_millis(if own > 0 {
            own
        } else {
            self.get(Setting::Latency)
        })
    }

    /// Whether the bodies of parts are to be dropped.
    pub(crate) fn sink(&self) -> bool {
        self.get(Setting::Sink) > 0
    }

    /// Whether entity tags are to be MD5.
    pub(crate) fn md5(&self) -> bool {
        self.get(Setting::Md5) > 0
    }

    /// What is to befall the next request.
    pub(crate) fn draw(&self, operation: Operation) -> Option<Fault> {
        let listing = matches!(operation, Operation::ListObjects);
        if self.is_past(Setting::ExpireAfter, &self.requests) {
            return Some(Fault::Error(EXPIRED_TOKEN));
        }
        if listing && self.is_past(Setting::ListFailAfter, &self.listings) {
            return Some(Fault::Error(ACCESS_DENIED));
        }
        let carries_object = matches!(operation, Operation::GetObject);
        [
            (Setting::Reset, Fault::Reset, true),
            (Setting::SlowDown, Fault::Error(SLOW_DOWN), true),
            (Setting::Error500, Fault::Error(INTERNAL_ERROR), true),
            (Setting::Truncate, Fault::Truncate, carries_object),
            (Setting::Flip, Fault::Flip, carries_object),
        ]
        .into_iter()
        .find(|(setting, _, fits)| *fits && self.falls(*setting))
        .map(|(_, fault, _)| fault)
    }

    fn get(&self, setting: Setting) -> u64 {
        self.settings[setting as usize].load(Ordering::Relaxed)
    }

    fn is_past(&self, setting: Setting, counter: &AtomicU64) -> bool {
        let limit = self.get(setting);
        limit > 0 && counter.fetch_add(1, Ordering::Relaxed) >= limit
    }

    fn falls(&self, setting: Setting) -> bool {
        let percent = self.get(setting);
        percent > 0 && scatter(self.draws.fetch_add(1, Ordering::Relaxed)) % 100 < percent
    }
}

/// Numbers that look drawn by lot and are the same in every run (splitmix64).
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Control, Fault, SLOW_DOWN};
    use crate::operation::Operation;
    use crate::query::Query;

    #[test]
    fn a_share_befalls_about_that_many() {
        let control = Control::default();
        control.set(&Query::parse("slowdown=20")).unwrap();
        let slow = (0..10_000)
            .filter(|_| control.draw(Operation::PutObject) == Some(Fault::Error(SLOW_DOWN)))
            .count();
        assert!((1_800..2_200).contains(&slow), "{slow}");
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(Control::default().set(&Query::parse("latency=3")).is_err());
    }
}
