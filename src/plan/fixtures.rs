//! A small AWS for the planner's tests: pure, and as forgetful as the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    Action, Change, Context, FoundSecurityGroup, Launch, Observed, Plan, Resolution, plan,
};
use crate::resource::fixtures::{
    ENVIRONMENT, account, group_id, image, launched, live_groups, live_metadata, live_volume,
    machine, now, region,
};
use crate::resource::{
    Address, Desired, EnvironmentName, Group, GroupName, ImageSelector, Instance, InstanceId,
    InstanceState, LiveInstance, LiveVolume, SignIn, Target,
};

/// The settle window of the tests, in seconds.
pub(super) const SETTLE: i64 = 30;

pub(crate) fn context() -> Context {
    Context::plain(now(), SignedDuration::from_secs(SETTLE))
}

pub(crate) fn environment() -> EnvironmentName {
    EnvironmentName::new(ENVIRONMENT)
}

pub(crate) fn address(group: &str, ordinal: u32) -> Address {
    Address::Instance {
        group: GroupName::new(group),
        ordinal,
    }
}

/// So many of each of these.
pub(crate) fn desired(groups: &[(Instance, u32)]) -> Desired {
    let mut instances = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (instance, count) in groups {
        let instance = Arc::new(instance.clone());
        let group = Group {
            instance: Arc::clone(&instance),
            count: *count,
            min: None,
            renamed_from: None,
            adopt: Vec::new(),
        };
        all.insert(instance.group.clone(), group);
        for ordinal in 0..*count {
            let address = address(instance.group.as_str(), ordinal);
            instances.insert(address, Arc::clone(&instance));
        }
    }
    Desired {
        environment: environment(),
        renamed_from: None,
        target: Target {
            sign_in: SignIn::default(),
            account: account(),
            region: region(),
        },
        lease: "12h".parse().unwrap(),
        store: None,
        instances,
        groups: all,
        address_service: None,
        data: BTreeMap::new(),
    }
}

/// What a listing shows.
pub(crate) fn observed(instances: &[LiveInstance]) -> Observed {
    Observed {
        account: account(),
        region: region(),
        instances: instances.iter().cloned().map(Arc::new).collect(),
        volumes: instances
            .iter()
            .flat_map(|live| live.volumes.values().cloned())
            .collect(),
        network: None,
        spot_requests: Vec::new(),
        data: BTreeMap::new(),
    }
}

/// Everything that a spec names is there.
pub(crate) fn resolution(desired: &Desired) -> Resolution {
    let instances = desired.instances.values();
    let groups = instances.clone().flat_map(|one| &one.security_groups);
    let types = instances.clone().flat_map(|one| one.machine.types());
    let pinned = ImageSelector::Id(image().id);
    Resolution {
        images: instances
            .map(|one| one.image.clone())
            .chain([pinned])
            .map(|selector| (selector, image()))
            .collect(),
        security_groups: groups
            .map(|name| {
                let found = FoundSecurityGroup {
                    id: group_id(name),
                    network: None,
                };
                (name.clone(), vec![found])
            })
            .collect(),
        machines: types.map(|name| (name.clone(), machine(name))).collect(),
        ..Resolution::default()
    }
}

/// The plan with everything found.
pub(crate) fn plan_of(desired: &Desired, observed: &Observed) -> Plan {
    plan(desired, observed, &resolution(desired), &context())
}

/// An instance with the instant from which listings show it.
#[derive(Debug, Clone)]
struct Item {
    live: LiveInstance,
    visible: Timestamp,
}

/// What AWS has, and what it has forgotten to show.
#[derive(Debug, Clone)]
pub(super) struct World {
    items: BTreeMap<InstanceId, Item>,
    loose: Vec<LiveVolume>,
    pub(super) now: Timestamp,
}

impl World {
    pub(super) fn new(instances: impl IntoIterator<Item = LiveInstance>) -> Self {
        let item = |live: LiveInstance| {
            let visible = Timestamp::UNIX_EPOCH;
            (live.id.clone(), Item { live, visible })
        };
        Self {
            items: instances.into_iter().map(item).collect(),
            loose: Vec::new(),
            now: now(),
        }
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    pub(super) fn context(&self) -> Context {
        Context {
            now: self.now,
            ..context()
        }
    }

    /// Ends the instance with this number among those alive, if there are so many.
    pub(super) fn kill(&mut self, number: usize) {
        let id = self.alive().nth(number).map(|live| live.id.clone());
        if let Some(item) = id.and_then(|id| self.items.get_mut(&id)) {
            item.live.state = InstanceState::Terminated;
            item.live.volumes.clear();
        }
    }

    pub(super) fn loose_volume(&mut self, volume: LiveVolume) {
        self.loose.push(volume);
    }

    /// What the listings show now.
    pub(super) fn observe(&self) -> Observed {
        let seen: Vec<LiveInstance> = self
            .items
            .values()
            .filter(|item| item.visible <= self.now)
            .map(|item| item.live.clone())
            .collect();
        let mut observed = observed(&seen);
        observed
            .volumes
            .extend(self.loose.iter().cloned().map(Arc::new));
        observed
    }

    /// The instances that are alive, seen or not.
    pub(super) fn alive(&self) -> impl Iterator<Item = &LiveInstance> {
        self.items
            .values()
            .map(|item| &item.live)
            .filter(|live| live.state.is_alive())
    }

    pub(super) fn volumes(&self) -> usize {
        self.loose.len()
            + self
                .items
                .values()
                .map(|it| it.live.volumes.len())
                .sum::<usize>()
    }

    /// Does the steps of a plan; `lag` says how late each instance of a launch is seen, in seconds.
    pub(super) fn apply(&mut self, plan: &Plan, lag: &[i64]) {
        for step in &plan.steps {
            match &step.action {
                Action::Launch(launch) => self.launch(launch, lag),
                Action::Update(change) | Action::Restart(change) => self.change(change),
                Action::Terminate(doomed) => {
                    for one in doomed {
                        let item = self.items.get_mut(&one.id).unwrap();
                        item.live.state = InstanceState::Terminated;
                        item.live.volumes.clear();
                    }
                }
                Action::DeleteVolumes(ids) => self.loose.retain(|volume| !ids.contains(&volume.id)),
                Action::Adopt(_)
                | Action::SecurityGroup(_)
                | Action::KeyPair(_)
                | Action::PlacementGroup(_)
                | Action::Retag(_)
                | Action::Introduce(_)
                | Action::DeleteNetwork(_)
                | Action::CancelSpot(_)
                | Action::Sync { .. } => {}
            }
        }
    }

    /// One call for one token: what it made already is answered again, a burnt one is stepped over.
    fn launch(&mut self, launch: &Launch, lag: &[i64]) {
        for incarnation in launch.incarnation.. {
            let made = launched(&launch.instance, &launch.identity, incarnation, self.now);
            let known: Vec<&Item> = made
                .iter()
                .filter_map(|live| self.items.get(&live.id))
                .collect();
            if known.iter().any(|item| item.live.state.is_alive()) {
                return;
            }
            if !known.is_empty() {
                continue;
            }
            for (live, lag) in made.into_iter().zip(lag.iter().cycle()) {
                let late = SignedDuration::from_secs(*lag);
                let visible = self.now.checked_add(late).unwrap();
                self.items.insert(live.id.clone(), Item { live, visible });
            }
            return;
        }
    }

    /// Sets the fields that the change names, and no others.
    fn change(&mut self, change: &Change) {
        let live = &mut self.items.get_mut(&change.before.id).unwrap().live;
        let after = change.after.as_ref();
        for field in &change.changes {
            let (area, rest) = field.field.split_once('.').unwrap_or((&field.field, ""));
            match area {
                "state" => live.state = InstanceState::Running,
                "type" => live.instance_type.clone_from(&change.instance_type),
                "iam_profile" => live.iam_profile.clone_from(&after.iam_profile),
                "security_groups" => live.security_groups = live_groups(after),
                "metadata" => live.metadata = Some(live_metadata(after.metadata)),
                "disk" => set_disk(live, "/dev/xvda", after.disk.as_ref()),
                "volumes" => {
                    let (device, _) = rest.split_once('.').unwrap();
                    set_disk(live, device, after.volumes.get(device));
                }
                "protect" | "tags" => {}
                other => panic!("{other} cannot be changed on an instance"),
            }
        }
        let place = (&change.environment, change.instance_type.as_str());
        let (set, remove) = change.mark.retag(after, place, &live.tags);
        live.tags.retain(|key, _| !remove.contains(key));
        live.tags.extend(set);
    }
}

fn set_disk(live: &mut LiveInstance, device: &str, disk: Option<&crate::resource::Disk>) {
    let tags = live.volumes[device].tags.clone();
    let volume = live_volume(&live.id, device, disk, &tags);
    live.volumes.insert(device.to_owned(), Arc::new(volume));
}

/// The addresses at which more than one instance of ours is alive.
pub(super) fn doubled(world: &World) -> Vec<Address> {
    let mut seen = BTreeSet::new();
    world
        .alive()
        .filter_map(|live| {
            let mark = crate::resource::fixtures::mark(live);
            let address = address(mark.group.as_str(), mark.ordinal);
            (!seen.insert(address.clone())).then_some(address)
        })
        .collect()
}
