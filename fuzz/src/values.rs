//! Arbitrary values as AWS may report them: near enough to ours to get past the first look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use arbitrary::{Arbitrary, Unstructured};
use jiff::Timestamp;
use trainyard::plan::{Action, Launch, Plan, plan};
use trainyard::resource::{
    Desired, InstanceId, InstanceState, LiveAttributes, LiveInstance, LiveMetadata,
    LiveSecurityGroup, LiveVolume, Purchase, Tokens, VolumeId, adoption_tags, tag,
};

use crate::world::{EVERYTHING, answer, context, desired, empty};

/// The moment at which everything is looked at.
pub const NOW: i64 = 2_000_000_000;

/// Texts that have broken something somewhere.
const HOSTILE: [&str; 24] = [
    "",
    " ",
    "\u{1b}[2J",
    "\u{1b}]52;c;eA==\u{7}",
    "\u{1b}]8;;http://a\u{1b}\\",
    "\u{9b}31m",
    "a\r\nb",
    "\0",
    "\u{202e}",
    "\u{200b}",
    "```\n# x",
    "</details>",
    "|",
    "%2e",
    "\u{feff}",
    "é",
    "18446744073709551616",
    "-1",
    "0",
    "99999",
    "0-99999",
    "i-0123456789abcdef0",
    "demo",
    "1",
];

/// A text: mostly a small one, now and then a hostile one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let kind: u8 = input.arbitrary()?;
        let known = HOSTILE
            .get(usize::from(kind))
            .map(|text| (*text).to_owned());
        match known {
            Some(text) => Ok(Self(text)),
            None if kind == u8::MAX => {
                let piece: String = input.arbitrary()?;
                Ok(Self(piece.repeat(input.int_in_range(1..=300)?)))
            }
            None => Ok(Self(input.arbitrary()?)),
        }
    }
}

/// A key of a tag: one of ours, or any.
#[derive(Debug, Clone, Arbitrary)]
enum Key {
    Ours(u8),
    Part(u8, u8),
    Any(Text),
}

/// Every key of ours.
const KEYS: [&str; 21] = [
    tag::VERSION,
    tag::ENVIRONMENT,
    tag::ACCOUNT,
    tag::GROUP,
    tag::ORDINALS,
    tag::INCARNATION,
    tag::LEASE,
    tag::IMAGE,
    tag::USER_DATA,
    tag::SPEC,
    tag::VOLUMES,
    tag::PROTECT,
    tag::KEYS,
    tag::MACHINE,
    tag::TYPE,
    tag::WAITED,
    tag::KEEP,
    tag::GIVEN,
    tag::ADOPTED,
    tag::SINCE,
    tag::MEMBERS,
];

impl Key {
    fn text(&self) -> String {
        match self {
            Self::Ours(number) => KEYS[usize::from(*number) % KEYS.len()].to_owned(),
            Self::Part(list, number) => {
                let list = [tag::KEYS, tag::MEMBERS][usize::from(*list) % 2];
                format!("{list}.{number}")
            }
            Self::Any(text) => text.0.clone(),
        }
    }
}

/// What is done to the tags of something.
#[derive(Debug, Clone, Arbitrary)]
pub struct Tags {
    /// Whether it begins with none.
    bare: bool,
    changes: Vec<(Key, Option<Text>)>,
}

impl Tags {
    /// The tags after all of that.
    pub fn of(&self, base: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut tags = if self.bare {
            BTreeMap::new()
        } else {
            base.clone()
        };
        for (key, value) in &self.changes {
            match value {
                Some(value) => tags.insert(key.text(), value.0.clone()),
                None => tags.remove(&key.text()),
            };
        }
        tags
    }
}

/// An instant: near the moment of looking, or any that there is.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Moment {
    /// So many seconds before.
    Ago(u32),
    /// Any second, if there is one of that number.
    Any(i64),
}

/// The instant that is meant, if there is one.
pub fn instant(moment: Moment) -> Option<Timestamp> {
    match moment {
        Moment::Ago(seconds) => Timestamp::from_second(NOW - i64::from(seconds)).ok(),
        Moment::Any(second) => Timestamp::from_second(second).ok(),
    }
}

/// A volume.
#[derive(Debug, Clone, Arbitrary)]
pub struct Volume {
    id: Text,
    state: u8,
    gibibytes: u32,
    kind: Option<Text>,
    speed: (Option<u32>, Option<u32>),
    encrypted: bool,
    attached_to: Option<u8>,
    attached_at: Option<Moment>,
    device: Option<Text>,
    tags: Tags,
}

impl Volume {
    /// The volume, with the tags of `like` to begin with, attached to one of `instances`.
    pub fn live(&self, like: &LiveInstance, instances: &[InstanceId]) -> LiveVolume {
        let states = ["available", "in-use", "deleting", "creating", "\u{9b}1m"];
        let attached_to = self.attached_to.map(|number| {
            let known = instances.get(usize::from(number)).cloned();
            known.unwrap_or_else(|| InstanceId::new(format!("i-{number:017x}")))
        });
        let devices = ["/dev/xvda", "/dev/sdf"];
        let device = self.device.as_ref().map(|device| match device.0.as_str() {
            "" => devices[0].to_owned(),
            " " => devices[1].to_owned(),
            other => other.to_owned(),
        });
        LiveVolume {
            id: VolumeId::new(self.id.0.clone()),
            state: states[usize::from(self.state) % states.len()].to_owned(),
            gibibytes: self.gibibytes,
            kind: self.kind.as_ref().map_or("gp3", |kind| &kind.0).to_owned(),
            iops: self.speed.0,
            throughput: self.speed.1,
            encrypted: self.encrypted,
            attached_to,
            attached_at: self.attached_at.and_then(instant),
            device,
            tags: self.tags.of(&like.tags),
        }
    }
}

/// One thing that is said of an instance in place of what a launch made it.
#[derive(Debug, Clone, Arbitrary)]
enum Field {
    Id(Text),
    Index(u8),
    Token(Option<Text>),
    State(u8),
    Launched(Option<Moment>),
    Image(Text),
    Type(Text),
    Spot(Option<Text>),
    Place(Option<Text>, Option<Text>),
    Network(Option<Text>),
    PlacementGroup(Option<Text>),
    Profile(Option<Text>),
    Interfaces(Vec<Text>, Option<Text>),
    Groups(Vec<(Text, Text)>),
    KeyPair(Option<Text>),
    Root(Option<Text>),
    Devices(Vec<Text>, Vec<Text>),
    Metadata(Option<(bool, i32, bool)>),
    Addresses(Option<Text>, Option<Text>),
    UserData(Option<Text>),
    Reason(Text),
    Manager(Text),
    Attributes(Option<(bool, bool)>),
    Adopted(Moment),
}

/// An instance: one that a launch of ours made, and what has become of it.
#[derive(Debug, Clone, Arbitrary)]
pub struct Instance {
    base: u8,
    fields: Vec<Field>,
    tags: Tags,
}

impl Instance {
    /// The instance, without its volumes.
    pub fn live(&self, kit: &Kit) -> LiveInstance {
        let mut live = kit.instances[usize::from(self.base) % kit.instances.len()].clone();
        for field in &self.fields {
            set(&mut live, field, kit);
        }
        live.tags = self.tags.of(&live.tags);
        live
    }
}

fn set(live: &mut LiveInstance, field: &Field, kit: &Kit) {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.0.clone());
    let texts =
        |texts: &[Text]| -> BTreeSet<String> { texts.iter().map(|text| text.0.clone()).collect() };
    match field {
        Field::Id(id) => live.id = InstanceId::new(id.0.clone()),
        Field::Index(index) => live.launch_index = usize::from(*index),
        Field::Token(token) => live.client_token = text(token),
        Field::State(state) => live.state = state_of(*state),
        Field::Launched(moment) => live.first_launched = moment.and_then(instant),
        Field::Image(image) => live.image_id.clone_from(&image.0),
        Field::Type(name) => live.instance_type.clone_from(&name.0),
        Field::Spot(request) => {
            live.purchase = Purchase::Spot;
            live.spot_request = text(request);
        }
        Field::Place(zone, subnet) => (live.zone, live.subnet) = (text(zone), text(subnet)),
        Field::Network(network) => live.network = text(network),
        Field::PlacementGroup(group) => live.placement_group = text(group),
        Field::Profile(profile) => live.iam_profile = text(profile),
        Field::Interfaces(all, first) => {
            (live.interfaces, live.primary_interface) = (texts(all), text(first));
        }
        Field::Groups(groups) => live.security_groups = groups_of(groups),
        Field::KeyPair(key) => live.key = text(key),
        Field::Root(device) => live.root_device = text(device),
        Field::Devices(all, kept) => (live.devices, live.kept_devices) = (texts(all), texts(kept)),
        Field::Metadata(options) => live.metadata = options.map(metadata_of),
        Field::Addresses(public, private) => {
            (live.public_address, live.private_address) = (text(public), text(private));
        }
        Field::UserData(user_data) => live.user_data = text(user_data),
        Field::Reason(reason) => live.state_reason = Some(reason.0.clone()),
        Field::Manager(manager) => live.manager = Some(manager.0.clone()),
        Field::Attributes(attributes) => {
            live.attributes = attributes.map(|(protected, ends_at_shutdown)| LiveAttributes {
                protected,
                ends_at_shutdown,
            });
        }
        Field::Adopted(since) => adopt(live, *since, kit),
    }
}

/// The tags that taking it over sets.
fn adopt(live: &mut LiveInstance, since: Moment, kit: &Kit) {
    let Some(since) = instant(since) else { return };
    let taken = kit
        .desired
        .groups
        .values()
        .find(|group| !group.adopt.is_empty());
    if let Some(group) = taken {
        let Desired {
            environment,
            target,
            ..
        } = &kit.desired;
        let owner = (environment, &target.account);
        live.client_token = None;
        live.tags = adoption_tags(&group.instance, live, owner, (0, since));
    }
}

fn state_of(number: u8) -> InstanceState {
    let words = [
        "pending",
        "running",
        "stopping",
        "stopped",
        "shutting-down",
        "terminated",
        "?",
    ];
    InstanceState::from_word(words[usize::from(number) % words.len()])
}

fn groups_of(groups: &[(Text, Text)]) -> BTreeSet<LiveSecurityGroup> {
    let group = |(id, name): &(Text, Text)| LiveSecurityGroup {
        id: id.0.clone(),
        name: name.0.clone(),
    };
    groups.iter().map(group).collect()
}

fn metadata_of((required, hop_limit, enabled): (bool, i32, bool)) -> LiveMetadata {
    let tokens = if required {
        Tokens::Required
    } else {
        Tokens::Optional
    };
    LiveMetadata {
        tokens,
        hop_limit,
        enabled,
    }
}

/// A spec, and the instances that its first plan launches.
#[derive(Debug)]
pub struct Kit {
    /// What the spec asks for.
    pub desired: Desired,
    /// The plan that launches all of it.
    pub first: Plan,
    /// What that plan makes.
    pub instances: Vec<LiveInstance>,
}

impl Kit {
    /// The one of the small spec in which nearly every key stands.
    ///
    /// # Panics
    ///
    /// When that spec has no plan.
    pub fn of_everything() -> &'static Self {
        static KIT: OnceLock<Kit> = OnceLock::new();
        KIT.get_or_init(|| {
            let desired = desired(EVERYTHING);
            let now = instant(Moment::Ago(0)).unwrap();
            let context = context(&desired, now);
            let observed = empty(&desired.target.account, &desired.target.region);
            let resolution = answer(&desired, &observed, &context);
            let first = plan(&desired, &observed, &resolution, &context);
            let launches = first.steps.iter().filter_map(|step| match &step.action {
                Action::Launch(launch) => Some(launch),
                _ => None,
            });
            let instances: Vec<LiveInstance> = launches.flat_map(launched).collect();
            assert!(instances.len() >= 5, "{first:#?}");
            Self {
                desired,
                first,
                instances,
            }
        })
    }
}

/// What EC2 reports of a launch, once all of it runs.
fn launched(launch: &Launch) -> Vec<LiveInstance> {
    let attempt = launch.attempts(0).next().expect("a launch has an attempt");
    let addresses: Vec<_> = launch.addresses().collect();
    let instance = launch.instance.as_ref();
    let devices = || {
        instance
            .volumes
            .keys()
            .cloned()
            .chain(["/dev/xvda".to_owned()])
    };
    let one = |launch_index: usize| LiveInstance {
        id: InstanceId::new(format!(
            "i-{}{launch_index:02x}",
            &launch.token(&attempt, 0)[4..19]
        )),
        state: InstanceState::Running,
        state_reason: None,
        image_id: launch.image.id.clone(),
        instance_type: attempt.candidate.instance_type.clone(),
        purchase: attempt.candidate.purchase,
        spot_request: None,
        placement_group: launch.placement_group.clone(),
        zone: Some("eu-central-1a".to_owned()),
        subnet: Some("subnet-0123456789abcdef0".to_owned()),
        network: Some("vpc-0123456789abcdef0".to_owned()),
        iam_profile: instance.iam_profile.clone(),
        interfaces: BTreeSet::from(["eni-0123456789abcdef0".to_owned()]),
        primary_interface: Some("eni-0123456789abcdef0".to_owned()),
        security_groups: BTreeSet::new(),
        key: launch.key.clone(),
        root_device: Some("/dev/xvda".to_owned()),
        devices: devices().collect(),
        kept_devices: BTreeSet::new(),
        volumes: BTreeMap::new(),
        metadata: Some(metadata_of((true, 2, true))),
        tags: launch.tags(&attempt, 0),
        client_token: Some(launch.token(&attempt, 0)),
        launch_index,
        first_launched: instant(Moment::Ago(3_600)),
        elastic: BTreeSet::new(),
        public_address: None,
        private_address: Some(format!("172.31.16.{}", 4 + launch_index)),
        user_data: None,
        manager: None,
        attributes: None,
    };
    (0..addresses.len()).map(one).collect()
}

/// Puts each volume under the instance and the device that it is attached as.
pub fn attach(instances: &mut [LiveInstance], volumes: &[Arc<LiveVolume>]) {
    for live in instances {
        let of_it = |volume: &&Arc<LiveVolume>| volume.attached_to.as_ref() == Some(&live.id);
        let placed = volumes.iter().filter(of_it).filter_map(|volume| {
            let device = volume.device.clone()?;
            Some((device, Arc::clone(volume)))
        });
        live.volumes = placed.collect();
    }
}
