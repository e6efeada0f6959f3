use std::os::unix::fs::symlink;

use super::server::Fault;
use super::world::{World, deleted, keys, with_deletion};
use crate::sync::{FailureReason, SurveyError};

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
