//! Archives that nobody has described, and what is asked of a folder beside one.

use super::archives::{KINDS, Packed};
use super::server::Fault;
use super::world::{deleted, empty_folder, keys, tree, with_deletion};
use crate::resource::DeletionLimit;
use crate::sync::{Archive, ArchiveNote, Change, SurveyError, Why};

/// A run that was killed between the archive and its manifest, or another tool, has left it.
async fn undescribed(kind: Archive, keys: &[&str]) -> Packed {
    let test = Packed::new(kind).await;
    for key in keys {
        test.write(key, key);
    }
    test.converge(&test.up()).await;
    let mut state = test.world.server.state.lock().unwrap();
    state.objects.remove(&test.manifest());
    drop(state);
    test.forget();
    test
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_without_a_manifest_is_not_replaced_unseen() {
    for kind in KINDS {
        let test = undescribed(kind, &["a", "b", "c"]).await;
        for key in ["a", "b"] {
            std::fs::remove_file(test.world.path(key)).unwrap();
        }
        let plan = test.survey(&test.up()).await.unwrap();
        let note = plan.archive.as_ref().unwrap().note.clone();
        assert_eq!(note, Some(ArchiveNote::NoManifest));
        assert_eq!(deleted(&plan), ["a", "b"]);
        assert!(plan.beyond(DeletionLimit::default()).is_some());
        // What is the same is packed again all the same, so that there is a manifest.
        assert_eq!(keys(&plan), ["c"]);
        let change = plan.transfers.get(0).unwrap().change;
        assert_eq!(change, Change::Changed(Why::Anew));
        test.converge(&test.up()).await;
        empty_folder(test.world.root());
        assert_eq!(keys(&test.converge(&test.down()).await), ["c"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_replaces_no_archive_that_nobody_has_described() {
    let test = undescribed(Archive::Zip, &["a", "b"]).await;
    empty_folder(test.world.root());
    let refused = test.survey(&test.up()).await;
    assert!(
        matches!(refused, Err(SurveyError::EmptySource { files: 2, .. })),
        "{refused:?}"
    );
    let mut request = test.up();
    request.allow_empty_source = true;
    let plan = test.survey(&request).await.unwrap();
    assert_eq!(deleted(&plan), ["a", "b"]);
    assert!(test.execute(&plan).await.is_complete());
    assert!(test.survey(&request).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_into_is_not_replaced() {
    let test = undescribed(Archive::Zip, &["a"]).await;
    test.world.server.put(&test.key(), b"no archive at all");
    let refused = test.survey(&test.up()).await;
    assert!(
        matches!(refused, Err(SurveyError::Archive { .. })),
        "{refused:?}"
    );
    test.world.server.fail(|seen| {
        let is_content = seen.range.is_some();
        is_content.then_some(Fault::Error(403, "AccessDenied"))
    });
    let refused = test.survey(&test.up()).await;
    assert!(
        matches!(refused, Err(SurveyError::Archive { .. })),
        "{refused:?}"
    );
}

/// As of a prefix: what the folder ignores neither comes down nor goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_folder_ignores_is_not_unpacked() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        for key in ["a", "b.log", "logs/c", "logs/keep/d", "z"] {
            test.write(key, key);
        }
        test.converge(&test.up()).await;
        empty_folder(test.world.root());
        test.write(".trainyardignore", "*.log\nlogs/*\n!logs/keep\n");
        test.write("b.log", "mine");
        let plan = test.converge(&with_deletion(test.down())).await;
        assert_eq!(keys(&plan), ["a", "logs/keep/d", "z"]);
        assert!(deleted(&plan).is_empty());
        assert_eq!(test.world.read("b.log"), b"mine");
        // What takes no part goes where that is asked for.
        let mut request = with_deletion(test.down());
        request.delete_excluded = true;
        let plan = test.converge(&request).await;
        assert_eq!(deleted(&plan), ["b.log"]);
        let files = tree(test.world.root());
        let files: Vec<&String> = files.iter().filter(|key| !key.ends_with('/')).collect();
        assert_eq!(files, [".trainyardignore", "a", "logs/keep/d", "z"]);
    }
}
