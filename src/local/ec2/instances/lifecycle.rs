//! `TerminateInstances`, `StopInstances` and `StartInstances`.

use std::collections::BTreeSet;

use super::super::Call;
use super::super::identifiers::INSTANCE;
use super::{capacity, render};
use crate::local::state::{Instance, InstanceState};
use crate::local::wire::{Refusal, Reply, Xml, whole_second};

/// What happened to an instance: its id, the state before and the state now.
type Change = (String, InstanceState, InstanceState);

/// `TerminateInstances`. One unknown id spares all; one protected instance
/// spares its zone.
pub(in super::super) fn terminate(call: &mut Call) -> Reply {
    let ids = instances(call)?;
    let protected: Vec<(String, &str, String)> = ids
        .iter()
        .filter_map(|id| call.region.instances.get(id))
        .filter(|instance| !instance.state().is_ending())
        .filter_map(|instance| {
            let attribute = protection(instance)?;
            Some((instance.id.clone(), attribute, instance.zone.clone()))
        })
        .collect();
    let spared: BTreeSet<&String> = protected.iter().map(|(_, _, zone)| zone).collect();
    let mut changes = Vec::with_capacity(ids.len());
    for id in &ids {
        let instance = call.known_instance(id)?;
        if spared.contains(&instance.zone) {
            continue;
        }
        let before = instance.state();
        if !before.is_ending() {
            end(call, id)?;
        }
        changes.push((id.clone(), before, call.known_instance(id)?.state()));
    }
    match protected.first() {
        None => Ok(changed(changes)),
        Some((id, attribute, _)) => Err(Refusal::new(
            "OperationNotPermitted",
            format!(
                "The instance '{id}' may not be terminated. Modify its '{attribute}' instance \
                 attribute and try again."
            ),
        )),
    }
}

fn protection(instance: &Instance) -> Option<&'static str> {
    if instance.protection.termination {
        Some("disableApiTermination")
    } else if instance.protection.stop {
        Some("disableApiStop")
    } else {
        None
    }
}

/// Begins the end of an instance.
fn end(call: &mut Call, id: &str) -> Result<(), Refusal> {
    let now = call.now;
    let instance = call.known_instance(id)?;
    instance.enter(InstanceState::ShuttingDown, now);
    instance.interface.public_address = None;
    Ok(())
}

/// `StopInstances`.
pub(in super::super) fn stop(call: &mut Call) -> Reply {
    let ids = instances(call)?;
    for id in &ids {
        may_stop(call.known_instance(id)?)?;
    }
    let now = call.now;
    let mut changes = Vec::with_capacity(ids.len());
    for id in &ids {
        let instance = call.known_instance(id)?;
        let before = instance.state();
        if before == InstanceState::Running {
            instance.enter(InstanceState::Stopping, now);
            instance.interface.public_address = None;
        }
        changes.push((id.clone(), before, instance.state()));
    }
    Ok(changed(changes))
}

fn may_stop(instance: &Instance) -> Result<(), Refusal> {
    let id = &instance.id;
    match instance.state() {
        InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped => {}
        InstanceState::Pending | InstanceState::ShuttingDown | InstanceState::Terminated => {
            let message =
                format!("This instance '{id}' is not in a state from which it can be stopped.");
            return Err(Refusal::new("IncorrectInstanceState", message));
        }
    }
    if instance.protection.stop {
        let message = format!(
            "The instance '{id}' may not be stopped. Modify its 'disableApiStop' instance \
             attribute and try again."
        );
        return Err(Refusal::new("OperationNotPermitted", message));
    }
    if instance.spot.as_ref().is_some_and(|spot| !spot.persistent) {
        let message = format!(
            "You can't stop the Spot Instance '{id}' because it is associated with a one-time \
             Spot Instance request. You can only stop Spot Instances associated with persistent \
             Spot Instance requests."
        );
        return Err(Refusal::new("UnsupportedOperation", message));
    }
    Ok(())
}

/// `StartInstances`.
pub(in super::super) fn start(call: &mut Call) -> Reply {
    let ids = instances(call)?;
    for id in &ids {
        let state = call.known_instance(id)?.state();
        if state == InstanceState::Stopping || state.is_ending() {
            let message =
                format!("The instance '{id}' is not in a state from which it can be started.");
            return Err(Refusal::new("IncorrectInstanceState", message));
        }
        if let Some(instance) = call.instance(id)
            && state == InstanceState::Stopped
        {
            capacity::may_start(call, instance)?;
        }
    }
    let now = call.now;
    let mut changes = Vec::with_capacity(ids.len());
    for id in &ids {
        let address = call.region.public_address();
        let instance = call.known_instance(id)?;
        let before = instance.state();
        if before == InstanceState::Stopped {
            instance.enter(InstanceState::Pending, now);
            instance.lifecycle.launched = whole_second(now);
            instance.interface.public_address =
                instance.interface.wants_public_address.then_some(address);
        }
        changes.push((id.clone(), before, instance.state()));
    }
    Ok(changed(changes))
}

/// Reads the ids of a call, all of which must exist.
fn instances(call: &Call) -> Result<Vec<String>, Refusal> {
    let ids = call.form.values("InstanceId");
    if ids.is_empty() {
        return Err(Refusal::missing("InstanceId"));
    }
    let ids = INSTANCE.check_all(&ids, |id| call.instance(id).is_some())?;
    Ok(ids.into_iter().map(str::to_owned).collect())
}

fn changed(changes: Vec<Change>) -> Xml {
    let mut xml = Xml::default();
    xml.list("instancesSet", changes, |xml, (id, before, now)| {
        xml.text("instanceId", id)
            .node("currentState", |xml| render::state(xml, now))
            .node("previousState", |xml| render::state(xml, before));
    });
    xml
}
