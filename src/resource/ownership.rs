//! What is provably ours, by tags that stand on it since its first instant.
//!
//! Filter values are globs (EC2 API filtering) and listings can come without
//! tags, so ownership is read here, on our side, from every object again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    AccountId, Attempt, EnvironmentName, GroupName, Instance, Lease, LiveInstance, LiveVolume,
    Ordinals, TOKEN_PREFIX, members,
};

/// How every tag key of ours begins; users may not use it.
pub const TAG_PREFIX: &str = "trainyard:";

/// The keys of our tags.
pub mod tag {
    /// Version of the set of tags.
    pub const VERSION: &str = "trainyard:version";
    /// The environment's name.
    pub const ENVIRONMENT: &str = "trainyard:environment";
    /// The account, so that a tag copied with an image proves nothing elsewhere.
    pub const ACCOUNT: &str = "trainyard:account";
    /// The group.
    pub const GROUP: &str = "trainyard:group";
    /// The numbers of the launch; the launch index picks one.
    pub const ORDINALS: &str = "trainyard:ordinals";
    /// How often these numbers have been launched before.
    pub const INCARNATION: &str = "trainyard:incarnation";
    /// The lease as a duration from launch.
    pub const LEASE: &str = "trainyard:lease";
    /// What image was asked for.
    pub const IMAGE: &str = "trainyard:image";
    /// Fingerprint of the user's boot script.
    pub const USER_DATA: &str = "trainyard:user-data";
    /// Fingerprint of the spec last applied.
    pub const SPEC: &str = "trainyard:spec";
    /// The devices of the further disks that the launch made, where there are any.
    pub const VOLUMES: &str = "trainyard:volumes";
    /// Whether termination protection was asked for.
    pub const PROTECT: &str = "trainyard:protect";
    /// The keys of the user's tags that we set; continued in `trainyard:keys.1` and so on.
    pub const KEYS: &str = "trainyard:keys";
    /// What machine was asked for.
    pub const MACHINE: &str = "trainyard:machine";
    /// The type that was chosen.
    pub const TYPE: &str = "trainyard:type";
    /// For how long the launch waited for capacity, in seconds; it is taken off the lease.
    pub const WAITED: &str = "trainyard:waited";
    /// The disks that stay when the instance ends, where there are any.
    pub const KEEP: &str = "trainyard:keep";
    /// How many instances a launch gave, where it gave fewer than were asked for.
    pub const GIVEN: &str = "trainyard:given";
    /// The id of an instance that was taken over: a copy of the tag proves nothing elsewhere.
    pub const ADOPTED: &str = "trainyard:adopted";
    /// Since when an instance that was taken over is ours, RFC 3339.
    pub const SINCE: &str = "trainyard:since";
    /// The addresses of a distributed group; continued in `trainyard:members.1` and so on.
    pub const MEMBERS: &str = "trainyard:members";
}

/// The version of the tags that this program writes.
const VERSION: &str = "1";
/// The most tags that EC2 takes on one resource (EC2 API, `CreateTags`); those of AWS aside.
pub(crate) const MOST_TAGS: usize = 50;
/// Longest tag value that a filter can still match (EC2 API filtering).
pub(crate) const LONGEST_VALUE: usize = 255;

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

/// How many tags every instance of ours carries, the list of keys aside.
const FIXED_TAGS: usize = 13;

/// What our tags on an instance say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// Its group.
    pub group: GroupName,
    /// Its own number.
    pub ordinal: u32,
    /// The numbers launched with it.
    pub siblings: Ordinals,
    /// The numbers that were asked for in that launch and not given.
    pub not_given: Ordinals,
    /// Which incarnation it is.
    pub incarnation: u32,
    /// Its lease; `None` where the tag cannot be read, which counts as run out.
    pub lease: Option<Lease>,
    /// What the wait for capacity took off the lease, in seconds.
    pub waited: u64,
    /// Since when it is ours, where it was taken over and not launched by us.
    pub since: Option<Timestamp>,
    /// What image was asked for.
    pub image: String,
    /// What machine was asked for, where the tag says it.
    pub machine: Option<String>,
    /// The type that was chosen, where the tag says it.
    pub instance_type: Option<String>,
    /// Fingerprint of the user's boot script.
    pub user_data: String,
    /// Fingerprint of the spec last applied.
    pub spec: String,
    /// Whether termination protection was asked for.
    pub protect: bool,
    /// The devices of the further disks that the launch made.
    pub volumes: BTreeSet<String>,
    /// The addresses of its group, as it has been told them.
    pub members: Vec<String>,
    /// The keys of the user's tags that we set.
    pub keys: BTreeSet<String>,
}

/// Whether an object is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Every part of the proof holds.
    Ours(Box<Mark>),
    /// It names us, but the proof has a gap; it is shown and never touched.
    Unproven {
        /// The environment that it names.
        environment: String,
        /// The gap.
        reason: String,
    },
    /// It does not name us.
    Foreign,
}

/// Reads an instance's proof of ownership.
pub fn claim(live: &LiveInstance, account: &AccountId) -> Claim {
    let Some(environment) = live.tags.get(tag::ENVIRONMENT) else {
        return Claim::Foreign;
    };
    match mark(live, account, environment) {
        Ok(mark) => Claim::Ours(Box::new(mark)),
        Err(reason) => Claim::Unproven {
            environment: environment.clone(),
            reason,
        },
    }
}

/// Reads a volume's proof of ownership: the environment it belongs to, if it is ours.
pub fn volume_claim(volume: &LiveVolume, account: &AccountId) -> Option<EnvironmentName> {
    let environment = volume.tags.get(tag::ENVIRONMENT)?;
    proof(&volume.tags, account, environment).ok()
}

/// The parts of the proof that every kind of object shares.
fn proof(
    tags: &BTreeMap<String, String>,
    account: &AccountId,
    environment: &str,
) -> Result<EnvironmentName, String> {
    match tags.get(tag::VERSION).map(String::as_str) {
        Some(VERSION) => {}
        Some(_) => return Err(format!("its tag {} is of another version", tag::VERSION)),
        None => return Err(format!("its tag {} is missing", tag::VERSION)),
    }
    if tags.get(tag::ACCOUNT).map(String::as_str) != Some(account.as_str()) {
        return Err(format!(
            "its tag {} does not name this account",
            tag::ACCOUNT
        ));
    }
    if !EnvironmentName::is_valid(environment) {
        return Err(format!(
            "its tag {} is no environment's name",
            tag::ENVIRONMENT
        ));
    }
    Ok(EnvironmentName::new(environment))
}

fn mark(live: &LiveInstance, account: &AccountId, environment: &str) -> Result<Mark, String> {
    let tags = &live.tags;
    let environment = proof(tags, account, environment)?;
    let since = adopted(live)?;
    let text = |key: &str| {
        tags.get(key)
            .cloned()
            .ok_or_else(|| format!("its tag {key} is missing"))
    };
    let group = text(tag::GROUP)?;
    if !EnvironmentName::is_valid(&group) {
        return Err(format!("its tag {} is no group's name", tag::GROUP));
    }
    let unreadable = |key: &str| format!("its tag {key} cannot be read");
    let asked: Ordinals = text(tag::ORDINALS)?
        .parse()
        .map_err(|()| unreadable(tag::ORDINALS))?;
    // What was launched by others has a number of theirs within its launch.
    let index = if since.is_some() {
        0
    } else {
        live.launch_index
    };
    let ordinal = asked.nth(index).ok_or_else(|| unreadable(tag::ORDINALS))?;
    let given = tags.get(tag::GIVEN).and_then(|given| given.parse().ok());
    let (siblings, not_given) = asked.split(given.unwrap_or(asked.len()));
    let list = |key: &str| -> BTreeSet<String> {
        let listed = tags.get(key).into_iter().flat_map(|list| list.split(','));
        listed.map(str::to_owned).collect()
    };
    Ok(Mark {
        environment,
        group: GroupName::new(group),
        ordinal,
        siblings,
        not_given,
        incarnation: text(tag::INCARNATION)?
            .parse()
            .map_err(|_| unreadable(tag::INCARNATION))?,
        lease: tags.get(tag::LEASE).and_then(|lease| lease.parse().ok()),
        // What cannot be read has used the whole lease up.
        waited: tags
            .get(tag::WAITED)
            .map_or(0, |waited| waited.parse().unwrap_or(u64::MAX)),
        since,
        image: text(tag::IMAGE)?,
        machine: tags.get(tag::MACHINE).cloned(),
        instance_type: tags.get(tag::TYPE).cloned(),
        user_data: text(tag::USER_DATA)?,
        spec: text(tag::SPEC)?,
        protect: tags.get(tag::PROTECT).is_some_and(|value| value == "true"),
        volumes: list(tag::VOLUMES),
        members: members::read(tags),
        keys: user_keys(tags),
    })
}

/// The last part of the proof: the instance's own id in its tag, or a token of ours.
///
/// The tag goes first: what we launched, released and took over again is ours since then.
fn adopted(live: &LiveInstance) -> Result<Option<Timestamp>, String> {
    let ours = |token: &str| token.starts_with(TOKEN_PREFIX);
    let launched = live.client_token.as_deref().is_some_and(ours);
    match live.tags.get(tag::ADOPTED) {
        Some(id) if id == live.id.as_str() => {
            let since = live.tags.get(tag::SINCE);
            let since = since.and_then(|since| since.parse().ok());
            since
                .map(Some)
                .ok_or_else(|| format!("its tag {} cannot be read", tag::SINCE))
        }
        Some(_) | None if launched => Ok(None),
        Some(_) => Err(format!("its tag {} names another instance", tag::ADOPTED)),
        None => Err("it was not launched with a token of ours".to_owned()),
    }
}

/// The keys of the user's tags that we set, from all parts of the list.
fn user_keys(tags: &BTreeMap<String, String>) -> BTreeSet<String> {
    let is_part = |key: &str| {
        key.strip_prefix(tag::KEYS)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    tags.iter()
        .filter(|(key, _)| is_part(key))
        .flat_map(|(_, list)| list.split(','))
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect()
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

/// EC2's limits on tags are in characters, not in bytes (EC2 user guide, tag restrictions).
fn characters(text: &str) -> usize {
    text.chars().count()
}

fn keys_part(part: usize) -> String {
    if part == 0 {
        tag::KEYS.to_owned()
    } else {
        format!("{}.{part}", tag::KEYS)
    }
}

/// Everything that an object of a launch is tagged with, the user's tags included.
///
/// Ours are written last: a user's tag can never take the place of one of them.
pub fn owned_tags(
    instance: &Instance,
    identity: &super::LaunchIdentity,
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

/// The disks of an instance that become ours when it is taken over, by device.
///
/// Those that end with it, and those that the spec speaks of. Any other one is data
/// that somebody means to outlive the instance: nobody has given it to us.
pub fn own_disks<'a>(
    instance: &'a Instance,
    live: &'a LiveInstance,
) -> impl Iterator<Item = (&'a String, &'a LiveVolume)> {
    let disks = live.volumes.iter();
    disks
        .filter(|(device, _)| is_own_disk(instance, live, device))
        .map(|(device, volume)| (device, volume.as_ref()))
}

/// The disks of an instance that stay nobody's when it is taken over, by device.
pub fn others_disks<'a>(
    instance: &'a Instance,
    live: &'a LiveInstance,
) -> impl Iterator<Item = (&'a String, &'a LiveVolume)> {
    let disks = live.volumes.iter();
    disks
        .filter(|(device, _)| !is_own_disk(instance, live, device))
        .map(|(device, volume)| (device, volume.as_ref()))
}

/// A device that the instance does not name is not known to end with it.
fn is_own_disk(instance: &Instance, live: &LiveInstance, device: &String) -> bool {
    let is_root = live.root_device.as_ref() == Some(device);
    let named = instance.volumes.contains_key(device) || is_root && instance.disk.is_some();
    named || live.devices.contains(device) && !live.kept_devices.contains(device)
}

/// Reads the proof of such an object: its environment and its group, if it is ours.
pub fn object_claim(
    tags: &BTreeMap<String, String>,
    account: &AccountId,
) -> Option<(EnvironmentName, GroupName)> {
    let environment = proof(tags, account, tags.get(tag::ENVIRONMENT)?).ok()?;
    let group = tags
        .get(tag::GROUP)
        .filter(|group| EnvironmentName::is_valid(group))?;
    Some((environment, GroupName::new(group)))
}

/// Whether a volume of ours was asked to outlive its instance.
///
/// All volumes of a launch carry the same tags; those that were not to be kept
/// went with the instance, so one that is left and carries the tag is kept.
pub fn is_kept(volume: &LiveVolume) -> bool {
    volume
        .tags
        .get(tag::KEEP)
        .is_some_and(|kept| !kept.is_empty())
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

#[cfg(test)]
#[path = "ownership_tests.rs"]
mod tests;
