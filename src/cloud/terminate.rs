//! Terminating: asked for in batches, proven by id.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::config::Config;
use aws_sdk_ec2::types::AttributeBooleanValue;

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::observe::by_id;
use super::patience::first_in_line;
use super::poll::{Pace, Wait};
use super::spot;
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::plan::Doomed;
use crate::resource::{InstanceId, InstanceState};

/// How many ids one request names. EC2 takes a thousand and advises fewer (EC2 API, `TerminateInstances`).
const BATCH: usize = 250;

/// Terminates instances and returns when every one of them has read terminated, twice.
pub(super) async fn terminate(
    clients: &Clients,
    pace: &Pace,
    doomed: &[Doomed],
    control: &Control,
) -> Result<Performed, StepError> {
    let mut refused: BTreeMap<InstanceId, CloudError> = BTreeMap::new();
    for one in doomed.iter().filter(|one| one.unprotect) {
        if let Err(error) = unprotect(clients, &one.id).await {
            refused.insert(one.id.clone(), error);
        }
    }
    cancel_requests(clients, doomed, &mut refused).await;
    let ids: Vec<InstanceId> = doomed.iter().map(|one| one.id.clone()).collect();
    for batch in ids.chunks(BATCH) {
        request(clients, batch, &mut refused).await;
    }
    let proof = prove(clients, pace, &ids, &refused, control).await;
    if proof.open.is_empty() {
        let number = ids.len();
        let plural = if number == 1 { "" } else { "s" };
        return Ok(Performed {
            instances: Vec::new(),
            text: format!("{number} instance{plural} terminated, each read back twice"),
        });
    }
    Err(failure(&proof, &refused))
}

/// Cancels the spot requests first: one that is open would launch a successor
/// (EC2 user guide, Spot Instance requests).
///
/// A request that cannot be cancelled keeps nobody alive: its instance is ended, and
/// what it would launch is found by the listings that follow.
async fn cancel_requests(
    clients: &Clients,
    doomed: &[Doomed],
    refused: &mut BTreeMap<InstanceId, CloudError>,
) {
    let requests: Vec<String> = doomed
        .iter()
        .filter_map(|one| one.spot_request.clone())
        .collect();
    if requests.is_empty() {
        return;
    }
    if let Err(error) = spot::cancel(clients, &requests).await {
        tracing::warn!(%error, "spot requests were not cancelled");
        for one in doomed.iter().filter(|one| one.spot_request.is_some()) {
            refused.insert(one.id.clone(), error.clone());
        }
    }
}

/// Lifts both protections: the one against stopping forbids terminating too
/// (EC2 API, `TerminateInstances`).
async fn unprotect(clients: &Clients, id: &InstanceId) -> Result<(), CloudError> {
    const OPERATION: &str = "lift the protection";
    let off = AttributeBooleanValue::builder().value(false).build();
    clients
        .ec2
        .modify_instance_attribute()
        .instance_id(id.as_str())
        .disable_api_termination(off.clone())
        .send()
        .await
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
    clients
        .ec2
        .modify_instance_attribute()
        .instance_id(id.as_str())
        .disable_api_stop(off)
        .send()
        .await
        .map_err(|error| CloudError::from_sdk(OPERATION, &error))?;
    Ok(())
}

/// Asks for a batch, and one by one for what the batch did not take.
///
/// One bad or protected id can make EC2 refuse a whole batch, or the batch's part
/// in one zone (EC2 API, `TerminateInstances`).
async fn request(
    clients: &Clients,
    batch: &[InstanceId],
    refused: &mut BTreeMap<InstanceId, CloudError>,
) {
    let taken = match ask(clients, batch).await {
        Ok(taken) => taken,
        Err(error) => {
            // Only a refusal can be one id's fault; asking one by one does not help
            // against a busy or silent AWS.
            let refusal = matches!(
                error.kind,
                CloudErrorKind::Rejected | CloudErrorKind::Denied
            );
            if batch.len() == 1 || !refusal {
                refused.extend(batch.iter().map(|id| (id.clone(), error.clone())));
                return;
            }
            BTreeSet::new()
        }
    };
    // What goes all the same is waited for as long as all others are.
    refused.retain(|id, _| !taken.contains(id));
    for id in batch.iter().filter(|id| !taken.contains(*id)) {
        match ask(clients, std::slice::from_ref(id)).await {
            Ok(_) => {
                refused.remove(id);
            }
            Err(error) => {
                refused.insert(id.clone(), error);
            }
        }
    }
}

/// The ids that EC2 says it is shutting down.
async fn ask(clients: &Clients, ids: &[InstanceId]) -> Result<BTreeSet<InstanceId>, CloudError> {
    let answer = clients
        .ec2
        .terminate_instances()
        .set_instance_ids(Some(ids.iter().map(ToString::to_string).collect()))
        .customize()
        .config_override(Config::builder().retry_config(first_in_line()))
        .send()
        .await
        .map_err(|error| CloudError::from_sdk("terminate", &error))?;
    let ending = |state: Option<&aws_sdk_ec2::types::InstanceState>| {
        state
            .and_then(aws_sdk_ec2::types::InstanceState::name)
            .is_some_and(|name| !InstanceState::from_word(name.as_str()).is_alive())
    };
    Ok(answer
        .terminating_instances()
        .iter()
        .filter(|change| ending(change.current_state()))
        .filter_map(|change| change.instance_id().map(InstanceId::new))
        .collect())
}

/// What is left to prove.
struct Proof {
    /// Not proven terminated, with what was last seen.
    open: BTreeMap<InstanceId, String>,
    /// Why looking itself failed last, if it did.
    blind: Option<CloudError>,
    cancelled: bool,
}

/// Reads by id until every instance has read terminated twice.
///
/// An id that is not found is unknown, not gone (EC2 API, eventual consistency);
/// only one that has read terminated before may vanish from the listing.
async fn prove(
    clients: &Clients,
    pace: &Pace,
    ids: &[InstanceId],
    refused: &BTreeMap<InstanceId, CloudError>,
    control: &Control,
) -> Proof {
    let mut readings: BTreeMap<InstanceId, u32> = BTreeMap::new();
    let mut proof = Proof {
        open: ids
            .iter()
            .map(|id| (id.clone(), "unknown".to_owned()))
            .collect(),
        blind: None,
        cancelled: false,
    };
    let mut wait = Wait::new(pace, pace.terminated);
    // What was refused outright is looked at for as long as an effect may lag, no longer.
    let mut wait_refused = Wait::new(pace, pace.settle);
    loop {
        let open: Vec<InstanceId> = proof.open.keys().cloned().collect();
        match by_id(clients, &open).await {
            Ok(seen) => {
                proof.blind = None;
                for id in &open {
                    let reading = readings.entry(id.clone()).or_default();
                    let state = seen.get(id).map(|live| live.state);
                    match state {
                        Some(InstanceState::Terminated) => *reading += 1,
                        None if *reading > 0 => *reading += 1,
                        None | Some(_) => {
                            let state =
                                state.map_or("unknown".to_owned(), |state| state.to_string());
                            proof.open.insert(id.clone(), state);
                        }
                    }
                    if *reading >= 2 {
                        proof.open.remove(id);
                    }
                }
            }
            Err(error) => {
                let hopeless = matches!(
                    error.kind,
                    CloudErrorKind::Credentials | CloudErrorKind::Denied
                );
                let again = proof.blind.replace(error).is_some();
                if hopeless && again {
                    return proof;
                }
            }
        }
        let ended = ids.len() - proof.open.len();
        (control.progress)(format!("{ended} of {} read terminated", ids.len()));
        if proof.open.is_empty() {
            return proof;
        }
        let only_refused = proof.open.keys().all(|id| refused.contains_key(id));
        // Being asked to stop does not undo what was asked for; looking stops.
        let paused = if only_refused {
            wait_refused.pause(&control.cancel).await
        } else {
            wait.pause(&control.cancel).await
        };
        if paused.is_err() {
            proof.cancelled = control.cancel.is_asked();
            return proof;
        }
    }
}

fn failure(proof: &Proof, refused: &BTreeMap<InstanceId, CloudError>) -> StepError {
    let reason = proof
        .open
        .keys()
        .find_map(|id| refused.get(id).map(|error| (id, error)));
    let (kind, text, help) = match (reason, &proof.blind, proof.cancelled) {
        (Some((id, error)), _, _) => {
            let protected = error.is_code("OperationNotPermitted");
            let help = if protected {
                Some("somebody protected it; `--lift-protection` lifts that first".to_owned())
            } else {
                error.help()
            };
            (error.kind, format!("{id}: {error}"), help)
        }
        (None, Some(error), _) => (error.kind, error.to_string(), error.help()),
        (None, None, true) => (
            CloudErrorKind::Cancelled,
            "stopped before the end was seen".to_owned(),
            None,
        ),
        (None, None, false) => (
            StepErrorKind::TimedOut,
            "the end was asked for and not seen in time".to_owned(),
            Some("run the same command again: it goes on where this one stopped".to_owned()),
        ),
    };
    let alive = proof
        .open
        .iter()
        .map(|(id, state)| {
            let why = refused
                .get(id)
                .map_or(String::new(), |error| format!(", {}", error.text));
            (id.to_string(), format!("{state}{why}"))
        })
        .collect();
    StepError {
        kind,
        text,
        help,
        partly: false,
        alive,
    }
}
