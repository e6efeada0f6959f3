use std::fs;
use std::os::unix::fs::symlink;

use super::server::Fault;
use super::world::{World, deleted, keys, tree, with_deletion};
use crate::sync::{FailureReason, SurveyError};

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_target_has_goes_both_ways() {
    let world = World::new().await;
    world.write("kept", "kept");
    for number in 0..2500 {
        world
            .server
            .put(&format!("data/old/{number}&<>'\""), b"old");
    }
    world.server.put("database", b"a neighbour");
    world.server.put("data2/x", b"a neighbour");
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(plan.deletions.len(), 2500);
    assert_eq!(world.server.keys(), ["data/kept", "data2/x", "database"]);

    world.write("a/b/extra", "extra");
    world.write("a/kept.tmp", "excluded");
    fs::create_dir(world.path("empty")).unwrap();
    let mut request = with_deletion(world.down());
    request.exclude = vec!["*.tmp".into()];
    let plan = world.converge(&request).await;
    assert_eq!(deleted(&plan), ["a/b/extra"]);
    assert_eq!(tree(world.root()), ["a/", "a/kept.tmp", "empty/", "kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_sync_deletes_nothing() {
    let world = World::new().await;
    world.write("a", "a");
    world.server.put("data/b", b"b");
    let plan = world.converge(&world.up()).await;
    assert_eq!(keys(&plan), ["a"]);
    assert_eq!(world.server.keys(), ["data/a", "data/b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_source_is_refused() {
    let world = World::new().await;
    world.server.put("data/a", b"a");
    world.server.put("data/b", b"b");
    let refused = world.survey(&with_deletion(world.up())).await;
    let Err(error @ SurveyError::EmptySource { files: 2, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains("would delete all 2 files"));
    let other = World::new().await;
    other.write("a", "a");
    let refused = other.survey(&with_deletion(other.down())).await;
    assert!(matches!(refused, Err(SurveyError::EmptySource { .. })));
}

type Expected = fn(&SurveyError) -> bool;

#[tokio::test(flavor = "multi_thread")]
async fn no_listing_error_of_any_kind_leads_to_a_deletion() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_said_to_be_there() {
    let world = World::new().await;
    world.server.put("data/a", b"a");
    world
        .server
        .fail(|_| Some(Fault::Error(301, "PermanentRedirect")));
    let error = world.survey(&world.down()).await.unwrap_err();
    assert!(error.help().unwrap().contains("--region"), "{error:?}");
}

/// A listing that was cut between two objects has a length that agrees, and no end.
#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_was_cut_between_two_objects_deletes_nothing() {
    let one = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>\
        <IsTruncated>false</IsTruncated>\
        <Contents><Key>data/a</Key><LastModified>2033-05-18T03:33:20Z</LastModified>\
        <Size>1</Size></Contents>";
    for whole in [false, true] {
        let world = World::new().await;
        world.write("a", "a");
        world.write("b", "b");
        let page: &str = Box::leak(if whole {
            format!("{one}</ListBucketResult>").into_boxed_str()
        } else {
            one.into()
        });
        world.server.fail(move |_| Some(Fault::Raw(200, page)));
        let result = world.survey(&with_deletion(world.down())).await;
        match result {
            Ok(plan) => assert!(whole && deleted(&plan) == ["b"], "{plan:?}"),
            Err(error) => assert!(!whole, "{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_endpoint_is_named_so() {
    let mut world = World::new().await;
    world.write("a", "a");
    world.client = super::world::client("http://127.0.0.1:1");
    let result = world.survey(&world.up()).await;
    assert!(
        matches!(result, Err(SurveyError::Unreachable { .. })),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_go_in_circles_are_not_trusted() {
    let page = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>\
        <IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>\
        </ListBucketResult>";
    let endless = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>\
        <IsTruncated>true</IsTruncated></ListBucketResult>";
    let disordered = "<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name>\
        <IsTruncated>false</IsTruncated>\
        <Contents><Key>data/b</Key><LastModified>2033-05-18T03:33:20Z</LastModified>\
        <Size>1</Size></Contents>\
        <Contents><Key>data/a</Key><LastModified>2033-05-18T03:33:20Z</LastModified>\
        <Size>1</Size></Contents></ListBucketResult>";
    for page in [page, endless, disordered] {
        let world = World::new().await;
        world.write("a", "a");
        world.server.fail(move |_| Some(Fault::Raw(200, page)));
        let result = world.survey(&world.down()).await;
        assert!(
            matches!(result, Err(SurveyError::Untrusted { .. })),
            "{result:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_no_folder_is_refused_before_any_request() {
    let world = World::new().await;
    world.write("file", "x");
    for (name, folder) in [("missing", true), ("file", false)] {
        let mut request = with_deletion(world.up());
        request.from = crate::sync::Place::Folder(world.path(name));
        let result = world.survey(&request).await;
        match result {
            Err(SurveyError::NoFolder(_)) => assert!(folder),
            Err(SurveyError::NotAFolder(_)) => assert!(!folder),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.server.count(|_| true), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_skipped_at_the_source_is_kept_at_the_target() {
    let world = World::new().await;
    world.write("good", "good");
    symlink("nowhere", world.path("broken")).unwrap();
    for key in ["broken", "broken/below", "broken2", "gone"] {
        world.server.put(&format!("data/{key}"), b"x");
    }
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(deleted(&plan), ["broken2", "gone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_after_a_failure() {
    let world = World::new().await;
    world.write("a", "a");
    world.write("b", "b");
    world.server.put("data/old", b"old");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    world
        .server
        .fail(|seen| (seen.key == "data/a").then_some(Fault::Error(400, "InvalidRequest")));
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.transferred.files, 1);
    assert_eq!((report.deleted, report.not_deleted), (0, 1));
    assert_eq!(world.server.keys(), ["data/b", "data/old"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_a_batch_could_not_delete_are_reported() {
    let world = World::new().await;
    world.write("a", "a");
    world.server.put("data/undeletable", b"x");
    world.server.put("data/old", b"x");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.deleted, 1);
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].key, "undeletable");
    assert!(!report.is_complete());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_after_the_survey_is_not_deleted() {
    let world = World::new().await;
    world.server.put("data/a", b"a");
    world.write("extra", "extra");
    let plan = world.survey(&with_deletion(world.down())).await.unwrap();
    world.write("extra", "work that nobody has seen");
    let (report, _) = world.execute(&plan).await;
    assert_eq!(
        report.failures[0].reason,
        FailureReason::ChangedSincePlanned
    );
    assert_eq!(world.read("extra"), b"work that nobody has seen");
}
