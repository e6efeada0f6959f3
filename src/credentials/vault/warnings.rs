//! What people should know of a cache.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Sentences for people, each said once.
#[derive(Debug, Default)]
pub(super) struct Warnings(Mutex<Sentences>);

#[derive(Debug, Default)]
struct Sentences {
    fresh: Vec<String>,
    said: BTreeSet<String>,
}

impl Warnings {
    /// Adds a sentence, unless it was said before.
    pub(super) fn say(&self, sentence: String) {
        let mut sentences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sentences.said.insert(sentence.clone()) {
            sentences.fresh.push(sentence);
        }
    }

    /// Gives what was added since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        let mut sentences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut sentences.fresh)
    }
}
