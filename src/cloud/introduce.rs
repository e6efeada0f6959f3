//! Telling the members of a distributed group of one another, by tags that each can read.

use std::collections::{BTreeMap, BTreeSet};

use super::connect::Clients;
use super::observe::by_id;
use super::poll::{GaveUp, Pace, Wait};
use super::tags::{remove_tags, set_tags};
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::plan::Introduction;
use crate::resource::{InstanceId, LiveInstance, member_tags, tag};

/// How many resources one call names. EC2 takes a thousand (EC2 API, `CreateTags`).
const BATCH: usize = 200;

/// Tells all members the addresses of all of them, in the order of their numbers.
///
/// `launched` are the members that earlier steps of the plan have launched, by number.
///
/// # Errors
///
/// When a member has no address within [`Pace::settle`] or has ended, or EC2 refuses.
pub(super) async fn introduce(
    clients: &Clients,
    pace: &Pace,
    introduction: &Introduction,
    launched: &BTreeMap<u32, InstanceId>,
    control: &Control,
) -> Result<Performed, StepError> {
    let mut members = introduction.members.clone();
    members.extend(launched.clone());
    let ids: Vec<InstanceId> = members.into_values().collect();
    let seen = visible(clients, pace, &ids, control).await?;
    let addresses: Vec<String> = ids
        .iter()
        .filter_map(|id| seen.get(id)?.private_address.clone())
        .collect();
    let wanted = member_tags(&addresses);
    let told = |live: &LiveInstance| is_told(live, &wanted);
    let untold: Vec<String> = seen
        .values()
        .filter(|live| !told(live))
        .map(|live| live.id.to_string())
        .collect();
    let old: BTreeSet<String> = seen
        .values()
        .flat_map(|live| old_parts(live, &wanted))
        .cloned()
        .collect();
    for batch in untold.chunks(BATCH) {
        set_tags(clients, batch, &wanted).await?;
        remove_tags(clients, batch, &old).await?;
    }
    let confirmed = confirm(clients, pace, &ids, told, control).await?;
    let count = addresses.len();
    let plural = if count == 1 { "" } else { "s" };
    let unseen = if confirmed { "" } else { "; not seen yet" };
    Ok(Performed {
        text: format!("{count} member{plural} told of one another{unseen}"),
        ..Performed::default()
    })
}

/// Whether an instance has been told exactly this.
fn is_told(live: &LiveInstance, wanted: &BTreeMap<String, String>) -> bool {
    wanted
        .iter()
        .all(|(key, value)| live.tags.get(key) == Some(value))
        && old_parts(live, wanted).next().is_none()
}

/// The parts of a longer list that it was told before.
fn old_parts<'l>(
    live: &'l LiveInstance,
    wanted: &'l BTreeMap<String, String>,
) -> impl Iterator<Item = &'l String> {
    let is_part = |key: &str| {
        key.strip_prefix(tag::MEMBERS)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    live.tags
        .keys()
        .filter(move |key| is_part(key) && !wanted.contains_key(*key))
}

/// Reads the members by id until each has an address.
async fn visible(
    clients: &Clients,
    pace: &Pace,
    ids: &[InstanceId],
    control: &Control,
) -> Result<BTreeMap<InstanceId, LiveInstance>, StepError> {
    let mut wait = Wait::new(pace, pace.settle);
    loop {
        let seen = by_id(clients, ids).await?;
        if let Some(ended) = seen.values().find(|live| !live.state.is_alive()) {
            let text = format!("{} is {} and can be told nothing", ended.id, ended.state);
            let mut error = StepError::new(StepErrorKind::Rejected, text);
            error.help = Some("run the same command again: it plans anew".to_owned());
            return Err(error);
        }
        let has_address = |id: &&InstanceId| {
            let live = seen.get(*id);
            live.is_some_and(|live| live.private_address.is_some())
        };
        let Some(missing) = ids.iter().find(|id| !has_address(id)) else {
            return Ok(seen);
        };
        match wait.pause(&control.cancel).await {
            Ok(()) => {}
            Err(GaveUp::TimedOut) => {
                let seconds = pace.settle.as_secs();
                let text = format!("{missing} shows no address after {seconds} s");
                let mut error = StepError::new(StepErrorKind::TimedOut, text);
                error.help = Some("run the same command again".to_owned());
                return Err(error);
            }
            Err(GaveUp::Cancelled) => {
                let text = "stopped before the members were told of one another";
                return Err(StepError::new(StepErrorKind::Cancelled, text));
            }
        }
    }
}

/// Reads until all members show what they were told, so that the next plan finds nothing to
/// do; whether they did in time.
async fn confirm(
    clients: &Clients,
    pace: &Pace,
    ids: &[InstanceId],
    told: impl Fn(&LiveInstance) -> bool,
    control: &Control,
) -> Result<bool, StepError> {
    let mut wait = Wait::new(pace, pace.settle);
    loop {
        let seen = by_id(clients, ids).await?;
        if ids.iter().all(|id| seen.get(id).is_some_and(&told)) {
            return Ok(true);
        }
        // What was told stays told, whether or not somebody looks.
        if wait.pause(&control.cancel).await.is_err() {
            return Ok(false);
        }
    }
}
