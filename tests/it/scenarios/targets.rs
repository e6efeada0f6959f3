//! A plan of a part, and a replacement that the user asks for.

use serde_json::{Value, json};

use super::spec::{ids, trainers};
use crate::support::{World, both};

/// Two groups and a data set, all with one word that is edited.
fn all(word: &str) -> String {
    let data = "data:\n  images:\n    from: ../images\n    to: s3://lab-data/images\n";
    let more = format!("tags: {{stage: {word}}}");
    let other = trainers(1, &more).replace("  trainer:\n", "  other:\n");
    let other = other.trim_start_matches("instances:\n");
    format!("{data}{}{other}", trainers(3, &more))
}

/// The tag that was edited, of every instance.
fn stages(world: &World) -> Vec<Value> {
    let mut stages: Vec<Value> = (0..3)
        .map(|number| world.trainer(number)["tags"]["stage"].clone())
        .collect();
    stages.push(world.member("other", 0)["tags"]["stage"].clone());
    stages
}

fn objects(world: &World) -> Value {
    world.witness.ask("objects", &json!({"bucket": "lab-data"}))
}

/// Plans and applies a part, and plans it to nothing.
#[track_caller]
fn part(world: &World, names: &[&str], summary: &str) {
    let targets: Vec<&str> = names.iter().flat_map(|name| ["--target", name]).collect();
    let planned = world.run(&[&["plan", "--detailed-exitcode"][..], &targets].concat());
    let said = format!("only {} was looked at", names.join(", "));
    planned.expect(2).says(&[summary, &said]);
    let applied = world.run(&[&["apply", "--yes"][..], &targets].concat());
    applied.expect(0);
    let again = world.run(&[&["plan", "--detailed-exitcode"][..], &targets].concat());
    again.expect(0).says(&[&said]);
}

#[test]
fn a_target_leaves_everything_else_as_it_is() {
    both(|world| {
        world.witness.ask("bucket", &json!({"name": "lab-data"}));
        world.sandbox.write("images/a.png", "one");
        world.spec(&all("one"));
        world.apply();
        world.sandbox.write("images/a.png", "another");
        world.spec(&all("two"));
        let before = ids(world, 0..3);

        part(world, &["trainer[1]"], "1 to update");
        assert_eq!(stages(world), ["one", "two", "one", "one"]);
        part(world, &["data.images"], "1 file");
        assert_eq!(objects(world)["images/a.png"], "another");
        assert_eq!(stages(world), ["one", "two", "one", "one"]);
        part(world, &["trainer"], "2 to update");
        assert_eq!(stages(world), ["two", "two", "two", "one"]);

        // What is no longer asked for goes only where it is named.
        let shrunk = all("two").replacen("count: 3", "count: 1", 1);
        world.spec(&shrunk);
        part(world, &["other", "trainer[2]"], "1 to update");
        assert_eq!(ids(world, 0..2), before[..2]);
        assert_eq!(world.member("other", 0)["tags"]["stage"], "two");
        world.apply();
        assert_eq!(world.witness.alive("lab").len(), 2);
    });
}

#[test]
fn a_target_that_no_spec_knows_is_a_slip() {
    both(|world| {
        world.witness.ask("bucket", &json!({"name": "lab-data"}));
        world.sandbox.write("images/a.png", "one");
        world.spec(&all("one"));
        for (flag, name, near) in [
            ("--target", "trainr", Some("`trainer`")),
            ("--target", "trainr[1]", Some("`trainer`")),
            ("--target", "data.image", Some("`data.images`")),
            ("--target", "nothing-like-it", None),
            ("--replace", "othr[0]", Some("`other`")),
            ("--replace", "data.images", None),
            ("--target", "trainer[", None),
            ("--target", "trainer[x]", None),
            ("--target", "Trainer", None),
            ("--target", "", None),
        ] {
            for command in [&["plan"][..], &["apply", "--yes"]] {
                let run = world.run(&[command, &[flag, name]].concat());
                run.expect(64).says(&[flag]);
                if let Some(near) = near {
                    run.says(&["did you mean", near]);
                }
            }
        }
        // A number that neither the spec has nor AWS.
        for flag in ["--target", "--replace"] {
            for command in [&["plan"][..], &["apply", "--yes"]] {
                let run = world.run(&[command, &[flag, "trainer[9]"]].concat());
                run.expect(64)
                    .says(&[flag, "no spec here asks for `trainer[9]`, and AWS has none"]);
            }
        }
        assert_eq!(world.witness.alive("lab"), Vec::<Value>::new());
        assert_eq!(objects(world), json!({}));
    });
}

#[test]
fn what_is_to_be_replaced_is_and_nothing_else() {
    both(|world| {
        world.spec(&trainers(3, ""));
        world.apply();
        let before = ids(world, 0..3);
        let replace = ["--replace", "trainer[1]"];
        let planned = world.run(&[&["plan", "--detailed-exitcode"][..], &replace].concat());
        planned
            .expect(2)
            .says(&["1 to replace, 0 to delete", "trainer[1]", "you asked"]);
        world
            .run(&[&["apply", "--yes"][..], &replace].concat())
            .expect(0);
        world.nothing_to_do();
        let after = ids(world, 0..3);
        assert_eq!((&after[0], &after[2]), (&before[0], &before[2]));
        assert_ne!(after[1], before[1]);
        assert_eq!(world.trainer(1)["tags"]["trainyard:incarnation"], "1");

        // Asked for, and not among what is looked at.
        let apart = ["--replace", "trainer[1]", "--target", "trainer[0]"];
        let planned = world.run(&[&["plan", "--detailed-exitcode"][..], &apart].concat());
        planned
            .expect(64)
            .says(&["`trainer[1]` is not among what `--target` names"]);
        let both = ["--replace", "trainer", "--target", "trainer[2]"];
        world
            .run(&[&["apply", "--yes"][..], &both].concat())
            .expect(0);
        world.nothing_to_do();
        let last = ids(world, 0..3);
        assert_eq!(last[..2], after[..2]);
        assert_ne!(last[2], after[2]);
        assert_eq!(world.witness.alive("lab").len(), 3);
        assert_eq!(world.witness.volumes("lab").len(), 3);

        let whole = world.run(&["apply", "--yes", "--replace", "trainer"]);
        whole.expect(0);
        world.nothing_to_do();
        let all = ids(world, 0..3);
        assert!(all.iter().all(|id| !last.contains(id)), "{all:?}");
    });
}
