//! What is provably ours, by tags that stand on it since its first instant.
//!
//! Filter values are globs (EC2 API filtering) and listings can come without
//! tags, so ownership is read here, on our side, from every object again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    AccountId, EnvironmentName, GroupName, Lease, LiveInstance, LiveVolume, Ordinals, TOKEN_PREFIX,
    members,
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
pub(super) const VERSION: &str = "1";

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

#[cfg(test)]
#[path = "ownership_tests.rs"]
mod tests;
