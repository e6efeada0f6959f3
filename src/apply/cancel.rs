//! A wish to stop, or to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether the user asked to stop: calls in flight finish, nothing new begins.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    asked: AtomicBool,
    held: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// Asks everybody who looks to stop.
    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::SeqCst)
    }

    /// Asks everybody who looks to wait: until [`Self::resume`], nothing new begins.
    pub fn hold(&self) {
        self.0.held.store(true, Ordering::SeqCst);
    }

    /// Lets everybody who waits go on.
    pub fn resume(&self) {
        self.0.held.store(false, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Waits while others are to wait; whoever is to stop does not wait for that.
    pub async fn unheld(&self) {
        loop {
            let notified = self.0.notify.notified();
            if !self.0.held.load(Ordering::SeqCst) || self.is_asked() {
                return;
            }
            notified.await;
        }
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        loop {
            let notified = self.0.notify.notified();
            if self.is_asked() {
                return;
            }
            notified.await;
        }
    }
}
