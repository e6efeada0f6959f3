//! Small files that go together, and what befalls one of them.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::Method;

use super::server::Fault;
use super::world::{World, moved, noise};
use crate::sync::{Control, FailureReason, Progress, SyncPlan, SyncReport, execute};

/// So many that a batch has several of them.
const FILES: usize = 600;

fn key(number: usize) -> String {
    format!("{}/{number:03}", number / 50)
}

fn content(number: usize) -> Vec<u8> {
    noise(100 + number)
}

fn reasons(report: &SyncReport) -> Vec<(&str, &FailureReason)> {
    let failures = report.failures.iter();
    failures
        .map(|failure| (failure.key.as_str(), &failure.reason))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_change_after_the_plan_hold_up_none_beside_them() {
    let world = World::new().await;
    for number in 0..FILES {
        world.write(&key(number), content(number));
    }
    let plan = world.survey(&world.up()).await.unwrap();
    let (grown, shrunk, large) = (noise(5000), noise(5), noise(9 * 1024 * 1024));
    for (number, content) in [(101, &grown), (102, &shrunk), (103, &large)] {
        world.write(&key(number), content);
    }
    fs::remove_file(world.path(&key(104))).unwrap();
    fs::remove_file(world.path(&key(105))).unwrap();
    fs::create_dir(world.path(&key(105))).unwrap();
    let (report, events) = world.execute(&plan).await;
    assert_eq!(
        reasons(&report),
        [
            (key(104).as_str(), &FailureReason::ChangedSincePlanned),
            (key(105).as_str(), &FailureReason::NotAFile),
        ]
    );
    assert_eq!(report.transferred.files, FILES as u64 - 2);
    assert_eq!(moved(&events), report.transferred.bytes);
    for number in (0..FILES).filter(|number| ![104, 105].contains(number)) {
        let key = format!("data/{}", key(number));
        let stored = world.server.state.lock().unwrap().objects[&key].clone();
        let expected = match number {
            101 => grown.clone(),
            102 => shrunk.clone(),
            103 => large.clone(),
            _ => content(number),
        };
        assert!(stored.content == expected, "{key}");
    }
    world.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_rewritten_while_it_waits_for_those_before_it_is_read_again() {
    let world = World::new().await;
    for number in 0..FILES {
        world.write(&key(number), content(number));
    }
    let plan = world.survey(&world.up()).await.unwrap();
    let (first, last) = (format!("data/{}", key(0)), world.path(&key(7)));
    let new = vec![b'n'; content(7).len()];
    let rewritten = new.clone();
    world.server.fail(move |seen| {
        let is_first = seen.method == Method::PUT && seen.key == first;
        is_first.then(|| {
            fs::write(&last, &rewritten).unwrap();
            Fault::Late(Duration::from_millis(300))
        })
    });
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let key = format!("data/{}", key(7));
    let stored = world.server.state.lock().unwrap().objects[&key].clone();
    assert!(
        stored.content == new,
        "what was sent is older than its object"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_change_after_the_plan_hold_up_none_beside_them() {
    let world = World::new().await;
    for number in 0..FILES {
        world
            .server
            .put(&format!("data/{}", key(number)), &content(number));
    }
    let plan = world.survey(&world.down()).await.unwrap();
    world.server.put(&format!("data/{}", key(101)), b"another");
    let gone = format!("data/{}", key(102));
    world.server.state.lock().unwrap().objects.remove(&gone);
    fs::create_dir_all(world.path(&key(103)).join("somebody's")).unwrap();
    world.write(&key(104), "somebody's");
    let (report, events) = world.execute(&plan).await;
    let keys: Vec<String> = (101..=104).map(key).collect();
    let expected = [
        (keys[0].as_str(), &FailureReason::ChangedSincePlanned),
        (keys[1].as_str(), &FailureReason::ChangedSincePlanned),
        (keys[2].as_str(), &FailureReason::FolderInTheWay),
        (keys[3].as_str(), &FailureReason::ChangedSincePlanned),
    ];
    assert_eq!(reasons(&report), expected);
    assert_eq!(report.transferred.files, FILES as u64 - 4);
    assert!(moved(&events) >= report.transferred.bytes);
    for number in (0..FILES).filter(|number| !(101..=104).contains(number)) {
        assert!(world.read(&key(number)) == content(number), "{number}");
    }
    assert_eq!(world.read(&key(104)), b"somebody's");
    world.assert_tidy();
}

/// Cancels when so many files are there.
async fn cancel_after(world: &World, plan: &SyncPlan, files: usize) -> SyncReport {
    let finished = AtomicUsize::new(0);
    let listen = |event: Progress| {
        if matches!(event, Progress::Finished { .. }) {
            finished.fetch_add(1, Ordering::SeqCst);
        }
    };
    let ask = || finished.load(Ordering::SeqCst) >= files;
    execute(&world.client, plan, &Control::new(&listen, &ask)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_cancelled_leaves_whole_files_and_nothing_else() {
    for method in [Method::PUT, Method::GET] {
        let world = World::new().await;
        let request = if method == Method::PUT {
            world.up()
        } else {
            world.down()
        };
        for number in 0..FILES {
            if method == Method::PUT {
                world.write(&key(number), content(number));
            } else {
                let key = format!("data/{}", key(number));
                world.server.put(&key, &content(number));
            }
        }
        let plan = world.survey(&request).await.unwrap();
        let hangs = method.clone();
        world.server.fail(move |seen| {
            (seen.method == hangs && seen.key.ends_with('7')).then_some(Fault::Hang)
        });
        let report = cancel_after(&world, &plan, 20).await;
        assert!(report.cancelled);
        assert!(report.failures.is_empty(), "{report:?}");
        let all = report.transferred.files + report.not_transferred;
        assert_eq!(all, FILES as u64);
        assert!(report.transferred.files >= 20);
        if method == Method::GET {
            let there = (0..FILES).filter(|number| world.path(&key(*number)).exists());
            let there: Vec<usize> = there.collect();
            assert_eq!(there.len() as u64, report.transferred.files);
            for number in there {
                assert!(world.read(&key(number)) == content(number), "{number}");
            }
        }
        world.assert_tidy();
    }
}
