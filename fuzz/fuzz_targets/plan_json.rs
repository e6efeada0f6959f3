//! Anything that AWS may report, against a small spec: plans, and every way to show them.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arbitrary::Arbitrary;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use trainyard::plan::{
    Context, Observed, Plan, Resolution, Targets, other_environments, plan, plan_destroy,
    plan_duplicates,
};
use trainyard::resource::{
    Address, InstanceId, LiveInstance, LiveVolume, ObjectOptions, OwnKeyPair, OwnNetwork,
    OwnPlacementGroup, OwnSecurityGroup, Rule, RuleSource, SpotRequest, VolumeId, object_tags,
    own_name,
};
use trainyard::sync::{
    Change, Deleted, Origin, Place, Side, SkipReason, Skipped, SyncPlan, Totals, Transfer,
    Transfers, Why, Withheld,
};
use trainyard_fuzz::{
    Instance, Kit, Moment, Tags, Text, Volume, answer, attach, check_plan, context, empty, instant,
};

/// What is asked for besides the spec.
#[derive(Debug, Arbitrary)]
struct Wishes {
    now: Moment,
    lift_protection: bool,
    upgrade_image: bool,
    delete_kept: bool,
    reversed: bool,
    targets: Vec<u8>,
    replace: Vec<u8>,
    nothing_found: bool,
    caller: Text,
}

/// A security group, a key pair or a placement group.
#[derive(Debug, Arbitrary)]
struct Object {
    group: u8,
    id: Text,
    name: Option<Text>,
    network: Option<Text>,
    rules: Vec<(Text, Option<(u16, u16)>, Option<Text>, Text)>,
    tags: Tags,
}

/// A file of a data set.
#[derive(Debug, Arbitrary)]
struct File {
    key: Text,
    bytes: u64,
    fate: u8,
    moment: Moment,
}

#[derive(Debug, Arbitrary)]
struct Input {
    wishes: Wishes,
    instances: Vec<Instance>,
    volumes: Vec<Volume>,
    network: Option<(Vec<Object>, Vec<Object>, Vec<Object>)>,
    requests: Vec<(Text, Option<u8>, Tags)>,
    files: Option<(Vec<File>, Option<Text>)>,
}

fuzz_target!(|input: Input| {
    let kit = Kit::of_everything();
    let observed = observed(&input, kit);
    let context = wishes(&input.wishes, kit);
    let resolution = if input.wishes.nothing_found {
        Resolution::default()
    } else {
        answer(&kit.desired, &observed, &context)
    };
    let others = other_environments(&observed, &BTreeSet::new());
    let planned = plan(&kit.desired, &observed, &resolution, &context);
    check_plan(&planned, &others);
    let destroyed = plan_destroy(&kit.desired.environment, &observed, &context);
    check_plan(&destroyed, &others);
    let duplicates = plan_duplicates(&kit.first, &observed);
    if let Some(duplicates) = &duplicates {
        check_plan(duplicates, &[]);
    }
    // The same twice, whatever the order of the listing.
    let mut again = observed.clone();
    if input.wishes.reversed {
        again.instances.reverse();
        again.volumes.reverse();
    }
    assert_eq!(plan(&kit.desired, &again, &resolution, &context), planned);
    let destroyed_again = plan_destroy(&kit.desired.environment, &again, &context);
    assert_eq!(destroyed_again, destroyed);
    assert_eq!(plan_duplicates(&kit.first, &again), duplicates);
    only_what_is_ours(&planned, &observed);
    only_what_is_ours(&destroyed, &observed);
});

/// No plan ends or changes what does not carry our environment, whatever else it carries.
fn only_what_is_ours(plan: &Plan, observed: &Observed) {
    let named = |tags: &BTreeMap<String, String>| {
        let environment = tags.get("trainyard:environment");
        let account = tags.get("trainyard:account");
        environment.is_some_and(|name| name == plan.environment.as_str())
            && account.is_some_and(|name| name == plan.account.as_str())
    };
    for step in &plan.steps {
        for one in step.action.doomed().into_iter().flatten() {
            let live = observed.instances.iter().find(|live| live.id == one.id);
            assert!(live.is_some_and(|live| named(&live.tags)), "{one:#?}");
        }
    }
}

fn wishes(wishes: &Wishes, kit: &Kit) -> Context {
    let addresses: Vec<&Address> = kit.desired.instances.keys().collect();
    let targets = |numbers: &[u8]| {
        let named = numbers
            .iter()
            .map(|number| addresses[usize::from(*number) % addresses.len()]);
        Targets(
            named
                .filter_map(|address| address.to_string().parse().ok())
                .collect(),
        )
    };
    let now = instant(wishes.now).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut context = context(&kit.desired, now);
    context.caller.name.clone_from(&wishes.caller.0);
    Context {
        lift_protection: wishes.lift_protection,
        upgrade_image: wishes.upgrade_image,
        delete_kept: wishes.delete_kept,
        targets: targets(&wishes.targets),
        replace: targets(&wishes.replace),
        ..context
    }
}

fn observed(input: &Input, kit: &Kit) -> Observed {
    let lives: BTreeMap<InstanceId, LiveInstance> = input
        .instances
        .iter()
        .map(|instance| instance.live(kit))
        .map(|live| (live.id.clone(), live))
        .collect();
    let mut instances: Vec<LiveInstance> = lives.into_values().collect();
    let ids: Vec<InstanceId> = instances.iter().map(|live| live.id.clone()).collect();
    // One id stands for one thing: a listing is read into a map.
    let volumes: BTreeMap<VolumeId, LiveVolume> = input
        .volumes
        .iter()
        .map(|volume| volume.live(&kit.instances[0], &ids))
        .map(|volume| (volume.id.clone(), volume))
        .collect();
    let volumes: Vec<Arc<LiveVolume>> = volumes.into_values().map(Arc::new).collect();
    attach(&mut instances, &volumes);
    let target = &kit.desired.target;
    Observed {
        instances: instances.into_iter().map(Arc::new).collect(),
        volumes,
        network: input.network.as_ref().map(|parts| network(parts, kit)),
        spot_requests: requests(&input.requests, (kit, &ids)),
        data: data(input, kit),
        ..empty(&target.account, &target.region)
    }
}

fn network(parts: &(Vec<Object>, Vec<Object>, Vec<Object>), kit: &Kit) -> OwnNetwork {
    let (groups, keys, placements) = parts;
    OwnNetwork {
        security_groups: groups
            .iter()
            .map(|object| OwnSecurityGroup {
                id: object.id.0.clone(),
                name: name(object, kit),
                network: object.network.as_ref().map(|text| text.0.clone()),
                rules: rules(object),
                tags: object.tags.of(&object_base(object, kit)),
            })
            .collect(),
        key_pairs: keys
            .iter()
            .map(|object| OwnKeyPair {
                id: object.id.0.clone(),
                name: name(object, kit),
                tags: object.tags.of(&object_base(object, kit)),
            })
            .collect(),
        placement_groups: placements
            .iter()
            .map(|object| OwnPlacementGroup {
                id: object.id.0.clone(),
                name: name(object, kit),
                tags: object.tags.of(&object_base(object, kit)),
            })
            .collect(),
    }
}

fn object_base(object: &Object, kit: &Kit) -> BTreeMap<String, String> {
    let groups: Vec<_> = kit.desired.groups.keys().collect();
    let group = groups[usize::from(object.group) % groups.len()];
    object_tags(&kit.desired.environment, &kit.desired.target.account, group)
}

fn name(object: &Object, kit: &Kit) -> String {
    let groups: Vec<_> = kit.desired.groups.keys().collect();
    let group = groups[usize::from(object.group) % groups.len()];
    let own = || own_name(&kit.desired.environment, group, &BTreeSet::new());
    object.name.as_ref().map_or_else(own, |text| text.0.clone())
}

fn rules(object: &Object) -> BTreeSet<Rule> {
    let rules = object.rules.iter();
    rules
        .map(|(protocol, ports, source, description)| Rule {
            protocol: protocol.0.clone(),
            ports: *ports,
            source: match source {
                None => RuleSource::Itself,
                Some(text) => match text.0.parse() {
                    Ok(block) => RuleSource::Block(block),
                    Err(_) => RuleSource::Other(text.0.clone()),
                },
            },
            description: description.0.clone(),
        })
        .collect()
}

fn requests(
    requests: &[(Text, Option<u8>, Tags)],
    (kit, ids): (&Kit, &[InstanceId]),
) -> Vec<SpotRequest> {
    let base = &kit.instances[0].tags;
    let one = |(id, instance, tags): &(Text, Option<u8>, Tags)| SpotRequest {
        id: id.0.clone(),
        instance: instance.and_then(|number| ids.get(usize::from(number)).cloned()),
        tags: tags.of(base),
    };
    requests.iter().map(one).collect()
}

fn data(input: &Input, kit: &Kit) -> BTreeMap<Address, SyncPlan> {
    let Some((files, withheld)) = &input.files else {
        return BTreeMap::new();
    };
    let mut plan = SyncPlan {
        from: Place::Folder("/specs/data".into()),
        to: Place::prefix("bucket", "prefix"),
        transfers: Transfers::new(),
        deletions: Vec::new(),
        withheld: withheld
            .as_ref()
            .map(|text| Withheld::UnreadableFolder(text.0.clone())),
        same: Totals::default(),
        skipped: Vec::new(),
        archive: None,
        kept: Totals::default(),
        leftovers: Vec::new(),
        options: ObjectOptions::default(),
        case_conflicts: Vec::new(),
        region: None,
    };
    for file in files {
        push(&mut plan, file);
    }
    let addresses = kit.desired.data.keys().cloned();
    addresses.map(|address| (address, plan.clone())).collect()
}

fn push(plan: &mut SyncPlan, file: &File) {
    let (key, bytes) = (file.key.0.clone(), file.bytes);
    let modified = instant(file.moment).unwrap_or(Timestamp::UNIX_EPOCH);
    let transfer = |change: Change| Transfer {
        key: key.clone(),
        bytes,
        change,
        origin: Origin::File { modified },
    };
    let skipped = |reason: SkipReason, side: Side| Skipped {
        key: key.clone(),
        side,
        reason,
    };
    match file.fate % 7 {
        0 => plan.transfers.push(&transfer(Change::New)),
        1 => plan
            .transfers
            .push(&transfer(Change::Changed(Why::Content))),
        2 => plan.deletions.push(Deleted {
            key,
            bytes,
            modified,
        }),
        3 => plan.same.add(bytes),
        4 => plan.skipped.push(skipped(SkipReason::NotUtf8, Side::From)),
        5 => plan
            .skipped
            .push(skipped(SkipReason::UnreadableFile(key.clone()), Side::From)),
        _ => plan
            .skipped
            .push(skipped(SkipReason::Archived(key.clone()), Side::To)),
    }
}
