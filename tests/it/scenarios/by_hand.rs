//! Instances that somebody launched with a script of their own.

use serde_json::{Map, Value, json};

use crate::support::{Run, World};

/// An instance that was launched past the product.
pub(super) struct ByHand {
    /// What is special about it.
    pub(super) what: &'static str,
    pub(super) id: String,
}

/// What every launch by hand of a test names.
pub(super) struct Surroundings {
    pub(super) image: Value,
    pub(super) subnets: Value,
    pub(super) groups: Vec<Value>,
}

impl Surroundings {
    pub(super) fn of(world: &World) -> Self {
        let by_pattern = json!({"owner": "amazon", "pattern": "al2023-ami-2023*x86_64"});
        let images = world.witness.ask("images", &by_pattern);
        world.witness.ask("key", &json!({"name": "alex"}));
        let group = |name: &str| world.witness.ask("group", &json!({"name": name}));
        Self {
            image: images[0]["id"].clone(),
            subnets: world.witness.ask("subnets", &json!({})),
            groups: vec![group("training"), group("inner")],
        }
    }

    /// Launches what raw parameters of boto3 ask for; the ids in the order of the launch.
    #[track_caller]
    pub(super) fn launch(&self, world: &World, kind: &str, parameters: &Value) -> Vec<String> {
        let mut all = json!({"ImageId": self.image, "InstanceType": kind});
        let more = parameters.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(more);
        let asked = json!({"parameters": all});
        let ids = world.witness.ask("launch_by_hand", &asked);
        serde_json::from_value(ids).unwrap()
    }
}

/// A `TagSpecifications` entry.
pub(super) fn tags(kind: &str, tags: &Value) -> Value {
    let tags: Vec<Value> = tags
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({"ResourceType": kind, "Tags": tags})
}

/// Many tags, as teams with a policy for them have.
pub(super) fn many_tags() -> Value {
    let tags = (0..24).map(|number| (format!("team:key-{number}"), json!(format!("v{number}"))));
    Value::Object(tags.collect::<Map<_, _>>())
}

/// All that boto3 tells of an instance now.
#[track_caller]
pub(super) fn portrait(world: &World, id: &str) -> Value {
    world.witness.ask("portrait", &json!({"id": id}))
}

/// Writes a spec for instances, and says what came of it.
pub(super) fn adopt(world: &World, ids: &[&str], more: &[&str]) -> Run {
    let fixed = ["--lease", "12h", "--region", crate::support::REGION];
    world.run(&[&["adopt"][..], ids, &fixed, more].concat())
}

/// The tags of ours on an instance and on what belongs to it.
pub(super) fn ours(portrait: &Value) -> Vec<String> {
    let resources = portrait["tags"].as_object().unwrap();
    let keys = resources
        .iter()
        .flat_map(|(id, tags)| tags.as_object().unwrap().keys().map(move |key| (id, key)));
    keys.filter(|(_, key)| key.starts_with("trainyard:"))
        .map(|(id, key)| format!("{id} {key}"))
        .collect()
}
