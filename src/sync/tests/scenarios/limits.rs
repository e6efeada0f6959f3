//! What is deleted at most, what takes no part, and what requests say beside their content.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::resource::DeletionLimit;
use crate::sync::tests::server::{Fault, Seen};
use crate::sync::tests::world::{World, deleted, keys, moved, noise, skipped, tree, with_deletion};
use crate::sync::{
    FailureReason, OnCaseConflict, Place, Progress, Request, SkipReason, SurveyError,
};

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

#[tokio::test(flavor = "multi_thread")]
async fn s48_case_collision() {
    let world = World::new().await;
    for key in ["A.txt", "a.txt", "data/x", "Data/x", "other/a.txt"] {
        world.server.put(&format!("data/{key}"), key.as_bytes());
    }
    let mut request = world.down();
    request.case_conflict = Some(OnCaseConflict::Error);
    let refused = world.survey(&request).await;
    let Err(error @ SurveyError::Case(_)) = refused else {
        panic!("{refused:?}");
    };
    let text = error.to_string();
    assert_eq!(text, "`a.txt` and `A.txt` differ in case only");
    assert!(error.help().is_some());

    request.case_conflict = Some(OnCaseConflict::Warn);
    let plan = world.survey(&request).await.unwrap();
    assert_eq!(plan.transfers.len(), 5);
    let named = plan.case_conflicts.iter();
    let named: Vec<(&str, &str)> = named
        .map(|conflict| (conflict.key.as_str(), conflict.other.as_str()))
        .collect();
    assert_eq!(named, [("a.txt", "A.txt"), ("data/x", "Data")]);

    request.case_conflict = Some(OnCaseConflict::Skip);
    let plan = world.survey(&request).await.unwrap();
    assert_eq!(keys(&plan), ["A.txt", "Data/x", "other/a.txt"]);
    assert_eq!(
        skipped(&plan),
        [
            ("a.txt", &SkipReason::SameButCase("A.txt".to_owned())),
            ("data/x", &SkipReason::SameButCase("Data".to_owned())),
        ]
    );
    // What was skipped at the source is there, so it is not deleted at the target.
    world.write("a.txt", "older");
    world.write("gone", "x");
    world.write("gone2", "x");
    let mut deleting = with_deletion(request.clone());
    deleting.case_conflict = Some(OnCaseConflict::Skip);
    let plan = world.survey(&deleting).await.unwrap();
    assert_eq!(deleted(&plan), ["gone", "gone2"]);

    request.case_conflict = Some(OnCaseConflict::Ignore);
    let plan = world.survey(&request).await.unwrap();
    assert!(plan.case_conflicts.is_empty());
    assert_eq!(plan.transfers.len(), 5);

    // The file system decides where nobody does.
    request.case_conflict = None;
    let folds = world.path("GONE").exists();
    let plan = world.survey(&request).await.unwrap();
    assert_eq!(plan.case_conflicts.is_empty(), !folds);
}

#[tokio::test(flavor = "multi_thread")]
async fn s77_progress_totals_are_right() {
    let world = World::new().await;
    let content = noise(9 * MEBIBYTE);
    world.server.put("data/large", &content);
    world.server.put("data/cold", b"cold");
    world.server.archive("data/cold");
    world.server.put("data/x//y", b"no file");
    for number in 0..50 {
        world
            .server
            .put(&format!("data/{number:02}"), &noise(number));
    }
    world.server.put("data/lost", b"12345");
    world.write("same", "same");
    world.server.put("data/same", b"same");
    world.touch("same", 1);
    let plan = world.survey(&world.down()).await.unwrap();
    assert_eq!(plan.skipped.len(), 2, "{:?}", plan.skipped);
    assert_eq!(plan.same.files, 1);
    let small: u64 = (0..50).sum();
    let planned = plan.transferred();
    assert_eq!(planned.files, 52);
    assert_eq!(planned.bytes, content.len() as u64 + small + 5);
    // One never comes, and one breaks off before it does.
    let broken = std::sync::atomic::AtomicBool::new(false);
    world.server.fail(move |seen| match seen.key.as_str() {
        "data/lost" => Some(Fault::Error(404, "NoSuchKey")),
        "data/large" if !broken.swap(true, std::sync::atomic::Ordering::SeqCst) => {
            Some(Fault::BreakOff)
        }
        _ => None,
    });
    let (report, events) = world.execute(&plan).await;
    assert_eq!(report.failures.len(), 1);
    assert_eq!(report.transferred.files, 51);
    assert_eq!(report.transferred.bytes, planned.bytes - 5);
    assert_eq!(
        moved(&events),
        planned.bytes - 5,
        "what was told again is taken back"
    );
    let finished = events.iter().filter_map(|event| match event {
        Progress::Finished { bytes, .. } => Some(*bytes),
        Progress::Started { .. }
        | Progress::Moved { .. }
        | Progress::Rewound { .. }
        | Progress::Failed(_)
        | Progress::Deleted { .. } => None,
    });
    let finished: Vec<u64> = finished.collect();
    assert_eq!(finished.len(), 51);
    assert_eq!(finished.iter().sum::<u64>(), planned.bytes - 5);
    let is_remote = |reason: &FailureReason| matches!(reason, FailureReason::Remote { .. });
    assert!(
        report
            .failures
            .iter()
            .all(|one| one.key == "lost" && !one.reason.stops_the_run())
    );
    assert!(
        report
            .failures
            .iter()
            .all(|one| is_remote(&one.reason) || one.reason == FailureReason::ChangedSincePlanned)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_folder_ignores_takes_no_part_at_either_side() {
    let world = World::new().await;
    world.write(".trainyardignore", "*.tmp\n!kept.tmp\n/scratch/\nlinked/\n");
    world.write("a/.trainyardignore", "only-here\n!*.tmp\n");
    let files = [
        "a/b.tmp",
        "a/only-here",
        "a/x",
        "b.tmp",
        "kept.tmp",
        "only-here",
        "scratch/deep/x",
        "sub/scratch/x",
    ];
    for key in files {
        world.write(key, key);
        world.server.put(&format!("data/{key}"), b"theirs");
    }
    // Nobody looks into a folder that is left out.
    let fifo = Command::new("mkfifo")
        .arg(world.path("scratch/fifo"))
        .status();
    assert!(fifo.unwrap().success());
    symlink("nowhere", world.path("scratch/broken")).unwrap();
    symlink(world.path("sub"), world.path("linked")).unwrap();
    for key in [
        "gone",
        "gone.tmp",
        "scratch/gone",
        "a/gone.tmp",
        "a/.trainyardignore",
    ] {
        world.server.put(&format!("data/{key}"), b"theirs");
    }
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    let kept = ["a/b.tmp", "a/x", "kept.tmp", "only-here", "sub/scratch/x"];
    assert_eq!(keys(&plan), kept);
    assert_eq!(deleted(&plan), ["a/gone.tmp", "gone"]);
    assert!(plan.skipped.is_empty(), "{:?}", plan.skipped);
    // And the other way round, where the folder is the target.
    let plan = world.survey(&with_deletion(world.down())).await.unwrap();
    let mut expected = kept.to_vec();
    expected.extend(["a/gone.tmp", "gone"]);
    expected.sort_unstable();
    assert_eq!(keys(&plan), expected);
    assert_eq!(deleted(&plan), [""; 0]);
    // A link in the target is no folder, as it is none to git.
    assert_eq!(skipped(&plan), [("linked", &SkipReason::LinkInTarget)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_is_deleted_where_that_is_asked_for() {
    let world = World::new().await;
    world.write(".trainyardignore", "*.tmp\n");
    for key in ["a", "b.tmp", "c.tmp"] {
        world.write(key, key);
    }
    for key in ["a", "b.tmp", "d.tmp"] {
        world.server.put(&format!("data/{key}"), key.as_bytes());
    }
    let mut up = with_deletion(world.up());
    up.delete_excluded = true;
    let plan = world.survey(&up).await.unwrap();
    assert_eq!(
        (keys(&plan), deleted(&plan)),
        (vec![], vec!["b.tmp", "d.tmp"])
    );
    let mut down = with_deletion(world.down());
    down.delete_excluded = true;
    let plan = world.survey(&down).await.unwrap();
    assert_eq!(
        (keys(&plan), deleted(&plan)),
        (vec![], vec!["b.tmp", "c.tmp"])
    );
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete());
    assert_eq!(tree(world.root()), [".trainyardignore", "a"]);
}

/// The listing's skipped keys are judged by the rules of their own folder too.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_ignored_is_not_warned_of() {
    let world = World::new().await;
    world.write("a", "a");
    world.write("b/.trainyardignore", "c/\n");
    world.write("b/x", "x");
    for key in ["b/c//odd", "b/d//odd"] {
        world.server.put(&format!("data/{key}"), b"x");
    }
    let plan = world.survey(&world.down()).await.unwrap();
    let named: Vec<&str> = skipped(&plan).iter().map(|(key, _)| *key).collect();
    assert_eq!(named, ["b/d//odd"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_cannot_be_read_end_the_survey() {
    let world = World::new().await;
    world.write("a/x", "x");
    world.server.put("data/b", b"b");
    for wrong in [&b"[z-a]\n"[..], b"caf\xe9\n"] {
        world.write("a/.trainyardignore", wrong);
        for request in [world.up(), world.down()] {
            let refused = world.survey(&with_deletion(request)).await;
            let Err(error @ SurveyError::Rules { .. }) = refused else {
                panic!("{refused:?}");
            };
            assert!(
                error.to_string().contains("a/.trainyardignore: "),
                "{error}"
            );
        }
    }
    assert_eq!(world.server.keys(), ["data/b"]);
}
