//! Single objects.

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, DateTimeFormat};
use aws_sdk_s3::types::StorageClass;
use http::Request;
use s3s::Body;

use super::{BUCKET, Server, noise, refusal};

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let folder = tempfile::tempdir().unwrap();
    for server in [
        Server::in_memory().await,
        Server::in_folder(folder.path()).await,
    ] {
        let put = server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("model/weights.bin")
            .body(b"123456789".to_vec().into())
            .content_type("application/x-weights")
            .cache_control("max-age=60")
            .content_encoding("gzip")
            .content_language("de")
            .content_disposition("attachment")
            .storage_class(StorageClass::StandardIa)
            .metadata("epoch", "17")
            .metadata("note", "größer")
            .send()
            .await
            .unwrap();
        assert_eq!(put.e_tag(), Some("\"25f9e794323b453885f5181f1b624d0b\""));

        let get = server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("model/weights.bin")
            .send()
            .await
            .unwrap();
        assert_eq!(get.content_type(), Some("application/x-weights"));
        assert_eq!(get.cache_control(), Some("max-age=60"));
        assert_eq!(get.content_encoding(), Some("gzip"));
        assert_eq!(get.content_language(), Some("de"));
        assert_eq!(get.content_disposition(), Some("attachment"));
        assert_eq!(get.storage_class(), Some(&StorageClass::StandardIa));
        assert_eq!(get.metadata().unwrap()["epoch"], "17");
        assert_eq!(get.content_length(), Some(9));
        assert_eq!(get.e_tag(), put.e_tag());
        let second = get.last_modified().unwrap().to_owned();
        assert_eq!(second.subsec_nanos(), 0);
        assert_eq!(get.body.collect().await.unwrap().to_vec(), b"123456789");

        let head = server
            .client
            .head_object()
            .bucket(BUCKET)
            .key("model/weights.bin")
            .send()
            .await
            .unwrap();
        assert_eq!(
            (head.content_length(), head.e_tag()),
            (Some(9), put.e_tag())
        );

        let listed = server
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        let object = &listed.contents()[0];
        assert_eq!((object.size(), object.e_tag()), (Some(9), put.e_tag()));
        let listed = object.last_modified().unwrap();
        assert_eq!(listed.secs(), second.secs());
        assert!(
            listed.fmt(DateTimeFormat::DateTime).unwrap().contains('.'),
            "{listed}"
        );
    }
}

#[tokio::test]
async fn what_is_missing_is_said_to_be() {
    let server = Server::in_memory().await;
    let client = &server.client;
    assert_eq!(
        refusal(client.get_object().bucket(BUCKET).key("a").send().await),
        "404 NoSuchKey"
    );
    assert_eq!(
        refusal(client.head_object().bucket(BUCKET).key("a").send().await),
        "404 NotFound"
    );
    assert_eq!(
        refusal(
            client
                .get_object()
                .bucket("elsewhere")
                .key("a")
                .send()
                .await
        ),
        "404 NoSuchBucket"
    );
    let put = client
        .put_object()
        .bucket("elsewhere")
        .key("a")
        .body(b"x".to_vec().into());
    assert_eq!(refusal(put.send().await), "404 NoSuchBucket");
    // Deleting what is not there is done already.
    client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let server = Server::in_memory().await;
    let put = || {
        server
            .client
            .put_object()
            .bucket(BUCKET)
            .key("a")
            .body(b"x".to_vec().into())
    };
    assert_eq!(
        refusal(put().tagging("a=b").send().await),
        "501 NotImplemented"
    );
    let class = StorageClass::from("LUKEWARM");
    assert_eq!(
        refusal(put().storage_class(class).send().await),
        "400 InvalidStorageClass"
    );
    assert_eq!(
        refusal(put().metadata("a", "x".repeat(2048)).send().await),
        "400 MetadataTooLarge"
    );
    let long = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("k".repeat(1025))
        .body(b"x".to_vec().into());
    assert_eq!(refusal(long.send().await), "400 KeyTooLongError");
    assert!(server.keys().await.is_empty());
}

#[tokio::test]
async fn a_file_is_streamed_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(&folder.path().join("store")).await;
    let bytes = noise(3_000_001, 1);
    let path = folder.path().join("upload");
    std::fs::write(&path, &bytes).unwrap();
    let body = ByteStream::from_path(&path).await.unwrap();
    server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("large")
        .body(body)
        .send()
        .await
        .unwrap();
    assert!(server.get("large").await == bytes);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let request = Request::put("/training-data/a").header("content-length", "10");
    let (status, _, body) = server
        .raw(request.body(Body::from("short".to_owned())).unwrap())
        .await;
    assert_eq!(status, 400);
    assert!(body.contains("IncompleteBody"), "{body}");
    assert!(server.keys().await.is_empty());
    assert_eq!(
        std::fs::read_dir(folder.path().join("objects"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn ranges() {
    let server = Server::in_memory().await;
    server.put("a", "0123456789").await;
    server.put("empty", "").await;
    let get = |range: &str| {
        server
            .client
            .get_object()
            .bucket(BUCKET)
            .key("a")
            .range(range)
            .send()
    };
    for (range, bytes, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-5", "345", "bytes 3-5/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
        ("bytes=-500", "0123456789", "bytes 0-9/10"),
    ] {
        let answer = get(range).await.unwrap();
        assert_eq!(answer.content_range(), Some(content_range));
        assert_eq!(
            answer.body.collect().await.unwrap().to_vec(),
            bytes.as_bytes(),
            "{range}"
        );
    }
    assert_eq!(refusal(get("bytes=10-").await), "416 InvalidRange");
    assert_eq!(refusal(get("bytes=-0").await), "416 InvalidRange");
    let empty = server.client.get_object().bucket(BUCKET).key("empty");
    assert_eq!(
        refusal(empty.range("bytes=-1").send().await),
        "416 InvalidRange"
    );
}

#[tokio::test]
async fn presigned_addresses_work_without_a_client() {
    let server = Server::in_memory().await;
    server.put("a b", "bytes").await;
    let hour = PresigningConfig::expires_in(std::time::Duration::from_hours(1)).unwrap();
    let signed = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a b")
        .presigned(hour)
        .await
        .unwrap();
    let (status, _, body) = server
        .raw(Request::get(signed.uri()).body(Body::empty()).unwrap())
        .await;
    assert_eq!((status, body.as_str()), (200, "bytes"));
}
