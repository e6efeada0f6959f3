use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::world::{World, keys, skipped, tree, with_deletion};
use crate::sync::{FailureReason, KeyFault, Side, SkipReason};

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_go_there_and_back() {
    let names = [
        "a b",
        "plus+and%25",
        "#?&<>'\"",
        "é",
        "e\u{301}",
        "😀",
        " lead",
        "trail ",
        "a..b",
        "[x]",
        "foo.txt",
        "foo/in",
        "foo0",
        "back\\slash",
        "100%",
    ];
    let world = World::new().await;
    for name in names {
        world.write(name, name);
    }
    let plan = world.converge(&world.up()).await;
    assert_eq!(plan.transfers.len(), names.len());
    for name in names {
        let object = world.server.get(&format!("data/{name}"));
        assert_eq!(object.unwrap().content, name.as_bytes(), "{name}");
        fs::remove_file(world.path(name)).unwrap();
    }
    world.converge(&world.down()).await;
    for name in names {
        assert_eq!(world.read(name), name.as_bytes(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_paths_are_skipped_and_nothing_is_written_outside() {
    let world = World::new().await;
    for key in [
        "../out",
        "a/../../out",
        "/abs",
        "x//y",
        "c\n",
        "d\\..\\e",
        "./f",
        "g/",
    ] {
        world.server.put(&format!("data/{key}"), b"evil");
    }
    world
        .server
        .put(&format!("data/{}", "n".repeat(256)), b"long");
    world.server.put("data/good", b"good");
    let plan = world.converge(&world.down()).await;
    assert_eq!(keys(&plan), ["good"]);
    assert_eq!(plan.skipped.len(), 9);
    assert!(plan.skipped.iter().all(|skipped| {
        skipped.side == Side::From && matches!(skipped.reason, SkipReason::Key(_))
    }));
    assert_eq!(tree(world.root()), ["good"]);
    // Going up beside them, they are not ours to delete.
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    assert!(plan.is_empty(), "{plan:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_special_files_and_odd_names_do_not_stop_the_others() {
    let world = World::new().await;
    world.write("good", "good");
    world.write("real/inside", "inside");
    symlink(world.path("good"), world.path("link")).unwrap();
    symlink(world.path("real"), world.path("linked")).unwrap();
    symlink(world.root(), world.path("real/loop")).unwrap();
    symlink("nowhere", world.path("broken")).unwrap();
    symlink("self", world.path("self")).unwrap();
    let fifo = Command::new("mkfifo").arg(world.path("fifo")).status();
    assert!(fifo.unwrap().success());
    fs::write(world.root().join(OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    world.write("new\nline", "x");
    let plan = world.converge(&world.up()).await;
    assert_eq!(
        keys(&plan),
        ["good", "link", "linked/inside", "real/inside"]
    );
    assert_eq!(
        skipped(&plan),
        [
            ("bad\u{fffd}", &SkipReason::NotUtf8),
            ("broken", &SkipReason::BrokenLink),
            ("fifo", &SkipReason::Special),
            ("linked/loop", &SkipReason::LinkLoop),
            ("new\nline", &SkipReason::Key(KeyFault::ControlCharacter)),
            ("real/loop", &SkipReason::LinkLoop),
            ("self", &SkipReason::LinkLoop),
        ]
    );
    assert_eq!(world.server.get("data/link").unwrap().content, "good");
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_objects_are_skipped_and_their_files_kept() {
    let world = World::new().await;
    world.server.put("data/cold", b"cold");
    world.server.put("data/warm", b"warm");
    world.write("cold", "older");
    world.server.archive("data/cold");
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(keys(&plan), ["warm"]);
    assert_eq!(plan.skipped.len(), 1);
    assert_eq!(world.read("cold"), b"older");
}

/// Two keys that are one name where a file system folds case come to the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_appeared_after_the_survey_is_not_written_over() {
    let world = World::new().await;
    world.server.put("data/a", b"theirs");
    let plan = world.survey(&world.down()).await.unwrap();
    world.write("a", "somebody's work");
    let (report, _) = world.execute(&plan).await;
    let reasons: Vec<&FailureReason> = report.failures.iter().map(|one| &one.reason).collect();
    assert_eq!(reasons, [&FailureReason::ChangedSincePlanned]);
    assert_eq!(world.read("a"), b"somebody's work");
    world.assert_tidy();
}
