//! Keys of the environment as a whole, and those that a row cannot hold: each a story of its own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::guide::effects;
use super::run::planned;
use super::verdict::verdict;
use crate::scenarios::spec::trainers;
use crate::support::{LAB, REGION, World, both, change, embedded};

/// Changes one key of the environment that `spec` wrote, and says what that did.
pub(super) type Story = fn(&mut World) -> &'static str;

/// The key of the guide, and the story that changes it; they follow one another in one environment.
pub(super) const STORIES: &[(&str, Story)] = &[
    ("renamed_from", renamed_from),
    ("name", name),
    ("account", account),
    ("credentials.profile", profile),
    ("credentials.role", role),
    ("credentials.role_arn", role_arn),
    ("credentials.duration", duration),
    ("credentials.external_id", external_id),
    ("lease", lease),
    ("store", store),
    ("tags.*", tags),
    ("instances.*.renamed_from", group_renamed_from),
    ("instances.*.adopt", adopt),
];

/// The same on the embedded cloud alone.
pub(super) const EMBEDDED_STORIES: &[(&str, Story)] = &[("region", region)];

/// Of [`STORIES`], those whose ends are not compared.
pub(super) const TOLD_APART: [&str; 1] = ["instances.*.adopt"];

#[test]
fn a_change_of_each_key_of_the_environment_does_what_the_guide_says() {
    both(|world| tell(world, STORIES));
}

#[test]
fn a_change_of_the_region_does_what_the_guide_says() {
    embedded(|world| tell(world, EMBEDDED_STORIES));
}

/// What runs goes on running in every one of them.
fn tell(world: &mut World, stories: &[(&str, Story)]) {
    let effects = effects();
    let mut before = BTreeSet::new();
    for (path, story) in stories {
        assert_eq!(story(world), effects[*path], "{path}");
        let now = alive(world, LAB);
        assert!(now.is_superset(&before), "{path}: {before:?}, {now:?}");
        before = now;
    }
}

/// The ids of an environment's instances.
fn alive(world: &World, environment: &str) -> BTreeSet<String> {
    let alive = world.witness.alive(environment).into_iter();
    alive
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Writes the environment with pieces of its text exchanged.
fn write(world: &World, edits: &[(&str, &str)]) {
    let mut text = format!(
        "version: 1\nname: {LAB}\naccount: \"123456789012\"\nregion: {REGION}\nlease: 4h\ntags: {{stage: one}}\n{}",
        trainers(2, "")
    );
    for (old, new) in edits {
        text = change(&text, old, new);
    }
    world.sandbox.write("environments/lab.yaml", text);
}

/// Applies an edit of the environment's own keys; what it does to the trainers, and its fields.
fn edited(world: &mut World, old: &str, new: &str) -> (&'static str, BTreeSet<String>) {
    write(world, &[]);
    world.nothing_to_do();
    write(world, &[(old, new)]);
    let found = verdict(&planned(world), "trainer");
    world.apply();
    (found.effect, found.fields)
}

/// What an edit does that changes nothing: there is no plan.
fn no_difference(world: &mut World, new: &str) -> Value {
    let lease = "lease: 4h\n";
    write(world, &[]);
    world.nothing_to_do();
    write(world, &[(lease, new)]);
    world.nothing_to_do();
    let plan = planned(world);
    world.apply();
    plan["notes"].clone()
}

fn renamed_from(world: &mut World) -> &'static str {
    write(world, &[("name: lab", "name: older")]);
    world.run(&["apply", "--yes"]).expect(0);
    let older = alive(world, "older");
    write(
        world,
        &[("name: lab\n", "name: lab\nrenamed_from: older\n")],
    );
    let found = verdict(&planned(world), "trainer");
    assert!(found.fields.contains("name"), "{found:?}");
    world.apply();
    assert_eq!(alive(world, LAB), older);
    // The key is not needed any longer.
    write(world, &[]);
    world.nothing_to_do();
    found.effect
}

/// Another name is another environment; this one stays, and the plan says so.
fn name(world: &mut World) -> &'static str {
    write(world, &[("name: lab", "name: other")]);
    let run = world.run(&["plan", "--format", "json"]);
    let document = run.expect(0).json();
    assert_eq!(document["others"][0]["environment"], LAB);
    assert_eq!(document["others"][0]["instances"], 2);
    assert_eq!(document["summary"]["create"], 2);
    assert_eq!(document["summary"]["delete"], 0);
    world.run(&["apply", "--yes"]).expect(0);
    world.nothing_to_do();
    assert_eq!(world.witness.alive("other").len(), 2);
    "another"
}

/// Nothing is even read in another account.
fn account(world: &mut World) -> &'static str {
    write(world, &[("123456789012", "210987654321")]);
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let run = world.run(command);
        run.expect(4).says(&["belong to the account 123456789012"]);
    }
    "another"
}

/// Another region is another place, as for `name`.
fn region(world: &mut World) -> &'static str {
    const ELSEWHERE: &str = "eu-west-1";
    write(world, &[]);
    world.apply();
    write(world, &[(REGION, ELSEWHERE)]);
    assert_eq!(verdict(&planned(world), "trainer").effect, "launches");
    world.run(&["apply", "--yes"]).expect(0);
    world.nothing_to_do();
    // What was here before is as it was.
    write(world, &[]);
    world.nothing_to_do();
    "another"
}

fn profile(world: &mut World) -> &'static str {
    let text = "[one]\naws_access_key_id = ONE\naws_secret_access_key = one\n";
    let file = world.sandbox.write("credentials", text);
    let file = file.to_str().unwrap();
    world.sandbox.set("AWS_SHARED_CREDENTIALS_FILE", file);
    let notes = no_difference(world, "lease: 4h\ncredentials: {profile: one}\n");
    assert_eq!(notes, json!([]));
    "nothing"
}

/// As another identity of the account, what is there is the same.
fn as_whom(world: &mut World, credentials: &str) -> &'static str {
    let notes = no_difference(world, &format!("lease: 4h\ncredentials: {credentials}\n"));
    assert_eq!(notes, json!([]));
    "nothing"
}

fn role(world: &mut World) -> &'static str {
    as_whom(world, "{role: trainer}")
}

fn role_arn(world: &mut World) -> &'static str {
    as_whom(
        world,
        "{role_arn: \"arn:aws:iam::123456789012:role/trainer\"}",
    )
}

fn duration(world: &mut World) -> &'static str {
    as_whom(world, "{role: trainer, duration: 2h}")
}

fn external_id(world: &mut World) -> &'static str {
    as_whom(world, "{role: trainer, external_id: team-42}")
}

fn lease(world: &mut World) -> &'static str {
    let notes = no_difference(world, "lease: 6h\n");
    assert_eq!(notes[0]["kind"], "keeps-lease");
    assert_eq!(notes[0]["lease"], "4h");
    "new only"
}

fn store(world: &mut World) -> &'static str {
    let notes = no_difference(world, "lease: 4h\nstore: s3://lab-data/records\n");
    assert_eq!(notes, json!([]));
    "nothing"
}

fn tags(world: &mut World) -> &'static str {
    let (effect, fields) = edited(world, "stage: one", "stage: two");
    assert_eq!(fields, BTreeSet::from(["tags.stage".to_owned()]));
    write(world, &[]);
    world.apply();
    effect
}

fn group_renamed_from(world: &mut World) -> &'static str {
    const NEW: (&str, &str) = ("  trainer:\n", "  worker:\n    renamed_from: trainer\n");
    write(world, &[NEW]);
    let found = verdict(&planned(world), "worker");
    assert!(found.fields.contains("group"), "{found:?}");
    world.apply();
    write(
        world,
        &[("  trainer:\n", "  trainer:\n    renamed_from: worker\n")],
    );
    world.apply();
    found.effect
}

fn adopt(world: &mut World) -> &'static str {
    let by_pattern = json!({"owner": "amazon", "pattern": "al2023-ami-2023*x86_64"});
    let images = world.witness.ask("images", &by_pattern);
    let image = images[0]["id"].as_str().unwrap();
    let launch = json!({"image": image, "tags": {"Name": "by hand"}});
    let id = world.witness.ask("launch", &launch);
    let id = id.as_str().unwrap();
    let group = format!(
        "instances:\n  taken:\n    adopt: [{id}]\n    type: t3.micro\n    image: {{id: {image}}}\n"
    );
    write(world, &[("instances:\n", &group)]);
    let found = verdict(&planned(world), "taken");
    world.run(&["apply", "--yes"]).expect(0);
    world.nothing_to_do();
    assert_eq!(world.member("taken", 0)["id"], id);
    found.effect
}
