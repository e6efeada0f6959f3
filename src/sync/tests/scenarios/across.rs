//! From bucket to bucket.

mod choices;

use std::time::Duration;

use aws_sdk_s3::config::StalledStreamProtectionConfig;
use hyper::Method;

use crate::resource::ObjectOptions;
use crate::sync::limits::Limits;
use crate::sync::tests::buckets::Labels;
use crate::sync::tests::server::{Fault, Seen, multipart_etag};
use crate::sync::tests::world::{World, deleted, keys, noise, skipped, with_deletion};
use crate::sync::{
    Change, Control, Copied, Deletion, End, FailureReason, KeyFault, Object, Pipes, Place, Request,
    SkipReason, SurveyError, SyncPlan, SyncReport, Why, copy, execute,
};

/// Two buckets and what is remembered of them.
struct Two {
    world: World,
    journals: tempfile::TempDir,
    limits: Limits,
    source_region: Option<&'static str>,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        world
            .server
            .state
            .lock()
            .unwrap()
            .make_bucket("other", None);
        Self {
            world,
            journals: tempfile::tempdir().unwrap(),
            limits: Limits::S3,
            source_region: None,
        }
    }

    fn request(&self) -> Request {
        let (from, to) = (Place::prefix("bucket", "a"), Place::prefix("other", "b/c"));
        let mut request = Request::new(from, to);
        request.journals = Some(self.journals.path().to_owned());
        request.source_region = self.source_region.map(str::to_owned);
        request
    }

    fn put(&self, bucket: &str, key: &str, content: &[u8]) {
        let mut state = self.world.server.state.lock().unwrap();
        let content = bytes::Bytes::copy_from_slice(content);
        let length = content.len();
        state.within(bucket, |state| state.store(key, content, &[length]));
    }

    fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let mut state = self.world.server.state.lock().unwrap();
        let stored = state.within(bucket, |state| state.objects.get(key).cloned());
        stored.map(|stored| stored.content.to_vec())
    }

    fn etag(&self, bucket: &str, key: &str) -> String {
        let mut state = self.world.server.state.lock().unwrap();
        state.within(bucket, |state| state.objects[key].etag.clone())
    }

    fn names(&self, bucket: &str) -> Vec<String> {
        let mut state = self.world.server.state.lock().unwrap();
        state.within(bucket, |state| state.objects.keys().cloned().collect())
    }

    fn set(&self, change: impl FnOnce(&mut crate::sync::tests::server::State)) {
        change(&mut self.world.server.state.lock().unwrap());
    }

    fn count(&self, kind: impl Fn(&Seen) -> bool) -> usize {
        self.world.server.count(kind)
    }

    async fn execute(&self, plan: &SyncPlan) -> (SyncReport, u64) {
        let events = std::sync::Mutex::new(Vec::new());
        let listen = |event| events.lock().unwrap().push(event);
        let mut control = Control::new(&listen, &|| false);
        control.journals = Some(self.journals.path());
        control.limits = self.limits;
        control.source_region = self.source_region;
        let report = execute(&self.world.client, plan, &control).await;
        let moved = crate::sync::tests::world::moved(&events.into_inner().unwrap());
        (report, moved)
    }

    /// Surveys, executes, and expects the next survey to find nothing, for the pages of the
    /// two listings only.
    async fn converge(&self, request: &Request) -> SyncPlan {
        let plan = self.world.survey(request).await.unwrap();
        let (report, moved) = self.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(report.transferred, plan.transferred());
        assert_eq!(moved, plan.transferred().bytes);
        self.world.server.forget();
        let second = self.world.survey(request).await.unwrap();
        assert!(second.is_empty(), "{second:?}");
        assert_eq!(self.count(|seen| !seen.is_list()), 0);
        assert_eq!(self.world.server.uploads(), 0);
        plan
    }

    async fn copy(&self, from: End, to: End) -> Result<Copied, FailureReason> {
        let pipes = Pipes {
            input: tokio::io::empty(),
            output: Vec::new(),
        };
        let mut control = Control::new(&|_| {}, &|| false);
        control.limits = self.limits;
        control.source_region = self.source_region;
        Box::pin(copy(
            &self.world.client,
            (&from, &to),
            &ObjectOptions::default(),
            pipes,
            &control,
        ))
        .await
    }
}

fn object(bucket: &str, key: &str) -> End {
    End::Object(Object {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    })
}

fn labels(tag: &str) -> Labels {
    let headers = [
        ("content-type", "image/png"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("content-disposition", "attachment"),
        ("cache-control", "max-age=60"),
        ("expires", "Fri, 01 Jan 2027 00:00:00 GMT"),
        ("x-amz-meta-camera", "left"),
    ];
    let tags = [("project", "a b+c&d=é"), ("long", tag)];
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    Labels {
        headers: headers.into_iter().map(owned).collect(),
        tags: tags.into_iter().map(owned).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s24_filters_hit_source_and_target_each_anchored_at_its_own_prefix() {
    let two = Two::new().await;
    for key in ["a/logs/one", "a/keep/logs/one", "a/b/c/x", "a/y.tmp", "a/y"] {
        two.put("bucket", key, b"content");
    }
    for key in [
        "b/c/logs/old",
        "b/c/b/old",
        "b/c/gone",
        "b/c/old.tmp",
        "b/keep",
    ] {
        two.put("other", key, b"content");
    }
    let mut request = with_deletion(two.request());
    // Anchored patterns name neither prefix, and `b/` is a part of the target's.
    request.exclude = vec!["/logs/".to_owned(), "/b/".to_owned(), "*.tmp".to_owned()];
    let plan = two.converge(&request).await;
    assert_eq!(keys(&plan), ["keep/logs/one", "y"]);
    assert_eq!(deleted(&plan), ["gone"]);
    let expected = [
        "b/c/b/old",
        "b/c/keep/logs/one",
        "b/c/logs/old",
        "b/c/old.tmp",
        "b/c/y",
        "b/keep",
    ];
    assert_eq!(two.names("other"), expected);
    request.exclude.clear();
    request.include = vec!["/b/c/*".to_owned()];
    let plan = two.converge(&request).await;
    assert_eq!(keys(&plan), ["b/c/x"]);
    assert_eq!(deleted(&plan), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s72_overlap_is_refused() {
    let two = Two::new().await;
    two.put("bucket", "p/sub/one", b"content");
    for (from, to) in [("p", "p/sub"), ("p/sub", "p"), ("", "p"), ("p", "p")] {
        let (from, to) = (Place::prefix("bucket", from), Place::prefix("bucket", to));
        let mut request = Request::new(from, to);
        request.delete = Deletion::Extra;
        let refused = two.world.survey(&request).await.unwrap_err();
        assert!(matches!(refused, SurveyError::Overlap { .. }), "{refused}");
        assert!(refused.help().is_some());
        let is_same = request.from == request.to;
        assert_eq!(refused.to_string().ends_with("the same place"), is_same);
    }
    assert_eq!(two.count(|_| true), 0, "before any request");
    let beside = Request::new(Place::prefix("bucket", "p"), Place::prefix("bucket", "pa"));
    assert_eq!(keys(&two.converge(&beside).await), ["sub/one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s73_copy_over_self_is_a_no_op() {
    let two = Two::new().await;
    two.put("bucket", "a/one", b"content");
    let before = two.etag("bucket", "a/one");
    let one = object("bucket", "a/one");
    assert_eq!(two.copy(one.clone(), one).await, Ok(Copied::Itself));
    assert_eq!(two.count(|seen| seen.method != Method::HEAD), 0);
    assert_eq!(two.etag("bucket", "a/one"), before);
    let nothing = object("bucket", "a/nothing");
    assert!(two.copy(nothing.clone(), nothing).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn s74_bucket_to_bucket_is_copied_by_the_server() {
    let two = Two::new().await;
    let odd = [
        "a b", "1+1=2", "100%", "%2F", "é/ü", "q?x&y#z", "x//y", "d/", "'\"<>",
    ];
    for key in odd {
        let key = format!("a/{key}");
        two.put("bucket", &key, key.as_bytes());
        two.set(|state| state.label("bucket", &key, labels("short")));
    }
    two.put("bucket", "ab/beside", b"no");
    let plan = two.converge(&two.request()).await;
    assert_eq!(plan.transfers.len(), odd.len());
    for key in odd {
        let (from, to) = (format!("a/{key}"), format!("b/c/{key}"));
        assert_eq!(two.get("other", &to).unwrap(), from.as_bytes(), "{key}");
        let state = two.world.server.state.lock().unwrap();
        assert_eq!(state.labels("other", &to), labels("short"), "{key}");
    }
    assert_eq!(two.names("other").len(), odd.len());
    // And one of them by hand.
    let to = object("other", "by hand/é+");
    let copied = two.copy(object("bucket", "a/1+1=2"), to).await;
    assert_eq!(copied, Ok(Copied::Whole(7)));
    assert_eq!(two.get("other", "by hand/é+").unwrap(), b"a/1+1=2");
    // No content was asked for, and none was sent.
    assert_eq!(
        two.count(|seen| seen.method == Method::GET && !seen.is_list()),
        0
    );
    let puts = |seen: &Seen| seen.method == Method::PUT && seen.copies.is_none();
    assert_eq!(two.count(puts), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s74_metadata_and_tags_are_kept_in_parts() {
    let mut two = Two::new().await;
    two.limits = Limits {
        at_once: 1000,
        part: 300,
    };
    let content = noise(1001);
    let long = "n".repeat(2500);
    for (key, tag) in [("a/b c+", "short"), ("a/long", long.as_str())] {
        two.put("bucket", key, &content);
        two.set(|state| state.label("bucket", key, labels(tag)));
    }
    two.put("bucket", "a/small", &content[..1000]);
    two.world.server.forget();
    let plan = two.world.survey(&two.request()).await.unwrap();
    let (report, moved) = two.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(moved, 3002);
    let parts = |seen: &Seen| seen.query.contains_key("partNumber");
    assert_eq!(two.count(parts), 8);
    assert_eq!(two.count(|seen| parts(seen) && seen.copies.is_none()), 0);
    for (key, tag) in [("b/c/b c+", "short"), ("b/c/long", long.as_str())] {
        assert!(two.get("other", key).unwrap() == content);
        assert_eq!(
            two.etag("other", key),
            multipart_etag(&content, &[300, 300, 300, 101])
        );
        let state = two.world.server.state.lock().unwrap();
        assert_eq!(state.labels("other", key), labels(tag));
    }
    // The tags differ, and a run remembers that they are of one content.
    assert!(two.converge(&two.request()).await.is_empty());
    let copied = two.copy(object("bucket", "a/long"), object("other", "by hand"));
    assert_eq!(copied.await, Ok(Copied::Whole(1001)));
    let state = two.world.server.state.lock().unwrap();
    assert_eq!(state.labels("other", "by hand"), labels(&long));
}

#[tokio::test(flavor = "multi_thread")]
async fn s74_a_copy_in_parts_that_fails_leaves_no_upload() {
    let mut two = Two::new().await;
    two.limits = Limits {
        at_once: 10,
        part: 10,
    };
    two.put("bucket", "a/one", &noise(100));
    let plan = two.world.survey(&two.request()).await.unwrap();
    two.world.server.fail(|seen| {
        let third = seen.query.get("partNumber").is_some_and(|part| part == "3");
        third.then_some(Fault::Error(400, "InvalidRequest"))
    });
    let (report, _) = two.execute(&plan).await;
    assert_eq!(report.failures.len(), 1);
    assert_eq!(two.world.server.uploads(), 0);
    assert_eq!(two.names("other"), Vec::<String>::new());
    two.world.server.heal();
    two.converge(&two.request()).await;
}

/// S3 says nothing while it copies, and the SDK would take that for a dead connection.
#[tokio::test(flavor = "multi_thread")]
async fn s74_a_copy_that_takes_its_time_is_waited_for() {
    let mut two = Two::new().await;
    two.limits = Limits {
        at_once: 10,
        part: 10,
    };
    two.put("bucket", "a/one", &noise(15));
    two.put("bucket", "a/two", b"content");
    two.set(|state| state.buckets.silence = Some(Duration::from_secs(3)));
    let guard = StalledStreamProtectionConfig::enabled().grace_period(Duration::from_millis(500));
    let config = two.world.client.config().to_builder();
    let config = config.stalled_stream_protection(guard.build());
    two.world.client = aws_sdk_s3::Client::from_conf(config.build());
    let plan = two.world.survey(&two.request()).await.unwrap();
    two.world.server.forget();
    let (report, _) = two.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(two.count(|seen| seen.copies.is_some()), 3, "none twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn s74_buckets_may_be_in_other_regions() {
    for (source, target) in [
        (Some("us-west-2"), None),
        (None, Some("ap-south-1")),
        (Some("us-west-2"), Some("ap-south-1")),
    ] {
        let mut two = Two::new().await;
        two.limits = Limits {
            at_once: 1000,
            part: 400,
        };
        two.set(|state| {
            state.make_bucket("bucket", source);
            state.make_bucket("other", target);
        });
        two.put("bucket", "a/one", b"content");
        two.put("bucket", "a/two", &noise(1001));
        two.put("other", "b/c/old", b"content");
        let request = with_deletion(two.request());
        let plan = two.world.survey(&request).await.unwrap();
        let (report, _) = two.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!((report.transferred.files, report.deleted), (2, 1));
        let home = target.unwrap_or("eu-central-1");
        let at_home = two.count(|seen| seen.copies.is_some() && seen.region == home);
        assert!(at_home >= 4, "sent to the region of the target: {at_home}");
        assert!(two.world.survey(&request).await.unwrap().is_empty());
        let copied = two.copy(object("bucket", "a/two"), object("other", "x"));
        assert_eq!(copied.await, Ok(Copied::Whole(1001)));
        let copied = two.copy(object("bucket", "a/one"), object("other", "y"));
        assert_eq!(copied.await, Ok(Copied::Whole(7)));
        // Whoever names the regions is sent nowhere else.
        two.source_region = source;
        if target.is_none() {
            two.world.server.forget();
            assert!(two.world.survey(&two.request()).await.unwrap().is_empty());
            assert_eq!(two.count(|_| true), 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn across_only_the_planned_revision_is_copied() {
    let two = Two::new().await;
    two.put("bucket", "a/one", b"first");
    two.put("bucket", "a/two", b"first");
    let plan = two
        .world
        .survey(&with_deletion(two.request()))
        .await
        .unwrap();
    two.put("bucket", "a/one", b"other");
    let (report, _) = two.execute(&plan).await;
    let failure = &report.failures[0];
    assert_eq!(failure.key, "one");
    assert_eq!(failure.reason, FailureReason::ChangedSincePlanned);
    assert_eq!(two.names("other"), ["b/c/two"]);
    two.converge(&two.request()).await;
    assert_eq!(two.get("other", "b/c/one").unwrap(), b"other");
}

/// Encrypted copies have other tags: checksums tell what is the same, and where there are
/// none, what an earlier run has written down.
#[tokio::test(flavor = "multi_thread")]
async fn across_equal_content_under_other_tags_is_the_same() {
    let two = Two::new().await;
    for key in ["one", "two"] {
        two.put("bucket", &format!("a/{key}"), b"content");
    }
    two.set(|state| state.encryption = "aws:kms");
    two.put("other", "b/c/one", b"content");
    two.put("other", "b/c/two", b"changed");
    two.world.server.forget();
    let plan = two.world.survey(&two.request()).await.unwrap();
    assert_eq!(keys(&plan), ["two"]);
    assert_eq!(
        plan.transfers.get(0).unwrap().change,
        Change::Changed(Why::Content)
    );
    assert_eq!(two.count(|seen| seen.method == Method::HEAD), 4);
    two.converge(&two.request()).await;
    // What was copied is known without checksums, and so is what was found the same.
    two.set(|state| state.keeps_checksums = false);
    assert!(two.converge(&two.request()).await.is_empty());
    // A journal says nothing of other content.
    two.put("other", "b/c/one", b"CONTENT");
    two.put("bucket", "a/two", b"CONTENT");
    let plan = two.world.survey(&two.request()).await.unwrap();
    assert_eq!(keys(&plan), ["one", "two"]);
    assert_eq!(
        plan.transfers.get(0).unwrap().change,
        Change::Changed(Why::Tag)
    );
    two.converge(&two.request()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn across_nothing_is_deleted_that_could_not_be_proven_extra() {
    let two = Two::new().await;
    two.set(|state| state.page = 2);
    for number in 0..5 {
        two.put("bucket", &format!("a/{number}"), b"content");
        two.put("other", &format!("b/c/{number}"), b"content");
    }
    two.put("other", "b/c/extra", b"content");
    let request = with_deletion(two.request());
    for bucket in ["bucket", "other"] {
        two.world.server.fail(move |seen| {
            let hit = seen.bucket == bucket && seen.query.contains_key("continuation-token");
            hit.then_some(Fault::Error(403, "AccessDenied"))
        });
        let refused = two.world.survey(&request).await.unwrap_err();
        assert_eq!(refused.bucket(), Some(bucket), "{refused}");
    }
    two.world.server.heal();
    let mut empty = request.clone();
    empty.from = Place::prefix("bucket", "nothing");
    let refused = two.world.survey(&empty).await.unwrap_err();
    assert!(matches!(refused, SurveyError::EmptySource { files: 6, .. }));
    // A copy that fails keeps what is extra.
    two.put("bucket", "a/new", b"content");
    let plan = two.world.survey(&request).await.unwrap();
    two.world
        .server
        .fail(|seen| seen.copies.is_some().then_some(Fault::Error(400, "Bad")));
    let (report, _) = two.execute(&plan).await;
    assert_eq!((report.deleted, report.not_deleted), (0, 1));
    two.world.server.heal();
    assert_eq!(deleted(&two.converge(&request).await), ["extra"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn across_what_cannot_be_copied_is_skipped_and_named() {
    let two = Two::new().await;
    let long = "n".repeat(1021);
    for key in [&long, "cold", "same", "../up", "a\nb"] {
        two.put("bucket", &format!("a/{key}"), b"content");
    }
    two.put("other", "b/c/cold", b"CONTENT");
    two.put("other", "b/c/same", b"content");
    two.world.server.archive("a/cold");
    two.world.server.archive("a/same");
    let plan = two.world.survey(&two.request()).await.unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!(plan.same.files, 1, "what is archived can still be compared");
    let expected = [
        ("../up", &SkipReason::Key(KeyFault::DotComponent)),
        ("a\nb", &SkipReason::Key(KeyFault::ControlCharacter)),
        ("cold", &SkipReason::Archived("DEEP_ARCHIVE".to_owned())),
        (long.as_str(), &SkipReason::Key(KeyFault::KeyTooLong)),
    ];
    assert_eq!(skipped(&plan), expected);
}
