//! The tags that we write: what proves that an object is ours, and what was applied last.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::ownership::{Mark, VERSION, tag};
use super::{
    AccountId, Attempt, EnvironmentName, GroupName, Instance, LaunchIdentity, LiveInstance,
    Ordinals, members,
};

/// The most tags that EC2 takes on one resource (EC2 API, `CreateTags`); those of AWS aside.
pub(crate) const MOST_TAGS: usize = 50;
/// Longest tag value that a filter can still match (EC2 API filtering).
pub(crate) const LONGEST_VALUE: usize = 255;
/// How many tags every instance of ours carries, the list of keys aside.
const FIXED_TAGS: usize = 13;

/// How many tags an object would carry, where EC2 would refuse that many.
///
/// Those of AWS itself are not counted.
pub fn too_many_tags<'a>(
    live: &'a BTreeMap<String, String>,
    set: impl Iterator<Item = &'a String>,
    remove: &BTreeSet<String>,
) -> Option<usize> {
    let kept = live.keys().filter(|key| !remove.contains(*key));
    let all: BTreeSet<&String> = kept.chain(set).collect();
    let counted = all.iter().filter(|key| !key.starts_with("aws:")).count();
    (counted > MOST_TAGS).then_some(counted)
}

/// Everything that an object of a launch is tagged with, the user's tags included.
///
/// Ours are written last: a user's tag can never take the place of one of them.
pub fn owned_tags(
    instance: &Instance,
    identity: &LaunchIdentity,
    incarnation: u32,
    attempt: &Attempt,
) -> BTreeMap<String, String> {
    let mut tags = instance.tags.clone();
    tags.extend(record_tags(instance));
    for (key, value) in [
        (tag::VERSION, VERSION.to_owned()),
        (tag::ENVIRONMENT, identity.environment.to_string()),
        (tag::ACCOUNT, identity.account.to_string()),
        (tag::GROUP, instance.group.to_string()),
        (tag::ORDINALS, identity.ordinals.to_string()),
        (tag::INCARNATION, incarnation.to_string()),
        (tag::LEASE, instance.lease.to_string()),
        (tag::IMAGE, instance.image.tag_value()),
        (tag::TYPE, attempt.candidate.instance_type.clone()),
        (tag::USER_DATA, instance.user_data_digest()),
    ] {
        tags.insert(key.to_owned(), value);
    }
    if attempt.round > 0 {
        tags.insert(tag::WAITED.to_owned(), attempt.waited().to_string());
    }
    if !instance.volumes.is_empty() {
        // Twenty devices at most, so the list fits into one value.
        let devices: Vec<&str> = instance.volumes.keys().map(String::as_str).collect();
        tags.insert(tag::VOLUMES.to_owned(), devices.join(","));
    }
    tags
}

/// Everything that an instance and its disks are tagged with when they are taken over.
///
/// `since` is when that happens: the lease counts from then.
pub fn adoption_tags(
    instance: &Instance,
    live: &LiveInstance,
    (environment, account): (&EnvironmentName, &AccountId),
    (ordinal, since): (u32, Timestamp),
) -> BTreeMap<String, String> {
    let mut tags = instance.tags.clone();
    tags.extend(record_tags(instance));
    tags.extend(object_tags(environment, account, &instance.group));
    let ordinals: Ordinals = std::iter::once(ordinal).collect();
    for (key, value) in [
        (tag::ORDINALS, ordinals.to_string()),
        (tag::INCARNATION, "0".to_owned()),
        (tag::LEASE, instance.lease.to_string()),
        (tag::IMAGE, instance.image.tag_value()),
        (tag::TYPE, live.instance_type.clone()),
        (tag::USER_DATA, instance.user_data_digest()),
        (tag::ADOPTED, live.id.to_string()),
        (tag::SINCE, since.to_string()),
    ] {
        tags.insert(key.to_owned(), value);
    }
    if !instance.volumes.is_empty() {
        let devices: Vec<&str> = instance.volumes.keys().map(String::as_str).collect();
        tags.insert(tag::VOLUMES.to_owned(), devices.join(","));
    }
    tags
}

/// The proof that an object without a launch token is ours: a security group, a key pair.
pub fn object_tags(
    environment: &EnvironmentName,
    account: &AccountId,
    group: &GroupName,
) -> BTreeMap<String, String> {
    BTreeMap::from([
        (tag::VERSION.to_owned(), VERSION.to_owned()),
        (tag::ENVIRONMENT.to_owned(), environment.to_string()),
        (tag::ACCOUNT.to_owned(), account.to_string()),
        (tag::GROUP.to_owned(), group.to_string()),
    ])
}

/// The tags that record what was applied last; an update rewrites them.
fn record_tags(instance: &Instance) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::from([
        (tag::SPEC.to_owned(), instance.spec_digest()),
        (tag::PROTECT.to_owned(), instance.protect.to_string()),
        (tag::MACHINE.to_owned(), instance.machine.tag_value()),
    ]);
    let kept: Vec<&str> = instance.kept_disks().into_iter().collect();
    if !kept.is_empty() {
        tags.insert(tag::KEEP.to_owned(), kept.join(","));
    }
    let mut part = 0;
    let mut list = String::new();
    for key in instance.tags.keys() {
        if !list.is_empty() && characters(&list) + 1 + characters(key) > LONGEST_VALUE {
            tags.insert(keys_part(part), std::mem::take(&mut list));
            part += 1;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(key);
    }
    if !list.is_empty() {
        tags.insert(keys_part(part), list);
    }
    tags
}

fn keys_part(part: usize) -> String {
    if part == 0 {
        tag::KEYS.to_owned()
    } else {
        format!("{}.{part}", tag::KEYS)
    }
}

/// EC2's limits on tags are in characters, not in bytes (EC2 user guide, tag restrictions).
fn characters(text: &str) -> usize {
    text.chars().count()
}

impl Mark {
    /// The tags to set and the keys to remove so that `instance` is what was applied last.
    ///
    /// `environment` is where it belongs from now on, `instance_type` what it is.
    pub fn retag(
        &self,
        instance: &Instance,
        (environment, instance_type): (&EnvironmentName, &str),
        live: &BTreeMap<String, String>,
    ) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let mut record = record_tags(instance);
        record.insert(tag::ENVIRONMENT.to_owned(), environment.to_string());
        record.insert(tag::GROUP.to_owned(), instance.group.to_string());
        record.insert(tag::TYPE.to_owned(), instance_type.to_owned());
        let mut remove: BTreeSet<String> = self
            .keys
            .iter()
            .filter(|key| !instance.tags.contains_key(*key))
            .cloned()
            .collect();
        let is_record = |key: &str| key.starts_with(tag::KEYS) || key == tag::KEEP;
        remove.extend(
            live.keys()
                .filter(|key| is_record(key) && !record.contains_key(*key))
                .cloned(),
        );
        let mut set = instance.tags.clone();
        set.extend(record);
        set.retain(|key, value| live.get(key) != Some(value));
        (set, remove)
    }
}

/// How many tags of ours an instance with these tags carries beside the user's.
///
/// `single` are those that only some groups need (disks, waiting and so on), and
/// `members` is how many learn of one another.
pub(crate) fn own_tag_count(tags: &BTreeMap<String, String>, single: usize, members: u32) -> usize {
    let list: usize = tags.keys().map(|key| characters(key) + 1).sum();
    // The fixed tags and the parts of the list of keys, each of which may leave
    // as much room unused as the longest key needs.
    let longest = tags.keys().map(|key| characters(key)).max().unwrap_or(0);
    let parts = list
        .div_ceil(LONGEST_VALUE.saturating_sub(longest).max(1))
        .max(1);
    let told = usize::try_from(members).unwrap_or(usize::MAX);
    FIXED_TAGS + single + members::parts(told) + parts
}
