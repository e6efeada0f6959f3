//! A listing in stretches that are asked for side by side and come out in order.
//!
//! A page names where the next one begins, so pages of one listing come one after the
//! other, a round trip each. Whoever knows some of the keys beforehand can begin in many
//! places at once. A journal knows them: it remembers every so many keys, and between two
//! of those is a stretch of about two pages, whatever has changed since.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::branches;
use super::list::{Listed, Listing};
use super::merge::Batch;

/// How many keys of a journal lie between two marks: two pages of a listing. Tests have
/// fewer keys, and are to have stretches all the same.
pub(super) const KEYS_OF_A_STRETCH: u64 = if cfg!(test) { 6 } else { 2000 };

/// How many stretches are asked for at a time.
const STRETCHES_AT_ONCE: usize = 8;

/// How many pages of a stretch may wait for their turn, beside the one that is being read.
const PAGES_AHEAD: usize = 1;

/// How the pages of a stretch are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// One after the other: the stretch is known to be short.
    Plainly,
    /// In stretches of their own, where there turn out to be many. Only of the first stretch
    /// so many are taken: no other is read ahead as far.
    Branching,
}

/// The marks that a listing can be cut at: full keys in order.
///
/// Nothing where they are not in order.
pub(super) fn marks(prefix: &str, known: &[String]) -> Vec<String> {
    let ordered = known.windows(2).all(|pair| pair[0] < pair[1]);
    if !ordered {
        return Vec::new();
    }
    known.iter().map(|key| format!("{prefix}{key}")).collect()
}

/// Sends the pages of all stretches in the order of the stretches, and then that there are no
/// more.
///
/// An error is the last thing sent, and what comes after its stretch is not.
pub(super) async fn send_all(
    stretches: Vec<Listing>,
    how: How,
    pages: mpsc::Sender<Batch<Listed>>,
) {
    if send_some(stretches, how, &pages).await {
        let _gone = pages.send(Ok(None)).await;
    }
}

/// Does the same without an end; whether there may be more.
pub(super) async fn send_some(
    stretches: Vec<Listing>,
    how: How,
    pages: &mpsc::Sender<Batch<Listed>>,
) -> bool {
    let mut waiting = stretches.into_iter();
    let mut begun: VecDeque<mpsc::Receiver<Batch<Listed>>> = VecDeque::new();
    loop {
        while begun.len() < STRETCHES_AT_ONCE
            && let Some(listing) = waiting.next()
        {
            let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
            // It ends with its stretch, or when nobody listens any more.
            match how {
                How::Plainly => tokio::spawn(listing.send_to(sender)),
                How::Branching => tokio::spawn(branches::send(listing, sender)),
            };
            begun.push_back(receiver);
        }
        let Some(mut first) = begun.pop_front() else {
            return true;
        };
        loop {
            match first.recv().await {
                Some(Ok(None)) => break,
                Some(Ok(Some(page))) => {
                    if pages.send(Ok(Some(page))).await.is_err() {
                        return false;
                    }
                }
                Some(Err(error)) => {
                    let _gone = pages.send(Err(error)).await;
                    return false;
                }
                // A stretch that ends without saying so is no end: nor is this.
                None => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_are_in_no_order_are_none() {
        let known = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        let some = known(&["a", "b/c"]);
        assert_eq!(marks("set/", &some), ["set/a", "set/b/c"]);
        for wrong in [known(&["b", "a"]), known(&["a", "a"])] {
            assert!(marks("", &wrong).is_empty(), "{wrong:?}");
        }
    }
}
