//! What is deleted, what is not, and when.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Method;

use crate::sync::tests::journals::{HOUR, Remembering};
use crate::sync::tests::server::{Fault, Seen};
use crate::sync::tests::world::{World, deleted, keys, skipped, tree, with_deletion};
use crate::sync::{KeyFault, Place, Request, SkipReason, SurveyError, Withheld};

fn is_deletion(seen: &Seen) -> bool {
    seen.method == Method::POST && seen.query.contains_key("delete")
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_delete_extra_both_directions() {
    let world = World::new().await;
    world.write("a/kept", "kept");
    for key in ["a/kept", "a/old", "old"] {
        world.server.put(&format!("data/{key}"), b"kept");
    }
    assert!(world.converge(&world.up()).await.is_empty());
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(deleted(&plan), ["a/old", "old"]);
    assert_eq!(plan.deleted().bytes, 8);
    assert_eq!(world.server.keys(), ["data/a/kept"]);

    world.write("a/old", "old");
    world.write("old", "old");
    assert!(world.converge(&world.down()).await.is_empty());
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(deleted(&plan), ["a/old", "old"]);
    assert_eq!(tree(world.root()), ["a/", "a/kept"]);
}

/// Where a page of a listing begins: behind this key, or where the page before it ended.
type Page = (Option<String>, Option<String>);

fn page_of(seen: &Seen) -> Page {
    let given = |name: &str| seen.query.get(name).cloned();
    (given("start-after"), given("continuation-token"))
}

/// The pages that have been asked for since the last time.
fn pages(world: &World) -> Vec<Page> {
    let state = world.server.state.lock().unwrap();
    let listed = state.log.iter().filter(|seen| seen.is_list());
    listed.map(page_of).collect()
}

type Expected = fn(&SurveyError) -> bool;

#[tokio::test(flavor = "multi_thread")]
async fn s29_delete_never_after_a_listing_error() {
    let cases: [(Fault, Expected); 9] = [
        (Fault::Error(500, "InternalError"), |error| {
            matches!(error, SurveyError::Listing { .. })
        }),
        (Fault::Error(403, "AccessDenied"), |error| {
            matches!(error, SurveyError::Denied { .. })
        }),
        (Fault::Error(400, "ExpiredToken"), |error| {
            matches!(error, SurveyError::Expired { .. })
        }),
        (Fault::Error(404, "NoSuchBucket"), |error| {
            matches!(error, SurveyError::NoSuchBucket { .. })
        }),
        (Fault::Raw(404, "<html>not S3</html>"), |error| {
            matches!(error, SurveyError::Listing { .. })
        }),
        (Fault::Raw(200, "<html>not S3</html>"), |_| true),
        (Fault::Raw(200, ""), |_| true),
        (Fault::Raw(200, "<ListBucketResult/>"), |error| {
            matches!(error, SurveyError::Untrusted { .. })
        }),
        (Fault::BreakOff, |_| true),
    ];
    for (fault, expected) in cases {
        for failing_page in [0, 1] {
            let world = World::new().await;
            world.server.state.lock().unwrap().page = 2;
            for key in ["a", "b", "c", "d", "e"] {
                world.server.put(&format!("data/{key}"), b"x");
                world.write(key, "x");
            }
            world.write("extra", "x");
            let failing = fault.clone();
            world.server.fail(move |seen| {
                let page = usize::from(seen.query.contains_key("continuation-token"));
                (seen.is_list() && page == failing_page).then(|| failing.clone())
            });
            for request in [world.up(), world.down()] {
                let result = world.survey(&with_deletion(request)).await;
                let Err(error) = result else {
                    panic!("{fault:?} gave {result:?}");
                };
                assert!(expected(&error), "{fault:?} gave {error:?}");
                assert!(error.to_string().contains("bucket"), "{error}");
            }
        }
    }
}

/// A known bucket is listed in stretches side by side, and each of their pages may fail.
#[tokio::test(flavor = "multi_thread")]
async fn s29_delete_never_after_an_error_in_a_stretch() {
    let test = Remembering::new().await;
    for number in 0..30 {
        test.write(&format!("{number:02}"), "content", HOUR);
    }
    test.world.server.state.lock().unwrap().page = 3;
    test.run(test.world.up()).await;
    assert!(test.survey(test.world.up()).await.is_empty());
    let pages = pages(&test.world);
    assert!(pages.len() >= 10, "{pages:?}");
    assert!(pages.iter().any(|(after, _)| after.is_some()), "{pages:?}");
    for failing in pages {
        let page = failing.clone();
        test.world.server.fail(move |seen| {
            let hit = seen.is_list() && page_of(seen) == page;
            hit.then_some(Fault::Error(403, "AccessDenied"))
        });
        for request in [test.world.up(), test.world.down()] {
            let mut request = with_deletion(request);
            request.journals = Some(test.journals.path().to_owned());
            let result = test.world.survey(&request).await;
            assert!(
                matches!(result, Err(SurveyError::Denied { .. })),
                "{failing:?} gave {result:?}"
            );
        }
    }
}

/// What cannot be read is unknown, wherever the rest of it is.
#[tokio::test(flavor = "multi_thread")]
async fn s29_delete_never_after_a_walk_error() {
    for is_up in [true, false] {
        let world = World::new().await;
        world.write("a", "a");
        world.make_unreadable("sealed");
        for key in ["b", "sealed/old"] {
            world.server.put(&format!("data/{key}"), b"b");
        }
        let request = if is_up { world.up() } else { world.down() };
        let plan = world.converge(&with_deletion(request)).await;
        let there: &[&str] = if is_up { &["a"] } else { &["b", "sealed/old"] };
        assert_eq!(keys(&plan), there);
        assert!(plan.deletions.is_empty(), "{:?}", plan.deletions);
        assert!(
            matches!(&plan.withheld, Some(Withheld::UnreadableFolder(folder))
                if folder.starts_with("sealed/")),
            "{:?}",
            plan.withheld
        );
        assert_eq!(plan.skipped.len(), 1);
        let reason = &plan.skipped[0].reason;
        assert!(matches!(reason, SkipReason::UnreadableFolder(_)));
        assert!(world.path("a").exists());
    }
}

/// Ten requests, whatever the names are. A key with a control character is no file and so
/// nobody's to delete: it is reported.
#[tokio::test(flavor = "multi_thread")]
async fn s32_delete_10k_in_batches() {
    let world = World::new().await;
    world.write("kept", "kept");
    for number in 0..10_000 {
        let key = format!("data/o{}/{number} +%&<>'\"é😀", number % 3);
        world.server.put(&key, b"old");
    }
    world.server.put("data/o1/\u{1}", b"odd");
    world.server.put("data/o1/new\nline", b"odd");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    assert_eq!(plan.deletions.len(), 10_000);
    let odd = SkipReason::Key(KeyFault::ControlCharacter);
    assert_eq!(skipped(&plan), [("o1/\u{1}", &odd), ("o1/new\nline", &odd)]);
    world.server.forget();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.deleted, 10_000);
    assert_eq!(world.server.count(is_deletion), 10);
    assert_eq!(
        world.server.keys(),
        ["data/kept", "data/o1/\u{1}", "data/o1/new\nline"]
    );
    assert!(
        world
            .survey(&with_deletion(world.up()))
            .await
            .unwrap()
            .is_empty()
    );
}

/// S3 answers 200 and names in the body what it did not delete.
#[tokio::test(flavor = "multi_thread")]
async fn s33_delete_partial_errors() {
    let world = World::new().await;
    world.write("a", "a");
    for key in ["a/undeletable&", "old", "undeletable", "z"] {
        world.server.put(&format!("data/{key}"), b"x");
    }
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.deleted, 2);
    let failed: Vec<&str> = report.failures.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(failed, ["a/undeletable&", "undeletable"]);
    let reason = report.failures[0].reason.to_string();
    assert!(reason.contains("InternalError"), "{reason}");
    assert!(!report.is_complete());
    assert_eq!(
        world.server.keys(),
        ["data/a", "data/a/undeletable&", "data/undeletable"]
    );
}

/// One request of three fails: its keys are named, and the others go unless all would fail.
#[tokio::test(flavor = "multi_thread")]
async fn s33_delete_of_which_one_request_fails() {
    for (code, stops) in [("InvalidRequest", false), ("AccessDenied", true)] {
        let world = World::new().await;
        world.write("a", "a");
        for number in 0..2_500 {
            world.server.put(&format!("data/old/{number:04}"), b"x");
        }
        let plan = world.survey(&with_deletion(world.up())).await.unwrap();
        let count = AtomicUsize::new(0);
        world.server.fail(move |seen| {
            let hit = is_deletion(seen) && count.fetch_add(1, Ordering::SeqCst) == 1;
            hit.then_some(Fault::Error(if stops { 403 } else { 400 }, code))
        });
        let (report, _) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1_000);
        assert_eq!(report.failures[0].key, "old/1000");
        let (gone, left) = if stops { (1_000, 500) } else { (1_500, 0) };
        assert_eq!((report.deleted, report.not_deleted), (gone, left));
        assert_eq!(world.server.keys().len() as u64, 2_501 - gone);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s34_delete_prefix_boundary() {
    let world = World::new().await;
    world.write("a", "a");
    let neighbours = [
        "dat", "data", "data-1/x", "data.txt", "data0", "data2/x", "database",
    ];
    for key in neighbours {
        world.server.put(key, b"a neighbour");
    }
    world.server.put("data/old", b"old");
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(deleted(&plan), ["old"]);
    let mut left = neighbours.to_vec();
    left.insert(4, "data/a");
    assert_eq!(world.server.keys(), left);

    let plan = world.converge(&with_deletion(world.down())).await;
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!(tree(world.root()), ["a"]);
    // Nobody can ask for it: a prefix without its `/` is refused before any request.
    let open = Place::Prefix {
        bucket: "bucket".to_owned(),
        prefix: "data".to_owned(),
    };
    world.server.forget();
    let here = || world.up().from;
    for request in [
        Request::new(here(), open.clone()),
        Request::new(open, here()),
    ] {
        let refused = world.survey(&with_deletion(request)).await;
        assert!(matches!(refused, Err(SurveyError::OpenPrefix(_))));
    }
    assert_eq!(world.server.count(|_| true), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s35_delete_empties_folders() {
    let world = World::new().await;
    world.server.put("data/kept", b"kept");
    world.write("a/b/c/extra", "extra");
    world.write("a/b/extra", "extra");
    world.write("d/e/extra", "extra");
    world.write("d/link's neighbour", "extra");
    symlink("nowhere", world.path("d/link")).unwrap();
    // What was empty before is nothing that this deletion has emptied.
    fs::create_dir_all(world.path("empty/deep")).unwrap();
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(plan.deletions.len(), 4);
    assert_eq!(
        tree(world.root()),
        ["d/", "d/link", "empty/", "empty/deep/", "kept"]
    );
}

/// The root stays when nothing is left in it. Markers of folders in a bucket are no files:
/// sync neither makes them nor takes them away.
#[tokio::test(flavor = "multi_thread")]
async fn s35_delete_leaves_the_root_and_markers() {
    let world = World::new().await;
    world.server.put("data/cold", b"cold");
    world.server.archive("data/cold");
    world.write("a/extra", "extra");
    let plan = world.converge(&with_deletion(world.down())).await;
    assert_eq!(deleted(&plan), ["a/extra"]);
    assert!(world.root().is_dir());
    assert!(tree(world.root()).is_empty());

    let world = World::new().await;
    world.write("kept", "kept");
    for key in ["data/", "data/old/", "data/old/deep/"] {
        world.server.put(key, b"");
    }
    world.server.put("data/old/x", b"old");
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(deleted(&plan), ["old/x"]);
    assert_eq!(
        world.server.keys(),
        ["data/", "data/kept", "data/old/", "data/old/deep/"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s36_delete_after_transfers() {
    let world = World::new().await;
    for number in 0..50 {
        world.write(&format!("{number:02}"), "new");
    }
    world.server.put("data/0", b"old");
    world.server.put("data/z", b"old");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    world.server.forget();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let requests: Vec<bool> = {
        let state = world.server.state.lock().unwrap();
        state.log.iter().map(is_deletion).collect()
    };
    assert_eq!(requests.iter().position(|&deletes| deletes), Some(50));
    assert_eq!(requests.len(), 51);

    let extra = world.path("a");
    world.write("a", "extra");
    world.server.put("data/zz", b"new");
    let plan = world.survey(&with_deletion(world.down())).await.unwrap();
    let watched = extra.clone();
    world
        .server
        .fail(move |seen| (seen.key == "data/zz" && !watched.exists()).then_some(Fault::Reset));
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.transferred.files, report.deleted), (1, 1));
    assert!(!extra.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn s36_nothing_is_deleted_after_a_failure() {
    for is_up in [true, false] {
        let world = World::new().await;
        for key in ["a", "b"] {
            if is_up {
                world.write(key, key);
            } else {
                world.server.put(&format!("data/{key}"), key.as_bytes());
            }
        }
        let request = if is_up {
            world.server.put("data/old", b"old");
            world.up()
        } else {
            world.write("old", "old");
            world.down()
        };
        let plan = world.survey(&with_deletion(request)).await.unwrap();
        assert_eq!(deleted(&plan), ["old"]);
        world
            .server
            .fail(|seen| (seen.key == "data/a").then_some(Fault::Error(400, "InvalidRequest")));
        let (report, _) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert_eq!(report.transferred.files, 1);
        assert_eq!((report.deleted, report.not_deleted), (0, 1));
        if is_up {
            assert_eq!(world.server.keys(), ["data/b", "data/old"]);
        } else {
            assert_eq!(tree(world.root()), ["b", "old"]);
        }
        // The next run, in which nothing fails, makes up for it.
        world.server.heal();
        let request = if is_up { world.up() } else { world.down() };
        let plan = world.converge(&with_deletion(request)).await;
        assert_eq!(keys(&plan), ["a"]);
        assert_eq!(deleted(&plan), ["old"]);
    }
}
