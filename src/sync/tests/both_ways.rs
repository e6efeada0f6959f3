use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::server::{EPOCH, md5, multipart_etag};
use super::world::{World, keys, noise};
use crate::sync::{Change, SurveyError, Totals, Why};

const MEBIBYTE: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn what_went_up_is_there_and_is_not_sent_again() {
    let world = World::new().await;
    let large = noise(20 * MEBIBYTE);
    let edge = noise(8 * MEBIBYTE);
    world.write("large.bin", &large);
    world.write("edge.bin", &edge);
    world.write("a/small.txt", "small");
    world.write("a/empty", "");
    let plan = world.converge(&world.up()).await;
    assert_eq!(
        keys(&plan),
        ["a/empty", "a/small.txt", "edge.bin", "large.bin"]
    );
    assert_eq!(plan.new_files().files, 4);
    let stored = world.server.get("data/large.bin").unwrap();
    assert_eq!(stored.content, large);
    let parts = [8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE];
    assert_eq!(stored.etag, multipart_etag(&large, &parts));
    assert_eq!(world.server.get("data/edge.bin").unwrap().etag, md5(&edge));
    assert_eq!(world.server.get("data/a/empty").unwrap().content, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_down_is_there_and_is_not_fetched_again() {
    let world = World::new().await;
    let large = noise(20 * MEBIBYTE);
    let parts = [8 * MEBIBYTE, 8 * MEBIBYTE, 4 * MEBIBYTE];
    world.server.put("data/a/b/small.txt", b"small");
    world.server.put("data/empty", b"");
    world.server.put("data/folder/", b"");
    world.server.put("data/whole.bin", &large);
    world.server.put_parts("data/parts.bin", &large, &parts);
    world.server.put("database/other", b"not below data/");
    let plan = world.converge(&world.down()).await;
    assert_eq!(
        keys(&plan),
        ["a/b/small.txt", "empty", "parts.bin", "whole.bin"]
    );
    assert_eq!(world.read("a/b/small.txt"), b"small");
    assert_eq!(world.read("whole.bin"), large);
    assert_eq!(world.read("parts.bin"), large);
    let modified = world.path("a/b/small.txt").metadata().unwrap().modified();
    let since = modified.unwrap().duration_since(std::time::UNIX_EPOCH);
    assert_eq!(since.unwrap().as_secs(), EPOCH.unsigned_abs());
    // And nothing of it would go up again.
    assert!(world.survey(&world.up()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_large_object_comes_in_ranges_of_one_revision() {
    let world = World::new().await;
    let content = noise(70 * MEBIBYTE + 5);
    let mut parts = vec![8 * MEBIBYTE; 8];
    parts.push(6 * MEBIBYTE + 5);
    world.server.put_parts("data/huge.bin", &content, &parts);
    let plan = world.survey(&world.down()).await.unwrap();
    world.server.forget();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.server.count(|seen| seen.range.is_some()), 9);
    assert!(world.read("huge.bin") == content);
    assert!(world.survey(&world.down()).await.unwrap().is_empty());
    world.assert_tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_same_size_are_found_both_ways() {
    let world = World::new().await;
    world.write("a", "one");
    world.write("b", "same");
    world.converge(&world.up()).await;
    // An older file of the same size, as a restored backup is.
    world.write("a", "two");
    world.touch("a", 1_000);
    let plan = world.converge(&world.up()).await;
    assert_eq!(keys(&plan), ["a"]);
    assert_eq!(
        plan.transfers.get(0).unwrap().change,
        Change::Changed(Why::Content)
    );
    assert_eq!(plan.same, Totals { files: 1, bytes: 4 });
    assert_eq!(world.server.get("data/a").unwrap().content, "two");

    world.server.put("data/b", b"emas");
    let plan = world.converge(&world.down()).await;
    assert_eq!(keys(&plan), ["b"]);
    assert_eq!(world.read("b"), b"emas");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touched_file_is_not_sent_again() {
    let world = World::new().await;
    world.write("a", "one");
    world.converge(&world.up()).await;
    world.touch("a", EPOCH + 1_000_000);
    assert!(world.survey(&world.up()).await.unwrap().is_empty());
    assert!(world.survey(&world.down()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_hold_on_both_sides() {
    let world = World::new().await;
    for key in ["a.txt", "a.tmp", "logs/x.txt", "keep/logs2/b.txt"] {
        world.write(key, key);
        world.server.put(&format!("data/other-{key}"), b"");
    }
    let mut request = super::world::with_deletion(world.up());
    request.exclude = vec!["*.tmp".into(), "logs/".into(), "other-*".into()];
    let plan = world.converge(&request).await;
    assert_eq!(keys(&plan), ["a.txt", "keep/logs2/b.txt"]);
    request.exclude = Vec::new();
    request.include = vec!["[".into()];
    assert!(matches!(
        world.survey(&request).await,
        Err(SurveyError::Pattern(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_of_many_pages_join_with_the_walk() {
    let world = World::new().await;
    world.server.state.lock().unwrap().page = 7;
    for number in 0..50 {
        world.write(&format!("d{}/f{number}", number % 5), number.to_string());
        world.write(&format!("d{}.txt", number % 5), "beside");
    }
    let plan = world.converge(&world.up()).await;
    assert_eq!(plan.transfers.len(), 55);
    assert_eq!(world.survey(&world.up()).await.unwrap().same.files, 55);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_tree_is_the_same_after_it_went_up_and_came_down(
        tree in proptest::collection::btree_map("[a-c!+ é-]{1,4}(/[a-c!.]{1,2}x){0,2}", "\\PC{0,20}", 1..12)
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            world.server.state.lock().unwrap().page = 3;
            let mut written = BTreeMap::new();
            for (key, content) in tree {
                // A name that is a file already cannot be a folder, and the reverse.
                let path = world.path(&key);
                if fs::create_dir_all(path.parent().unwrap()).is_ok()
                    && fs::write(&path, &content).is_ok()
                {
                    written.insert(key, content);
                }
            }
            let sent = world.converge(&world.up()).await;
            assert_eq!(keys(&sent), written.keys().map(String::as_str).collect::<Vec<_>>());
            for entry in fs::read_dir(world.root()).unwrap() {
                let path = entry.unwrap().path();
                let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
                gone.unwrap();
            }
            let fetched = world.converge(&world.down()).await;
            assert_eq!(keys(&fetched), keys(&sent));
            for (key, content) in &written {
                assert_eq!(world.read(key), content.as_bytes());
            }
            assert!(world.survey(&world.up()).await.unwrap().is_empty());
        });
    }
}
