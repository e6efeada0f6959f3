//! What is compared, what is left alone, and what travels beside the content.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use hyper::Method;

use crate::resource::Compare;
use crate::sync::tests::buckets::Labels;
use crate::sync::tests::server::{EPOCH, Fault};
use crate::sync::tests::world::{World, deleted, keys, noise, skipped, with_deletion};
use crate::sync::{
    Archived, Change, Control, Existing, FailureReason, Request, SkipReason, SourceLinks, SyncPlan,
    Totals, Why, Withheld, execute,
};

const MEBIBYTE: usize = 1024 * 1024;

fn comparing(mut request: Request, compare: Compare) -> Request {
    request.policy.compare = compare;
    request
}

/// Sets when a file was last modified, in nanoseconds since 1970.
fn set_time(path: &Path, nanoseconds: i128) {
    let time = jiff::Timestamp::from_nanosecond(nanoseconds).unwrap();
    let times = FileTimes::new().set_modified(time.try_into().unwrap());
    let file = File::options().append(true).open(path).unwrap();
    file.set_times(times).unwrap();
}

/// When a file was last modified, in seconds and nanoseconds since 1970.
fn time_of(path: &Path) -> (i64, i64) {
    let metadata = path.metadata().unwrap();
    (metadata.mtime(), metadata.mtime_nsec())
}

fn is_executable(path: &Path) -> bool {
    path.metadata().unwrap().permissions().mode() & 0o100 != 0
}

/// Gives an object an entry of metadata.
fn label(world: &World, key: &str, name: &str, value: &str) {
    let mut labels = Labels::default();
    labels.headers.insert(name.to_owned(), value.to_owned());
    let mut state = world.server.state.lock().unwrap();
    state.label("bucket", key, labels);
}

fn entry(world: &World, key: &str, name: &str) -> Option<String> {
    let state = world.server.state.lock().unwrap();
    state.labels("bucket", key).headers.get(name).cloned()
}

fn why(plan: &SyncPlan) -> Vec<(String, Change)> {
    let changes = plan.transfers.iter();
    changes
        .map(|transfer| (transfer.key, transfer.change))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s05_size_only_same_size() {
    let world = World::new().await;
    let journals = tempfile::tempdir().unwrap();
    let remembering = |mut request: Request| {
        request.journals = Some(journals.path().to_owned());
        request
    };
    world.write("a", "one");
    world.touch("a", 1_000);
    world.converge(&world.up()).await;
    for second in [1_001, EPOCH + 1_000_000] {
        world.write("a", "two");
        world.touch("a", second);
        for request in [world.up(), world.down()] {
            let request = remembering(comparing(request, Compare::Size));
            let plan = world.survey(&request).await.unwrap();
            assert!(plan.is_empty(), "{plan:?}");
            assert_eq!(plan.same, Totals { files: 1, bytes: 3 });
        }
    }
    // What only the sizes say is never taken for known.
    world.touch("a", 1_001);
    let by_size = remembering(comparing(world.up(), Compare::Size));
    assert!(world.survey(&by_size).await.unwrap().is_empty());
    let plan = world.survey(&remembering(world.up())).await.unwrap();
    assert_eq!(keys(&plan), ["a"]);

    world.write("a", "three");
    let plan = world.converge(&comparing(world.up(), Compare::Size)).await;
    assert_eq!(keys(&plan), ["a"]);
    world.write("a", "four");
    let plan = world
        .converge(&comparing(world.down(), Compare::Size))
        .await;
    let size = Why::Size {
        source_bytes: 5,
        target_bytes: 4,
    };
    assert_eq!(why(&plan), [("a".to_owned(), Change::Changed(size))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s06_exact_timestamps_down() {
    let world = World::new().await;
    world.server.put("data/a", b"one");
    world.server.put("data/kept", b"two");
    label(&world, "data/kept", "x-amz-meta-mtime", "1500000000.25");
    let down = comparing(world.down(), Compare::SizeMtime);
    let up = comparing(world.up(), Compare::SizeMtime);
    let plan = world.survey(&down).await.unwrap();
    assert!(world.execute(&plan).await.0.is_complete());
    assert_eq!(time_of(&world.path("a")), (EPOCH, 0));
    assert_eq!(time_of(&world.path("kept")), (1_500_000_000, 250_000_000));
    assert!(world.survey(&down).await.unwrap().is_empty());
    assert!(world.survey(&up).await.unwrap().is_empty());
    for (second, sent) in [(EPOCH - 1, &[][..]), (EPOCH + 1, &["a"])] {
        world.touch("a", second);
        let plan = world.survey(&down).await.unwrap();
        assert_eq!(why(&plan), [("a".to_owned(), Change::Changed(Why::Time))]);
        // On the way up only a newer file is another one.
        assert_eq!(keys(&world.survey(&up).await.unwrap()), sent);
    }
    world.touch("kept", 1_500_000_001);
    world.touch("a", EPOCH);
    assert_eq!(keys(&world.survey(&down).await.unwrap()), ["kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s09_up_touch_only_with_checksum() {
    let world = World::new().await;
    world.write("small", "one");
    world.write("large", noise(9 * MEBIBYTE));
    world.converge(&world.up()).await;
    for second in [1_000, EPOCH + 1_000_000] {
        world.touch("small", second);
        world.touch("large", second);
        world.server.forget();
        let plan = world.survey(&world.up()).await.unwrap();
        assert!(plan.is_empty(), "{plan:?}");
        assert_eq!(world.server.count(|seen| !seen.is_list()), 0);
    }
    // The classic rule sends it.
    let classic = comparing(world.up(), Compare::SizeMtime);
    let plan = world.survey(&classic).await.unwrap();
    assert_eq!(keys(&plan), ["large", "small"]);
}

/// Runs with or without journals, and expects that nothing is left to do.
async fn run(world: &World, request: Request, journals: Option<&Path>) -> SyncPlan {
    let mut request = request;
    request.journals = journals.map(Path::to_owned);
    let plan = world.survey(&request).await.unwrap();
    let mut control = Control::new(&|_| {}, &|| false);
    control.journals = journals;
    let report = execute(&world.client, &plan, &control).await;
    assert!(report.is_complete(), "{report:?}");
    let rest = world.survey(&request).await.unwrap();
    assert!(rest.is_empty(), "{rest:?}");
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_roundtrip_up_down_preserves_mtime() {
    const TIME: (i64, i64) = (1_500_000_000, 123_456_789);
    let names = ["in-parts", "in-ranges", "run.sh", "small", "sub/small"];
    for (encryption, remembers) in [
        ("AES256", false),
        ("AES256", true),
        ("aws:kms", false),
        ("aws:kms", true),
    ] {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let journals = remembers.then(|| folder.path());
        world.server.state.lock().unwrap().encryption = encryption;
        world.server.state.lock().unwrap().clock = 1_600_000_000;
        for name in names {
            world.write(name, name);
        }
        world.write("in-parts", noise(9 * MEBIBYTE));
        if remembers {
            world.write("in-ranges", noise(65 * MEBIBYTE));
        }
        for name in ["run.sh", "in-parts", "in-ranges"] {
            fs::set_permissions(world.path(name), Permissions::from_mode(0o755)).unwrap();
        }
        for name in names {
            set_time(&world.path(name), 1_500_000_000_123_456_789);
        }
        world.server.forget();
        let sent = run(&world, world.up(), journals).await;
        assert_eq!(keys(&sent), names);
        let key = "data/run.sh";
        let mode = entry(&world, key, "x-amz-meta-mode");
        assert_eq!(mode.as_deref(), Some("0100755"));
        assert_eq!(entry(&world, "data/small", "x-amz-meta-mode"), None);
        let time = entry(&world, "data/sub/small", "x-amz-meta-mtime");
        assert_eq!(time.as_deref(), Some("1500000000.123456789"));

        for name in names {
            fs::remove_file(world.path(name)).unwrap();
        }
        let came = run(&world, world.down(), journals).await;
        assert_eq!(keys(&came), names);
        for name in names {
            assert_eq!(time_of(&world.path(name)), TIME, "{encryption} {name}");
            let runs = ["run.sh", "in-parts", "in-ranges"].contains(&name);
            assert_eq!(is_executable(&world.path(name)), runs, "{name}");
        }
        for request in [world.up(), world.down()] {
            let none = run(&world, request, journals).await;
            assert!(none.is_empty(), "{encryption} {remembers}");
        }
        if remembers {
            world.server.forget();
            run(&world, world.down(), journals).await;
            assert_eq!(world.server.count(|seen| !seen.is_list()), 0);
        }
        // What the bucket has in another version still comes down.
        world.server.put("data/small", b"other");
        label(&world, "data/small", "content-type", "text/plain");
        let changed = run(&world, world.down(), journals).await;
        assert_eq!(keys(&changed), ["small"]);
        assert_eq!(world.read("small"), b"other");
        let modified = world.server.get("data/small").unwrap().modified;
        assert_eq!(time_of(&world.path("small")), (modified, 0));
    }
}

/// A small file costs one request in either direction.
#[tokio::test(flavor = "multi_thread")]
async fn s11_times_and_modes_cost_no_request() {
    let world = World::new().await;
    for number in 0..20 {
        world.write(&format!("{number:02}"), "content");
    }
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.forget();
    assert!(world.execute(&plan).await.0.is_complete());
    assert_eq!(world.server.count(|seen| seen.method == Method::PUT), 20);
    assert_eq!(world.server.count(|_| true), 20);
    for number in 0..20 {
        fs::remove_file(world.path(&format!("{number:02}"))).unwrap();
    }
    let plan = world.survey(&world.down()).await.unwrap();
    world.server.forget();
    assert!(world.execute(&plan).await.0.is_complete());
    assert_eq!(world.server.count(|_| true), 20);
}

/// Where no journal and no digest helps, some are asked for a time, and all where there are any.
#[tokio::test(flavor = "multi_thread")]
async fn s13_kms_on_the_way_down_asks_no_more_than_it_must() {
    let world = World::new().await;
    {
        let mut state = world.server.state.lock().unwrap();
        state.encryption = "aws:kms";
        state.clock = 1_600_000_000;
        state.keeps_checksums = false;
    }
    for number in 0..40 {
        let key = format!("data/{number:02}");
        world.server.put(&key, b"content");
        world.write(&format!("{number:02}"), "content");
        world.touch(&format!("{number:02}"), 1_500_000_000);
    }
    world.server.forget();
    let plan = world.survey(&world.down()).await.unwrap();
    assert_eq!(plan.transfers.len(), 40);
    assert_eq!(world.server.count(|seen| seen.method == Method::HEAD), 16);
    for number in 0..40 {
        let key = format!("data/{number:02}");
        label(&world, &key, "x-amz-meta-mtime", "1500000000.5");
    }
    world.server.forget();
    assert!(world.survey(&world.down()).await.unwrap().is_empty());
    assert_eq!(world.server.count(|seen| seen.method == Method::HEAD), 40);
    // A checksum of the whole says that the content is the same, whatever the times are.
    for number in 0..40 {
        let key = format!("data/{number:02}");
        label(&world, &key, "x-amz-meta-mtime", "1400000000");
    }
    world.server.state.lock().unwrap().keeps_checksums = true;
    assert!(world.survey(&world.down()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s16_invalid_or_pre1970_mtime() {
    let world = World::new().await;
    let times = [
        ("early", "-5.5", (-6, 500_000_000)),
        ("epoch", "0", (0, 0)),
        ("far", "99999999999999999999", (EPOCH + 2, 0)),
        ("float", "1e400", (EPOCH + 3, 0)),
        ("text", "yesterday", (EPOCH + 4, 0)),
    ];
    for (name, text, _) in times {
        let key = format!("data/{name}");
        world.server.put(&key, name.as_bytes());
        label(&world, &key, "x-amz-meta-mtime", text);
    }
    let plan = world.converge(&world.down()).await;
    assert_eq!(plan.transfers.len(), times.len());
    for (name, text, expected) in times {
        assert_eq!(world.read(name), name.as_bytes());
        assert_eq!(time_of(&world.path(name)), expected, "{text}");
    }
    assert!(world.survey(&world.up()).await.unwrap().is_empty());

    world.write("older", "than 1970");
    set_time(&world.path("older"), -1_000_000_001);
    world.converge(&world.up()).await;
    let written = entry(&world, "data/older", "x-amz-meta-mtime");
    assert_eq!(written.as_deref(), Some("-1.000000001"));
    fs::remove_file(world.path("older")).unwrap();
    world.converge(&world.down()).await;
    assert_eq!(time_of(&world.path("older")), (-2, 999_999_999));
}

#[tokio::test(flavor = "multi_thread")]
async fn s17_ignore_existing() {
    let world = World::new().await;
    let keeping = |mut request: Request| {
        request.policy.existing = Existing::Keep;
        request
    };
    world.server.put("data/both", b"theirs, and longer");
    world.server.put("data/same", b"same");
    world.server.put("data/extra", b"extra");
    world.write("both", "ours");
    world.write("same", "same");
    world.write("new", "new");
    let plan = world.converge(&keeping(with_deletion(world.up()))).await;
    assert_eq!(keys(&plan), ["new"]);
    assert_eq!(deleted(&plan), ["extra"]);
    let kept = Totals {
        files: 2,
        bytes: 22,
    };
    assert_eq!((plan.kept, plan.same.files), (kept, 0));
    let theirs = world.server.get("data/both").unwrap();
    assert_eq!(theirs.content, "theirs, and longer");

    symlink("nowhere", world.path("link")).unwrap();
    world.server.put("data/link", b"an object");
    world.server.put("data/fresh", b"fresh");
    let plan = world.converge(&keeping(world.down())).await;
    assert_eq!(keys(&plan), ["fresh"]);
    assert_eq!(world.read("both"), b"ours");
    assert!(world.path("link").is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn s18_immutable() {
    let world = World::new().await;
    let refusing = |mut request: Request| {
        request.policy.existing = Existing::Refuse;
        request
    };
    world.server.put("data/both", b"theirs");
    world.server.put("data/same", b"same");
    world.write("both", "ours");
    world.write("same", "same");
    world.write("new", "new");
    // A run that may not change everything deletes nothing.
    world.server.put("data/extra", b"extra");
    let immutable = [("both", &SkipReason::Immutable)];
    let plan = world.converge(&refusing(with_deletion(world.up()))).await;
    assert_eq!(keys(&plan), ["new"]);
    assert_eq!(plan.same.files, 1);
    assert_eq!(skipped(&plan), immutable);
    assert_eq!(world.server.get("data/both").unwrap().content, "theirs");
    assert_eq!(world.server.get("data/extra").unwrap().content, "extra");
    assert_eq!(plan.withheld, Some(Withheld::Immutable("both".to_owned())));

    world.write("ours", "ours");
    let plan = world.converge(&refusing(with_deletion(world.down()))).await;
    assert_eq!(keys(&plan), ["extra"]);
    assert_eq!(plan.same.files, 2);
    assert_eq!(world.read("ours"), b"ours");
    assert_eq!(skipped(&plan), immutable);
    assert_eq!(world.read("both"), b"ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn s49_symlinks() {
    let world = World::new().await;
    world.write("file", "file");
    world.write("folder/deep", "deep");
    symlink("file", world.path("to-file")).unwrap();
    symlink("folder", world.path("to-folder")).unwrap();
    symlink("..", world.path("folder/loop")).unwrap();
    symlink("nowhere", world.path("broken")).unwrap();
    let up = with_deletion(world.up());
    let plan = world.converge(&up).await;
    let followed = ["file", "folder/deep", "to-file", "to-folder/deep"];
    assert_eq!(keys(&plan), followed);
    assert_eq!(
        skipped(&plan),
        [
            ("broken", &SkipReason::BrokenLink),
            ("folder/loop", &SkipReason::LinkLoop),
            ("to-folder/loop", &SkipReason::LinkLoop),
        ]
    );

    let mut skipping = up;
    skipping.policy.links = SourceLinks::Skip;
    world.write("new", "new");
    let plan = world.converge(&skipping).await;
    assert_eq!(keys(&plan), ["new"]);
    let links = ["broken", "folder/loop", "to-file", "to-folder"];
    assert_eq!(
        skipped(&plan),
        links.map(|link| (link, &SkipReason::NotFollowed))
    );
    // What a link stands for is no extra file of the target.
    assert_eq!(world.server.keys().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn s69_glacier() {
    let world = World::new().await;
    world.server.put("data/archived", b"archived");
    world.server.put("data/plain", b"plain");
    world.server.archive("data/archived");
    let plan = world.converge(&world.down()).await;
    assert_eq!(keys(&plan), ["plain"]);
    let reason = SkipReason::Archived("DEEP_ARCHIVE".to_owned());
    assert_eq!(skipped(&plan), [("archived", &reason)]);

    let mut force = world.down();
    force.policy.archived = Archived::Transfer;
    world.server.put("data/other", b"other");
    world.server.fail(|seen| {
        let is_archived = seen.method == Method::GET && seen.key == "data/archived";
        is_archived.then_some(Fault::Error(403, "InvalidObjectState"))
    });
    let plan = world.survey(&force).await.unwrap();
    assert_eq!(keys(&plan), ["archived", "other"]);
    let (report, _) = world.execute(&plan).await;
    assert_eq!(world.read("other"), b"other");
    let [failure] = &report.failures[..] else {
        panic!("{report:?}");
    };
    let FailureReason::Remote { detail, .. } = &failure.reason else {
        panic!("{failure:?}");
    };
    assert!(detail.starts_with("InvalidObjectState"), "{detail}");
    assert!(!world.path("archived").exists());
    // Once it is restored, it comes.
    world.server.heal();
    let plan = world.converge(&force).await;
    assert_eq!(keys(&plan), ["archived"]);
    assert_eq!(world.read("archived"), b"archived");
}
