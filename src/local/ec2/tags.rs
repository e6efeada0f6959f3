//! Tags.

use std::collections::BTreeMap;

use super::filter::{Field, Filters, one};
use super::identifiers::{
    GROUP, IMAGE, INSTANCE, INTERFACE, Kind, NETWORK, PLACEMENT_GROUP, SPOT_REQUEST, SUBNET, VOLUME,
};
use super::instances::check_tags;
use super::page::Page;
use super::{Call, done};
use crate::local::catalogue::images;
use crate::local::state::{InstanceState, Tags};
use crate::local::wire::{Node, Refusal, Reply, Xml};

/// The most tags of a resource, and the most characters of a key and a value.
const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 127;
const LONGEST_VALUE: usize = 256;

/// Reads the tags that a call gives to what it creates, by type of resource.
pub(super) fn specifications(
    form: &Node,
    allowed: &[&str],
) -> Result<BTreeMap<String, Tags>, Refusal> {
    let mut found: BTreeMap<String, Tags> = BTreeMap::new();
    for item in form.items("TagSpecification") {
        let kind = item.required("ResourceType")?;
        if !allowed.contains(&kind) {
            return Err(Refusal::value(format!(
                "'{kind}' is not a valid taggable resource type for this operation."
            )));
        }
        let tags = found.entry(kind.to_owned()).or_default();
        for (key, value) in read(&item)? {
            if tags.insert(key.clone(), value).is_some() {
                return Err(Refusal::value(format!(
                    "Duplicate tag key '{key}' specified."
                )));
            }
        }
        limit(tags)?;
    }
    found.retain(|_, tags| !tags.is_empty());
    Ok(found)
}

fn read(node: &Node) -> Result<Vec<(String, String)>, Refusal> {
    node.items("Tag")
        .iter()
        .map(|tag| {
            let key = tag.text("Key").unwrap_or_default();
            let value = tag.text("Value").unwrap_or_default();
            check(key, value)?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

fn check(key: &str, value: &str) -> Result<(), Refusal> {
    if key.is_empty() || key.chars().count() > LONGEST_KEY {
        return Err(Refusal::value(format!(
            "Tag key length must be between 1 and {LONGEST_KEY} characters. '{key}'"
        )));
    }
    if value.chars().count() > LONGEST_VALUE {
        return Err(Refusal::value(format!(
            "Tag value exceeds the maximum length of {LONGEST_VALUE} characters"
        )));
    }
    let reserved = key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    if reserved {
        return Err(Refusal::value(
            "Tag keys starting with 'aws:' are reserved for internal use",
        ));
    }
    Ok(())
}

fn limit(tags: &Tags) -> Result<(), Refusal> {
    if tags.len() > MOST_TAGS {
        let message = format!("More than {MOST_TAGS} tags specified");
        return Err(Refusal::new("TagLimitExceeded", message));
    }
    Ok(())
}

/// `CreateTags`: on every resource or, when one does not exist, on none.
pub(super) fn create(call: &mut Call) -> Reply {
    let ids = resources(call)?;
    let new = read(&call.form)?;
    if new.is_empty() {
        return Err(Refusal::missing("Tag"));
    }
    let mut merged = Vec::with_capacity(ids.len());
    for id in ids {
        let mut tags = call.region.tags_of(id).cloned().unwrap_or_default();
        tags.extend(new.iter().cloned());
        limit(&tags)?;
        if let Some(instance) = call.instance(id) {
            check_tags(&instance.metadata, Some(&tags))?;
        }
        merged.push((id, tags));
    }
    for (id, tags) in merged {
        call.region.before_edit(id, call.sight.now);
        call.region.tags.insert(id.to_owned(), tags);
    }
    Ok(done())
}

/// `DeleteTags`: by key, by key and value, or all of them.
pub(super) fn delete(call: &mut Call) -> Reply {
    let ids = resources(call)?;
    let items = call.form.items("Tag");
    for id in ids {
        call.region.before_edit(id, call.sight.now);
        let Some(tags) = call.region.tags.get_mut(id) else {
            continue;
        };
        if items.is_empty() {
            tags.clear();
        }
        for item in &items {
            let key = item.text("Key").unwrap_or_default();
            let wanted = item.text("Value");
            if tags
                .get(key)
                .is_some_and(|value| wanted.is_none_or(|wanted| wanted == value))
            {
                tags.remove(key);
            }
        }
        if tags.is_empty() {
            call.region.tags.remove(id);
        }
    }
    Ok(done())
}

struct Row<'a> {
    resource: &'a str,
    kind: &'static str,
    key: &'a str,
    value: &'a str,
}

/// `DescribeTags`.
pub(super) fn describe(call: &mut Call) -> Reply {
    let fields: [Field<Row>; 4] = [
        ("key", |row| one(row.key)),
        ("value", |row| one(row.value)),
        ("resource-id", |row| one(row.resource)),
        ("resource-type", |row| one(row.kind)),
    ];
    let filters = Filters::read(&call.form, &fields)?;
    let page = Page::read(call, &(5..=1000))?;
    let mut rows = BTreeMap::new();
    for (resource, tags) in &call.region.tags {
        if !exists(call, resource) || is_late(call, resource) {
            continue;
        }
        for (key, value) in tags {
            let row = Row {
                resource,
                kind: type_of(resource),
                key,
                value,
            };
            // A filter on a tag looks at this tag alone.
            let alone = Tags::from([(key.clone(), value.clone())]);
            if filters.accept(&row, Some(&alone), &fields) {
                rows.insert(format!("{resource} {key}"), row);
            }
        }
    }
    let (rows, next) = page.cut(rows);
    let mut xml = Xml::default();
    xml.list("tagSet", rows, |xml, row| {
        xml.text("resourceId", row.resource)
            .text("resourceType", row.kind)
            .text("key", row.key)
            .text("value", row.value);
    });
    xml.maybe("nextToken", next);
    Ok(xml)
}

/// Reads the resources of a call and checks that all of them exist.
fn resources<'q>(call: &Call<'q>) -> Result<Vec<&'q str>, Refusal> {
    let ids = call.form.values("ResourceId");
    if ids.is_empty() {
        return Err(Refusal::missing("ResourceId"));
    }
    for id in &ids {
        let kind = kind_of(id)
            .ok_or_else(|| Refusal::new("InvalidID", format!("The ID '{id}' is not valid")))?;
        kind.check(id)?;
        if !exists(call, id) {
            return Err(kind.unknown(&[id]));
        }
    }
    Ok(ids)
}

const KEY_PAIR: Kind = Kind {
    prefix: "key",
    malformed: "InvalidKeyPair.Malformed",
    missing: "InvalidKeyPair.NotFound",
    noun: "key pair",
};

/// The kind of an id that can be tagged.
pub(super) fn kind_of(id: &str) -> Option<Kind> {
    let (prefix, _) = id.split_once('-')?;
    [
        INSTANCE,
        VOLUME,
        GROUP,
        IMAGE,
        SUBNET,
        NETWORK,
        INTERFACE,
        SPOT_REQUEST,
        PLACEMENT_GROUP,
        KEY_PAIR,
    ]
    .into_iter()
    .find(|kind| kind.prefix == prefix)
}

/// The type of a resource that can be tagged, as EC2 names it.
pub(super) fn type_of(id: &str) -> &'static str {
    match id.split_once('-').map_or("", |(prefix, _)| prefix) {
        "i" => "instance",
        "vol" => "volume",
        "sg" => "security-group",
        "ami" => "image",
        "subnet" => "subnet",
        "vpc" => "vpc",
        "eni" => "network-interface",
        "sir" => "spot-instances-request",
        "pg" => "placement-group",
        _ => "key-pair",
    }
}

/// Whether a listing of tags has not heard of those of a resource.
fn is_late(call: &Call, id: &str) -> bool {
    let (sight, region) = (call.sight, &call.region);
    match type_of(id) {
        "instance" => {
            let instance = region.instances.get(id);
            instance.is_some_and(|instance| sight.misses_tags(instance))
        }
        "volume" => {
            let volume = region.volumes.get(id);
            volume.is_some_and(|volume| sight.misses_tags_of_volume(volume))
        }
        "security-group" => {
            let group = region.groups.get(id);
            group.is_some_and(|group| sight.misses_tags_of_group(group))
        }
        "spot-instances-request" => sight.misses_tags_of_request(region, id),
        _ => false,
    }
}

/// Whether a resource is there to be tagged by this caller.
fn exists(call: &Call, id: &str) -> bool {
    let region = &call.region;
    match type_of(id) {
        "instance" => call.instance(id).is_some(),
        "volume" => region.volumes.contains_key(id),
        "security-group" => region.groups.contains_key(id),
        "image" => images(&region.account, &region.name, call.stage)
            .iter()
            .any(|image| image.id == id && image.owner == region.account),
        "placement-group" => region.placement_groups.values().any(|group| group.id == id),
        "subnet" => region.network.subnet(id).is_some(),
        "vpc" => region.network.vpc == id,
        "network-interface" if region.loose.contains_key(id) => true,
        "network-interface" => call.instances().any(|instance| {
            let mut attached = instance.attached.iter();
            let has = instance.interface.id == id || attached.any(|one| one.id == id);
            has && instance.state() != InstanceState::Terminated
        }),
        "spot-instances-request" => call.instances().any(|instance| {
            instance
                .spot
                .as_ref()
                .is_some_and(|spot| spot.request == id)
        }),
        _ => region.keys.values().any(|key| key.id == id),
    }
}
