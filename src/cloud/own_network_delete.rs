//! Deleting what went with a group: everything that can go goes, and the rest is named.

use std::collections::BTreeMap;

use super::connect::Clients;
use super::error::{CloudError, CloudErrorKind};
use super::own_network_holder::{give_up_references, holder};
use super::poll::{Pace, Wait};
use crate::apply::{Control, Performed, StepError, StepErrorKind};
use crate::plan::NetworkObject;
use crate::resource::Address;

/// Deletes security groups, key pairs and placement groups.
///
/// What is in use is asked for again for twice [`Pace::settle`], one minute on AWS: the
/// interfaces of an instance may outlast it, and hold its security group. One that is
/// not found is deleted, as the ids came from a listing.
///
/// # Errors
///
/// When something is left; the error names all of it. None of it costs anything.
pub(super) async fn delete(
    clients: &Clients,
    pace: &Pace,
    objects: &[NetworkObject],
    control: &Control,
) -> Result<Performed, StepError> {
    let mut wait = Wait::new(pace, pace.settle * 2);
    let mut open: Vec<&NetworkObject> = objects.iter().collect();
    let mut refused: Vec<(&NetworkObject, CloudError)> = Vec::new();
    let mut first = true;
    loop {
        let mut held = Vec::new();
        for object in open {
            match delete_one(clients, object).await {
                Ok(()) => {}
                Err(error) if is_held(&error) => held.push((object, error)),
                Err(error) => refused.push((object, error)),
            }
        }
        if held.is_empty() {
            break;
        }
        let groups = security_groups(held.iter().map(|(object, _)| *object));
        if std::mem::take(&mut first) && give_up_references(clients, &groups).await > 0 {
            // What held some of them is gone: the next round needs no pause.
            open = held.into_iter().map(|(object, _)| object).collect();
            continue;
        }
        (control.progress)(format!("{} still in use", held.len()));
        if wait.pause(&control.cancel).await.is_err() {
            refused.extend(held);
            break;
        }
        open = held.into_iter().map(|(object, _)| object).collect();
    }
    if refused.is_empty() {
        return Ok(Performed {
            text: format!("{} deleted", counted(objects)),
            ..Performed::default()
        });
    }
    Err(failure(clients, objects.len(), refused, control).await)
}

async fn delete_one(clients: &Clients, object: &NetworkObject) -> Result<(), CloudError> {
    let ec2 = &clients.ec2;
    let result = match &object.address {
        Address::SecurityGroup(_) => {
            let request = ec2.delete_security_group().group_id(&object.id);
            let answer = request.send().await.map(drop);
            answer.map_err(|error| CloudError::from_sdk("delete the security group", &error))
        }
        Address::KeyPair(_) => {
            let request = ec2.delete_key_pair().key_pair_id(&object.id);
            let answer = request.send().await.map(drop);
            answer.map_err(|error| CloudError::from_sdk("delete the key pair", &error))
        }
        Address::PlacementGroup(_) => {
            let request = ec2.delete_placement_group().group_name(&object.id);
            let answer = request.send().await.map(drop);
            answer.map_err(|error| CloudError::from_sdk("delete the placement group", &error))
        }
        Address::Data(_) | Address::Instance { .. } | Address::Volume(_) => Err(CloudError::of(
            "delete it",
            CloudErrorKind::Rejected,
            "it did not go with a group",
        )),
    };
    match result {
        Err(error) if is_gone(&error) => Ok(()),
        result => result,
    }
}

/// Whether EC2 says that there is no such thing (EC2 API error codes).
fn is_gone(error: &CloudError) -> bool {
    [
        "InvalidGroup.NotFound",
        "InvalidKeyPair.NotFound",
        "InvalidPlacementGroup.Unknown",
    ]
    .iter()
    .any(|code| error.is_code(code))
}

/// Whether EC2 says that something uses it, which may end (EC2 API error codes).
fn is_held(error: &CloudError) -> bool {
    [
        "DependencyViolation",
        "InvalidGroup.InUse",
        "InvalidPlacementGroup.InUse",
    ]
    .iter()
    .any(|code| error.is_code(code))
}

fn security_groups<'o>(objects: impl Iterator<Item = &'o NetworkObject>) -> Vec<String> {
    objects
        .filter(|object| matches!(object.address, Address::SecurityGroup(_)))
        .map(|object| object.id.clone())
        .collect()
}

/// Such as `2 security groups, 1 key pair`.
fn counted(objects: &[NetworkObject]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        let kind = match object.address {
            Address::SecurityGroup(_) => "security group",
            Address::KeyPair(_) => "key pair",
            Address::PlacementGroup(_) => "placement group",
            Address::Data(_) | Address::Instance { .. } | Address::Volume(_) => continue,
        };
        *counts.entry(kind).or_default() += 1;
    }
    let words: Vec<String> = counts
        .into_iter()
        .map(|(kind, count)| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {kind}{plural}")
        })
        .collect();
    words.join(", ")
}

async fn failure(
    clients: &Clients,
    all: usize,
    refused: Vec<(&NetworkObject, CloudError)>,
    control: &Control,
) -> StepError {
    let mut alive = Vec::new();
    let mut help = None;
    let mut text = String::new();
    for (object, error) in refused {
        let id = &object.id;
        let (words, reason) = if is_held(&error) {
            let holder = match object.address {
                Address::SecurityGroup(_) => holder(clients, id).await,
                Address::KeyPair(_)
                | Address::PlacementGroup(_)
                | Address::Data(_)
                | Address::Instance { .. }
                | Address::Volume(_) => None,
            };
            let by = holder.map_or_else(
                || "still in use".to_owned(),
                |holder| format!("held by {holder}"),
            );
            (format!("{id} is {by}"), by)
        } else {
            help = help.or_else(|| error.help());
            (format!("{id}: {error}"), error.text)
        };
        if text.is_empty() {
            text = words;
        }
        alive.push((id.clone(), reason));
    }
    if alive.len() > 1 {
        text = format!("{} of {all} are left: {text}", alive.len());
    }
    let kind = if control.cancel.is_asked() {
        StepErrorKind::Cancelled
    } else {
        StepErrorKind::Rejected
    };
    let mut error = StepError::new(kind, text);
    error.help = help.or_else(|| {
        let text = "it costs nothing; run the same command again once what holds it is gone";
        Some(text.to_owned())
    });
    error.partly = alive.len() < all;
    error.alive(alive)
}
