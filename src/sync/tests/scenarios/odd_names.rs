//! Names that stand in each other's way, and names that are odd.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use crate::sync::tests::world::{World, deleted, keys, skipped, tree, with_deletion};
use crate::sync::{KeyFault, Place, Side, SkipReason};

/// The names of the files below a folder, without those of the folders.
fn files(world: &World) -> Vec<String> {
    let names = tree(world.root()).into_iter();
    names.filter(|name| !name.ends_with('/')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s39_dest_symlink_file_is_replaced_and_its_end_untouched() {
    let world = World::new().await;
    let outside = tempfile::NamedTempFile::new().unwrap();
    // The same content behind the link is no reason to leave it.
    for content in ["ours", "theirs"] {
        fs::write(outside.path(), content).unwrap();
        symlink(outside.path(), world.path("file")).unwrap();
        world.server.put("data/file", b"ours");
        let plan = world.converge(&world.down()).await;
        assert_eq!(keys(&plan), ["file"]);
        let metadata = fs::symlink_metadata(world.path("file")).unwrap();
        assert!(metadata.is_file(), "{content}");
        assert_eq!(world.read("file"), b"ours");
        assert_eq!(fs::read_to_string(outside.path()).unwrap(), content);
        fs::remove_file(world.path("file")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s40_double_slash_is_skipped_each_time_and_fetched_never() {
    let world = World::new().await;
    for key in ["x//y", "x/y", "z//", "w//only"] {
        world.server.put(&format!("data/{key}"), key.as_bytes());
    }
    let empty = SkipReason::Key(KeyFault::EmptyComponent);
    let expected = [("w//only", &empty), ("x//y", &empty), ("z//", &empty)];
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(keys(&plan), ["x/y"]);
    assert_eq!(skipped(&plan), expected);
    assert_eq!(files(&world), ["x/y"]);
    assert_eq!(world.read("x/y"), b"x/y");
    let again = world.survey(&with_deletion(world.down())).await.unwrap();
    assert!(again.is_empty());
    assert_eq!(skipped(&again), expected);
    // And on the way up they stay where they are.
    world.converge(&with_deletion(world.up())).await;
    assert!(world.server.get("data/x//y").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn s41_dir_markers_are_never_files() {
    let world = World::new().await;
    for key in ["data/", "data/zero/", "data/zero/deep/", "data/full/"] {
        world.server.put(key, b"");
    }
    world.server.put("data/full/x", b"x");
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(keys(&plan), ["full/x"]);
    assert_eq!(skipped(&plan), []);
    assert_eq!(tree(world.root()), ["full/", "full/x"]);
    // On the way up they are no files that the source lacks.
    let plan = world.converge(&with_deletion(world.up())).await;
    assert!(plan.is_empty(), "{plan:?}");

    let other = World::new().await;
    other.server.put("data/", b"content");
    other.server.put("data/marker/", b"content");
    other.server.put("data/marker/x", b"x");
    let plan = other.converge(&other.down()).await;
    assert_eq!(keys(&plan), ["marker/x"]);
    let expected = [
        ("", &SkipReason::Key(KeyFault::IsPrefix)),
        ("marker/", &SkipReason::Key(KeyFault::FolderWithContent)),
    ];
    assert_eq!(skipped(&plan), expected);
}

/// What is only in a folder that is also a key can still be proven to be extra.
#[tokio::test(flavor = "multi_thread")]
async fn s42_file_vs_dir_the_children_win() {
    let world = World::new().await;
    for key in ["a", "a-b", "a.txt", "a/b", "a/b/c", "a0"] {
        world.server.put(&format!("data/{key}"), key.as_bytes());
    }
    let plan = world.converge(&world.down()).await;
    assert_eq!(keys(&plan), ["a-b", "a.txt", "a/b/c", "a0"]);
    let gave_way = SkipReason::AlsoFolder;
    assert_eq!(skipped(&plan), [("a", &gave_way), ("a/b", &gave_way)]);
    assert_eq!(files(&world), ["a-b", "a.txt", "a/b/c", "a0"]);
    world.write("a/extra", "extra");
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(deleted(&plan), ["a/extra"]);
    assert_eq!(skipped(&plan), [("a", &gave_way), ("a/b", &gave_way)]);
}

/// Deletions come last, so what stands in the way goes in one run, and what takes its place
/// comes in the next: a failure between the two never leaves less than there was.
#[tokio::test(flavor = "multi_thread")]
async fn s43_local_dir_where_key_is_a_file_and_the_reverse() {
    let world = World::new().await;
    world.write("folder/x", "local");
    world.write("file", "local");
    world.server.put("data/folder", b"remote");
    world.server.put("data/file/x", b"remote");
    let in_the_way = [
        ("file/x", &SkipReason::FileInTheWay),
        ("folder", &SkipReason::FolderInTheWay),
    ];
    let plan = world.survey(&world.down()).await.unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!(skipped(&plan), in_the_way);

    let plan = world.survey(&with_deletion(world.down())).await.unwrap();
    assert_eq!(skipped(&plan), in_the_way);
    assert_eq!(deleted(&plan), ["file", "folder/x"]);
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(keys(&plan), ["file/x", "folder"]);
    assert_eq!(skipped(&plan), []);
    assert_eq!(files(&world), ["file/x", "folder"]);
    assert_eq!(world.read("folder"), b"remote");

    // A bucket has room for both.
    let other = World::new().await;
    other.write("folder/x", "local");
    other.write("file", "local");
    other.server.put("data/folder", b"remote");
    other.server.put("data/file/x", b"remote");
    let plan = other.converge(&with_deletion(other.up())).await;
    assert_eq!(deleted(&plan), ["file/x", "folder"]);
    assert_eq!(other.server.keys(), ["data/file", "data/folder/x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s44_sort_order_is_that_of_full_keys() {
    let names = [
        "foo!",
        "foo-bar/x",
        "foo.txt",
        "foo/a",
        "foo/a.b",
        "foo/a/b",
        "foo0",
        "foo/z",
        "fo",
    ];
    // `foo/a` cannot be a file and a folder here.
    let names = names.into_iter().filter(|name| *name != "foo/a");
    for page in [1, 2, 1000] {
        let world = World::new().await;
        world.server.state.lock().unwrap().page = page;
        for name in names.clone() {
            world.write(name, name);
            world.server.put(&format!("data/{name}"), name.as_bytes());
        }
        // A side that is out of step has files that the other seems to lack.
        for request in [world.up(), world.down()] {
            let plan = world.survey(&with_deletion(request)).await.unwrap();
            assert!(plan.is_empty(), "{plan:?}");
            assert_eq!(plan.same.files, 8);
            assert_eq!(skipped(&plan), []);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s45_nfc_and_nfd_are_two_keys() {
    let (nfc, nfd) = ("caf\u{e9}", "cafe\u{301}");
    let world = World::new().await;
    world.write(nfc, "nfc");
    world.write(nfd, "nfd");
    let plan = world.converge(&world.up()).await;
    assert_eq!(keys(&plan), [nfd, nfc]);
    for (name, content) in [(nfc, "nfc"), (nfd, "nfd")] {
        let stored = world.server.get(&format!("data/{name}"));
        assert_eq!(stored.unwrap().content, content);
        fs::remove_file(world.path(name)).unwrap();
    }
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(keys(&plan), [nfd, nfc]);
    assert_eq!(world.read(nfc), b"nfc");
    assert_eq!(world.read(nfd), b"nfd");
}

#[tokio::test(flavor = "multi_thread")]
async fn s46_non_utf8_local_name_is_reported_and_the_rest_goes_on() {
    let world = World::new().await;
    world.write("a", "a");
    world.write("z/z", "z");
    for folder in ["", "z"] {
        let bad = world.path(folder).join(OsStr::from_bytes(b"bad\xff"));
        fs::write(bad, "bad").unwrap();
    }
    fs::create_dir(world.root().join(OsStr::from_bytes(b"folder\xfe"))).unwrap();
    world.server.put("data/old", b"old");
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(keys(&plan), ["a", "z/z"]);
    assert_eq!(deleted(&plan), ["old"]);
    let bad = SkipReason::NotUtf8;
    let expected = [
        ("bad\u{fffd}", &bad),
        ("folder\u{fffd}", &bad),
        ("z/bad\u{fffd}", &bad),
    ];
    assert_eq!(skipped(&plan), expected);
    // On the way down such a name is nobody's key, and nobody's to delete.
    let plan = world.converge(&with_deletion(world.down())).await;
    assert!(plan.is_empty(), "{plan:?}");
    assert!(plan.skipped.iter().all(|one| one.side == Side::To));
}

#[tokio::test(flavor = "multi_thread")]
async fn s47_odd_names_go_there_and_back() {
    let world = World::new().await;
    let component = "é".repeat(127) + "x";
    assert_eq!(component.len(), 255);
    // With `data/` this is the longest key that S3 stores.
    let mut longest = format!("{}/", "k".repeat(200)).repeat(5);
    longest.push_str(&"k".repeat(1024 - "data/".len() - longest.len()));
    let names = [
        "a b",
        "plus+and%25",
        "%2F",
        "#?&<>'\"",
        "é",
        "😀",
        " lead",
        "trail ",
        " ",
        "a..b",
        "[x]",
        "~",
        "*",
        "-",
        "back\\slash",
        "100%",
        "a=b&c=d;e",
        "{},|^`",
        &component,
        &longest,
    ];
    for name in names {
        world.write(name, name);
    }
    let too_long = format!("{longest}x");
    world.write(&too_long, "too long");
    for name in ["new\nline", "tab\t", "\u{1}", "del\u{7f}"] {
        world.write(name, "control");
    }
    let plan = world.converge(&world.up()).await;
    assert_eq!(plan.transfers.len(), names.len());
    // Control characters are no names that every tool could bring back.
    let faults: Vec<_> = plan.skipped.iter().map(|one| &one.reason).collect();
    let control = SkipReason::Key(KeyFault::ControlCharacter);
    let long = SkipReason::Key(KeyFault::KeyTooLong);
    assert_eq!(faults, [&control, &control, &long, &control, &control]);
    for name in names {
        let object = world.server.get(&format!("data/{name}"));
        assert_eq!(object.unwrap().content, name.as_bytes(), "{name}");
    }
    for key in ["\u{1}", "a\nb", &"n".repeat(256)] {
        world.server.put(&format!("data/{key}"), b"x");
    }
    let mut down = world.down();
    let target = tempfile::tempdir().unwrap();
    down.to = Place::Folder(target.path().to_owned());
    let plan = world.converge(&down).await;
    assert_eq!(plan.transfers.len(), names.len());
    let faults: Vec<_> = plan.skipped.iter().map(|one| &one.reason).collect();
    let long = SkipReason::Key(KeyFault::ComponentTooLong);
    assert_eq!(faults, [&control, &control, &long]);
    for name in names {
        let came = fs::read(target.path().join(name)).unwrap();
        assert_eq!(came, name.as_bytes(), "{name}");
    }
}
