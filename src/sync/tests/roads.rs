//! Requests that take the SDK's road without the SDK.

use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Method;

use super::server::{Fault, Seen};
use super::world::{World, noise};

/// The SDK writes into each address which operation it is.
fn is_of_the_sdk(seen: &Seen) -> bool {
    seen.query.contains_key("x-id")
}

fn is_put(seen: &Seen) -> bool {
    seen.method == Method::PUT
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_request_hardly_any_goes_through_the_sdk() {
    let world = World::new().await;
    for number in 0..600 {
        world.write(&format!("a b+c/{number:03}"), noise(number));
    }
    world.write("large", noise(70 << 20));
    let plan = world.survey(&world.up()).await.unwrap();
    world.server.forget();
    world.execute(&plan).await;
    // Those that were on their way before the road was known: as many as begin at once.
    let (all, sdk) = (
        world.server.count(is_put),
        world
            .server
            .count(|seen| is_put(seen) && is_of_the_sdk(seen)),
    );
    assert_eq!(all, 600 + 9);
    assert!(sdk <= 40, "{sdk} of {all}");
    std::fs::remove_dir_all(world.root()).unwrap();
    let plan = world.survey(&world.down()).await.unwrap();
    world.server.forget();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    let gets = |seen: &Seen| seen.method == Method::GET && !seen.is_list();
    let sdk = world.server.count(|seen| gets(seen) && is_of_the_sdk(seen));
    assert_eq!(world.server.count(gets), 601 + 8);
    assert!(sdk <= 40, "{sdk}");
    assert!(world.read("large") == noise(70 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_road_that_is_refused_is_left_and_everything_arrives() {
    for status in [301, 403, 405, 501] {
        let world = World::new().await;
        for number in 0..400 {
            world.write(&format!("{number:03}"), noise(number));
        }
        world.server.fail(move |seen| {
            let is_direct = !is_of_the_sdk(seen) && !seen.is_list();
            is_direct.then_some(Fault::Error(status, "Refused"))
        });
        let plan = world.survey(&world.up()).await.unwrap();
        world.server.forget();
        let (report, _) = world.execute(&plan).await;
        assert!(report.is_complete(), "{report:?}");
        let refused = world.server.count(|seen| !is_of_the_sdk(seen));
        let closes = status != 501;
        assert!(
            (refused < 100) == closes,
            "{status}: {refused} were refused"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_no_page_is_asked_for_again() {
    let world = World::new().await;
    world.server.state.lock().unwrap().page = 3;
    for number in 0..10 {
        world.write(&format!("{number}"), "");
        world.server.put(&format!("data/{number}"), b"");
    }
    for fault in [
        Fault::BreakOff,
        Fault::Reset,
        Fault::Raw(200, "<html></html>"),
        Fault::Error(503, "SlowDown"),
    ] {
        let fault = fault.clone();
        // The SDK is asked for the first, and after each that goes wrong.
        let count = AtomicUsize::new(0);
        world.server.fail(move |_| {
            let is_direct = count.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            is_direct.then(|| fault.clone())
        });
        let plan = world.survey(&world.up()).await.unwrap();
        assert!(plan.is_empty() && plan.same.files == 10, "{plan:?}");
    }
}
