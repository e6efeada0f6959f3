//! What folders and buckets have in them beside ordinary files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use hyper::Method;

use super::{deep_folder, unreadable_folder};
use crate::resource::ObjectOptions;
use crate::sync::tests::server::{Seen, md5, multipart_etag};
use crate::sync::tests::world::{World, deleted, keys, noise, skipped, tree, with_deletion};
use crate::sync::{
    Change, Control, Copied, End, FailureReason, Object, Pipes, Place, Progress, Request,
    SkipReason, SurveyError, Totals, Why, Withheld, copy, part_count, part_size,
};

const MEBIBYTE: usize = 1024 * 1024;

/// Far longer than anything here takes, and far shorter than for ever.
const PATIENCE: Duration = Duration::from_mins(1);

fn make_fifo(world: &World, name: &str) {
    let made = Command::new("mkfifo").arg(world.path(name)).status();
    assert!(made.unwrap().success());
}

fn parts_sent(seen: &Seen) -> bool {
    seen.method == Method::PUT && seen.query.contains_key("partNumber")
}

/// Copies one object of the bucket to a file.
async fn fetch(world: &World, key: &str, file: &str) -> Result<Copied, FailureReason> {
    let object = End::Object(Object {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
    });
    let pipes = Pipes {
        input: tokio::io::empty(),
        output: tokio::io::sink(),
    };
    let control = Control::new(&|_| {}, &|| false);
    let ends = (&object, &End::File(world.path(file)));
    Box::pin(copy(
        &world.client,
        ends,
        &ObjectOptions::default(),
        pipes,
        &control,
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn s50_fifo_socket_device_are_skipped_and_never_opened() {
    let world = World::new().await;
    world.write("good", "good");
    make_fifo(&world, "fifo");
    let _socket = UnixListener::bind(world.path("socket")).unwrap();
    // Making devices is for root alone, and linking to them is not.
    for device in ["null", "zero"] {
        symlink(format!("/dev/{device}"), world.path(device)).unwrap();
    }
    let up = world.up();
    let converged = tokio::time::timeout(PATIENCE, world.converge(&up));
    let plan = converged
        .await
        .expect("it waits for the other end of a pipe");
    assert_eq!(keys(&plan), ["good"]);
    let special = ["fifo", "null", "socket", "zero"].map(|name| (name, &SkipReason::Special));
    assert_eq!(skipped(&plan), special);

    // In a target they are neither deleted nor written to, whether a key has their name or not.
    world.server.put("data/fifo", b"a file here");
    let plan = world.survey(&with_deletion(world.down())).await.unwrap();
    assert!(plan.deletions.is_empty(), "{plan:?}");
    let executed = tokio::time::timeout(PATIENCE, world.execute(&plan));
    let (report, _) = executed
        .await
        .expect("it waits for the other end of a pipe");
    assert_eq!(report.failures, [], "it is left alone and no failure");
    assert_eq!(
        tree(world.root()),
        ["fifo", "good", "null", "socket", "zero"]
    );
    assert!(!fs::symlink_metadata(world.path("fifo")).unwrap().is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn s51_unreadable_dir_withholds_deletions_both_ways() {
    let world = World::new().await;
    let (folder, name) = unreadable_folder(&world);
    fs::write(folder.join("good"), "good").unwrap();
    fs::write(folder.join("extra"), "extra").unwrap();
    let below = format!("{name}/x");
    for key in [below.as_str(), "gone"] {
        world.server.put(&format!("data/{key}"), b"x");
    }
    let mut up = with_deletion(world.up());
    up.from = Place::Folder(folder.clone());
    let plan = world.survey(&up).await.unwrap();
    assert_eq!(keys(&plan), ["extra", "good"]);
    // What it holds is unknown: a folder that moved there, for one, is not gone.
    assert_eq!(
        plan.withheld,
        Some(Withheld::UnreadableFolder(name.clone()))
    );
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.server.keys().len(), 4);

    let mut down = with_deletion(world.down());
    down.to = Place::Folder(folder.clone());
    world
        .server
        .state
        .lock()
        .unwrap()
        .objects
        .remove("data/extra");
    let plan = world.survey(&down).await.unwrap();
    assert_eq!(plan.withheld, Some(Withheld::UnreadableFolder(name)));
    assert!(plan.deletions.is_empty(), "{plan:?}");
    assert!(matches!(
        skipped(&plan)[..],
        [(_, SkipReason::UnreadableFolder(_))]
    ));
    assert!(folder.join("extra").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn s51_unreadable_file_is_reported_and_its_object_kept() {
    let world = World::new().await;
    let (folder, left) = deep_folder(&world);
    // From inside, there is room for one byte more than any path from outside has.
    let name = "f".repeat(left + 1);
    let made = Command::new("touch")
        .arg(&name)
        .current_dir(&folder)
        .status();
    assert!(made.unwrap().success());
    fs::write(folder.join("good"), "good").unwrap();
    for key in [name.as_str(), "gone"] {
        world.server.put(&format!("data/{key}"), b"x");
    }
    let mut up = with_deletion(world.up());
    up.from = Place::Folder(folder);
    let plan = world.survey(&up).await.unwrap();
    assert_eq!(keys(&plan), ["good"]);
    assert!(matches!(
        skipped(&plan)[..],
        [(_, SkipReason::UnreadableFile(_))]
    ));
    assert_eq!(deleted(&plan), ["gone"]);
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(world.server.get(&format!("data/{name}")).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn s52_zero_byte_both_ways_and_sizes_at_the_limits() {
    let world = World::new().await;
    let (most, one_more) = (noise(8 * MEBIBYTE), noise(8 * MEBIBYTE + 1));
    world.write("zero", "");
    world.write("most", &most);
    world.write("one-more", &one_more);
    // A hole reads as zeros.
    let sparse = File::create(world.path("sparse")).unwrap();
    sparse.set_len(24 * MEBIBYTE as u64).unwrap();
    assert!(sparse.metadata().unwrap().blocks() < 1000);
    let plan = world.survey(&world.up()).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.server.count(parts_sent), 2 + 3);
    let etag = |key: &str| world.server.get(&format!("data/{key}")).unwrap().etag;
    assert_eq!(etag("zero"), md5(b""));
    assert_eq!(etag("most"), md5(&most));
    assert_eq!(
        etag("one-more"),
        multipart_etag(&one_more, &[8 * MEBIBYTE, 1])
    );
    assert!(world.survey(&world.up()).await.unwrap().is_empty());

    let mut down = world.down();
    let target = tempfile::tempdir().unwrap();
    down.to = Place::Folder(target.path().to_owned());
    world.converge(&down).await;
    for name in ["zero", "most", "one-more", "sparse"] {
        let came = fs::read(target.path().join(name)).unwrap();
        assert!(came == world.read(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s52_one_stream_and_ranges_meet_without_a_gap() {
    let limit = 64 * MEBIBYTE;
    for (size, ranges) in [(limit, 0), (limit + 1, 9)] {
        let world = World::new().await;
        let content = noise(size);
        world.server.put("data/a", &content);
        let plan = world.survey(&world.down()).await.unwrap();
        let (report, _) = world.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(world.server.count(|seen| seen.range.is_some()), ranges);
        assert!(world.read("a") == content, "{size}");
    }
}

/// What would take hours to send is decided by numbers.
#[test]
fn s52_sizes_that_s3_limits_have_parts_that_it_takes() {
    let gibibyte = 1 << 30;
    for size in [
        5 * gibibyte,
        5 * gibibyte + 1,
        // The last size that 10,000 parts of 8 MiB would have been enough for, and the next.
        10_000 * 8 * MEBIBYTE as u64,
        10_000 * 8 * MEBIBYTE as u64 + 1,
        5 << 40,
        // The largest object: 50 TB (S3 user guide, uploading objects).
        50_000_000_000_000,
    ] {
        assert!(part_count(size) <= 10_000, "{size}");
        assert!(part_size(size) <= 5 * gibibyte, "{size}");
        let last = size - (part_count(size) - 1) * part_size(size);
        assert!((1..=part_size(size)).contains(&last), "{size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s53_empty_dirs_are_ignored_both_ways() {
    let world = World::new().await;
    fs::create_dir_all(world.path("empty/deep")).unwrap();
    world.write("full/x", "x");
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(keys(&plan), ["full/x"]);
    assert_eq!(world.server.keys(), ["data/full/x"], "no marker is made");
    let plan = world.converge(&with_deletion(world.down())).await;
    assert!(plan.is_empty(), "{plan:?}");
    assert!(world.path("empty/deep").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn s54_listing_of_many_pages_in_every_encoding() {
    let names: Vec<String> = (0..1100)
        .map(|number| {
            format!(
                "{}/{number:04}",
                ["a", "a b", "a+b", "é&<%20>"][number / 300]
            )
        })
        .collect();
    for encodes in [true, false] {
        // Pages end within folders, at their ends, and in a thousand.
        for page in [299, 300, 1000] {
            let world = World::new().await;
            {
                let mut state = world.server.state.lock().unwrap();
                (state.encodes, state.page) = (encodes, page);
            }
            for name in &names {
                world.write(name, name);
                world.server.put(&format!("data/{name}"), name.as_bytes());
            }
            world.write("zz", "new");
            world.server.put("data/a/extra", b"extra");
            let plan = world.survey(&with_deletion(world.up())).await.unwrap();
            assert_eq!(keys(&plan), ["zz"]);
            assert_eq!(deleted(&plan), ["a/extra"]);
            assert_eq!(plan.same.files, 1100);
            let pages = world.server.count(Seen::is_list);
            assert_eq!(pages, 1101_usize.div_ceil(page), "{page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s55_source_dir_missing_is_refused_before_any_request() {
    let world = World::new().await;
    world.write("file", "x");
    world.server.put("data/a", b"a");
    let from = |name: &str| Request {
        from: Place::Folder(world.path(name)),
        ..with_deletion(world.up())
    };
    let missing = world.survey(&from("missing")).await.unwrap_err();
    assert!(matches!(missing, SurveyError::NoFolder(_)), "{missing:?}");
    let file = world.survey(&from("file")).await.unwrap_err();
    assert!(matches!(file, SurveyError::NotAFolder(_)), "{file:?}");
    assert_eq!(world.server.count(|_| true), 0);
    // A target is made, and only when there is something for it.
    let mut down = world.down();
    down.to = Place::Folder(world.path("new/deep"));
    let plan = world.survey(&down).await.unwrap();
    assert!(!world.path("new").exists());
    assert_eq!(keys(&plan), ["a"]);
    world.converge(&down).await;
    assert_eq!(world.read("new/deep/a"), b"a");
}

#[tokio::test(flavor = "multi_thread")]
async fn s56_prefix_without_slash_and_a_single_object() {
    let world = World::new().await;
    for key in ["foo", "foo.txt", "foo/a", "foo/b/c", "foobar/x"] {
        world.server.put(key, key.as_bytes());
    }
    let mut down = world.down();
    for url in ["s3://bucket/foo", "s3://bucket/foo/"] {
        down.from = Place::parse_url(url).unwrap();
        let plan = world.survey(&down).await.unwrap();
        assert_eq!(keys(&plan), ["a", "b/c"], "{url}");
    }
    world.converge(&down).await;
    assert_eq!(world.read("b/c"), b"foo/b/c");
    // One object is `cp`'s, also where its key begins the keys of others.
    assert_eq!(fetch(&world, "foo", "one").await, Ok(Copied::Whole(3)));
    assert_eq!(world.read("one"), b"foo");
    let nothing = fetch(&world, "fo", "none").await;
    assert!(matches!(nothing, Err(FailureReason::Remote { .. })));
    assert!(!world.path("none").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn s71_dry_run_says_what_a_run_does_and_writes_nothing() {
    for goes_up in [true, false] {
        let world = World::new().await;
        for key in ["same", "changed", "new", "d/new"] {
            world.write(key, key);
        }
        for (key, content) in [("same", "same"), ("changed", "other"), ("extra", "extra")] {
            world.server.put(&format!("data/{key}"), content.as_bytes());
        }
        symlink("nowhere", world.path("broken")).unwrap();
        let request = with_deletion(if goes_up { world.up() } else { world.down() });
        let before = (tree(world.root()), world.server.keys());
        let plan = world.survey(&request).await.unwrap();
        assert_eq!(world.server.count(|seen| !seen.is_list()), 0);
        assert_eq!((tree(world.root()), world.server.keys()), before);
        assert_eq!(plan, world.survey(&request).await.unwrap());
        assert!(!plan.is_empty());
        assert_eq!(plan.same, Totals { files: 1, bytes: 4 });
        let size = Why::Size {
            source_bytes: if goes_up { 7 } else { 5 },
            target_bytes: if goes_up { 5 } else { 7 },
        };
        let changes: BTreeMap<String, Change> = plan
            .transfers
            .iter()
            .map(|transfer| (transfer.key, transfer.change))
            .collect();
        assert_eq!(changes["changed"], Change::Changed(size));
        // A run moves and deletes exactly that.
        let (report, events) = world.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        let mut finished: Vec<&str> = events
            .iter()
            .filter_map(|event| {
                if let Progress::Finished { key, bytes: _ } = event {
                    Some(key.as_str())
                } else {
                    None
                }
            })
            .collect();
        finished.sort_unstable();
        assert_eq!(finished, keys(&plan));
        assert_eq!(report.deleted, plan.deletions.len() as u64);
        assert!(world.survey(&request).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s79_fifo_never_blocks_the_run_even_when_it_is_included() {
    let world = World::new().await;
    world.write("d/good", "good");
    make_fifo(&world, "d/fifo");
    for include in ["*", "**", "d/fifo", "fifo", "d/"] {
        let mut request = world.up();
        request.include = vec![include.to_owned(), "good".to_owned()];
        let surveyed = tokio::time::timeout(PATIENCE, world.survey(&request));
        let plan = surveyed.await.expect("it hangs").unwrap();
        assert_eq!(keys(&plan), ["d/good"], "{include}");
        assert_eq!(skipped(&plan), [("d/fifo", &SkipReason::Special)]);
    }
    // A file that becomes one after the survey does not block either.
    let plan = world.survey(&world.up()).await.unwrap();
    fs::remove_file(world.path("d/good")).unwrap();
    make_fifo(&world, "d/good");
    let executed = tokio::time::timeout(PATIENCE, world.execute(&plan));
    let (report, _) = executed.await.expect("it hangs");
    assert_eq!(report.failures[0].reason, FailureReason::NotAFile);
}
