use std::time::Duration;

use super::server::{Fault, Seen};
use super::world::World;
use crate::sync::{Place, Request};

/// Longer than a page may take that is worth no question.
const LATE: Duration = Duration::from_millis(250);

/// A bucket that nobody knows, with folders in folders and of many sizes.
async fn bucket() -> (World, Vec<String>) {
    let world = World::new().await;
    let mut keys = Vec::new();
    for number in 0..24 {
        keys.push(format!("train/n{:02}/{number:03}", number / 2));
    }
    for number in 0..16 {
        keys.push(format!("train/n99/{number:03}"));
    }
    for place in ["a/b/c/d/e/f/g", "train/nine", "val/1/1", "z"] {
        keys.push(place.to_owned());
    }
    keys.sort();
    for key in &keys {
        world.server.put(&format!("data/{key}"), key.as_bytes());
    }
    // What shows an empty folder in a console has the very key that a listing is cut at.
    for marker in ["data/train/n03/", "data/val/", "database/1"] {
        world.server.put(marker, b"");
    }
    world.server.state.lock().unwrap().page = 3;
    (world, keys)
}

fn asks_for_folders(seen: &Seen) -> bool {
    seen.query.contains_key("delimiter")
}

fn begins_a_stretch(seen: &Seen) -> bool {
    seen.query.contains_key("start-after") && !asks_for_folders(seen)
}

async fn found(world: &World, request: &Request) -> Vec<String> {
    let plan = world.survey(request).await.unwrap();
    let transfers = plan.transfers.into_iter();
    transfers.map(|transfer| transfer.key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_far_away_is_listed_in_branches_and_nothing_is_overlooked() {
    let (world, keys) = bucket().await;
    world
        .server
        .fail(|seen| seen.is_list().then_some(Fault::Late(LATE)));
    assert_eq!(found(&world, &world.down()).await, keys);
    assert!(world.server.count(asks_for_folders) > 0);
    let stretches = world.server.count(begins_a_stretch);
    assert!(stretches >= 4, "{stretches}");
    // A whole bucket has no prefix.
    world.server.forget();
    let mut request = world.down();
    request.from = Place::Prefix {
        bucket: "bucket".to_owned(),
        prefix: String::new(),
    };
    let all = found(&world, &request).await;
    let mut expected: Vec<String> = keys.iter().map(|key| format!("data/{key}")).collect();
    expected.push("database/1".to_owned());
    assert_eq!(all, expected);
    assert!(world.server.count(begins_a_stretch) >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_tells_no_folders_is_listed_page_by_page() {
    let (world, keys) = bucket().await;
    world.server.fail(|seen| {
        if asks_for_folders(seen) {
            return Some(Fault::Error(403, "AccessDenied"));
        }
        seen.is_list().then_some(Fault::Late(LATE))
    });
    assert_eq!(found(&world, &world.down()).await, keys);
    assert_eq!(world.server.count(begins_a_stretch), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_the_bucket_no_question_is_asked() {
    let (world, keys) = bucket().await;
    assert_eq!(found(&world, &world.down()).await, keys);
    assert_eq!(world.server.count(asks_for_folders), 0);
    assert_eq!(world.server.count(begins_a_stretch), 0);
}
