//! Names that would lead out of the target.

use std::fs;
use std::os::unix::fs::symlink;

use crate::sync::tests::world::{World, deleted, keys, skipped, tree, with_deletion};
use crate::sync::{FailureReason, KeyFault, Place, Side, SkipReason};

const OUTSIDE: [&str; 11] = [
    "..",
    "../out",
    "../../out",
    "../inner/in",
    "/../out",
    "a/../../out",
    "a/..",
    "..\\out",
    "a\\..\\..\\out",
    // What stays inside would be a second name for another key.
    "x/../y",
    "./y",
];

#[tokio::test(flavor = "multi_thread")]
async fn s37_traversal() {
    let world = World::new().await;
    let harmless = ["%2e%2e/out", "...", "..a", "a../b", "a..b", "y"];
    for key in OUTSIDE.into_iter().chain(harmless) {
        world.server.put(&format!("data/{key}"), key.as_bytes());
    }
    // A folder of the target that has neighbours.
    world.write("out", "theirs");
    let mut request = world.down();
    request.to = Place::Folder(world.path("inner"));
    let plan = world.converge(&request).await;
    assert_eq!(keys(&plan), harmless);
    let mut refused = OUTSIDE;
    refused.sort_unstable();
    let reason = SkipReason::Key(KeyFault::DotComponent);
    assert_eq!(skipped(&plan), refused.map(|key| (key, &reason)));
    assert!(plan.skipped.iter().all(|skip| skip.side == Side::From));
    assert_eq!(
        tree(world.root()),
        [
            "inner/",
            "inner/%2e%2e/",
            "inner/%2e%2e/out",
            "inner/...",
            "inner/..a",
            "inner/a../",
            "inner/a../b",
            "inner/a..b",
            "inner/y",
            "out",
        ]
    );
    assert_eq!(world.read("out"), b"theirs");
    assert_eq!(world.read("inner/y"), b"y");
}

/// What cannot come down does not go up, and is nobody's to delete.
#[tokio::test(flavor = "multi_thread")]
async fn s37_traversal_upwards() {
    let world = World::new().await;
    world.write("good", "good");
    world.write("..\\out", "backslashes are ordinary here");
    for key in OUTSIDE {
        world.server.put(&format!("data/{key}"), b"theirs");
    }
    let plan = world.converge(&with_deletion(world.up())).await;
    assert_eq!(keys(&plan), ["good"]);
    assert!(plan.deletions.is_empty(), "{:?}", plan.deletions);
    assert!(plan.skipped.iter().any(|skip| skip.side == Side::From));
    assert_eq!(world.server.keys().len(), OUTSIDE.len() + 1);
    assert_eq!(world.server.get("data/..\\out").unwrap().content, "theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn s38_no_download_goes_through_a_link() {
    let world = World::new().await;
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), world.path("planted")).unwrap();
    fs::create_dir(world.path("deep")).unwrap();
    symlink(outside.path(), world.path("deep/planted")).unwrap();
    fs::write(outside.path().join("theirs"), "theirs").unwrap();
    symlink(outside.path().join("theirs"), world.path("file")).unwrap();
    world.server.put("data/planted/evil", b"evil");
    world.server.put("data/planted/theirs", b"evil");
    world.server.put("data/deep/planted/x/evil", b"evil");
    world.server.put("data/file", b"ours");
    world.server.put("data/good", b"good");
    let plan = world.survey(&with_deletion(world.down())).await.unwrap();
    assert!(plan.deletions.is_empty(), "{:?}", plan.deletions);
    let left = SkipReason::LinkInTarget;
    assert_eq!(
        skipped(&plan),
        [("deep/planted", &left), ("planted", &left)]
    );
    let (report, _) = world.execute(&plan).await;
    let reasons: Vec<_> = report
        .failures
        .iter()
        .map(|failure| (failure.key.as_str(), failure.reason.clone()))
        .collect();
    let through = |link: &str| FailureReason::ThroughLink(link.to_owned());
    assert_eq!(
        reasons,
        [
            ("deep/planted/x/evil", through("deep/planted")),
            ("planted/evil", through("planted")),
            ("planted/theirs", through("planted")),
        ]
    );
    assert_eq!(report.transferred.files, 2);
    assert_eq!(tree(outside.path()), ["theirs"]);
    assert_eq!(fs::read(outside.path().join("theirs")).unwrap(), b"theirs");
    assert_eq!(world.read("file"), b"ours");
    world.assert_tidy();
}

/// The folder is one when the plan is made, and a link when it is carried out.
#[tokio::test(flavor = "multi_thread")]
async fn s38_a_link_that_is_planted_after_the_survey() {
    for is_deletion in [false, true] {
        let world = World::new().await;
        let outside = tempfile::tempdir().unwrap();
        world.server.put("data/good", b"good");
        if is_deletion {
            world.write("sub/same", "same");
            world.touch("sub/same", 1_000);
        } else {
            world.server.put("data/sub/same", b"evil");
        }
        let plan = world.survey(&with_deletion(world.down())).await.unwrap();
        assert_eq!(deleted(&plan).len(), usize::from(is_deletion));
        if is_deletion {
            fs::rename(world.path("sub"), world.path("moved")).unwrap();
        }
        symlink(outside.path(), world.path("sub")).unwrap();
        // In everything that a plan knows it is the file that shall go.
        fs::write(outside.path().join("same"), "same").unwrap();
        world.touch("sub/same", 1_000);
        let (report, _) = world.execute(&plan).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert_eq!(report.failures[0].key, "sub/same");
        assert_eq!(
            report.failures[0].reason,
            FailureReason::ThroughLink("sub".to_owned())
        );
        assert_eq!((report.transferred.files, report.deleted), (1, 0));
        assert_eq!(fs::read(outside.path().join("same")).unwrap(), b"same");
        world.assert_tidy();
    }
}

/// Who names the link itself as the target means the folder that it leads to.
#[tokio::test(flavor = "multi_thread")]
async fn s38_the_target_itself_may_be_a_link() {
    let world = World::new().await;
    world.server.put("data/a/b", b"b");
    fs::create_dir(world.path("real")).unwrap();
    symlink("real", world.path("link")).unwrap();
    let mut request = with_deletion(world.down());
    request.to = Place::Folder(world.path("link"));
    world.write("real/c/extra", "extra");
    let plan = world.converge(&request).await;
    assert_eq!(deleted(&plan), ["c/extra"]);
    assert_eq!(tree(world.root()), ["link", "real/", "real/a/", "real/a/b"]);
}
