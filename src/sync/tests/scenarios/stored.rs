//! How objects are stored and who pays, in every way that they are moved.

use hyper::Method;

use crate::resource::{Encryption, ObjectOptions, StorageClass};
use crate::sync::limits::Limits;
use crate::sync::tests::archives::{KINDS, MEBIBYTE, Packed};
use crate::sync::tests::server::{Seen, Upload};
use crate::sync::tests::world::{World, empty_folder, noise, with_deletion};
use crate::sync::{
    Control, Copied, End, Object, Pipes, Place, Request, abandoned, copy, execute, give_up,
};

fn options() -> ObjectOptions {
    ObjectOptions {
        storage_class: Some(StorageClass::StandardIa),
        encryption: Some(Encryption::Kms(Some("alias/mine".parse().unwrap()))),
        request_payer: true,
    }
}

/// Expects every request to have said what it should, and says how many made an object.
fn said_of(world: &World) -> usize {
    let mut log = std::mem::take(&mut world.server.state.lock().unwrap().log);
    // A bucket that is asked about itself is not told who pays: it costs nothing (S3 API,
    // `HeadBucket`).
    log.retain(|seen| seen.method != Method::HEAD || !seen.key.is_empty());
    assert!(!log.is_empty());
    for seen in &log {
        assert!(paid(seen), "{seen:?}");
        let said = |name: &str| seen.headers.get(name).map(String::as_str);
        let on = |value| stores(seen).then_some(value);
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
    log.iter().filter(|seen| stores(seen)).count()
}

fn paid(seen: &Seen) -> bool {
    seen.headers.get("x-amz-request-payer").map(String::as_str) == Some("requester")
}

/// Whether a request makes an object, so that it says how it is stored.
fn stores(seen: &Seen) -> bool {
    let makes_none = ["partNumber", "tagging"];
    let is_whole = !makes_none.iter().any(|one| seen.query.contains_key(*one));
    (seen.method == Method::PUT && is_whole)
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
    let options = options();
    let mut request = with_deletion(world.up());
    request.options = options.clone();
    let plan = world.survey(&request).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(said_of(&world), 21);

    let target = tempfile::tempdir().unwrap();
    world.server.put("data/huge", &noise(65 * MEBIBYTE));
    let mut request = world.down();
    request.to = Place::Folder(target.path().to_owned());
    request.options = options;
    let plan = world.survey(&request).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    for kind in [Method::GET, Method::HEAD] {
        assert!(world.server.count(|seen| seen.method == kind) > 0, "{kind}");
    }
    assert_eq!(said_of(&world), 0);

    // Nothing is said where nothing was asked for.
    let plan = world.survey(&world.down()).await.unwrap();
    world.execute(&plan).await;
    assert_eq!(world.server.count(paid), 0);

    let arn = "s3://arn:aws:s3:eu-central-1:123456789012:accesspoint/mine/data";
    let refused = Place::parse_url(arn).unwrap_err().to_string();
    assert!(refused.contains("is an ARN"), "{refused}");
}

/// In one request and in parts, and where both have to be asked for their checksums.
#[tokio::test(flavor = "multi_thread")]
async fn s70_from_bucket_to_bucket() {
    let world = World::new().await;
    let make = |bucket: &str, key: &str, content: &[u8], parts: &[usize]| {
        let content = bytes::Bytes::copy_from_slice(content);
        let mut state = world.server.state.lock().unwrap();
        state.within(bucket, |state| state.store(key, content, parts));
    };
    world
        .server
        .state
        .lock()
        .unwrap()
        .make_bucket("other", None);
    let asked = noise(100);
    make("bucket", "a/asked", &asked, &[100]);
    make("other", "b/asked", &asked, &[50, 50]);
    make("bucket", "a/parts", &noise(1001), &[1001]);
    make("bucket", "a/small", b"small", &[5]);
    make("other", "b/gone", b"gone", &[4]);
    let (from, to) = (Place::prefix("bucket", "a"), Place::prefix("other", "b"));
    let mut request = with_deletion(Request::new(from, to));
    request.options = options();
    world.server.forget();
    let plan = world.survey(&request).await.unwrap();
    assert_eq!((plan.same.files, plan.transfers.len()), (1, 2));
    let mut control = Control::new(&|_| {}, &|| false);
    control.limits = Limits {
        at_once: 1000,
        part: 400,
    };
    let report = execute(&world.client, &plan, &control).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(said_of(&world), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn s70_archives() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("a", noise(9 * MEBIBYTE));
        test.write("b", "small");
        let mut request = test.up();
        request.options = options();
        let plan = test.survey(&request).await.unwrap();
        assert!(test.execute(&plan).await.is_complete());
        // The archive and its manifest.
        assert_eq!(said_of(&test.world), 2);
        empty_folder(test.world.root());
        let mut request = test.down();
        request.options = options();
        let plan = test.survey(&request).await.unwrap();
        assert!(test.execute(&plan).await.is_complete());
        assert_eq!(test.world.read("b"), b"small");
        assert_eq!(said_of(&test.world), 0);
    }
}

/// S3 inherits neither class nor key, so that what is not named is named all the same.
#[tokio::test(flavor = "multi_thread")]
async fn s70_a_copy_over_itself_keeps_the_rest_as_it_was() {
    let world = World::new().await;
    world.server.put("a", b"content");
    for encryption in ["aws:kms", "AES256"] {
        world.server.state.lock().unwrap().encryption = encryption;
        world.server.put("a", b"content");
        world.server.forget();
        let end = End::Object(Object {
            bucket: "bucket".to_owned(),
            key: "a".to_owned(),
        });
        let options = ObjectOptions {
            storage_class: Some(StorageClass::StandardIa),
            ..ObjectOptions::default()
        };
        let pipes = Pipes {
            input: tokio::io::empty(),
            output: Vec::new(),
        };
        let control = Control::new(&|_| {}, &|| false);
        let copied = copy(&world.client, (&end, &end), &options, pipes, &control);
        assert_eq!(Box::pin(copied).await, Ok(Copied::Whole(7)));
        let said = |seen: &Seen| {
            let said = |name: &str| seen.headers.get(name).map(String::as_str);
            seen.copies.is_some()
                && said("x-amz-storage-class") == Some("STANDARD_IA")
                && said("x-amz-server-side-encryption") == Some(encryption)
        };
        assert_eq!(world.server.count(said), 1, "{encryption}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s70_what_is_given_up() {
    let world = World::new().await;
    world.leave_upload(
        "left",
        Upload {
            key: "data/a".to_owned(),
            begun: "2026-01-02T03:04:05.000Z".to_owned(),
            ..Upload::default()
        },
    );
    let place = Place::prefix("bucket", "data");
    let when = (None, jiff::Timestamp::MAX);
    let found = abandoned(&world.client, &place, when, &options())
        .await
        .unwrap();
    assert_eq!(
        give_up(&world.client, "bucket", found, &options()).await,
        []
    );
    assert_eq!(world.server.uploads(), 0);
    assert_eq!(world.server.count(paid), 3, "listed, measured and given up");
    assert_eq!(world.server.count(|_| true), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn s70_single_copies() {
    let world = World::new().await;
    world.write("small", "small");
    world.write("large", noise(20 * MEBIBYTE));
    let file = |key: &str| End::File(world.path(key));
    let object = |key: &str| {
        End::Object(Object {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
        })
    };
    for (from, to, made) in [
        (file("small"), object("small"), 1),
        (file("large"), object("large"), 1),
        (End::Stream, object("stream"), 1),
        (object("small"), object("twin"), 1),
        (object("large"), object("parts"), 1),
        (object("small"), file("back"), 0),
        (object("large"), End::Stream, 0),
    ] {
        let pipes = Pipes {
            input: &b"a stream"[..],
            output: Vec::new(),
        };
        let mut control = Control::new(&|_| {}, &|| false);
        control.limits = Limits {
            at_once: 1000,
            part: 8 * MEBIBYTE as u64,
        };
        let ends = (&from, &to);
        let copied = Box::pin(copy(&world.client, ends, &options(), pipes, &control)).await;
        assert!(copied.is_ok(), "{from:?} {to:?}: {copied:?}");
        assert_eq!(said_of(&world), made, "{from:?} {to:?}");
    }
}
