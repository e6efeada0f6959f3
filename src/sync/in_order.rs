//! Puts transfers in the order of their keys as they come.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::plan::Transfer;
use super::transfers::Transfers;

/// How many are held back for one that comes a little late.
const NEAR: usize = 1024;

/// Transfers that come nearly in order: what has to be read before it is judged comes behind
/// others, and what has to be asked about comes last.
#[derive(Default)]
pub(super) struct InOrder {
    near: BTreeSet<ByKey>,
    passed: Transfers,
    /// The last key that has passed.
    last: String,
    late: Vec<Transfer>,
}

/// A transfer that stands for its key.
struct ByKey(Transfer);

impl InOrder {
    /// Takes one in, whose key no other has.
    pub(super) fn add(&mut self, transfer: Transfer) {
        self.near.insert(ByKey(transfer));
        if self.near.len() > NEAR
            && let Some(ByKey(first)) = self.near.pop_first()
        {
            self.pass(first);
        }
    }

    fn pass(&mut self, transfer: Transfer) {
        if self.passed.is_empty() || self.last < transfer.key {
            transfer.key.clone_into(&mut self.last);
            self.passed.push(&transfer);
        } else {
            self.late.push(transfer);
        }
    }

    /// All of them in order.
    pub(super) fn finish(mut self) -> Transfers {
        while let Some(ByKey(first)) = self.near.pop_first() {
            self.pass(first);
        }
        if self.late.is_empty() {
            return self.passed;
        }
        self.late
            .sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let mut late = self.late.into_iter().peekable();
        let mut all = Transfers::new();
        for transfer in self.passed {
            while let Some(before) = late.next_if(|late| late.key < transfer.key) {
                all.push(&before);
            }
            all.push(&transfer);
        }
        all.extend(late);
        all
    }
}

impl Ord for ByKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl PartialOrd for ByKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Change, Origin};

    fn transfer(number: usize) -> Transfer {
        Transfer {
            key: format!("{number:06}"),
            bytes: 0,
            change: Change::New,
            origin: Origin::File {
                modified: jiff::Timestamp::UNIX_EPOCH,
            },
        }
    }

    #[test]
    fn however_late_they_come_they_are_in_order() {
        let ahead = |number: usize| number % 100 == 7;
        let much_later = |number: usize| number % 1000 == 500;
        let many = 5 * NEAR;
        for (at_once, is_late) in [(3, ahead as fn(usize) -> bool), (many, much_later)] {
            let mut list = InOrder::default();
            let mut waiting = Vec::new();
            for number in 0..many {
                if is_late(number) {
                    waiting.push(number);
                } else {
                    list.add(transfer(number));
                }
                if waiting.len() > at_once {
                    waiting.drain(..).for_each(|late| list.add(transfer(late)));
                }
            }
            if at_once < NEAR {
                assert!(list.late.is_empty(), "they were held back for");
            }
            waiting.drain(..).for_each(|late| list.add(transfer(late)));
            let all: Vec<Transfer> = list.finish().into_iter().collect();
            assert_eq!(all, (0..many).map(transfer).collect::<Vec<_>>());
        }
        assert!(InOrder::default().finish().is_empty());
    }
}
