//! What a call of EC2 does to which resources, as policies see it.
//!
//! The service authorization reference of EC2 lists the resources of every action. Here
//! they are those that a call names, and those that it makes. The role of an instance
//! profile, which `iam:PassRole` is about, is not known here.

use std::collections::BTreeSet;

use super::tags::{kind_of, type_of};
use crate::local::access::Access;
use crate::local::state::{Region, Tags};
use crate::local::wire::{Node, Query};

/// The types of the resources that an action makes, tagged or not.
const MADE: &[(&str, &[&str])] = &[
    ("RunInstances", &["instance", "volume", "network-interface"]),
    ("CreateVolume", &["volume"]),
    ("CreateSecurityGroup", &["security-group"]),
    ("CreatePlacementGroup", &["placement-group"]),
    ("ImportKeyPair", &["key-pair"]),
    ("AllocateAddress", &["elastic-ip"]),
];

/// The fields that name a resource without acting on it, or hold what is no name.
const OTHER_FIELDS: [&str; 5] = [
    "Filter",
    "IpPermissions",
    "Tag",
    "TagSpecification",
    "UserData",
];

/// Lists what a call does.
pub(super) fn accesses(region: &Region, action: &str, query: &Query) -> Vec<Access> {
    let does = Access {
        request_tags: tags(&query.root()),
        ..Access::new(format!("ec2:{action}"), "*")
    };
    // No listing can be allowed for a part of what there is.
    if action.starts_with("Describe") {
        return vec![does];
    }
    let mut found: Vec<Access> = Vec::new();
    for (kind, tags) in made(action, &query.root()) {
        let resource = arn(region, kind, "*");
        if !tags.is_empty() {
            // Whoever tags what a call makes needs this permission as well.
            found.push(Access {
                request_tags: tags.clone(),
                creating: Some(action.to_owned()),
                ..Access::new("ec2:CreateTags", resource.clone())
            });
        }
        found.push(Access {
            request_tags: tags,
            resource,
            ..does.clone()
        });
    }
    for Named { kind, name, id } in named(region, action, query) {
        found.push(Access {
            resource: arn(region, kind, name),
            resource_tags: region.tags_of(id).cloned().unwrap_or_default(),
            ..does.clone()
        });
    }
    if found.is_empty() {
        found.push(does);
    }
    found
}

/// The types that a call makes or asks for, with the tags that it gives each.
fn made<'q>(action: &str, form: &Node<'q>) -> Vec<(&'q str, Tags)> {
    let kinds = MADE.iter().find(|(name, _)| *name == action);
    let kinds = kinds.map_or(&[][..], |(_, kinds)| *kinds);
    let mut made: Vec<(&'q str, Tags)> = kinds.iter().map(|kind| (*kind, Tags::new())).collect();
    for item in form.items("TagSpecification") {
        let Some(kind) = item.text("ResourceType") else {
            continue;
        };
        let given = tags(&item);
        match made.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, known)) => known.extend(given),
            None => made.push((kind, given)),
        }
    }
    made
}

fn tags(node: &Node) -> Tags {
    let items = node.items("Tag");
    let tag = |item: &Node| {
        let key = item.text("Key")?.to_owned();
        Some((key, item.text("Value").unwrap_or_default().to_owned()))
    };
    items.iter().filter_map(tag).collect()
}

/// A resource that a call names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Named<'a> {
    kind: &'static str,
    /// The name that its ARN ends with: its id, for most.
    name: &'a str,
    /// The id that its tags are kept by.
    id: &'a str,
}

/// The resources that a call names, each once.
fn named<'a>(region: &'a Region, action: &str, query: &'a Query) -> BTreeSet<Named<'a>> {
    let one = |(field, value): (&'a str, &'a str)| {
        let first = field.split('.').next()?;
        if OTHER_FIELDS.contains(&first) {
            return None;
        }
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        match field.rsplit('.').find(|part| !is_number(part))? {
            "KeyName" => key_pair(region, value),
            "GroupName" => group(region, action, value),
            last if last.ends_with("Id") => by_id(region, value),
            _ => None,
        }
    };
    query.fields().filter_map(one).collect()
}

fn by_id<'a>(region: &'a Region, id: &'a str) -> Option<Named<'a>> {
    let (prefix, _) = id.split_once('-')?;
    let kind = match prefix {
        "eipalloc" => "elastic-ip",
        "snap" => "snapshot",
        "key" => {
            let mut keys = region.keys.values();
            return key_pair(region, &keys.find(|key| key.id == id)?.name);
        }
        "pg" => {
            let mut groups = region.placement_groups.values();
            return placement_group(region, &groups.find(|group| group.id == id)?.name);
        }
        _ => kind_of(id).map(|_| type_of(id))?,
    };
    Some(Named { kind, name: id, id })
}

fn key_pair<'a>(region: &'a Region, name: &str) -> Option<Named<'a>> {
    let key = region.keys.get(name)?;
    Some(Named {
        kind: "key-pair",
        name: &key.name,
        id: &key.id,
    })
}

fn placement_group<'a>(region: &'a Region, name: &str) -> Option<Named<'a>> {
    let group = region.placement_groups.get(name)?;
    Some(Named {
        kind: "placement-group",
        name: &group.name,
        id: &group.id,
    })
}

/// Only the calls on security groups mean one of those by this field.
fn group<'a>(region: &'a Region, action: &str, name: &str) -> Option<Named<'a>> {
    if !action.contains("SecurityGroup") {
        return placement_group(region, name);
    }
    let mut groups = region.groups.values();
    by_id(region, &groups.find(|group| group.name == name)?.id)
}

/// Images and snapshots are of no account in their ARN: anybody may share them.
fn arn(region: &Region, kind: &str, name: &str) -> String {
    let account = match kind {
        "image" | "snapshot" => "",
        _ => region.account.as_str(),
    };
    format!("arn:aws:ec2:{}:{account}:{kind}/{name}", region.name)
}
