//! What a restart finds.

use std::io::Write as _;
use std::path::Path;

use aws_sdk_s3::types::CompletedMultipartUpload;

use super::multipart::put_part;
use super::{BUCKET, Server, clock};
use crate::local::s3::{ObjectStore, OpenError};

fn open(folder: &Path) -> Result<ObjectStore, OpenError> {
    ObjectStore::open(Some(folder.to_owned()), clock())
}

/// Returns the message of an error and of its causes, without the folder.
fn message(folder: &Path, result: Result<ObjectStore, OpenError>) -> String {
    result
        .unwrap_err()
        .to_string()
        .replace(&folder.display().to_string(), "FOLDER")
}

fn append(folder: &Path, text: &str) {
    let mut file = std::fs::File::options()
        .append(true)
        .open(folder.join("index.log"))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_restart_finds_every_object() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let odd = "../odd\u{1}//";
    let put = server
        .client
        .put_object()
        .bucket(BUCKET)
        .key(odd)
        .metadata("epoch", "4");
    put.body(b"bytes".to_vec().into()).send().await.unwrap();
    server.put("deleted", "gone").await;
    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("deleted")
        .send()
        .await
        .unwrap();
    server.put("replaced", "old").await;
    server.put("replaced", "new").await;
    let before = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key(odd)
        .send()
        .await
        .unwrap();
    server.stop().await;

    // Twice, because opening compacts the index.
    Server::open(Some(folder.path())).await.stop().await;
    let server = Server::open(Some(folder.path())).await;
    assert_eq!(server.keys().await, [odd, "replaced"]);
    assert_eq!(server.get("replaced").await, b"new");
    let after = server
        .client
        .head_object()
        .bucket(BUCKET)
        .key(odd)
        .send()
        .await
        .unwrap();
    assert_eq!(after.e_tag(), before.e_tag());
    assert_eq!(after.last_modified(), before.last_modified());
    assert_eq!(after.metadata().unwrap()["epoch"], "4");
}

#[tokio::test]
async fn a_restart_finds_uploads_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let create = server
        .plain_client()
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a");
    let upload = create.send().await.unwrap().upload_id.unwrap();
    let part = put_part(&server, &upload, 1, b"part".to_vec()).await;
    server.stop().await;

    Server::open(Some(folder.path())).await.stop().await;
    let server = Server::open(Some(folder.path())).await;
    let complete = server
        .client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("a");
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    complete
        .upload_id(&upload)
        .multipart_upload(parts)
        .send()
        .await
        .unwrap();
    assert_eq!(server.get("a").await, b"part");
    server.stop().await;

    // No identifier is given twice, even when its upload is long over.
    let server = Server::open(Some(folder.path())).await;
    let next = server
        .client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_ne!(next.upload_id(), Some(upload.as_str()));
}

#[tokio::test]
async fn a_torn_last_line_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    server.put("a", "bytes").await;
    server.stop().await;
    append(
        folder.path(),
        "{\"entry\":\"object_deleted\",\"bucket\":\"training-da",
    );
    let server = Server::open(Some(folder.path())).await;
    assert_eq!(server.get("a").await, b"bytes");
    server.put("b", "more").await;
    server.stop().await;
    let server = Server::open(Some(folder.path())).await;
    assert_eq!(server.keys().await, ["a", "b"]);
}

#[tokio::test]
async fn damage_is_reported_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    server.put("a", "bytes").await;
    server.stop().await;
    let whole = std::fs::read_to_string(folder.path().join("index.log")).unwrap();

    append(
        folder.path(),
        "{\"entry\":\"object_deleted\",\"bucket\":\"other\",\"key\":\"a\"}\n",
    );
    assert_eq!(
        message(folder.path(), open(folder.path())),
        "the object index FOLDER/index.log is damaged at line 4: the bucket does not exist"
    );
    std::fs::write(
        folder.path().join("index.log"),
        whole.replacen("object_put", "object_pat", 1),
    )
    .unwrap();
    let damaged = message(folder.path(), open(folder.path()));
    assert!(
        damaged
            .starts_with("the object index FOLDER/index.log is damaged at line 3: unknown variant"),
        "{damaged}"
    );
    std::fs::write(
        folder.path().join("index.log"),
        whole.replacen("\"version\":1", "\"version\":2", 1),
    )
    .unwrap();
    let damaged = message(folder.path(), open(folder.path()));
    assert!(
        damaged.contains("at line 1: this is trainyard-object-index version 2"),
        "{damaged}"
    );

    std::fs::write(folder.path().join("index.log"), &whole).unwrap();
    let content = std::fs::read_dir(folder.path().join("objects"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::write(&content, "byt").unwrap();
    let damaged = message(folder.path(), open(folder.path()));
    assert!(
        damaged.ends_with("is damaged: the index has 5 bytes, the file 3"),
        "{damaged}"
    );
    std::fs::remove_file(&content).unwrap();
    assert!(matches!(
        open(folder.path()),
        Err(OpenError::DamagedContent { found: 0, .. })
    ));
}

#[tokio::test]
async fn two_processes_cannot_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(OpenError::InUse { .. })));
    drop(first);
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn leftovers_are_removed_and_strangers_are_not() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let objects = folder.path().join("objects");
    std::fs::write(
        objects.join("00000000000000ff"),
        "an upload that was cut off",
    )
    .unwrap();
    std::fs::write(objects.join("README"), "not ours").unwrap();
    open(folder.path()).unwrap();
    assert!(!objects.join("00000000000000ff").exists());
    assert!(objects.join("README").exists());
}

#[tokio::test]
async fn a_reader_keeps_what_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::in_folder(folder.path()).await;
    let bytes = super::noise(4_000_000, 9);
    server.put("a", bytes.clone()).await;
    let reading = server
        .client
        .get_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    server
        .client
        .delete_object()
        .bucket(BUCKET)
        .key("a")
        .send()
        .await
        .unwrap();
    server.put("a", "new").await;
    assert!(reading.body.collect().await.unwrap().to_vec() == bytes);
}
