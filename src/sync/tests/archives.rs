//! A set that travels as one object: what goes up comes down.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use hyper::Method;

use super::server::Fault;
use super::world::{World, deleted, empty_folder, keys, noise, skipped, tree, with_deletion};
use crate::sync::{
    Archive, ArchiveNote, Control, FailureReason, Request, SkipReason, SurveyError, SyncPlan,
    SyncReport, execute,
};

pub(super) const MEBIBYTE: usize = 1024 * 1024;

pub(super) const KINDS: [Archive; 2] = [Archive::Zip, Archive::TarZst];

/// A world whose sets are archives and whose runs remember.
pub(super) struct Packed {
    pub(super) world: World,
    kind: Archive,
    journals: tempfile::TempDir,
}

impl Packed {
    pub(super) async fn new(kind: Archive) -> Self {
        Self {
            world: World::new().await,
            kind,
            journals: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file that nobody has touched for an hour, so that it is remembered.
    pub(super) fn write(&self, key: &str, content: impl AsRef<[u8]>) {
        self.world.write(key, content);
        let path = self.world.path(key);
        let then = fs::metadata(&path).unwrap().modified().unwrap() - Duration::from_hours(1);
        let file = File::options().append(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_modified(then)).unwrap();
    }

    pub(super) fn up(&self) -> Request {
        self.asked(self.world.up())
    }

    pub(super) fn down(&self) -> Request {
        self.asked(self.world.down())
    }

    fn asked(&self, mut request: Request) -> Request {
        request.archive = Some(self.kind);
        request.journals = Some(self.journals.path().to_owned());
        request
    }

    pub(super) fn key(&self) -> String {
        format!("data.{}", self.kind)
    }

    pub(super) fn manifest(&self) -> String {
        format!("data.{}.manifest.json", self.kind)
    }

    pub(super) async fn survey(&self, request: &Request) -> Result<SyncPlan, SurveyError> {
        self.world.server.forget();
        self.world.survey(request).await
    }

    pub(super) async fn execute(&self, plan: &SyncPlan) -> SyncReport {
        let mut control = Control::new(&|_| {}, &|| false);
        control.journals = Some(self.journals.path());
        let report = execute(&self.world.client, plan, &control).await;
        self.world.assert_tidy();
        report
    }

    /// Does what there is to do, and expects nothing more to do, in two requests.
    pub(super) async fn converge(&self, request: &Request) -> SyncPlan {
        let plan = self.survey(request).await.unwrap();
        let report = self.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(report.transferred, plan.carried());
        assert_eq!(report.deleted, plan.deleted().files);
        let second = self.survey(request).await.unwrap();
        assert!(second.is_empty(), "{second:?}");
        assert_eq!(self.world.server.count(|_| true), 2);
        plan
    }

    /// Forgets what is known of files.
    pub(super) fn forget(&self) {
        for entry in fs::read_dir(self.journals.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_up_comes_down() {
    let long = format!("{}/{}.txt", "d".repeat(120), "é".repeat(90));
    for kind in KINDS {
        let test = Packed::new(kind).await;
        let contents = [
            ("a", b"first".to_vec()),
            ("b/large.png", noise(9 * MEBIBYTE)),
            ("b/run.sh", b"#!/bin/sh\n".repeat(1000)),
            ("b c/+&<>'\"%2e", Vec::new()),
            (long.as_str(), vec![0; 3 * MEBIBYTE]),
        ];
        for (key, content) in &contents {
            test.write(key, content);
        }
        let script = test.world.path("b/run.sh");
        fs::set_permissions(&script, Permissions::from_mode(0o750)).unwrap();
        let time = |key: &str| {
            fs::metadata(test.world.path(key))
                .unwrap()
                .modified()
                .unwrap()
        };
        let times: Vec<_> = contents.iter().map(|(key, _)| time(key)).collect();
        let plan = test.converge(&test.up()).await;
        assert_eq!(plan.new_files().files, 5);
        assert_eq!(test.world.server.keys(), [test.key(), test.manifest()]);

        empty_folder(test.world.root());
        let plan = test.converge(&test.down()).await;
        assert_eq!(plan.new_files().files, 5);
        for ((key, content), then) in contents.iter().zip(times) {
            assert!(test.world.read(key) == *content, "{kind} {key}");
            assert_eq!(time(key), then, "{kind} {key}");
        }
        let mode = |key: &str| {
            fs::metadata(test.world.path(key))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("b/run.sh") & 0o100, 0o100);
        assert_eq!(mode("a") & 0o111, 0);
        // Both ends are known by now, whichever way is asked for.
        assert!(test.survey(&test.up()).await.unwrap().is_empty());
        assert_eq!(test.world.server.count(|_| true), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_is_new_and_changed_and_gone() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        for key in ["changed", "gone", "same", "touched"] {
            test.write(key, key);
        }
        test.converge(&test.up()).await;
        test.write("changed", "CHANGED");
        test.write("new", "new");
        test.write("touched", "touched");
        fs::remove_file(test.world.path("gone")).unwrap();
        let plan = test.survey(&test.up()).await.unwrap();
        assert_eq!(keys(&plan), ["changed", "new"]);
        assert_eq!(deleted(&plan), ["gone"]);
        assert_eq!(plan.same.files, 2);
        assert_eq!(plan.carried().files, 4);
        test.converge(&test.up()).await;

        // The folder of somebody else.
        empty_folder(test.world.root());
        test.write("changed", "another");
        test.write("mine", "mine");
        test.forget();
        let plan = test.converge(&test.down()).await;
        assert_eq!(keys(&plan), ["changed", "new", "same", "touched"]);
        assert_eq!(test.world.read("mine"), b"mine");
        let plan = test.converge(&with_deletion(test.down())).await;
        assert_eq!(deleted(&plan), ["mine"]);
        assert!(!test.world.path("mine").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_files_make_the_same_archive() {
    for kind in KINDS {
        let (one, other) = (Packed::new(kind).await, Packed::new(kind).await);
        for test in [&one, &other] {
            for key in ["b", "a/c", "a.txt"] {
                test.world.write(key, key.repeat(9999));
                test.world.touch(key, 1_700_000_001);
            }
            test.execute(&test.survey(&test.up()).await.unwrap()).await;
        }
        let content = |test: &Packed| test.world.server.get(&test.key()).unwrap().content;
        assert!(content(&one) == content(&other), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_of_a_zip_comes_down_without_the_others() {
    let test = Packed::new(Archive::Zip).await;
    test.write("a.png", noise(20 * MEBIBYTE));
    test.write("b", "wanted");
    test.write("c.png", noise(20 * MEBIBYTE));
    test.converge(&test.up()).await;
    test.write("b", "another");
    let plan = test.survey(&test.down()).await.unwrap();
    test.world.server.forget();
    assert!(test.execute(&plan).await.is_complete());
    assert_eq!(test.world.read("b"), b"wanted");
    let asked = test
        .world
        .server
        .state
        .lock()
        .unwrap()
        .log
        .iter()
        .fold(0, |sum, seen| {
            let (first, last) = seen.range.as_deref().unwrap()[6..].split_once('-').unwrap();
            sum + last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1
        });
    assert!(asked < 2 * MEBIBYTE, "{asked} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_packed_fails_the_run() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("a.png", noise(40 * MEBIBYTE));
        test.write("z", "as it was planned");
        let plan = test.survey(&test.up()).await.unwrap();
        let path = test.world.path("z");
        test.world.server.fail(move |seen| {
            if seen.query.contains_key("partNumber") {
                fs::write(&path, "as it is now").unwrap();
            }
            None
        });
        let report = test.execute(&plan).await;
        assert_eq!(report.failures.len(), 1, "{report:?}");
        assert_eq!(report.failures[0].key, "z");
        assert_eq!(
            report.failures[0].reason,
            FailureReason::ChangedSincePlanned
        );
        assert_eq!(test.world.server.keys().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_packed_but_what_was_planned() {
    let test = Packed::new(Archive::Zip).await;
    test.write("a", "a");
    let plan = test.survey(&test.up()).await.unwrap();
    test.write("b", "b");
    let report = test.execute(&plan).await;
    assert_eq!(
        report.failures[0].reason,
        FailureReason::ChangedSincePlanned
    );
    assert_eq!(test.world.server.keys().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_changed_since_it_was_planned_is_not_unpacked() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("a", "a");
        test.converge(&test.up()).await;
        empty_folder(test.world.root());
        let plan = test.survey(&test.down()).await.unwrap();
        test.world.server.put(&test.key(), b"another revision");
        let report = test.execute(&plan).await;
        assert_eq!(
            report.failures[0].reason,
            FailureReason::ChangedSincePlanned
        );
        assert_eq!(tree(test.world.root()).len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_another_revision_is_not_believed() {
    let test = Packed::new(Archive::Zip).await;
    test.write("a", "a");
    test.converge(&test.up()).await;
    let archive = test.world.server.get(&test.key()).unwrap().content;
    let manifest = test.world.server.get(&test.manifest()).unwrap().content;
    // The archive of a run that was ended before its manifest.
    test.write("a", "other");
    test.converge(&test.up()).await;
    test.world.server.put(&test.manifest(), &manifest);
    let plan = test.survey(&test.up()).await.unwrap();
    let note = plan.archive.as_ref().unwrap().note.clone();
    assert!(matches!(note, Some(ArchiveNote::Untrusted(_))), "{note:?}");
    assert_eq!(keys(&plan), ["a"]);
    // What is there is what counts.
    assert!(test.survey(&test.down()).await.unwrap().is_empty());
    test.world.server.put(&test.key(), &archive);
    let plan = test.survey(&test.down()).await.unwrap();
    assert_eq!(plan.archive.as_ref().unwrap().note, None);
    assert_eq!(keys(&plan), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_archive_and_an_empty_folder_are_no_reason_to_delete() {
    let test = Packed::new(Archive::TarZst).await;
    test.write("a", "a");
    let missing = test.survey(&with_deletion(test.down())).await;
    assert!(matches!(missing, Err(SurveyError::NoArchive { .. })));
    test.converge(&test.up()).await;
    empty_folder(test.world.root());
    let refused = test.survey(&test.up()).await;
    assert!(matches!(
        refused,
        Err(SurveyError::EmptySource { files: 1, .. })
    ));
    // An empty folder and no archive are the same.
    let other = Packed::new(Archive::TarZst).await;
    assert!(other.survey(&other.up()).await.unwrap().is_empty());
    let mut request = test.up();
    request.to = crate::sync::Place::prefix("bucket", "");
    let nameless = test.survey(&request).await;
    assert!(matches!(nameless, Err(SurveyError::NamelessArchive(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_no_absence() {
    let test = Packed::new(Archive::Zip).await;
    test.write("a", "a");
    test.converge(&test.up()).await;
    for fault in [
        Fault::Error(500, "InternalError"),
        Fault::Error(403, "AccessDenied"),
        Fault::Error(404, "NoSuchBucket"),
        Fault::Raw(404, "<html>not S3</html>"),
    ] {
        let failing = fault.clone();
        test.world.server.fail(move |seen| {
            let is_asked = seen.method == Method::GET;
            is_asked.then(|| failing.clone())
        });
        for request in [test.up(), with_deletion(test.down())] {
            let survey = test.survey(&request).await;
            assert!(survey.is_err(), "{fault:?}: {survey:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_lost() {
    let test = Packed::new(Archive::Zip).await;
    test.write("a", "a");
    test.write("b", "b");
    test.converge(&test.up()).await;
    fs::remove_file(test.world.path("a")).unwrap();
    symlink("nowhere", test.world.path("a")).unwrap();
    // Nothing is sent, so nothing is lost.
    assert!(test.survey(&test.up()).await.unwrap().is_empty());
    test.write("c", "c");
    let refused = test.survey(&test.up()).await;
    let Err(SurveyError::WouldLose { key, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(key, "a");
    let mut request = test.up();
    request.exclude = vec!["/a".into()];
    assert_eq!(deleted(&test.survey(&request).await.unwrap()), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_excluded_neither_travels_nor_goes() {
    let test = Packed::new(Archive::TarZst).await;
    test.write("a", "a");
    test.write("b.tmp", "b");
    test.converge(&test.up()).await;
    empty_folder(test.world.root());
    test.write("mine.tmp", "mine");
    test.write("theirs", "theirs");
    let mut request = with_deletion(test.down());
    request.exclude = vec!["*.tmp".into()];
    let plan = test.converge(&request).await;
    assert_eq!(keys(&plan), ["a"]);
    assert_eq!(deleted(&plan), ["theirs"]);
    assert_eq!(tree(test.world.root()), ["a", "mine.tmp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_unpacked_through_a_link_or_over_somebodys_file() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        for key in ["a", "folder/b", "link/c", "z"] {
            test.write(key, key);
        }
        test.converge(&test.up()).await;
        empty_folder(test.world.root());
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(test.world.path("a")).unwrap();
        fs::write(test.world.path("a/x"), "x").unwrap();
        symlink(outside.path(), test.world.path("link")).unwrap();
        let plan = test.survey(&test.down()).await.unwrap();
        test.world.write("folder/b", "appeared since");
        let report = test.execute(&plan).await;
        let failures: Vec<_> = report
            .failures
            .iter()
            .map(|failure| (failure.key.as_str(), &failure.reason))
            .collect();
        let through = FailureReason::ThroughLink("link".to_owned());
        let expected = [
            ("folder/b", &FailureReason::ChangedSincePlanned),
            ("link/c", &through),
        ];
        assert_eq!(failures, expected);
        let expected = [
            ("a", &SkipReason::FolderInTheWay),
            ("link", &SkipReason::LinkInTarget),
        ];
        assert_eq!(skipped(&plan), expected);
        assert_eq!(test.world.read("z"), b"z");
        assert_eq!(test.world.read("folder/b"), b"appeared since");
        assert_eq!(tree(outside.path()).len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_leaves_nothing_half() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("a.png", noise(40 * MEBIBYTE));
        test.write("b", "b");
        let plan = test.survey(&test.up()).await.unwrap();
        let hang = |seen: &super::server::Seen| {
            let is_part = seen
                .query
                .get("partNumber")
                .is_some_and(|number| number == "3");
            let is_range = seen.range.is_some() && seen.key == "data.tar.zst";
            (is_part || is_range).then_some(Fault::Hang)
        };
        test.world.server.fail(hang);
        let report = stopped(&test, &plan).await;
        assert!(
            report.cancelled && report.not_transferred == 2,
            "{report:?}"
        );
        assert_eq!(test.world.server.keys().len(), 0);

        test.world.server.heal();
        test.converge(&test.up()).await;
        empty_folder(test.world.root());
        let plan = test.survey(&with_deletion(test.down())).await.unwrap();
        test.world
            .server
            .fail(|seen| seen.range.is_some().then_some(Fault::Hang));
        let report = stopped(&test, &plan).await;
        assert!(
            report.cancelled && report.not_transferred == 2,
            "{report:?}"
        );
        assert_eq!(tree(test.world.root()).len(), 0);
    }
}

/// Stops a run a moment after it has begun.
async fn stopped(test: &Packed, plan: &SyncPlan) -> SyncReport {
    let begun = std::time::Instant::now();
    let ask = || begun.elapsed() > Duration::from_millis(500);
    let report = execute(&test.world.client, plan, &Control::new(&|_| {}, &ask)).await;
    test.world.assert_tidy();
    report
}
