//! Plays rows in one environment: before, the plan, after, nothing left.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::guide::effects;
use super::rows::Row;
use super::verdict::{Verdict, field_of, verdict};
use crate::support::{LAB, World};

/// What the rows name and each cloud calls otherwise, as `{word}` in their text.
fn places(world: &mut World) -> BTreeMap<&'static str, String> {
    let mut places = BTreeMap::new();
    let by_pattern = json!({"owner": "amazon", "pattern": "al2023-ami-2023*x86_64"});
    let images = world.witness.ask("images", &by_pattern);
    places.insert("image one", images[0]["id"].clone());
    places.insert("image two", images[1]["id"].clone());
    places.insert("amazon by number", images[0]["owner"].clone());
    let subnets = world.witness.ask("subnets", &json!({}));
    places.insert("subnet one", subnets[0]["id"].clone());
    places.insert("subnet two", subnets[1]["id"].clone());
    for key in ["alex", "robin"] {
        world.witness.ask("key", &json!({"name": key}));
    }
    for group in ["training", "inner"] {
        world.witness.ask("group", &json!({"name": group}));
    }
    world.witness.ask("bucket", &json!({"name": "lab-data"}));
    let extra = json!({"bucket": "lab-data", "key": "data-delete/old.png", "text": "old"});
    world.witness.ask("put", &extra);
    for (name, text) in [
        ("files/one/a.png", "a"),
        ("files/one/b.txt", "bb"),
        ("files/two/c.png", "ccc"),
    ] {
        world.sandbox.write(name, text);
    }
    let mut words = BTreeMap::new();
    for (word, id) in places {
        let id = id.as_str().unwrap().to_owned();
        world.call(&id, word);
        words.insert(word, id);
    }
    words
}

/// The spec of all rows, before or after their changes.
fn spec(world: &World, rows: &[Row], changed: bool, places: &BTreeMap<&str, String>) {
    let mut sections: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for row in rows {
        if let Some(entry) = row.entry(changed) {
            let section = sections.entry(row.section()).or_default();
            section.insert(row.name(), entry);
        }
    }
    let mut text = serde_yaml::to_string(&sections).unwrap();
    for (word, id) in places {
        text = text.replace(&format!("{{{word}}}"), id);
    }
    world.spec(&text);
}

/// The plan in JSON; nothing may be held.
pub(super) fn planned(world: &World) -> Value {
    let run = world.run(&["plan", "--format", "json"]);
    let mut document = run.expect(0).json();
    let plan = document["plans"][0].take();
    assert_eq!(plan["held"], json!([]), "{plan:#}");
    plan
}

/// The ids of an environment's instances, by group.
fn ids(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in world.witness.alive(LAB) {
        let group = one["tags"]["trainyard:group"].as_str().unwrap();
        let id = one["id"].as_str().unwrap().to_owned();
        ids.entry(group.to_owned()).or_default().push(id);
    }
    for ids in ids.values_mut() {
        ids.sort();
    }
    ids
}

/// Shows that each row's change does what the guide says, and that nothing is left to do then.
pub(super) fn show(world: &mut World, rows: &[Row], apply: impl Fn(&mut World)) {
    let places = places(world);
    spec(world, rows, false, &places);
    apply(world);
    let before = ids(world);

    spec(world, rows, true, &places);
    let plan = planned(world);
    let effects = effects();
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let expected = expected(row, &effects);
            let found = verdict(&plan, &row.name());
            (expected != found).then(|| format!("{}: {found:?} and not {expected:?}", row.name()))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    apply(world);
    let after = ids(world);
    for row in rows {
        let name = row.name();
        let effect = expected(row, &effects).effect;
        check_ids(&name, effect, (before.get(&name), after.get(&name)));
    }
}

/// Fails unless the instances before and after are what an effect leaves of them.
fn check_ids(name: &str, effect: &str, (old, new): (Option<&Vec<String>>, Option<&Vec<String>>)) {
    match effect {
        "replace" => {
            let (old, new) = (old.unwrap(), new.unwrap());
            assert_eq!(old.len(), new.len(), "{name}");
            let kept = new.iter().any(|id| old.contains(id));
            assert!(!kept, "{name} still has {new:?}");
        }
        "in place" | "restart" | "new only" | "data" => assert_eq!(old, new, "{name}"),
        "ends" => assert!(is_part(new, old), "{name}: {old:?}, {new:?}"),
        "launches" => assert!(is_part(old, new), "{name}: {old:?}, {new:?}"),
        other => panic!("{name}: {other}"),
    }
}

/// Whether all of the first, which may be none, are some of the second.
fn is_part(few: Option<&Vec<String>>, many: Option<&Vec<String>>) -> bool {
    let few = few.map_or(&[][..], Vec::as_slice);
    let many = many.map_or(&[][..], Vec::as_slice);
    few.len() < many.len() && few.iter().all(|id| many.contains(id))
}

fn expected(row: &Row, effects: &BTreeMap<String, String>) -> Verdict {
    let usual = || match effects[row.path].as_str() {
        "in place" => "in place",
        "restart" => "restart",
        "replace" => "replace",
        "new only" => "new only",
        "ends" => "ends",
        "data" => "data",
        other => panic!("a row cannot show what is {other}"),
    };
    let effect = row.instead.map_or_else(usual, |(_, effect)| effect);
    let named = matches!(effect, "in place" | "restart" | "replace");
    let fields = named.then(|| match row.instead {
        // The need is met, and only the tag that records it is written again.
        Some(("met", _)) => "machine".to_owned(),
        Some(_) | None => field_of(row.path),
    });
    Verdict {
        effect,
        fields: fields.into_iter().collect(),
    }
}
