//! Naming what others attached, before the instance that leads to it is gone.

use std::collections::BTreeMap;

use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cloud::attached_by_others;
use crate::plan::{Observed, Plan};
use crate::render::{attached_words, escape, warn};
use crate::resource::{Address, InstanceId, LiveInstance};

/// Says what stays when a plan ends its instances and is not ours: nothing tells afterwards
/// whose it was.
pub(super) async fn say_attached(
    session: &Session,
    plan: &Plan,
    observed: &Observed,
    output: Output,
) {
    let lives: BTreeMap<&InstanceId, &LiveInstance> = observed
        .instances
        .iter()
        .map(|live| (&live.id, live.as_ref()))
        .collect();
    let doomed = plan.steps.iter().filter_map(|step| step.action.doomed());
    let doomed: Vec<(&Address, &LiveInstance)> = doomed
        .flatten()
        .filter_map(|one| Some((&one.address, *lives.get(&one.id)?)))
        .collect();
    let attached = attached_by_others(&session.clients, &session.identity.account, &doomed);
    for one in attached.await {
        let words = attached_words(&one, &session.clients.region);
        output.insist(&format!("{} {}", warn("note:"), escape(&words)));
    }
}
