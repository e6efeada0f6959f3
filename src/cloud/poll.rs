//! Waiting for AWS: own waiters, with a stated bound.

use std::time::Duration;

use tokio::time::Instant;

use crate::apply::Cancel;
use crate::resource::ROUND_SECONDS;

/// How often to look and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first pause; each further one is half as long again.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long launched instances may take to run.
    pub running: Duration,
    /// How long stopping may take.
    pub stopped: Duration,
    /// How long terminating may take; large GPU machines take many minutes.
    pub terminated: Duration,
    /// For how long listings are watched before their silence is believed.
    pub settle: Duration,
    /// For how long a refusal for lack of capacity is remembered, and how long a wait pauses.
    pub round: Duration,
    /// For how long after a launch some of its instances may be missing from listings.
    pub visible: Duration,
}

impl Pace {
    /// For AWS (EC2 API, eventual consistency: from a couple of seconds to some minutes).
    pub const AWS: Self = Self {
        first: Duration::from_millis(500),
        longest: Duration::from_secs(5),
        running: Duration::from_mins(10),
        stopped: Duration::from_mins(10),
        terminated: Duration::from_mins(20),
        settle: Duration::from_secs(30),
        round: Duration::from_secs(ROUND_SECONDS),
        visible: Duration::from_mins(5),
    };

    /// For a cloud on this machine, whose delays are its own and short.
    pub const LOCAL: Self = Self {
        first: Duration::from_millis(50),
        longest: Duration::from_millis(250),
        settle: Duration::from_secs(1),
        round: Duration::from_millis(500),
        visible: Duration::from_secs(5),
        ..Self::AWS
    };
}

/// A wait with its bound.
pub(super) struct Wait {
    pause: Duration,
    longest: Duration,
    until: Instant,
}

/// Why a wait ended without what was waited for.
pub(super) enum GaveUp {
    TimedOut,
    Cancelled,
}

impl Wait {
    pub(super) fn new(pace: &Pace, bound: Duration) -> Self {
        Self {
            pause: pace.first,
            longest: pace.longest,
            until: Instant::now() + bound,
        }
    }

    /// Pauses before the next look.
    pub(super) async fn pause(&mut self, cancel: &Cancel) -> Result<(), GaveUp> {
        if cancel.is_asked() {
            return Err(GaveUp::Cancelled);
        }
        if Instant::now() >= self.until {
            return Err(GaveUp::TimedOut);
        }
        tokio::select! {
            () = tokio::time::sleep(self.pause) => {}
            () = cancel.asked() => return Err(GaveUp::Cancelled),
        }
        let before = Instant::now();
        cancel.unheld().await;
        // What is waited for goes on meanwhile, and nobody looks.
        self.until += before.elapsed();
        self.pause = (self.pause + self.pause / 2).min(self.longest);
        Ok(())
    }

    /// Pauses before the next look, whether or not anybody asked to stop.
    pub(super) async fn pause_through(&mut self) -> Result<(), GaveUp> {
        self.pause(&Cancel::default()).await
    }
}
