//! What is provably ours, by tags that stand on it since its first instant.
//!
//! Filter values are globs (EC2 API filtering) and listings can come without
//! tags, so ownership is read here, on our side, from every object again.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountId, EnvironmentName, GroupName, Instance, Lease, LiveInstance, LiveVolume, Ordinals,
    TOKEN_PREFIX,
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
}

/// The version of the tags that this program writes.
const VERSION: &str = "1";
/// Longest tag value that a filter can still match (EC2 API filtering).
const LONGEST_VALUE: usize = 255;

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
    /// Which incarnation it is.
    pub incarnation: u32,
    /// Its lease; `None` where the tag cannot be read, which counts as run out.
    pub lease: Option<Lease>,
    /// What image was asked for.
    pub image: String,
    /// Fingerprint of the user's boot script.
    pub user_data: String,
    /// Fingerprint of the spec last applied.
    pub spec: String,
    /// Whether termination protection was asked for.
    pub protect: bool,
    /// The devices of the further disks that the launch made.
    pub volumes: BTreeSet<String>,
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
    if !live
        .client_token
        .as_deref()
        .is_some_and(|token| token.starts_with(TOKEN_PREFIX))
    {
        return Err("it was not launched with a token of ours".to_owned());
    }
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
    let siblings: Ordinals = text(tag::ORDINALS)?
        .parse()
        .map_err(|()| unreadable(tag::ORDINALS))?;
    let ordinal = siblings
        .nth(live.launch_index)
        .ok_or_else(|| unreadable(tag::ORDINALS))?;
    Ok(Mark {
        environment,
        group: GroupName::new(group),
        ordinal,
        siblings,
        incarnation: text(tag::INCARNATION)?
            .parse()
            .map_err(|_| unreadable(tag::INCARNATION))?,
        lease: tags.get(tag::LEASE).and_then(|lease| lease.parse().ok()),
        image: text(tag::IMAGE)?,
        user_data: text(tag::USER_DATA)?,
        spec: text(tag::SPEC)?,
        protect: tags.get(tag::PROTECT).is_some_and(|value| value == "true"),
        volumes: tags
            .get(tag::VOLUMES)
            .into_iter()
            .flat_map(|list| list.split(','))
            .map(str::to_owned)
            .collect(),
        keys: user_keys(tags),
    })
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
    ]);
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
        (tag::USER_DATA, instance.user_data_digest()),
    ] {
        tags.insert(key.to_owned(), value);
    }
    if !instance.volumes.is_empty() {
        // Twenty devices at most, so the list fits into one value.
        let devices: Vec<&str> = instance.volumes.keys().map(String::as_str).collect();
        tags.insert(tag::VOLUMES.to_owned(), devices.join(","));
    }
    tags
}

impl Mark {
    /// The tags to set and the keys to remove so that `instance` is what was applied last.
    pub fn retag(
        &self,
        instance: &Instance,
        live: &BTreeMap<String, String>,
    ) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let record = record_tags(instance);
        let mut remove: BTreeSet<String> = self
            .keys
            .iter()
            .filter(|key| !instance.tags.contains_key(*key))
            .cloned()
            .collect();
        remove.extend(
            live.keys()
                .filter(|key| key.starts_with(tag::KEYS) && !record.contains_key(*key))
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
/// `volumes` says whether it asks for further disks.
pub(crate) fn own_tag_count(tags: &BTreeMap<String, String>, volumes: bool) -> usize {
    let list: usize = tags.keys().map(|key| characters(key) + 1).sum();
    // Eleven fixed tags and the parts of the list of keys, each of which may
    // leave as much room unused as the longest key needs.
    let longest = tags.keys().map(|key| characters(key)).max().unwrap_or(0);
    11 + usize::from(volumes)
        + list
            .div_ceil(LONGEST_VALUE.saturating_sub(longest).max(1))
            .max(1)
}

#[cfg(test)]
#[path = "ownership_tests.rs"]
mod tests;
