//! Which files take part.
//!
//! Ours are two lists and "exclude wins" (see `filter`): the order in which patterns are
//! given means nothing, where other tools let the first or the last match win.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use crate::sync::tests::world::{World, deleted, keys, skipped, with_deletion};
use crate::sync::{Place, Request, SkipReason, SurveyError};

fn filtered(mut request: Request, include: &[&str], exclude: &[&str]) -> Request {
    let owned = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
    (request.include, request.exclude) = (owned(include), owned(exclude));
    request
}

/// The keys that take part, which have to be the same both ways.
async fn taking_part(tree: &[&str], include: &[&str], exclude: &[&str]) -> Vec<String> {
    let (above, below) = (World::new().await, World::new().await);
    for key in tree {
        above.write(key, key);
        below.server.put(&format!("data/{key}"), key.as_bytes());
    }
    let sent = above
        .converge(&filtered(above.up(), include, exclude))
        .await;
    let fetched = below
        .converge(&filtered(below.down(), include, exclude))
        .await;
    assert_eq!(keys(&sent), keys(&fetched));
    assert!(sent.skipped.is_empty() && fetched.skipped.is_empty());
    keys(&sent)
}

const TREE: [&str; 4] = ["a.txt", "b.bin", "c/d.txt", "c/e.bin"];

/// "Exclude everything, include text" is one list here.
#[tokio::test(flavor = "multi_thread")]
async fn s19_exclude_all_include_txt() {
    assert_eq!(
        taking_part(&TREE, &["*.txt"], &[]).await,
        ["a.txt", "c/d.txt"]
    );
    for everything in ["*", "**"] {
        let both = taking_part(&TREE, &["*.txt"], &[everything]).await;
        assert!(both.is_empty(), "{both:?}");
    }
}

/// And nothing is deleted of what takes no part.
#[tokio::test(flavor = "multi_thread")]
async fn s20_include_then_exclude_all() {
    let world = World::new().await;
    for key in TREE {
        world.write(key, key);
    }
    world.server.put("data/other", b"other");
    for request in [world.up(), world.down()] {
        let request = with_deletion(filtered(request, &["*.txt"], &["*"]));
        let plan = world.converge(&request).await;
        assert!(plan.is_empty(), "{plan:?}");
        assert_eq!((plan.same.files, plan.skipped.len()), (0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s21_include_alone() {
    let all: [&[&str]; 4] = [&[], &["*"], &["**"], &["*.txt", "*.bin"]];
    for include in all {
        assert_eq!(taking_part(&TREE, include, &[]).await, TREE);
    }
    // A list that is there chooses, and leaves nothing in that it does not name.
    assert_eq!(
        taking_part(&TREE, &["*.bin"], &[]).await,
        ["b.bin", "c/e.bin"]
    );
    assert_eq!(
        taking_part(&TREE, &["c/"], &[]).await,
        ["c/d.txt", "c/e.bin"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s22_pattern_anchored_at_root_and_what_star_crosses() {
    let tree = ["data/d", "keep/logs/c", "logs/a", "logs/x/b", "top"];
    for (pattern, left) in [
        // `*` takes the folder `x` with everything in it, and so does cross.
        ("logs/*", &["data/d", "keep/logs/c", "top"][..]),
        ("/logs", &["data/d", "keep/logs/c", "top"]),
        ("logs", &["data/d", "top"]),
        ("logs/?", &["data/d", "keep/logs/c", "top"]),
        ("logs/*b", &tree),
        ("logs/**b", &tree),
        ("logs/**/b", &["data/d", "keep/logs/c", "logs/a", "top"]),
        // The prefix `data/` is no part of a key, and the folder `data` is.
        ("data/*", &["keep/logs/c", "logs/a", "logs/x/b", "top"]),
        ("data/logs/*", &tree),
    ] {
        assert_eq!(taking_part(&tree, &[], &[pattern]).await, left, "{pattern}");
    }
    // Nor is the name of the folder that is synced.
    let world = World::new().await;
    world.write("logs/a", "a");
    let mut request = filtered(world.up(), &[], &["logs"]);
    request.from = Place::Folder(world.path("logs"));
    assert_eq!(keys(&world.converge(&request).await), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_character_classes_and_a_literal_bracket() {
    let tree = ["[x]", "a", "ab", "b", "c", "d/[x]"];
    for (pattern, left) in [
        ("[a]", &["[x]", "ab", "b", "c", "d/[x]"][..]),
        ("[ab]", &["[x]", "ab", "c", "d/[x]"]),
        ("[a-b]", &["[x]", "ab", "c", "d/[x]"]),
        // The folder `d` is a name of one character too.
        ("[!a]", &["[x]", "a", "ab"]),
        ("?", &["[x]", "ab"]),
        ("?b", &["[x]", "a", "b", "c", "d/[x]"]),
        ("\\[x\\]", &["a", "ab", "b", "c"]),
        ("[[]x]", &["a", "ab", "b", "c"]),
        ("/[[]*", &["a", "ab", "b", "c", "d/[x]"]),
    ] {
        assert_eq!(taking_part(&tree, &[], &[pattern]).await, left, "{pattern}");
    }
    // A bracket that is never closed is no character, and no silence either.
    let world = World::new().await;
    for request in [world.up(), world.down()] {
        let refused = world.survey(&filtered(request, &[], &["a", "[x"])).await;
        let Err(SurveyError::Pattern(error)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.pattern, "[x");
    }
    assert_eq!(world.server.count(|_| true), 0);
}

/// A world with a folder `logs` in which everything is a reason to complain.
async fn world_of_complaints() -> World {
    let world = World::new().await;
    world.write("kept", "kept");
    world.write("logs/deep/x", "x");
    symlink("nowhere", world.path("logs/broken")).unwrap();
    symlink(world.root(), world.path("logs/deep/loop")).unwrap();
    let fifo = Command::new("mkfifo").arg(world.path("logs/fifo")).status();
    assert!(fifo.unwrap().success());
    fs::write(world.path("logs").join(OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    world.make_unreadable("logs/sealed");
    world.server.put("data/logs/old", b"old");
    world.server.put("data/old", b"old");
    world
}

/// Nothing is known of it, so nothing of it is held to be gone either. The listing is read
/// as it comes: a page more costs less than the question whether there is one.
#[tokio::test(flavor = "multi_thread")]
async fn s25_excluded_subtree_pruned() {
    let world = world_of_complaints().await;
    let all = world.survey(&with_deletion(world.up())).await.unwrap();
    assert_eq!(all.skipped.len(), 5, "{:?}", all.skipped);
    assert!(all.withheld.is_some() && all.deletions.is_empty());
    for pattern in ["logs", "logs/", "logs/**", "/logs", "l*"] {
        let world = world_of_complaints().await;
        let request = with_deletion(filtered(world.up(), &[], &[pattern]));
        let plan = world.converge(&request).await;
        assert_eq!(keys(&plan), ["kept"], "{pattern}");
        assert!(plan.skipped.is_empty(), "{pattern}: {:?}", plan.skipped);
        assert_eq!(plan.withheld, None);
        assert_eq!(world.server.keys(), ["data/kept", "data/logs/old"]);
    }
    // The same folder in a target hinders no deletion beside it.
    let world = world_of_complaints().await;
    world.write("extra", "extra");
    let request = with_deletion(filtered(world.down(), &[], &["logs"]));
    let plan = world.survey(&request).await.unwrap();
    assert_eq!(plan.withheld, None);
    assert!(plan.skipped.is_empty(), "{:?}", plan.skipped);
    assert_eq!(deleted(&plan), ["extra", "kept"]);
}

/// Who leaves a file out, or lets only others in, is not told about its name.
/// Patterns that let in, patterns that leave out, and what is skipped.
type Case<'a> = (
    &'a [&'a str],
    &'a [&'a str],
    &'a [(&'a str, &'a SkipReason)],
);

#[tokio::test(flavor = "multi_thread")]
async fn s25_names_that_are_no_keys_can_be_left_out() {
    let world = World::new().await;
    world.write("a.txt", "a");
    let named = |bytes: &[u8]| world.root().join(OsStr::from_bytes(bytes));
    fs::write(named(b"bad\xff.tmp"), "x").unwrap();
    fs::create_dir(named(b"folder\xff")).unwrap();
    let folder = ("folder\u{fffd}", &SkipReason::NotUtf8);
    let cases: [Case<'_>; 3] = [
        (&[], &["*.tmp"], &[folder]),
        (&[], &["bad*", "folder*"], &[]),
        // What is in the folder is unknown, and might be let in.
        (&["*.txt"], &[], &[folder]),
    ];
    for (include, exclude, left) in cases {
        let request = filtered(world.up(), include, exclude);
        let plan = world.survey(&request).await.unwrap();
        assert_eq!(skipped(&plan), left, "{include:?} {exclude:?}");
        assert_eq!(keys(&plan), ["a.txt"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s26_exclude_however_source_and_pattern_are_written() {
    for end in ["", "/", "/.", "//"] {
        for pattern in ["logs", "logs/", "./logs", "/logs", "logs/*", "./logs/**"] {
            let world = World::new().await;
            world.write("kept", "kept");
            world.write("logs/a", "a");
            let folder = PathBuf::from(format!("{}{end}", world.root().display()));
            let place = Place::Folder(folder);
            let mut up = filtered(world.up(), &[], &[pattern]);
            up.from = place.clone();
            assert_eq!(
                keys(&world.converge(&up).await),
                ["kept"],
                "{end} {pattern}"
            );
            assert_eq!(world.server.keys(), ["data/kept"]);

            world.server.put("data/logs/b", b"b");
            world.server.put("data/new", b"new");
            let mut down = filtered(world.down(), &[], &[pattern]);
            down.to = place;
            assert_eq!(
                keys(&world.converge(&down).await),
                ["new"],
                "{end} {pattern}"
            );
            assert!(!world.path("logs/b").exists());
        }
    }
}
