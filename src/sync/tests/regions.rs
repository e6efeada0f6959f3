//! Buckets in other regions than the one that is asked.

use jiff::Timestamp;

use super::server::Upload;
use super::world::{World, empty_folder, keys, noise, with_deletion};
use crate::resource::ObjectOptions;
use crate::sync::{Archive, Control, Copied, End, Object, Pipes, Place, abandoned, copy, give_up};

const MEBIBYTE: usize = 1024 * 1024;

async fn far_away() -> World {
    let world = World::new().await;
    let mut state = world.server.state.lock().unwrap();
    state.make_bucket("bucket", Some("us-west-2"));
    drop(state);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_found_there() {
    let world = far_away().await;
    world.write("small", "content");
    world.write("large", noise(20 * MEBIBYTE));
    world.server.put("data/extra", b"extra");
    let plan = world.survey(&with_deletion(world.up())).await.unwrap();
    assert_eq!(plan.region.as_deref(), Some("us-west-2"));
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.transferred.files, report.deleted), (2, 1));
    let next = world.survey(&with_deletion(world.up())).await.unwrap();
    assert!(next.is_empty());

    let large = world.read("large");
    empty_folder(world.root());
    let plan = world.survey(&world.down()).await.unwrap();
    assert_eq!(keys(&plan), ["large", "small"]);
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(world.read("large") == large);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_in_another_region_is_found_there() {
    let world = far_away().await;
    world.write("a", "content");
    let mut up = world.up();
    up.archive = Some(Archive::Zip);
    let plan = world.survey(&up).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    empty_folder(world.root());
    let mut down = world.down();
    down.archive = Some(Archive::Zip);
    let plan = world.survey(&down).await.unwrap();
    let (report, _) = world.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.read("a"), b"content");
}

#[tokio::test(flavor = "multi_thread")]
async fn single_files_and_streams_find_their_bucket() {
    let world = far_away().await;
    let object = |key: &str| {
        End::Object(Object {
            bucket: "bucket".to_owned(),
            key: key.to_owned(),
        })
    };
    let file = |key: &str| End::File(world.path(key));
    let go = async |from: End, to: End| {
        let mut printed = Vec::new();
        let pipes = Pipes {
            input: &b"streamed"[..],
            output: &mut printed,
        };
        let control = Control::new(&|_| {}, &|| false);
        let copied = copy(
            &world.client,
            (&from, &to),
            &ObjectOptions::default(),
            pipes,
            &control,
        )
        .await;
        (copied, printed)
    };
    world.write("small", "content");
    world.write("large", noise(20 * MEBIBYTE));
    let whole = 20 * MEBIBYTE as u64;
    assert_eq!(go(file("small"), object("s")).await.0, Ok(Copied::Whole(7)));
    assert_eq!(
        go(file("large"), object("l")).await.0,
        Ok(Copied::Whole(whole))
    );
    assert_eq!(
        go(object("l"), file("back")).await.0,
        Ok(Copied::Whole(whole))
    );
    assert!(world.read("back") == world.read("large"));
    assert_eq!(go(End::Stream, object("t")).await.0, Ok(Copied::Whole(8)));
    let (copied, printed) = go(object("t"), End::Stream).await;
    assert_eq!(
        (copied, &printed[..]),
        (Ok(Copied::Whole(8)), &b"streamed"[..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_were_left_in_another_region_are_given_up_there() {
    let world = far_away().await;
    let begun = world.client.create_multipart_upload().bucket("bucket");
    let here = begun.key("data/a").send().await;
    assert!(here.is_err(), "it is in another region");
    let upload = Upload {
        key: "data/a".to_owned(),
        begun: "2026-01-02T03:04:05.000Z".to_owned(),
        ..Upload::default()
    };
    world.leave_upload("id", upload);
    let place = Place::prefix("bucket", "data");
    let found = abandoned(
        &world.client,
        &place,
        (None, Timestamp::MAX),
        &ObjectOptions::default(),
    )
    .await;
    let found = found.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        give_up(&world.client, "bucket", found, &ObjectOptions::default()).await,
        []
    );
    world.assert_tidy();
}
