//! Archives and manifests that somebody made to do harm, and those that somebody else made.

use std::fs;

use serde_json::{Value, json};

use super::archives::{KINDS, MEBIBYTE, Packed};
use super::world::{keys, noise, skipped, tree, with_deletion};
use crate::sync::{Archive, ArchiveNote, FailureReason, KeyFault, SkipReason, SurveyError};

/// A tar of entries: a name, a kind, and a content.
fn tar(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        // As it stands: the crate would refuse these.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_600_000_000);
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    zstd::encode_all(builder.into_inner().unwrap().as_slice(), 3).unwrap()
}

/// Changes the manifest of what is there.
fn forge(test: &Packed, change: impl Fn(&mut Value)) {
    let stored = test.world.server.get(&test.manifest()).unwrap().content;
    let mut manifest: Value = serde_json::from_slice(&stored).unwrap();
    change(&mut manifest);
    let forged = serde_json::to_vec(&manifest).unwrap();
    test.world.server.put(&test.manifest(), &forged);
}

fn forget_the_folder(test: &Packed) {
    for name in tree(test.world.root()) {
        if !name.contains('/') {
            fs::remove_file(test.world.path(&name)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_somebody_else_is_unpacked_within_the_folder() {
    let test = Packed::new(Archive::TarZst).await;
    let file = tar::EntryType::Regular;
    let archive = tar(&[
        ("./", tar::EntryType::Directory, b""),
        ("./good", file, b"good"),
        ("../outside", file, b"bad"),
        ("/absolute", file, b"bad"),
        ("a/../../b", file, b"bad"),
        ("link", tar::EntryType::Symlink, b""),
        ("hard", tar::EntryType::Link, b""),
        ("link/through", file, b"fine: no link is made"),
        ("pipe", tar::EntryType::Fifo, b""),
        ("both", file, b"a file"),
        ("both/below", file, b"and a folder"),
    ]);
    test.world.server.put(&test.key(), &archive);
    let plan = test.survey(&test.down()).await.unwrap();
    let note = plan.archive.as_ref().unwrap().note.clone();
    assert_eq!(note, Some(ArchiveNote::NoManifest));
    assert_eq!(keys(&plan), ["both/below", "good", "link/through"]);
    let dots = SkipReason::Key(KeyFault::DotComponent);
    let expected = [
        ("../outside", &dots),
        ("/absolute", &SkipReason::Key(KeyFault::EmptyComponent)),
        ("a/../../b", &dots),
        ("both", &SkipReason::AlsoFolder),
        ("hard", &SkipReason::LinkInArchive),
        ("link", &SkipReason::LinkInArchive),
        ("pipe", &SkipReason::Special),
    ];
    assert_eq!(skipped(&plan), expected);
    let report = test.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let expected = ["both/", "both/below", "good", "link/", "link/through"];
    assert_eq!(tree(test.world.root()), expected);
    // It is read once: what was found is remembered.
    let second = test.survey(&test.down()).await.unwrap();
    assert!(second.is_empty(), "{second:?}");
    assert_eq!(second.skipped.len(), 7);
    assert_eq!(test.world.server.count(|_| true), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_with_a_name_twice_is_refused() {
    let test = Packed::new(Archive::TarZst).await;
    let file = tar::EntryType::Regular;
    let archive = tar(&[("a", file, b"one"), ("a", file, b"other")]);
    test.world.server.put(&test.key(), &archive);
    let refused = test.survey(&with_deletion(test.down())).await;
    let Err(SurveyError::Archive { problem, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(problem, "it has `a` twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_fills_the_memory_is_refused() {
    let test = Packed::new(Archive::TarZst).await;
    let long = vec![b'n'; 64 * MEBIBYTE];
    let archive = tar(&[
        ("name", tar::EntryType::GNULongName, &long),
        ("a", tar::EntryType::Regular, b"content"),
    ]);
    test.world.server.put(&test.key(), &archive);
    let refused = test.survey(&test.down()).await;
    let Err(SurveyError::Archive { problem, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(problem.contains("too much about an entry"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_archive_deletes_nothing_and_leaves_nothing() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("a", noise(100_000));
        test.write("b", "b");
        test.converge(&test.up()).await;
        let whole = test.world.server.get(&test.key()).unwrap().content;
        let mut flipped = whole.to_vec();
        flipped[50_000] ^= 1;
        let damaged = [
            whole[..whole.len() - 1].to_vec(),
            whole[..60_000].to_vec(),
            flipped,
            b"no archive".to_vec(),
            Vec::new(),
        ];
        forget_the_folder(&test);
        test.write("mine", "mine");
        for archive in damaged {
            test.world.server.put(&test.key(), &archive);
            let survey = test.survey(&with_deletion(test.down())).await;
            assert!(
                matches!(survey, Err(SurveyError::Archive { .. })),
                "{survey:?}"
            );
        }
        assert_eq!(tree(test.world.root()), ["mine"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lands_that_is_not_what_the_manifest_says() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("bomb", vec![0; 30 * MEBIBYTE]);
        test.write("good", "good");
        test.write("other", "other");
        test.write("short", "short");
        test.converge(&test.up()).await;
        forget_the_folder(&test);
        test.write("mine", "mine");
        forge(&test, |manifest| {
            manifest["files"][0]["bytes"] = json!(10);
            manifest["files"][2]["sha256"] = json!("0".repeat(64));
            manifest["files"][3]["bytes"] = json!(6);
            manifest["total"]["bytes"] = json!(10 + 4 + 5 + 6);
        });
        let plan = test.survey(&with_deletion(test.down())).await.unwrap();
        assert_eq!(plan.archive.as_ref().unwrap().note, None);
        let report = test.execute(&plan).await;
        let failed: Vec<_> = report.failures.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(failed, ["bomb", "other", "short"]);
        let is_damaged = |reason: &FailureReason| matches!(reason, FailureReason::Damaged(_));
        assert!(report.failures.iter().all(|one| is_damaged(&one.reason)));
        // What came whole is there, and nothing is deleted after a failure.
        assert_eq!(tree(test.world.root()), ["good", "mine"]);
        assert_eq!(report.not_deleted, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_promises_more_than_there_is_fails() {
    for kind in KINDS {
        let test = Packed::new(kind).await;
        test.write("a", "a");
        test.converge(&test.up()).await;
        forge(&test, |manifest| {
            let mut more = manifest["files"][0].clone();
            more["path"] = json!("b");
            manifest["files"].as_array_mut().unwrap().push(more);
            manifest["total"] = json!({"files": 2, "bytes": 2});
        });
        let plan = test.survey(&test.down()).await.unwrap();
        assert_eq!(keys(&plan), ["b"]);
        let report = test.execute(&plan).await;
        assert_eq!(report.failures[0].key, "b");
        assert_eq!(tree(test.world.root()), ["a"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_manifest_is_not_believed_and_the_archive_is_read() {
    let test = Packed::new(Archive::Zip).await;
    test.write("a", "a");
    test.converge(&test.up()).await;
    let forged: [fn(&mut Value); 4] = [
        |manifest| manifest["files"][0]["path"] = json!("../a"),
        |manifest| manifest["files"][0]["path"] = json!("/etc/passwd"),
        |manifest| manifest["format"] = json!(7),
        |manifest| *manifest = json!([[[]]]),
    ];
    let good = test.world.server.get(&test.manifest()).unwrap().content;
    for change in forged {
        test.world.server.put(&test.manifest(), &good);
        forge(&test, change);
        test.forget();
        let plan = test.survey(&test.down()).await.unwrap();
        let note = plan.archive.as_ref().unwrap().note.clone();
        assert!(matches!(note, Some(ArchiveNote::Untrusted(_))), "{note:?}");
        assert!(plan.is_empty(), "{plan:?}");
    }
}
