use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Method;

use super::server::{Fault, Seen};
use super::world::{World, moved, noise};
use crate::resource::Compare;
use crate::sync::FailureReason;

const MEBIBYTE: usize = 1024 * 1024;

/// Lets the first `times` answers to GETs of an object fail in this way.
fn damage_gets(world: &World, fault: &Fault, times: usize) {
    let (count, fault) = (AtomicUsize::new(0), fault.clone());
    world.server.fail(move |seen| {
        let hit = seen.method == Method::GET && !seen.is_list();
        (hit && count.fetch_add(1, Ordering::SeqCst) < times).then(|| fault.clone())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_bodies_are_fetched_again() {
    for fault in [Fault::BreakOff, Fault::Corrupt] {
        for keeps_checksums in [true, false] {
            let world = World::new().await;
            world.server.state.lock().unwrap().keeps_checksums = keeps_checksums;
            let content = noise(3 * MEBIBYTE);
            world.server.put("data/a", &content);
            damage_gets(&world, &fault, 2);
            let plan = world.converge(&world.down()).await;
            assert_eq!(plan.transfers.len(), 1);
            assert!(world.read("a") == content);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_always_damaged_leaves_the_old_file() {
    for fault in [Fault::BreakOff, Fault::Corrupt] {
        let world = World::new().await;
        world.server.put("data/a", b"new content");
        world.write("a", "old");
        let plan = world.survey(&world.down()).await.unwrap();
        damage_gets(&world, &fault, usize::MAX);
        let (report, events) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert!(moved(&events) <= 11);
        assert_eq!(world.read("a"), b"old");
        world.assert_tidy();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_range_is_found_by_the_sum_of_the_whole() {
    let world = World::new().await;
    let content = noise(65 * MEBIBYTE);
    world.server.put("data/a", &content);
    let plan = world.survey(&world.down()).await.unwrap();
    // Where the same is always wrong, nobody can tell what is right.
    damage_gets(&world, &Fault::Corrupt, usize::MAX);
    let (report, _) = world.execute(&plan).await;
    assert!(
        matches!(&report.failures[0].reason, FailureReason::Damaged(_)),
        "{report:?}"
    );
    assert!(!world.path("a").exists());
    world.assert_tidy();
    damage_gets(&world, &Fault::Corrupt, 1);
    let (report, events) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(moved(&events), content.len() as u64);
    assert!(world.read("a") == content);
    fs::remove_file(world.path("a")).unwrap();
    damage_gets(&world, &Fault::BreakOff, 3);
    let (report, events) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(moved(&events), content.len() as u64);
    assert!(world.read("a") == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changed_after_the_survey_is_stale() {
    for size in [10, 65 * MEBIBYTE] {
        let world = World::new().await;
        world.server.put("data/a", &noise(size));
        let plan = world.survey(&world.down()).await.unwrap();
        world.server.put("data/a", &vec![7; size]);
        let (report, _) = world.execute(&plan).await;
        assert_eq!(
            report.failures[0].reason,
            FailureReason::ChangedSincePlanned
        );
        assert!(!world.path("a").exists());
        world.assert_tidy();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_changes_between_its_ranges_is_never_mixed() {
    let world = World::new().await;
    world.server.put("data/a", &noise(65 * MEBIBYTE));
    let plan = world.survey(&world.down()).await.unwrap();
    let state = Arc::downgrade(&world.server.state);
    let count = AtomicUsize::new(0);
    world.server.fail(move |seen| {
        if seen.range.is_some() && count.fetch_add(1, Ordering::SeqCst) == 4 {
            let state = state.upgrade()?;
            let other = vec![7; 65 * MEBIBYTE].into();
            state
                .lock()
                .unwrap()
                .store("data/a", other, &[65 * MEBIBYTE]);
        }
        None
    });
    let (report, _) = world.execute(&plan).await;
    assert_eq!(
        report.failures[0].reason,
        FailureReason::ChangedSincePlanned
    );
    assert!(!world.path("a").exists());
    world.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_and_errors_of_the_server_are_waited_out() {
    let world = World::new().await;
    for number in 0..60 {
        world.write(&format!("{number}"), format!("content {number}"));
    }
    let count = AtomicUsize::new(0);
    world.server.fail(move |seen| {
        let hit = count.fetch_add(1, Ordering::SeqCst) % 11 == 5;
        (hit && !seen.is_list()).then_some(Fault::Error(503, "SlowDown"))
    });
    world.converge(&world.up()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_stops_the_run_and_a_bad_file_does_not() {
    for (status, code, stops) in [
        (403, "AccessDenied", true),
        (400, "ExpiredToken", true),
        (400, "InvalidRequest", false),
    ] {
        let world = World::new().await;
        for number in 0..500 {
            world.write(&format!("{number:03}"), "x");
        }
        let plan = world.survey(&world.up()).await.unwrap();
        world.server.forget();
        world.server.fail(move |seen| {
            let hit = stops || seen.key == "data/100";
            hit.then_some(Fault::Error(status, code))
        });
        let (report, _) = world.execute(&plan).await;
        let requests = world.server.count(|_| true);
        if stops {
            assert!(requests < 100, "{requests} useless requests");
            assert!(report.not_transferred > 400);
            assert!(report.failures.iter().all(|f| f.reason.stops_the_run()));
        } else {
            assert_eq!(report.failures.len(), 1);
            assert_eq!(report.transferred.files, 499);
            assert_eq!(report.not_transferred, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_sent_is_sent_again_whole() {
    for times in [1, usize::MAX] {
        let world = World::new().await;
        let content = vec![b'a'; 20 * MEBIBYTE];
        world.write("a", &content);
        let plan = world.survey(&world.up()).await.unwrap();
        let (path, count) = (world.path("a"), AtomicUsize::new(0));
        world.server.fail(move |seen| {
            let second = seen
                .query
                .get("partNumber")
                .is_some_and(|number| number == "2");
            if second && count.fetch_add(1, Ordering::SeqCst) < times {
                // A new inode is a change even within one tick of the clock.
                fs::write(path.with_extension("new"), vec![b'b'; 20 * MEBIBYTE]).unwrap();
                fs::rename(path.with_extension("new"), &path).unwrap();
            }
            None
        });
        let (report, _) = world.execute(&plan).await;
        if times == 1 {
            assert!(report.is_complete(), "{report:?}");
            let stored = world.server.get("data/a").unwrap();
            assert!(stored.content.iter().all(|&byte| byte == b'b'), "torn");
        } else {
            assert_eq!(report.failures[0].reason, FailureReason::ChangedWhileRead);
            assert!(world.server.keys().is_empty(), "nothing torn is visible");
        }
        world.assert_tidy();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_part_aborts_the_upload() {
    let world = World::new().await;
    world.write("large", noise(20 * MEBIBYTE));
    world.write("small", "small");
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.fail(|seen| {
        let third = seen
            .query
            .get("partNumber")
            .is_some_and(|number| number == "3");
        third.then_some(Fault::Error(400, "InvalidRequest"))
    });
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.transferred.files, 1);
    assert_eq!(world.server.keys(), ["data/small"]);
    world.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_vanished_is_reported_and_the_others_go_on() {
    let world = World::new().await;
    world.write("a", "a");
    world.write("b", "b");
    let plan = world.survey(&world.up()).await.unwrap();
    fs::remove_file(world.path("a")).unwrap();
    let (report, _) = world.execute(&plan).await;
    assert_eq!(
        report.failures[0].reason,
        FailureReason::ChangedSincePlanned
    );
    assert_eq!(report.transferred.files, 1);
    world.server.heal();
}

/// Whether a request joins the parts of an upload.
fn finishes(seen: &Seen) -> bool {
    seen.method == Method::POST && seen.query.contains_key("uploadId")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_last_answer_is_lost_is_found_to_be_finished() {
    let world = World::new().await;
    let content = noise(20 * MEBIBYTE);
    world.write("a", &content);
    let count = AtomicUsize::new(0);
    world.server.fail(move |seen| {
        let hit = finishes(seen) && count.fetch_add(1, Ordering::SeqCst) == 0;
        hit.then_some(Fault::BreakOff)
    });
    world.converge(&world.up()).await;
    assert!(world.server.get("data/a").unwrap().content == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_gone_at_its_end_has_failed_whatever_else_is_there() {
    let world = World::new().await;
    world.server.put("data/a", b"of somebody else");
    world.write("a", noise(20 * MEBIBYTE));
    let plan = world.survey(&world.up()).await.unwrap();
    let gone = Fault::Error(404, "NoSuchUpload");
    world
        .server
        .fail(move |seen| finishes(seen).then(|| gone.clone()));
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1, "{report:?}");
    assert_eq!(
        world.server.get("data/a").unwrap().content,
        "of somebody else"
    );
}

/// The same content is there already, but with another time of the file.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_gone_is_not_taken_for_an_older_one_of_the_same_content() {
    let world = World::new().await;
    world.write("a", noise(20 * MEBIBYTE));
    world.converge(&world.up()).await;
    world.touch("a", 4_000_000_000);
    let mut request = world.up();
    request.policy.compare = Compare::SizeMtime;
    let plan = world.survey(&request).await.unwrap();
    assert_eq!(plan.transfers.len(), 1);
    world
        .server
        .fail(|seen| finishes(seen).then_some(Fault::Error(404, "NoSuchUpload")));
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1, "{report:?}");
    world.server.heal();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
}
