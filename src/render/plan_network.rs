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
        None => (Verb::Create, format!("security group {}", escape(name))),
        Some(id) => {
            let id = escape(id);
            let what = format!("security group {id}; {}", dim(&reason.text()));
            (Verb::Update, what)
        }
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
    let fingerprint = dim(&escape(&key.fingerprint));
    let what = format!("key pair {}  {fingerprint}", escape(name));
    heading(text, Verb::Create, address, &what);
}

pub(super) fn push_placement_group(text: &mut String, group: &PlacementGroupCreation) {
    let PlacementGroupCreation {
        address,
        name,
        tags: _,
    } = group;
    let what = format!("placement group {}", escape(name));
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
    let what = format!("{} {}", kind(address), escape(name));
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
            format!(" ({})", escape(id))
        };
        let name = escape(name);
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::render::gate;
    use crate::resource::GroupName;

    const HOSTILE: &str = "a\u{1b}[2J\0\u{9b}31m\u{202e}\n";

    #[test]
    fn names_and_ids_of_others_reach_no_terminal_as_they_are() {
        let address = Address::SecurityGroup(GroupName::new("trainer"));
        let group = |existing: Option<String>| SecurityGroupChange {
            address: address.clone(),
            existing,
            name: HOSTILE.to_owned(),
            network: None,
            add: BTreeSet::new(),
            remove: BTreeSet::new(),
            tags: BTreeMap::new(),
        };
        let placement = PlacementGroupCreation {
            address: address.clone(),
            name: HOSTILE.to_owned(),
            tags: BTreeMap::new(),
        };
        let retagged = RetaggedObject {
            address: address.clone(),
            id: HOSTILE.to_owned(),
            name: HOSTILE.to_owned(),
            tags: BTreeMap::new(),
        };
        let unused = NetworkObject {
            address: address.clone(),
            id: format!("{HOSTILE}1"),
            name: HOSTILE.to_owned(),
        };
        let mut text = String::new();
        push_security_group(&mut text, &group(None), &Reason::Missing);
        push_security_group(&mut text, &group(Some(HOSTILE.to_owned())), &Reason::Edited);
        push_placement_group(&mut text, &placement);
        push_retagged(&mut text, &retagged);
        push_unused(&mut text, &[unused], &Reason::NotInSpec);
        push_requests(&mut text, &[HOSTILE.to_owned()]);
        assert_eq!(gate(&text), text);
        assert_eq!(text.matches("\\u{9b}31m").count(), 7);
        assert!(
            !text.contains("[2J\0") && text.lines().count() == 8,
            "{text}"
        );
    }
}
