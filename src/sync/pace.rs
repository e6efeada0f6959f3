//! How many requests are in flight: more while that moves more, fewer when S3 asks for it.
//!
//! What the best number is depends on the distance to the bucket: beside it 64 requests
//! fill two cores, and 30 ms away 256 move three times as much. So the number is found by
//! trying: it doubles for as long as that moves more, and goes back a step when it does not.
//! A number is tried until as many requests as it allows have ended twice over, so that a
//! near bucket is not kept waiting for what a far one needs. An answer that asks to slow
//! down halves it, once a round.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::report::FailureReason;

/// How many requests a run begins with.
const FIRST: usize = 32;
/// However often S3 asks to slow down, so many requests stay in flight.
const FEWEST: usize = 4;
/// How long one number is tried at most, and always after S3 has asked to slow down: what it
/// answers for a while still belongs to the number before.
const LONGEST_ROUND: Duration = Duration::from_millis(250);
/// How long one number is tried at least.
const SHORTEST_ROUND: Duration = Duration::from_millis(60);
/// How long a number stays after S3 has asked to slow down.
const REST_AFTER_SLOWING: Duration = Duration::from_secs(2);
/// How long a number stays that has been found.
const REST: Duration = Duration::from_secs(10);
/// A request counts as so many bytes beside those that it moves.
const BYTES_OF_A_REQUEST: u64 = 64 * 1024;

/// How many requests may be in flight, found by trying.
#[derive(Debug)]
pub(super) struct Pace {
    permits: Semaphore,
    /// How many permits are to vanish as soon as they come back.
    debt: AtomicUsize,
    moved: AtomicU64,
    /// How many requests have ended since the last round.
    ended: AtomicUsize,
    /// Whether a request or a file had to wait since the last round.
    waited: AtomicBool,
    /// Whether S3 asked to slow down since the last round.
    slowed: AtomicBool,
}

/// One request in flight.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    pace: &'a Pace,
    inner: Option<SemaphorePermit<'a>>,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let pays = |debt: usize| debt.checked_sub(1);
        let debt = &self.pace.debt;
        if debt
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, pays)
            .is_ok()
            && let Some(permit) = self.inner.take()
        {
            permit.forget();
        }
        self.pace.moved(BYTES_OF_A_REQUEST);
        self.pace.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Pace {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(FIRST.min(most)),
            debt: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
            ended: AtomicUsize::new(0),
            waited: AtomicBool::new(false),
            slowed: AtomicBool::new(false),
        })
    }

    /// Waits until one more request may be in flight.
    pub(super) async fn request(&self) -> Result<Permit<'_>, FailureReason> {
        let inner = if let Ok(permit) = self.permits.try_acquire() {
            permit
        } else {
            self.wait();
            // The semaphore lives as long as the run and is never closed.
            let permit = self.permits.acquire().await;
            permit.map_err(|_| FailureReason::Lost)?
        };
        Ok(Permit {
            pace: self,
            inner: Some(inner),
        })
    }

    /// Counts bytes that have been moved.
    pub(super) fn moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Hears that somebody has to wait for a turn.
    pub(super) fn wait(&self) {
        self.waited.store(true, Ordering::Relaxed);
    }

    /// Hears that S3 asks to slow down.
    pub(super) fn slow_down(&self) {
        self.slowed.store(true, Ordering::Relaxed);
    }

    /// Takes stock of a round that is over, and lets the next one have another number.
    pub(super) fn turn_when_due(&self, climb: &mut Climb) {
        let now = Instant::now();
        let lasted = now.duration_since(climb.begun);
        if self.is_due(climb, lasted) {
            climb.begun = now;
            self.turn(climb, lasted);
        }
    }

    /// Whether a round that has lasted so long is over.
    fn is_due(&self, climb: &Climb, lasted: Duration) -> bool {
        let has_shown = self.ended.load(Ordering::Relaxed) >= 2 * climb.limit
            && !self.slowed.load(Ordering::Relaxed);
        lasted >= LONGEST_ROUND || (has_shown && lasted >= SHORTEST_ROUND)
    }

    fn turn(&self, climb: &mut Climb, lasted: Duration) {
        let before = climb.limit;
        self.ended.store(0, Ordering::Relaxed);
        climb.turn(Round {
            lasted,
            moved: self.moved.swap(0, Ordering::Relaxed),
            waited: self.waited.swap(false, Ordering::Relaxed),
            slowed: self.slowed.swap(false, Ordering::Relaxed),
        });
        match climb.limit.checked_sub(before) {
            Some(more) => self.allow(more),
            None => {
                self.debt.fetch_add(before - climb.limit, Ordering::Relaxed);
            }
        }
    }

    fn allow(&self, more: usize) {
        // What is still owed is paid first.
        let owed = self
            .debt
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |debt| {
                Some(debt.saturating_sub(more))
            })
            .unwrap_or_default();
        self.permits.add_permits(more.saturating_sub(owed));
    }
}

/// What one round has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) lasted: Duration,
    /// Bytes that were moved, requests counted among them.
    pub(super) moved: u64,
    /// Whether a request or a file had to wait for its turn.
    pub(super) waited: bool,
    /// Whether S3 asked to slow down.
    pub(super) slowed: bool,
}

/// The search for the best number of requests in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Climb {
    limit: usize,
    most: usize,
    /// What the last round moved, in bytes a second, while the number still grows.
    last: Option<u128>,
    /// For how long the number stays as it is.
    rest: Duration,
    /// When this round began.
    begun: Instant,
}

impl Round {
    /// Bytes a second.
    fn rate(&self) -> u128 {
        u128::from(self.moved) * 1_000_000 / self.lasted.as_micros().max(1)
    }
}

impl Climb {
    pub(super) fn new(most: usize) -> Self {
        Self {
            limit: FIRST.min(most),
            most,
            last: None,
            rest: Duration::ZERO,
            begun: Instant::now(),
        }
    }

    /// How many workers there are: a few more than have a request in flight, because some of
    /// them read or write.
    pub(super) fn workers(&self) -> usize {
        self.limit + self.limit / 8 + 1
    }

    /// Decides on the number for the next round.
    ///
    /// | the round | the next number |
    /// |---|---|
    /// | S3 asked to slow down | half, at least 4, for two seconds |
    /// | resting, or nobody had to wait | the same |
    /// | moved 10 percent more a second than the one before | twice, up to the most |
    /// | moved less than that | a step back, for ten seconds |
    fn turn(&mut self, round: Round) {
        if round.slowed {
            self.limit = (self.limit / 2).clamp(FEWEST.min(self.most), self.most);
            self.rest = REST_AFTER_SLOWING;
            self.last = None;
            return;
        }
        if !self.rest.is_zero() {
            self.rest = self.rest.saturating_sub(round.lasted);
            return;
        }
        if !round.waited {
            self.last = None;
            return;
        }
        let rate = round.rate();
        let grew = self.last.is_none_or(|last| rate * 10 > last * 11);
        if grew && self.limit < self.most {
            self.last = Some(rate);
            self.limit = (self.limit * 2).min(self.most);
        } else if grew {
            self.last = Some(rate);
            self.rest = REST;
        } else {
            self.limit = (self.limit / 2).max(FEWEST.min(self.most));
            self.last = None;
            self.rest = REST;
        }
    }
}

/// Hears what S3 answers to each attempt, those among them that the SDK repeats by itself.
#[derive(Debug, Clone)]
pub(super) struct Ear(pub(super) Arc<Pace>);

impl Intercept for Ear {
    fn name(&self) -> &'static str {
        "Ear"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _configuration: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // `SlowDown` and `ServiceUnavailable` are 503s, and 429 is what others say (S3 API,
        // error responses).
        if matches!(context.response().status().as_u16(), 429 | 503) {
            self.0.slow_down();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Round = Round {
        lasted: LONGEST_ROUND,
        moved: 100,
        waited: true,
        slowed: false,
    };

    fn after(climb: &mut Climb, rounds: &[Round]) -> usize {
        for round in rounds {
            climb.turn(*round);
        }
        climb.limit
    }

    fn moving(moved: u64) -> Round {
        Round { moved, ..BUSY }
    }

    #[test]
    fn it_grows_while_that_moves_more_and_goes_a_step_back_when_not() {
        let mut climb = Climb::new(256);
        assert_eq!(after(&mut climb, &[moving(100)]), 64);
        assert_eq!(after(&mut climb, &[moving(150)]), 128);
        assert_eq!(after(&mut climb, &[moving(160)]), 64);
        assert_eq!(after(&mut climb, &[moving(900); 40]), 64, "it rests");
        assert_eq!(after(&mut climb, &[moving(160)]), 128, "and tries again");
        let mut climb = Climb::new(100);
        assert_eq!(after(&mut climb, &[moving(100), moving(200)]), 100);
    }

    #[test]
    fn rounds_of_another_length_are_compared_by_what_they_move_a_second() {
        let mut climb = Climb::new(256);
        let short = Round {
            lasted: LONGEST_ROUND / 4,
            ..moving(30)
        };
        assert_eq!(after(&mut climb, &[moving(100), short]), 128);
        let long = Round {
            lasted: LONGEST_ROUND * 2,
            ..moving(120)
        };
        assert_eq!(after(&mut climb, &[long]), 64);
    }

    #[tokio::test]
    async fn a_round_is_over_when_it_has_shown_enough() {
        let (pace, climb) = (Pace::new(256), Climb::new(256));
        let is_due = |lasted| pace.is_due(&climb, lasted);
        assert!(!is_due(LONGEST_ROUND.mul_f32(0.9)));
        assert!(is_due(LONGEST_ROUND));
        for _ in 0..2 * FIRST {
            assert!(!is_due(SHORTEST_ROUND));
            drop(pace.request().await.unwrap());
        }
        assert!(is_due(SHORTEST_ROUND));
        assert!(!is_due(SHORTEST_ROUND.mul_f32(0.9)));
        pace.slow_down();
        assert!(!is_due(SHORTEST_ROUND));
        assert!(is_due(LONGEST_ROUND));
    }

    #[test]
    fn nobody_who_waits_for_nothing_needs_more() {
        let idle = Round {
            waited: false,
            ..BUSY
        };
        assert_eq!(after(&mut Climb::new(256), &[idle; 9]), 32);
    }

    #[test]
    fn asked_to_slow_down_it_halves_and_stays_for_a_while() {
        let slow = Round {
            slowed: true,
            ..BUSY
        };
        let mut climb = Climb::new(256);
        assert_eq!(after(&mut climb, &[slow]), 16);
        assert_eq!(after(&mut climb, &[BUSY; 8]), 16);
        assert_eq!(after(&mut climb, &[BUSY]), 32);
        assert_eq!(after(&mut climb, &[slow; 9]), FEWEST);
        assert_eq!(after(&mut Climb::new(2), &[slow; 9]), 2);
    }

    #[tokio::test]
    async fn permits_follow_the_number() {
        let (pace, mut climb) = (Pace::new(256), Climb::new(256));
        let mut held = Vec::new();
        for _ in 0..FIRST {
            held.push(pace.request().await.unwrap());
        }
        assert!(pace.permits.try_acquire().is_err());
        pace.wait();
        pace.turn(&mut climb, LONGEST_ROUND);
        assert_eq!(pace.permits.available_permits(), 32);
        pace.slowed.store(true, Ordering::Relaxed);
        pace.turn(&mut climb, LONGEST_ROUND);
        assert_eq!(climb.limit, 32);
        drop(held);
        assert_eq!(
            pace.permits.available_permits(),
            32,
            "what was too much is gone"
        );
    }
}
