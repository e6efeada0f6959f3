use std::sync::atomic::{AtomicBool, Ordering};

use hyper::Method;

use super::server::Fault;
use super::world::{World, noise, with_deletion};
use crate::resource::ObjectOptions;
use crate::sync::{
    Control, Copied, End, Object, Pipes, Progress, SyncPlan, SyncReport, copy, execute,
};

const MEBIBYTE: usize = 1024 * 1024;

/// Cancels as soon as an event is of this kind.
async fn cancel_on(world: &World, plan: &SyncPlan, kind: fn(&Progress) -> bool) -> SyncReport {
    let cancelled = AtomicBool::new(false);
    let listen = |event: Progress| {
        if kind(&event) {
            cancelled.store(true, Ordering::SeqCst);
        }
    };
    let ask = || cancelled.load(Ordering::SeqCst);
    execute(&world.client, plan, &Control::new(&listen, &ask)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_upload_leaves_no_parts_behind() {
    let world = World::new().await;
    world.write("large", noise(40 * MEBIBYTE));
    world.server.put("data/old", b"old");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    world.server.fail(|seen| {
        let last = seen
            .query
            .get("partNumber")
            .is_some_and(|number| number == "5");
        last.then_some(Fault::Hang)
    });
    let report = cancel_on(&world, &plan, |event| {
        matches!(event, Progress::Moved { .. })
    })
    .await;
    assert!(report.cancelled);
    assert_eq!(report.not_transferred, 1);
    assert_eq!((report.deleted, report.not_deleted), (0, 1));
    assert_eq!(world.server.keys(), ["data/old"]);
    world.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_download_leaves_no_temporary_file_behind() {
    for size in [1000, 65 * MEBIBYTE] {
        let world = World::new().await;
        world.server.put("data/a", &noise(size));
        world.server.put("data/b", b"b");
        let plan = world.survey(&world.down()).await.unwrap();
        world.server.fail(|seen| {
            (seen.method == Method::GET && seen.key == "data/a").then_some(Fault::Hang)
        });
        let report = cancel_on(&world, &plan, |event| {
            matches!(event, Progress::Finished { .. })
        })
        .await;
        assert!(report.cancelled);
        assert_eq!(report.transferred.files, 1);
        assert_eq!(report.not_transferred, 1);
        assert!(report.failures.is_empty());
        world.assert_tidy();
        assert!(!world.path("a").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_before_it_begins_does_nothing() {
    let world = World::new().await;
    world.write("a", "a");
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.forget();
    let report = execute(&world.client, &plan, &Control::new(&|_| {}, &|| true)).await;
    assert!(report.cancelled);
    assert_eq!(report.not_transferred, 1);
    assert_eq!(world.server.count(|_| true), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_copy_says_whether_something_is_left() {
    for remembers in [true, false] {
        let world = World::new().await;
        let journals = tempfile::tempdir().unwrap();
        world.write("large", noise(40 * MEBIBYTE));
        world.server.fail(|seen| {
            let number = seen.query.get("partNumber");
            let last = number.is_some_and(|number| number == "5");
            last.then_some(Fault::Hang)
        });
        let cancelled = AtomicBool::new(false);
        let listen = |event: Progress| {
            if matches!(event, Progress::Moved { .. }) {
                cancelled.store(true, Ordering::SeqCst);
            }
        };
        let ask = || cancelled.load(Ordering::SeqCst);
        let mut control = Control::new(&listen, &ask);
        control.journals = remembers.then(|| journals.path());
        let from = End::File(world.path("large"));
        let to = End::Object(Object {
            bucket: "bucket".to_owned(),
            key: "large".to_owned(),
        });
        let pipes = Pipes {
            input: tokio::io::empty(),
            output: tokio::io::sink(),
        };
        let options = ObjectOptions::default();
        let copied = Box::pin(copy(&world.client, (&from, &to), &options, pipes, &control));
        let (said, left) = if remembers {
            (Copied::Unfinished, 1)
        } else {
            (Copied::Stopped, 0)
        };
        assert_eq!(copied.await, Ok(said));
        assert_eq!(world.server.uploads(), left);
    }
}
