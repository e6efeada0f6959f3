//! Which files differ, and which only look as if they did.

use std::path::Path;

use crate::sync::tests::journals::{HOUR, Remembering};
use crate::sync::tests::server::EPOCH;
use crate::sync::tests::world::{World, keys, noise};
use crate::sync::{Change, Control, Request, SyncPlan, Totals, Why, execute};

const MEBIBYTE: usize = 1024 * 1024;

/// Two ways of encrypting: the tag of an object is the MD5 of its content, and is not.
const ENCRYPTIONS: [&str; 2] = ["AES256", "aws:kms"];

async fn world_with(encryption: &'static str) -> World {
    let world = World::new().await;
    world.server.state.lock().unwrap().encryption = encryption;
    world
}

fn remembering(mut request: Request, journals: Option<&Path>) -> Request {
    request.journals = journals.map(Path::to_owned);
    request
}

/// Surveys and executes, and expects no failure.
async fn run(world: &World, request: &Request) -> SyncPlan {
    let plan = world.survey(request).await.unwrap();
    let mut control = Control::new(&|_| {}, &|| false);
    control.journals = request.journals.as_deref();
    let report = execute(&world.client, &plan, &control).await;
    assert!(report.is_complete(), "{report:?}");
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn s01_missing_at_the_target() {
    let world = World::new().await;
    world.write("both", "both");
    world.write("a/new", "new");
    world.write("empty", "");
    for (key, content) in [("both", "both"), ("theirs", "theirs")] {
        world.server.put(&format!("data/{key}"), content.as_bytes());
    }
    let plan = world.converge(&world.up()).await;
    assert_eq!(keys(&plan), ["a/new", "empty"]);
    assert_eq!(plan.new_files(), Totals { files: 2, bytes: 3 });
    assert_eq!(plan.same, Totals { files: 1, bytes: 4 });
    assert_eq!(world.server.get("data/a/new").unwrap().content, "new");
    assert_eq!(world.server.get("data/both").unwrap().modified, EPOCH);

    let plan = world.converge(&world.down()).await;
    assert_eq!(keys(&plan), ["theirs"]);
    assert_eq!(plan.transfers.get(0).unwrap().change, Change::New);
    assert_eq!(world.read("theirs"), b"theirs");
}

/// By the digest where there is one, and by the times where there is none.
#[tokio::test(flavor = "multi_thread")]
async fn s02_up_same_size_source_older() {
    for encryption in ENCRYPTIONS {
        let world = world_with(encryption).await;
        world.server.put("data/a", b"content");
        world.write("a", "content");
        world.touch("a", 1_000);
        let plan = world.survey(&world.up()).await.unwrap();
        assert!(plan.is_empty(), "{encryption}: {plan:?}");
        assert_eq!(plan.same, Totals { files: 1, bytes: 7 });
    }
}

/// A newer file is sent, unless the digest proves that only its time is new.
#[tokio::test(flavor = "multi_thread")]
async fn s03_up_source_newer() {
    for (encryption, content, is_sent) in [
        ("AES256", "another", true),
        ("aws:kms", "another", true),
        ("aws:kms", "content", true),
        ("AES256", "content", false),
    ] {
        let world = world_with(encryption).await;
        world.server.put("data/a", b"content");
        world.write("a", content);
        world.touch("a", EPOCH + 1_000);
        world.server.state.lock().unwrap().clock = EPOCH + 2_000;
        let plan = run(&world, &world.up()).await;
        assert_eq!(plan.is_empty(), !is_sent, "{encryption} {content}");
        assert_eq!(world.server.get("data/a").unwrap().content, content);
        assert!(world.survey(&world.up()).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s04_size_differs_any_mtime() {
    for (file, object) in [("longer", "short"), ("", "short"), ("longer", "")] {
        for second in [1_000, EPOCH, EPOCH + 1_000_000] {
            for is_up in [true, false] {
                let world = World::new().await;
                world.server.put("data/a", object.as_bytes());
                world.write("a", file);
                world.touch("a", second);
                let request = if is_up { world.up() } else { world.down() };
                let (source, target) = if is_up {
                    (file, object)
                } else {
                    (object, file)
                };
                let plan = world.converge(&request).await;
                let why = Why::Size {
                    source_bytes: source.len() as u64,
                    target_bytes: target.len() as u64,
                };
                assert_eq!(plan.transfers.get(0).unwrap().change, Change::Changed(why));
                assert_eq!(world.read("a"), source.as_bytes());
                assert_eq!(world.server.get("data/a").unwrap().content, source);
            }
        }
    }
}

/// What others overwrote with as many bytes, whether it became newer or older by that.
#[tokio::test(flavor = "multi_thread")]
async fn s07_down_same_size_remote_newer() {
    for encryption in ENCRYPTIONS {
        for (in_parts, remembers) in [(false, false), (false, true), (true, false), (true, true)] {
            let world = world_with(encryption).await;
            let journals = tempfile::tempdir().unwrap();
            let journals = remembers.then(|| journals.path());
            let put = |content: &[u8]| {
                if in_parts {
                    // Other parts than ours, so that no digest can be computed.
                    world.server.put_parts("data/a", content, &[3, 4]);
                } else {
                    world.server.put("data/a", content);
                }
            };
            let request = remembering(world.down(), journals);
            put(b"the old");
            run(&world, &request).await;
            for (content, clock) in [(b"the new", EPOCH + 1), (b"the bak", EPOCH - 1_000)] {
                world.server.state.lock().unwrap().clock = clock;
                put(content);
                assert_eq!(keys(&run(&world, &request).await), ["a"]);
                assert_eq!(world.read("a"), content);
                assert!(world.survey(&request).await.unwrap().is_empty());
            }
        }
    }
}

/// Where the tag says what the content is, and where only the journal remembers: even the
/// file that is put in place later is older than the object.
#[tokio::test(flavor = "multi_thread")]
async fn s08_up_same_size_older_mtime_restored_file() {
    for encryption in ENCRYPTIONS {
        let test = Remembering::new().await;
        {
            let mut state = test.world.server.state.lock().unwrap();
            (state.encryption, state.clock) = (encryption, EPOCH);
        }
        test.write("a", "first", HOUR);
        assert_eq!(keys(&test.run(test.world.up()).await), ["a"]);
        assert!(test.survey(test.world.up()).await.is_empty());
        test.write("a", "other", HOUR * 2);
        assert_eq!(keys(&test.run(test.world.up()).await), ["a"]);
        assert!(test.survey(test.world.up()).await.is_empty());
        assert_eq!(test.world.server.get("data/a").unwrap().content, "other");
    }
}

/// And a run without changes costs one page of a listing.
#[tokio::test(flavor = "multi_thread")]
async fn s10_roundtrip_down_up() {
    let test = Remembering::new().await;
    test.world.server.state.lock().unwrap().encryption = "aws:kms";
    for key in ["a", "b/c", "b/d"] {
        test.world.server.put(&format!("data/{key}"), b"content");
    }
    assert_eq!(test.run(test.world.down()).await.transfers.len(), 3);
    for request in [test.world.up(), test.world.down(), test.world.up()] {
        assert!(test.survey(request).await.is_empty());
        assert_eq!(test.world.server.count(|_| true), 1);
    }
}

/// Parts of our size are recomputed, whoever sent them.
#[tokio::test(flavor = "multi_thread")]
async fn s12_multipart_etag_compare() {
    let parts = [8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE];
    let world = World::new().await;
    let content = noise(20 * MEBIBYTE);
    world.server.put_parts("data/a", &content, &parts);
    world.write("a", &content);
    for second in [1_000, EPOCH + 1_000_000] {
        world.touch("a", second);
        for request in [world.up(), world.down()] {
            world.server.forget();
            assert!(world.survey(&request).await.unwrap().is_empty());
            assert_eq!(world.server.count(|seen| !seen.is_list()), 0);
        }
    }
    let mut other = content;
    other[9 * MEBIBYTE] ^= 1;
    world.write("a", &other);
    world.touch("a", 1_000);
    let plan = world.converge(&world.up()).await;
    assert_eq!(
        plan.transfers.get(0).unwrap().change,
        Change::Changed(Why::Content)
    );
}

/// A tag of parts that nobody knows says nothing, so the times do.
#[tokio::test(flavor = "multi_thread")]
async fn s12_unknown_parts_are_neither_different_nor_the_same() {
    let world = World::new().await;
    world.server.state.lock().unwrap().keeps_checksums = false;
    let content = noise(20 * MEBIBYTE);
    // As many parts as we would have made, and others; and another number of parts.
    let uneven = [9 * MEBIBYTE, 9 * MEBIBYTE, 2 * MEBIBYTE];
    world.server.put_parts("data/three", &content, &uneven);
    world
        .server
        .put_parts("data/two", &content, &[10 * MEBIBYTE; 2]);
    run(&world, &world.down()).await;
    for request in [world.down(), world.up()] {
        assert!(world.survey(&request).await.unwrap().is_empty());
    }
    for key in ["three", "two"] {
        world.touch(key, 1_000);
    }
    assert!(world.survey(&world.up()).await.unwrap().is_empty());
    let plan = world.survey(&world.down()).await.unwrap();
    assert_eq!(keys(&plan), ["three", "two"]);
    assert_eq!(
        plan.transfers.get(1).unwrap().change,
        Change::Changed(Why::Time)
    );
    for key in ["three", "two"] {
        world.touch(key, EPOCH + 1_000);
    }
    let plan = world.survey(&world.up()).await.unwrap();
    assert_eq!(keys(&plan), ["three", "two"]);
    assert_eq!(
        plan.transfers.get(1).unwrap().change,
        Change::Changed(Why::Time)
    );
}

/// Where S3 keeps a checksum of the whole, it says what a tag of somebody else's parts does not.
#[tokio::test(flavor = "multi_thread")]
async fn s12_unknown_parts_are_compared_by_the_checksum_of_the_whole() {
    let world = World::new().await;
    let content = noise(20 * MEBIBYTE);
    for key in ["older", "newer", "other"] {
        let parts = [10 * MEBIBYTE; 2];
        world
            .server
            .put_parts(&format!("data/{key}"), &content, &parts);
        world.write(key, &content);
    }
    // Restored with an older time: of the same size, and not the same.
    let mut other = content.clone();
    other[9 * MEBIBYTE] ^= 1;
    world.write("other", &other);
    world.touch("other", 1_000);
    world.touch("older", 1_000);
    world.touch("newer", EPOCH + 1_000);
    for request in [world.up(), world.down()] {
        let plan = world.survey(&request).await.unwrap();
        assert_eq!(keys(&plan), ["other"]);
        let change = plan.transfers.get(0).unwrap().change;
        assert_eq!(change, Change::Changed(Why::Content));
    }
}

/// Each object is asked what it is encrypted with: it speaks for no other.
#[tokio::test(flavor = "multi_thread")]
async fn s13_sse_kms_etag_not_md5() {
    let world = world_with("aws:kms").await;
    for number in 0..40 {
        world.write(&format!("{number}"), format!("content {number}"));
    }
    world.write("large", noise(9 * MEBIBYTE));
    run(&world, &world.up()).await;
    world.server.forget();
    let second = world.survey(&world.up()).await.unwrap();
    assert!(second.is_empty(), "{second:?}");
    assert_eq!(second.same.files, 41);
    // The parts of the large one are asked about before the whole is.
    assert_eq!(world.server.count(|seen| !seen.is_list()), 42);

    // What is encrypted in another way has an honest tag, and older content of that size.
    world.server.state.lock().unwrap().encryption = "AES256";
    world.server.put("data/39", b"CONTENT 39");
    world.touch("39", 1_000);
    let plan = world.survey(&world.up()).await.unwrap();
    assert_eq!(keys(&plan), ["39"]);
    // Nor does other content hide behind a tag that is no digest, where S3 keeps a checksum.
    world.server.state.lock().unwrap().encryption = "aws:kms";
    for (keeps, sent) in [(true, &["38", "39"][..]), (false, &["39"])] {
        world.server.state.lock().unwrap().keeps_checksums = keeps;
        world.server.put("data/38", b"CONTENT 38");
        world.touch("38", 1_000);
        let plan = world.survey(&world.up()).await.unwrap();
        assert_eq!(keys(&plan), sent);
    }

    let other = world_with("aws:kms").await;
    other.server.put("data/a", b"content");
    run(&other, &other.down()).await;
    for request in [other.down(), other.up()] {
        assert!(other.survey(&request).await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s14_storage_class_is_no_difference() {
    let world = World::new().await;
    let classes = ["STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING"];
    for class in classes {
        world.write(class, class);
    }
    world.converge(&world.up()).await;
    for class in classes {
        let mut state = world.server.state.lock().unwrap();
        state
            .objects
            .get_mut(&format!("data/{class}"))
            .unwrap()
            .class = class;
    }
    for request in [world.up(), world.down()] {
        let plan = world.survey(&request).await.unwrap();
        assert!(plan.is_empty(), "{plan:?}");
        assert_eq!((plan.same.files, plan.skipped.len()), (3, 0));
    }
    // Nor is the class of what cannot even be read: its listing says enough to send nothing.
    world.server.archive("data/GLACIER_IR");
    let plan = world.survey(&world.up()).await.unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!((plan.same.files, plan.skipped.len()), (3, 0));
}

/// The machine's clock is an hour off either way; the tag decides, and the journal where the
/// tag cannot.
#[tokio::test(flavor = "multi_thread")]
async fn s15_clock_skew() {
    for (encryption, remembers) in [("AES256", false), ("AES256", true), ("aws:kms", true)] {
        for skew in [-3600, 3600] {
            let world = world_with(encryption).await;
            // Long ago, so that the journal takes no file for one that is being written.
            let clock = 1_600_000_000;
            world.server.state.lock().unwrap().clock = clock;
            let journals = tempfile::tempdir().unwrap();
            let journals = remembers.then(|| journals.path());
            let (up, down) = (
                remembering(world.up(), journals),
                remembering(world.down(), journals),
            );
            world.write("a", "content");
            world.touch("a", clock + skew);
            world.server.put("data/b", b"content");
            assert_eq!(keys(&run(&world, &up).await), ["a"]);
            assert_eq!(keys(&run(&world, &down).await), ["b"]);
            for request in [&up, &down, &up, &down] {
                let plan = run(&world, request).await;
                assert!(plan.is_empty(), "{encryption} {skew}: {plan:?}");
                assert_eq!(plan.same.files, 2);
            }
        }
    }
}
