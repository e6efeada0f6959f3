//! What the steps of one run leave for the steps after them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::resource::{Address, Candidate, GroupName, InstanceId};

/// The group of a launch, and the fewest instances that it takes.
type Size<'a> = (&'a GroupName, u32);

/// A refusal for lack of capacity.
#[derive(Debug)]
struct Refused {
    at: Instant,
    /// The fewest instances that would have done.
    least: u32,
    why: String,
}

/// Ids of what was made, and what was refused a moment ago.
///
/// It lives as long as one command: nothing has to be kept for the next.
#[derive(Debug, Default)]
pub struct Memory {
    made: Mutex<BTreeMap<Address, String>>,
    launched: Mutex<BTreeMap<GroupName, BTreeMap<u32, InstanceId>>>,
    refused: Mutex<BTreeMap<(Candidate, GroupName), Refused>>,
    turns: Mutex<BTreeMap<Candidate, Arc<tokio::sync::Mutex<()>>>>,
}

impl Memory {
    /// Notes the id of what a step has made.
    pub(super) fn made(&self, address: &Address, id: String) {
        held(&self.made).insert(address.clone(), id);
    }

    /// The id of what an earlier step has made.
    pub(super) fn id_of(&self, address: &Address) -> Option<String> {
        held(&self.made).get(address).cloned()
    }

    /// Notes who was launched.
    pub(super) fn launched(
        &self,
        group: &GroupName,
        members: impl IntoIterator<Item = (u32, InstanceId)>,
    ) {
        held(&self.launched)
            .entry(group.clone())
            .or_default()
            .extend(members);
    }

    /// Who of a group was launched.
    pub(super) fn members(&self, group: &GroupName) -> BTreeMap<u32, InstanceId> {
        held(&self.launched).get(group).cloned().unwrap_or_default()
    }

    /// Waits until no other launch of this run asks for the same candidate.
    ///
    /// Batches of a group are launched side by side; what one is refused, the others
    /// need not ask for.
    pub(super) async fn turn(&self, candidate: &Candidate) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = held(&self.turns);
            Arc::clone(turns.entry(candidate.clone()).or_default())
        };
        turn.lock_owned().await
    }

    /// Notes that there was no capacity for a launch, and why.
    pub(super) fn refused(&self, candidate: &Candidate, (group, least): Size<'_>, why: &str) {
        let refused = Refused {
            at: Instant::now(),
            least,
            why: why.to_owned(),
        };
        held(&self.refused).insert((candidate.clone(), group.clone()), refused);
    }

    /// Why a launch need not ask for a candidate, if so: it was refused to the same group,
    /// or to another one that would have taken no more, not longer ago than `window`.
    pub(super) fn refusal(
        &self,
        candidate: &Candidate,
        (group, least): Size<'_>,
        window: Duration,
    ) -> Option<String> {
        let all = held(&self.refused);
        let mut refused = all.iter().filter(|((known, _), _)| known == candidate);
        let holds = |((_, other), refused): &(&(_, GroupName), &Refused)| {
            refused.at.elapsed() < window && (other == group || refused.least <= least)
        };
        refused
            .find(holds)
            .map(|(_, Refused { why, .. })| why.clone())
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Purchase;

    #[test]
    fn a_refusal_holds_for_its_group_and_for_launches_that_are_no_smaller() {
        let memory = Memory::default();
        let candidate = |kind: &str| Candidate {
            instance_type: kind.to_owned(),
            purchase: Purchase::Spot,
            zone: None,
        };
        let [worker, other] = ["worker", "other"].map(GroupName::new);
        let (large, window) = (candidate("p4d.24xlarge"), Duration::from_mins(3));
        memory.refused(&large, (&worker, 8), "none left");
        let refusal = |group, least| memory.refusal(&large, (group, least), window);
        assert_eq!(refusal(&worker, 8).as_deref(), Some("none left"));
        assert_eq!(refusal(&worker, 1).as_deref(), Some("none left"));
        assert_eq!(refusal(&other, 8).as_deref(), Some("none left"));
        assert_eq!(refusal(&other, 9).as_deref(), Some("none left"));
        assert_eq!(refusal(&other, 7), None);
        let small = candidate("g5.xlarge");
        assert_eq!(memory.refusal(&small, (&worker, 8), window), None);
        let over = memory.refusal(&large, (&worker, 8), Duration::ZERO);
        assert_eq!(over, None);
    }
}
