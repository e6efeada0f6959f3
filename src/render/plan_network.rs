//! Security groups, key pairs, placement groups and spot requests in a plan.

use super::escape::escape;
use super::plan_text::line;
use super::style::{bold, dim, sign};
use super::words::plural;
use crate::plan::{
    Introduction, KeyImport, NetworkObject, PlacementGroupCreation, Reason, RetaggedObject,
    SecurityGroupChange, Verb,
};
use crate::resource::Address;

pub(super) fn push_security_group(text: &mut String, group: &SecurityGroupChange, reason: &Reason) {
    let SecurityGroupChange {
        address,
        existing,
        name,
        network: _,
        add,
        remove,
        tags: _,
    } = group;
    let (verb, what) = match existing {
        None => (Verb::Create, format!("security group {name}")),
        Some(id) => (
            Verb::Update,
            format!("security group {id}; {}", dim(&reason.text())),
        ),
    };
    heading(text, verb, address, &what);
    for rule in add {
        line(text, &format!("      + {}", escape(&rule.to_string())));
    }
    for rule in remove {
        line(text, &format!("      - {}", escape(&rule.to_string())));
    }
    if existing.is_some() && add.is_empty() && remove.is_empty() {
        line(text, "      its tags follow the new name");
    }
}

pub(super) fn push_key(text: &mut String, import: &KeyImport) {
    let KeyImport {
        address,
        name,
        key,
        tags: _,
    } = import;
    let what = format!("key pair {name}  {}", dim(&key.fingerprint));
    heading(text, Verb::Create, address, &what);
}

pub(super) fn push_placement_group(text: &mut String, group: &PlacementGroupCreation) {
    let PlacementGroupCreation {
        address,
        name,
        tags: _,
    } = group;
    let what = format!("placement group {name}");
    heading(text, Verb::Create, address, &what);
}

/// Names on AWS stay; whose it is stands in the tags.
pub(super) fn push_retagged(text: &mut String, object: &RetaggedObject) {
    let RetaggedObject {
        address,
        id: _,
        name,
        tags: _,
    } = object;
    let what = format!("{} {name}", kind(address));
    heading(text, Verb::Update, address, &what);
    line(text, "      its tags follow the new name");
}

fn kind(address: &Address) -> &'static str {
    match address {
        Address::KeyPair(_) => "key pair",
        Address::PlacementGroup(_) => "placement group",
        Address::SecurityGroup(_)
        | Address::Data(_)
        | Address::Instance { .. }
        | Address::Volume(_) => "security group",
    }
}

/// Members that are launched are told as part of the launch; only others are worth a line.
pub(super) fn push_introduction(text: &mut String, introduction: &Introduction) {
    let number = introduction.members.len() as u64;
    if number == 0 {
        return;
    }
    let sign = sign(Verb::Update);
    let group = bold(introduction.group.as_str());
    let members = plural(number, "member");
    line(
        text,
        &format!("{sign} {group}  {members} told of the group as it is then"),
    );
}

pub(super) fn push_unused(text: &mut String, objects: &[NetworkObject], reason: &Reason) {
    for object in objects {
        let NetworkObject { address, id, name } = object;
        let kind = kind(address);
        let id = if id == name {
            String::new()
        } else {
            format!(" ({id})")
        };
        let what = format!("{kind} {name}{id} deleted; {}", dim(&reason.text()));
        heading(text, Verb::Delete, address, &what);
    }
}

pub(super) fn push_requests(text: &mut String, requests: &[String]) {
    let number = plural(requests.len() as u64, "spot request");
    line(
        text,
        &format!(
            "{} {number} cancelled first: {}",
            sign(Verb::Delete),
            escape(&requests.join(", "))
        ),
    );
}

fn heading(text: &mut String, verb: Verb, address: &Address, what: &str) {
    line(
        text,
        &format!("{} {}  {}", sign(verb), bold(&address.to_string()), what),
    );
}
