//! Keeping a long command signed in: ahead of time, and between two requests.
//!
//! A session that renews by itself is renewed by the SDK's provider as well; whoever must
//! be asked for a code is asked here, while nothing new is begun and what was begun is
//! still covered by the session before. Where nobody can be asked, the command stops while
//! it can still tell what is alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use super::login::until;
use super::output::Output;
use super::sign_in::failed;
use crate::apply::Cancel;
use crate::cloud::Clock;
use crate::credentials::{AHEAD, Engine, Mode, SignInError, Signed};
use crate::render::{escape, good, warn};

/// How long before the end of a session a command stops that cannot go on after it: calls
/// in flight end within half a minute, and listing what is alive takes as long.
const STOPS: SignedDuration = SignedDuration::from_secs(90);
/// How soon AWS is asked again that could not be reached.
const AGAIN: Duration = Duration::from_secs(20);
/// How long it sleeps at a time: a machine that sleeps meanwhile has another clock after it.
const SLICE: Duration = Duration::from_secs(30);

/// Keeps a command signed in for as long as this lives.
pub(super) struct Keeper {
    task: Option<JoinHandle<()>>,
    has_ended: Arc<AtomicBool>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Keeper {
    /// Begins; where the SDK signs in by itself, there is nothing to do.
    pub(super) fn begin(
        engine: Option<&Arc<Engine>>,
        clock: &Clock,
        cancel: &Cancel,
        output: Output,
    ) -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let task = engine.map(|engine| {
            let watch = Watch {
                engine: Arc::clone(engine),
                clock: clock.clone(),
                cancel: cancel.clone(),
                has_ended: Arc::clone(&has_ended),
                output,
            };
            tokio::spawn(watch.run())
        });
        Self { task, has_ended }
    }

    /// Whether the command was stopped because its session ended.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }
}

struct Watch {
    engine: Arc<Engine>,
    clock: Clock,
    cancel: Cancel,
    has_ended: Arc<AtomicBool>,
    output: Output,
}

impl Watch {
    async fn run(self) {
        while let Some(expires) = self.engine.current().and_then(|signed| signed.expires) {
            self.sleep_until(expires, AHEAD).await;
            match self.engine.sign_in(Mode::Silent).await {
                Ok(signed) if signed.expires == Some(expires) && self.left(expires) <= STOPS => {
                    self.stop(expires, "nothing renews it").await;
                    return;
                }
                // A session that is shorter than we look ahead is not asked for in a ring.
                Ok(_) => tokio::time::sleep(AGAIN).await,
                Err(SignInError::Ended) if self.engine.can_ask() => {
                    if !self.ask(expires).await {
                        return;
                    }
                }
                Err(SignInError::Ended) => {
                    let why = "going on needs an MFA code: nobody can be asked for one here";
                    self.stop(expires, why).await;
                    return;
                }
                Err(error) => {
                    if self.left(expires) <= STOPS {
                        self.stop(expires, &why(&error)).await;
                        return;
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    /// Asks for a code while everybody waits; whether the command goes on.
    async fn ask(&self, expires: Timestamp) -> bool {
        self.cancel.hold();
        let now = self.clock.now();
        self.output.insist(&format!(
            "{} the session ends at {}: nothing new is begun until there is an MFA code",
            warn("note:"),
            until(expires, now)
        ));
        let stop = self.sleep_until(expires, STOPS);
        let signed = tokio::select! {
            signed = self.sign_in_at_last() => signed,
            () = stop => Err(SignInError::NotGiven),
            () = self.cancel.asked() => Err(SignInError::NotGiven),
        };
        match signed {
            Ok(signed) => {
                let end = signed.expires.map(|end| until(end, self.clock.now()));
                let end = end.map_or_else(String::new, |end| format!(" until {end}"));
                self.output.insist(&format!("{} signed in{end}", good("✓")));
                self.cancel.resume();
                true
            }
            Err(error) => {
                self.stop(expires, &why(&error)).await;
                false
            }
        }
    }

    /// Asks for a code, and again where AWS could not be reached with it.
    async fn sign_in_at_last(&self) -> Result<Signed, SignInError> {
        loop {
            match self.engine.sign_in(Mode::Ask).await {
                Err(error @ SignInError::Cloud(_)) => {
                    let text = failed(&error).text;
                    (self.output).insist(&format!("{} {}", warn("note:"), escape(&text)));
                    tokio::time::sleep(AGAIN).await;
                }
                done => return done,
            }
        }
    }

    /// Stops the command while it can still look at what is alive.
    async fn stop(&self, expires: Timestamp, why: &str) {
        if !self.cancel.is_asked() {
            self.output.insist(&format!(
                "{} the session ends at {}, and {}",
                warn("note:"),
                until(expires, self.clock.now()),
                escape(why)
            ));
            self.cancel.resume();
            self.sleep_until(expires, STOPS).await;
            self.output.insist(
                "stopping: what has been asked of AWS is finished first, and nothing new is begun",
            );
            self.has_ended.store(true, Ordering::SeqCst);
            self.cancel.ask();
        }
        self.cancel.resume();
    }

    fn left(&self, expires: Timestamp) -> SignedDuration {
        expires.duration_since(self.clock.now())
    }

    async fn sleep_until(&self, expires: Timestamp, before: SignedDuration) {
        while let Ok(left) = Duration::try_from(self.left(expires) - before)
            && !left.is_zero()
        {
            tokio::time::sleep(left.min(SLICE)).await;
        }
    }
}

/// Why it does not go on.
fn why(error: &SignInError) -> String {
    let text = failed(error).text;
    if error.is_of_a_code() {
        format!("going on needs an MFA code: {text}")
    } else {
        format!("it cannot be renewed: {text}")
    }
}
