//! What differs between an instance as wanted and as it is.
//!
//! Only fields that the spec states are compared, so a default that EC2 filled
//! in is never a difference. The exceptions are `iam_profile` and `key`, whose
//! absence is a statement too: an instance that should have none must not have one. Each field's effect follows the EC2 API reference
//! and the create-only properties of CloudFormation's schema.

use std::collections::BTreeMap;

use super::instance_diff_disks::{diff_root, diff_volumes};
use super::instance_diff_machine::diff_machine;
use super::{
    Effect, FieldChange, ImageSelector, Instance, InstanceState, LiveInstance, Machine, Mark,
    Market, Metadata, OWN_NAME_PREFIX, Placement, ResolvedImage, Tokens, Value,
};

/// What was looked up for a comparison; what is not known makes no difference.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// What EC2 says of instance types.
    pub machines: Option<&'a BTreeMap<String, Machine>>,
    /// The image that the spec's selector means now, where a newer one is to replace what runs.
    pub upgrade: Option<&'a ResolvedImage>,
}

/// The fields in which `live` is not what `desired` asks for.
///
/// The lease is not among them: the guest's timer was armed at launch. Neither is
/// what only a launch can use: prices, waiting, a public key.
pub fn diff(
    desired: &Instance,
    live: &LiveInstance,
    mark: &Mark,
    known: Known<'_>,
) -> Vec<FieldChange> {
    let Instance {
        group: _,
        image,
        machine,
        market,
        max_price: _,
        wait: _,
        placement,
        cluster,
        distributed,
        public_address,
        iam_profile,
        security_groups: _,
        key: _,
        ssh: _,
        disk,
        volumes,
        metadata,
        user_data: _,
        protect,
        tags,
        lease: _,
    } = desired;
    let mut changes = Changes(Vec::new());
    diff_state(&mut changes, live);
    diff_image(&mut changes, image, (live, mark), known);
    diff_machine(&mut changes, machine, (live, mark), known);
    diff_market(&mut changes, *market, live);
    diff_placement(&mut changes, placement, live);
    diff_cluster(&mut changes, *cluster, live);
    diff_public_address(&mut changes, *public_address, live);
    if live.iam_profile != *iam_profile {
        changes.compare(
            "iam_profile",
            Value::text(live.iam_profile.as_deref()),
            Value::text(iam_profile.as_deref()),
            Effect::InPlace,
        );
    }
    diff_security_groups(&mut changes, desired, live);
    diff_key(&mut changes, desired, live);
    diff_root(&mut changes, disk.as_ref(), live);
    diff_volumes(&mut changes, volumes, live, mark);
    diff_metadata(&mut changes, *metadata, live);
    diff_user_data(&mut changes, desired, (live, mark));
    changes.compare(
        "distributed",
        Value::Bool(mark.user_data.ends_with(super::DISTRIBUTED_SUFFIX)),
        Value::Bool(*distributed),
        Effect::Replace,
    );
    changes.compare(
        "protect",
        Value::Bool(mark.protect),
        Value::Bool(*protect),
        Effect::InPlace,
    );
    diff_tags(&mut changes, tags, live, mark);
    changes.0
}

/// Whether every change can be made while the instance runs.
pub fn in_place_changes(changes: &[FieldChange]) -> bool {
    changes
        .iter()
        .all(|change| change.effect == Effect::InPlace)
}

pub(super) struct Changes(Vec<FieldChange>);

impl Changes {
    pub(super) fn push(
        &mut self,
        field: impl Into<String>,
        before: Value,
        after: Value,
        effect: Effect,
    ) {
        self.0.push(FieldChange::new(field, before, after, effect));
    }

    pub(super) fn compare(
        &mut self,
        field: impl Into<String>,
        before: Value,
        after: Value,
        effect: Effect,
    ) {
        if before != after {
            self.push(field, before, after, effect);
        }
    }
}

fn diff_state(changes: &mut Changes, live: &LiveInstance) {
    if matches!(live.state, InstanceState::Stopping | InstanceState::Stopped) {
        changes.push(
            "state",
            Value::Text(live.state.to_string()),
            Value::Text("running".to_owned()),
            Effect::Restart,
        );
    }
}

fn diff_image(
    changes: &mut Changes,
    image: &ImageSelector,
    (live, mark): (&LiveInstance, &Mark),
    known: Known<'_>,
) {
    if let Some(newest) = known.upgrade.filter(|newest| newest.id != live.image_id) {
        let mut change = FieldChange::new(
            "image",
            Value::Text(format!("id:{}", live.image_id)),
            Value::Text(format!("id:{}", newest.id)),
            Effect::Replace,
        );
        if mark.image == image.tag_value() {
            // The spec asks for nothing else than before: it is the flag that replaces.
            change.avoid = Some("leave out `--upgrade-image`".to_owned());
        }
        changes.0.push(change);
        return;
    }
    if mark.image == image.tag_value() {
        return;
    }
    // Naming the very image that runs, by id, is no reason to replace it.
    if *image == ImageSelector::Id(live.image_id.clone()) {
        return;
    }
    changes.push(
        "image",
        Value::Text(mark.image.clone()),
        Value::Text(image.tag_value()),
        Effect::Replace,
    );
}

fn diff_market(changes: &mut Changes, market: Market, live: &LiveInstance) {
    if !market.purchases().contains(&live.purchase) {
        changes.push(
            "market",
            Value::Text(live.purchase.word().to_owned()),
            Value::Text(market.word().to_owned()),
            Effect::Replace,
        );
    }
}

fn diff_cluster(changes: &mut Changes, cluster: bool, live: &LiveInstance) {
    let ours = live
        .placement_group
        .as_deref()
        .filter(|name| name.starts_with(OWN_NAME_PREFIX));
    let word = |cluster: bool| Value::text(cluster.then_some("cluster"));
    changes.compare(
        "placement",
        word(ours.is_some()),
        word(cluster),
        Effect::Replace,
    );
}

fn diff_public_address(changes: &mut Changes, wanted: Option<bool>, live: &LiveInstance) {
    // One that is not running has none for the moment.
    if let Some(wanted) = wanted.filter(|_| live.state == InstanceState::Running) {
        changes.compare(
            "public_address",
            Value::Bool(live.public_address.is_some()),
            Value::Bool(wanted),
            Effect::Replace,
        );
    }
}

fn diff_placement(changes: &mut Changes, placement: &Placement, live: &LiveInstance) {
    let (field, before, after) = match placement {
        Placement::Any => return,
        Placement::Zone(zone) => ("zone", &live.zone, zone),
        Placement::Subnet(subnet) => ("subnet", &live.subnet, subnet),
    };
    changes.compare(
        field,
        Value::text(before.as_deref()),
        Value::Text(after.clone()),
        Effect::Replace,
    );
}

/// Groups of ours come and go with `ssh` and `distributed`; those of others are the spec's to name.
fn diff_security_groups(changes: &mut Changes, desired: &Instance, live: &LiveInstance) {
    let wanted = &desired.security_groups;
    let (own, others): (Vec<_>, Vec<_>) = live
        .security_groups
        .iter()
        .partition(|group| group.name.starts_with(OWN_NAME_PREFIX));
    let own_is_right = !desired.needs_own_security_group() || !own.is_empty();
    let named = |name: &String| {
        others
            .iter()
            .any(|live| live.id == *name || live.name == *name)
    };
    let extra = others
        .iter()
        .any(|group| !wanted.contains(&group.id) && !wanted.contains(&group.name));
    // Without a word the groups stay as they are: an instance has at least one.
    let named_are_right = wanted.is_empty() || wanted.iter().all(named) && !extra;
    if own_is_right && named_are_right {
        return;
    }
    let before = live
        .security_groups
        .iter()
        .map(|group| group.name.clone())
        .collect();
    let ours = desired
        .needs_own_security_group()
        .then(|| own_words(own.first().map(|group| group.name.as_str())));
    let kept = others
        .iter()
        .filter(|_| wanted.is_empty())
        .map(|group| group.name.clone());
    let after = wanted.iter().cloned().chain(kept).chain(ours).collect();
    changes.push(
        "security_groups",
        Value::List(before),
        Value::List(after),
        Effect::InPlace,
    );
}

fn own_words(name: Option<&str>) -> String {
    name.unwrap_or("one of this environment's own").to_owned()
}

/// A key of ours was imported for whoever launched; it is nobody's wish to lose the machine for it.
fn diff_key(changes: &mut Changes, desired: &Instance, live: &LiveInstance) {
    let imports = desired
        .ssh
        .as_ref()
        .is_some_and(|ssh| ssh.public_key.is_some());
    let ours = |key: &&str| key.starts_with(OWN_NAME_PREFIX);
    let before = live.key.as_deref().filter(|key| !ours(key));
    if imports || before == desired.key.as_deref() {
        return;
    }
    changes.compare(
        "key",
        Value::text(before),
        Value::text(desired.key.as_deref()),
        Effect::Replace,
    );
}

fn diff_user_data(changes: &mut Changes, desired: &Instance, (live, mark): (&LiveInstance, &Mark)) {
    let plain = |digest: &str| {
        digest
            .trim_end_matches(super::DISTRIBUTED_SUFFIX)
            .to_owned()
    };
    let recorded = plain(&mark.user_data);
    if plain(&desired.user_data_digest()) == recorded {
        return;
    }
    let before = match (&live.user_data, recorded.as_str()) {
        (_, "none") => Value::Absent,
        (Some(text), _) => Value::Lines(text.clone()),
        (None, _) => Value::Unread,
    };
    let after = desired
        .user_data
        .clone()
        .map_or(Value::Absent, Value::Lines);
    changes.push("user_data", before, after, Effect::Replace);
}

fn diff_metadata(changes: &mut Changes, wanted: Metadata, live: &LiveInstance) {
    let Some(live) = live.metadata else { return };
    let word = |tokens: Tokens| match tokens {
        Tokens::Required => "required",
        Tokens::Optional => "optional",
    };
    let Metadata {
        tokens,
        hop_limit,
        enabled,
    } = wanted;
    changes.compare(
        "metadata.enabled",
        Value::Bool(live.enabled),
        Value::Bool(enabled),
        Effect::InPlace,
    );
    if !enabled {
        // EC2 takes the other two only together with a service that answers.
        return;
    }
    changes.compare(
        "metadata.tokens",
        Value::Text(word(live.tokens).to_owned()),
        Value::Text(word(tokens).to_owned()),
        Effect::InPlace,
    );
    changes.compare(
        "metadata.hop_limit",
        Value::Int(i64::from(live.hop_limit)),
        Value::Int(i64::from(hop_limit)),
        Effect::InPlace,
    );
}

/// Tags merge three ways: those that the spec states, those that we once set, and those of others.
fn diff_tags(
    changes: &mut Changes,
    wanted: &BTreeMap<String, String>,
    live: &LiveInstance,
    mark: &Mark,
) {
    // Most tags are as they should be, and this is asked of every instance.
    for (key, value) in wanted
        .iter()
        .filter(|(key, value)| live.tags.get(*key) != Some(*value))
    {
        changes.compare(
            format!("tags.{key}"),
            Value::text(live.tags.get(key).map(String::as_str)),
            Value::Text(value.clone()),
            Effect::InPlace,
        );
    }
    for key in mark.keys.iter().filter(|key| !wanted.contains_key(*key)) {
        changes.compare(
            format!("tags.{key}"),
            Value::text(live.tags.get(key).map(String::as_str)),
            Value::Absent,
            Effect::InPlace,
        );
    }
}

#[cfg(test)]
#[path = "instance_diff_tests.rs"]
mod tests;
