//! Servers that fail, bodies that break, and files and objects that change meanwhile.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use tokio::sync::Notify;

use crate::sync::tests::server::{Fault, Seen};
use crate::sync::tests::world::{World, keys, moved, noise, with_deletion};
use crate::sync::{
    Control, FailureReason, Place, Request, SurveyError, SyncPlan, SyncReport, execute,
};

const MEBIBYTE: usize = 1024 * 1024;

fn is_get(seen: &Seen) -> bool {
    seen.method == Method::GET && !seen.is_list()
}

fn part_of(seen: &Seen) -> Option<usize> {
    seen.query.get("partNumber")?.parse().ok()
}

/// Lets each request fail the first time that it is made.
fn fail_first(world: &World, fault: Fault) {
    let seen_before = Mutex::new(BTreeSet::new());
    world.server.fail(move |seen| {
        let Seen {
            method,
            key,
            query,
            range,
            ..
        } = seen;
        let request = format!("{method} {key} {query:?} {range:?}");
        let is_first = seen_before.lock().unwrap().insert(request);
        is_first.then(|| fault.clone())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn s58_errors_and_resets_are_tried_again() {
    for fault in [
        Fault::Error(500, "InternalError"),
        Fault::Error(503, "ServiceUnavailable"),
        Fault::Raw(502, "<html>a gateway</html>"),
        Fault::Reset,
    ] {
        for goes_up in [true, false] {
            let world = World::new().await;
            let large = noise(9 * MEBIBYTE);
            // More than the SDK would try again by its own quota.
            for number in 0..100 {
                let content = format!("content {number}");
                if goes_up {
                    world.write(&format!("{number}"), content);
                } else {
                    let key = format!("data/{number}");
                    world.server.put(&key, content.as_bytes());
                }
            }
            if goes_up {
                world.write("large", &large);
            } else {
                world.server.put("data/large", &large);
            }
            let request = if goes_up { world.up() } else { world.down() };
            fail_first(&world, fault.clone());
            let plan = world.survey(&request).await.unwrap();
            let (report, events) = world.execute(&plan).await;
            assert!(report.is_complete(), "{fault:?} {report:?}");
            assert_eq!(report.transferred.files, 101);
            assert_eq!(moved(&events), plan.transferred().bytes);
            assert!(world.server.get("data/large").unwrap().content == large);
            assert!(world.read("large") == large);
            assert!(world.survey(&request).await.unwrap().is_empty());
            world.assert_tidy();
        }
    }
}

/// Lets twenty seconds pass a few times, once somebody waits for them.
async fn hurry(waited_for: &Notify) {
    waited_for.notified().await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(21)).await;
        tokio::time::resume();
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
}

/// Executes a plan with one request at a time, while time flies.
async fn run_in_haste(world: &World, plan: &SyncPlan, waited_for: &Notify) -> SyncReport {
    let mut control = Control::new(&|_| {}, &|| false);
    control.concurrency = 1;
    tokio::select! {
        report = execute(&world.client, plan, &control) => report,
        () = hurry(waited_for) => panic!("it still waits"),
    }
}

// Time can only be moved where everything is on one thread.
#[tokio::test]
async fn s58_stalled_body_is_given_up_and_asked_for_again() {
    for size in [10_000, MEBIBYTE] {
        let world = World::new().await;
        let content = noise(size);
        world.server.put("data/a", &content);
        let plan = world.survey(&world.down()).await.unwrap();
        let (stalled, count) = (Arc::new(Notify::new()), AtomicUsize::new(0));
        let tell = Arc::clone(&stalled);
        world.server.fail(move |seen| {
            let hit = is_get(seen) && count.fetch_add(1, Ordering::SeqCst) == 0;
            hit.then(|| {
                tell.notify_one();
                Fault::Stall
            })
        });
        let report = run_in_haste(&world, &plan, &stalled).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(world.server.count(is_get), 2);
        assert!(world.read("a") == content);
        world.assert_tidy();
    }
}

#[tokio::test]
async fn s58_timeout_of_an_answer_that_never_comes() {
    for goes_up in [true, false] {
        let world = World::new().await;
        for key in ["a", "b", "c"] {
            if goes_up {
                world.write(key, key);
            } else {
                world.server.put(&format!("data/{key}"), key.as_bytes());
            }
        }
        let request = if goes_up { world.up() } else { world.down() };
        let plan = world.survey(&request).await.unwrap();
        let (hung, count) = (Arc::new(Notify::new()), AtomicUsize::new(0));
        let tell = Arc::clone(&hung);
        world.server.fail(move |seen| {
            let hit = seen.key == "data/b" && count.fetch_add(1, Ordering::SeqCst) == 0;
            hit.then(|| {
                tell.notify_one();
                Fault::Hang
            })
        });
        let report = run_in_haste(&world, &plan, &hung).await;
        assert!(report.is_complete(), "{report:?}");
        assert!(world.survey(&request).await.unwrap().is_empty());
        assert_eq!(world.read("b"), b"b");
    }
}

/// Lets the first `times` answers to GETs of an object fail in this way.
fn damage_gets(world: &World, fault: &Fault, times: usize) {
    let (count, fault) = (AtomicUsize::new(0), fault.clone());
    world.server.fail(move |seen| {
        let hit = is_get(seen) && count.fetch_add(1, Ordering::SeqCst) < times;
        hit.then(|| fault.clone())
    });
}

/// The bodies that are damaged have another length, another sum, or both.
const DAMAGES: [Fault; 2] = [Fault::BreakOff, Fault::Corrupt];

#[tokio::test(flavor = "multi_thread")]
async fn s59_truncated_and_wrong_bodies_are_fetched_again() {
    // In memory, in one stream, and in ranges; checked by its checksum, or by its tag alone.
    for size in [1000, 3 * MEBIBYTE, 65 * MEBIBYTE] {
        for keeps_checksums in [true, false] {
            for fault in DAMAGES {
                let world = World::new().await;
                world.server.state.lock().unwrap().keeps_checksums = keeps_checksums;
                let content = noise(size);
                world.server.put("data/a", &content);
                world.write("a", "old");
                let plan = world.survey(&world.down()).await.unwrap();
                damage_gets(&world, &fault, 2);
                let (report, events) = world.execute(&plan).await;
                assert!(report.is_complete(), "{fault:?} {report:?}");
                assert_eq!(moved(&events), size as u64);
                assert!(world.read("a") == content, "{fault:?} {size}");
                world.assert_tidy();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s59_what_is_always_damaged_leaves_the_old_file_and_no_new_one() {
    for size in [1000, 3 * MEBIBYTE] {
        for fault in DAMAGES {
            let world = World::new().await;
            world.server.put("data/old", &noise(size));
            world.server.put("data/new", &noise(size));
            world.server.put("data/good", b"good");
            world.write("old", "old");
            let plan = world.survey(&world.down()).await.unwrap();
            let root = world.root().to_owned();
            let damaging = fault.clone();
            world.server.fail(move |seen| {
                // While it arrives, nothing has its name.
                assert!(!root.join("new").exists());
                let hit = is_get(seen) && seen.key != "data/good";
                hit.then(|| damaging.clone())
            });
            let (report, _) = world.execute(&plan).await;
            let failed: Vec<_> = report.failures.iter().map(|one| &one.key).collect();
            assert_eq!(failed, ["new", "old"], "{report:?}");
            assert_eq!(world.read("old"), b"old");
            assert!(!world.path("new").exists());
            assert_eq!(world.read("good"), b"good");
            world.assert_tidy();
        }
    }
}

/// What arrives damaged at the server is refused there, and sent again.
#[tokio::test(flavor = "multi_thread")]
async fn s59_damage_on_the_way_up_is_never_stored() {
    let world = World::new().await;
    let large = noise(20 * MEBIBYTE);
    world.write("large", &large);
    world.write("small", "small");
    let plan = world.survey(&world.up()).await.unwrap();
    fail_first(&world, Fault::CorruptSent);
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(world.server.get("data/large").unwrap().content == large);
    assert_eq!(world.server.get("data/small").unwrap().content, "small");
    // Where it is always damaged, the old object stays.
    world.write("small", "other");
    let plan = world.survey(&world.up()).await.unwrap();
    world
        .server
        .fail(|seen| (seen.method == Method::PUT).then_some(Fault::CorruptSent));
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1, "{report:?}");
    assert_eq!(world.server.get("data/small").unwrap().content, "small");
}

/// Only the planned revision is fetched: what has changed since is for the next plan.
#[tokio::test(flavor = "multi_thread")]
async fn s60_object_changes_mid_download_and_is_never_mixed() {
    for size in [1000, 3 * MEBIBYTE, 65 * MEBIBYTE] {
        let world = World::new().await;
        world.server.put("data/a", &noise(size));
        world.write("a", "old");
        let plan = world.survey(&world.down()).await.unwrap();
        let state = Arc::downgrade(&world.server.state);
        let count = AtomicUsize::new(0);
        world.server.fail(move |seen| {
            // A body breaks off, and before it is asked for again, or before a range in the
            // middle, there is another object of the same size.
            let number = count.fetch_add(usize::from(is_get(seen)), Ordering::SeqCst);
            let breaks = is_get(seen) && number == 0 && size < 64 * MEBIBYTE;
            let changes = is_get(seen) && number == if seen.range.is_some() { 4 } else { 1 };
            if changes {
                let state = state.upgrade()?;
                let other = vec![7; size].into();
                state.lock().unwrap().store("data/a", other, &[size]);
            }
            breaks.then_some(Fault::BreakOff)
        });
        let (report, _) = world.execute(&plan).await;
        let reasons: Vec<_> = report.failures.iter().map(|one| &one.reason).collect();
        assert_eq!(reasons, [&FailureReason::ChangedSincePlanned], "{size}");
        assert_eq!(world.read("a"), b"old");
        world.assert_tidy();
        world.server.heal();
        world.converge(&world.down()).await;
        assert!(world.read("a") == vec![7; size], "{size}");
    }
}

/// What happens to a file of a's while it is sent: its new content is of b's.
type Change = fn(&Path);

fn rewrite_in_place(path: &Path) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.write_all(&vec![b'b'; 20 * MEBIBYTE]).unwrap();
}

fn grow(path: &Path) {
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(&vec![b'b'; 3 * MEBIBYTE]).unwrap();
}

fn shrink(path: &Path) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.set_len(12 * MEBIBYTE as u64).unwrap();
    file.seek(std::io::SeekFrom::Start(0)).unwrap();
    file.write_all(b"b").unwrap();
}

fn shrink_below_one_part(path: &Path) {
    fs::write(path, b"small").unwrap();
}

fn replace(path: &Path) {
    let new = path.with_extension("new");
    fs::write(&new, vec![b'b'; 20 * MEBIBYTE]).unwrap();
    fs::rename(new, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn s61_file_grows_shrinks_or_is_rewritten_while_it_is_sent() {
    let changes: [Change; 5] = [
        rewrite_in_place,
        grow,
        shrink,
        shrink_below_one_part,
        replace,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        for times in [1, usize::MAX] {
            let world = World::new().await;
            world.write("a", vec![b'a'; 20 * MEBIBYTE]);
            world.server.put("data/a", b"old");
            let plan = world.survey(&world.up()).await.unwrap();
            let (path, count) = (world.path("a"), AtomicUsize::new(0));
            world.server.fail(move |seen| {
                if part_of(seen) == Some(1) && count.fetch_add(1, Ordering::SeqCst) < times {
                    change(&path);
                }
                None
            });
            let (report, events) = world.execute(&plan).await;
            let is_small = fs::metadata(world.path("a")).unwrap().len() < 9;
            if times == 1 || is_small {
                assert!(report.is_complete(), "change {number}: {report:?}");
                let stored = world.server.get("data/a").unwrap().content;
                assert!(stored == world.read("a"), "change {number} is torn");
                assert_eq!(moved(&events), stored.len() as u64);
                world.server.heal();
                assert!(world.survey(&world.up()).await.unwrap().is_empty());
            } else {
                let reason = &report.failures[0].reason;
                assert_eq!(*reason, FailureReason::ChangedWhileRead, "change {number}");
                assert_eq!(world.server.get("data/a").unwrap().content, "old");
            }
            world.assert_tidy();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s62_vanished_between_list_and_open_and_the_others_go_on() {
    for size in [1, 20 * MEBIBYTE] {
        let world = World::new().await;
        for key in ["a", "gone", "z"] {
            world.write(key, noise(size));
        }
        let plan = world.survey(&world.up()).await.unwrap();
        fs::remove_file(world.path("gone")).unwrap();
        let (report, _) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1);
        assert_eq!(report.failures[0].key, "gone");
        let changed = FailureReason::ChangedSincePlanned;
        assert_eq!(report.failures[0].reason, changed);
        assert_eq!(world.server.keys(), ["data/a", "data/z"]);
        world.assert_tidy();
    }
    for size in [1, MEBIBYTE, 65 * MEBIBYTE] {
        let world = World::new().await;
        for key in ["a", "z"] {
            world.server.put(&format!("data/{key}"), b"small");
        }
        world.server.put("data/gone", &noise(size));
        let plan = world.survey(&world.down()).await.unwrap();
        world
            .server
            .state
            .lock()
            .unwrap()
            .objects
            .remove("data/gone");
        let (report, _) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert_eq!(report.failures[0].key, "gone");
        let changed = FailureReason::ChangedSincePlanned;
        assert_eq!(report.failures[0].reason, changed);
        assert_eq!(report.transferred.files, 2);
        assert!(!world.path("gone").exists());
        world.assert_tidy();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s75_s3_express_directory_buckets_are_refused() {
    let world = World::new().await;
    world.write("a", "a");
    let directory = Place::prefix("bucket--use1-az4--x-s3", "data");
    let folder = Place::Folder(world.root().to_owned());
    let other = Place::prefix("bucket", "copy");
    // An access point of one has a name of its own.
    let point = Place::prefix("point--use1-az4--xa-s3", "data");
    for (from, to) in [
        (folder.clone(), directory.clone()),
        (point, folder.clone()),
        (directory.clone(), folder.clone()),
        (directory.clone(), other.clone()),
        (other, directory),
    ] {
        let request = with_deletion(Request::new(from, to));
        let error = world.survey(&request).await.unwrap_err();
        assert!(
            matches!(error, SurveyError::DirectoryBucket(_)),
            "{error:?}"
        );
        assert!(error.to_string().contains("directory bucket"), "{error}");
        assert!(error.help().is_some());
    }
    assert_eq!(world.server.count(|_| true), 0);
    // Whatever lists without an order is not trusted, whatever its name.
    let unordered = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>\
        <IsTruncated>false</IsTruncated>\
        <Contents><Key>data/b</Key><LastModified>2033-05-18T03:33:20Z</LastModified>\
        <Size>1</Size></Contents>\
        <Contents><Key>data/a</Key><LastModified>2033-05-18T03:33:20Z</LastModified>\
        <Size>1</Size></Contents></ListBucketResult>";
    world.server.fail(|_| Some(Fault::Raw(200, unordered)));
    for request in [world.up(), world.down()] {
        let error = world.survey(&with_deletion(request)).await.unwrap_err();
        assert!(matches!(error, SurveyError::Untrusted { .. }), "{error:?}");
        assert!(error.to_string().contains("out of order"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s80_wrong_endpoint_404_html_deletes_nothing() {
    for (status, page) in [
        (404, "<!DOCTYPE html><html><body>Not Found</body></html>"),
        (200, "<!DOCTYPE html><html><body>Welcome</body></html>"),
        (200, "<html></html>"),
        (404, ""),
        (200, "{}"),
    ] {
        let world = World::new().await;
        for key in ["a", "b"] {
            world.write(key, key);
        }
        world.server.put("data/c", b"c");
        world.server.fail(move |_| Some(Fault::Raw(status, page)));
        for request in [world.up(), world.down()] {
            let surveyed = world.survey(&with_deletion(request)).await;
            let error = surveyed.expect_err("a page of a web server is no listing");
            assert!(error.to_string().contains("bucket"), "{error}");
        }
        assert_eq!(world.read("a"), b"a");
        world.server.heal();
        let plan = world.survey(&world.up()).await.unwrap();
        assert_eq!(keys(&plan), ["a", "b"]);
        // The endpoint may also turn into something else after the survey.
        let plan = world.survey(&with_deletion(world.down())).await.unwrap();
        assert_eq!(plan.deletions.len(), 2);
        world.server.fail(move |_| Some(Fault::Raw(status, page)));
        let (report, _) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert_eq!((report.deleted, report.not_deleted), (0, 2));
        assert_eq!(world.read("a"), b"a");
        assert!(!world.path("c").exists());
    }
}
