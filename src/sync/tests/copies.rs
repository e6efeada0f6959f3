//! Single objects as streams, over a network that damages them.

use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::Method;

use super::server::Fault;
use super::world::{World, noise};
use crate::resource::ObjectOptions;
use crate::sync::{Control, Copied, End, FailureReason, Object, Pipes, copy};

fn object(key: &str) -> End {
    End::Object(Object {
        bucket: "bucket".to_owned(),
        key: key.to_owned(),
    })
}

/// Reads an object as a stream: how that went, and what was written.
async fn read(world: &World, key: &str) -> (Result<Copied, FailureReason>, Vec<u8>) {
    let mut output = Vec::new();
    let pipes = Pipes {
        input: tokio::io::empty(),
        output: &mut output,
    };
    let control = Control::new(&|_| {}, &|| false);
    let ends = (&object(key), &End::Stream);
    let copied = Box::pin(copy(
        &world.client,
        ends,
        &ObjectOptions::default(),
        pipes,
        &control,
    ))
    .await;
    (copied, output)
}

fn is_get(method: &Method) -> bool {
    method == Method::GET
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_goes_on_where_it_broke() {
    let world = World::new().await;
    let content = noise(20 << 20);
    world.server.put("a", &content);
    let gets = AtomicUsize::new(0);
    world.server.fail(move |seen| {
        let hit = is_get(&seen.method) && gets.fetch_add(1, Ordering::SeqCst) < 3;
        hit.then_some(Fault::BreakOff)
    });
    let (copied, output) = read(&world, "a").await;
    assert_eq!(copied, Ok(Copied::Whole(20 << 20)));
    assert!(output == content, "{} bytes", output.len());
    let ranges = world.server.count(|seen| seen.range.is_some());
    assert!(ranges > 0, "it began anew each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_damaged_is_a_failure_at_its_end() {
    let world = World::new().await;
    world.server.put("a", b"content");
    world
        .server
        .fail(|seen| is_get(&seen.method).then_some(Fault::Corrupt));
    // By its checksum, or by its tag where that is a digest.
    for keeps_checksums in [true, false] {
        world.server.state.lock().unwrap().keeps_checksums = keeps_checksums;
        let (copied, _) = read(&world, "a").await;
        assert!(
            matches!(copied, Err(FailureReason::Damaged(_))),
            "{copied:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_always_breaks_off_is_given_up() {
    let world = World::new().await;
    world.server.put("a", &noise(300_000));
    world
        .server
        .fail(|seen| is_get(&seen.method).then_some(Fault::BreakOff));
    let (copied, output) = read(&world, "a").await;
    assert!(
        matches!(copied, Err(FailureReason::Remote { .. })),
        "{copied:?}"
    );
    assert!(output.len() < 300_000);
}
