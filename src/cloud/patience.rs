//! For how long AWS is asked again: the one retry layer there is.
//!
//! Nothing around a call tries it again by itself. Every call has an end: that of its
//! patience. No quota is shared between calls, so that listings which fail in a storm of
//! throttling take nothing from the call that terminates.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_ec2::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::http::StatusCode;
use tokio::time::Instant;

/// The pause after the first failed attempt, at most; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts of a control call.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// The same for the call that ends instances.
const FIRST_IN_LINE: Duration = Duration::from_secs(4);
/// How often an impatient call is tried: enough for a short storm of throttling.
const ATTEMPTS: u32 = 6;
/// More attempts than fit into any patience, whose pauses are two seconds on average at
/// the least: what ends the call is its time. The SDK counts them all before each call, so
/// there are no more than that.
const ANY_ATTEMPTS: u32 = 600;
/// How long nothing at all may be reached: that is no storm, but a network that is down
/// or a wrong address.
const OUT_OF_REACH: Duration = Duration::from_mins(1);
/// How often a command says that AWS keeps it waiting.
const NOTICE: Duration = Duration::from_secs(30);

/// For how long a control call is tried while AWS is busy or out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Patience {
    /// Six attempts within three minutes, for whoever can come back later.
    Brief,
    /// Fifteen minutes, for whoever must end what costs money: longer than storms of
    /// throttling last.
    Steadfast,
}

impl Patience {
    /// How long one call may take with all its attempts.
    pub const fn longest(self) -> Duration {
        match self {
            Self::Brief => Duration::from_mins(3),
            Self::Steadfast => Duration::from_mins(15),
        }
    }

    /// How a call is tried again: ever more slowly, until its time is over.
    pub(super) fn retries(self) -> RetryConfig {
        let attempts = match self {
            Self::Brief => ATTEMPTS,
            Self::Steadfast => ANY_ATTEMPTS,
        };
        RetryConfig::standard()
            .with_max_attempts(attempts)
            .with_initial_backoff(FIRST_PAUSE)
            .with_max_backoff(LONGEST_PAUSE)
    }
}

/// How the call that ends instances is tried again, whoever makes it: for as long as its
/// time lasts, and more often than any other, so that it gets through first when a storm
/// of throttling ends.
pub(super) fn first_in_line() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ANY_ATTEMPTS)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(FIRST_IN_LINE)
}

/// No quota of retries: the SDK's own is shared by all calls of a process, and empty
/// after a hundred refusals, whichever call they were for.
pub(crate) fn own_quota() -> RetryPartition {
    let unlimited = TokenBucket::unlimited();
    let partition = RetryPartition::custom("trainyard");
    partition.token_bucket(unlimited).build()
}

/// Takes a few words on why AWS keeps a command waiting.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// Sees every failed attempt: says that AWS keeps us waiting, and gives up on a network
/// that is not there at all.
#[derive(Clone)]
pub(super) struct Trouble {
    state: Arc<Mutex<State>>,
    notice: Option<Notice>,
}

#[derive(Debug, Default)]
struct State {
    /// Since when attempts have failed, and nothing else.
    failing: Option<Instant>,
    /// Since when nobody was reached.
    unreached: Option<Instant>,
    said: Option<Instant>,
}

impl Trouble {
    pub(super) fn new(notice: Option<Notice>) -> Self {
        Self {
            state: Arc::default(),
            notice,
        }
    }

    /// Takes note of an attempt, and tells whether another one makes sense.
    fn note(&self, failure: Option<Failure>) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failure) = failure else {
            *state = State::default();
            return true;
        };
        let failing = *state.failing.get_or_insert(now);
        let last = state.said.unwrap_or(failing);
        let say = now.duration_since(last) >= NOTICE;
        if say {
            state.said = Some(now);
        }
        let sense = match failure {
            Failure::Unreached => {
                let since = *state.unreached.get_or_insert(now);
                now.duration_since(since) < OUT_OF_REACH
            }
            Failure::Answered => {
                state.unreached = None;
                true
            }
        };
        drop(state);
        if let Some(notice) = self.notice.as_ref().filter(|_| say && sense) {
            notice(match failure {
                Failure::Unreached => "AWS cannot be reached; still trying",
                Failure::Answered => "AWS is busy or out of order; still trying",
            });
        }
        sense
    }
}

impl std::fmt::Debug for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Trouble")
    }
}

/// How an attempt came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// No connection was made, or it broke.
    Unreached,
    /// There was an answer, or none in time.
    Answered,
}

impl ClassifyRetry for Trouble {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failure = match context.output_or_error() {
            Some(Err(error)) if error.is_connector_error() => Some(Failure::Unreached),
            Some(Err(error)) if error.is_operation_error() => {
                // A refusal is an answer like any other; only a server in trouble has
                // these.
                let status = context.response().map(HttpResponse::status);
                status
                    .is_some_and(StatusCode::is_server_error)
                    .then_some(Failure::Answered)
            }
            Some(Err(_)) => Some(Failure::Answered),
            Some(Ok(_)) | None => None,
        };
        if self.note(failure) {
            RetryAction::NoActionIndicated
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "trouble"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_network_that_is_down_is_given_up_and_a_busy_aws_is_not() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&said);
        let notice: Notice =
            Arc::new(move |text: &str| lines.lock().unwrap().push(text.to_owned()));
        let trouble = Trouble::new(Some(notice));
        for _ in 0..40 {
            assert!(trouble.note(Some(Failure::Answered)));
            tokio::time::advance(Duration::from_secs(20)).await;
        }
        let busy = said.lock().unwrap().len();
        assert!((15..30).contains(&busy), "{busy}");
        assert!(trouble.note(Some(Failure::Unreached)));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(trouble.note(Some(Failure::Unreached)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!trouble.note(Some(Failure::Unreached)));
        // Whoever is reached again begins anew.
        assert!(trouble.note(None));
        assert!(trouble.note(Some(Failure::Unreached)));
    }

    #[test]
    fn the_call_that_terminates_waits_less_than_any_other() {
        let others = Patience::Steadfast.retries().max_backoff();
        assert!(first_in_line().max_backoff() < others);
        assert!(Patience::Brief.longest() < Patience::Steadfast.longest());
    }
}
