//! Odd keys, and copying and deleting by key.

use aws_sdk_s3::types::{Delete, MetadataDirective, ObjectIdentifier, StorageClass};

use super::{BUCKET, Server, refusal};

#[tokio::test]
async fn odd_keys() {
    let keys = [
        " leading and trailing ",
        "a+b",
        "100%",
        "a//b",
        "//",
        "./a",
        "../a",
        "..",
        "a/",
        "a/.",
        "dir/",
        "ctrl\u{1}\u{1f}",
        "tab\tline\nreturn\r",
        "<&>\"'",
        "ünï/日本/😀",
        "?x=y#z",
        "key=value;a,b",
        "~",
        "\u{7f}",
        "back\\slash",
    ];
    let folder = tempfile::tempdir().unwrap();
    for server in [
        Server::in_memory().await,
        Server::in_folder(folder.path()).await,
    ] {
        let longest = "k".repeat(1024);
        let all: Vec<&str> = keys.iter().copied().chain([longest.as_str()]).collect();
        for key in &all {
            server.put(key, *key).await;
        }
        for key in &all {
            assert_eq!(server.get(key).await, key.as_bytes(), "{key:?}");
        }
        let mut sorted: Vec<String> = all.iter().map(|key| (*key).to_owned()).collect();
        sorted.sort();
        assert_eq!(server.keys().await, sorted);

        let encoded = server
            .client
            .list_objects_v2()
            .bucket(BUCKET)
            .encoding_type("url".into())
            .send()
            .await
            .unwrap();
        assert!(
            encoded
                .contents()
                .iter()
                .any(|object| object.key() == Some("ctrl%01%1F"))
        );

        let copy = server.client.copy_object().bucket(BUCKET).key("copied");
        copy.copy_source("training-data/a%2Bb")
            .send()
            .await
            .unwrap();
        assert_eq!(server.get("copied").await, b"a+b");

        let named = |key: &&str| ObjectIdentifier::builder().key(*key).build().unwrap();
        let delete = Delete::builder()
            .set_objects(Some(all.iter().map(named).collect()))
            .build()
            .unwrap();
        let answer = server
            .client
            .delete_objects()
            .bucket(BUCKET)
            .delete(delete)
            .send()
            .await
            .unwrap();
        assert!(answer.errors().is_empty(), "{:?}", answer.errors());
        assert_eq!(answer.deleted().len(), all.len());
        assert_eq!(server.keys().await, ["copied"]);
    }
}

#[tokio::test]
async fn deleting_many_quietly() {
    let server = Server::in_memory().await;
    let etag = server.put("a", "1").await;
    server.put("b", "2").await;
    let named = |key: &str, etag: Option<&str>| {
        ObjectIdentifier::builder()
            .key(key)
            .set_e_tag(etag.map(str::to_owned))
            .build()
            .unwrap()
    };
    let objects = vec![
        named("a", Some(&etag)),
        named("b", Some(&etag)),
        named("missing", None),
    ];
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .unwrap();
    let answer = server
        .client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert!(answer.deleted().is_empty());
    let errors: Vec<_> = answer
        .errors()
        .iter()
        .map(|error| (error.key().unwrap(), error.code().unwrap()))
        .collect();
    assert_eq!(errors, [("b", "PreconditionFailed")]);
    assert_eq!(server.keys().await, ["b"]);
}

#[tokio::test]
async fn copies() {
    let server = Server::in_memory().await;
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .metadata("epoch", "1")
        .content_type("text/plain");
    put.body(b"bytes".to_vec().into()).send().await.unwrap();
    let copy = |key: &str| {
        server
            .client
            .copy_object()
            .bucket(BUCKET)
            .key(key)
            .copy_source("training-data/a")
    };
    let head = async |key: &str| {
        server
            .client
            .head_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap()
    };

    copy("b").send().await.unwrap();
    let kept = head("b").await;
    assert_eq!(
        (
            kept.metadata().unwrap()["epoch"].as_str(),
            kept.content_type()
        ),
        ("1", Some("text/plain"))
    );
    assert_eq!(server.get("b").await, b"bytes");

    let replaced = copy("c")
        .metadata_directive(MetadataDirective::Replace)
        .metadata("epoch", "2");
    replaced
        .storage_class(StorageClass::OnezoneIa)
        .send()
        .await
        .unwrap();
    let replaced = head("c").await;
    assert_eq!(replaced.metadata().unwrap()["epoch"], "2");
    assert_eq!(
        (replaced.content_type(), replaced.storage_class()),
        (Some("binary/octet-stream"), Some(&StorageClass::OnezoneIa),)
    );

    assert_eq!(refusal(copy("a").send().await), "400 InvalidRequest");
    copy("a")
        .metadata_directive(MetadataDirective::Replace)
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(copy("b").if_none_match("*").send().await),
        "412 PreconditionFailed"
    );
    assert_eq!(
        refusal(copy("d").copy_source_if_match("\"other\"").send().await),
        "412 PreconditionFailed"
    );
    let missing = server
        .client
        .copy_object()
        .bucket(BUCKET)
        .key("d")
        .copy_source("training-data/missing");
    assert_eq!(refusal(missing.send().await), "404 NoSuchKey");
}
