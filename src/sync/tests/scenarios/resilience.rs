//! Networks, processes and clocks that do not do what they should.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::Method;
use jiff::Timestamp;

use crate::resource::ObjectOptions;
use crate::sync::tests::server::{Fault, Seen};
use crate::sync::tests::world::{World, keys, noise, tree};
use crate::sync::{
    Control, FailureReason, Place, Progress, Request, SyncPlan, SyncReport, Why, abandoned,
    execute, give_up, survey,
};

const MEBIBYTE: usize = 1024 * 1024;

fn is_put(seen: &Seen) -> bool {
    seen.method == Method::PUT
}

fn part_of(seen: &Seen) -> Option<usize> {
    seen.query.get("partNumber")?.parse().ok()
}

/// A kind of event.
type Kind<'a> = &'a (dyn Fn(&Progress) -> bool + Sync);

/// Runs a plan with journals, until an event of this kind where there is one.
async fn run(
    world: &World,
    plan: &SyncPlan,
    (journals, stop_on): (Option<&Path>, Option<Kind<'_>>),
) -> SyncReport {
    let stopped = AtomicBool::new(false);
    let listen = |event: Progress| {
        if stop_on.is_some_and(|kind| kind(&event)) {
            stopped.store(true, Ordering::SeqCst);
        }
    };
    let ask = || stopped.load(Ordering::SeqCst);
    let mut control = Control::new(&listen, &ask);
    control.journals = journals;
    execute(&world.client, plan, &control).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s57_slowdown_503_burst() {
    let world = World::new().await;
    for number in 0..600 {
        world.write(&format!("{number:03}"), format!("content {number}"));
    }
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.forget();
    let count = AtomicUsize::new(0);
    world.server.fail(move |seen| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let hit = is_put(seen) && (100..200).contains(&number) && number.is_multiple_of(4);
        hit.then_some(Fault::Error(503, "SlowDown"))
    });
    let report = run(&world, &plan, (None, None)).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.transferred.files, 600);
    let attempts = world.server.count(is_put);
    assert!(attempts < 900, "{attempts} requests for 600 files");
}

#[tokio::test(flavor = "multi_thread")]
async fn s63_sigint_leaves_no_partial_file_and_no_unnoted_upload() {
    let begun = |event: &Progress| matches!(event, Progress::Moved { .. });
    for remembers in [false, true] {
        let world = World::new().await;
        let journals = tempfile::tempdir().unwrap();
        let journals = remembers.then(|| journals.path());
        world.write("large", noise(40 * MEBIBYTE));
        let plan = world.survey(&world.up()).await.unwrap();
        world
            .server
            .fail(|seen| (part_of(seen) == Some(5)).then_some(Fault::Hang));
        let asked = Instant::now();
        let report = run(&world, &plan, (journals, Some(&begun))).await;
        assert!(asked.elapsed() < Duration::from_secs(10), "it hangs");
        assert!(report.cancelled);
        assert!(world.server.keys().is_empty());
        assert_eq!(report.unfinished, u64::from(remembers));
        assert_eq!(world.server.uploads(), usize::from(remembers));
    }
    let world = World::new().await;
    world.server.put("data/a", &noise(65 * MEBIBYTE));
    let plan = world.survey(&world.down()).await.unwrap();
    let last = |seen: &Seen| {
        seen.range
            .as_ref()
            .is_some_and(|range| range.contains("-68157439"))
    };
    world
        .server
        .fail(move |seen| last(seen).then_some(Fault::Hang));
    let report = run(&world, &plan, (None, Some(&begun))).await;
    assert!(report.cancelled);
    assert_eq!(tree(world.root()), Vec::<String>::new());
}

/// What a killed process leaves is what a task leaves that is dropped: nobody cleans up.
#[tokio::test(flavor = "multi_thread")]
async fn s64_sigkill_then_rerun_sends_what_is_missing() {
    let world = Arc::new(World::new().await);
    let journals = tempfile::tempdir().unwrap();
    let content = noise(60 * MEBIBYTE);
    world.write("large", &content);
    let plan = world.survey(&world.up()).await.unwrap();
    world
        .server
        .fail(|seen| (part_of(seen) == Some(7)).then_some(Fault::Hang));
    let (owner, folder) = (Arc::clone(&world), journals.path().to_owned());
    let first = plan.clone();
    let killed = tokio::spawn(async move {
        run(&owner, &first, (Some(&folder), None)).await;
    });
    let stored = || {
        let state = world.server.state.lock().unwrap();
        let parts = state.uploads.values().map(|upload| upload.parts.len());
        parts.sum::<usize>()
    };
    // The part that hangs may be on its way still, and would count as one of the second run.
    let hangs = || world.server.count(|seen| part_of(seen) == Some(7)) == 1;
    while stored() < 7 || !hangs() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    assert_eq!(world.server.uploads(), 1, "it is left");
    world.server.heal();
    world.server.forget();
    let plan = world.survey(&world.up()).await.unwrap();
    let report = run(&world, &plan, (Some(journals.path()), None)).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.server.count(is_put), 1, "one part was missing");
    assert!(world.server.get("data/large").unwrap().content == content);
    world.assert_tidy();
    assert_eq!(tree(&journals.path().join("uploads")), Vec::<String>::new());
}

/// With the time that it had, parts are compared with the file one by one; with another time,
/// the object would keep the old one, so that the upload is begun anew.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_not_gone_on_with_where_the_file_has_changed() {
    for (second, begun) in [(1_600_000_000, 0), (1_700_000_000, 1)] {
        let world = World::new().await;
        let journals = tempfile::tempdir().unwrap();
        let stop = |event: &Progress| matches!(event, Progress::Moved { .. });
        world.write("large", noise(40 * MEBIBYTE));
        world.touch("large", 1_600_000_000);
        let plan = world.survey(&world.up()).await.unwrap();
        world
            .server
            .fail(|seen| (part_of(seen) == Some(5)).then_some(Fault::Hang));
        let report = run(&world, &plan, (Some(journals.path()), Some(&stop))).await;
        assert_eq!(report.unfinished, 1);
        world.server.heal();
        // Only the first part is another one now.
        let mut content = noise(40 * MEBIBYTE);
        content[17] ^= 1;
        world.write("large", &content);
        world.touch("large", second);
        let plan = world.survey(&world.up()).await.unwrap();
        world.server.forget();
        let report = run(&world, &plan, (Some(journals.path()), None)).await;
        assert!(report.is_complete(), "{report:?}");
        let begins =
            |seen: &Seen| seen.method == Method::POST && seen.query.contains_key("uploads");
        assert_eq!(world.server.count(begins), begun);
        assert!(world.server.get("data/large").unwrap().content == content);
        world.assert_tidy();
    }
}

/// What S3 does not put together once, it may never: an upload that was gone on with is not
/// kept a second time.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_be_finished_is_given_up() {
    let world = World::new().await;
    let journals = tempfile::tempdir().unwrap();
    world.write("large", noise(20 * MEBIBYTE));
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.fail(|seen| {
        let finishes = seen.method == Method::POST && seen.query.contains_key("uploadId");
        finishes.then_some(Fault::Error(400, "InvalidPart"))
    });
    for kept in [1, 0] {
        let report = run(&world, &plan, (Some(journals.path()), None)).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert_eq!(report.unfinished, kept);
    }
    world.assert_tidy();
    world.server.heal();
    let report = run(&world, &plan, (Some(journals.path()), None)).await;
    assert!(report.is_complete(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_gone_is_begun_anew() {
    let world = World::new().await;
    let journals = tempfile::tempdir().unwrap();
    let stop = |event: &Progress| matches!(event, Progress::Moved { .. });
    let content = noise(40 * MEBIBYTE);
    world.write("large", &content);
    let plan = world.survey(&world.up()).await.unwrap();
    world
        .server
        .fail(|seen| (part_of(seen) == Some(5)).then_some(Fault::Hang));
    run(&world, &plan, (Some(journals.path()), Some(&stop))).await;
    world.server.heal();
    world.server.state.lock().unwrap().uploads.clear();
    let report = run(&world, &plan, (Some(journals.path()), None)).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(world.server.get("data/large").unwrap().content == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_uploads_are_found_and_given_up() {
    let world = World::new().await;
    let journals = tempfile::tempdir().unwrap();
    let stop =
        |event: &Progress| matches!(event, Progress::Moved { .. }) && world.server.uploads() == 3;
    for key in ["a", "b", "c"] {
        world.write(key, noise(20 * MEBIBYTE));
    }
    let plan = world.survey(&world.up()).await.unwrap();
    world
        .server
        .fail(|seen| (part_of(seen) == Some(3)).then_some(Fault::Hang));
    let report = run(&world, &plan, (Some(journals.path()), Some(&stop))).await;
    assert_eq!(report.unfinished, 3);
    world.server.heal();
    let place = Place::prefix("bucket", "data");
    let long_ago = Timestamp::UNIX_EPOCH;
    let find = async |place: &Place, journals, before| {
        abandoned(
            &world.client,
            place,
            (journals, before),
            &ObjectOptions::default(),
        )
        .await
        .unwrap()
    };
    // Without notes they are known by their age, and these are young.
    assert_eq!(find(&place, None, long_ago).await.len(), 0);
    let other = Place::prefix("bucket", "dat");
    assert_eq!(find(&other, Some(journals.path()), long_ago).await.len(), 0);
    let begun: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    assert_eq!(
        find(&place, None, begun + Duration::from_secs(1))
            .await
            .len(),
        3
    );
    let found = find(&place, Some(journals.path()), long_ago).await;
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|upload| upload.is_ours));
    assert!(found.iter().any(|upload| upload.bytes > 0));
    // While they are held, nobody else finds them.
    assert_eq!(
        find(&place, Some(journals.path()), Timestamp::MAX)
            .await
            .len(),
        0
    );
    let failures = give_up(&world.client, "bucket", found, &ObjectOptions::default()).await;
    assert_eq!(failures, []);
    world.assert_tidy();
    assert_eq!(tree(&journals.path().join("uploads")), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn s65_credentials_expire_mid_sync() {
    let world = World::new().await;
    for number in 0..1000 {
        world.write(&format!("{number:03}"), "x");
    }
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.forget();
    let count = AtomicUsize::new(0);
    world.server.fail(move |_| {
        let expired = count.fetch_add(1, Ordering::SeqCst) >= 200;
        expired.then_some(Fault::Error(400, "ExpiredToken"))
    });
    let report = run(&world, &plan, (None, None)).await;
    let useless = world.server.count(|_| true) - 200;
    assert!(useless <= 2 * 300, "{useless} useless requests");
    assert!(report.not_transferred > 400, "{}", report.not_transferred);
    assert!(matches!(
        report.failures[0].reason,
        FailureReason::CredentialsExpired(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn s68_two_syncs_to_the_same_target() {
    let world = World::new().await;
    for number in 0..200 {
        let content = format!("content {number}");
        world
            .server
            .put(&format!("data/{number:03}"), content.as_bytes());
    }
    let plan = world.survey(&world.down()).await.unwrap();
    let (one, other) = tokio::join!(
        run(&world, &plan, (None, None)),
        run(&world, &plan, (None, None))
    );
    for report in [one, other] {
        assert!(report.is_complete(), "{report:?}");
    }
    for number in 0..200 {
        let content = format!("content {number}");
        assert_eq!(world.read(&format!("{number:03}")), content.as_bytes());
    }
    world.assert_tidy();
}

/// What the survey keeps is what differs, and of what is the same two numbers.
#[tokio::test(flavor = "multi_thread")]
async fn s76_memory_of_many_keys_does_not_grow_with_them() {
    let world = World::new().await;
    for number in 0..3000 {
        let key = format!("{:02}/{number:04}", number % 20);
        world.write(&key, "");
        world.server.put(&format!("data/{key}"), b"");
    }
    let plan = world.survey(&world.up()).await.unwrap();
    assert_eq!(plan.same.files, 3000);
    let kept = [
        plan.transfers.taken(),
        plan.deletions.capacity(),
        plan.skipped.capacity(),
    ];
    assert_eq!(kept, [0; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s78_racy_change_is_sent_on_the_next_run() {
    let world = World::new().await;
    let journals = tempfile::tempdir().unwrap();
    let mut request: Request = world.up();
    request.journals = Some(journals.path().to_owned());
    world.write("a", "one");
    let plan = world.survey(&request).await.unwrap();
    let path = world.path("a");
    // While the server thinks about it, the file gets other content of the same length, in
    // the same second and with the same time.
    world.server.fail(move |seen| {
        if is_put(seen) && seen.key == "data/a" {
            let before = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, "two").unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(before).unwrap();
        }
        None
    });
    let report = run(&world, &plan, (Some(journals.path()), None)).await;
    assert!(report.is_complete(), "{report:?}");
    world.server.heal();
    assert_eq!(world.server.get("data/a").unwrap().content, "one");
    let plan = world.survey(&request).await.unwrap();
    assert_eq!(keys(&plan), ["a"]);
    assert!(matches!(
        plan.transfers.get(0).unwrap().change,
        crate::sync::Change::Changed(Why::Content)
    ));
}

/// One request in twenty goes wrong, in each of the ways that there are.
fn weather(count: &AtomicUsize) -> Option<Fault> {
    let number = count.fetch_add(1, Ordering::SeqCst);
    if number % 20 != 7 {
        return None;
    }
    Some(match number / 20 % 5 {
        0 => Fault::Error(503, "SlowDown"),
        1 => Fault::Reset,
        2 => Fault::BreakOff,
        3 => Fault::Corrupt,
        _ => Fault::CorruptSent,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_through_bad_weather_ends_byte_identical() {
    let world = World::new().await;
    for number in 0..400 {
        world.write(&format!("small/{number:03}"), noise(number * 37 + 1));
    }
    world.write("large", noise(70 * MEBIBYTE + 3));
    let plan = world.survey(&world.up()).await.unwrap();
    let count = AtomicUsize::new(0);
    world.server.fail(move |seen| {
        if seen.is_list() {
            None
        } else {
            weather(&count)
        }
    });
    let report = run(&world, &plan, (None, None)).await;
    assert!(report.is_complete(), "{report:?}");
    let sent = plan.transfers.iter().map(|transfer| transfer.key);
    for key in sent {
        let stored = world.server.get(&format!("data/{key}")).unwrap();
        assert!(stored.content == world.read(&key), "{key}");
    }
    let target = tempfile::tempdir().unwrap();
    let mut down = world.down();
    down.to = Place::Folder(target.path().to_owned());
    let mut plan = survey(&world.client, &down).await.unwrap();
    assert_eq!(plan.transfers.len(), 401);
    let report = run(&world, &plan, (None, None)).await;
    assert!(report.is_complete(), "{report:?}");
    for transfer in std::mem::take(&mut plan.transfers) {
        let came = fs::read(target.path().join(&transfer.key)).unwrap();
        assert!(came == world.read(&transfer.key), "{}", transfer.key);
    }
    world.assert_tidy();
}
