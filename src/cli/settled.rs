//! Waiting until listings show what an apply has done: a plan that follows must not miss it.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::session::Session;
use crate::apply::{ApplyReport, Cancel, Outcome};
use crate::cloud::observe_network;
use crate::plan::{Action, Observed, Plan, Step};
use crate::resource::{InstanceId, LiveInstance};

/// What is listed, once that shows what a run has made, launched and ended.
///
/// EC2 finds what is fresh by its tags late, and shows old states for a while (EC2 API,
/// eventual consistency). A listing that fails here costs a table, and the next plan looks
/// again.
pub(super) async fn observe_settled(
    session: &Session,
    plan: &Plan,
    report: &ApplyReport,
    cancel: &Cancel,
) -> Option<Observed> {
    let expected = Expected::of(plan, report);
    let until = Instant::now() + session.pace.visible;
    loop {
        let observed = session.observe().await.ok();
        let listed = observed.as_ref().is_some_and(|seen| expected.lists(seen));
        let is_settled = listed && expected.network_is_listed(session).await;
        if is_settled || cancel.is_asked() || Instant::now() >= until {
            return observed;
        }
        tokio::select! {
            biased;
            () = cancel.asked() => {}
            () = tokio::time::sleep(session.pace.longest) => {}
        }
    }
}

/// The instances that steps which succeeded have left running.
pub(super) fn left_running(report: &ApplyReport) -> impl Iterator<Item = &LiveInstance> {
    let outcomes = report.outcomes.values();
    outcomes
        .filter_map(|outcome| match outcome {
            Outcome::Done(done) => Some(&done.instances),
            Outcome::Failed(_) | Outcome::Skipped { .. } | Outcome::Cancelled => None,
        })
        .flatten()
}

/// What a listing has to show.
struct Expected<'a> {
    launched: BTreeSet<&'a InstanceId>,
    ended: BTreeSet<&'a InstanceId>,
    /// The names of the groups and keys that were made.
    made: BTreeSet<&'a str>,
}

impl<'a> Expected<'a> {
    fn of(plan: &'a Plan, report: &'a ApplyReport) -> Self {
        let is_done =
            |step: &&Step| matches!(report.outcomes.get(&step.id), Some(Outcome::Done(_)));
        let done: Vec<&Step> = plan.steps.iter().filter(is_done).collect();
        let doomed = done
            .iter()
            .filter_map(|step| step.action.doomed())
            .flatten();
        Self {
            launched: left_running(report).map(|live| &live.id).collect(),
            ended: doomed.map(|one| &one.id).collect(),
            made: done.iter().filter_map(|step| made(&step.action)).collect(),
        }
    }

    fn lists(&self, observed: &Observed) -> bool {
        let listed = observed.instances.iter();
        let alive = listed.clone().filter(|live| live.state.is_alive());
        let alive: BTreeSet<&InstanceId> = alive.map(|live| &live.id).collect();
        let listed: BTreeSet<&InstanceId> = listed.map(|live| &live.id).collect();
        self.launched.is_subset(&listed) && self.ended.is_disjoint(&alive)
    }

    async fn network_is_listed(&self, session: &Session) -> bool {
        if self.made.is_empty() {
            return true;
        }
        let Ok(network) = observe_network(&session.clients, true).await else {
            return false;
        };
        let groups = network.security_groups.iter().map(|one| one.name.as_str());
        let keys = network.key_pairs.iter().map(|one| one.name.as_str());
        let placed = network.placement_groups.iter().map(|one| one.name.as_str());
        let listed: BTreeSet<&str> = groups.chain(keys).chain(placed).collect();
        self.made.is_subset(&listed)
    }
}

/// The name of what a step makes besides instances.
fn made(action: &Action) -> Option<&str> {
    match action {
        Action::SecurityGroup(group) => Some(&group.name),
        Action::KeyPair(key) => Some(&key.name),
        Action::PlacementGroup(group) => Some(&group.name),
        Action::Launch(_)
        | Action::Update(_)
        | Action::Restart(_)
        | Action::Terminate(_)
        | Action::DeleteVolumes(_)
        | Action::Adopt(_)
        | Action::Retag(_)
        | Action::Introduce(_)
        | Action::DeleteNetwork(_)
        | Action::CancelSpot(_)
        | Action::Sync { .. } => None,
    }
}
