//! The one clock of a history: it moves when nobody has anything left to do.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// When every history begins, in seconds since 1970.
const BEGINNING: i64 = 1_900_000_000;

/// The time of a history; a clock that goes wrong by `skew` seconds is an actor's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    start: Instant,
    skew: i64,
    /// By how much it has been set since.
    jumped: Option<&'static AtomicI64>,
}

impl Time {
    /// Begins now; must be called inside of the history's runtime.
    pub(super) fn begin() -> Self {
        Self {
            start: Instant::now(),
            skew: 0,
            jumped: None,
        }
    }

    /// The same clock, wrong by so many seconds.
    pub(super) fn skewed(self, skew: i64) -> Self {
        let jumped: &'static AtomicI64 = Box::leak(Box::default());
        Self {
            skew,
            jumped: Some(jumped),
            ..self
        }
    }

    /// Sets an actor's clock, by so many seconds.
    pub(super) fn jump(self, seconds: i64) {
        if let Some(jumped) = self.jumped {
            jumped.store(seconds, Ordering::Relaxed);
        }
    }

    /// What time it is.
    pub(super) fn now(self) -> Timestamp {
        let gone = SignedDuration::try_from(self.elapsed()).unwrap();
        let jumped = self
            .jumped
            .map_or(0, |jumped| jumped.load(Ordering::Relaxed));
        Timestamp::from_second(BEGINNING + self.skew + jumped).unwrap() + gone
    }

    /// How long ago that was, counted from the beginning.
    pub(super) fn since(self, then: Duration) -> Duration {
        self.elapsed().saturating_sub(then)
    }

    /// How long the history has lasted.
    pub(super) fn elapsed(self) -> Duration {
        self.start.elapsed()
    }
}

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        SystemTime::try_from(Self::now(*self)).unwrap()
    }
}
