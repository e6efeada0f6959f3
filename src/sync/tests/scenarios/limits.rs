//! What is deleted at most, what takes no part, and what requests say beside their content.

use std::fs;

use hyper::Method;

use crate::resource::{DeletionLimit, Encryption, ObjectOptions, StorageClass};
use crate::sync::tests::server::{Fault, Seen};
use crate::sync::tests::world::{World, deleted, keys, noise, tree, with_deletion};
use crate::sync::{Place, Request, SurveyError};

const MEBIBYTE: usize = 1024 * 1024;

fn without_temporary(mut request: Request) -> Request {
    request.exclude = vec!["*.tmp".to_owned()];
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn s28_delete_keeps_excluded_unless_asked() {
    for goes in [false, true] {
        let world = World::new().await;
        world.write("a", "a");
        world.write("mine.tmp", "mine");
        for key in ["old", "old.tmp", "mine.tmp"] {
            world.server.put(&format!("data/{key}"), b"x");
        }
        let mut request = without_temporary(with_deletion(world.up()));
        request.delete_excluded = goes;
        let plan = world.converge(&request).await;
        assert_eq!(keys(&plan), ["a"], "what is excluded is not sent");
        if goes {
            assert_eq!(deleted(&plan), ["mine.tmp", "old", "old.tmp"]);
        } else {
            assert_eq!(deleted(&plan), ["old"]);
        }
        assert_eq!(world.read("mine.tmp"), b"mine", "the source is left alone");

        let world = World::new().await;
        world.server.put("data/a", b"a");
        world.server.put("data/theirs.tmp", b"theirs");
        for key in ["old", "old.tmp", "theirs.tmp"] {
            world.write(key, "x");
        }
        let mut request = without_temporary(with_deletion(world.down()));
        request.delete_excluded = goes;
        world.converge(&request).await;
        if goes {
            assert_eq!(tree(world.root()), ["a"]);
        } else {
            assert_eq!(tree(world.root()), ["a", "old.tmp", "theirs.tmp"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s30_missing_or_empty_source_is_refused() {
    let world = World::new().await;
    world.server.put("data/a", b"a");
    let mut request = with_deletion(world.up());
    let refused = world.survey(&request).await;
    let Err(error @ SurveyError::EmptySource { files: 1, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.help().unwrap().contains("--allow-empty-source"));
    request.allow_empty_source = true;
    // A folder that is not there is no empty one, whatever is allowed.
    request.from = Place::Folder(world.path("unmounted"));
    let refused = world.survey(&request).await;
    assert!(matches!(refused, Err(SurveyError::NoFolder(_))));
    assert_eq!(world.server.keys(), ["data/a"]);
    request.from = Place::Folder(world.root().to_owned());
    let plan = world.converge(&request).await;
    assert_eq!(deleted(&plan), ["a"]);

    world.write("a", "a");
    let mut request = with_deletion(world.down());
    let refused = world.survey(&request).await;
    assert!(matches!(refused, Err(SurveyError::EmptySource { .. })));
    request.allow_empty_source = true;
    world.converge(&request).await;
    assert!(tree(world.root()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_max_delete() {
    let world = World::new().await;
    for number in 0..4 {
        world.write(&format!("{number}"), "same");
        world.server.put(&format!("data/{number}"), b"same");
        world.server.put(&format!("data/old-{number}"), b"old");
    }
    world.write("new", "new");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    assert_eq!(plan.deletions.len(), 4);
    let within = |limit: &str| plan.beyond(limit.parse().unwrap()).is_none();
    assert!(
        plan.beyond(DeletionLimit::default()).is_none(),
        "4 of 8 are half"
    );
    assert!(within("4") && within("50%") && within("100%"));
    assert!(!within("3") && !within("49%") && !within("0"));
    let excess = plan.beyond(DeletionLimit::Percent(10)).unwrap();
    assert_eq!(
        excess.to_string(),
        "4 of 8 files would be deleted, and at most 0 may be"
    );
    // A plan without deletions is within every limit.
    let plan = world.survey(&world.up()).await.unwrap();
    assert!(plan.beyond(DeletionLimit::Count(0)).is_none());
}

fn paid(seen: &Seen) -> bool {
    seen.headers.get("x-amz-request-payer").map(String::as_str) == Some("requester")
}

/// Whether a request makes an object, so that it says how it is stored.
fn stores(seen: &Seen) -> bool {
    let is_part = seen.query.contains_key("partNumber");
    (seen.method == Method::PUT && !is_part)
        || (seen.method == Method::POST && seen.query.contains_key("uploads"))
}

#[tokio::test(flavor = "multi_thread")]
async fn s70_request_payer_and_customer_keys_pass_through() {
    let world = World::new().await;
    world.server.state.lock().unwrap().encryption = "aws:kms";
    for number in 0..20 {
        world.write(&format!("small/{number}"), format!("{number}"));
    }
    world.write("large", noise(20 * MEBIBYTE));
    world.server.put("data/old", b"old");
    let options = ObjectOptions {
        storage_class: Some(StorageClass::StandardIa),
        encryption: Some(Encryption::Kms(Some("alias/mine".parse().unwrap()))),
        request_payer: true,
    };
    let mut request = with_deletion(world.up());
    request.options = options.clone();
    let plan = world.survey(&request).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let log = std::mem::take(&mut world.server.state.lock().unwrap().log);
    assert!(log.len() > 20);
    for seen in &log {
        assert!(paid(seen), "{seen:?}");
        let said = |name: &str| seen.headers.get(name).map(String::as_str);
        let expected = stores(seen);
        let on = |value| expected.then_some(value);
        assert_eq!(said("x-amz-storage-class"), on("STANDARD_IA"), "{seen:?}");
        assert_eq!(
            said("x-amz-server-side-encryption"),
            on("aws:kms"),
            "{seen:?}"
        );
        let key = said("x-amz-server-side-encryption-aws-kms-key-id");
        assert_eq!(key, on("alias/mine"), "{seen:?}");
        assert_eq!(said("x-amz-acl"), None);
    }
    assert_eq!(log.iter().filter(|seen| stores(seen)).count(), 21);

    let target = tempfile::tempdir().unwrap();
    world.server.put("data/huge", &noise(65 * MEBIBYTE));
    let mut request = world.down();
    request.to = Place::Folder(target.path().to_owned());
    request.options = options;
    let plan = world.survey(&request).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let log = std::mem::take(&mut world.server.state.lock().unwrap().log);
    let kinds = [Method::GET, Method::HEAD];
    for kind in kinds {
        assert!(log.iter().any(|seen| seen.method == kind), "{kind}");
    }
    for seen in &log {
        assert!(paid(seen), "{seen:?}");
        assert!(!stores(seen));
    }

    // Nothing is said where nothing was asked for.
    let plan = world.survey(&world.down()).await.unwrap();
    world.execute(&plan).await;
    assert_eq!(world.server.count(paid), 0);

    let arn = "s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/mine/data";
    let refused = Place::parse_url(arn).unwrap_err().to_string();
    assert!(refused.contains("is an ARN"), "{refused}");
}

/// An object under a customer's own key cannot be read: it is named, and the others come.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_under_a_customers_key_is_named_and_leaves_nothing() {
    let world = World::new().await;
    world.server.put("data/open", b"open");
    world.server.put("data/sealed", b"sealed");
    let is_sealed = |seen: &Seen| seen.key == "data/sealed";
    world
        .server
        .fail(move |seen| is_sealed(seen).then_some(Fault::Error(400, "InvalidRequest")));
    let plan = world.survey(&world.down()).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.failures[0].key, "sealed");
    assert_eq!(tree(world.root()), ["open"]);
    assert_eq!(fs::read(world.path("open")).unwrap(), b"open");
}
